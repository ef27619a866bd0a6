"""Writes: a producer awards bids once their deadline has passed, or ends the bidding."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import STANDBY_DAYS
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.workdays import deadline
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.listings import Bid
from marketplace.persistence.rounds import Award
from marketplace.persistence.workdays import calendar_of
from marketplace.services.bidawards import decide, left_by_month, make_award, months_of, must_fit, must_keep_the_rules
from marketplace.services.biddernews import tell_losers
from marketplace.services.bidding import Sale, held_sale, too_early
from marketplace.services.counters import Share, reserve
from marketplace.services.ladder import answer_due, lapse_overdue, noticing
from marketplace.services.parties import tell_parties
from marketplace.services.verification import must_be_verified

MOST_REASON = 500


def award_bid(session: Session, actor: Actor, bid_id: int, kg_per_month: int, *, now: datetime) -> int:
    """
    Award so many kilograms a month to a bid and return the award's id; the recycler then has three business days to answer.
    The other bids stand by from the first award on.

    A month in which less is left gets what is left. Raises NotFound, NotAllowed; Invalid if it is more than the bid
    asks for; Conflict before the bids are opened, when the bidding was ended, the bid does not stand, the line does not
    fit (any more), a month has no filing that it needs, a cap or least lot is broken, or a counter does not hold it.
    """
    listing_of_bid = select(Bid.listing_id).where(Bid.id == bid_id).scalar_subquery()
    with noticing(session, Award.listing_id == listing_of_bid, now=now), transaction(session):
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
        left = left_by_month(session, listing_id)
        fit, filing_of = must_fit(session, bid, left, now)
        months = months_of(left, fit, kg_per_month)
        must_keep_the_rules(session, sale.listing, bid, sum(months.values()))
        share = Share(listing_id, bid.line_id, months, {month: filing_of[month] for month in months if filing_of})
        reserve(session, share)
        award = make_award(session, bid, sale.producer_id, fit, share, now=now)
        if sale.listing.standby_until is None:
            sale.listing.standby_until = deadline(now, STANDBY_DAYS, calendar_of(session))
        decide(session, sale.listing, now=now)
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
        tell_parties(session, "awarded", award, now, deadline=answer_due(award).plain())
    return award.id


def end_bidding(session: Session, actor: Actor, listing_id: int, reason: str, *, now: datetime) -> None:
    """
    End the bidding: those without an award have lost and stand by no more, and read the reason.

    Where all is awarded it ends the standby. Raises NotFound, NotAllowed; Invalid without a reason where nothing was
    awarded; Conflict before the bids are opened or if it was ended before.
    """
    with noticing(session, Award.listing_id == listing_id, now=now), transaction(session):
        sale = _to_decide(session, actor, listing_id, now, ending=True)
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
        if sale.listing.standby_until is not None:
            sale.listing.standby_until = min(now, sale.listing.standby_until)
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
        tell_losers(session, sale.listing, said, now=now)


def _to_decide(session: Session, actor: Actor, listing_id: int, now: datetime, *, ending: bool = False) -> Sale:
    """Return a listing to be decided, held; ``ending``: one of which all is awarded, while bids stand by, is too."""
    sale = held_sale(session, actor, "listing.award", listing_id)
    listing = sale.listing
    if listing.withdrawn_at is not None:
        raise Conflict("This listing has been withdrawn.")
    lapse_overdue(session, listing, now=now)  # what is free, and who was called, is as the deadlines have it
    match listing.bidding(now):
        case "none":
            raise Conflict("This listing takes no bids: it waits for a matching round.")
        case "open":
            raise too_early(listing)
        case "to_open":
            raise Conflict("The deadline has passed and the bids are still sealed: open them first.")
        case "decided" if not (ending and listing.standby_until is not None and now < listing.standby_until):
            raise Conflict("The bidding on this listing has been ended.")
    return sale
