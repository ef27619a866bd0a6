"""Divisible lots: first the most kilograms, then the least cost, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from marketplace.solver.components import Part, parts
from marketplace.solver.flows import greatest, source_side, sums
from marketplace.solver.prices import shadow_prices
from marketplace.solver.problem import Allocation, Flags, Integers, Problem, SolverFailed
from marketplace.solver.ties import tie_costs, undecided

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress

_BATCH: Final = 2_000
"""Arcs that small parts are gathered to, so that a call of HiGHS is worth making."""

_WAYS: Final[tuple[tuple[str, dict[str, object]], ...]] = (
    ("highs-ds", {"presolve": False, "simplex_dual_edge_weight_strategy": "devex"}),
    ("highs-ds", {}),
    ("highs-ipm", {}),
)
"""The dual simplex as it is fastest on these matrices; then as it comes, and the interior point with its crossover."""


def allocate(problem: Problem, *, progress: Progress | None = None) -> Allocation:
    r"""
    Move the most kilograms that can be moved, at the least cost.

    Solves the transportation problem [1]_ over the arcs :math:`E`,

    .. math:: \operatorname{lex\,max}_{x \ge 0} \Bigl( \sum_E x_{ij},\; -\sum_E c_{ij} x_{ij} \Bigr) \quad \text{s.t.}
              \quad \sum_j x_{ij} \le a_i, \quad \sum_i x_{ij} \le b_j ,

    with no weight to choose between the two: a minimum cut [2]_ splits lots and lines into those short of room and the
    others. Every greatest plan fills the short lines, ships the lots that are not short, and uses no arc from these to
    those; and whatever does so is a greatest plan. On that face the cost is an ordinary linear program, whose two
    sides do not touch, nor do their connected parts. Its matrix is totally unimodular [3]_, so that the simplex method
    ends in whole kilograms.

    Of plans equal in both, the one is returned that `marketplace.solver.ties` states.

    Parameters
    ----------
    problem : Problem
        ``supply`` :math:`a`, (n,) kg; ``capacity`` :math:`b`, (m,) kg; ``lot`` and ``line``, (e,) the two ends of
        each arc; ``cost`` :math:`c`, (e,) per tonne.
    progress : Progress, optional
        Told after each batch of parts how many arcs are done, of how many.

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
    n, m, e = problem.shape
    a, b, lot, line = problem.supply, problem.capacity, problem.lot, problem.line
    flow = greatest(a, b, lot, line)
    short_lots, short_lines = source_side(a - sums(lot, flow, n), lot, line, flow, m)

    face = np.flatnonzero(short_lots[lot] == short_lines[line])
    kg = np.zeros(e, dtype=np.int64)
    kg[face] = _cheapest(a, b, lot[face], line[face], problem.cost[face], ~short_lots, short_lines, progress=progress)

    left = a - sums(lot, kg, n)
    lot_price, line_price = shadow_prices(
        lot=lot[face],
        line=line[face],
        cost=problem.cost[face],
        kg=kg[face],
        left=left,
        short_lots=short_lots,
        short_lines=short_lines,
    )
    tight = face[lot_price[lot[face]] + line_price[line[face]] == problem.cost[face]]
    loose_lots, loose_lines = short_lots & (lot_price == 0), ~short_lines & (line_price == 0)
    tied = tight[
        undecided(
            lot[tight],
            line[tight],
            kg[tight],
            left=left,
            room=b - sums(line, kg, m),
            loose_lots=loose_lots,
            loose_lines=loose_lines,
        )
    ]
    if tied.size:
        kg[tied] = 0
        kg[tied] = _cheapest(
            a - sums(lot, kg, n),
            b - sums(line, kg, m),
            lot[tied],
            line[tied],
            tie_costs(lot[tied], line[tied], n, m),
            ~loose_lots,
            ~loose_lines,
        )
    return Allocation(kg, lot_price, line_price, short_lots, short_lines)


def _cheapest(
    a: Integers,
    b: Integers,
    lot: Integers,
    line: Integers,
    cost: Integers,
    whole_lots: Flags,
    whole_lines: Flags,
    *,
    progress: Progress | None = None,
) -> Integers:
    """Return the cheapest kilograms, (e,), that exhaust the lots and lines which are to be exhausted ``whole``."""
    kg = np.zeros(lot.size, dtype=np.int64)
    done = 0
    for part in _batches(parts(a.size, b.size, lot, line)):
        at = part.arcs
        kg[at] = _simplex(
            np.concatenate([a[part.lots], b[part.lines]]),
            np.concatenate([whole_lots[part.lots], whole_lines[part.lines]]),
            np.searchsorted(part.lots, lot[at]),
            np.searchsorted(part.lines, line[at]) + part.lots.size,
            cost[at],
        )
        done += at.size
        if progress is not None:
            progress(done, lot.size)
    return kg


def _simplex(mass: Integers, exact: Flags, lot: Integers, line: Integers, cost: Integers) -> Integers:
    """Solve one linear program over nodes with ``mass``, to be met exactly or at most; raises SolverFailed."""
    arc, one = np.arange(lot.size), np.ones(lot.size)
    ends = coo_array(
        (np.concatenate([one, one]), (np.concatenate([lot, line]), np.concatenate([arc, arc]))),
        shape=(mass.size, lot.size),
    ).tocsr()
    # HiGHS holds a row for met within 1e-7: masses near 2^20 are exact there, and a power of two takes no digit away.
    unit = 2.0 ** max(0, int(mass.max()).bit_length() - 20)
    for method, options in _WAYS:
        found = linprog(
            cost.astype(float),
            A_ub=ends[~exact],
            b_ub=mass[~exact] / unit,
            A_eq=ends[exact],
            b_eq=mass[exact] / unit,
            method=method,
            options=options,
        )
        if not found.success:
            continue
        kg: Integers = np.rint(found.x * unit).astype(np.int64)
        moved = sums(lot, kg, mass.size) + sums(line, kg, mass.size)
        if kg.min() >= 0 and np.all(moved <= mass) and np.all(moved[exact] == mass[exact]):
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
