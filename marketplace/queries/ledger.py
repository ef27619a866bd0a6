"""Reads of the ledger of an organization: its streams over a year, and one stream month by month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Row, case, func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.ledger import NOTHING, Figures, Tally
from marketplace.domain.quantities import Month
from marketplace.domain.utilization import rate, together
from marketplace.persistence.ledger import OpeningStock, Posting, StatedMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream
from marketplace.queries.postings import MOVES, add_to

LOCAL = timedelta(hours=8)

State: TypeAlias = Literal["stated", "missing", "running", "ahead", "before"]
"""Of a month: stated; missing though it is over; running; still to come; before the stream's ledger begins."""


@dataclass(frozen=True)
class MonthRow:
    """One month of a stream: what is stated, and the stock before and after."""

    month: Month
    state: State
    figures: Figures
    begin_kg: int
    end_kg: int

    @property
    def rate(self) -> Decimal | None:
        """The rate of the month; none if there was nothing to utilize."""
        return rate(self.figures)


@dataclass(frozen=True)
class StreamYear:
    """One stream over one year."""

    stream_id: int
    name_zh: str
    name_en: str
    material: str
    waste_code: str
    legal_status: str
    site_zh: str
    site_en: str
    retired: bool
    opening_month: Month | None
    opening_kg: int | None
    first: Month
    """Where its ledger begins, or will."""
    months: tuple[MonthRow, ...]

    @property
    def total(self) -> Figures:
        """The sum of the year."""
        return together(row.figures for row in self.months).over(self.months[0].month)

    @property
    def rate(self) -> Decimal | None:
        """The rate of the year."""
        return rate(self.total)

    @property
    def stated(self) -> bool:
        """Whether any month of the year is stated."""
        return any(row.state == "stated" for row in self.months)

    @property
    def missing(self) -> tuple[Month, ...]:
        """The months that are over and not stated."""
        return tuple(row.month for row in self.months if row.state == "missing")


@dataclass(frozen=True)
class LedgerIndex:
    """The ledger of an organization over one year."""

    organization_id: int
    name_zh: str
    name_en: str
    year: int
    years: tuple[int, ...]
    streams: tuple[StreamYear, ...]
    others: tuple[tuple[int, str, str], ...]
    """Other organizations that this person acts for: id and both names."""
    may_keep: bool

    @property
    def missing(self) -> tuple[tuple[StreamYear, Month], ...]:
        """What is over and not stated, oldest first."""
        found = [(month, stream) for stream in self.streams for month in stream.missing]
        return tuple((stream, month) for month, stream in sorted(found, key=lambda pair: (pair[0], pair[1].stream_id)))


@dataclass(frozen=True)
class StreamLedger:
    """The ledger of one stream over one year, in the layout of the monthly table."""

    organization_id: int
    organization_zh: str
    organization_en: str
    credit_code: str
    stream: StreamYear
    year: int
    years: tuple[int, ...]
    may_keep: bool


@dataclass(frozen=True)
class MonthPage:
    """One month of one stream, to be stated or corrected."""

    organization_id: int
    stream: StreamYear
    row: MonthRow

    @property
    def corrects(self) -> bool:
        """Whether something stands for this month already."""
        return self.row.state == "stated" and not self.row.figures.empty


def ledger_index(
    session: Session, actor: Actor, *, organization_id: int | None, year: int | None, now: datetime
) -> LedgerIndex:
    """Return the ledger of an organization, by default the first that the actor acts for. Raises NotFound."""
    own = sorted(actor.organization_ids)
    wanted = organization_id if organization_id is not None else own[0] if own else None
    named = {
        row.id: row
        for row in session.execute(
            select(Organization.id, Organization.name_zh, Organization.name_en, Organization.park_id).where(
                Organization.id.in_({*own, wanted} - {None})
            )
        )
    }
    organization = named.get(wanted or 0)
    if organization is None:
        raise NotFound
    belonging = Belonging.to(organization.id, organization.park_id)
    actor.must("ledger.read", belonging)
    this_month = Month.of((now + LOCAL).date())
    shown = year if year is not None else this_month.year
    rows = _streams(session, Site.organization_id == organization.id)
    streams, years = _years(session, rows, shown, this_month)
    return LedgerIndex(
        organization_id=organization.id,
        name_zh=organization.name_zh,
        name_en=organization.name_en,
        year=shown,
        years=years,
        streams=streams,
        others=tuple((row.id, row.name_zh, row.name_en) for key, row in sorted(named.items()) if key != wanted),
        may_keep=actor.may("ledger.keep", belonging),
    )


def stream_ledger(session: Session, actor: Actor, stream_id: int, year: int, *, now: datetime) -> StreamLedger:
    """Return the ledger of one stream over one year. Raises NotFound."""
    row, belonging = _stream(session, actor, stream_id)
    streams, years = _years(session, [row], year, Month.of((now + LOCAL).date()))
    return StreamLedger(
        organization_id=row.organization_id,
        organization_zh=row.organization_zh,
        organization_en=row.organization_en,
        credit_code=row.credit_code,
        stream=streams[0],
        year=year,
        years=years,
        may_keep=actor.may("ledger.keep", belonging),
    )


def month_page(session: Session, actor: Actor, stream_id: int, month: Month, *, now: datetime) -> MonthPage:
    """Return one month of a stream as it stands, to who may state it. Raises NotFound, NotAllowed."""
    row, belonging = _stream(session, actor, stream_id)
    actor.must("ledger.keep", belonging)
    streams, _years_known = _years(session, [row], month.year, Month.of((now + LOCAL).date()))
    return MonthPage(row.organization_id, streams[0], streams[0].months[month.number - 1])


def _stream(session: Session, actor: Actor, stream_id: int) -> tuple[Row[Any], Belonging]:
    found = _streams(session, WasteStream.id == stream_id)
    if not found:
        raise NotFound
    belonging = Belonging.to(found[0].organization_id, found[0].site_park_id, found[0].park_id)
    actor.must("ledger.read", belonging)
    return found[0], belonging


def _streams(session: Session, where: ColumnElement[bool]) -> Sequence[Any]:
    statement = (
        select(
            WasteStream.id,
            WasteStream.name,
            WasteStream.name_en,
            WasteStream.material,
            WasteStream.waste_code,
            WasteStream.legal_status,
            WasteStream.created_at,
            WasteStream.retired_at,
            Site.name.label("site_zh"),
            Site.name_en.label("site_en"),
            Site.park_id.label("site_park_id"),
            Organization.id.label("organization_id"),
            Organization.name_zh.label("organization_zh"),
            Organization.name_en.label("organization_en"),
            Organization.credit_code,
            Organization.park_id,
            OpeningStock.month.label("opening_month"),
            OpeningStock.kg.label("opening_kg"),
        )
        .join(Site, Site.id == WasteStream.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .outerjoin(OpeningStock, OpeningStock.stream_id == WasteStream.id)
        .where(where)
        .order_by(Site.id, WasteStream.id)
    )
    return session.execute(statement).all()


def _years(
    session: Session, rows: Iterable[Row[Any]], year: int, this_month: Month
) -> tuple[tuple[StreamYear, ...], tuple[int, ...]]:
    """Return streams over one year, and the years that there is something to see of."""
    kept = list(rows)
    if not 2000 <= year <= 2100:
        raise NotFound
    ids = [row.id for row in kept]
    moved: dict[tuple[int, Month], Tally] = {}
    told: set[tuple[int, Month]] = set()
    by_plant = case((Posting.shipment_id.is_(None), 1), else_=0).label("by_plant")
    for row in session.execute(
        select(Posting.stream_id, Posting.month, by_plant, *MOVES, func.sum(Posting.kg).label("kg"))
        .where(Posting.stream_id.in_(ids))
        .group_by(Posting.stream_id, Posting.month, by_plant, *MOVES)
    ):
        key = (row.stream_id or 0, row.month)
        add_to(moved.setdefault(key, Tally()), row)
        if row.by_plant:
            told.add(key)
    stated = {
        (stream_id, month)
        for stream_id, month in session.execute(
            select(StatedMonth.stream_id, StatedMonth.month).where(StatedMonth.stream_id.in_(ids))
        )
    } | told
    figures = {key: Figures.of(each) for key, each in moved.items()}
    years = {this_month.year, year} | {month.year for _, month in (*stated, *moved)}
    return tuple(_year(row, year, figures, stated, this_month) for row in kept), tuple(sorted(years))


def _year(
    row: Row[Any],
    year: int,
    figures: Mapping[tuple[int, Month], Figures],
    stated: set[tuple[int, Month]],
    this_month: Month,
) -> StreamYear:
    months = [month for stream_id, month in stated if stream_id == row.id]
    created = Month.of((row.created_at + LOCAL).date())
    first = min([created, *months]) if row.opening_month is None else row.opening_month
    last = None if row.retired_at is None else Month.of((row.retired_at + LOCAL).date())
    kg = (row.opening_kg or 0) + sum(
        each.to_stock_kg for (stream_id, month), each in figures.items() if stream_id == row.id and month.year < year
    )
    table: list[MonthRow] = []
    for month in Month(year, 1).until(Month(year, 12)):
        stands = (row.id, month) in stated
        each = figures.get((row.id, month), NOTHING)
        state: State = (
            "stated"
            if stands
            else "before"
            if month < first or (last is not None and month > last)
            else "ahead"
            if month > this_month
            else "running"
            if month == this_month
            else "missing"
        )
        table.append(MonthRow(month, state, each, kg, kg + each.to_stock_kg))
        kg += each.to_stock_kg
    return StreamYear(
        stream_id=row.id,
        name_zh=row.name,
        name_en=row.name_en,
        material=row.material,
        waste_code=row.waste_code,
        legal_status=row.legal_status,
        site_zh=row.site_zh,
        site_en=row.site_en,
        retired=row.retired_at is not None,
        opening_month=row.opening_month,
        opening_kg=row.opening_kg,
        first=first,
        months=tuple(table),
    )
