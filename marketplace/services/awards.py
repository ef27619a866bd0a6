"""Writes: both sides answer an award; two signatures are a contract, a decline or the deadline gives the tonnes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.contracts import (
    Side,
    contract_number,
    must_wait_for_answers,
    read_reason,
    terms,
)
from marketplace.domain.errors import Conflict, NotAllowed, NotFound
from marketplace.domain.rounds import MOST_RECOURSES
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.rounds import Award, Contract, Round
from marketplace.persistence.signatures import ContractSignature
from marketplace.persistence.streams import WasteStream
from marketplace.persistence.terms import terms_of
from marketplace.services.bidawards import must_be_permitted
from marketplace.services.counters import contract
from marketplace.services.holds import leave_time_to_sign
from marketplace.services.ladder import due, give_back, hold_listing, lapse, noticing
from marketplace.services.parties import tell_parties
from marketplace.services.proposals import deal_of, hold_round, settle_if_final, share_of
from marketplace.services.signing import FreshProof
from marketplace.services.verification import must_be_verified

LAPSED_AT_ONCE: Final = 200
"""How many awards one sweep lets lapse; the next sweep takes the others."""


@dataclass(frozen=True)
class _Held:
    """An award, held until the transaction ends, with the side that the actor answers for."""

    award: Award
    listing: Listing | None
    """Of an award of a bid, held too."""
    side: Side
    organization_id: int
    park_id: int | None


def accept_award(
    session: Session,
    actor: Actor,
    award_id: int,
    *,
    proof: FreshProof,
    terms_sha256: str | None = None,
    now: datetime,
) -> int | None:
    """
    Sign an award for the actor's side; with the other side's signature it is a contract, whose id is returned.

    ``proof`` is that the signatory has just shown who they are, ``terms_sha256`` of the text that they read. Signed twice
    it has one effect. Raises NotFound, NotAllowed, also if it is another's proof; Conflict if it is final otherwise, the
    text is another by now, a party may make no deals or the permit of the line does not hold today.
    """
    with noticing(session, Award.id == award_id, now=now), transaction(session):
        held = _held(session, actor, award_id)
        if proof.person_id != actor.person_id:
            raise NotAllowed
        award = held.award
        state = award.state(now)
        if _accepted_at(award, held.side) is not None and state in ("half", "contracted"):
            return session.scalar(select(Contract.id).where(Contract.award_id == award_id))
        must_wait_for_answers(state)
        must_be_verified(session, held.organization_id)
        share = share_of(session, award)
        if award.terms is None:
            award.terms = terms_of(session, [deal_of(award, share)], now=now)[0].plain()
        text = terms(award.terms)
        if terms_sha256 is not None and terms_sha256 != text.sha256:
            raise Conflict("The text of the contract is another by now. Read it again before you accept.")
        _sign(session, held, proof, text.sha256, now)
        if held.side == "producer":
            award.producer_accepted_at = now
        else:
            award.recycler_accepted_at = now
            leave_time_to_sign(session, award, now=now)
        _note(session, actor, "award.accept", held, now, side=held.side, terms_sha256=text.sha256)
        if state == "open":
            return None
        _must_be_allowed(session, award, held, now)
        _must_be_signed_by_both(session, award, text.sha256)
        contract(session, share)
        made = Contract(
            award_id=award.id,
            number=contract_number(award.id, now),
            producer_id=award.producer_id,
            recycler_id=award.recycler_id,
            kg=award.kg,
            price_fen_per_t=text.price_fen_per_t,
            terms=award.terms,
            terms_sha256=text.sha256,
            concluded_by="signatures",
            made_at=max(award.producer_accepted_at or now, award.recycler_accepted_at or now),  # whose clock is ahead
        )
        session.add(made)
        session.flush()
        record(
            session,
            actor,
            "contract.make",
            "contract",
            made.id,
            now=now,
            organization_id=held.organization_id,
            park_id=held.park_id,
            number=made.number,
            kg=made.kg,
            terms_sha256=made.terms_sha256,
        )
        tell_parties(session, "contract", award, now, number=made.number, contract_id=made.id)
        if award.round_id is not None:
            settle_if_final(session, award.round_id, most_recourses=MOST_RECOURSES, now=now)
    return made.id


def _sign(session: Session, held: _Held, proof: FreshProof, digest: str, now: datetime) -> None:
    session.add(
        ContractSignature(
            award_id=held.award.id,
            side=held.side,
            person_id=proof.person_id,
            person_name=proof.name,
            organization_id=held.organization_id,
            sha256=digest,
            signed_at=now,
            checked=proof.checked,
        )
    )
    session.flush()


def _must_be_signed_by_both(session: Session, award: Award, digest: str) -> None:
    """Raise Conflict unless a signature of each side over this text is kept: nothing else makes a contract."""
    signed = session.execute(
        select(ContractSignature.side, ContractSignature.organization_id, ContractSignature.sha256).where(
            ContractSignature.award_id == award.id
        )
    ).all()
    wanted = {("producer", award.producer_id, digest), ("recycler", award.recycler_id, digest)}
    if {tuple(row) for row in signed} != wanted:
        raise Conflict("A contract needs a signature of each side over the same text.")


def decline_award(session: Session, actor: Actor, award_id: int, reason: str, *, now: datetime) -> None:
    """
    Decline an award, with a reason that the other side reads; its kilograms are free again.

    If it is of a bid and the recycler declines, the next bid on standby is called in the same transaction.

    Raises NotFound, NotAllowed, Invalid without a reason, Conflict if it is final already.
    """
    with noticing(session, Award.id == award_id, now=now), transaction(session):
        held = _held(session, actor, award_id)
        award = held.award
        must_wait_for_answers(award.state(now))
        said = read_reason(reason)
        award.declined_at, award.declined_by, award.decline_reason = now, held.side, said
        _note(session, actor, "award.decline", held, now, side=held.side, reason=said)
        give_back(session, held.listing, award, now=now)
        tell_parties(session, "declined", award, now, except_for=held.organization_id, reason=said)
        if award.round_id is not None:
            settle_if_final(session, award.round_id, most_recourses=MOST_RECOURSES, now=now)


def lapse_due(session: Session, now: datetime) -> None:
    """Give back what awards hold whose deadline has passed; they count as lapsed before. Each in its own transaction."""
    ids = session.scalars(select(Award.id).where(*due(now)).order_by(Award.id).limit(LAPSED_AT_ONCE)).all()
    for award_id in ids:
        _lapse(session, award_id, now)


def _lapse(session: Session, award_id: int, now: datetime) -> None:
    """Let an award lapse that is due, once, whoever notices it."""
    with transaction(session):
        listing = hold_listing(session, award_id)
        award = _locked(session, award_id)
        if award is not None and award.lapsed_at is None and award.state(now) == "lapsed":
            lapse(session, listing, award, now=now)


def _held(session: Session, actor: Actor, award_id: int) -> _Held:
    round_id = session.scalar(select(Award.round_id).where(Award.id == award_id))
    if round_id is not None:
        hold_round(session, round_id)
    listing = hold_listing(session, award_id)
    award = _locked(session, award_id)
    if award is None:
        raise NotFound
    belonging, park_id = belonging_of(session, award)
    actor.must("award.answer", belonging)
    sides: list[tuple[Side, int]] = [
        side
        for side in (("producer", award.producer_id), ("recycler", award.recycler_id))
        if actor.may("award.answer", Belonging.to(side[1]))
    ]
    # who signs for both sides answers for the one that has not answered yet
    side, organization_id = next((each for each in sides if _accepted_at(award, each[0]) is None), sides[0])
    return _Held(award, listing, side, organization_id, park_id)


def _locked(session: Session, award_id: int) -> Award | None:
    return session.scalar(
        select(Award).where(Award.id == award_id).with_for_update().execution_options(populate_existing=True)
    )


def belonging_of(session: Session, award: Award) -> tuple[Belonging, int | None]:
    """Return whom an award belongs to: the producer, the recycler as party, and all parks that oversee one of them."""
    parks = [
        session.execute(
            select(Organization.park_id, Site.park_id)
            .join(Site, Site.organization_id == Organization.id)
            .join(WasteStream, WasteStream.site_id == Site.id)
            .join(Listing, Listing.stream_id == WasteStream.id)
            .where(Listing.id == award.listing_id)
        ).one(),
        session.execute(
            select(Organization.park_id, Site.park_id)
            .join(Site, Site.organization_id == Organization.id)
            .join(IntakeLine, IntakeLine.site_id == Site.id)
            .where(IntakeLine.id == award.line_id)
        ).one(),
    ]
    of_round = session.scalar(select(Round.park_id).where(Round.id == award.round_id)) if award.round_id else None
    all_parks = [park for row in parks for park in row]
    belonging = Belonging.to(award.producer_id, of_round, *all_parks, parties=(award.recycler_id,))
    return belonging, of_round if of_round is not None else parks[0][0]


def _accepted_at(award: Award, side: Side) -> datetime | None:
    return award.producer_accepted_at if side == "producer" else award.recycler_accepted_at


def _must_be_allowed(session: Session, award: Award, held: _Held, now: datetime) -> None:
    """Ask what must hold on the day on which a contract is made. Raises Conflict."""
    other = award.recycler_id if held.side == "producer" else award.producer_id
    must_be_verified(session, other)
    must_be_permitted(session, award.line_id, now=now)


def _note(session: Session, actor: Actor, action: str, held: _Held, now: datetime, **detail: object) -> None:
    record(
        session,
        actor,
        action,
        "award",
        held.award.id,
        now=now,
        organization_id=held.organization_id,
        park_id=held.park_id,
        **detail,
    )
