"""Writes: a producer awards bids once their deadline has passed, or ends the bidding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.bids import ANSWER_DAYS, ranked
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.filings import months_unfiled
from marketplace.domain.fit import Fit
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.audit import record
from marketplace.persistence.base import EPOCH, MICROSECOND
from marketplace.persistence.caps import held_by_buyers
from marketplace.persistence.database import transaction
from marketplace.persistence.fit import accepting
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.pairs import fits_and_filings, lots
from marketplace.persistence.rounds import Award, AwardMonth
from marketplace.persistence.streams import WasteStream
from marketplace.services.counters import Share, reserve
from marketplace.services.verification import must_be_verified

MOST_REASON = 500


@dataclass(frozen=True)
class _Sale:
    """A listing whose bids are to be decided, held until the transaction ends."""

    listing: Listing
    producer_id: int
    park_id: int


def award_bid(session: Session, actor: Actor, bid_id: int, kg_per_month: int, *, now: datetime) -> int:
    """
    Award so many kilograms a month to a bid and return the award's id; the recycler then has three days to answer.

    A month in which less is left gets what is left. Raises NotFound, NotAllowed; Invalid if it is more than the bid
    asks for; Conflict before the bids are opened, when the bidding was ended, the bid does not stand, the line does not
    fit (any more), a month has no filing that it needs, a cap or least lot is broken, or a counter does not hold it.
    """
    with transaction(session):
        listing_id = session.scalar(select(Bid.listing_id).where(Bid.id == bid_id))
        if listing_id is None:
            raise NotFound
        sale = _to_decide(session, actor, listing_id, now)
        bid = session.get_one(Bid, bid_id, populate_existing=True)
        if bid.replaced_at is not None or bid.withdrawn_at is not None:
            raise Conflict("This bid was replaced or withdrawn by the recycler.")
        if session.scalar(select(Award.id).where(Award.bid_id == bid_id)) is not None:
            raise Conflict("This bid has been awarded already.")
        if bid.invalid_because:
            raise Conflict("This bid is invalid: it could not be opened.")
        terms = bid.terms
        if not 0 < kg_per_month <= terms.kg_per_month:
            raise Invalid(
                "The bid is for up to %(most_kg)s t per month; award that much or less.",
                field="kg_per_month",
                most_kg=terms.kg_per_month,
            )
        must_be_verified(session, sale.producer_id)
        must_be_verified(session, bid.organization_id)
        left = _left_by_month(session, sale.listing)
        fit, filing_of = _must_fit(session, bid, left, now)
        months = _months(left, fit, kg_per_month)
        _must_keep_the_rules(session, sale.listing, bid, sum(months.values()))
        share = Share(listing_id, bid.line_id, months, {month: filing_of[month] for month in months if filing_of})
        reserve(session, share)
        award = _award(session, sale, bid, fit, share, now)
        if not _left(session, listing_id):
            sale.listing.bids_decided_at = now
        record(
            session,
            actor,
            "listing.award",
            "award",
            award.id,
            now=now,
            organization_id=sale.producer_id,
            park_id=sale.park_id,
            listing_id=listing_id,
            bid_id=bid_id,
            kg=award.kg,
        )
    return award.id


def end_bidding(session: Session, actor: Actor, listing_id: int, reason: str, *, now: datetime) -> None:
    """
    End the bidding: those without an award have lost, and read the reason.

    Raises NotFound, NotAllowed; Invalid without a reason where nothing was awarded; Conflict before the bids are opened or
    if it was ended before.
    """
    with transaction(session):
        sale = _to_decide(session, actor, listing_id, now)
        awarded = session.scalar(
            select(func.count(Award.id)).where(Award.listing_id == listing_id, Award.bid_id.is_not(None))
        )
        said = reason.strip()
        if not awarded and not said:
            raise Invalid("Nothing was awarded: tell the bidders why.", field="reason")
        if len(said) > MOST_REASON:
            raise Invalid("At most %(most)s characters.", field="reason", most=MOST_REASON)
        sale.listing.bids_decided_at = now
        sale.listing.bids_decided_because = said
        record(
            session,
            actor,
            "listing.award",
            "listing",
            listing_id,
            now=now,
            organization_id=sale.producer_id,
            park_id=sale.park_id,
            awards=awarded,
            reason=said,
        )


def _to_decide(session: Session, actor: Actor, listing_id: int, now: datetime) -> _Sale:
    listing = session.scalar(
        select(Listing).where(Listing.id == listing_id).with_for_update().execution_options(populate_existing=True)
    )
    if listing is None:
        raise NotFound
    producer_id, park_id, site_park_id = session.execute(
        select(Organization.id, Organization.park_id, Site.park_id)
        .join(Site, Site.organization_id == Organization.id)
        .join(WasteStream, WasteStream.site_id == Site.id)
        .where(WasteStream.id == listing.stream_id)
    ).one()
    actor.must("listing.award", Belonging.to(producer_id, park_id, site_park_id))
    if listing.withdrawn_at is not None:
        raise Conflict("This listing has been withdrawn.")
    match listing.bidding(now):
        case "none":
            raise Conflict("This listing takes no bids: it waits for a matching round.")
        case "open":
            raise Conflict(
                "Bids are sealed until %(bids_close_at)s: before that nobody reads or awards them.",
                bids_close_at=listing.bids_close_at.isoformat() if listing.bids_close_at else None,
            )
        case "to_open":
            raise Conflict("The deadline has passed and the bids are still sealed: open them first.")
        case "decided":
            raise Conflict("The bidding on this listing has been ended.")
    return _Sale(listing, producer_id, park_id)


def _left_by_month(session: Session, listing: Listing) -> dict[Month, int]:
    return {
        row.month: row.offered_kg - row.reserved_kg - row.contracted_kg
        for row in session.execute(
            select(
                ListingMonth.month, ListingMonth.offered_kg, ListingMonth.reserved_kg, ListingMonth.contracted_kg
            ).where(ListingMonth.listing_id == listing.id)
        )
    }


def _must_fit(session: Session, bid: Bid, left: dict[Month, int], now: datetime) -> tuple[Fit, dict[Month, int]]:
    """
    Return the fit, and under which filing each open month moves if one is needed.

    Raises Conflict with what stands in the way, also if nothing but a filing stands in the way of some month.
    """
    if session.scalar(select(IntakeLine.retired_at).where(IntakeLine.id == bid.line_id)) is not None:
        raise Conflict("This intake line is no longer kept.")
    of = lots(session, [bid.listing_id], now=now)
    lot = of[bid.listing_id]
    lines = accepting(session, [bid.line_id], months=lot.months)
    fit, filing_of = fits_and_filings(session, of, lines)[bid.listing_id, bid.line_id]
    if fit.first is not None:
        raise Conflict("It cannot go to this line: %(reason)s", reason=fit.first.sentence)
    offered_months = [month for month in lot.months if left.get(month, 0) > 0]
    unfiled = months_unfiled(lot.offered, lines[bid.line_id], fit, offered_months)
    if unfiled:
        raise Conflict(
            "No filing across provinces with tonnes left is in force at the end of %(unfiled_month)s. Keep one before"
            " you award this bid.",
            unfiled_month=tuple(str(month) for month in unfiled),
        )
    return fit, filing_of


def _months(left: dict[Month, int], fit: Fit, kg_per_month: int) -> dict[Month, int]:
    """Return what the award takes in each open month: what is asked, or what is left if that is less."""
    months = {month: min(kg_per_month, left.get(month, 0)) for month in fit.months if left.get(month, 0) > 0}
    if not months:
        raise Conflict("Nothing of this listing is left in the months in which the line is open.")
    return months


def _must_keep_the_rules(session: Session, listing: Listing, bid: Bid, kg: int) -> None:
    if kg < listing.least_lot_kg:
        raise Conflict(
            "That is %(award_kg)s t in all; by your own rule nobody gets less than %(least_kg)s t.",
            award_kg=kg,
            least_kg=listing.least_lot_kg,
        )
    if listing.cap_per_buyer_kg is None:
        return
    has = held_by_buyers(session, [listing.id]).get(listing.id, {}).get(bid.organization_id, 0)
    if has + kg > listing.cap_per_buyer_kg:
        raise Conflict(
            "By your own rule one buyer gets at most %(cap_kg)s t. This one has %(has_kg)s t; %(award_kg)s t more are"
            " too many.",
            cap_kg=listing.cap_per_buyer_kg,
            has_kg=has,
            award_kg=kg,
        )


def _left(session: Session, listing_id: int) -> bool:
    return (
        session.scalar(
            select(ListingMonth.id)
            .where(
                ListingMonth.listing_id == listing_id,
                ListingMonth.reserved_kg + ListingMonth.contracted_kg < ListingMonth.offered_kg,
            )
            .limit(1)
        )
        is not None
    )


def _award(session: Session, sale: _Sale, bid: Bid, fit: Fit, share: Share, now: datetime) -> Award:
    terms = bid.terms
    net = terms.outcome.net_fen_per_t
    award = Award(
        bid_id=bid.id,
        listing_id=bid.listing_id,
        line_id=bid.line_id,
        producer_id=sale.producer_id,
        recycler_id=bid.organization_id,
        kg=sum(share.months.values()),
        price_fen_per_t=net,
        transport=terms.transport,
        freight_fen_per_t=terms.freight_fen_per_t,
        deduction_fen_per_t=terms.deduction_fen_per_t,
        great_circle_m=fit.haul.great_circle_m,
        road_m=bid.road_m,
        explanation=_explanation(session, bid, net),
        awarded_at=now,
        answer_by=now + timedelta(days=ANSWER_DAYS),
        producer_accepted_at=now,
    )
    session.add(award)
    session.flush()
    session.add_all(
        AwardMonth(award_id=award.id, month=month, kg=kg, filing_id=share.filings.get(month))
        for month, kg in sorted(share.months.items())
    )
    return award


def _explanation(session: Session, bid: Bid, net: int) -> dict[str, list[dict[str, object]]]:
    """Return why this bid, for each reader: no reader finds another's bid in it."""
    live = session.scalars(
        select(Bid).where(
            Bid.listing_id == bid.listing_id,
            Bid.replaced_at.is_(None),
            Bid.withdrawn_at.is_(None),
            Bid.price_fen_per_t.is_not(None),
        )
    ).all()
    order = ranked(
        (each.id, each.terms.outcome.net_fen_per_t, (each.received_at - EPOCH) // MICROSECOND) for each in live
    )
    terms = bid.terms
    place = next(each.rank for each in order if each.bid_id == bid.id)
    money: dict[str, str | int | Sentence | tuple[str, ...] | None] = {
        "price_fen_per_t": net,
        "delivered_fen_per_t": net + terms.freight_fen_per_t + terms.deduction_fen_per_t,
        "freight_fen_per_t": terms.freight_fen_per_t,
        "deduction_fen_per_t": terms.deduction_fen_per_t,
    }
    rank = Sentence(
        "By what the producer nets the bid is number %(rank)s of %(bids)s.", {"rank": place, "bids": len(order)}
    )
    source = Sentence("The price is the one that was bid; it was sealed until the deadline.")
    park = Sentence(
        "%(delivered_fen_per_t)s yuan per tonne delivered: %(price_fen_per_t)s at the producer's gate,"
        " %(freight_fen_per_t)s freight, %(deduction_fen_per_t)s expected deductions.",
        money,
    )
    producer = Sentence(
        "You net %(price_fen_per_t)s yuan per tonne at your gate: %(delivered_fen_per_t)s delivered, less"
        " %(freight_fen_per_t)s freight and %(deduction_fen_per_t)s expected deductions.",
        money,
    )
    recycler = Sentence(
        "The contract price is %(delivered_fen_per_t)s yuan per tonne delivered: %(price_fen_per_t)s to the producer,"
        " %(freight_fen_per_t)s freight and %(deduction_fen_per_t)s expected deductions, which you keep.",
        money,
    )
    return {
        "producer": [producer.plain(), rank.plain(), source.plain()],
        "recycler": [recycler.plain(), rank.plain(), source.plain()],
        "park": [park.plain(), rank.plain(), source.plain()],
    }
