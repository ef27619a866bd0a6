"""Supply and demand as files: every row read, and rows of one lot or line held against each other."""

from __future__ import annotations

from collections.abc import Iterable

from marketplace.matching.planlines import DEMAND_SAME, Line, limit_columns, line_of, meters, properties_of
from marketplace.matching.planlots import SUPPLY_SAME, Lot, lot_of, measured_as, refuse_reserves
from marketplace.matching.planmonths import agree
from marketplace.matching.planrows import SHOWN, Rows, Unreadable

__all__ = ["SHOWN", "Line", "Lot", "Unreadable", "meters", "properties_of", "read_demand", "read_supply"]


def read_supply(
    content: bytes, name: str, *, properties: Iterable[str] = (), provinces: bool = False
) -> tuple[Lot, ...]:
    """
    Return the lots of a supply file, sorted by id and month; raises Unreadable.

    ``properties`` are the columns that limits ask for, see `properties_of`; an empty cell is a value not known. With
    ``provinces`` each row must say which it lies in, and ``Lot.province`` is its code.
    """
    rows = Rows(content, name, required=("supply_id", "material", "lat", "lon"))
    asked = sorted(set(properties) & set(rows.columns))
    read = [(row, lot_of(row, asked, provinces=provinces)) for row in rows]
    sound = sorted(((row, lot) for row, lot in read if row.sound), key=lambda each: _place(each[1]))
    agree(sound, SUPPLY_SAME, {name: measured_as(name) for name in asked})
    refuse_reserves(sound)
    rows.refuse_faults()
    return tuple(lot for _, lot in sound)


def read_demand(content: bytes, name: str, *, provinces: bool = False) -> tuple[Line, ...]:
    """Return the lines of a demand file, sorted by id and month; raises Unreadable."""
    rows = Rows(content, name, required=("demand_id", "material", "lat", "lon"))
    read = [(row, line_of(row, provinces=provinces)) for row in rows]
    sound = sorted(((row, line) for row, line in read if row.sound), key=lambda each: _place(each[1]))
    agree(sound, DEMAND_SAME, limit_columns(line for _, line in sound))
    rows.refuse_faults()
    return tuple(line for _, line in sound)


def _place(row: Lot | Line) -> tuple[str, str]:
    return row.id, str(row.month or "")
