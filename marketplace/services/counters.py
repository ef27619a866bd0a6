"""
What can run out: kilograms of a listing's month, of a line's month and year, of a filing.

Each is one counter row, moved by one conditional UPDATE: the database asks and takes in the same breath, so that two
who come at once cannot both get the last tonne. The CHECKs of the rows are the second fence. Rows are always moved in
one order (listing, line month, line year, filing; by month), so that no two transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.domain.quantities import Month
from marketplace.persistence.lines import Filing, IntakeLine, LineMonth, LineYear
from marketplace.persistence.listings import ListingMonth


@dataclass(frozen=True)
class Share:
    """The kilograms of a deal: of one listing into one line, by month, under a filing if it crosses a province."""

    listing_id: int
    line_id: int
    months: Mapping[Month, int]
    filing_id: int | None = None

    @property
    def kg(self) -> int:
        """All of them."""
        return sum(self.months.values())


def reserve(session: Session, share: Share) -> None:
    """
    Take the kilograms out of what is free on both sides.

    Raises Conflict if one of them does not hold so much any more; the caller's transaction then takes nothing.
    """
    for month, kg in sorted(share.months.items()):
        _move(
            session,
            ListingMonth,
            _is_month(ListingMonth.listing_id, share.listing_id, ListingMonth.month, month),
            reserved=kg,
            full=Conflict(
                "Of this listing less than %(wanted_kg)s t is left for %(month)s.", wanted_kg=kg, month=str(month)
            ),
        )
    _open_line(session, share.line_id, share.months)
    for month, kg in sorted(share.months.items()):
        _move(
            session,
            LineMonth,
            _is_month(LineMonth.line_id, share.line_id, LineMonth.month, month),
            reserved=kg,
            full=Conflict(
                "This intake line has less than %(wanted_kg)s t free in %(month)s.", wanted_kg=kg, month=str(month)
            ),
        )
    for year, kg in _years(share):
        _move(
            session,
            LineYear,
            (LineYear.line_id == share.line_id, LineYear.year == year),
            reserved=kg,
            full=Conflict(
                "The permit of this intake line leaves less than %(wanted_kg)s t for %(year)s.",
                wanted_kg=kg,
                year=str(year),
            ),
        )
    if share.filing_id is not None:
        _move(
            session,
            Filing,
            (Filing.id == share.filing_id,),
            reserved=share.kg,
            full=Conflict("The filing across provinces leaves less than %(wanted_kg)s t.", wanted_kg=share.kg),
        )


def release(session: Session, share: Share) -> None:
    """Give reserved kilograms back, because a deal was declined or lapsed."""
    _each(session, share, sign=-1, contracted=False)


def contract(session: Session, share: Share) -> None:
    """Turn reserved kilograms into contracted ones, because both sides accepted."""
    _each(session, share, sign=-1, contracted=True)


def _each(session: Session, share: Share, *, sign: int, contracted: bool) -> None:
    lost = Conflict("What was reserved for this award is not reserved any more.")

    def move(table: Any, where: tuple[ColumnElement[bool], ...], kg: int) -> None:
        _move(session, table, where, reserved=sign * kg, contracted=kg if contracted else 0, full=lost)

    for month, kg in sorted(share.months.items()):
        move(ListingMonth, _is_month(ListingMonth.listing_id, share.listing_id, ListingMonth.month, month), kg)
    for month, kg in sorted(share.months.items()):
        move(LineMonth, _is_month(LineMonth.line_id, share.line_id, LineMonth.month, month), kg)
    for year, kg in _years(share):
        move(LineYear, (LineYear.line_id == share.line_id, LineYear.year == year), kg)
    if share.filing_id is not None:
        move(Filing, (Filing.id == share.filing_id,), share.kg)


def _move(
    session: Session,
    table: Any,
    where: tuple[ColumnElement[bool], ...],
    *,
    reserved: int,
    contracted: int = 0,
    full: Conflict,
) -> None:
    statement = (
        update(table)
        .where(*where, *_room(table, reserved, contracted))
        .values(reserved_kg=table.reserved_kg + reserved, contracted_kg=table.contracted_kg + contracted)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
        raise full


def _room(table: Any, reserved: int, contracted: int) -> tuple[ColumnElement[bool], ...]:
    """Return the condition under which a counter may move: never below nothing, never above what there is."""
    limit = getattr(table, {ListingMonth: "offered_kg", Filing: "filed_kg"}.get(table, "capacity_kg"))
    return (
        table.reserved_kg + reserved >= 0,
        table.reserved_kg + reserved + table.contracted_kg + contracted <= limit,
    )


def _is_month(id_column: Any, row_id: int, month_column: Any, month: Month) -> tuple[ColumnElement[bool], ...]:
    return (id_column == row_id, month_column == month)


def _years(share: Share) -> list[tuple[int, int]]:
    by_year: dict[int, int] = {}
    for month, kg in share.months.items():
        by_year[month.year] = by_year.get(month.year, 0) + kg
    return sorted(by_year.items())


def _open_line(session: Session, line_id: int, months: Iterable[Month]) -> None:
    """Make the counters of a line that are not there yet; who comes second finds them made."""
    wanted = sorted(set(months))
    monthly, yearly = session.execute(
        select(IntakeLine.capacity_kg_per_month, IntakeLine.capacity_kg_per_year).where(IntakeLine.id == line_id)
    ).one()
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for month in wanted:
        session.execute(
            insert(LineMonth)
            .values(line_id=line_id, month=month, capacity_kg=monthly, reserved_kg=0, contracted_kg=0)
            .on_conflict_do_nothing()
        )
    for year in sorted({month.year for month in wanted}):
        session.execute(
            insert(LineYear)
            .values(line_id=line_id, year=year, capacity_kg=yearly, reserved_kg=0, contracted_kg=0)
            .on_conflict_do_nothing()
        )
