"""Both ends of the prices of the greatest surplus are what one kilogram more adds, and what one less takes away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from marketplace.solver.engines import engine
from marketplace.solver.meaning.ends import NO_END, price_ends
from marketplace.solver.problem import Allocation, Carry, Integers, Problem, SolverFailed
from tests.unit.solver.problems import problems
from tests.unit.solver.single import asked


def greatest(problem: Problem) -> tuple[int, Integers, Integers]:
    """Return the greatest surplus in thousandths, a plan of it and what it stores, by OR-Tools: the rest goes by freely."""
    n, m, e = problem.shape
    flow = SimpleMinCostFlow()
    source, sink = n + m, n + m + 1
    total = int(problem.supply.sum())
    for a in range(e):
        width = int(min(problem.supply.sum(), problem.capacity.sum()))
        flow.add_arc_with_capacity_and_unit_cost(
            int(problem.lot[a]), n + int(problem.line[a]), width, int(problem.cost[a])
        )
    carry = problem.carry
    for a in range(carry.tail.size):
        flow.add_arc_with_capacity_and_unit_cost(
            int(carry.tail[a]), int(carry.head[a]), int(carry.most_kg[a]), int(carry.cost[a])
        )
    for i, kg in enumerate(problem.supply.tolist()):
        flow.add_arc_with_capacity_and_unit_cost(source, i, kg, 0)
    for j, kg in enumerate(problem.capacity.tolist()):
        flow.add_arc_with_capacity_and_unit_cost(n + j, sink, kg, 0)
    flow.add_arc_with_capacity_and_unit_cost(source, sink, total, 0)
    flow.set_node_supply(source, total)
    flow.set_node_supply(sink, -total)
    assert flow.solve() == SimpleMinCostFlow.OPTIMAL
    moved = [flow.flow(a) for a in range(e + carry.tail.size)]
    return -flow.optimal_cost(), np.array(moved[:e], dtype=np.int64), np.array(moved[e:], dtype=np.int64)


def changed(problem: Problem, side: str, at: int, by: int) -> int:
    """Return how much the greatest surplus changes with so many kilograms more of one lot, or of room at one line."""
    mass = getattr(problem, side).copy()
    mass[at] += by
    return greatest(replace(problem, **{side: mass}))[0] - greatest(problem)[0]


def best_for_lots(problem: Problem) -> Allocation:
    """Return a plan with the prices that one kilogram more of room at each line proves."""
    n, m, _ = problem.shape
    _, kg, carried = greatest(problem)
    v = [-changed(problem, "capacity", j, 1) for j in range(m)]
    u = [-changed(problem, "supply", i, 1) for i in range(n)]
    return Allocation(
        kg=kg,
        lot_price=np.array(u, dtype=np.int64),
        line_price=np.array(v, dtype=np.int64),
        short_lots=np.ones(n, dtype=np.bool_),
        short_lines=np.zeros(m, dtype=np.bool_),
        carried=carried,
    )


def some_prices(problem: Problem) -> Allocation:
    """Return a plan with the prices best for the lots: room is worth what a kilogram more adds, lots take the rest."""
    found = best_for_lots(problem)
    p = np.zeros(problem.supply.size, dtype=np.int64)
    np.maximum.at(p, problem.lot, found.line_price[problem.line] - problem.cost)
    return replace(found, lot_price=-p)


def a_surplus(problem: Problem) -> Problem:
    return replace(problem, cost=-problem.cost, objective="surplus")


@given(problems(most=4))
def test_the_ends_are_what_a_kilogram_more_adds_and_one_less_takes(drawn: Problem) -> None:
    problem = a_surplus(drawn)

    ends = price_ends(problem, some_prices(problem))

    n, m, _ = problem.shape
    assert ends.lots_least.tolist() == [changed(problem, "supply", i, 1) for i in range(n)]
    assert ends.lines_least.tolist() == [changed(problem, "capacity", j, 1) for j in range(m)]
    for i in np.flatnonzero(problem.supply).tolist():
        assert ends.lots_most[i] == -changed(problem, "supply", i, -1)
    for j in np.flatnonzero(problem.capacity).tolist():
        assert ends.lines_most[j] == -changed(problem, "capacity", j, -1)
    assert (ends.lots_most[problem.supply == 0] == NO_END).all()
    assert (ends.lines_most[problem.capacity == 0] == NO_END).all()


@given(problems(most=4))
def test_every_mean_of_the_ends_proves_the_plan(drawn: Problem) -> None:
    problem = a_surplus(drawn)
    surplus, _, _ = greatest(problem)

    ends = price_ends(problem, some_prices(problem))

    p = np.where(ends.lots_most == NO_END, 2 * ends.lots_least, ends.lots_least + ends.lots_most)
    q = np.where(ends.lines_most == NO_END, 2 * ends.lines_least, ends.lines_least + ends.lines_most)
    real = (problem.supply[problem.lot] > 0) & (problem.capacity[problem.line] > 0)
    assert (p[problem.lot] + q[problem.line] >= -2 * problem.cost)[real].all()
    worth = [*zip(problem.supply, p, strict=True), *zip(problem.capacity, q, strict=True)]
    assert sum(int(kg) * int(price) for kg, price in worth) == 2 * surplus


@pytest.mark.parametrize("name", ["scipy", "network"])
@given(drawn=asked())
def test_the_prices_of_an_engine_lead_to_the_same_ends_with_storage_too(name: str, drawn: Problem) -> None:
    problem = replace(drawn, objective="surplus", supply=drawn.supply % 61, capacity=drawn.capacity % 61)

    ends = price_ends(problem, engine(name)(problem))

    n, m, _ = problem.shape
    assert ends.lots_least.tolist() == [changed(problem, "supply", i, 1) for i in range(n)]
    assert ends.lines_least.tolist() == [changed(problem, "capacity", j, 1) for j in range(m)]
    for i in np.flatnonzero(problem.supply).tolist():
        assert ends.lots_most[i] == -changed(problem, "supply", i, -1)
    for j in np.flatnonzero(problem.capacity).tolist():
        assert ends.lines_most[j] == -changed(problem, "capacity", j, -1)


def test_storage_lets_a_price_travel_from_month_to_month() -> None:
    stored = Carry.of(tail=[0], head=[1], most_kg=[5], cost=[3])
    problem = Problem.of(
        supply=[10, 0], capacity=[4, 9], lot=[0, 1], line=[0, 1], cost=[-20, -50], objective="surplus", carry=stored
    )
    allocation = best_for_lots(problem)

    ends = price_ends(problem, allocation)

    assert allocation.kg.tolist() == [4, 5]
    assert (ends.lots_least.tolist(), ends.lots_most.tolist()) == ([0, 50], [0, 50])
    assert (ends.lines_least.tolist(), ends.lines_most.tolist()) == ([20, 0], [20, 0])


def test_a_plan_that_is_not_of_the_greatest_surplus_is_refused() -> None:
    problem = Problem.of(supply=[5], capacity=[5, 5], lot=[0, 0], line=[0, 1], cost=[-7, -9], objective="surplus")
    right = some_prices(problem)

    ends = price_ends(problem, right)
    assert (ends.lots_least.tolist(), ends.lots_most.tolist()) == ([7], [9])
    with pytest.raises(SolverFailed, match="do not prove"):
        price_ends(problem, replace(right, kg=np.array([5, 0])))
    with pytest.raises(SolverFailed, match="do not prove"):
        price_ends(problem, replace(right, lot_price=np.array([-8])))


def test_prices_have_no_such_ends_where_the_tonnes_come_first() -> None:
    problem = Problem.of(supply=[5], capacity=[5], lot=[0], line=[0], cost=[7])

    with pytest.raises(ValueError, match="surplus"):
        price_ends(problem, some_prices(replace(problem, objective="surplus")))
