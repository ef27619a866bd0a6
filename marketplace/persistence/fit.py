"""
Streams and intake lines as `domain.fit` wants them, for pages, bids and rounds alike.

A fixed number of SELECTs, however many are asked for. The values of a stream are the latest of each property: of the
sheets that are not voided and were sampled within twelve months before the asking, the newest that has the property
counts (by the day of sampling, then by the order of entry). An older value is no value: the waste may have changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from marketplace.domain.deductions import Limit
from marketplace.domain.fit import Accepting, Filing, Offered
from marketplace.domain.places import Point
from marketplace.domain.quantities import Month
from marketplace.persistence import lines as tables
from marketplace.persistence.lines import AcceptanceLimit, IntakeLine, LineMaterial, LineMonth, LineYear
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import LabSheet, LabValue, WasteStream


@dataclass(frozen=True)
class Filed:
    """A filing with its id."""

    filing_id: int
    filing: Filing


def offered(session: Session, stream_ids: Collection[int], *, now: datetime) -> dict[int, Offered]:
    """
    Return the streams of these ids, retired ones too; ids that are not there are left out.

    ``kg`` is a month's generation, or the stock where nothing is generated; reserve and least lot are a listing's and
    stay empty. Callers that ask for a listing put its figures in with `dataclasses.replace`. Three SELECTs.
    """
    rows = session.execute(
        select(
            WasteStream.id,
            Site.organization_id,
            Site.lat_udeg,
            Site.lon_udeg,
            Site.division_code,
            WasteStream.material,
            WasteStream.waste_code,
            WasteStream.legal_status,
            WasteStream.generation_kg_per_month,
            WasteStream.stock_kg,
            Organization.related_group,
        )
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(WasteStream.id.in_(stream_ids))
        .order_by(WasteStream.id)
    ).all()
    values = latest_values(session, stream_ids, now=now)
    groups = _groups(session, {row.related_group for row in rows})
    return {
        row.id: Offered(
            organization_id=row.organization_id,
            point=Point(row.lat_udeg, row.lon_udeg),
            division_code=row.division_code,
            material=row.material,
            waste_code=row.waste_code,
            legal_status=row.legal_status,
            kg=row.generation_kg_per_month or row.stock_kg,
            properties=values.get(row.id, {}),
            related_organization_ids=groups.get(row.related_group, frozenset()) - {row.organization_id},
        )
        for row in rows
    }


def accepting(
    session: Session, line_ids: Collection[int] | None, *, months: Sequence[Month] = ()
) -> dict[int, Accepting]:
    """
    Return the intake lines of these ids, whatever their state; with None every line that may take something in.

    Those are the lines that are not retired, at sites that are not closed, of verified organizations that are not
    suspended. ``room_kg`` is what is free in ``months``, less what a year's permit does not hold any more, and None
    if no month is asked about. Three SELECTs, five with months.
    """
    wanted = may_take_in() if line_ids is None else IntakeLine.id.in_(line_ids)
    rows = session.execute(
        select(IntakeLine, Site.organization_id, Site.lat_udeg, Site.lon_udeg, Site.division_code)
        .join(Site, IntakeLine.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(wanted)
        .order_by(IntakeLine.id)
    ).all()
    ids = [row.IntakeLine.id for row in rows]
    prices: dict[int, dict[str, int | None]] = defaultdict(dict)
    for line_id, material, price in session.execute(
        select(LineMaterial.line_id, LineMaterial.material, LineMaterial.price_fen_per_t)
        .where(LineMaterial.line_id.in_(ids))
        .order_by(LineMaterial.id)
    ):
        prices[line_id][material] = price
    limits: dict[int, list[Limit]] = defaultdict(list)
    for each in session.scalars(
        select(AcceptanceLimit).where(AcceptanceLimit.line_id.in_(ids)).order_by(AcceptanceLimit.id)
    ):
        limits[each.line_id].append(limit_of(each))
    rooms = _rooms(session, [row.IntakeLine for row in rows], months) if months else {}
    return {
        line.id: Accepting(
            line_id=line.id,
            organization_id=organization_id,
            point=Point(lat, lon),
            division_code=division,
            materials=dict(prices[line.id]),
            limits=tuple(limits[line.id]),
            radius_m=line.radius_m,
            permit_valid_until=line.permit_valid_until,
            permit_verified=line.permit_verified_at is not None,
            closed_months=closed_months(line.closed_months),
            least_lot_kg=line.least_lot_kg,
            room_kg=rooms.get(line.id),
        )
        for line, organization_id, lat, lon, division in rows
    }


def filings(session: Session, stream_ids: Collection[int]) -> dict[tuple[int, int], list[Filed]]:
    """Return the filings of each stream and intake line that were not ended, by id: (stream, line) -> filings. One SELECT."""
    rows = session.execute(
        select(tables.Filing, IntakeLine.id)
        .join(IntakeLine, IntakeLine.site_id == tables.Filing.receiving_site_id)
        .where(tables.Filing.stream_id.in_(stream_ids), tables.Filing.ended_at.is_(None))
        .order_by(tables.Filing.id, IntakeLine.id)
    ).all()
    found: dict[tuple[int, int], list[Filed]] = defaultdict(list)
    for row, line_id in rows:
        found[row.stream_id, line_id].append(Filed(row.id, left_of(row)))
    return dict(found)


def left_of(row: tables.Filing) -> Filing:
    """Return a filing with what is left of it."""
    return Filing(
        remaining_kg=row.filed_kg - row.reserved_kg - row.contracted_kg,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def latest_values(session: Session, stream_ids: Collection[int], *, now: datetime) -> dict[int, Mapping[str, Decimal]]:
    """Return the latest value of each property of each stream, by the rule of this module. One SELECT."""
    rows = session.execute(
        select(LabSheet.stream_id, LabValue.property, LabValue.value)
        .join(LabSheet, LabValue.sheet_id == LabSheet.id)
        .where(
            LabSheet.stream_id.in_(stream_ids),
            LabSheet.voided_at.is_(None),
            LabSheet.sampled_on >= a_year_before(now.date()),
        )
        .order_by(LabSheet.sampled_on, LabSheet.id, LabValue.id)
    )
    found: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for stream_id, code, value in rows:
        found[stream_id][code] = value  # later rows are newer
    return dict(found)


def a_year_before(day: date) -> date:
    """Return the same day of the year before; of 29 February the 28th."""
    return date(day.year - 1, day.month, min(day.day, 28) if day.month == 2 else day.day)


def closed_months(text: str) -> frozenset[int]:
    """Read the numbers of the months in which a line stands still."""
    return frozenset(int(part) for part in text.split(",") if part)


def limit_of(row: AcceptanceLimit) -> Limit:
    """Return a limit as it is judged; its stop value lies on the side that it is beyond."""
    below = row.stop_value is not None and (
        row.maximum is None or (row.minimum is not None and row.stop_value <= row.minimum)
    )
    return Limit(
        property=row.property,
        minimum=row.minimum,
        maximum=row.maximum,
        deduction_fen_per_unit=row.deduction_fen_per_unit,
        stop_minimum=row.stop_value if below else None,
        stop_maximum=None if below else row.stop_value,
        material=row.material or None,
        monthly_mean=row.monthly_mean,
    )


def may_take_in() -> ColumnElement[bool]:
    """Return the condition on line, site and organization, joined, under which a line may take something in."""
    return (
        IntakeLine.retired_at.is_(None)
        & Site.closed_at.is_(None)
        & Organization.verified_at.is_not(None)
        & Organization.suspended_at.is_(None)
        & (Organization.recycles == true())
    )


def _groups(session: Session, names: Iterable[str]) -> dict[str, frozenset[int]]:
    """Return the organizations of each group of related parties; the empty name is no group."""
    named = sorted(name for name in names if name)
    found: dict[str, set[int]] = defaultdict(set)
    for name, organization_id in session.execute(
        select(Organization.related_group, Organization.id).where(Organization.related_group.in_(named))
    ):
        found[name].add(organization_id)
    return {name: frozenset(members) for name, members in found.items()}


def _rooms(session: Session, lines: Sequence[IntakeLine], months: Sequence[Month]) -> dict[int, int]:
    """Return what each line can still take in these months together."""
    ids = [line.id for line in lines]
    used_months = {
        (row.line_id, row.month): (row.capacity_kg, row.reserved_kg + row.contracted_kg)
        for row in session.execute(
            select(
                LineMonth.line_id,
                LineMonth.month,
                LineMonth.capacity_kg,
                LineMonth.reserved_kg,
                LineMonth.contracted_kg,
            ).where(LineMonth.line_id.in_(ids), LineMonth.month.in_(months))
        )
    }
    used_years = {
        (row.line_id, row.year): (row.capacity_kg, row.reserved_kg + row.contracted_kg)
        for row in session.execute(
            select(
                LineYear.line_id, LineYear.year, LineYear.capacity_kg, LineYear.reserved_kg, LineYear.contracted_kg
            ).where(LineYear.line_id.in_(ids), LineYear.year.in_({month.year for month in months}))
        )
    }
    rooms = {}
    for line in lines:
        closed, by_year = closed_months(line.closed_months), defaultdict[int, int](int)
        for month in months:
            if month.number not in closed:
                capacity, used = used_months.get((line.id, month), (line.capacity_kg_per_month, 0))
                by_year[month.year] += max(capacity - used, 0)
        room = 0
        for year, kg in by_year.items():
            capacity, used = used_years.get((line.id, year), (line.capacity_kg_per_year, 0))
            room += min(kg, max(capacity - used, 0))
        rooms[line.id] = room
    return rooms
