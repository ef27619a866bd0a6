"""The parts of a field, each settled by itself, and all together within the share that is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from marketplace.solver.allarcs.field import Field, Generated
from marketplace.solver.allarcs.pricing import Method, Settled, settle
from marketplace.solver.allarcs.sources import Arcs, Prices, Source
from marketplace.solver.allarcs.tiles import halved
from marketplace.solver.components import Lazily
from marketplace.solver.problem import Integers, Objective, weighted
from marketplace.solver.spread import OneCore, Spread

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress

WORTH_PROCESSES: Final = 10**8
"""Pairs of lots and lines, near or far, below which handing the parts of a field to other processes takes longer."""

STEPS: Final = 1_000
"""What the progress over a field is counted in."""

_LEAST_SHARE: Final = 1e-9
"""A part that shall be nearer than this is settled at the best."""


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of a field, and how it is to be solved, here or in another process, beginning with ``start`` if it was solved before."""

    source: Generated
    method: Method
    objective: Objective
    share: float
    budget: int
    start: Settled | None
    tell: Callable[[float], None] | None


class Parts:
    """The parts of a field that no material joins, how often they were solved, and how many arcs of one were held at most."""

    def __init__(
        self,
        field: Field,
        method: Method,
        objective: Objective,
        budget: int,
        progress: Progress | None,
        spread: Spread | None,
    ) -> None:
        self.field, self.method, self.objective, self.budget = field, method, objective, budget
        self.progress, self.spread = progress, spread
        self.split = list(field.split())
        self.found: dict[int, _Settled] = {}
        self.rounds = self.most = 0

    def within(self, share: float) -> list[_Settled]:
        """
        Return what was settled of each part, together within a ``share`` of the least cost.

        Where some parts cost something and others bring it, their shares together are more than one of the sum. Then those
        that have too much are settled nearer, from the arcs that they held.
        """
        wide, own = list(range(len(self.split))), share
        while wide:
            self._settle(wide, own)
            costs = [weighted(settled.kg, settled.arcs.cost) for settled, _, _ in self._all()]
            slack = sum(settled.slack for settled, _, _ in self._all())
            if slack <= share * abs(sum(costs)):
                break
            own = min(own / 2, 0.9 * share * abs(sum(costs)) / sum(map(abs, costs)))
            own = own if own > _LEAST_SHARE else 0.0
            wide = [at for at, cost in enumerate(costs) if self.found[at][0].slack > own * abs(cost)]
        return self._all()

    def _all(self) -> list[_Settled]:
        return [self.found[at] for at in range(len(self.split))]

    def _settle(self, which: list[int], share: float) -> None:
        lots_of = [self.split[at][0].size for at in which]
        done, of = 0, max(1, sum(lots_of))

        def tell(far: float, size: int) -> None:
            if self.progress is not None:
                self.progress((done + int(far * size)) * STEPS // of, STEPS)

        def part(place: int) -> _Part:
            at = which[place]
            told = partial(tell, size=lots_of[place]) if self.spread is None else None
            start = self.found[at][0] if at in self.found else None
            source = self.field.part(*self.split[at])
            return _Part(source, self.method, self.objective, share, self.budget, start, told)

        pairs = [self.split[at][0].size * self.split[at][1].size for at in which]
        for place, found in (self.spread or OneCore()).each(
            _settled, Lazily(part, len(which)), cost=pairs, worth=WORTH_PROCESSES
        ):
            self.found[which[place]] = found
            self.rounds, self.most = self.rounds + found[0].rounds, max(self.most, found[0].most)
            done += lots_of[place]
            tell(0.0, 0)


_Settled: TypeAlias = tuple[Settled, Arcs, Integers]


def _settled(part: _Part) -> _Settled:
    """Return what was settled of a part, the arcs that its ties or its plan are made of, and their kilograms."""
    source: Source = part.source.stored(part.budget) or part.source
    start = part.start or halved(part.source, part.method, objective=part.objective, budget=part.budget, tell=part.tell)
    settled = settle(source, part.method, objective=part.objective, share=part.share, start=start, tell=part.tell)
    used = np.flatnonzero(settled.kg)
    arcs = Arcs(*(column[used] for column in settled.arcs))
    if not part.share:
        arcs = source.tight(Prices.of(settled.potentials, settled.short, source.supply.size, part.objective))
    return settled, arcs, moved(settled, arcs, source.capacity.size)


def moved(settled: Settled, arcs: Arcs, m: int) -> Integers:
    """Return what the plan moves along each of some arcs, sorted, which hold all that carry something."""
    used = np.flatnonzero(settled.kg)
    kg = np.zeros(arcs.lot.size, dtype=np.int64)
    kg[np.searchsorted(arcs.lot * m + arcs.line, settled.arcs.lot[used] * m + settled.arcs.line[used])] = settled.kg[
        used
    ]
    return kg
