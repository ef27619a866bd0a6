"""Problems to solve, and the truth about them from a solver that is no part of ours."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from marketplace.solver.problem import Problem

MASSES = st.one_of(st.integers(0, 3), st.integers(0, 60), st.integers(0, 10**12))
COSTS = st.one_of(st.integers(-2, 2), st.integers(-300, 1_000), st.integers(-(10**6), 10**8))


@st.composite
def problems(draw: st.DrawFn, *, most: int = 6) -> Problem:
    """Up to ``most`` lots and lines, none among them, with zero supply, equal costs and costs below zero."""
    n, m = draw(st.integers(0, most)), draw(st.integers(0, most))
    joined = draw(st.lists(st.booleans(), min_size=n * m, max_size=n * m))
    mass, cost = draw(st.sampled_from([0, 1, 2])), draw(st.sampled_from([0, 1, 2]))
    masses = [st.integers(0, 3), st.integers(0, 60), MASSES][mass]
    costs = [st.integers(-2, 2), st.integers(-300, 1_000), COSTS][cost]
    lot, line = np.divmod(np.flatnonzero(joined), max(m, 1))
    return Problem.of(
        supply=np.array(draw(st.lists(masses, min_size=n, max_size=n)), dtype=np.int64),
        capacity=np.array(draw(st.lists(masses, min_size=m, max_size=m)), dtype=np.int64),
        lot=lot,
        line=line,
        cost=np.array(draw(st.lists(costs, min_size=lot.size, max_size=lot.size)), dtype=np.int64),
    )


def random_problem(seed: int, *, lots: int, lines: int, share: float, most_kg: int, most_cost: int) -> Problem:
    """A larger problem, with ``share`` of all pairs."""
    rng = np.random.default_rng(seed)
    lot, line = np.nonzero(rng.random((lots, lines)) < share)
    return Problem.of(
        supply=rng.integers(0, most_kg, lots),
        capacity=rng.integers(0, most_kg, lines),
        lot=lot,
        line=line,
        cost=rng.integers(-most_cost // 4, most_cost, lot.size),
    )


def truth(problem: Problem) -> tuple[int, int]:
    """Return the most kilograms, and the least cost of moving them in thousandths, by OR-Tools."""
    n, m, _ = problem.shape
    flow = SimpleMinCostFlow()
    source, sink = n + m, n + m + 1
    for i, kg in enumerate(problem.supply.tolist()):
        flow.add_arc_with_capacity_and_unit_cost(source, i, kg, 0)
    for j, kg in enumerate(problem.capacity.tolist()):
        flow.add_arc_with_capacity_and_unit_cost(n + j, sink, kg, 0)
    if problem.lot.size:
        width = np.minimum(problem.supply[problem.lot], problem.capacity[problem.line])
        flow.add_arcs_with_capacity_and_unit_cost(problem.lot, n + problem.line, width, problem.cost)
    total = int(problem.supply.sum())
    flow.set_node_supply(source, total)
    flow.set_node_supply(sink, -total)
    status = flow.solve_max_flow_with_min_cost()
    assert status == SimpleMinCostFlow.OPTIMAL
    return flow.maximum_flow(), flow.optimal_cost()
