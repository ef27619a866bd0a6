"""What a round reads: listings of its park, lines within its radius, filings between them, frozen as a Snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import ceil, cos, radians
from typing import Any, Final

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from marketplace.domain import fit as rules
from marketplace.domain.fit import last_day
from marketplace.domain.haulage import tariff_for
from marketplace.domain.listings import month_at
from marketplace.domain.places import great_circle_m
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Snapshot, SnapshotFiling, SnapshotLine, SnapshotLot
from marketplace.persistence.arriving import arriving_at
from marketplace.persistence.caps import held_by_buyers, left_for_others
from marketplace.persistence.fit import accepting, left_of, may_take_in, offered
from marketplace.persistence.lines import Filing, IntakeLine, LineMaterial, LineMonth, LineYear
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.rounds import Round
from marketplace.persistence.storage import stored_at_lines, stored_at_listings
from marketplace.persistence.streams import WasteStream

KM_PER_DEGREE: Final = 111.0
"""Less than any degree of latitude has, so that the box around the radius leaves nothing out."""


@dataclass(frozen=True)
class _Listed:
    """A listing of the park with what is free of it in each month of the window."""

    row: Any
    months: tuple[tuple[Month, int], ...]


def read_snapshot(session: Session, of: Round, *, now: datetime) -> Snapshot:
    """
    Return what a round would read now. A constant number of SELECTs.

    A listing takes part with what is neither reserved nor contracted in the months of the window that are not past, a
    line with its free capacity in each open month, and with what its permit leaves for a year where the months are more.
    """
    window = [month for month in of.first_month.until(of.last_month) if month >= month_at(now)]
    listed = _listed(session, of.park_id, window, now)
    lots = _lots(session, of, listed, window, now)
    lines = _lines(session, of.max_m // 1000, listed, {lot.offered.material for lot in lots}, window, now=now)
    return Snapshot(
        round_id=of.id,
        kind="planning" if of.kind == "planning" else "market",
        objective="surplus" if of.objective == "surplus" else "utilization",
        subsidy_fen_per_t=of.subsidy_fen_per_t,
        contract_fee_fen=of.contract_fee_fen,
        truckload_kg=of.truckload_kg,
        months=tuple(of.first_month.until(of.last_month)),
        max_km=of.max_m // 1000,
        circuity_permille=of.circuity_permille,
        tariffs=tuple((code, tariff_for(code)) for code in sorted({lot.offered.material for lot in lots})),
        lots=lots,
        lines=lines,
        filings=_filings(session, listed, lines, window),
    )


def within(frozen: Snapshot, today: Snapshot) -> Snapshot:
    """
    Return a frozen snapshot with no more of anything than there is today.

    What was sold, withdrawn, suspended or retired since takes no part; values and limits stay as they were frozen.
    """
    lots_now = {lot.listing_id: lot for lot in today.lots}
    lines_now = {line.line_id: line for line in today.lines}
    filings_now = {filing.filing_id: filing.filing.remaining_kg for filing in today.filings}
    lots = []
    for lot in frozen.lots:
        still = lots_now.get(lot.listing_id)
        months = _least(lot.months, dict(still.months) if still else {})
        if months and still:
            kg = sum(kg for _, kg in months)
            had, waiting = _most(lot.had, still.had), _least(lot.storage_kg, dict(still.storage_kg))
            lots.append(replace(lot, months=months, offered=replace(lot.offered, kg=kg), had=had, storage_kg=waiting))
    lines = [_line_within(line, lines_now.get(line.line_id)) for line in frozen.lines]
    filings = [
        replace(
            filing,
            filing=replace(
                filing.filing, remaining_kg=min(filing.filing.remaining_kg, filings_now.get(filing.filing_id, 0))
            ),
        )
        for filing in frozen.filings
    ]
    return replace(
        frozen,
        lots=tuple(lots),
        lines=tuple(line for line in lines if line.months),
        filings=tuple(filings),
    )


def beyond(session: Session, frozen: Snapshot, more_km: int, *, now: datetime) -> Snapshot:
    """
    Return a frozen snapshot with the lines that lie beyond its radius by no more than this, and their filings.

    They come with what is free of them now; what was frozen stays as it is. A constant number of SELECTs.
    """
    window = [month for month in frozen.months if month >= month_at(now)]
    rows = session.execute(
        select(Listing.id, Listing.stream_id, Site.lat_udeg, Site.lon_udeg)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .where(Listing.id.in_([lot.listing_id for lot in frozen.lots]))
        .order_by(Listing.id)
    )
    listed = [_Listed(row, ()) for row in rows]
    known = {line.line_id for line in frozen.lines}
    points = {lot.offered.point for lot in frozen.lots}
    materials = {lot.offered.material for lot in frozen.lots}
    further = tuple(
        line
        for line in _lines(session, frozen.max_km + more_km, listed, materials, window, now=now)
        if line.line_id not in known
        and all(great_circle_m(point, line.accepting.point) > frozen.max_km * 1000 for point in points)
    )
    filed = {filing.filing_id for filing in frozen.filings}
    filings = (each for each in _filings(session, listed, further, window) if each.filing_id not in filed)
    return replace(frozen, lines=(*frozen.lines, *further), filings=(*frozen.filings, *filings))


def excluded(session: Session, of: Round, *, now: datetime) -> list[tuple[int, int, bool]]:
    """
    Return the listings that stand on the board and take no part because of their organization. One SELECT.

    Each with its free kilograms in the window, and whether the organization is suspended (else it is not verified).
    """
    window = [month for month in of.first_month.until(of.last_month) if month >= month_at(now)]
    rows = session.execute(
        select(
            Listing.id,
            Organization.suspended_at,
            ListingMonth.offered_kg - ListingMonth.reserved_kg - ListingMonth.contracted_kg,
        )
        .join(ListingMonth, ListingMonth.listing_id == Listing.id)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(_on_the_board(of.park_id, now), ~_takes_part(), ListingMonth.month.in_(window))
        .order_by(Listing.id, ListingMonth.id)
    ).all()
    found: dict[int, tuple[int, bool]] = {}
    for listing_id, suspended_at, free in rows:
        found[listing_id] = (found.get(listing_id, (0, False))[0] + free, suspended_at is not None)
    return [(listing_id, kg, suspended) for listing_id, (kg, suspended) in found.items() if kg > 0]


def _line_within(frozen: SnapshotLine, today: SnapshotLine | None) -> SnapshotLine:
    if today is None:
        return replace(frozen, months=(), year_left_kg=(), storage_kg=())
    left, left_now = dict(frozen.year_left_kg), dict(today.year_left_kg)
    years = {year: min(kg, left_now.get(year, kg)) for year, kg in left.items()} | {
        year: kg for year, kg in left_now.items() if year not in left
    }
    # what is promised today has what stands of this round among it, and nothing any more that lapsed meanwhile
    counted = {limit.property for limit in today.accepting.limits if limit.monthly_mean}
    return replace(
        frozen,
        months=_least(frozen.months, dict(today.months)),
        year_left_kg=tuple(years.items()),
        storage_kg=_least(frozen.storage_kg, dict(today.storage_kg)),
        arriving=(*today.arriving, *(each for each in frozen.arriving if each.property not in counted)),
    )


def _least(months: Iterable[tuple[Month, int]], today: Mapping[Month, int]) -> tuple[tuple[Month, int], ...]:
    least = ((month, min(kg, today.get(month, 0))) for month, kg in months)
    return tuple((month, kg) for month, kg in least if kg > 0)


def _most(had: Iterable[tuple[int, int]], today: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    most = dict(had)
    for buyer_id, kg in today:
        most[buyer_id] = max(kg, most.get(buyer_id, 0))
    return tuple(most.items())


def _on_the_board(park_id: int, now: datetime) -> ColumnElement[bool]:
    return (
        (Site.park_id == park_id)
        & Site.closed_at.is_(None)
        & WasteStream.retired_at.is_(None)
        & Listing.published_at.is_not(None)
        & Listing.withdrawn_at.is_(None)
        & (Listing.expires_at > now)
    )


def _takes_part() -> ColumnElement[bool]:
    return (
        Organization.verified_at.is_not(None) & Organization.suspended_at.is_(None) & (Organization.produces == true())
    )


def _listed(session: Session, park_id: int, window: Collection[Month], now: datetime) -> list[_Listed]:
    rows = session.execute(
        select(
            Listing.id,
            Listing.stream_id,
            Listing.asking_fen_per_t,
            Listing.reserve_fen_per_t,
            Listing.least_lot_kg,
            Listing.cap_per_buyer_kg,
            Listing.small_works_share_percent,
            Listing.storage_kg,
            Listing.storage_fen_per_t,
            WasteStream.generation_kg_per_month,
            Site.lat_udeg,
            Site.lon_udeg,
        )
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(_on_the_board(park_id, now), _takes_part())
        .order_by(Listing.id)
    ).all()
    free: dict[int, list[tuple[Month, int]]] = defaultdict(list)
    for month in session.execute(
        select(
            ListingMonth.listing_id,
            ListingMonth.month,
            (ListingMonth.offered_kg - ListingMonth.reserved_kg - ListingMonth.contracted_kg).label("kg"),
        )
        .where(ListingMonth.listing_id.in_([row.id for row in rows]), ListingMonth.month.in_(window))
        .order_by(ListingMonth.listing_id, ListingMonth.month)
    ):
        if month.kg > 0:
            free[month.listing_id].append((month.month, month.kg))
    return [_Listed(row, tuple(free[row.id])) for row in rows if free[row.id]]


def _room_to_store(
    row: Any, window: Collection[Month], stored: Mapping[int, Mapping[Month, int]], until: date | None = None
) -> tuple[tuple[Month, int], ...]:
    """Return what more may wait over the end of each month, for one in the window that is over by a day."""
    if not row.storage_kg:
        return ()
    there = stored.get(row.id, {})
    months = (each for each in window if each.plus(1) in window and (until is None or last_day(each.plus(1)) <= until))
    rooms = ((month, row.storage_kg - there.get(month, 0)) for month in months)
    return tuple((month, kg) for month, kg in rooms if kg > 0)


def _lots(
    session: Session, of: Round, listed: list[_Listed], window: list[Month], now: datetime
) -> tuple[SnapshotLot, ...]:
    streams = offered(session, {each.row.stream_id for each in listed}, now=now)
    bought = held_by_buyers(session, [each.row.id for each in listed if each.row.cap_per_buyer_kg is not None])
    shared = [each.row.id for each in listed if each.row.small_works_share_percent]
    others = left_for_others(session, shared)
    stored = stored_at_listings(session, [each.row.id for each in listed if each.row.storage_kg])
    lots = []
    for each in listed:
        row = each.row
        reserve = row.asking_fen_per_t if row.reserve_fen_per_t is None else row.reserve_fen_per_t
        lots.append(
            SnapshotLot(
                listing_id=row.id,
                offered=replace(
                    streams[row.stream_id],
                    kg=sum(kg for _, kg in each.months),
                    least_lot_kg=row.least_lot_kg,
                    reserve_fen_per_t=None if of.kind == "planning" else reserve,
                ),
                months=each.months,
                from_stock=row.generation_kg_per_month == 0,
                cap_per_buyer_kg=row.cap_per_buyer_kg,
                had=tuple(bought.get(row.id, {}).items()),
                others_kg=others.get(row.id),
                storage_kg=_room_to_store(row, window, stored),
                storage_fen_per_t=row.storage_fen_per_t if row.storage_kg else 0,
            )
        )
    return tuple(lots)


def _lines(
    session: Session,
    most_km: int,
    listed: list[_Listed],
    materials: Collection[str],
    window: list[Month],
    *,
    now: datetime,
) -> tuple[SnapshotLine, ...]:
    if not listed:
        return ()
    taking = select(LineMaterial.line_id).where(LineMaterial.material.in_(materials))
    rows = session.execute(
        select(
            IntakeLine.id,
            IntakeLine.capacity_kg_per_month,
            IntakeLine.capacity_kg_per_year,
            IntakeLine.permit_valid_until,
            IntakeLine.storage_kg,
            IntakeLine.storage_fen_per_t,
            Organization.small_works,
        )
        .join(Site, IntakeLine.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(may_take_in(), _near(listed, most_km), IntakeLine.id.in_(taking))
        .order_by(IntakeLine.id)
    ).all()
    ids = [row.id for row in rows]
    monthly = {
        (row.line_id, row.month): row.kg
        for row in session.execute(
            select(
                LineMonth.line_id,
                LineMonth.month,
                (LineMonth.capacity_kg - LineMonth.reserved_kg - LineMonth.contracted_kg).label("kg"),
            ).where(LineMonth.line_id.in_(ids), LineMonth.month.in_(window))
        )
    }
    yearly = {
        (row.line_id, row.year): row.kg
        for row in session.execute(
            select(
                LineYear.line_id,
                LineYear.year,
                (LineYear.capacity_kg - LineYear.reserved_kg - LineYear.contracted_kg).label("kg"),
            ).where(LineYear.line_id.in_(ids), LineYear.year.in_({month.year for month in window}))
        )
    }
    stored = stored_at_lines(session, [row.id for row in rows if row.storage_kg])
    kept = accepting(session, ids)
    promised = arriving_at(session, kept, window, now=now)
    lines = []
    for row in rows:
        months = []
        in_year: dict[int, int] = {}
        for month in window:
            left = yearly.get((row.id, month.year), row.capacity_kg_per_year)
            kg = min(monthly.get((row.id, month), row.capacity_kg_per_month), left)
            if month.number in kept[row.id].closed_months or kg <= 0:
                continue
            months.append((month, kg))
            in_year[month.year] = in_year.get(month.year, 0) + kg
        waiting = _room_to_store(row, window, stored, row.permit_valid_until)
        if waiting:  # what arrives in a year may be more than it uses then
            in_year = {month.year: in_year.get(month.year, 0) + row.storage_kg for month in window}
        years = {year: yearly.get((row.id, year), row.capacity_kg_per_year) for year in in_year}
        if months:
            lines.append(
                SnapshotLine(
                    accepting=kept[row.id],
                    months=tuple(months),
                    small_works=row.small_works,
                    storage_kg=waiting,
                    storage_fen_per_t=row.storage_fen_per_t if waiting else 0,
                    year_left_kg=tuple((year, left) for year, left in years.items() if left < in_year[year]),
                    arriving=promised.get(row.id, ()),
                )
            )
    return tuple(lines)


def _near(listed: list[_Listed], most_km: int) -> ColumnElement[bool]:
    """Return the condition that a site lies in the box around all listings and the radius; the fit asks exactly."""
    lats = [each.row.lat_udeg for each in listed]
    lons = [each.row.lon_udeg for each in listed]
    up = ceil(most_km / KM_PER_DEGREE * 1_000_000)
    north = min(89.0, max(abs(lat) for lat in lats) / 1_000_000 + most_km / KM_PER_DEGREE)
    aside = ceil(most_km / (KM_PER_DEGREE * cos(radians(north))) * 1_000_000)
    return Site.lat_udeg.between(min(lats) - up, max(lats) + up) & Site.lon_udeg.between(
        min(lons) - aside, max(lons) + aside
    )


def _filings(
    session: Session, listed: list[_Listed], lines: tuple[SnapshotLine, ...], window: list[Month]
) -> tuple[SnapshotFiling, ...]:
    """
    Return the filings that open a month of the window: in force on its last day, with something left.

    Of a stream and receiving site that have none, all that were not ended, so that the round can say what is wrong.
    """
    listings_of: dict[int, list[int]] = defaultdict(list)
    for each in listed:
        listings_of[each.row.stream_id].append(each.row.id)
    rows = session.execute(
        select(Filing, IntakeLine.id, WasteStream.waste_code, Site.organization_id)
        .join(WasteStream, Filing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(IntakeLine, IntakeLine.site_id == Filing.receiving_site_id)
        .where(
            Filing.stream_id.in_(listings_of),
            IntakeLine.id.in_([line.line_id for line in lines]),
            Filing.ended_at.is_(None),
        )
        .order_by(Filing.id, IntakeLine.id)
    ).all()
    recycler_of = {line.line_id: line.accepting.organization_id for line in lines}
    lines_at: dict[int, list[int]] = defaultdict(list)
    between: dict[tuple[int, int], dict[int, SnapshotFiling]] = defaultdict(dict)
    for row, line_id, waste_code, producer_id in rows:
        lines_at[row.id].append(line_id)
        between[row.stream_id, row.receiving_site_id][row.id] = SnapshotFiling(
            filing_id=row.id,
            producer_id=producer_id,
            recycler_id=recycler_of[line_id],
            waste_code=waste_code,
            filing=left_of(row),
            listing_ids=tuple(sorted(listings_of[row.stream_id])),
            line_ids=tuple(lines_at[row.id]),
        )
    found: list[SnapshotFiling] = []
    for known in between.values():
        found += [each for each in known.values() if _opens(each.filing, window)] or known.values()
    return tuple(found)


def _opens(filing: rules.Filing, window: list[Month]) -> bool:
    return filing.remaining_kg > 0 and any(
        filing.valid_from <= rules.last_day(month) <= filing.valid_to for month in window
    )
