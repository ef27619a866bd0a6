"""Writes: at a fixed price a recycler holds tonnes for some hours, and confirms by signing; who comes first gets them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.bids import ANSWER_DAYS, Terms
from marketplace.domain.errors import Conflict
from marketplace.domain.fit import Fit
from marketplace.domain.holds import Held, NewHold, must_hold_nothing
from marketplace.domain.wording import Sentence
from marketplace.domain.workdays import deadline
from marketplace.persistence.audit import record
from marketplace.persistence.caps import held_by_buyers, left_for_others
from marketplace.persistence.database import transaction
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award
from marketplace.persistence.workdays import calendar_of
from marketplace.services.bidawards import left_by_month, make_award, money_of, months_of, pair_must_fit
from marketplace.services.bidding import held_listing, must_be_public, must_be_within, owned_line, producer_of
from marketplace.services.counters import Share, reserve
from marketplace.services.ladder import lapse_overdue, noticing
from marketplace.services.opensales import in_plain_sight
from marketplace.services.parties import tell_parties
from marketplace.services.salerules import rules_in_force
from marketplace.services.verification import must_be_verified


def hold_tonnes(session: Session, actor: Actor, new: NewHold, *, now: datetime) -> int:
    """
    Hold so many kilograms a month of a listing at its fixed price, and return the award, which lapses unless it is signed.

    A month in which less is left gives what is left; the same again while it stands is the same hold. ``now`` is when it
    came in: the listing's row is held meanwhile, so that who comes second finds what the first has left. Raises NotFound,
    NotAllowed; Invalid for more than is offered or the line takes, or less than the least lot; Conflict if it is not
    sold so, nothing is left, something of it is held already or was let go not long ago, the line does not fit, a
    counter, the cap or the share for small works does not hold it, or the rules are not those that were read.
    """
    with noticing(session, Award.listing_id == new.listing_id, now=now), transaction(session):
        listing = held_listing(session, new.listing_id)
        line, organization_id, recycler_park_id = owned_line(session, new.line_id)
        actor.must("bid.submit", Belonging.to(organization_id))
        must_be_public(listing, now)
        fixed_price = listing.fixed_price
        if fixed_price is None:
            raise Conflict("This listing is not sold at a fixed price: nothing of it can be held.")
        producer_id, park_id, _ = producer_of(session, listing)
        must_be_verified(session, organization_id)
        must_be_verified(session, producer_id)
        rules = rules_in_force(session, listing, now=now)
        if rules.since_at > now or (new.rules_sha256 and new.rules_sha256 != rules.sha256):
            raise Conflict("What is sold here has been changed since you opened the page. Read it again.")
        lapse_overdue(session, listing, now=now)
        own = _own(session, listing.id, organization_id)
        again = next((award.id for award, bid in own if _same(award, bid, new, now)), None)
        if again is not None:
            return again
        must_hold_nothing(tuple(_held(award, now) for award, _ in own), now=now)
        left = left_by_month(session, listing.id)
        fit, filing_of = pair_must_fit(session, listing.id, line.id, left, now)
        must_be_within(listing, line, new.kg_per_month, fit)
        months = months_of(left, fit, new.kg_per_month)
        _must_keep_the_rules(session, listing, organization_id, sum(months.values()))
        share = Share(listing.id, line.id, months, {month: filing_of[month] for month in months if filing_of})
        reserve(session, share)
        terms = _terms(listing, fit, new)
        bid = in_plain_sight(
            terms,
            listing_id=listing.id,
            line_id=line.id,
            revision=_next_revision(session, listing.id, line.id, now),
            organization_id=organization_id,
            road_m=fit.haul.road_m,
            received_at=now,
            received_from=actor.person_id,
            rules_sha256=rules.sha256,
        )
        session.add(bid)
        session.flush()
        first = Sentence("The price is fixed: nobody bids, and who comes first holds the tonnes.")
        why = {side: [money.plain(), first.plain()] for side, money in money_of(terms).items()}
        award = make_award(session, bid, producer_id, fit, share, why=why, answer_by=fixed_price.ends(now), now=now)
        record(
            session, actor, "bid.submit", "bid", bid.id,
            now=now, organization_id=organization_id, park_id=recycler_park_id, listing_id=listing.id, revision=bid.revision,
        )  # fmt: skip
        record(
            session, actor, "award.hold", "award", award.id,
            now=now, organization_id=organization_id, park_id=park_id, listing_id=listing.id, kg=award.kg,
        )  # fmt: skip
        ends = Sentence(
            "The hold ends at %(answer_by_at)s. If the recycler has not signed by then, the tonnes are free again.",
            {"answer_by_at": award.answer_by.isoformat()},
        )
        tell_parties(session, "held", award, now, deadline=ends.plain())
    return award.id


def leave_time_to_sign(session: Session, award: Award, *, now: datetime) -> None:
    """
    Give the producer business days to sign too, once the recycler has confirmed a hold by signing.

    A hold of a few hours binds the recycler, not the producer's office hours. In the caller's transaction, which holds
    the listing and the award.
    """
    fixed = session.scalar(select(Listing.sale_kind).where(Listing.id == award.listing_id)) == "fixed"
    if fixed and award.bid_id is not None and award.producer_accepted_at is None:
        award.answer_by = max(award.answer_by, deadline(now, ANSWER_DAYS, calendar_of(session)))


def _own(session: Session, listing_id: int, organization_id: int) -> list[tuple[Award, Bid]]:
    """Return the holds that a recycler has, or had, of a listing."""
    rows = session.execute(
        select(Award, Bid)
        .join(Bid, Award.bid_id == Bid.id)
        .where(Award.listing_id == listing_id, Award.recycler_id == organization_id)
        .order_by(Award.id)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in rows]


def _same(award: Award, bid: Bid, new: NewHold, now: datetime) -> bool:
    stands = award.state(now) in ("open", "half")
    return stands and (bid.line_id, bid.kg_per_month) == (new.line_id, new.kg_per_month)


def _held(award: Award, now: datetime) -> Held:
    state = award.state(now)
    if state == "declined" and award.declined_by == "recycler":
        return Held(False, award.declined_at)
    if state == "lapsed" and award.recycler_accepted_at is None:
        return Held(False, award.answer_by)
    return Held(state in ("open", "half"), None)


def _terms(listing: Listing, fit: Fit, new: NewHold) -> Terms:
    return Terms(
        price_fen_per_t=listing.asking_fen_per_t,
        kg_per_month=new.kg_per_month,
        transport="recycler",
        freight_fen_per_t=fit.haul.freight_fen_per_t,
        deduction_fen_per_t=fit.deduction_fen_per_t,
    )


def _next_revision(session: Session, listing_id: int, line_id: int, now: datetime) -> int:
    """Return the number of the next hold of a line, and let the one before stand no more: its award has come to its end."""
    before = session.scalars(
        select(Bid).where(
            Bid.listing_id == listing_id, Bid.line_id == line_id, Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None)
        )
    ).all()
    for bid in before:
        bid.replaced_at = now
    session.flush()
    last = session.scalar(select(func.max(Bid.revision)).where(Bid.listing_id == listing_id, Bid.line_id == line_id))
    return (last or 0) + 1


def _must_keep_the_rules(session: Session, listing: Listing, organization_id: int, kg: int) -> None:
    """Raise Conflict, in words for the buyer, if so much breaks the least lot, the cap or the share for small works."""
    if kg < listing.least_lot_kg:
        raise Conflict(
            "What is left is %(award_kg)s t for this line; the producer gives no less than %(least_kg)s t to one recycler.",
            award_kg=kg,
            least_kg=listing.least_lot_kg,
        )
    small = session.scalar(select(Organization.small_works).where(Organization.id == organization_id))
    others_kg = left_for_others(session, [listing.id]).get(listing.id)
    if not small and others_kg is not None and kg > others_kg:
        raise Conflict(
            "%(share)s %% of this listing is kept for small works. Buyers that are none may hold %(others_kg)s t more together.",
            share=listing.small_works_share_percent,
            others_kg=others_kg,
        )
    if listing.cap_per_buyer_kg is not None:
        has = held_by_buyers(session, [listing.id]).get(listing.id, {}).get(organization_id, 0)
        if has + kg > listing.cap_per_buyer_kg:
            raise Conflict(
                "One buyer gets at most %(cap_kg)s t of this listing. You have %(has_kg)s t; %(award_kg)s t more are too many.",
                cap_kg=listing.cap_per_buyer_kg,
                has_kg=has,
                award_kg=kg,
            )
