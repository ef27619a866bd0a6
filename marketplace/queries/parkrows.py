"""The rows that a park's page is made of, each kind by one SELECT whatever the size of the park."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, union
from sqlalchemy.orm import Session, aliased

from marketplace.domain.quantities import Month
from marketplace.domain.utilization import Scope
from marketplace.persistence.ledger import Posting, StatedMonth
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award, AwardMonth, Contract, Round
from marketplace.persistence.streams import WasteStream
from marketplace.queries.postings import MOVES, bulk_codes, counts, is_solid_waste

SOON: Final = timedelta(days=30)
"""A permit that ends within this is named."""

STALLED: Final = timedelta(days=14)
"""A listing that stands so long without a bid is named."""


@dataclass(frozen=True)
class AwardFlow:
    """What an award moves in one month, from where to where."""

    award_id: int
    stream_id: int
    producer_id: int
    producer_zh: str
    producer_en: str
    recycler_id: int
    recycler_zh: str
    recycler_en: str
    material: str
    waste_code: str
    route: str
    from_lat_udeg: int
    from_lon_udeg: int
    to_lat_udeg: int
    to_lon_udeg: int
    month: Month
    kg: int
    contract_id: int | None


@dataclass(frozen=True)
class SitePoint:
    """A site of the park and whose it is."""

    site_id: int
    name_zh: str
    name_en: str
    organization_id: int
    organization_zh: str
    organization_en: str
    produces: bool
    recycles: bool
    lat_udeg: int
    lon_udeg: int


def park_row(session: Session, park_id: int, *, this_month: Month, now: datetime) -> Row[Any] | None:
    """Return the park, from when to when its ledger reaches, and how much of each kind waits for its administrator."""
    by_plant = Posting.shipment_id.is_(None)  # a month that runs has shipments, and is not stated yet
    here = (
        select(Posting.month).join(Site, Site.id == Posting.site_id).where(Site.park_id == park_id, by_plant).subquery()
    )
    ours = Organization.park_id == park_id
    streams = (
        select(Site.organization_id)
        .select_from(WasteStream)
        .join(Site, Site.id == WasteStream.site_id)
        .where(
            Site.park_id == park_id,
            WasteStream.retired_at.is_(None),
            WasteStream.legal_status == "solid_waste",
            WasteStream.generation_kg_per_month > 0,
        )
    )
    over = this_month.plus(-1)
    # read once for all streams: asked stream by stream, it is the month's postings times the streams
    stated = select(StatedMonth.stream_id).where(StatedMonth.month == over)
    posted = select(Posting.stream_id).where(Posting.month == over, Posting.stream_id.is_not(None), by_plant)
    unstated = WasteStream.id.not_in(union(stated, posted))
    lines = (
        select(func.count(IntakeLine.id))
        .join(Site, Site.id == IntakeLine.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(ours, IntakeLine.retired_at.is_(None), IntakeLine.permit_no != "")
    )
    today = now.date()
    listings = (
        select(func.count(Listing.id))
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .join(Site, Site.id == WasteStream.site_id)
        .where(
            Site.park_id == park_id,
            Listing.published_at <= now - STALLED,
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
            or_(Listing.bids_close_at.is_(None), Listing.bids_opened_at.is_not(None)),  # that none came is sealed too
            ~exists().where(Bid.listing_id == Listing.id),
            ~exists().where(Award.listing_id == Listing.id),
        )
    )
    rounds = select(func.count(Round.id)).where(
        Round.park_id == park_id,
        Round.voided_at.is_(None),
        Round.published_at.is_(None),
        or_(Round.closed_at.is_not(None), Round.closes_at <= now),
    )
    members = select(func.count(Organization.id)).where(
        ours, Organization.verified_at.is_(None), Organization.refused_at.is_(None)
    )
    return session.execute(
        select(
            Park.id,
            Park.name_zh,
            Park.name_en,
            Park.division_code,
            Park.goal_permille,
            Park.goal_source,
            Park.goal_source_en,
            select(func.min(here.c.month)).scalar_subquery().label("earliest"),
            select(func.max(here.c.month)).scalar_subquery().label("latest"),
            select(func.max(here.c.month)).where(here.c.month < this_month).scalar_subquery().label("latest_over"),
            _distinct(streams).label("plants"),
            _distinct(streams.where(unstated)).label("late"),
            members.scalar_subquery().label("to_verify"),
            lines.where(IntakeLine.permit_verified_at.is_(None)).scalar_subquery().label("permits"),
            lines.where(IntakeLine.permit_valid_until.between(today, today + SOON)).scalar_subquery().label("expiring"),
            rounds.scalar_subquery().label("rounds"),
            listings.scalar_subquery().label("stalled"),
        ).where(Park.id == park_id)
    ).one_or_none()


def _distinct(organizations: Select[Any]) -> Any:
    found = organizations.distinct().subquery()
    return select(func.count()).select_from(found).scalar_subquery()


def award_flows(session: Session, park_id: int, *, since: Month, now: datetime) -> list[AwardFlow]:
    """
    Return what published awards move out of the park's sites from a month on.

    Left out are awards that were declined or lapsed, also those that nobody has noticed yet, and what a planning round
    merely recommends.
    """
    giver, taker = aliased(Site), aliased(Site)
    producer, recycler = aliased(Organization), aliased(Organization)
    rows = session.execute(
        select(
            Award.id,
            WasteStream.id,
            Award.producer_id,
            producer.name_zh,
            producer.name_en,
            Award.recycler_id,
            recycler.name_zh,
            recycler.name_en,
            WasteStream.material,
            WasteStream.waste_code,
            IntakeLine.route,
            giver.lat_udeg,
            giver.lon_udeg,
            taker.lat_udeg,
            taker.lon_udeg,
            AwardMonth.month,
            AwardMonth.kg,
            Contract.id,
        )
        .join(AwardMonth, AwardMonth.award_id == Award.id)
        .join(Listing, Listing.id == Award.listing_id)
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .join(giver, giver.id == WasteStream.site_id)
        .join(IntakeLine, IntakeLine.id == Award.line_id)
        .join(taker, taker.id == IntakeLine.site_id)
        .join(producer, producer.id == Award.producer_id)
        .join(recycler, recycler.id == Award.recycler_id)
        .outerjoin(Round, Round.id == Award.round_id)
        .outerjoin(Contract, Contract.award_id == Award.id)
        .where(
            giver.park_id == park_id,
            is_solid_waste(),
            AwardMonth.month >= since,
            Award.declined_at.is_(None),
            Award.lapsed_at.is_(None),
            or_(
                Contract.id.is_not(None),
                Award.answer_by > now,
                and_(Award.producer_accepted_at.is_not(None), Award.recycler_accepted_at.is_not(None)),
            ),
            or_(
                Award.round_id.is_(None),
                and_(Round.published_at.is_not(None), Round.voided_at.is_(None), Round.kind == "market"),
            ),
        )
        .order_by(AwardMonth.month, Award.id)
    )
    return [AwardFlow(*tuple(row)) for row in rows]


def sums_by_month(
    session: Session, park_id: int, scope: Scope, first: Month, last: Month, also: Collection[Month]
) -> Sequence[Any]:
    """Return kilograms by material, month and pair of accounts, of a period and of other months besides."""
    return session.execute(
        select(Posting.material, Posting.month, *MOVES, func.sum(Posting.kg).label("kg"))
        .join(Site, Site.id == Posting.site_id)
        .outerjoin(WasteStream, WasteStream.id == Posting.stream_id)
        .where(
            Site.park_id == park_id,
            is_solid_waste(),
            counts(),
            *in_scope_of(scope),
            or_(Posting.month.between(first, last), Posting.month.in_(also)),
        )
        .group_by(Posting.material, Posting.month, *MOVES)
    ).all()


def sums_by_site(session: Session, park_id: int, scope: Scope, first: Month, last: Month) -> Sequence[Any]:
    """Return kilograms by organization, site, material, evidence and pair of accounts, of a period."""
    return session.execute(
        select(
            Posting.organization_id,
            Posting.site_id,
            Posting.material,
            Posting.evidence,
            *MOVES,
            func.sum(Posting.kg).label("kg"),
            func.max(Posting.month).label("latest"),
        )
        .join(Site, Site.id == Posting.site_id)
        .outerjoin(WasteStream, WasteStream.id == Posting.stream_id)
        .where(
            Site.park_id == park_id, is_solid_waste(), counts(), *in_scope_of(scope), Posting.month.between(first, last)
        )
        .group_by(
            Posting.organization_id,
            Posting.site_id,
            Posting.material,
            Posting.evidence,
            *MOVES,
        )
    ).all()


def sums_by_stream(session: Session, stream_ids: Collection[int], months: Collection[Month]) -> Sequence[Any]:
    """Return kilograms of some streams in some months, by pair of accounts."""
    return session.execute(
        select(Posting.stream_id, Posting.month, *MOVES, func.sum(Posting.kg).label("kg"))
        .where(Posting.stream_id.in_(stream_ids), Posting.month.in_(months), counts())
        .group_by(Posting.stream_id, Posting.month, *MOVES)
    ).all()


def site_points(session: Session, park_id: int) -> list[SitePoint]:
    """Return the sites of the park."""
    rows = session.execute(
        select(
            Site.id,
            Site.name,
            Site.name_en,
            Organization.id,
            Organization.name_zh,
            Organization.name_en,
            Organization.produces,
            Organization.recycles,
            Site.lat_udeg,
            Site.lon_udeg,
        )
        .join(Organization, Organization.id == Site.organization_id)
        .where(Site.park_id == park_id)
        .order_by(Site.id)
    )
    return [SitePoint(*tuple(row)) for row in rows]


def in_scope_of(scope: Scope) -> list[ColumnElement[bool]]:
    """Return the conditions of a scope."""
    return [] if scope == "all" else [Posting.waste_code.in_(bulk_codes())]
