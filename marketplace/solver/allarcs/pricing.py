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
from marketplace.solver.problem import Ended, Flags, Integers, Objective, Problem, SolverFailed, weighted

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress
    from marketplace.solver.spread import Spread

CHEAPEST: Final = 4
ANY: Final = 8
"""Arcs of a lot to begin with: cheap ones alone would lead all neighbors to the same few lines."""

_ADDED: Final = 6
_ADDED_NEAR: Final = 24
"""Improving arcs of a lot that are added in a round; more where a plan is made better from the one before, and arcs cost little."""

_RANKS: Final = 5
_ROUNDS: Final = 4
"""Arcs of a lot that are held without use: the best by their prices, and no longer than so many rounds."""


class _Solve(Protocol):
    def __call__(
        self, problem: Problem, graph: Graph, *, progress: Progress | None = None, spread: Spread | None = None
    ) -> Best: ...


@dataclass(frozen=True)
class Method:
    """
    How an engine solves a problem whose arcs are all there, and the small problems of ties.

    ``better``, where there is one, makes a best plan of one that is the best but for arcs which carry nothing.
    """

    best: _Solve
    cheapest: Cheapest
    better: Callable[[Problem, Graph, Best], Best] | None = None


@dataclass(eq=False)
class Started:
    """
    Where to begin: ``arcs`` to hold, sorted by (lot, line), and perhaps a plan, the best over these.

    ``kg`` by arc held; ``short`` (n + m,) the shortage region; ``potentials`` (n + m,) lot prices and minus line prices, by
    which none of the arcs held improves.
    """

    arcs: Arcs
    kg: Integers
    short: Flags
    potentials: Integers

    @property
    def plan(self) -> Best:
        """The plan, as an engine has it."""
        return Best(self.kg, self.short, self.potentials)


@dataclass(eq=False)
class Settled(Started):
    """
    A plan over the arcs that were held last, and what all arcs say of it.

    ``worst`` (n,), zero or less: by lot prices as much lower no arc of all improves; ``slack`` thousandths that the plan may
    cost more than the best, zero if it is the best; ``rounds`` how often it was solved, ``most`` how many arcs were held at most.
    """

    worst: Integers
    slack: int
    rounds: int
    most: int

    @property
    def proof(self) -> Integers:
        """Potentials (n + m,) by which no arc of all improves."""
        found = self.potentials.copy()
        found[: self.worst.size] += self.worst
        return found


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

    def drop(self, kg: Integers, prices: Prices) -> Integers:
        """Forget arcs that carry nothing: beyond the best few of their lot, or for long of no use; return which are kept."""
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
        return kept

    def add(self, arcs: Arcs, kg: Integers) -> Integers:
        """Take arcs up that are not held and carry nothing, and return what each arc carries, of those held before ``kg``."""
        joined = Arcs.joined([self.arcs, arcs])
        order = np.argsort(joined.lot * self.lines + joined.line, kind="stable")
        self.arcs = Arcs(*(column[order] for column in joined))
        none = np.zeros(arcs.lot.size, dtype=np.int64)
        self.idle = np.concatenate([self.idle, none])[order]
        carried: Integers = np.concatenate([kg, none])[order]
        return carried


def settle(
    source: Source,
    method: Method,
    *,
    objective: Objective = "utilization",
    share: float = 0.0,
    start: Started | Arcs | None = None,
    tell: Callable[[float], None] | None = None,
    spread: Spread | None = None,
) -> Settled:
    r"""
    Return the best plan over all arcs of a source, though few of them are ever held [1]_.

    The problem is solved over the arcs held, ``start`` or at first some cheap ones of each lot. Its prices are asked of every arc, kilograms before costs: see `sources.Prices`, so that no weight stands between the two. The best few
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
    plan = start.plan if isinstance(start, Started) else None
    first = start.arcs if isinstance(start, Started) else start
    held = _Held(m, source.start(CHEAPEST, ANY) if first is None else first)
    reached: tuple[int, int] | None = None
    rounds, most, far = 0, 0, 0.0

    def still(done: int, of: int) -> None:
        del done, of  # parts of a round, of which nobody knows how many are left
        if tell is not None:
            tell(far)

    begun, added = plan is not None, _ADDED if method.better is None else _ADDED_NEAR
    while True:
        problem = Problem(source.supply, source.capacity, *held.arcs, objective)
        graph = Graph.of(problem)
        found = plan if begun and plan is not None else _solved(problem, graph, method, plan, still, spread)
        potentials = _priced(problem, graph, found, None) if found.potentials is None else found.potentials
        prices = Prices.of(potentials, found.short, n, objective)
        priced = _improving(source, prices, added)
        rounds, most, begun = rounds + (not begun), max(most, graph.tail.size), False
        far = max(far, 1 - np.count_nonzero(priced.worst) / max(1, n))
        cost = weighted(found.kg, held.arcs.cost)
        if not priced.count:
            break
        if share and not priced.tonnes and (slack := -weighted(source.supply, priced.worst)) <= share * abs(cost):
            return Settled(held.arcs, found.kg, found.short, potentials, priced.worst, slack, rounds, most)
        value = (int(found.kg.sum()) if objective == "utilization" else 0, -cost)
        kg = found.kg
        if reached is None or value > reached:
            reached = value
            kg = kg[held.drop(kg, prices)]
        plan = Best(held.add(priced.arcs, kg), found.short, potentials)
    kg, proof = found.kg, potentials
    while True:
        potentials = _priced(problem, graph, Best(kg, found.short), proof)
        priced = source.improving(Prices.of(potentials, found.short, n, objective), added, thin=False)
        if not priced.count:
            return Settled(held.arcs, kg, found.short, potentials, np.zeros(n, dtype=np.int64), 0, rounds, most)
        kg = held.add(priced.arcs, kg)
        problem = Problem(source.supply, source.capacity, *held.arcs, objective)
        graph = Graph.of(problem)


def _solved(
    problem: Problem, graph: Graph, method: Method, plan: Best | None, progress: Progress, spread: Spread | None
) -> Best:
    """Return a best plan, from the one before if the method can."""
    if plan is not None and method.better is not None:
        try:
            return method.better(problem, graph, plan)
        except Ended:
            raise
        except SolverFailed:
            pass
    return method.best(problem, graph, progress=progress, spread=spread)


def _improving(source: Source, prices: Prices, added: int) -> Found:
    """Return what would improve; nothing only if nothing was passed over."""
    found = source.improving(prices, added)
    return found if found.count or found.complete else source.improving(prices, added, thin=False)


def _priced(problem: Problem, graph: Graph, plan: Best, hint: Integers | None) -> Integers:
    """Return the least potentials, (n + m,), that prove a plan on its face."""
    at, short, n = on_face(graph, plan.short), plan.short, graph.n
    face = Face.of(problem, graph, at, plan.kg, np.concatenate([short[:n], ~short[n:]]))
    lot, line = shadow_prices(face, plan.kg[at], hint)
    return np.concatenate([lot, -line])
