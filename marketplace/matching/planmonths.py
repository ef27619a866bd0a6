"""Rows that are about months: what those of one lot or line say alike, when a line is closed, and what waits for later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month
from marketplace.matching.planrows import Row
from marketplace.solver.problem import Carry

if TYPE_CHECKING:
    from marketplace.matching.planlines import Line
    from marketplace.matching.planlots import Lot

_CLOSED: Final = re.compile(r"(?P<every>\d{1,2})|\d{4}-\d{2}")
_DECEMBER: Final = 12

Entry = TypeVar("Entry", "Lot", "Line")


def refuse_months(row: Row, columns: Iterable[str]) -> None:
    """Refuse what is about months in a row that has none."""
    for column in columns:
        if row.cells.get(column) and not row.rows.monthly:
            row.refuse(
                column,
                "This is about months: give each row its month, such as 2027-03, in a column month, or leave this out.",
            )


def closed_months(row: Row) -> tuple[str, ...]:
    """Return the months in which nothing arrives: ``12`` in every year, ``2026-12`` in one."""
    found = set[str]()
    for word in row.cells.get("closed_months", "").split():
        month = _closed_month(word)
        if month is None:
            text = "“%(text)s” is no month. Write 12 01 02 for every year or 2026-12 for one, with spaces between."
            row.refuse("closed_months", text, text=word[:40])
        else:
            found.add(month)
    return tuple(sorted(found))


def _closed_month(word: str) -> str | None:
    named = _CLOSED.fullmatch(word)
    if named is None:
        return None
    try:
        return str(Month(2000, int(word)))[5:] if named["every"] else str(Month.parse(word))
    except Invalid:
        return None


def agree(
    read: Sequence[tuple[Row, Entry]],
    same: Mapping[str, Callable[[Entry], object]],
    same_if_stored: Mapping[str, Callable[[Entry], object]],
) -> None:
    """
    Refuse rows of one id that contradict each other; ``read`` is sorted by id and month.

    In all months a row says the ``same`` by column, and also ``same_if_stored`` where something may be stored from the
    month before: else wet ash would wait until the month of the dry.
    """
    for (earlier, before), (row, now) in pairwise(read):
        if before.id != now.id:
            continue
        for column, value in same.items():
            if value(before) != value(now):
                text = "“%(id)s” says otherwise in line %(first)s, and this is the same in all its months."
                row.refuse(column, text, id=now.id[:40], first=earlier.line)
        for column, value in same_if_stored.items() if before.storage_kg else ():
            if value(before) != value(now):
                text = (
                    "“%(id)s” says otherwise in line %(first)s, and what is stored from that month must be alike: "
                    "write the same, or leave storage_t empty there."
                )
                row.refuse(column, text, id=now.id[:40], first=earlier.line)


def refuse_mixed(lots: Sequence[Lot], lines: Sequence[Line]) -> None:
    """Raise Invalid if the rows of one side have months and those of the other have none."""
    if lots and lines and (lots[0].month is None) != (lines[0].month is None):
        lacking, other = ("demand", "supply") if lots[0].month else ("supply", "demand")
        raise Invalid(
            "The %(other)s file has a column month and the %(lacking)s file has none. Give both one, with the tonnes of "
            "each month, or neither.",
            other=other,
            lacking=lacking,
        )


def carry_of(lots: Sequence[Lot], lines: Sequence[Line], *, priced: bool) -> Carry:
    """
    Return the storage between rows, from each to the next of the same id: the room is that of the earlier row.

    Over a gap in the months the cost is due for each month passed. Raises Invalid if storage costs money and nothing else
    does.
    """
    places = [*_places(lots, 0), *_places(lines, len(lots))]
    rows: tuple[Lot | Line, ...] = (*lots, *lines)
    for row in rows:
        if row.storage_fen_per_t and not priced:
            raise Invalid(
                "storage_yuan_per_t_month of “%(id)s” is money, and without prices cost is counted in tonne-kilometers: "
                "give ask_yuan_per_t or bid_yuan_per_t too, or leave it out.",
                id=row.id,
            )
    tail, most, cost = ([place[at] for place in places] for at in range(3))
    return Carry.of(tail=tail, head=[node + 1 for node in tail], most_kg=most, cost=cost)


def _places(rows: Sequence[Lot | Line], first: int) -> Iterator[tuple[int, int, int]]:
    """Yield node, room in kilograms and fen per tonne of each row from which something may be stored."""
    for place, (row, after) in enumerate(pairwise(rows)):
        if row.id == after.id and row.storage_kg and row.month and after.month:
            yield first + place, row.storage_kg, row.storage_fen_per_t * months_between(row.month, after.month)


def months_between(first: Month, last: Month) -> int:
    """
    Return how many months' ends lie between two months.

    >>> months_between(Month(2026, 12), Month(2027, 2))
    2
    """
    return (last.year - first.year) * _DECEMBER + last.number - first.number
