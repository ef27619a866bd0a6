"""Contracts that stand: what an earlier plan moved, read from its file, and pinned where it can move again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month, kilograms, number
from marketplace.matching.planlines import Line
from marketplace.matching.planlots import Lot
from marketplace.matching.planning import Pairs
from marketplace.solver.problem import Integers

Standing: TypeAlias = Mapping[tuple[str, ...], int]
"""Kilograms by supply id and demand id, and where rows have months by these and the month."""


def read_standing(content: bytes, name: str, *, monthly: bool = False) -> dict[tuple[str, ...], int]:
    """Return what stands, by ids and where rows are ``monthly`` by month, from a plan as `match` writes it; raises Invalid."""
    needed = ("supply_id", "demand_id", *(("month",) if monthly else ()), "tonnes")
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Invalid("%(file)s is not CSV in UTF-8.", file=name) from None
    if rows and not set(needed) <= rows[0].keys():
        raise Invalid("%(file)s needs the columns %(columns)s.", file=name, columns=", ".join(needed))
    found: dict[tuple[str, ...], int] = {}
    for line, row in enumerate(rows, start=2):
        *ends, tonnes = ((row[column] or "").strip() for column in needed)
        try:
            if monthly:
                ends[-1] = str(Month.parse(ends[-1]))
            found[*ends] = found.get((*ends,), 0) + kilograms(number(tonnes))
        except Invalid as refusal:
            reason = refusal.sentence
            raise Invalid("%(file)s, line %(line)s: %(reason)s", file=name, line=line, reason=reason) from None
    return found


def pinned_of(pairs: Pairs, standing: Standing) -> Integers:
    """Return what is pinned on each arc, (e,); raises Invalid if something stands that cannot move any more."""
    pinned = np.zeros(pairs.problem.lot.size, dtype=np.int64)
    if not standing:
        return pinned
    ends = zip(pairs.problem.lot.tolist(), pairs.problem.line.tolist(), strict=True)
    arcs = {_key(pairs.lots[i], pairs.lines[j]): arc for arc, (i, j) in enumerate(ends)}
    for key, kg in standing.items():
        arc = arcs.get(key)
        if arc is None:
            lot, line = key[0], " ".join(key[1:])
            raise Invalid("“%(lot)s” and “%(line)s” stand already and are no pair any more.", lot=lot, line=line)
        pinned[arc] = kg
    for rows, at in ((pairs.lots, pairs.problem.lot), (pairs.lines, pairs.problem.line)):
        held = np.zeros(len(rows), dtype=np.int64)
        np.add.at(held, at, pinned)
        over = _over(rows, held.tolist())
        if over is not None:
            raise Invalid("What stands already is more than “%(id)s” has.", id=rows[over].id)
    return pinned


def _key(lot: Lot, line: Line) -> tuple[str, ...]:
    return (lot.id, line.id) if lot.month is None else (lot.id, line.id, str(lot.month))


def _over(rows: Sequence[Lot | Line], held: list[int]) -> int | None:
    """
    Return the first row that is promised more than it has, with all that storage can bring, or None.

    A lot brings to its next month what it has not shipped; a line passes on to it what it cannot use, and no more.
    """
    spare = 0
    for place, (row, kg) in enumerate(zip(rows, held, strict=True)):
        before = rows[place - 1] if place else None
        room = before.storage_kg if before is not None and before.id == row.id else 0
        if isinstance(row, Line):
            if spare > room:
                return place - 1
            spare = max(0, spare + kg - row.kg)
        else:
            spare = min(spare, room) + row.kg - kg
            if spare < 0:
                return place
    return len(rows) - 1 if spare > 0 and isinstance(rows[-1], Line) else None
