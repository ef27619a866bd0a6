"""Divisible lots by linear programming alone, the reference: first the most kilograms, then the least cost, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import vstack

from marketplace.solver.allarcs import delayed
from marketplace.solver.allarcs.pricing import Method
from marketplace.solver.answer.finish import Best, finish, on_face, short_side
from marketplace.solver.answer.flows import greatest
from marketplace.solver.components import Lazily, Part, pieces
from marketplace.solver.graph import Face, Graph
from marketplace.solver.problem import Allocation, Integers, Problem, SolverFailed
from marketplace.solver.rows import NO_LEAST, Rows, rows_of
from marketplace.solver.spread import OneCore, Spread

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress

_BATCH: Final = 2_000
"""Arcs that small parts are gathered to, so that a call of HiGHS is worth making."""

WORTH_PROCESSES: Final = 20_000
"""Arcs in all below which handing parts to other processes takes longer than solving them."""

MOST_AT_ONCE: Final = 250_000
"""
Arcs in all above which they are not all given to HiGHS: 2.9 million take 150 s of the processor and 1.0 GiB at once, and 23 s by
`marketplace.solver.allarcs.delayed`; 0.32 million 3.7 and 2.5 s; at 0.16 million the latter takes longer.
"""

_WAYS: Final[tuple[tuple[str, dict[str, object]], ...]] = (
    ("highs-ds", {"presolve": False, "simplex_dual_edge_weight_strategy": "devex"}),
    ("highs-ds", {}),
    ("highs-ipm", {}),
)
"""The dual simplex as it is fastest on these matrices; then as it comes, and the interior point with its crossover."""


def allocate(problem: Problem, *, progress: Progress | None = None, spread: Spread | None = None) -> Allocation:
    r"""
    Move the most kilograms that can be moved at the least cost, or for ``surplus`` whatever costs least.

    Solves the transportation problem [1]_ over the arcs :math:`E`,

    .. math:: \operatorname{lex\,max}_{x \ge 0} \Bigl( \sum_E x_{ij},\; -\sum_E c_{ij} x_{ij} \Bigr) \quad \text{s.t.}
              \quad \sum_j x_{ij} \le a_i, \quad \sum_i x_{ij} \le b_j ,

    and storage between months, with no weight to choose between the two: a minimum cut [2]_ splits lots and lines into
    those short of room and the others. Every greatest plan fills the short lines, ships the lots that are not short, and
    uses no arc from these to those; and whatever does so is a greatest plan. On that face the cost is an ordinary linear
    program, whose two sides do not touch, nor do their connected parts. Its matrix is totally unimodular [3]_, so that
    the simplex method ends in whole kilograms.

    Of plans equal in both, the one is returned that `marketplace.solver.answer.ties` states.

    Parameters
    ----------
    problem : Problem
        ``supply`` :math:`a`, (n,) kg; ``capacity`` :math:`b`, (m,) kg; ``lot`` and ``line``, (e,) the two ends of
        each arc; ``cost`` :math:`c`, (e,) per tonne; ``carry``, storage.
    progress : Progress, optional
        Told after each batch of parts how many arcs are done, of how many; what it raises ends the run.
    spread : Spread, optional
        Where the parts are solved; here, if there is none.

    Returns
    -------
    Allocation
        ``kg``, (e,), whole; the prices and the shortage region that prove it.

    Raises
    ------
    SolverFailed
        If HiGHS gives up, or what it found is not whole or not proved; nothing else can fail, since :math:`x = 0` is
        feasible.

    References
    ----------
    .. [1] F. L. Hitchcock (1941), :doi:`10.1002/sapm1941201224`.
    .. [2] L. R. Ford and D. R. Fulkerson (1956), :doi:`10.4153/CJM-1956-045-5`.
    .. [3] A. J. Hoffman and J. B. Kruskal (1956), Integral boundary points of convex polyhedra.
    """
    if problem.lot.size > MOST_AT_ONCE and not problem.carry.tail.size:
        return delayed.allocate(problem, METHOD, progress=progress, spread=spread)
    graph = Graph.of(problem)
    found = best(problem, graph, progress=progress, spread=spread)
    return finish(problem, graph, found.kg, cheapest, short=found.short)


def best(problem: Problem, graph: Graph, *, progress: Progress | None = None, spread: Spread | None = None) -> Best:
    """Return a best plan over all arcs of the graph at once; raises SolverFailed."""
    kg = np.zeros(graph.tail.size, dtype=np.int64)
    if problem.objective == "utilization":
        kg = greatest(graph, problem.supply, problem.capacity)
    short = short_side(problem, graph, kg)
    at = on_face(graph, short)
    face = Face.of(problem, graph, at, kg, np.concatenate([short[: graph.n], ~short[graph.n :]]))
    kg[at] = cheapest(face, progress=progress, spread=spread)
    return Best(kg, short)


def cheapest(face: Face, *, progress: Progress | None = None, spread: Spread | None = None) -> Integers:
    """Return the cheapest kilograms, (e,), that exhaust the lots and lines of the face which are not loose."""
    kg, done = np.zeros(face.graph.tail.size, dtype=np.int64), 0
    parts = list(_batches(pieces(face.graph)))
    sizes = [part.arcs.size for part in parts]
    rows = Lazily(lambda at: rows_of(face, parts[at]), len(parts))
    for at, found in (spread or OneCore()).each(_simplex, rows, cost=sizes, worth=WORTH_PROCESSES):
        kg[parts[at].arcs] = found
        done += sizes[at]
        if progress is not None:
            progress(done, kg.size)
    return kg


METHOD: Final = Method(best, cheapest)


def _simplex(of: Rows) -> Integers:
    """Solve one linear program; raises SolverFailed."""
    rows, mass, exact, most, least, cost = of.rows, of.mass, of.exact, of.most, of.least, of.cost
    # HiGHS holds a row for met within 1e-7: masses near 2^20 are exact there, and a power of two takes no digit away.
    unit = 2.0 ** max(0, int(np.abs(mass).max()).bit_length() - 20)
    floored = np.flatnonzero(~exact & (least > NO_LEAST))
    at_most = [rows[~exact], *([-rows[floored]] if floored.size else [])]
    bounds: object = (0, None)
    if most.size:
        bounds = np.concatenate([np.full(cost.size - most.size, np.inf), most / unit])
        bounds = np.stack([np.zeros(cost.size), bounds], axis=1)
    for method, options in _WAYS:
        found = linprog(
            cost.astype(float),
            A_ub=vstack(at_most, format="csr"),
            b_ub=np.concatenate([mass[~exact], -least[floored]]) / unit,
            A_eq=rows[exact],
            b_eq=mass[exact] / unit,
            bounds=bounds,
            method=method,
            options=options,
        )
        if not found.success:
            continue
        kg: Integers = np.rint(found.x * unit).astype(np.int64)
        moved = np.rint(rows @ kg.astype(np.float64)).astype(np.int64)
        whole = kg.min() >= 0 and np.all(kg[kg.size - most.size :] <= most)
        if whole and np.all(moved <= mass) and np.all(moved[exact] == mass[exact]) and np.all(moved >= least):
            return kg
    raise SolverFailed(f"the simplex method did not end in whole kilograms: {found.message}")


def _batches(single: Iterator[Part]) -> Iterator[Part]:
    """Yield large parts as they are and small ones together; each array ascending."""
    small: list[Part] = []
    arcs = 0
    for part in single:
        if part.arcs.size >= _BATCH:
            yield part
            continue
        small.append(part)
        arcs += part.arcs.size
        if arcs >= _BATCH:
            yield _joined(small)
            small, arcs = [], 0
    if small:
        yield _joined(small)


def _joined(small: list[Part]) -> Part:
    lots, lines, arcs = (
        np.sort(np.concatenate([getattr(part, name) for part in small])) for name in ("lots", "lines", "arcs")
    )
    return Part(lots, lines, arcs)
