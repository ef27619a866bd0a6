"""
What can run out: kilograms of a listing's month, of a line's month and year, of a filing.

Each is one counter row, moved by one conditional UPDATE: the database asks and takes in the same breath, so that two
who come at once cannot both get the last tonne. The CHECKs of the rows are the second fence. Rows are always moved in
one order (listing month, line month, line year, filing; by id and month), however many shares a transaction moves, so
that no two transactions wait for each other.

The ceiling of a line's counter is the line's capacity or, where more is committed, what is committed: a capacity may be
lowered below that (`services.capacities`), and then there is no room. What is released lowers the ceiling with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, CursorResult, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.domain.quantities import Month
from marketplace.domain.waiting import Wait, shifted
from marketplace.persistence.lines import Filing, IntakeLine, LineMonth, LineYear
from marketplace.persistence.listings import ListingMonth


@dataclass(frozen=True)
class Share:
    """
    The kilograms of a deal: of one listing into one line, by the month in which they travel.

    ``filings`` are their ids across provinces. What ``waits`` is held in the month in which it is ready, and in that in
    which it is used; the permit of a year and a filing hold it in the one in which it travels.
    """

    listing_id: int
    line_id: int
    months: Mapping[Month, int]
    filings: Mapping[Month, int] = field(default_factory=dict)
    waits: tuple[Wait, ...] = ()


def reserve(session: Session, *shares: Share) -> None:
    """
    Take the kilograms out of what is free on both sides.

    Raises Conflict if a counter does not hold so much any more; the caller's transaction then takes nothing.
    """
    total = _Total.of(shares)
    for (listing_id, month), kg in sorted(total.listing_months.items()):
        _move(
            session,
            ListingMonth,
            _is_month(ListingMonth.listing_id, listing_id, ListingMonth.month, month),
            reserved=kg,
            full=Conflict(
                "Of this listing less than %(wanted_kg)s t is left for %(month)s.", wanted_kg=kg, month=str(month)
            ),
        )
    _open_lines(session, total)
    for (line_id, month), kg in sorted(total.line_months.items()):
        _move(
            session,
            LineMonth,
            _is_month(LineMonth.line_id, line_id, LineMonth.month, month),
            reserved=kg,
            full=Conflict(
                "This intake line has less than %(wanted_kg)s t free in %(month)s.", wanted_kg=kg, month=str(month)
            ),
        )
    for (line_id, year), kg in sorted(total.line_years.items()):
        _move(
            session,
            LineYear,
            (LineYear.line_id == line_id, LineYear.year == year),
            reserved=kg,
            full=Conflict(
                "The permit of this intake line leaves less than %(wanted_kg)s t for %(year)s.",
                wanted_kg=kg,
                year=str(year),
            ),
        )
    for filing_id, kg in sorted(total.filings.items()):
        _move(
            session,
            Filing,
            (Filing.id == filing_id, Filing.ended_at.is_(None)),
            reserved=kg,
            full=Conflict("The filing across provinces leaves less than %(wanted_kg)s t.", wanted_kg=kg),
        )


def hold(session: Session, given_back: Share, line_ids: Iterable[int], filing_ids: Iterable[int]) -> None:
    """
    Hold, in the one order, all counters that giving a share back and then taking of it for these lines may move.

    Who gives back first and takes then would move rows out of that order, and wait for somebody who waits for it.
    """
    wanted = [Share(given_back.listing_id, each, dict.fromkeys(given_back.months, 1)) for each in line_ids]
    total = _Total.of([given_back, *wanted])
    months, lines = set(given_back.months), {line_id for line_id, _ in total.line_months}
    session.execute(
        select(ListingMonth.id)
        .where(ListingMonth.listing_id == given_back.listing_id, ListingMonth.month.in_(months))
        .order_by(ListingMonth.month)
        .with_for_update()
    )
    _open_lines(session, total)
    session.execute(
        select(LineMonth.id)
        .where(LineMonth.line_id.in_(lines), LineMonth.month.in_(months))
        .order_by(LineMonth.line_id, LineMonth.month)
        .with_for_update()
    )
    session.execute(
        select(LineYear.id)
        .where(LineYear.line_id.in_(lines), LineYear.year.in_({month.year for month in months}))
        .order_by(LineYear.line_id, LineYear.year)
        .with_for_update()
    )
    session.execute(select(Filing.id).where(Filing.id.in_(set(filing_ids))).order_by(Filing.id).with_for_update())


def release(session: Session, *shares: Share) -> None:
    """Give reserved kilograms back, because a deal was declined or lapsed."""
    _give(session, shares, contracted=False)


def set_ceilings(session: Session, line: IntakeLine, since: Month) -> None:
    """Set the counters of a line from a month on to its capacity, or to what is committed if that is more; it is held."""
    for table, mine, capacity in (
        (LineMonth, LineMonth.month >= since, line.capacity_kg_per_month),
        (LineYear, LineYear.year >= since.year, line.capacity_kg_per_year),
    ):
        counters: Any = table
        committed = counters.reserved_kg + counters.contracted_kg
        session.execute(
            update(counters)
            .where(counters.line_id == line.id, mine)
            .values(capacity_kg=_greater(committed, capacity))
            .execution_options(synchronize_session=False)
        )


def contract(session: Session, *shares: Share) -> None:
    """Turn reserved kilograms into contracted ones, because both sides accepted."""
    _give(session, shares, contracted=True)


def amend(session: Session, before: Share, after: Share) -> None:
    """
    Let a contract hold other months than before: what is more is taken, what is less is free again.

    Raises Conflict if a counter does not hold what is more; the caller's transaction then takes nothing.
    """
    old, new = _Total.of([before]), _Total.of([after])
    for (listing_id, month), kg in _changes(old.listing_months, new.listing_months):
        _move(
            session,
            ListingMonth,
            _is_month(ListingMonth.listing_id, listing_id, ListingMonth.month, month),
            reserved=0,
            contracted=kg,
            full=Conflict(
                "Of this listing less than %(wanted_kg)s t is left for %(month)s.", wanted_kg=kg, month=str(month)
            ),
        )
    _open_lines(session, new)
    capacities = _held_capacities(session, {before.line_id, after.line_id})
    for (line_id, month), kg in _changes(old.line_months, new.line_months):
        _move(
            session,
            LineMonth,
            _is_month(LineMonth.line_id, line_id, LineMonth.month, month),
            reserved=0,
            contracted=kg,
            capacity=capacities[line_id][0] if kg < 0 else None,
            full=Conflict(
                "This intake line has less than %(wanted_kg)s t free in %(month)s.", wanted_kg=kg, month=str(month)
            ),
        )
    for (line_id, year), kg in _changes(old.line_years, new.line_years):
        _move(
            session,
            LineYear,
            (LineYear.line_id == line_id, LineYear.year == year),
            reserved=0,
            contracted=kg,
            capacity=capacities[line_id][1] if kg < 0 else None,
            full=Conflict(
                "The permit of this intake line leaves less than %(wanted_kg)s t for %(year)s.",
                wanted_kg=kg,
                year=str(year),
            ),
        )
    for filing_id, kg in _changes(old.filings, new.filings):
        _move(
            session,
            Filing,
            (Filing.id == filing_id, Filing.ended_at.is_(None)) if kg > 0 else (Filing.id == filing_id,),
            reserved=0,
            contracted=kg,
            full=Conflict("The filing across provinces leaves less than %(wanted_kg)s t.", wanted_kg=kg),
        )


@dataclass(frozen=True)
class _Total:
    """What several shares take of each counter together."""

    listing_months: dict[tuple[int, Month], int]
    line_months: dict[tuple[int, Month], int]
    line_years: dict[tuple[int, int], int]
    filings: dict[int, int]

    @classmethod
    def of(cls, shares: Iterable[Share]) -> _Total:
        total = cls({}, {}, {}, {})
        for share in shares:
            for month, kg in shifted(share.months, share.waits, "producer").items():
                _add(total.listing_months, (share.listing_id, month), kg)
            for month, kg in shifted(share.months, share.waits, "recycler").items():
                _add(total.line_months, (share.line_id, month), kg)
            for month, kg in share.months.items():
                _add(total.line_years, (share.line_id, month.year), kg)
                if month in share.filings:
                    _add(total.filings, share.filings[month], kg)
        return total


Key = TypeVar("Key")


def _add(sums: dict[Key, int], key: Key, kg: int) -> None:
    sums[key] = sums.get(key, 0) + kg


def _changes(old: Mapping[Key, int], new: Mapping[Key, int]) -> list[tuple[Key, int]]:
    """Return by how much each counter changes, in the one order; what stays is left out."""
    keys: Any = old.keys() | new.keys()
    return [(key, kg) for key in sorted(keys) if (kg := new.get(key, 0) - old.get(key, 0))]


def _give(session: Session, shares: Iterable[Share], *, contracted: bool) -> None:
    lost = Conflict("What was reserved for this award is not reserved any more.")

    def move(table: Any, where: tuple[ColumnElement[bool], ...], kg: int, capacity: int | None = None) -> None:
        kept = kg if contracted else 0
        _move(session, table, where, reserved=-kg, contracted=kept, capacity=capacity, full=lost)

    total = _Total.of(shares)
    for (listing_id, month), kg in sorted(total.listing_months.items()):
        move(ListingMonth, _is_month(ListingMonth.listing_id, listing_id, ListingMonth.month, month), kg)
    capacities = _held_capacities(session, {line_id for line_id, _ in total.line_months})
    for (line_id, month), kg in sorted(total.line_months.items()):
        of_month = _is_month(LineMonth.line_id, line_id, LineMonth.month, month)
        move(LineMonth, of_month, kg, capacities[line_id][0])
    for (line_id, year), kg in sorted(total.line_years.items()):
        move(LineYear, (LineYear.line_id == line_id, LineYear.year == year), kg, capacities[line_id][1])
    for filing_id, kg in sorted(total.filings.items()):
        move(Filing, (Filing.id == filing_id,), kg)


def _move(
    session: Session,
    table: Any,
    where: tuple[ColumnElement[bool], ...],
    *,
    reserved: int,
    contracted: int = 0,
    capacity: int | None = None,
    full: Conflict,
) -> None:
    """Move a counter if there is room; ``capacity`` of a line takes a ceiling above it down to what is then committed."""
    values = {"reserved_kg": table.reserved_kg + reserved, "contracted_kg": table.contracted_kg + contracted}
    if capacity is not None:
        left = _greater(table.reserved_kg + reserved + table.contracted_kg + contracted, capacity)
        values["capacity_kg"] = case((table.capacity_kg > left, left), else_=table.capacity_kg)
    statement = (
        update(table)
        .where(*where, *_room(table, reserved, contracted))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
        raise full


def _room(table: Any, reserved: int, contracted: int) -> tuple[ColumnElement[bool], ...]:
    """Return the condition under which a counter may move: never below nothing, never above what there is."""
    limit = getattr(table, {ListingMonth: "offered_kg", Filing: "filed_kg"}.get(table, "capacity_kg"))
    return (
        table.reserved_kg + reserved >= 0,
        table.contracted_kg + contracted >= 0,
        table.reserved_kg + reserved + table.contracted_kg + contracted <= limit,
    )


def _is_month(id_column: Any, row_id: int, month_column: Any, month: Month) -> tuple[ColumnElement[bool], ...]:
    return (id_column == row_id, month_column == month)


def _greater(column: ColumnElement[int], than: int) -> ColumnElement[int]:
    return case((column > than, column), else_=than)


def _open_lines(session: Session, total: _Total) -> None:
    """
    Make the counters of lines that are not there yet; who comes second finds them made.

    The lines are held meanwhile, so that nobody edits a capacity between our reading it and our writing it down.
    """
    capacities = _held_capacities(session, {line_id for line_id, _ in total.line_months})
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for line_id, month in sorted(total.line_months):
        session.execute(
            insert(LineMonth)
            .values(line_id=line_id, month=month, capacity_kg=capacities[line_id][0], reserved_kg=0, contracted_kg=0)
            .on_conflict_do_nothing()
        )
    for line_id, year in sorted(total.line_years):
        session.execute(
            insert(LineYear)
            .values(line_id=line_id, year=year, capacity_kg=capacities[line_id][1], reserved_kg=0, contracted_kg=0)
            .on_conflict_do_nothing()
        )


def _held_capacities(session: Session, line_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return what lines take in a month and in a year, and hold them, so that nobody changes it meanwhile."""
    return {
        row.id: (row.capacity_kg_per_month, row.capacity_kg_per_year)
        for row in session.execute(
            select(IntakeLine.id, IntakeLine.capacity_kg_per_month, IntakeLine.capacity_kg_per_year)
            .where(IntakeLine.id.in_(set(line_ids)))
            .order_by(IntakeLine.id)
            .with_for_update(read=True)  # on SQLite nobody else writes anyway
        )
    }
