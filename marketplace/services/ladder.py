"""
The award ladder: when an award of a bid comes to nothing, the next bid on standby is called by itself.

The call is made in the transaction of the decline or of the lapse, whoever notices that first: the sweep, or a use case
that meets an award whose deadline has passed. All who change an award of a bid hold its listing first, so that of
several at the same moment one calls, and the others find the award ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM
from marketplace.domain.bids import ANSWER_DAYS, Ranked
from marketplace.domain.contracts import Side
from marketplace.domain.errors import Conflict
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence, Value
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import Filing
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award, AwardMonth, AwardWait
from marketplace.persistence.standby import StandbyCall, unawarded
from marketplace.services.bidawards import (
    decide,
    left_by_month,
    make_award,
    months_of,
    must_be_permitted,
    must_fit,
    must_keep_the_rules,
    order_of,
)
from marketplace.services.counters import Share, amend, hold, release, reserve
from marketplace.services.parties import tell_parties
from marketplace.services.proposals import share_of
from marketplace.services.verification import must_be_verified


@dataclass(frozen=True)
class _Step:
    """One award that came to nothing, with the names that each side may read."""

    listing: Listing
    award: Award
    of_named: tuple[str, ...]
    park_id: int | None
    terminated_at: datetime | None = None
    short_at: datetime | None = None
    """When a version was signed by which its recycler takes less. None of the two: it was declined or has lapsed."""

    def told(self, rank: int) -> dict[str, list[Sentence]]:
        """Return what each side reads first: what came to nothing, and that nobody chose by hand."""
        declined_at, number = self.award.declined_at, {"rank": rank}
        of: dict[str, Value] = {"organization_named": self.of_named}
        when: dict[str, Value] = {"ended_at": (declined_at or self.award.answer_by).isoformat()}
        if self.terminated_at is not None:
            when = {"ended_at": self.terminated_at.isoformat()}
            producer = Sentence("%(organization_named)s terminated its contract on %(ended_at)s.", of | when)
            recycler = Sentence("A contract before yours was terminated on %(ended_at)s.", when)
            park = Sentence("A contract of this listing was terminated on %(ended_at)s.", when)
        elif self.short_at is not None:
            when = {"ended_at": self.short_at.isoformat()}
            producer = Sentence("%(organization_named)s takes less of its contract since %(ended_at)s.", of | when)
            recycler = Sentence("A contract before yours takes less since %(ended_at)s.", when)
            park = Sentence("A contract of this listing takes less since %(ended_at)s.", when)
        elif declined_at is not None:
            producer = Sentence("%(organization_named)s declined its award on %(ended_at)s.", of | when)
            recycler = Sentence("An award before yours was declined on %(ended_at)s.", when)
            park = Sentence("An award of this listing was declined on %(ended_at)s.", when)
        else:
            producer = Sentence("%(organization_named)s did not answer its award by %(ended_at)s.", of | when)
            recycler = Sentence("An award before yours was not answered by %(ended_at)s.", when)
            park = Sentence("An award of this listing was not answered by %(ended_at)s.", when)
        by_rank = Sentence(
            "So the next on standby was called by itself: number %(rank)s by what you net, no less than your reserve. It"
            " becomes a contract when both sides have signed: sign for yours on this page.",
            number,
        )
        offered = Sentence(
            "You stood by as number %(rank)s, so the waste was offered to you by itself, in the order of what the"
            " producer nets. You sign or decline; it becomes a contract when the producer has signed too.",
            number,
        )
        called = Sentence("Number %(rank)s stood by and was called by itself.", number)
        return {"producer": [producer, by_rank], "recycler": [recycler, offered], "park": [park, called]}


def hold_listing(session: Session, award_id: int) -> Listing | None:
    """Hold the listing of an award of a bid, before the award itself; none if it is of a round, or not there."""
    return session.scalar(
        select(Listing)
        .where(
            Listing.id
            == select(Award.listing_id).where(Award.id == award_id, Award.bid_id.is_not(None)).scalar_subquery()
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which an award has lapsed and still holds its kilograms."""
    return (
        Award.answer_by <= now,
        Award.price_fen_per_t.is_not(None),
        Award.declined_at.is_(None),
        Award.lapsed_at.is_(None),
        or_(Award.producer_accepted_at.is_(None), Award.recycler_accepted_at.is_(None)),
    )


@contextmanager
def noticing(session: Session, of: ColumnElement[bool], *, now: datetime) -> Iterator[None]:
    """
    Let awards of bids lapse whose deadline has passed if an act on them is refused, in a transaction of its own.

    So what was noticed stands, though the act has written nothing. ``of`` says which awards the act is about.
    """
    try:
        yield
    except Conflict:
        overdue = select(Award.listing_id).where(of, Award.bid_id.is_not(None), *due(now)).distinct()
        for listing_id in session.scalars(overdue).all():
            with transaction(session):
                lapse_overdue(
                    session, session.get_one(Listing, listing_id, populate_existing=True, with_for_update=True), now=now
                )
        raise


def lapse_overdue(session: Session, listing: Listing, *, now: datetime) -> None:
    """Let every award of a bid on a listing lapse that is due, and call who stands by, in the caller's transaction."""
    overdue = session.scalars(
        select(Award)
        .where(Award.listing_id == listing.id, Award.bid_id.is_not(None), *due(now))
        .order_by(Award.answer_by, Award.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for award in overdue:
        lapse(session, listing, award, now=now)


def lapse(session: Session, listing: Listing | None, award: Award, *, now: datetime) -> None:
    """Let an award lapse that is due, in the caller's transaction, which holds its listing (none: of a round) and it."""
    award.lapsed_at = now
    record(
        session,
        SYSTEM,
        "award.lapse",
        "award",
        award.id,
        now=now,
        organization_id=award.producer_id,
        kg=award.kg,
    )
    give_back(session, listing, award, now=now)
    if listing is not None and listing.fixed_price is not None:
        tell_parties(session, "hold_over", award, now)


def give_back(session: Session, listing: Listing | None, award: Award, *, now: datetime) -> None:
    """
    Give back what an award holds that was declined or has lapsed; if it is of a bid, call who stands by for it.

    Bids are called in the order of what the producer nets, each for no more than came free, until it is placed: what
    was not awarded before is the producer's to dispose of. Who does not fit any more is passed over, with the reason.
    Nobody is called once the standby is over, nor for what the producer itself declined, or let lapse unsigned though
    the recycler had signed: no producer passes a bidder by for the next one. What is left then can be awarded by hand,
    while the standby lasts.
    """
    session.flush()
    share = share_of(session, award)
    if listing is None:
        release(session, share)
        return
    stands = listing.standby_until is not None and now < listing.standby_until
    line_of = _standing(session, listing) if stands and not by_producer(award) else {}
    filing_ids = session.scalars(select(Filing.id).where(Filing.stream_id == listing.stream_id)).all()
    hold(session, share, set(line_of.values()), filing_ids)
    release(session, share)
    _call(session, _step(session, listing, award), share.months, line_of, now)
    if stands:
        decide(session, listing, now=now)


def free(
    session: Session,
    listing: Listing | None,
    award: Award,
    after: Share,
    *,
    terminated_by: Side | None = None,
    short: bool = False,
    now: datetime,
) -> None:
    """
    Let the contract of an award hold what ``after`` says instead of what it holds, in the caller's transaction.

    What a recycler's termination frees, or its recycler falls ``short`` of, is offered to who stands by, as if an award
    had lapsed; what the producer ends itself, or wants taken out, nobody is called for. Raises Conflict if there is no
    room for what is more.
    """
    before = share_of(session, award)
    freed = {month: kg - after.months.get(month, 0) for month, kg in before.months.items()}
    stands = listing is not None and listing.standby_until is not None and now < listing.standby_until
    let_go = terminated_by == "recycler" or short
    line_of = _standing(session, listing) if listing is not None and stands and let_go else {}
    if listing is not None and line_of:
        filing_ids = session.scalars(select(Filing.id).where(Filing.stream_id == listing.stream_id)).all()
        hold(session, before, set(line_of.values()), filing_ids)
    amend(session, before, after)
    session.execute(delete(AwardMonth).where(AwardMonth.award_id == award.id))
    session.execute(delete(AwardWait).where(AwardWait.award_id == award.id))
    session.add_all(
        AwardMonth(award_id=award.id, month=month, kg=kg, filing_id=after.filings.get(month))
        for month, kg in sorted(after.months.items())
    )
    session.add_all(
        AwardWait(award_id=award.id, side=wait.side, since_month=wait.since, until_month=wait.until, kg=wait.kg)
        for wait in after.waits
    )
    session.flush()
    if listing is not None and line_of:
        step = _step(session, listing, award)
        of = replace(step, short_at=now) if short else replace(step, terminated_at=now)
        _call(session, of, {month: kg for month, kg in freed.items() if kg > 0}, line_of, now)
    if listing is not None and stands:
        decide(session, listing, now=now)


def by_producer(award: Award) -> bool:
    """Return whether an award came to nothing by its producer: declined, or left unsigned after the recycler signed."""
    if award.declined_at is not None:
        return award.declined_by == "producer"
    return award.producer_accepted_at is None and award.recycler_accepted_at is not None


def _standing(session: Session, listing: Listing) -> dict[Ranked, int]:
    """Return the bids on standby, by their rank, with the line of each."""
    waiting = set(unawarded(session, listing.id))
    order = [each for each in order_of(session, listing.id) if each.bid_id in waiting]
    rows = session.execute(select(Bid.id, Bid.line_id).where(Bid.id.in_(waiting)))
    lines = {row.id: row.line_id for row in rows}
    return {each: lines[each.bid_id] for each in order}


def _step(session: Session, listing: Listing, award: Award) -> _Step:
    zh, en = session.execute(
        select(Organization.name_zh, Organization.name_en).where(Organization.id == award.recycler_id)
    ).one()
    park_id = session.scalar(select(Organization.park_id).where(Organization.id == award.producer_id))
    return _Step(listing, award, (zh, en), park_id)


def _call(session: Session, of: _Step, freed: Mapping[Month, int], order: Iterable[Ranked], now: datetime) -> None:
    to_place, passed_over = dict(freed), []
    for each in order:
        left = left_by_month(session, of.listing.id)
        free = {month: min(kg, left.get(month, 0)) for month, kg in to_place.items()}
        if not any(free.values()):
            break
        try:
            with session.begin_nested():
                made, share = _offer(session, of, each, free, now)
        except Conflict as refusal:
            _write_down(session, of, each, now, passed_over=refusal.sentence)
            passed_over.append(each.bid_id)
            continue
        _write_down(session, of, each, now, award_id=made.id)
        for month, kg in share.months.items():
            to_place[month] -= kg
        _note(session, of, "award.call", made, now, bid_id=each.bid_id, kg=made.kg, passed_over=passed_over)
        tell_parties(session, "called", made, now, deadline=answer_due(made).plain())
        passed_over = []
    if passed_over:
        _note(session, of, "award.nobody_called", of.award, now, passed_over=passed_over)


def _offer(session: Session, of: _Step, place: Ranked, free: dict[Month, int], now: datetime) -> tuple[Award, Share]:
    """Award what is free to a bid on standby. Raises Conflict, in words for the producer, if it cannot be."""
    bid = session.get_one(Bid, place.bid_id)
    must_be_verified(session, of.award.producer_id)
    must_be_verified(session, bid.organization_id)
    least = of.listing.asking_fen_per_t if of.listing.reserve_fen_per_t is None else of.listing.reserve_fen_per_t
    if bid.net_fen_per_t < least:
        raise Conflict("It nets you less than your reserve: nobody is called below it but by you.")
    must_be_permitted(session, bid.line_id, now=now)
    fit, filing_of = must_fit(session, bid, free, now)
    months = months_of(free, fit, bid.terms.kg_per_month)
    must_keep_the_rules(session, of.listing, bid, sum(months.values()))
    share = Share(bid.listing_id, bid.line_id, months, {month: filing_of[month] for month in months if filing_of})
    reserve(session, share)
    made = make_award(session, bid, of.award.producer_id, fit, share, told=of.told(place.rank), now=now)
    return made, share


def answer_due(made: Award) -> Sentence:
    """Return until when an award of a bid is to be answered, and what follows."""
    return Sentence(
        "The answer is due by %(answer_by_at)s, which is in %(days)s business days. After that the next on standby is called.",
        {"answer_by_at": made.answer_by.isoformat(), "days": ANSWER_DAYS},
    )


def _write_down(
    session: Session,
    of: _Step,
    place: Ranked,
    now: datetime,
    *,
    award_id: int | None = None,
    passed_over: Sentence | None = None,
) -> None:
    session.add(
        StandbyCall(
            after_award_id=of.award.id,
            bid_id=place.bid_id,
            rank=place.rank,
            award_id=award_id,
            passed_over=None if passed_over is None else passed_over.plain(),
            called_at=now,
        )
    )


def _note(session: Session, of: _Step, action: str, award: Award, now: datetime, **detail: object) -> None:
    record(
        session,
        SYSTEM,
        action,
        "award",
        award.id,
        now=now,
        organization_id=award.producer_id,
        park_id=of.park_id,
        listing_id=of.listing.id,
        after_award_id=of.award.id,
        **detail,
    )
