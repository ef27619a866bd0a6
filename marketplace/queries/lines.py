"""Reads: intake lines with what they take and what is free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.commitments import Capacity, Committed
from marketplace.domain.errors import NotAllowed
from marketplace.domain.quantities import Month
from marketplace.domain.routes import routes
from marketplace.domain.wastes import find_material
from marketplace.persistence.fit import closed_months
from marketplace.persistence.kept import belonging, find_line, keeps, readable
from marketplace.persistence.lines import AcceptanceLimit, IntakeLine, LineMaterial, LineMonth, LineYear
from marketplace.persistence.organizations import Organization, Site
from marketplace.queries.listed import Listed, Wish, matches, page_of

MONTHS_SHOWN: Final = 12


@dataclass(frozen=True)
class LineRow:
    """An intake line in a list."""

    id: int
    name: str
    name_en: str
    organization_zh: str
    organization_en: str
    site: str
    site_en: str
    route: str
    capacity_kg_per_month: int
    permit_no: str
    permit_valid_until: date | None
    permit_verified: bool
    retired_at: datetime | None
    committed_kg: int
    """What is reserved and contracted in the month asked about."""
    materials: tuple[str, ...]


@dataclass(frozen=True)
class LinesPage:
    """The intake lines that an actor may see; what is committed is that of ``month``."""

    listed: Listed[LineRow]
    month: Month
    may_keep: bool
    has_site: bool
    several: bool


@dataclass(frozen=True)
class Price:
    """A material that the line takes and what a tonne fetches, delivered."""

    material: str
    fen_per_t: int


@dataclass(frozen=True)
class LimitRow:
    """An acceptance limit as it is kept."""

    property: str
    material: str
    minimum: Decimal | None
    maximum: Decimal | None
    deduction_fen_per_unit: int | None
    stop_value: Decimal | None
    monthly_mean: bool


@dataclass(frozen=True)
class LinePage:
    """An intake line whole, with the coming months and the years that they lie in."""

    id: int
    organization_id: int
    organization_zh: str
    organization_en: str
    site_id: int
    site: str
    site_en: str
    division_code: str
    name: str
    name_en: str
    route: str
    materials: tuple[Price, ...]
    limits: tuple[LimitRow, ...]
    capacity_kg_per_month: int
    capacity_kg_per_year: int
    closed: frozenset[int]
    radius_m: int | None
    least_lot_kg: int
    storage_kg: int
    storage_fen_per_t: int
    unloading_hours: str
    permit_no: str
    permit_valid_until: date | None
    permit_verified_at: datetime | None
    created_at: datetime
    retired_at: datetime | None
    months: tuple[tuple[Month, Capacity], ...]
    years: tuple[tuple[int, Capacity], ...]
    may_keep: bool
    may_lower: bool
    """Whether the actor may state for the park that it takes in less."""

    @property
    def committed(self) -> Committed:
        """What is committed of it, held against its capacity and its permit."""
        until = self.permit_valid_until if self.permit_verified_at is not None else None
        return Committed(self.months, self.years, until, self.retired_at is not None)


def lines_page(session: Session, actor: Actor, wish: Wish, *, now: datetime, retired: bool = False) -> LinesPage:
    """Return the intake lines that an actor may see, those in use or those retired. Four SELECTs."""
    month = Month.of(now.date())
    query = (
        select(
            IntakeLine.id,
            IntakeLine.name,
            IntakeLine.name_en,
            Organization.name_zh,
            Organization.name_en,
            Site.name,
            Site.name_en,
            IntakeLine.route,
            IntakeLine.capacity_kg_per_month,
            IntakeLine.permit_no,
            IntakeLine.permit_valid_until,
            IntakeLine.permit_verified_at.is_not(None),
            IntakeLine.retired_at,
            LineMonth.reserved_kg + LineMonth.contracted_kg,
        )
        .join(Site, IntakeLine.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .outerjoin(LineMonth, (LineMonth.line_id == IntakeLine.id) & (LineMonth.month == month))
        .where(readable(actor, "line.read"))
        .where(IntakeLine.retired_at.is_not(None) if retired else IntakeLine.retired_at.is_(None))
    )
    found = matches(
        wish.search,
        IntakeLine.name,
        IntakeLine.name_en,
        IntakeLine.permit_no,
        Site.name,
        Organization.name_zh,
        Organization.name_en,
    )
    if found is not None:
        meant = [each.code for each in find_material(wish.search)]
        named = [
            each.code for each in routes() if wish.search.casefold() in f"{each.name_zh} {each.name_en}".casefold()
        ]
        taking = select(LineMaterial.line_id).where(LineMaterial.material.in_(meant))
        query = query.where(found | IntakeLine.route.in_(named) | IntakeLine.id.in_(taking))
    page = page_of(
        session,
        query,
        wish,
        sorts={
            "name": IntakeLine.name,
            "route": IntakeLine.route,
            "capacity": IntakeLine.capacity_kg_per_month,
            "permit": IntakeLine.permit_valid_until,
        },
        last=IntakeLine.id,
    )
    materials: dict[int, list[str]] = {}
    for line_id, code in session.execute(
        select(LineMaterial.line_id, LineMaterial.material)
        .where(LineMaterial.line_id.in_([row.id for row in page.rows]))
        .order_by(LineMaterial.id)
    ):
        materials.setdefault(line_id, []).append(code)
    rows = tuple(LineRow(*(*row[:13], row[13] or 0, tuple(materials.get(row.id, ())))) for row in page.rows)
    may_keep = keeps(actor, "line.keep")
    site = session.scalar(select(Site.id).where(Site.organization_id.in_(may_keep), Site.closed_at.is_(None)).limit(1))
    return LinesPage(
        Listed(rows, page.number, page.pages, page.total, page.sort, page.search),
        month,
        bool(may_keep),
        site is not None,
        len(actor.organization_ids) != 1,
    )


def line_page(session: Session, actor: Actor, line_id: int, *, now: datetime) -> LinePage:
    """Return an intake line; raises NotFound if the actor may not see it. Five SELECTs."""
    line, site, organization = find_line(session, line_id)
    whose = belonging(organization, site)
    actor.must("line.read", whose)
    materials = session.execute(
        select(LineMaterial.material, LineMaterial.price_fen_per_t)
        .where(LineMaterial.line_id == line.id)
        .order_by(LineMaterial.id)
    )
    limits = session.execute(
        select(
            AcceptanceLimit.property,
            AcceptanceLimit.material,
            AcceptanceLimit.minimum,
            AcceptanceLimit.maximum,
            AcceptanceLimit.deduction_fen_per_unit,
            AcceptanceLimit.stop_value,
            AcceptanceLimit.monthly_mean,
        )
        .where(AcceptanceLimit.line_id == line.id)
        .order_by(AcceptanceLimit.id)
    )
    first = Month.of(now.date())
    last = first.plus(MONTHS_SHOWN - 1)
    closed = closed_months(line.closed_months)
    return LinePage(
        id=line.id,
        organization_id=organization.id,
        organization_zh=organization.name_zh,
        organization_en=organization.name_en,
        site_id=site.id,
        site=site.name,
        site_en=site.name_en,
        division_code=site.division_code,
        name=line.name,
        name_en=line.name_en,
        route=line.route,
        materials=tuple(Price(*row) for row in materials),
        limits=tuple(LimitRow(*row) for row in limits),
        capacity_kg_per_month=line.capacity_kg_per_month,
        capacity_kg_per_year=line.capacity_kg_per_year,
        closed=closed,
        radius_m=line.radius_m,
        least_lot_kg=line.least_lot_kg,
        storage_kg=line.storage_kg,
        storage_fen_per_t=line.storage_fen_per_t,
        unloading_hours=line.unloading_hours,
        permit_no=line.permit_no,
        permit_valid_until=line.permit_valid_until,
        permit_verified_at=line.permit_verified_at,
        created_at=line.created_at,
        retired_at=line.retired_at,
        months=_months(session, line, closed, first, last),
        years=_years(session, line, first.year, last.year),
        may_keep=line.retired_at is None and actor.may("line.keep", whose),
        may_lower=line.retired_at is None and actor.may("permit.verify", whose),
    )


def line_to_keep(session: Session, actor: Actor, line_id: int, *, now: datetime) -> LinePage:
    """Return a line that the actor may change or copy; raises NotFound, or NotAllowed if it may only be seen."""
    page = line_page(session, actor, line_id, now=now)
    if page.organization_id not in keeps(actor, "line.keep"):
        raise NotAllowed
    return page


def _months(
    session: Session, line: IntakeLine, closed: frozenset[int], first: Month, last: Month
) -> tuple[tuple[Month, Capacity], ...]:
    rows = session.execute(
        select(LineMonth.month, LineMonth.reserved_kg, LineMonth.contracted_kg).where(
            LineMonth.line_id == line.id, LineMonth.month >= first, LineMonth.month <= last
        )
    )
    return months_of(first.until(last), line.capacity_kg_per_month, closed, {row.month: row[1:] for row in rows})


def months_of(
    months: Iterable[Month], capacity_kg: int, closed: frozenset[int], counted: Mapping[Month, Sequence[int]]
) -> tuple[tuple[Month, Capacity], ...]:
    """Return the months of a line with what is counted in them (reserved, contracted); a closed one holds nothing more."""
    return tuple(
        (month, Capacity(0 if month.number in closed else capacity_kg, *counted.get(month, (0, 0)))) for month in months
    )


def _years(session: Session, line: IntakeLine, first: int, last: int) -> tuple[tuple[int, Capacity], ...]:
    there = {
        row.year: Capacity(line.capacity_kg_per_year, row.reserved_kg, row.contracted_kg)
        for row in session.execute(
            select(LineYear.year, LineYear.reserved_kg, LineYear.contracted_kg).where(
                LineYear.line_id == line.id, LineYear.year >= first, LineYear.year <= last
            )
        )
    }
    return tuple((year, there.get(year, Capacity(line.capacity_kg_per_year, 0, 0))) for year in range(first, last + 1))
