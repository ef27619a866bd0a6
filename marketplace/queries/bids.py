"""
Reads: a recycler's own bids, what they come to, and why one was lost. Nobody reads another's.

Until a listing's bids are opened nobody reads what a bid says, its bidder neither: there is its receipt alone. In an open
sale the bidder reads its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.bids import State, Terms, stands_by, state_of
from marketplace.domain.errors import NotFound
from marketplace.domain.listings import Bidding, SaleKind
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing, ListingMonth, in_rank, valid
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.pairs import fits, lots
from marketplace.persistence.rounds import Award, AwardMonth
from marketplace.persistence.streams import WasteStream
from marketplace.queries.listed import Listed, Wish, page_of
from marketplace.queries.viewers import Viewer, viewer_of

SORTS: Final = {"received": Bid.received_at, "deadline": Listing.bids_close_at, "price": Bid.price_fen_per_t}


@dataclass(frozen=True)
class Standing:
    """
    Where a bid stood when the bidding had ended.

    ``gap_fen_per_t``: how much more the seller would have netted from the least of the awarded bids; none if nothing
    was awarded or the bid netted as much. ``ahead``: how many without an award rank before it.
    """

    rank: int
    bids: int
    gap_fen_per_t: int | None
    awarded: int
    ahead: int


@dataclass(frozen=True, kw_only=True)
class BidRow:
    """An own bid in the list."""

    id: int
    listing_id: int
    line_zh: str
    line_en: str
    material: str
    seller_zh: str | None
    seller_en: str | None
    bidder_zh: str
    bidder_en: str
    first_month: Month
    last_month: Month
    terms: Terms | None
    """What was bid; none while it is sealed, and if it could not be opened."""
    receipt: str | None
    invalid_because: str
    road_m: int
    revision: int
    received_at: datetime
    opened_at: datetime | None
    bids_close_at: datetime | None
    sale_kind: SaleKind
    bidding: Bidding
    state: State
    awarded_kg: int
    award_id: int | None
    standing: Standing | None
    standby_until: datetime | None
    """Until when it stands by; none unless it does."""
    decided_because: str
    rules_sha256: str | None
    voided_at: datetime | None
    voided_because: str


@dataclass(frozen=True)
class BidsPage:
    """The bids of the own organizations, the newest of each line and listing."""

    listed: Listed[BidRow]


def bids_page(session: Session, actor: Actor, wish: Wish, *, now: datetime) -> BidsPage:
    """Return the own bids that were not replaced. A fixed number of SELECTs."""
    query = _own().where(Bid.organization_id.in_(actor.organization_ids), Bid.replaced_at.is_(None))
    listed = page_of(session, query, replace(wish, sort=wish.sort or "-received"), sorts=SORTS, last=Bid.id.desc())
    viewer = viewer_of(session, actor)
    standings = standings_of(session, {row.Bid.listing_id for row in listed.rows if _is_open(row.Listing)})
    rows = tuple(_row(row, viewer, standings, now) for row in listed.rows)
    return BidsPage(replace(listed, rows=rows))


@dataclass(frozen=True)
class Revision:
    """An earlier state of a bid; ``terms`` are none where it is sealed, as what was replaced or withdrawn stays."""

    revision: int
    terms: Terms | None
    receipt: str | None
    received_at: datetime
    ended_at: datetime | None
    withdrawn: bool
    void: bool


@dataclass(frozen=True)
class BidPage:
    """An own bid with its history; and its result, once there is one."""

    row: BidRow
    line_id: int
    revisions: tuple[Revision, ...]
    unmet: tuple[Sentence, ...]
    """What the line's limits say against it now."""
    listing_public: bool
    may_change: bool
    may_withdraw: bool


def bid_page(session: Session, actor: Actor, bid_id: int, *, now: datetime) -> BidPage:
    """
    Return an own bid. Raises NotFound.

    An auditor reads it once the bids are opened; the producer reads bids on its award page alone.
    """
    found = readable_bid(session, actor, bid_id)
    bid: Bid = found.Bid
    listing: Listing = found.Listing
    viewer = viewer_of(session, actor)
    standings = standings_of(session, [listing.id] if _is_open(listing) else [])
    row = _row(found, viewer, standings, now)
    earlier = session.scalars(
        select(Bid)
        .where(Bid.listing_id == listing.id, Bid.line_id == bid.line_id)
        .order_by(Bid.revision.desc(), Bid.id.desc())
    ).all()
    fit = fits(session, lots(session, [listing.id], now=now), [bid.line_id])[listing.id, bid.line_id]
    public = listing.withdrawn_at is None and listing.expires_at is not None and listing.expires_at > now
    return BidPage(
        row=row,
        line_id=bid.line_id,
        revisions=tuple(
            Revision(
                each.revision,
                _terms(each, listing),
                each.receipt,
                each.received_at,
                each.withdrawn_at or each.replaced_at,
                each.withdrawn_at is not None,
                each.voided_at is not None,
            )
            for each in earlier
        ),
        unmet=tuple(reason.sentence for reason in fit.reasons),
        listing_public=public,
        may_change=row.state == "live" and actor.may("bid.submit", Belonging.to(bid.organization_id)),
        may_withdraw=row.state == "live"
        and listing.ascending is None
        and actor.may("bid.withdraw", Belonging.to(bid.organization_id)),
    )


def readable_bid(session: Session, actor: Actor, bid_id: int) -> Any:
    """Return a bid with its listing: an own one, or any once it is opened and the actor may. Raises NotFound. One SELECT."""
    found = session.execute(_own().where(Bid.id == bid_id)).one_or_none()
    if found is None:
        raise NotFound
    if not _is_open(found.Listing) and found.Bid.organization_id not in actor.organization_ids:
        raise NotFound
    actor.must("bid.read", Belonging.to(found.Bid.organization_id))
    return found


def over(award: Award | None, now: datetime) -> bool:
    """Say whether an award was declined or has lapsed, whether or not anybody noticed that."""
    return award is not None and award.state(now) in {"declined", "lapsed"}


def standings_of(session: Session, listing_ids: Collection[int]) -> dict[int, Standing]:
    """Return where each bid on these listings stands: bid -> standing. Two SELECTs; only for what is opened."""
    if not listing_ids:
        return {}
    by_listing: dict[int, list[Bid]] = defaultdict(list)
    for bid in session.scalars(select(Bid).where(Bid.listing_id.in_(listing_ids), valid())):
        by_listing[bid.listing_id].append(bid)
    awarded = frozenset(
        session.scalars(select(Award.bid_id).where(Award.listing_id.in_(listing_ids), Award.bid_id.is_not(None)))
    )
    return {bid_id: standing for bids in by_listing.values() for bid_id, standing in _standings(bids, awarded).items()}


def _standings(bids: Sequence[Bid], awarded: frozenset[int | None]) -> dict[int, Standing]:
    order = in_rank(bids)
    winners = [each.net_fen_per_t for each in order if each.bid_id in awarded]
    return {
        each.bid_id: Standing(
            rank=each.rank,
            bids=len(order),
            gap_fen_per_t=min(winners) - each.net_fen_per_t if winners and min(winners) > each.net_fen_per_t else None,
            awarded=len(winners),
            ahead=sum(other.bid_id not in awarded for other in order[: each.rank - 1]),
        )
        for each in order
    }


def _is_open(listing: Listing) -> bool:
    return listing.bids_opened_at is not None


def _terms(bid: Bid, listing: Listing) -> Terms | None:
    told = _is_open(listing) or listing.ascending is not None
    return bid.terms if told and bid.price_fen_per_t is not None else None


def _own() -> Any:
    awarded = select(func.max(AwardMonth.kg)).where(AwardMonth.award_id == Award.id).correlate(Award).scalar_subquery()
    uncontracted = (
        select(func.sum(ListingMonth.offered_kg - ListingMonth.contracted_kg))
        .where(ListingMonth.listing_id == Listing.id)
        .correlate(Listing)
        .scalar_subquery()
    )
    seller = select(Organization).subquery("seller")
    return (
        select(
            Bid,
            Listing,
            IntakeLine.name,
            IntakeLine.name_en,
            WasteStream.material,
            Organization.name_zh.label("bidder_zh"),
            Organization.name_en.label("bidder_en"),
            seller.c.id.label("seller_id"),
            seller.c.name_zh.label("seller_zh"),
            seller.c.name_en.label("seller_en"),
            seller.c.park_id,
            Site.park_id.label("site_park_id"),
            Award,
            func.coalesce(awarded, 0).label("awarded_kg"),
            func.coalesce(uncontracted, 0).label("uncontracted_kg"),
        )
        .join(Listing, Bid.listing_id == Listing.id)
        .join(IntakeLine, Bid.line_id == IntakeLine.id)
        .join(Organization, Bid.organization_id == Organization.id)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(seller, Site.organization_id == seller.c.id)
        .outerjoin(Award, Award.bid_id == Bid.id)
        .where(Listing.sale_kind != "fixed")  # what is held at a fixed price stands among the awards
    )


def _row(row: Any, viewer: Viewer, standings: dict[int, Standing], now: datetime) -> BidRow:
    bid: Bid = row.Bid
    listing: Listing = row.Listing
    bidding = listing.bidding(now)
    told = viewer.sees(
        listing.disclosure, row.seller_id, row.park_id, row.site_park_id, awarded=row.Award is not None
    ).names
    ended = row.Award is not None and not row.awarded_kg  # its contract was terminated before anything was delivered
    state = state_of(
        replaced=bid.replaced_at is not None,
        voided=bid.voided_at is not None,
        withdrawn=bid.withdrawn_at is not None,
        listing_withdrawn=listing.withdrawn_at is not None,
        bidding_open=bidding == "open",
        decided=bidding == "decided",
        invalid=bool(bid.invalid_because),
        standby=stands_by(now, standby_until=listing.standby_until, uncontracted_kg=row.uncontracted_kg),
        awarded_kg_per_month=row.Award.kg if ended else row.awarded_kg,
        award_over=ended or over(row.Award, now),
        kg_per_month=bid.kg_per_month,
    )
    return BidRow(
        id=bid.id,
        listing_id=listing.id,
        line_zh=row.name,
        line_en=row.name_en or row.name,
        material=row.material,
        seller_zh=row.seller_zh if told else None,
        seller_en=(row.seller_en or row.seller_zh) if told else None,
        bidder_zh=row.bidder_zh,
        bidder_en=row.bidder_en or row.bidder_zh,
        first_month=listing.first_month,
        last_month=listing.last_month,
        terms=_terms(bid, listing),
        receipt=bid.receipt,
        invalid_because=bid.invalid_because,
        road_m=bid.road_m,
        revision=bid.revision,
        received_at=bid.received_at,
        opened_at=listing.bids_opened_at,
        bids_close_at=listing.bids_close_at,
        sale_kind=listing.sale_kind,
        bidding=bidding,
        state=state,
        awarded_kg=row.awarded_kg,
        award_id=None if row.Award is None else row.Award.id,
        standing=standings.get(bid.id) if state in {"won", "partly", "forfeited", "standby", "lost"} else None,
        standby_until=listing.standby_until if state == "standby" else None,
        decided_because=listing.bids_decided_because if state == "lost" else "",
        rules_sha256=bid.rules_sha256,
        voided_at=bid.voided_at,
        voided_because=bid.voided_because,
    )
