"""Where to begin in a large field: with the plans of its halves, each begun in the same way, down to tiles that are quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.solver.allarcs.field import Generated
from marketplace.solver.allarcs.pricing import Method, Started, settle
from marketplace.solver.allarcs.sources import Arcs
from marketplace.solver.problem import Flags, Integers, Objective

MOST_LOTS: Final = 12_000
"""Lots of a tile: solving it takes a fraction of a second a round, where a round of a hundred thousand takes a minute."""

SHARE: Final = 0.005
"""How near the best a tile is solved: what is left is small beside what its borders miss."""


@dataclass(frozen=True)
class _Tiling:
    """A field that is halved along its longer side, with half of the lots on each, and how its tiles are solved."""

    field: Generated
    method: Method
    objective: Objective
    budget: int
    tell: Callable[[float], None] | None

    def settled(self, lots: Integers, lines: Integers) -> Started:
        """Return a plan over some lots and lines, ascending, near the best."""
        start = self.halves(lots, lines) if lots.size > MOST_LOTS else None
        tile = self.field.part(lots, lines)
        source = tile.stored(self.budget) or tile
        return settle(source, self.method, objective=self.objective, share=SHARE, start=start, tell=self.tell)

    def halves(self, lots: Integers, lines: Integers) -> Started:
        """Return the plans of both halves as one, in which nothing moves from one to the other."""
        at = self.field.lots_at[lots]
        east_to_west = np.ptp(at[:, 1]) * np.cos(np.radians(np.median(at[:, 0]) / 1e6))
        axis = int(east_to_west > np.ptp(at[:, 0]))
        order = np.lexsort((lots, at[:, axis]))  # halves, wherever many lie at one place
        first = np.zeros(lots.size, dtype=np.bool_)
        first[order[: lots.size // 2]] = True
        here = self.field.lines_at[lines, axis] <= at[order[lots.size // 2 - 1], axis]
        start = self._nothing(lots, lines)
        for some, near in ((first, here), (~first, ~here)):
            if near.any():
                start = _with(start, some, near, self.settled(lots[some], lines[near]))
        order = np.argsort(start.arcs.lot * lines.size + start.arcs.line, kind="stable")
        arcs = Arcs(*(column[order] for column in start.arcs))
        return Started(arcs, start.kg[order], start.short, start.potentials)

    def _nothing(self, lots: Integers, lines: Integers) -> Started:
        none = np.zeros(0, dtype=np.int64)
        short = np.zeros(lots.size + lines.size, dtype=np.bool_)
        short[: lots.size] = (self.field.supply[lots] > 0) | (self.objective == "surplus")
        return Started(Arcs(none, none, none), none, short, np.zeros(lots.size + lines.size, dtype=np.int64))


def halved(
    field: Generated,
    method: Method,
    *,
    objective: Objective,
    budget: int,
    tell: Callable[[float], None] | None = None,
) -> Started | None:
    """
    Return where to begin in a field; None if it has no more than `MOST_LOTS` lots, and so begins as it is.

    Every tile is solved by itself, near the best. What waits beyond a border is missing, and is found when all arcs are priced
    in the next larger one, which decides anew only what lies near the border if the method can. So this changes how long a plan
    takes, never which it is. Raises SolverFailed if the method does.
    """
    if field.supply.size <= MOST_LOTS:
        return None
    tiling = _Tiling(field, method, objective, budget, tell)
    return tiling.halves(np.arange(field.supply.size), np.arange(field.capacity.size))


def _with(whole: Started, lots: Flags, lines: Flags, part: Started) -> Started:
    """Return a plan with that of a part of its lots and lines, which had none."""
    nodes = np.concatenate([lots, lines])
    short, potentials = whole.short.copy(), whole.potentials.copy()
    short[nodes], potentials[nodes] = part.short, part.potentials
    lot, line = np.flatnonzero(lots)[part.arcs.lot], np.flatnonzero(lines)[part.arcs.line]
    arcs = Arcs.joined([whole.arcs, Arcs(lot, line, part.arcs.cost)])
    return Started(arcs, np.concatenate([whole.kg, part.kg]), short, potentials)
