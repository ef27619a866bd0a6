"""Writes: a contract is changed by new versions, which one side proposes and both sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.amendments import (
    NewAmendment,
    amended,
    amendment_state,
    must_be_in_force,
    said,
    shortfall,
)
from marketplace.domain.contracts import FilingTerm, Terms, terms
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.persistence.amendments import Amendment, AmendmentSignature, ShortfallMonth
from marketplace.persistence.caps import held_by_buyers
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import Filing
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.services.bidawards import must_be_permitted, pair_must_fit
from marketplace.services.contracts import HeldContract, held_contract, note, open_proposal, state_of
from marketplace.services.counters import Share
from marketplace.services.ladder import free
from marketplace.services.parties import tell_parties
from marketplace.services.proposals import share_of
from marketplace.services.signing import FreshProof
from marketplace.services.verification import must_be_verified


def propose_amendment(session: Session, actor: Actor, contract_id: int, new: NewAmendment, *, now: datetime) -> int:
    """
    Propose a new version of a contract and return its id; it is in force when both sides have signed it.

    Raises NotFound, NotAllowed; Invalid if it changes nothing or something past; Conflict if the contract is over, another
    proposal is open, a party may make no deals, or there is no room for what is more.
    """
    with transaction(session):
        held = held_contract(session, actor, contract_id, now)
        must_be_verified(session, held.organization_id)
        if open_proposal(session, contract_id) is not None:
            raise Conflict("A change of this contract is proposed already. Sign, decline or withdraw it first.")
        since = month_at(now)
        text = _next(session, held, new, since, now)
        with session.begin_nested() as tried:  # is there room? what is tried is taken back
            _fill(session, held, text, short=False, now=now)
            tried.rollback()
        proposal = Amendment(
            contract_id=contract_id,
            version=held.version + 1,
            proposed_by=held.side,
            person_id=actor.person_id or 0,
            reason=said(new.reason),
            terms=text.plain(),
            terms_sha256=text.sha256,
            kg=text.kg,
            price_fen_per_t=text.price_fen_per_t,
            proposed_at=now,
        )
        session.add(proposal)
        session.flush()
        note(session, actor, "contract.propose", held, now, version=proposal.version, reason=proposal.reason)
        _tell(session, "amendment", held, proposal, now)
    return proposal.id


def sign_amendment(
    session: Session,
    actor: Actor,
    contract_id: int,
    amendment_id: int,
    *,
    proof: FreshProof,
    terms_sha256: str,
    now: datetime,
) -> bool:
    """
    Sign a proposed version for the actor's side; return whether it is in force, as it is once both sides have.

    The kilograms that it takes more or less are moved then. Signed twice it has one effect. Raises NotFound, NotAllowed;
    Conflict if it was declined or withdrawn, the text is another, the month in which it was proposed is over, or there is
    no room any more.
    """
    with transaction(session):
        held = held_contract(session, actor, contract_id, now, closed=True)
        if proof.person_id != actor.person_id:
            raise NotAllowed
        proposal = _proposal(session, held, amendment_id)
        signed = _signed(session, amendment_id)
        at = max([now, proposal.proposed_at, *signed.values()])  # whose clock is ahead
        if proposal.made_at is not None and held.side in signed:
            return True
        _must_wait(proposal, len(signed))
        must_be_in_force(state_of(session, held, now))
        side, organization_id = next((each for each in held.sides if each[0] not in signed), held.sides[0])
        if side in signed:
            return False
        must_be_verified(session, organization_id)
        if terms_sha256 != proposal.terms_sha256:
            raise Conflict("The text of the contract is another by now. Read it again before you accept.")
        text = terms(proposal.terms)
        if text.since != month_at(now) or text.replaces_sha256 != held.text.sha256:
            raise Conflict("The month in which this was proposed is over. Withdraw it and propose it anew.")
        session.add(
            AmendmentSignature(
                amendment_id=amendment_id,
                side=side,
                person_id=proof.person_id,
                person_name=proof.name,
                organization_id=organization_id,
                sha256=proposal.terms_sha256,
                signed_at=at,
                checked=proof.checked,
            )
        )
        session.flush()
        note(session, actor, "contract.sign", held, now, version=proposal.version, terms_sha256=proposal.terms_sha256)
        if _signed(session, amendment_id).keys() != {"producer", "recycler"}:
            return False
        for each in (held.award.producer_id, held.award.recycler_id):
            must_be_verified(session, each)
        must_be_permitted(session, held.award.line_id, now=now)
        short = shortfall(held.text, text) if proposal.proposed_by == "recycler" else {}
        session.add_all(ShortfallMonth(amendment_id=amendment_id, month=month, kg=kg) for month, kg in short.items())
        proposal.made_at = at
        _fill(session, held, text, short=bool(short), now=now)
        note(session, actor, "contract.amend", held, now, version=proposal.version, kg=proposal.kg)
        _tell(session, "amended", held, proposal, now, everybody=True)
    return True


def withdraw_amendment(session: Session, actor: Actor, contract_id: int, amendment_id: int, *, now: datetime) -> None:
    """Withdraw a proposal of the own side that is not in force. Raises NotFound, NotAllowed, Conflict if it has ended."""
    with transaction(session):
        held = held_contract(session, actor, contract_id, now, closed=True)
        proposal = _proposal(session, held, amendment_id)
        if proposal.proposed_by not in dict(held.sides):
            raise NotAllowed
        _must_wait(proposal, 0)
        proposal.withdrawn_at = now
        note(session, actor, "contract.withdraw_proposal", held, now, version=proposal.version)
        _tell(session, "amendment_over", held, proposal, now, how="withdrawn")


def decline_amendment(
    session: Session, actor: Actor, contract_id: int, amendment_id: int, reason: str, *, now: datetime
) -> None:
    """Decline a proposal of the other side, with a reason. Raises NotFound, NotAllowed, Invalid, Conflict if it has ended."""
    with transaction(session):
        held = held_contract(session, actor, contract_id, now, closed=True)
        proposal = _proposal(session, held, amendment_id)
        if not dict(held.sides).keys() - {proposal.proposed_by}:
            raise NotAllowed
        _must_wait(proposal, 0)
        proposal.declined_at, proposal.decline_reason = now, said(reason)
        note(
            session, actor, "contract.decline_proposal", held, now,
            version=proposal.version, reason=proposal.decline_reason,
        )  # fmt: skip
        _tell(session, "amendment_over", held, proposal, now, how="declined", why=proposal.decline_reason)


def _proposal(session: Session, held: HeldContract, amendment_id: int) -> Amendment:
    found = session.get(Amendment, amendment_id, populate_existing=True, with_for_update=True)
    if found is None or found.contract_id != held.contract.id:
        raise NotFound
    return found


def _signed(session: Session, amendment_id: int) -> dict[str, datetime]:
    return {
        row.side: row.signed_at
        for row in session.execute(
            select(AmendmentSignature.side, AmendmentSignature.signed_at)
            .where(AmendmentSignature.amendment_id == amendment_id)
            .order_by(AmendmentSignature.id)
        )
    }


def _must_wait(proposal: Amendment, signatures: int) -> None:
    match amendment_state(
        signatures=signatures,
        made_at=proposal.made_at,
        declined_at=proposal.declined_at,
        withdrawn_at=proposal.withdrawn_at,
    ):
        case "in_force":
            raise Conflict("Both sides have signed this version: it is in force.")
        case "declined":
            raise Conflict("This change was declined.")
        case "withdrawn":
            raise Conflict("This change was withdrawn.")


def _next(session: Session, held: HeldContract, new: NewAmendment, since: Month, now: datetime) -> Terms:
    """Return the text of the version that is proposed, with the filings under which its months would move."""
    window = set(
        session.scalars(
            select(ListingMonth.month).where(ListingMonth.listing_id == held.award.listing_id)
        )
    )  # fmt: skip
    beyond = sorted(month for month, kg in new.months.items() if kg and month not in window)
    if beyond:
        raise Invalid("The listing does not reach to %(month)s.", month=str(beyond[0]))
    text = amended(held.text, new, version=held.version + 1, since=since)
    before = share_of(session, held.award)
    if before.waits and text.months != held.text.months:
        raise Conflict("Part of this contract waits in a yard or in front of the line: its months stay as they are.")
    filings = _share(session, held, text, now).filings
    if not filings:
        return text
    rows = session.execute(
        select(Filing.filing_no, Filing.valid_from, Filing.valid_to)
        .where(Filing.id.in_(set(filings.values())))
        .order_by(Filing.valid_from, Filing.filing_no)
    )
    under = [FilingTerm(number=row[0], valid_from=row[1], valid_to=row[2]) for row in rows]
    return amended(held.text, new, version=held.version + 1, since=since, filings=under)


def _share(session: Session, held: HeldContract, text: Terms, now: datetime) -> Share:
    """Return what the contract would hold by a text. Raises Conflict if what is more does not fit or breaks the cap."""
    before, months = share_of(session, held.award), dict(text.months)
    more = {month: kg for month, kg in months.items() if kg > before.months.get(month, 0)}
    filings: Mapping[Month, int] = before.filings
    if more:
        fit, filing_of = pair_must_fit(session, before.listing_id, before.line_id, more, now)
        closed = sorted(set(more) - set(fit.months))
        if closed:
            raise Conflict("The line takes nothing of this in %(month)s.", month=str(closed[0]))
        filings = {**filing_of, **before.filings}
        _must_keep_the_cap(session, held, sum(months.values()) - sum(before.months.values()))
    return replace(before, months=months, filings={month: filings[month] for month in months if month in filings})


def _must_keep_the_cap(session: Session, held: HeldContract, more_kg: int) -> None:
    listing = session.get_one(Listing, held.award.listing_id)
    if listing.cap_per_buyer_kg is None or more_kg <= 0:
        return
    has = held_by_buyers(session, [listing.id]).get(listing.id, {}).get(held.award.recycler_id, 0)
    if has + more_kg > listing.cap_per_buyer_kg:
        raise Conflict(
            "By the rule of the listing one buyer gets at most %(cap_kg)s t. This one has %(has_kg)s t; %(award_kg)s t more"
            " are too many.",
            cap_kg=listing.cap_per_buyer_kg,
            has_kg=has,
            award_kg=more_kg,
        )


def _fill(session: Session, held: HeldContract, text: Terms, *, short: bool, now: datetime) -> None:
    """
    Move the counters and the months to what a text says; nothing if its months are those of before.

    ``short``: its recycler takes less and nothing else is changed, so that who stands by is called for it.
    """
    after = _share(session, held, text, now)
    if after.months != dict(share_of(session, held.award).months):
        free(session, held.listing, held.award, after, short=short, now=now)


def _tell(
    session: Session,
    kind: str,
    held: HeldContract,
    proposal: Amendment,
    now: datetime,
    *,
    everybody: bool = False,
    **more: object,
) -> None:
    tell_parties(
        session,
        kind,
        held.award,
        now,
        except_for=None if everybody else held.organization_id,
        number=held.contract.number,
        contract_id=held.contract.id,
        amendment_id=proposal.id,
        version=proposal.version,
        **({"why": proposal.reason} | more),
    )
