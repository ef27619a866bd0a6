"""
Does a plan keep what its files say of months, storage, permits and filings? Asked in whole kilograms, row by row.

It shares nothing with what makes arcs, storage and rows of the files, so that a fault there is found here: nothing is
believed but the kilograms, and which filing is said to open a pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from marketplace.domain.fit import last_day
from marketplace.matching.planfilings import Filed
from marketplace.matching.planlines import Line
from marketplace.matching.planlots import Lot


@dataclass(frozen=True)
class Moved:
    """Kilograms from a row of the supply to a row of the demand, by their places, and the place of its filing or -1."""

    lot: int
    line: int
    kg: int
    filing: int = -1


@dataclass(frozen=True)
class Stored:
    """Kilograms that wait from a row to a later one of the same id, by their places."""

    side: Literal["supply", "demand"]
    first: int
    last: int
    kg: int


def faults(
    lots: Sequence[Lot], lines: Sequence[Line], filed: Filed | None, moved: Sequence[Moved], stored: Sequence[Stored]
) -> list[str]:
    """Return in words what a plan breaks of what its files say; nothing if it keeps all of it."""
    return [
        *_months(lots, lines, moved),
        *_kept("supply", lots, _added((each.lot, each.kg) for each in moved), stored),
        *_kept("demand", lines, _added((each.line, each.kg) for each in moved), stored),
        *_permits(lines, moved),
        *_filings(lots, lines, filed, moved),
    ]


def _months(lots: Sequence[Lot], lines: Sequence[Line], moved: Sequence[Moved]) -> Iterator[str]:
    for each in moved:
        lot, line = lots[each.lot], lines[each.line]
        if lot.month != line.month:
            yield f"{each.kg} kg leave {lot.id} in {lot.month} and reach {line.id} in {line.month}"
        for closed in line.closed_months if line.month else ():
            if str(line.month).endswith(closed):
                yield f"{each.kg} kg reach {line.id} in {line.month}, when it is closed"


def _added(masses: Iterable[tuple[int, int]]) -> Counter[int]:
    total = Counter[int]()
    for place, kg in masses:
        total[place] += kg
    return total


def _kept(
    side: Literal["supply", "demand"],
    rows: Sequence[Lot | Line],
    through: Counter[int],
    stored: Sequence[Stored],
) -> Iterator[str]:
    """Hold each row against what it has or uses, and each store against its room and what is there to be stored."""
    brought, kept = Counter[int](), Counter[int]()
    months = dict[str, list[str]]()
    for row in rows:
        months.setdefault(row.id, []).append(str(row.month))
    for each in stored:
        if each.side != side:
            continue
        first, last = rows[each.first], rows[each.last]
        later = [month for month in months[first.id] if month > str(first.month)]
        if first.id != last.id or not later or str(last.month) != min(later):
            yield f"{first.id} stores from {first.month} what {last.id} has in {last.month}"
        if not 0 <= each.kg <= first.storage_kg:
            yield f"{first.id} stores {each.kg} kg over the end of {first.month}, and has room for {first.storage_kg}"
        kept[each.first] += each.kg
        brought[each.last] += each.kg
    for place in sorted({*through, *brought, *kept}):
        row, in_all = rows[place], through[place]
        if side == "supply" and in_all + kept[place] > row.kg + brought[place]:
            yield f"{row.id} ships {in_all} kg and keeps {kept[place]} in {row.month}, more than it has"
        if side == "demand" and not 0 <= in_all + brought[place] - kept[place] <= row.kg:
            yield f"{row.id} would use {in_all + brought[place] - kept[place]} kg of {row.kg} in {row.month}"


def _permits(lines: Sequence[Line], moved: Sequence[Moved]) -> Iterator[str]:
    for line, year, kg in permitted(lines, moved):
        if line.permit_kg is not None and kg > line.permit_kg:
            yield f"{kg} kg reach {line.id} in {year}, and its permit is for {line.permit_kg}"


def permitted(lines: Sequence[Line], moved: Sequence[Moved]) -> list[tuple[Line, int, int]]:
    """Return what arrives under each permit in each year of its line: a row of the line, the year, kilograms."""
    arrived = Counter[tuple[str, int]]()
    for each in moved:
        line = lines[each.line]
        if line.month:
            arrived[line.id, line.month.year] += each.kg
    rows = {(line.id, line.month.year): line for line in lines if line.month and line.permit_kg is not None}
    return [(line, year, arrived[own, year]) for (own, year), line in rows.items()]


def _filings(lots: Sequence[Lot], lines: Sequence[Line], filed: Filed | None, moved: Sequence[Moved]) -> Iterator[str]:
    if filed is None:
        return
    for each in moved:
        lot, line = lots[each.lot], lines[each.line]
        if lot.province == line.province:
            continue
        if each.filing < 0:
            yield f"{each.kg} kg go from {lot.id} to {line.id} across provinces without a filing"
            continue
        filing = filed.filings[each.filing]
        if (filing.producer, filing.recycler, filing.material) != (lot.organization, line.organization, lot.material):
            yield f"{each.kg} kg go from {lot.id} to {line.id} by the filing of others"
        day = last_day(lot.month) if lot.month else filed.day
        if (filing.valid_from and day < filing.valid_from) or (filing.valid_to and day > filing.valid_to):
            yield f"{each.kg} kg go from {lot.id} to {line.id} on a filing that does not hold on {day}"
    for place, kg in used(lots, lines, moved).items():
        if kg > filed.filings[place].left_kg:
            yield f"{kg} kg go by a filing with {filed.filings[place].left_kg} kg left"


def used(lots: Sequence[Lot], lines: Sequence[Line], moved: Sequence[Moved]) -> Counter[int]:
    """Return what goes across provinces by each filing."""
    across = [each for each in moved if each.filing >= 0 and lots[each.lot].province != lines[each.line].province]
    return _added((each.filing, each.kg) for each in across)
