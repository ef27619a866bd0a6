"""What a sheet is made of once its file is open: rows of cells, whatever the format was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

Cell: TypeAlias = "str | int | Decimal | datetime | None"
"""Text, a figure that is exact, a date with its time as the sheet shows it (no time zone), or nothing."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row as a person finds it in the file, counted from 1; ``hidden`` if the sheet does not show it."""

    number: int
    cells: tuple[Cell, ...]
    hidden: bool = False

    @property
    def empty(self) -> bool:
        """Whether no cell says anything."""
        return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in self.cells)


@dataclass(frozen=True)
class Sheet:
    """
    A sheet being read: ``rows`` can be gone through once and may raise Invalid on the way.

    ``name`` is empty for a file that has but one sheet by nature; ``others`` are the sheets with something in them that
    are not read.
    """

    name: str
    rows: Iterator[SheetRow]
    others: tuple[str, ...] = ()


def column_letters(column: int) -> str:
    """
    Return how a sheet heads a column, counted from 1.

    >>> column_letters(1), column_letters(28)
    ('A', 'AB')
    """
    letters = ""
    while column > 0:
        column, at = divmod(column - 1, 26)
        letters = chr(ord("A") + at) + letters
    return letters
