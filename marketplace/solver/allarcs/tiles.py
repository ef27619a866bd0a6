"""Arcs to begin with in a large field: what its tiles, each solved by itself, found worth holding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from marketplace.solver.allarcs.field import Generated
from marketplace.solver.allarcs.pricing import ANY, CHEAPEST, Method, settle
from marketplace.solver.allarcs.sources import Arcs, Source
from marketplace.solver.problem import Integers, Objective

MOST_LOTS: Final = 12_000
"""Lots of a tile: solving it takes a fraction of a second a round, where a round of a hundred thousand takes minutes."""

SHARE: Final = 0.005
"""How near the best a tile is solved: what is left is small beside what its borders miss."""


def worth_holding(
    field: Generated,
    source: Source,
    method: Method,
    *,
    objective: Objective,
    budget: int,
    tell: Callable[[float], None] | None = None,
) -> Arcs | None:
    """
    Return arcs to begin with, some of them twice; None for a field of no more than `MOST_LOTS` lots, which begins as it is.

    The field is halved along its longer side, with half of the lots on each, until no tile has more lots than that. What
    waits beyond a border is missing, and is found when all arcs are priced; so this changes how long a plan takes, never
    which it is. ``source`` has the same arcs as ``field``. Raises SolverFailed if the method does.
    """
    if field.supply.size <= MOST_LOTS:
        return None
    found = [source.start(CHEAPEST // 2, ANY // 2)]
    for lots, lines in _tiles(field, np.arange(field.supply.size), np.arange(field.capacity.size)):
        tile = field.part(lots, lines)
        arcs = settle(tile.stored(budget) or tile, method, objective=objective, share=SHARE, tell=tell).arcs
        found.append(Arcs(lots[arcs.lot], lines[arcs.line], arcs.cost))
    return Arcs.joined(found)


def _tiles(field: Generated, lots: Integers, lines: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Yield the lots and lines of each tile that has both, ascending."""
    if not lines.size:
        return
    if lots.size <= MOST_LOTS:
        yield lots, lines
        return
    at = field.lots_at[lots]
    east_to_west = np.ptp(at[:, 1]) * np.cos(np.radians(np.median(at[:, 0]) / 1e6))
    axis = int(east_to_west > np.ptp(at[:, 0]))
    order = np.lexsort((lots, at[:, axis]))  # halves, wherever many lie at one place
    first = np.zeros(lots.size, dtype=np.bool_)
    first[order[: lots.size // 2]] = True
    here = field.lines_at[lines, axis] <= at[order[lots.size // 2 - 1], axis]
    yield from _tiles(field, lots[first], lines[here])
    yield from _tiles(field, lots[~first], lines[~here])
