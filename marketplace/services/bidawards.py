"""What an award of a bid asks for, whoever makes it: what is left, does it fit, do the producer's rules hold; and the award."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.bids import ANSWER_DAYS, Ranked, Terms
from marketplace.domain.errors import Conflict
from marketplace.domain.filings import months_unfiled
from marketplace.domain.fit import Fit
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.domain.workdays import deadline
from marketplace.persistence.caps import held_by_buyers, left_for_others
from marketplace.persistence.fit import accepting
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing, ListingMonth, in_rank, valid
from marketplace.persistence.organizations import Organization
from marketplace.persistence.pairs import fits_and_filings, lots
from marketplace.persistence.rounds import Award, AwardMonth
from marketplace.persistence.workdays import calendar_of
from marketplace.services.counters import Share


def left_by_month(session: Session, listing_id: int) -> dict[Month, int]:
    """Return the kilograms of a listing that nobody holds, by month."""
    return {
        row.month: row.offered_kg - row.reserved_kg - row.contracted_kg
        for row in session.execute(
            select(
                ListingMonth.month, ListingMonth.offered_kg, ListingMonth.reserved_kg, ListingMonth.contracted_kg
            ).where(ListingMonth.listing_id == listing_id)
        )
    }


def must_fit(session: Session, bid: Bid, left: dict[Month, int], now: datetime) -> tuple[Fit, dict[Month, int]]:
    """
    Return the fit, and under which filing each open month moves if one is needed.

    Raises Conflict with what stands in the way, also if nothing but a filing stands in the way of some month.
    """
    return pair_must_fit(session, bid.listing_id, bid.line_id, left, now)


def pair_must_fit(
    session: Session, listing_id: int, line_id: int, left: Mapping[Month, int], now: datetime
) -> tuple[Fit, dict[Month, int]]:
    """Ask the same of a listing and a line, whoever brings them together: as an award does, and a contract that grows."""
    if session.scalar(select(IntakeLine.retired_at).where(IntakeLine.id == line_id)) is not None:
        raise Conflict("This intake line is no longer kept.")
    of = lots(session, [listing_id], now=now)
    lot = of[listing_id]
    lines = accepting(session, [line_id], months=lot.months)
    fit, filing_of = fits_and_filings(session, of, lines)[listing_id, line_id]
    if fit.first is not None:
        raise Conflict("It cannot go to this line: %(reason)s", reason=fit.first.sentence)
    offered_months = [month for month in lot.months if left.get(month, 0) > 0]
    unfiled = months_unfiled(lot.offered, lines[line_id], fit, offered_months)
    if unfiled:
        raise Conflict(
            "No filing across provinces with tonnes left is in force at the end of %(unfiled_month)s. Keep one before"
            " you award this bid.",
            unfiled_month=tuple(str(month) for month in unfiled),
        )
    return fit, filing_of


def must_be_permitted(session: Session, line_id: int, *, now: datetime) -> None:
    """Raise Conflict unless a line is kept and its permit holds on this day, as a contract needs it."""
    line = session.execute(
        select(IntakeLine.permit_verified_at, IntakeLine.permit_valid_until, IntakeLine.retired_at).where(
            IntakeLine.id == line_id
        )
    ).one()
    if line.retired_at is not None:
        raise Conflict("This intake line is no longer kept.")
    if line.permit_verified_at is None or line.permit_valid_until is None or line.permit_valid_until < now.date():
        raise Conflict("The permit of the intake line is not verified or has expired; a contract needs one that holds.")


def months_of(left: dict[Month, int], fit: Fit, kg_per_month: int) -> dict[Month, int]:
    """Return what the award takes in each open month: what is asked, or what is left if that is less."""
    months = {month: min(kg_per_month, left.get(month, 0)) for month in fit.months if left.get(month, 0) > 0}
    if not months:
        raise Conflict("Nothing of this listing is left in the months in which the line is open.")
    return months


def must_keep_the_rules(session: Session, listing: Listing, bid: Bid, kg: int) -> None:
    """
    Raise Conflict if an award of so much breaks the least lot, the cap per buyer or the share for small works.

    The listing is held by the caller, so that no other award takes of them meanwhile.
    """
    if kg < listing.least_lot_kg:
        raise Conflict(
            "That is %(award_kg)s t in all; by your own rule nobody gets less than %(least_kg)s t.",
            award_kg=kg,
            least_kg=listing.least_lot_kg,
        )
    _must_keep_the_share(session, listing, bid, kg)
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


def _must_keep_the_share(session: Session, listing: Listing, bid: Bid, kg: int) -> None:
    if session.scalar(select(Organization.small_works).where(Organization.id == bid.organization_id)):
        return
    left = left_for_others(session, [listing.id]).get(listing.id)
    if left is not None and kg > left:
        raise Conflict(
            "By your own rule %(share)s %% of this listing is kept for small works. Buyers that are none may get %(others_kg)s t"
            " more together; an award of %(award_kg)s t is too much.",
            share=listing.small_works_share_percent,
            others_kg=left,
            award_kg=kg,
        )


def decide(session: Session, listing: Listing, *, now: datetime) -> None:
    """Note whether anything is left to decide: the bidding is over once all is awarded, and open again if not."""
    over = not any(left_by_month(session, listing.id).values())
    if over != (listing.bids_decided_at is not None):
        listing.bids_decided_at = now if over else None


def order_of(session: Session, listing_id: int) -> tuple[Ranked, ...]:
    """Return the opened bids of a listing that stand, from the one that nets the seller most."""
    live = session.scalars(select(Bid).where(Bid.listing_id == listing_id, valid())).all()
    return in_rank(live)


def make_award(
    session: Session,
    bid: Bid,
    producer_id: int,
    fit: Fit,
    share: Share,
    *,
    told: dict[str, list[Sentence]] | None = None,
    why: dict[str, list[dict[str, object]]] | None = None,
    answer_by: datetime | None = None,
    now: datetime,
) -> Award:
    """
    Award a bid what a share reserved for it; both sides sign it within business days, or until ``answer_by``.

    ``told`` is what each side reads first, before ``why`` it is this bid; none: by its rank.
    """
    terms, net = bid.terms, bid.net_fen_per_t
    if why is None:
        why = _explanation(bid.id, terms, order_of(session, bid.listing_id))
    said = {side: [each.plain() for each in (told or {}).get(side, ())] for side in why}
    award = Award(
        bid_id=bid.id,
        listing_id=bid.listing_id,
        line_id=bid.line_id,
        producer_id=producer_id,
        recycler_id=bid.organization_id,
        kg=sum(share.months.values()),
        price_fen_per_t=net,
        transport=terms.transport,
        freight_fen_per_t=terms.freight_fen_per_t,
        deduction_fen_per_t=terms.deduction_fen_per_t,
        great_circle_m=fit.haul.great_circle_m,
        road_m=bid.road_m,
        explanation={side: said[side] + sentences for side, sentences in why.items()},
        awarded_at=now,
        answer_by=answer_by or deadline(now, ANSWER_DAYS, calendar_of(session)),
    )
    session.add(award)
    session.flush()
    session.add_all(
        AwardMonth(award_id=award.id, month=month, kg=kg, filing_id=share.filings.get(month))
        for month, kg in sorted(share.months.items())
    )
    return award


def money_of(terms: Terms) -> dict[str, Sentence]:
    """Return what an award comes to for a tonne, for each reader."""
    net = terms.outcome.net_fen_per_t
    money: dict[str, str | int | Sentence | tuple[str, ...] | None] = {
        "price_fen_per_t": net,
        "delivered_fen_per_t": net + terms.freight_fen_per_t + terms.deduction_fen_per_t,
        "freight_fen_per_t": terms.freight_fen_per_t,
        "deduction_fen_per_t": terms.deduction_fen_per_t,
    }
    return {
        "producer": Sentence(
            "You net %(price_fen_per_t)s yuan per tonne at your gate: %(delivered_fen_per_t)s delivered, less"
            " %(freight_fen_per_t)s freight and %(deduction_fen_per_t)s expected deductions.",
            money,
        ),
        "recycler": Sentence(
            "The contract price is %(delivered_fen_per_t)s yuan per tonne delivered: %(price_fen_per_t)s to the producer,"
            " %(freight_fen_per_t)s freight and %(deduction_fen_per_t)s expected deductions, which you keep.",
            money,
        ),
        "park": Sentence(
            "%(delivered_fen_per_t)s yuan per tonne delivered: %(price_fen_per_t)s at the producer's gate,"
            " %(freight_fen_per_t)s freight, %(deduction_fen_per_t)s expected deductions.",
            money,
        ),
    }


def _explanation(bid_id: int, terms: Terms, order: tuple[Ranked, ...]) -> dict[str, list[dict[str, object]]]:
    """Return why this bid, for each reader: no reader finds another's bid in it."""
    place = next(each.rank for each in order if each.bid_id == bid_id)
    rank = Sentence(
        "By what the producer nets the bid is number %(rank)s of %(bids)s.", {"rank": place, "bids": len(order)}
    )
    source = Sentence("The price is the one that was bid; it was sealed until the deadline.")
    return {side: [money.plain(), rank.plain(), source.plain()] for side, money in money_of(terms).items()}
