"""Reads: the public board, as far as each reader may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.listings import BANDS, Bidding, SaleKind, Sight, band_of, bidding_of, month_at
from marketplace.domain.places import Point, divisions, great_circle_m
from marketplace.domain.quantities import Month
from marketplace.domain.searches import Sought
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream
from marketplace.queries.takers import box
from marketplace.queries.viewers import Viewer, awarded_to, grade_names, hidden_point, prefecture_of, viewer_of

PER_PAGE: Final = 50
SORTS: Final = ("published", "deadline", "kg", "distance")


@dataclass(frozen=True, kw_only=True)
class Search(Sought):
    """
    What a reader looks for, in which order, and which page of it.

    ``sort`` is one of `SORTS`, with a minus for the greatest first. ``since``: published after it; ``but_own``: without
    what the reader's own organizations offer.
    """

    sort: str = "-published"
    number: int = 1
    since: datetime | None = None
    but_own: bool = False

    @classmethod
    def of(cls, sought: Sought, **how: Any) -> Search:
        """Return a search for what was sought."""
        return cls(**{each.name: getattr(sought, each.name) for each in fields(Sought)}, **how)

    @property
    def sought(self) -> Sought:
        """What is looked for, without order and page."""
        return Sought(**{each.name: getattr(self, each.name) for each in fields(Sought)})


@dataclass(frozen=True, kw_only=True)
class Card:
    """A listing on the board as one reader sees it; what is not told is none."""

    id: int
    sight: Sight
    own: bool
    material: str
    grade_zh: str
    grade_en: str
    prefecture_code: str
    place_code: str | None
    first_month: Month
    last_month: Month
    band: tuple[int, int | None]
    kg_per_month: int | None
    remaining_kg: int | None
    asking_fen_per_t: int | None
    stream_zh: str | None
    stream_en: str | None
    organization_zh: str | None
    organization_en: str | None
    point: Point
    distance_m: int | None
    bidding: Bidding
    bids_close_at: datetime | None
    sale_kind: SaleKind
    published_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class BoardPage:
    """One page of the board."""

    rows: tuple[Card, ...]
    number: int
    pages: int
    total: int
    sort: str


def board_page(session: Session, actor: Actor, search: Search, *, now: datetime) -> BoardPage:
    """
    Return the listings on the board that answer a search. Five SELECTs at most.

    Where a name is not told, distance and order follow the prefecture and the band, so that no sequence of searches
    finds the place or the quantity out.
    """
    viewer = viewer_of(session, actor)
    where = _where(viewer, search, now)
    total, ids, distances, number = (
        _nearby(session, viewer, search, where) if search.place else _in_order(session, viewer, search, where)
    )
    cards = {card.id: card for card in cards_of(session, viewer, ids, now=now)}
    return BoardPage(
        rows=tuple(replace(cards[id_], distance_m=distances.get(id_)) for id_ in ids if id_ in cards),
        number=number,
        pages=max(1, -(-total // PER_PAGE)),
        total=total,
        sort=_sort(search),
    )


def on_the_board(now: datetime) -> tuple[Any, ...]:
    """Return the conditions under which a listing stands on the board: it holds, and something is left ahead."""
    return (
        Listing.published_at.is_not(None),
        Listing.withdrawn_at.is_(None),
        Listing.expires_at > now,
        Listing.last_month >= month_at(now),
        exists().where(
            ListingMonth.listing_id == Listing.id,
            ListingMonth.month >= month_at(now),
            ListingMonth.reserved_kg + ListingMonth.contracted_kg < ListingMonth.offered_kg,
        ),
    )


def cards_of(session: Session, viewer: Viewer, ids: Sequence[int], *, now: datetime) -> list[Card]:
    """Return listings as a viewer sees them, in no order. Two SELECTs."""
    left = (
        select(func.sum(ListingMonth.offered_kg - ListingMonth.reserved_kg - ListingMonth.contracted_kg))
        .where(ListingMonth.listing_id == Listing.id, ListingMonth.month >= month_at(now))
        .scalar_subquery()
    )
    rows = session.execute(
        _joined(
            select(
                Listing.id,
                Listing.first_month,
                Listing.last_month,
                Listing.kg_per_month,
                Listing.asking_fen_per_t,
                Listing.disclosure,
                Listing.bids_close_at,
                Listing.sale_kind,
                Listing.bids_opened_at,
                Listing.bids_decided_at,
                Listing.published_at,
                Listing.expires_at,
                WasteStream.material,
                WasteStream.grade,
                WasteStream.name.label("stream_zh"),
                WasteStream.name_en.label("stream_en"),
                Site.division_code,
                Site.lat_udeg,
                Site.lon_udeg,
                Site.park_id.label("site_park_id"),
                Organization.id.label("organization_id"),
                Organization.park_id,
                Organization.name_zh,
                Organization.name_en,
                left.label("left_kg"),
            )
        ).where(Listing.id.in_(ids))
    ).all()
    awarded = awarded_to(session, viewer, ids)
    return [_card(row, viewer, now, awarded=row.id in awarded) for row in rows]


def _card(row: Any, viewer: Viewer, now: datetime, *, awarded: bool) -> Card:
    seen = viewer.sees(row.disclosure, row.organization_id, row.park_id, row.site_park_id, awarded=awarded)
    zh, en = grade_names(row.material, row.grade) if row.grade else ("", "")
    return Card(
        id=row.id,
        sight=seen,
        own=row.organization_id in viewer.organization_ids,
        material=row.material,
        grade_zh=zh,
        grade_en=en,
        prefecture_code=prefecture_of(row.division_code),
        place_code=row.division_code if seen.names else None,
        first_month=row.first_month,
        last_month=row.last_month,
        band=band_of(row.kg_per_month),
        kg_per_month=row.kg_per_month if seen.figures else None,
        remaining_kg=row.left_kg or 0 if seen.figures else None,
        asking_fen_per_t=row.asking_fen_per_t if seen.figures else None,
        stream_zh=row.stream_zh if seen.names else None,
        stream_en=(row.stream_en or row.stream_zh) if seen.names else None,
        organization_zh=row.name_zh if seen.names else None,
        organization_en=(row.name_en or row.name_zh) if seen.names else None,
        point=Point(row.lat_udeg, row.lon_udeg) if seen.names else hidden_point(row.division_code),
        distance_m=None,
        bidding=bidding_of(
            now,
            bids_close_at=row.bids_close_at,
            bids_opened_at=row.bids_opened_at,
            bids_decided_at=row.bids_decided_at,
        ),
        bids_close_at=row.bids_close_at,
        sale_kind=row.sale_kind,
        published_at=row.published_at,
        expires_at=row.expires_at,
    )


def _joined(query: Any) -> Any:
    return (
        query.select_from(Listing)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
    )


def _where(viewer: Viewer, search: Search, now: datetime) -> list[Any]:
    where = [*on_the_board(now)]
    if search.materials:
        where.append(WasteStream.material.in_(search.materials))
    if search.grade:
        where.append(WasteStream.grade == search.grade)
    if search.month is not None:
        where += [Listing.first_month <= search.month, Listing.last_month >= search.month]
    if search.band is not None:
        least, most = band_of(search.band)
        where.append(Listing.kg_per_month >= least)
        if most is not None:
            where.append(Listing.kg_per_month < most)
    if search.since is not None:
        where.append(Listing.published_at > search.since)
    if search.but_own and viewer.organization_ids:
        own = select(WasteStream.id).join(Site, WasteStream.site_id == Site.id)
        where.append(Listing.stream_id.not_in(own.where(Site.organization_id.in_(viewer.organization_ids))))
    if search.place is not None:
        named = viewer.reads_names()
        radius_m = search.radius_km * 1000
        where.append(
            or_(
                and_(named, box(search.place, radius_m)),
                and_(not_(named), _hidden_within(search.place, radius_m)),
            )
        )
    return where


@cache
def _prefectures() -> tuple[tuple[str, Point], ...]:
    """Return the beginnings of division codes with the point that stands for all of them: four digits, or all six."""
    found = {
        each.prefecture_code[:4] if each.prefecture_code else each.code: hidden_point(each.code) for each in divisions()
    }
    return tuple(found.items())


def _hidden_within(place: Point, radius_m: int) -> ColumnElement[bool]:
    """Return the condition that the point which stands for a hidden site lies within the radius."""
    near = [code for code, point in _prefectures() if great_circle_m(place, point) <= radius_m]
    return or_(
        func.substr(Site.division_code, 1, 4).in_([code for code in near if len(code) == 4]),
        Site.division_code.in_([code for code in near if len(code) == 6]),
    )


def _sort(search: Search) -> str:
    if search.sort.removeprefix("-") not in SORTS or (search.place is None and search.sort.endswith("distance")):
        return "distance" if search.place is not None else "-published"
    return search.sort


def _told_kg(viewer: Viewer) -> Any:
    """Return the quantity to sort by: where figures are not told, the least end of its band."""
    if viewer.member:
        return Listing.kg_per_month
    bands = [(Listing.kg_per_month >= edge, edge) for edge in sorted(BANDS, reverse=True)]
    return case((viewer.reads_figures(), Listing.kg_per_month), *bands, else_=0)


def _page_number(search: Search, total: int) -> int:
    return min(max(search.number, 1), max(1, -(-total // PER_PAGE)))


def _in_order(
    session: Session, viewer: Viewer, search: Search, where: list[Any]
) -> tuple[int, list[int], dict[int, int], int]:
    """Let the database count, sort and cut."""
    total = session.scalar(_narrow(select(func.count(Listing.id)), search).where(*where)) or 0
    number = _page_number(search, total)
    sort = _sort(search)
    key = {
        "published": Listing.published_at,
        "deadline": func.coalesce(Listing.bids_close_at, Listing.expires_at),
        "kg": _told_kg(viewer),
    }[sort.removeprefix("-")]
    order = key.desc() if sort.startswith("-") else key.asc()
    by_viewer = sort.endswith("kg") and not viewer.member
    ids = session.scalars(
        (_joined(select(Listing.id)) if by_viewer else _narrow(select(Listing.id), search))
        .where(*where)
        .order_by(order, Listing.id.desc() if sort.startswith("-") else Listing.id)
        .limit(PER_PAGE)
        .offset((number - 1) * PER_PAGE)
    )
    return total, list(ids), {}, number


def _narrow(query: Any, search: Search) -> Any:
    """Read listings; the stream is joined only where it is asked about."""
    query = query.select_from(Listing)
    if search.materials or search.grade:
        query = query.join(WasteStream, Listing.stream_id == WasteStream.id)
    return query


def _nearby(
    session: Session, viewer: Viewer, search: Search, where: list[Any]
) -> tuple[int, list[int], dict[int, int], int]:
    """Measure exactly what the box lets through, then sort and cut here; rows are plain, there may be thousands."""
    if search.place is None:
        raise ValueError("a search without a place has no distance")
    sort = _sort(search)
    name = sort.removeprefix("-")
    key = {
        "distance": Listing.id,
        "published": Listing.published_at,
        "deadline": func.coalesce(Listing.bids_close_at, Listing.expires_at),
        "kg": _told_kg(viewer),
    }[name]
    columns = (Listing.id, viewer.reads_names(), Site.lat_udeg, Site.lon_udeg, Site.division_code, key)
    known: dict[tuple[int, int], int] = {}
    found = []
    for id_, named, lat, lon, code, value in session.connection().execute(_joined(select(*columns)).where(*where)):
        point = (lat, lon) if named else _hidden(code)
        if point not in known:
            known[point] = great_circle_m(search.place, Point(*point))
        distance = known[point]
        if distance <= search.radius_km * 1000:
            found.append((distance if name == "distance" else value, id_, distance))
    found.sort(reverse=sort.startswith("-"))
    number = _page_number(search, len(found))
    page = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    return len(found), [id_ for _, id_, _ in page], {id_: distance for _, id_, distance in page}, number


@cache
def _hidden(division_code: str) -> tuple[int, int]:
    point = hidden_point(division_code)
    return point.lat_udeg, point.lon_udeg
