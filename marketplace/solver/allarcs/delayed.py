"""The best plan over all arcs where they are not all given to the engine at once, from stored arcs or from points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from marketplace.solver.allarcs.field import BUDGET, Field
from marketplace.solver.allarcs.pricing import Method, settle
from marketplace.solver.allarcs.settling import STEPS, Parts, moved
from marketplace.solver.allarcs.sources import Arcs, Prices, Stored
from marketplace.solver.answer.finish import finish
from marketplace.solver.answer.ties import decide
from marketplace.solver.graph import Graph
from marketplace.solver.problem import Allocation, Flags, Integers, Objective, Problem, weighted
from marketplace.solver.spread import Spread

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress

_UNASKED: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Statistics:
    """
    What a plan over a field took.

    ``rounds`` solved, of all parts; ``held`` arcs at most at once; ``bound`` what every plan of as many kilograms costs at
    least (for ``surplus`` every plan) and ``cost`` what this one does, thousandths.
    """

    rounds: int
    held: int
    cost: int
    bound: int

    @property
    def gap(self) -> float:
        """What the plan may cost more than the best, as a share of its cost."""
        return (self.cost - self.bound) / abs(self.cost) if self.cost else float(self.bound < self.cost)


@dataclass(frozen=True, eq=False)
class Scattered:
    """A plan over a field: the ``arcs`` that carry something, sorted by (lot, line), and the answer over these."""

    arcs: Arcs
    allocation: Allocation
    statistics: Statistics


def allocate(
    problem: Problem, method: Method, *, progress: Progress | None = None, spread: Spread | None = None
) -> Allocation:
    """
    Return what the engine of ``method`` answers, to the byte, without ever giving it all arcs at once.

    Storage couples more than an arc's two ends, so a problem with any is solved the plain way. Raises SolverFailed.
    """
    if problem.carry.tail.size:
        graph = Graph.of(problem)
        found = method.best(problem, graph, progress=progress, spread=spread)
        return finish(problem, graph, found.kg, method.cheapest, short=found.short, potentials=found.potentials)
    (n, m, e), source = problem.shape, Stored.of(problem)

    def tell(far: float) -> None:
        if progress is not None:
            progress(int(far * e), e)

    settled = settle(source, method, objective=problem.objective, tell=tell, spread=spread)
    potentials, short = settled.potentials.copy(), settled.short
    idle = problem.supply == 0
    at = np.flatnonzero(idle[problem.lot])
    _settle_idle(potentials, short, idle, [Arcs(problem.lot[at], problem.line[at], problem.cost[at])])
    tight = source.tight(Prices.of(settled.potentials, short, n, problem.objective))
    at = np.searchsorted(problem.lot * m + problem.line, tight.lot * m + tight.line)
    on_face = replace(problem, contract=None if problem.contract is None else problem.contract[at])
    whole = np.zeros(e, dtype=np.int64)
    whole[at] = _decided(on_face, tight, moved(settled, tight, m), short, potentials, method)
    if progress is not None:
        progress(e, e)
    return Allocation(whole, potentials[:n], -potentials[n:], short[:n], short[n:])


def allocate_field(
    field: Field,
    method: Method,
    *,
    objective: Objective = "utilization",
    share: float = 0.0,
    budget: int = BUDGET,
    progress: Progress | None = None,
    spread: Spread | None = None,
) -> Scattered:
    """
    Return the best plan over all arcs of a field, part by part; none of its arcs is left out for its rank.

    The same as an engine's answer over the problem with all arcs, whatever the ``budget`` of bytes that a part may keep
    its arcs in. With a ``share`` above zero any plan whose cost is proved to be within that share of the least, and whose
    kilograms are the most; then its ties are not decided, and its prices are those of the bound. Raises SolverFailed.
    """
    n, m = field.supply.size, field.capacity.size
    idle = field.supply == 0
    potentials = np.zeros(n + m, dtype=np.int64)
    short = np.arange(n + m) < n
    if objective == "utilization":
        short[:n] = ~idle  # where no line is near all of it is left over
    some, carried = list[Arcs](), list[Integers]()
    settling = Parts(field, method, objective, budget, progress, spread)
    for (lots, lines), (settled, arcs, kg) in zip(settling.split, settling.within(share), strict=True):
        nodes = np.concatenate([lots, lines + n])
        potentials[nodes], short[nodes] = settled.proof, settled.short
        some.append(Arcs(lots[arcs.lot], lines[arcs.line], arcs.cost))
        carried.append(kg)
    lots = np.flatnonzero(idle)
    near = field.part(lots, np.arange(m)).batches()
    _settle_idle(potentials, short, idle, (Arcs(lots[arcs.lot], arcs.line, arcs.cost) for arcs in near))
    arcs, kg = Arcs.joined(some), np.concatenate([np.zeros(0, dtype=np.int64), *carried])
    order = np.argsort(arcs.lot * m + arcs.line, kind="stable")
    arcs, kg = Arcs(*(column[order] for column in arcs)), kg[order]
    if not share:
        kg = _decided(Problem(field.supply, field.capacity, *arcs, objective), arcs, kg, short, potentials, method)
    used = np.flatnonzero(kg)
    arcs, kg = Arcs(*(column[used] for column in arcs)), kg[used]
    bound = weighted(field.supply, potentials[:n]) - weighted(field.capacity, potentials[n:])
    if progress is not None:
        progress(STEPS, STEPS)
    answer = Allocation(kg, potentials[:n], -potentials[n:], short[:n], short[n:])
    statistics = Statistics(settling.rounds, settling.most, weighted(kg, arcs.cost), bound)
    return Scattered(arcs, answer, statistics)


def _decided(
    problem: Problem, tight: Arcs, kg: Integers, short: Flags, potentials: Integers, method: Method
) -> Integers:
    """Return the plan that the rule of ties means, along the arcs that any best plan may use; as `finish` does."""
    n, m, _ = problem.shape
    none = np.zeros(0, dtype=np.int64)
    graph = Graph(n, m, tight.lot, tight.line + n, tight.cost, none)
    loose = np.concatenate([short[:n], ~short[n:]])
    return decide(problem, graph, kg, np.arange(kg.size), loose & (potentials == 0), method.cheapest)


def _settle_idle(potentials: Integers, short: Flags, idle: Flags, batches: Iterable[Arcs]) -> None:
    """
    Price the lots, flags ``idle`` (n,), that have nothing: no plan says what they are worth, only the cheapest way onward.

    ``batches`` are all their arcs. See `prices.shadow_prices`, which does the same.
    """
    n = idle.size
    asked = np.full(n, _UNASKED)
    for arcs in batches:
        at = np.flatnonzero(short[arcs.lot] | ~short[arcs.line + n])
        np.minimum.at(asked, arcs.lot[at], arcs.cost[at] + potentials[arcs.line[at] + n])
    asked[asked == _UNASKED] = 0
    potentials[:n][idle] = np.where(short[:n], np.minimum(asked, 0), asked)[idle]
