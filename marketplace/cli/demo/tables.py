"""The tables of the demo world, as they lie in `data/demo`."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[2] / "data" / "demo"

Row = dict[str, str]


def rows(name: str) -> list[Row]:
    """Return the rows of a table."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def kg(tonnes: str) -> int:
    """Return tonnes of a table as kilograms."""
    return int(Decimal(tonnes) * 1000)


def fen(yuan: str) -> int:
    """Return yuan of a table as fen."""
    return int(Decimal(yuan) * 100)


def decimal(text: str) -> Decimal | None:
    """Return a figure of a table; none where the cell is empty."""
    return Decimal(text) if text else None
