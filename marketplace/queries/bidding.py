"""Reads: what a recycler needs to know before it bids, and what a producer decides on once the bids are opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.bids import Terms, stands_by, usual
from marketplace.domain.canonical import sha256
from marketplace.domain.errors import Conflict, NotFound
from marketplace.domain.fit import Fit, Verdict
from marketplace.domain.listings import Bidding, SaleKind, month_at
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.amendments import Termination
from marketplace.persistence.caps import left_for_others
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing, ListingMonth, in_rank, valid
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.pairs import fits, lots
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.salerules import rules_text
from marketplace.persistence.streams import WasteStream
from marketplace.queries.bids import over
from marketplace.queries.board import Card
from marketplace.queries.calls import Call, calls_of
from marketplace.queries.opensales import OpenSale, open_sale
from marketplace.queries.public import OwnLine, PublicListing, public_listing


@dataclass(frozen=True)
class Live:
    """That a bid of the line stands; what it says is sealed, from its bidder too, but in an open sale."""

    id: int
    revision: int
    received_at: datetime
    terms: Terms | None


@dataclass(frozen=True)
class BidFormPage:
    """A listing to bid on, the own lines to choose from, and the one that is chosen."""

    listing: PublicListing
    line: OwnLine | None
    bidder_zh: str
    bidder_en: str
    usual_fen_per_t: int | None
    live: Live | None
    kg_per_month: int

    @property
    def card(self) -> Card:
        """The listing as the bidder sees it."""
        return self.listing.card

    @property
    def sale(self) -> OpenSale | None:
        """How it stands, if it is an open one."""
        return self.listing.sale


def bid_form_page(
    session: Session, actor: Actor, listing_id: int, line_id: int | None, *, now: datetime
) -> BidFormPage:
    """
    Return what a bid is made with.

    Raises NotFound if the listing is not on the board, its figures are not told, or the line is not an own one;
    Conflict if it takes no bids (any more).
    """
    listing = public_listing(session, actor, listing_id, now=now)
    if not listing.card.sight.figures:
        raise NotFound
    if listing.card.bidding == "none":
        raise Conflict("This listing takes no bids: it waits for a matching round.")
    if listing.card.bidding != "open":
        raise Conflict(
            "Bidding ended at %(bids_close_at)s by the clock of the server. What comes later does not count.",
            bids_close_at=listing.card.bids_close_at.isoformat() if listing.card.bids_close_at else None,
        )
    usable = [line for line in listing.lines if line.may_bid]
    if line_id is not None and all(line.line_id != line_id for line in usable):
        raise NotFound
    chosen = next((line for line in usable if line.line_id == line_id), next(iter(usable), None))
    zh = en = ""
    earlier: Sequence[int | None] = ()
    if chosen is not None:
        zh, en = session.execute(
            select(Organization.name_zh, Organization.name_en).where(Organization.id == chosen.organization_id)
        ).one()
        earlier = session.scalars(
            select(Bid.price_fen_per_t)
            .join(Listing, Bid.listing_id == Listing.id)
            .join(WasteStream, Listing.stream_id == WasteStream.id)
            .where(
                Bid.organization_id == chosen.organization_id,
                Listing.bids_opened_at.is_not(None),
                Bid.price_fen_per_t.is_not(None),
                WasteStream.material == listing.card.material,
            )
            .order_by(Bid.received_at.desc(), Bid.id.desc())
            .limit(20)
        ).all()
    live = session.scalar(
        select(Bid).where(
            Bid.listing_id == listing_id,
            Bid.line_id == (chosen.line_id if chosen else None),
            Bid.replaced_at.is_(None),
            Bid.withdrawn_at.is_(None),
        )
    )
    asking = listing.card.asking_fen_per_t or 0
    in_sight = listing.card.sale_kind == "ascending"
    return BidFormPage(
        listing=listing,
        line=chosen,
        bidder_zh=zh,
        bidder_en=en or zh,
        usual_fen_per_t=usual([asking, *(price for price in earlier if price is not None)]),
        live=None if live is None else Live(live.id, live.revision, live.received_at, live.terms if in_sight else None),
        kg_per_month=listing.card.kg_per_month or 0,
    )


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A bid as the producer reads it once it is opened."""

    bid_id: int
    rank: int
    organization_zh: str
    organization_en: str
    line_zh: str
    line_en: str
    terms: Terms
    below_reserve: bool
    road_m: int
    received_at: datetime
    verdict: Verdict
    reasons: tuple[Sentence, ...]
    months: tuple[Month, ...]
    award_id: int | None
    award_over: bool
    """Whether its award was declined or has lapsed."""
    terminated: bool
    """Whether its contract was ended before its time."""
    awarded_kg: int
    most_kg: int
    """How much a month can be awarded at most, by what is bid, what is left, the cap and the share for small works."""
    small_works: bool


@dataclass(frozen=True)
class Unopened:
    """A bid that could not be opened though the key is there."""

    organization_zh: str
    organization_en: str
    line_zh: str
    line_en: str
    received_at: datetime
    because: str


@dataclass(frozen=True, kw_only=True)
class AwardPage:
    """The bids of a listing, ranked by what the producer nets; none before they are opened."""

    listing_id: int
    stream_zh: str
    stream_en: str
    producer_zh: str
    producer_en: str
    material: str
    first_month: Month
    last_month: Month
    asking_fen_per_t: int
    reserve_fen_per_t: int | None
    rules_sha256: str | None
    least_lot_kg: int
    cap_per_buyer_kg: int | None
    small_works_share_percent: int
    others_kg: int | None
    """What buyers that are no small works may still get together; none where no share is kept."""
    bidding: Bidding
    withdrawn: bool
    bids_close_at: datetime | None
    sale_kind: SaleKind
    decided_because: str
    left: tuple[tuple[Month, int, int], ...]
    """Month, offered, left."""
    rows: tuple[Candidate, ...]
    invalid: tuple[Unopened, ...]
    may_award: bool
    may_open: bool
    may_end: bool
    standby_until: datetime | None
    """Until when bids without an award stand by; none unless they do."""
    calls: tuple[Call, ...]
    sale: OpenSale | None
    """How an open sale stands while bids are taken."""

    @property
    def next_up(self) -> Candidate | None:
        """The first on standby who fits and nets no less than the reserve: who is called next as things are."""
        standby = (row for row in self.rows if row.award_id is None) if self.standby_until else ()
        return next((row for row in standby if row.verdict == "meets" and not row.below_reserve), None)


def award_page(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> AwardPage:
    """Return the bids on an own listing. Raises NotFound. A fixed number of SELECTs."""
    found = session.execute(
        select(Listing, WasteStream, Organization, Site.park_id)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(Listing.id == listing_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    listing, stream, producer, site_park_id = found
    belonging = Belonging.to(producer.id, producer.park_id, site_park_id)
    actor.must("listing.read", belonging)
    actor.must("bid.read", Belonging(parties=frozenset({producer.id})))
    bidding = listing.bidding(now)
    left = tuple(
        (row.month, row.offered_kg, row.offered_kg - row.reserved_kg - row.contracted_kg)
        for row in session.execute(
            select(ListingMonth.month, ListingMonth.offered_kg, ListingMonth.reserved_kg, ListingMonth.contracted_kg)
            .where(ListingMonth.listing_id == listing_id)
            .order_by(ListingMonth.month)
        )
    )
    rules = rules_text(session, listing, stream)
    opened = bidding in {"to_decide", "decided"}
    contracted = session.scalar(
        select(func.coalesce(func.sum(ListingMonth.contracted_kg), 0)).where(ListingMonth.listing_id == listing_id)
    )
    uncontracted = sum(offered for _, offered, _ in left) - (contracted or 0)
    stands = stands_by(now, standby_until=listing.standby_until, uncontracted_kg=uncontracted)
    decides = listing.withdrawn_at is None and actor.may("listing.award", belonging)
    others_kg = left_for_others(session, [listing_id]).get(listing_id)
    return AwardPage(
        listing_id=listing_id,
        stream_zh=stream.name,
        stream_en=stream.name_en or stream.name,
        producer_zh=producer.name_zh,
        producer_en=producer.name_en or producer.name_zh,
        material=stream.material,
        first_month=listing.first_month,
        last_month=listing.last_month,
        asking_fen_per_t=listing.asking_fen_per_t,
        reserve_fen_per_t=listing.reserve_fen_per_t if producer.id in actor.organization_ids else None,
        rules_sha256=sha256(rules) if rules is not None else None,
        least_lot_kg=listing.least_lot_kg,
        cap_per_buyer_kg=listing.cap_per_buyer_kg,
        small_works_share_percent=listing.small_works_share_percent,
        others_kg=others_kg,
        bidding=bidding,
        withdrawn=listing.withdrawn_at is not None,
        bids_close_at=listing.bids_close_at,
        sale_kind=listing.sale_kind,
        decided_because=listing.bids_decided_because,
        left=left,
        rows=_candidates(session, listing, left, others_kg, now) if opened else (),
        invalid=_unopened(session, listing_id) if opened else (),
        may_award=bidding == "to_decide" and decides,
        may_open=bidding == "to_open" and listing.withdrawn_at is None and actor.may("listing.open", belonging),
        may_end=(bidding == "to_decide" or stands) and decides,
        standby_until=listing.standby_until if stands else None,
        calls=calls_of(session, listing_id) if opened else (),
        sale=open_sale(session, actor, listing_id, now=now) if _shown(listing, bidding, now) else None,
    )


def _shown(listing: Listing, bidding: Bidding, now: datetime) -> bool:
    """Return whether an open sale is shown as it stands: while bids are taken, on the board."""
    stands = listing.published_at is not None and listing.withdrawn_at is None
    return stands and listing.ascending is not None and bidding == "open" and (listing.expires_at or now) > now


def _candidates(
    session: Session, listing: Listing, left: Sequence[tuple[Month, int, int]], others_kg: int | None, now: datetime
) -> tuple[Candidate, ...]:
    rows = session.execute(
        select(
            Bid,
            Organization.name_zh,
            Organization.name_en.label("organization_en"),
            Organization.small_works,
            IntakeLine.name,
            IntakeLine.name_en,
            Award,
            Termination.id.label("termination_id"),
        )
        .join(Organization, Bid.organization_id == Organization.id)
        .join(IntakeLine, Bid.line_id == IntakeLine.id)
        .outerjoin(Award, Award.bid_id == Bid.id)
        .outerjoin(Contract, Contract.award_id == Award.id)
        .outerjoin(Termination, Termination.contract_id == Contract.id)
        .where(Bid.listing_id == listing.id, valid())
    ).all()
    by_id = {row.Bid.id: row for row in rows}
    found = fits(session, lots(session, [listing.id], now=now), [row.Bid.line_id for row in rows])
    order = in_rank(row.Bid for row in rows)
    return tuple(
        _candidate(
            by_id[each.bid_id],
            each.rank,
            found[listing.id, by_id[each.bid_id].Bid.line_id],
            listing,
            left,
            None if by_id[each.bid_id].small_works else others_kg,
            now,
        )
        for each in order
    )


def _unopened(session: Session, listing_id: int) -> tuple[Unopened, ...]:
    rows = session.execute(
        select(
            Organization.name_zh,
            Organization.name_en.label("organization_en"),
            IntakeLine.name,
            IntakeLine.name_en,
            Bid.received_at,
            Bid.invalid_because,
        )
        .join(Organization, Bid.organization_id == Organization.id)
        .join(IntakeLine, Bid.line_id == IntakeLine.id)
        .where(Bid.listing_id == listing_id, Bid.invalid_because != "")
        .order_by(Bid.received_at, Bid.id)
    )
    return tuple(
        Unopened(
            row.name_zh,
            row.organization_en or row.name_zh,
            row.name,
            row.name_en or row.name,
            row.received_at,
            row.invalid_because,
        )
        for row in rows
    )


def _candidate(
    row: Any,
    rank: int,
    fit: Fit,
    listing: Listing,
    left: Sequence[tuple[Month, int, int]],
    others_kg: int | None,
    now: datetime,
) -> Candidate:
    bid: Bid = row.Bid
    terms = bid.terms
    free = [kg for month, _, kg in left if month in fit.months and month >= month_at(now)]
    most = min(terms.kg_per_month, max(free, default=0))
    for all_kg in (listing.cap_per_buyer_kg, others_kg):
        if all_kg is not None:
            most = min(most, all_kg // max(1, sum(kg > 0 for kg in free)))
    least_wanted = listing.reserve_fen_per_t if listing.reserve_fen_per_t is not None else listing.asking_fen_per_t
    return Candidate(
        bid_id=bid.id,
        rank=rank,
        organization_zh=row.name_zh,
        organization_en=row.organization_en or row.name_zh,
        line_zh=row.name,
        line_en=row.name_en or row.name,
        terms=terms,
        below_reserve=terms.outcome.net_fen_per_t < least_wanted,
        road_m=bid.road_m,
        received_at=bid.received_at,
        verdict=fit.verdict,
        reasons=tuple(reason.sentence for reason in fit.reasons),
        months=fit.months,
        award_id=None if row.Award is None else row.Award.id,
        award_over=over(row.Award, now),
        terminated=row.termination_id is not None,
        awarded_kg=0 if row.Award is None else row.Award.kg,
        most_kg=most,
        small_works=row.small_works,
    )
