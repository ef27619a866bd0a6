r"""
Whole things to whole places, by SciPy's assignment solvers: small and exact, and a check on what the network says.

`whole_trucks` cuts every lot and every line into truckloads, and joins one to one [1]_. `whole_listings` gives each
lot wholly to one line, and a line at most one lot. Were a line to take several whole lots, it would be a packing and no assignment any more
(generalized assignment, a hard problem): `ruled.allocate` with least lots equal to the lots is the way to that.

Both move the most kilograms first and cost the least second, with no weight between the two: of the plans that move the most, the
prices of a vertex-weighted matching tell which pairs they may use, and which lots and lines none of them leaves out.

References
----------
.. [1] D. F. Crouse (2016), On implementing 2D rectangular assignment algorithms, :doi:`10.1109/TAES.2016.140952`.
.. [2] R. M. Karp (1980), An algorithm to solve the m x n assignment problem in expected time O(mn log n),
   :doi:`10.1002/net.3230100205`; for the sparse form.
.. [3] L. Ramshaw and R. E. Tarjan (2012), On minimum-cost assignments in unbalanced bipartite graphs; for the doubling.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from marketplace.solver.problem import Flags, Integers, Problem

MOST_DENSE: Final = 400
"""Up to so many rows and columns together a full matrix is the quicker way."""

_MOST_EXACT: Final = 2**53


def whole_trucks(problem: Problem, truckload_kg: int, *, dense: bool | None = None) -> Integers:
    """
    Return kilograms along each arc, (e,), in whole truckloads: the most loads, then the least cost.

    What is less than a truckload of a lot or a line stays. ``dense`` chooses the solver, else the size does. Raises
    ValueError for storage, or if the costs add up to more than doubles hold exactly.
    """
    _no_storage(problem)
    row_of, col_of = (_units(mass // truckload_kg) for mass in (problem.supply, problem.capacity))
    first_row, first_col = (_starts(mass // truckload_kg) for mass in (problem.supply, problem.capacity))
    arcs, rows, cols = [], [], []
    for arc, (i, j) in enumerate(zip(problem.lot.tolist(), problem.line.tolist(), strict=True)):
        own = np.arange(first_row[i], first_row[i + 1])
        others = np.arange(first_col[j], first_col[j + 1])
        rows.append(np.repeat(own, others.size))
        cols.append(np.tile(others, own.size))
        arcs.append(np.full(own.size * others.size, arc))
    of, row, col = (_joined(each) for each in (arcs, rows, cols))
    used = _assign(row_of.size, col_of.size, row, col, np.ones(row_of.size, np.int64), problem.cost[of], dense)
    loads: Integers = np.bincount(of[used], minlength=problem.lot.size).astype(np.int64)
    return loads * truckload_kg


def whole_listings(problem: Problem, *, dense: bool | None = None) -> Integers:
    """
    Return kilograms along each arc, (e,): each lot wholly to one line or not at all, each line one lot at most.

    The most kilograms first, then the least cost. Raises ValueError as `whole_trucks` does.
    """
    _no_storage(problem)
    n, m, e = problem.shape
    arcs = np.flatnonzero(problem.supply[problem.lot] <= problem.capacity[problem.line])
    lot, line = problem.lot[arcs], problem.line[arcs]
    mass = problem.supply[lot]
    if mass.size and int(mass.max()) * int(np.abs(problem.cost).max()) >= _MOST_EXACT:
        raise ValueError("the costs add up to more than doubles hold exactly")
    used = _assign(n, m, lot, line, problem.supply, problem.cost[arcs] * mass, dense)
    kg = np.zeros(e, dtype=np.int64)
    kg[arcs[used]] = mass[used]
    return kg


def _assign(
    n: int, m: int, row: Integers, col: Integers, value: Integers, cost: Integers, dense: bool | None
) -> Integers:
    """Return which pairs to use, ascending: the greatest value of rows that are joined, then the least cost."""
    if not row.size:
        return row
    full = n + m <= MOST_DENSE if dense is None else dense
    free_rows, free_cols = np.ones(n, dtype=np.bool_), np.ones(m, dtype=np.bool_)
    most = _matched(n, m, row, col, -value[row], free_rows, free_cols, full)
    over_rows, over_cols = _prices(n, m, row, col, value, most)
    tight = np.flatnonzero(over_rows[row] + over_cols[col] == value[row])
    best = _matched(n, m, row[tight], col[tight], cost[tight], over_rows == 0, over_cols == 0, full)
    return tight[best]


def _prices(n: int, m: int, row: Integers, col: Integers, value: Integers, used: Integers) -> tuple[Integers, Integers]:
    r"""
    Return the least prices of columns, and with them those of rows, that prove a matching of the greatest value.

    A column is worth the most valuable row that waits for it, itself or by making others move; a row what its value leaves.
    """
    to = np.full(n, -1)
    to[row[used]] = col[used]
    worth = np.zeros(m, dtype=np.int64)
    while True:
        offered = np.where(to >= 0, worth[np.maximum(to, 0)], value)
        raised = worth.copy()
        np.maximum.at(raised, col, offered[row])
        if np.array_equal(raised, worth):
            break
        worth = raised
    return np.where(to >= 0, value - worth[np.maximum(to, 0)], 0), worth


def _matched(
    n: int, m: int, row: Integers, col: Integers, cost: Integers, free_rows: Flags, free_cols: Flags, full: bool
) -> Integers:
    """
    Return the pairs of a matching of the least cost, ascending, in which only ``free`` rows and columns may be left out.

    Each row gets a column and each column a row of its own to be left out with, and the pairs once more the other way round between
    these, for nothing: so every matching becomes a full one of the same cost.
    """
    rows, cols = np.flatnonzero(free_rows), np.flatnonzero(free_cols)
    begin = np.concatenate([row, rows, n + cols, n + col])
    end = np.concatenate([col, m + rows, cols, m + row])
    weight = np.concatenate([cost, np.zeros(begin.size - cost.size, dtype=np.int64)])
    weight = weight - int(weight.min()) + 1  # a weight of zero would be no pair; every full matching has as many
    if int(weight.max()) * (n + m) >= _MOST_EXACT:
        raise ValueError("the costs add up to more than doubles hold exactly")
    matrix = coo_array((weight.astype(float), (begin, end)), shape=(n + m, n + m)).tocsr()
    if full:
        dense = np.full((n + m, n + m), np.inf)
        dense[begin, end] = weight
        left, right = linear_sum_assignment(dense)
    else:
        left, right = min_weight_full_bipartite_matching(matrix)
    to = np.full(n + m, -1)
    to[left] = right
    return np.flatnonzero(to[row] == col)


def _units(counts: Integers) -> Integers:
    return np.repeat(np.arange(counts.size), counts)


def _starts(counts: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _joined(arrays: list[Integers]) -> Integers:
    return np.concatenate([np.zeros(0, dtype=np.int64), *arrays]).astype(np.int64)


def _no_storage(problem: Problem) -> None:
    if problem.carry.tail.size or problem.objective != "utilization":
        raise ValueError("an assignment knows no storage, and moves the most it can")
