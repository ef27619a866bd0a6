"""The least cost of exactly so many kilograms, with storage too, by a solver that is no part of ours; and an engine of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from marketplace.solver.problem import Allocation, Carry, Problem
from tests.unit.solver.problems import problems


@st.composite
def stored(draw: st.DrawFn, *, most: int = 5) -> Problem:
    """Draw problems as `problems` does, with storage between some lots and between some lines."""
    problem = draw(problems(most=most))
    n, m, _ = problem.shape
    places = [(i, k) for i in range(n) for k in range(i + 1, n)]
    places += [(n + j, n + k) for j in range(m) for k in range(j + 1, m)]
    chosen = sorted(draw(st.sets(st.sampled_from(places), max_size=4))) if places else []
    rooms, costs = (draw(st.lists(st.integers(0, 9), min_size=len(chosen), max_size=len(chosen))) for _ in range(2))
    ends = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    kept = Carry.of(
        tail=ends[:, 0], head=ends[:, 1], most_kg=np.array(rooms, dtype=np.int64), cost=np.array(costs, dtype=np.int64)
    )
    return replace(problem, carry=kept)


@st.composite
def asked(draw: st.DrawFn) -> Problem:
    """Draw problems of either objective; small ones for the surplus, where `best` weighs kilograms against cost."""
    problem = draw(stored())
    if draw(st.booleans()):
        return problem
    fewer = {"supply": problem.supply % 61, "capacity": problem.capacity % 61, "cost": problem.cost % 1301 - 700}
    return replace(problem, objective="surplus", **fewer)


def at(problem: Problem, kg: int | None = None, *, free: bool = False) -> tuple[int, int, Allocation]:
    """Return kilograms, least cost and plan: of exactly ``kg``, of the most if None, or of whatever costs least if ``free``."""
    n, m, e = problem.shape
    source, sink = n + m, n + m + 1
    carry, flow = problem.carry, SimpleMinCostFlow()
    wide = int(problem.supply.sum())
    arcs = [
        *zip(problem.lot.tolist(), (problem.line + n).tolist(), [wide] * e, problem.cost.tolist(), strict=True),
        *zip(carry.tail.tolist(), carry.head.tolist(), carry.most_kg.tolist(), carry.cost.tolist(), strict=True),
        *((source, i, mass, 0) for i, mass in enumerate(problem.supply.tolist())),
        *((n + j, sink, mass, 0) for j, mass in enumerate(problem.capacity.tolist())),
        *([(source, sink, wide, 0)] if free else []),
    ]
    for arc in arcs:
        flow.add_arc_with_capacity_and_unit_cost(*arc)
    asked = wide if kg is None else kg
    flow.set_node_supply(source, asked)
    flow.set_node_supply(sink, -asked)
    status = flow.solve_max_flow_with_min_cost() if kg is None and not free else flow.solve()
    assert status == SimpleMinCostFlow.OPTIMAL
    moved = np.array([flow.flow(arc) for arc in range(len(arcs))], dtype=np.int64)
    plan = Allocation(
        kg=moved[:e],
        lot_price=np.zeros(n, dtype=np.int64),
        line_price=np.zeros(m, dtype=np.int64),
        short_lots=np.zeros(n, dtype=np.bool_),
        short_lines=np.zeros(m, dtype=np.bool_),
        carried=moved[e : e + carry.tail.size],
    )
    return int(plan.kg.sum()), flow.optimal_cost(), plan


def by_ortools(problem: Problem, /, *, progress: object = None) -> Allocation:
    """Answer as an engine does, with a plan only."""
    return at(problem, free=problem.objective == "surplus")[2]


def best(problem: Problem) -> tuple[int, int, Allocation]:
    """Return kilograms, cost and plan of the best by the problem's own objective; of equal surplus the most kilograms."""
    if problem.objective == "utilization":
        return at(problem)
    times = 1 + int(problem.supply.sum())
    carry = replace(problem.carry, cost=problem.carry.cost * times)
    kg, cost, plan = at(replace(problem, cost=problem.cost * times - 1, carry=carry), free=True)
    return kg, (cost + kg) // times, plan
