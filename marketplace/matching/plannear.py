"""Who could meet whom: rows of like material and month within the radius, and the most that a row could bring to a pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketplace.domain.quantities import Month
from marketplace.matching.planlines import Line
from marketplace.matching.planlots import Lot
from marketplace.solver.candidates import within
from marketplace.solver.problem import Integers


def near(lots: Sequence[Lot], lines: Sequence[Line], max_m: int) -> tuple[Integers, Integers, Integers]:
    """
    Return the pairs of like material and month within the radius, sorted, with their meters of great circle.

    A line's own ``max_m`` stands before the one given.
    """
    radius = np.array([max_m if line.max_m is None else line.max_m for line in lines], dtype=np.int64)
    lots_at = np.array([lot.point for lot in lots], dtype=np.int64).reshape(-1, 2)
    lines_at = np.array([line.point for line in lines], dtype=np.int64).reshape(-1, 2)
    offered, taking = dict[tuple[str, Month | None], list[int]](), dict[tuple[str, Month | None], list[int]]()
    for i, lot in enumerate(lots):
        offered.setdefault((lot.material, lot.month), []).append(i)
    for j, line in enumerate(lines):
        for material in line.materials:
            taking.setdefault((material, line.month), []).append(j)
    found = [np.zeros((3, 0), dtype=np.int64)]
    for kind in offered.keys() & taking.keys():
        own, others = np.array(offered[kind], dtype=np.int64), np.array(taking[kind], dtype=np.int64)
        at, to, meters = within(lots_at[own], lines_at[others], radius[others])
        found.append(np.stack([own[at], others[to], meters]))
    pairs = np.concatenate(found, axis=1)
    from_, into, away = pairs[:, np.lexsort((pairs[1], pairs[0]))]
    return from_, into, away


def sums_by_id(rows: Sequence[Lot | Line]) -> Integers:
    """Return for each row the kilograms of all rows of its id, (n,)."""
    total = dict[str, int]()
    for row in rows:
        total[row.id] = total.get(row.id, 0) + row.kg
    return np.array([total[row.id] for row in rows], dtype=np.int64)


def tops(rows: Sequence[Lot | Line], load: int, *, backwards: bool = False) -> Integers:
    """
    Return for each row the most of a single month that could reach a pair of it, (n,).

    That is its own or, where storage for a ``load`` lies between, that of an earlier row of its id (for lines a later one).
    """
    most = [row.kg for row in rows]
    places = range(1, len(rows))
    for place in reversed(places) if backwards else places:
        before, after = rows[place - 1], rows[place]
        if before.id == after.id and before.storage_kg >= load:
            reached, source = (place - 1, place) if backwards else (place, place - 1)
            most[reached] = max(most[reached], most[source])
    return np.array(most, dtype=np.int64)
