"""Solve over a few arcs, price all of them, add those that would improve, and again until none would: the loop itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from marketplace.solver.allarcs.sources import Arcs, Found, Prices, Source
from marketplace.solver.answer.finish import Best, on_face
from marketplace.solver.answer.prices import shadow_prices
from marketplace.solver.answer.ties import Cheapest
from marketplace.solver.graph import Face, Graph
from marketplace.solver.problem import Flags, Integers, Objective, Problem, weighted

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress
    from marketplace.solver.spread import Spread

CHEAPEST: Final = 4
ANY: Final = 8
"""Arcs of a lot to begin with: cheap ones alone would lead all neighbors to the same few lines."""

_ADDED: Final = 6
"""Improving arcs of a lot that are added in a round."""

_RANKS: Final = 5
_ROUNDS: Final = 4
"""Arcs of a lot that are held without use: the best by their prices, and no longer than so many rounds."""


class _Solve(Protocol):
    def __call__(
        self, problem: Problem, graph: Graph, *, progress: Progress | None = None, spread: Spread | None = None
    ) -> Best: ...


@dataclass(frozen=True)
class Method:
    """How an engine solves a problem whose arcs are all there, and the small problems of ties."""

    best: _Solve
    cheapest: Cheapest


@dataclass(eq=False)
class Settled:
    """
    A plan over the ``arcs`` that were held last, sorted by (lot, line), and what all arcs say of it.

    ``kg`` by arc held; ``short`` (n + m,) the shortage region; ``potentials`` (n + m,) lot prices and minus line prices, by
    which no arc improves; ``slack`` thousandths that the plan may cost more than the best, zero if it is the best;
    ``rounds`` how often it was solved, ``most`` how many arcs were held at most.
    """

    arcs: Arcs
    kg: Integers
    short: Flags
    potentials: Integers
    slack: int
    rounds: int
    most: int


@dataclass(eq=False)
class _Held:
    """The arcs of the restricted problem, sorted, and for how many rounds each was of no use."""

    lines: int
    arcs: Arcs
    idle: Integers = field(init=False)

    def __post_init__(self) -> None:
        """Sort, and keep one of each."""
        _, at = np.unique(self.arcs.lot * self.lines + self.arcs.line, return_index=True)
        self.arcs = Arcs(*(column[at] for column in self.arcs))
        self.idle = np.zeros(at.size, dtype=np.int64)

    def drop(self, kg: Integers, prices: Prices) -> None:
        """Forget arcs that carry nothing: beyond the best few of their lot, or for long of no use."""
        reduced = prices.reduced(self.arcs)
        used = kg > 0
        self.idle = np.where(used | (reduced == 0), 0, self.idle + 1)
        order = np.lexsort((reduced - used, self.arcs.lot))
        lot = self.arcs.lot[order]
        first = np.flatnonzero(np.diff(lot, prepend=-1))
        rank = np.empty(lot.size, dtype=np.int64)
        rank[order] = np.arange(lot.size) - np.repeat(first, np.diff(first, append=lot.size))
        kept = np.flatnonzero((self.idle == 0) | ((rank < _RANKS) & (self.idle < _ROUNDS)))
        self.arcs, self.idle = Arcs(*(column[kept] for column in self.arcs)), self.idle[kept]

    def add(self, arcs: Arcs) -> Integers:
        """Take arcs up that are not held, and return where those stand that were."""
        before = self.arcs.lot.size
        joined = Arcs.joined([self.arcs, arcs])
        order = np.argsort(joined.lot * self.lines + joined.line, kind="stable")
        self.arcs = Arcs(*(column[order] for column in joined))
        self.idle = np.concatenate([self.idle, np.zeros(arcs.lot.size, dtype=np.int64)])[order]
        return np.flatnonzero(order < before)


def settle(
    source: Source,
    method: Method,
    *,
    objective: Objective = "utilization",
    share: float = 0.0,
    first: Arcs | None = None,
    tell: Callable[[float], None] | None = None,
    spread: Spread | None = None,
) -> Settled:
    r"""
    Return the best plan over all arcs of a source, though few of them are ever held [1]_.

    The problem is solved over the arcs held, ``first`` over those given or else some cheap ones of each lot. Its prices are
    asked of every arc, kilograms before costs: see `sources.Prices`, so that no weight stands between the two. The best few
    of each lot that would improve are added, and those of no use are dropped, but only after the plan has become strictly
    better, so that no set of arcs comes twice and the loop ends. When no arc improves, the plan is the best over all of them: that is its proof.

    With a ``share`` above zero it may end before, once no arc would move more and the cost is within that share of a
    bound. The bound is that of prices lowered, for each lot, by the worst that any of its arcs showed, so that it holds
    for every plan over all arcs.

    Otherwise a few rounds more make the prices those of `prices.shadow_prices` over all arcs. Nothing is solved in these:
    the plan stands.

    ``tell`` is told, at least once a round, which part of the lots no arc could still improve; what it raises ends the run.
    Raises SolverFailed if the method does.

    References
    ----------
    .. [1] L. R. Ford and D. R. Fulkerson (1958), A suggested computation for maximal multi-commodity network flows,
       :doi:`10.1287/mnsc.5.1.97`.
    """
    n, m = source.supply.size, source.capacity.size
    held = _Held(m, source.start(CHEAPEST, ANY) if first is None else first)
    reached: tuple[int, int] | None = None
    rounds, most, far = 0, 0, 0.0

    def still(done: int, of: int) -> None:
        del done, of  # parts of a round, of which nobody knows how many are left
        if tell is not None:
            tell(far)

    while True:
        problem = Problem(source.supply, source.capacity, *held.arcs, objective)
        graph = Graph.of(problem)
        found = method.best(problem, graph, progress=still, spread=spread)
        potentials = _priced(problem, graph, found, None) if found.potentials is None else found.potentials
        prices = Prices.of(potentials, found.short, n)
        priced = _improving(source, prices)
        rounds, most = rounds + 1, max(most, graph.tail.size)
        far = max(far, 1 - np.count_nonzero(priced.worst) / max(1, n))
        cost = weighted(found.kg, held.arcs.cost)
        if not priced.count:
            break
        if share and not priced.tonnes and (slack := -weighted(source.supply, priced.worst)) <= share * abs(cost):
            potentials = potentials.copy()
            potentials[:n] += priced.worst
            return Settled(held.arcs, found.kg, found.short, potentials, slack, rounds, most)
        value = (int(found.kg.sum()) if objective == "utilization" else 0, -cost)
        if reached is None or value > reached:
            reached = value
            held.drop(found.kg, prices)
        held.add(priced.arcs)
    kg, proof = found.kg, potentials
    while True:
        potentials = _priced(problem, graph, Best(kg, found.short), proof)
        priced = source.improving(Prices.of(potentials, found.short, n), _ADDED, thin=False)
        if not priced.count:
            return Settled(held.arcs, kg, found.short, potentials, 0, rounds, most)
        before, kg = kg, np.zeros(kg.size + priced.arcs.lot.size, dtype=np.int64)
        kg[held.add(priced.arcs)] = before
        problem = Problem(source.supply, source.capacity, *held.arcs, objective)
        graph = Graph.of(problem)


def _improving(source: Source, prices: Prices) -> Found:
    """Return what would improve; nothing only if nothing was passed over."""
    found = source.improving(prices, _ADDED)
    return found if found.count or found.complete else source.improving(prices, _ADDED, thin=False)


def _priced(problem: Problem, graph: Graph, plan: Best, hint: Integers | None) -> Integers:
    """Return the least potentials, (n + m,), that prove a plan on its face."""
    at, short, n = on_face(graph, plan.short), plan.short, graph.n
    face = Face.of(problem, graph, at, plan.kg, np.concatenate([short[:n], ~short[n:]]))
    lot, line = shadow_prices(face, plan.kg[at], hint)
    return np.concatenate([lot, -line])
