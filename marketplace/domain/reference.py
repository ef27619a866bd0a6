"""The tables of the field, read once: each row carries its source and date."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).resolve().parent.parent / "data"


@cache
def rows(table: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of ``data/<table>.csv`` in their order; a table is read once in a process."""
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))


def several(cell: str) -> tuple[str, ...]:
    """Return the values of a cell that holds several, written ``a|b``."""
    return tuple(value for value in cell.split("|") if value)


def decimal(cell: str) -> Decimal | None:
    """Return the number in a cell; none if the cell is empty."""
    return Decimal(cell) if cell else None
