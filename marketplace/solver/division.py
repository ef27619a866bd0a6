"""A problem cut into what no arc and no storage joins, as problems of their own."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.solver.problem import Carry, Flags, Integers, Problem


def connected(problem: Problem) -> Integers:
    """Return which part each node belongs to, lots before lines (n + m,)."""
    n, m, _ = problem.shape
    begin, end = np.append(problem.lot, problem.carry.tail), np.append(problem.line + n, problem.carry.head)
    graph = coo_array((np.ones(begin.size, dtype=np.int8), (begin, end)), shape=(n + m, n + m)).tocsr()
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def part_of(problem: Problem, inside: Flags) -> Problem:
    """Return the part of a problem that is made of these nodes, (n + m,), in their order; no arc leads out of them."""
    n, carry = problem.supply.size, problem.carry
    number = np.cumsum(inside) - 1
    lots, lines = np.flatnonzero(inside[:n]), np.flatnonzero(inside[n:])
    arcs, kept = np.flatnonzero(inside[problem.lot]), np.flatnonzero(inside[carry.tail])
    return Problem.of(
        supply=problem.supply[lots],
        capacity=problem.capacity[lines],
        lot=number[problem.lot[arcs]],
        line=number[problem.line[arcs] + n] - lots.size,
        cost=problem.cost[arcs],
        objective=problem.objective,
        contract=None if problem.contract is None else problem.contract[arcs],
        fewest=problem.fewest,
        carry=Carry.of(
            tail=number[carry.tail[kept]],
            head=number[carry.head[kept]],
            most_kg=carry.most_kg[kept],
            cost=carry.cost[kept],
        ),
    )
