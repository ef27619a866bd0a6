"""Reads: who could take a waste, and what a lab sheet or a change of terms would unlock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import cos, radians
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.fit import Offered, Verdict
from marketplace.domain.listings import month_at
from marketplace.domain.places import Point
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.fit import accepting, offered
from marketplace.persistence.lines import IntakeLine, LineMaterial
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.pairs import Lot, fits_with
from marketplace.persistence.streams import WasteStream
from marketplace.queries.viewers import prefecture_of, viewer_of

REACH_KM: Final = 300
METERS_PER_DEGREE: Final = 111_195
AHEAD: Final = 6
"""So many months are asked about where no listing names them."""

ORDER: Final[dict[Verdict, int]] = {"meets": 0, "needs_test": 1, "fails": 2}


@dataclass(frozen=True)
class Taker:
    """An intake line that takes the material, and whether it could take this waste; the names are none if not told."""

    line_id: int
    line_zh: str | None
    line_en: str | None
    organization_zh: str | None
    organization_en: str | None
    prefecture_code: str
    point: Point | None
    route: str
    verdict: Verdict
    reasons: tuple[Sentence, ...]
    missing: tuple[str, ...]
    road_m: int
    great_circle_m: int
    freight_fen_per_t: int
    room_kg: int | None


@dataclass(frozen=True)
class Unlock:
    """A property that has no value: so many lines say yes with it alone, so many more ask for it among others."""

    property: str
    alone: int
    among: int


@dataclass(frozen=True)
class Takers:
    """Who could take it, the likeliest first."""

    rows: tuple[Taker, ...]
    unlocks: tuple[Unlock, ...]

    def count(self, verdict: Verdict) -> int:
        """Return how many lines say so."""
        return sum(row.verdict == verdict for row in self.rows)


@dataclass(frozen=True)
class TakersPage:
    """Who could take a stream."""

    stream_id: int
    stream_zh: str
    stream_en: str
    material: str
    kg_per_month: int
    months: tuple[Month, ...]
    point: Point
    takers: Takers
    may_list: bool


def takers_page(session: Session, actor: Actor, stream_id: int, *, now: datetime) -> TakersPage:
    """Return who could take a stream within `REACH_KM`. Raises NotFound."""
    row = session.execute(
        select(WasteStream, Organization.id, Organization.park_id, Site.park_id.label("site_park_id"))
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(WasteStream.id == stream_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    stream, organization_id, park_id, site_park_id = row
    belonging = Belonging.to(organization_id, park_id, site_park_id)
    actor.must("stream.read", belonging)
    of = offered(session, [stream_id], now=now)[stream_id]
    begin = month_at(now)
    months = tuple(begin.until(begin.plus(AHEAD - 1)))
    lot = Lot(0, stream_id, replace(of, kg=max(of.kg, 1) * len(months)), months)
    return TakersPage(
        stream_id=stream_id,
        stream_zh=stream.name,
        stream_en=stream.name_en,
        material=stream.material,
        kg_per_month=stream.generation_kg_per_month,
        months=months,
        point=of.point,
        takers=takers_of(session, actor, lot, now=now, overseen=bool(actor.park_ids)),
        may_list=stream.retired_at is None and actor.may("listing.draft", belonging),
    )


def takers_of(session: Session, actor: Actor, lot: Lot, *, now: datetime, overseen: bool = False) -> Takers:
    """
    Return the lines near a lot that take its material, without those of its own producer.

    Their names are for verified organizations, and for the park (``overseen``); their prices for nobody.
    """
    line_ids = list(session.scalars(_lines_near(lot.offered)))
    lines = accepting(session, line_ids, months=lot.months)
    fits = fits_with(session, {lot.listing_id: lot}, lines)
    names = session.execute(
        select(
            IntakeLine.id,
            IntakeLine.name,
            IntakeLine.name_en,
            IntakeLine.route,
            Organization.name_zh,
            Organization.name_en.label("organization_en"),
            Site.division_code,
        )
        .join(Site, IntakeLine.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(IntakeLine.id.in_(line_ids))
    ).all()
    viewer = viewer_of(session, actor)
    told = viewer.member or viewer.everything or overseen
    rows = []
    for row in names:
        fit = fits[lot.listing_id, row.id]
        if fit.haul.great_circle_m > REACH_KM * 1000:
            continue
        rows.append(
            Taker(
                line_id=row.id,
                line_zh=row.name if told else None,
                line_en=(row.name_en or row.name) if told else None,
                organization_zh=row.name_zh if told else None,
                organization_en=(row.organization_en or row.name_zh) if told else None,
                prefecture_code=prefecture_of(row.division_code),
                point=lines[row.id].point if told else None,
                route=row.route,
                verdict=fit.verdict,
                reasons=fit.told,
                missing=tuple(reason.subject or "" for reason in fit.reasons if reason.code == "missing_value"),
                road_m=fit.haul.road_m,
                great_circle_m=fit.haul.great_circle_m,
                freight_fen_per_t=fit.haul.freight_fen_per_t,
                room_kg=lines[row.id].room_kg,
            )
        )
    rows.sort(key=lambda taker: (ORDER[taker.verdict], taker.road_m, taker.line_id))
    return Takers(tuple(rows), unlocks(rows))


def unlocks(rows: Sequence[Taker]) -> tuple[Unlock, ...]:
    """Return what each missing value would unlock, the most first."""
    alone: Counter[str] = Counter()
    among: Counter[str] = Counter()
    for row in rows:
        if row.verdict != "needs_test":
            continue
        (alone if len(row.missing) == 1 else among).update(row.missing)
    found = [Unlock(code, alone[code], among[code]) for code in sorted(alone.keys() | among.keys())]
    return tuple(sorted(found, key=lambda each: (-each.alone, -each.among, each.property)))


def box(point: Point, radius_m: int) -> ColumnElement[bool]:
    """Return the condition that a site lies in the square around a point; the circle lies within it."""
    lat_udeg = radius_m * 1_000_000 // METERS_PER_DEGREE + 1
    lon_udeg = int(lat_udeg / max(cos(radians(abs(point.lat) + lat_udeg / 1_000_000)), 0.01)) + 1
    return and_(
        Site.lat_udeg.between(point.lat_udeg - lat_udeg, point.lat_udeg + lat_udeg),
        Site.lon_udeg.between(point.lon_udeg - lon_udeg, point.lon_udeg + lon_udeg),
    )


def _lines_near(of: Offered) -> Select[int]:
    return (
        select(IntakeLine.id)
        .join(LineMaterial, LineMaterial.line_id == IntakeLine.id)
        .join(Site, IntakeLine.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(
            LineMaterial.material == of.material,
            IntakeLine.retired_at.is_(None),
            Site.closed_at.is_(None),
            Site.organization_id != of.organization_id,
            Organization.verified_at.is_not(None),
            Organization.suspended_at.is_(None),
            Organization.recycles == true(),
            box(of.point, REACH_KM * 1000),
        )
        .order_by(IntakeLine.id)
    )
