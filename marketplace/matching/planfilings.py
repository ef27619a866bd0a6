"""Filings across provinces: what a file says is left of each, and by which one a pair of two provinces is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

import numpy as np

from marketplace.domain.fit import last_day
from marketplace.domain.quantities import Month, kilograms
from marketplace.matching.planlines import Line
from marketplace.matching.planlots import Lot
from marketplace.matching.planrows import Row, Rows
from marketplace.solver.problem import Flags, Integers

COLUMNS: Final = ("producer", "recycler", "material", "tonnes_left")

Lack = Literal["filing_needed", "filing_expired", "filing_exhausted"]
"""Why no filing opens a pair, by the names that a round has for it."""

LACKS: Final[tuple[Lack, ...]] = ("filing_needed", "filing_expired", "filing_exhausted")


@dataclass(frozen=True)
class Filing:
    """What may still go from a producer to a recycler in another province; without a day it holds from or for ever."""

    producer: str
    recycler: str
    material: str
    left_kg: int
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def parties(self) -> tuple[str, str, str]:
        """Producer, recycler and material."""
        return self.producer, self.recycler, self.material

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


@dataclass(frozen=True)
class Filed:
    """
    The filings of a plan, in the order of their file, and the day on which they must hold where rows have no month.

    Where they have one, it is the last day of the month, as in a round.
    """

    filings: tuple[Filing, ...]
    day: date
    _by: dict[tuple[str, str, str], list[int]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Sort the filings of each two: with most left first, then the older."""
        order = sorted(range(len(self.filings)), key=lambda at: (-self.filings[at].left_kg, self._since(at), at))
        for at in order:
            self._by.setdefault(self.filings[at].parties, []).append(at)

    def _since(self, at: int) -> date:
        return self.filings[at].valid_from or date.min

    def asked_on(self, month: Month | None) -> date:
        """Return the day on which a filing must be in force."""
        return self.day if month is None else last_day(month)

    def open_by(self, parties: tuple[str, str, str], month: Month | None) -> int | Lack:
        """Return the place of the filing by which these two are open, or why there is none."""
        known = self._by.get(parties, [])
        holding = [at for at in known if self.filings[at].holds(self.asked_on(month))]
        if not holding:
            return "filing_expired" if known else "filing_needed"
        return holding[0] if self.filings[holding[0]].left_kg else "filing_exhausted"


def read_filings(content: bytes, name: str) -> tuple[Filing, ...]:
    """Return the filings of a file, in its order; raises Unreadable."""
    rows = Rows(content, name, required=COLUMNS, weighed=False)
    read = [(row, _filing(row)) for row in rows]
    rows.refuse_faults()
    return tuple(filing for _, filing in read)


def _filing(row: Row) -> Filing:
    producer, recycler, material, *_ = row.unique("producer", "recycler", "material", "valid_from", "valid_to")
    for column in COLUMNS[1:]:
        row.text(column)
    valid_from, valid_to = row.day("valid_from"), row.day("valid_to")
    if valid_from and valid_to and valid_from > valid_to:
        row.refuse("valid_to", "The last day is before the first.")
    left_kg = row.read("tonnes_left", kilograms, 0) or 0
    return Filing(producer, recycler, material, left_kg, valid_from, valid_to)


def across(lot: Lot, line: Line) -> bool:
    """Whether a pair lies in two provinces."""
    return lot.province != line.province


def filings_of(
    filed: Filed | None, lots: Sequence[Lot], lines: Sequence[Line], lot: Integers, line: Integers
) -> tuple[Integers, dict[str, Flags]]:
    """
    Return for each pair, (e,), the place of the filing that opens it or -1, and which pairs lack one and how.

    Where filings are not asked for, no pair needs one.
    """
    place = np.full(lot.size, -1, dtype=np.int64)
    lacks: dict[str, Flags] = {lack: np.zeros(lot.size, dtype=np.bool_) for lack in LACKS}
    if filed is None:
        return place, lacks
    for pair, (i, j) in enumerate(zip(lot.tolist(), line.tolist(), strict=True)):
        producer, recycler = lots[i], lines[j]
        if across(producer, recycler):
            parties = (producer.organization, recycler.organization, producer.material)
            found = filed.open_by(parties, producer.month)
            if isinstance(found, int):
                place[pair] = found
            else:
                lacks[found][pair] = True
    return place, lacks
