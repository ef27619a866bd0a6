"""The curve of least cost against kilograms: exact where it says so, and never off by more than it says."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.solver.meaning.frontier import frontier
from marketplace.solver.problem import Allocation, Problem, SolverFailed
from tests.unit.solver.problems import problems, random_problem
from tests.unit.solver.single import at, by_ortools, stored


def never(problem: Problem, /, *, progress: object = None) -> Allocation:
    raise AssertionError("nothing is solved where every way is looked at")


def a_problem() -> Problem:
    return Problem.of(supply=[10, 10], capacity=[10, 10], lot=[0, 0, 1], line=[0, 1, 0], cost=[-3, 5, 1])


def test_the_first_tonnes_are_the_cheapest_and_the_last_may_push_others_away() -> None:
    curve = frontier(a_problem(), never)

    # 10 kg at -3; then 10 kg of the second lot take their place at 1, and they go on to the other line: 1 + 3 + 5.
    assert (curve.kg, curve.cost, curve.slack) == ((0, 10, 20), (0, -30, 60), (0, 0))
    assert curve.exact
    assert curve.bounds(15) == (15, 15)


@pytest.mark.parametrize("kg", [-1, 21])
def test_nothing_is_said_of_more_than_can_be_moved(kg: int) -> None:
    curve = frontier(a_problem(), never)

    with pytest.raises(ValueError, match="between 0 and 20 kg"):
        curve.bounds(kg)


def test_where_nothing_can_move_the_curve_is_a_point() -> None:
    curve = frontier(Problem.of(supply=[10], capacity=[0], lot=[0], line=[0], cost=[7]), never)

    assert (curve.kg, curve.cost, curve.slack) == ((0,), (0,), ())


@given(problems(most=3))
def test_the_curve_is_that_of_all_plans_tried(problem: Problem) -> None:
    small = Problem.of(
        supply=np.minimum(problem.supply, 2),
        capacity=np.minimum(problem.capacity, 2),
        lot=problem.lot[:6],
        line=problem.line[:6],
        cost=problem.cost[:6],
    )
    best: dict[int, int] = {}
    for plan in product(range(3), repeat=small.lot.size):
        kg = np.array(plan, dtype=np.int64)
        shipped, taken = (
            np.bincount(of, weights=kg, minlength=mass.size) - mass
            for of, mass in ((small.lot, small.supply), (small.line, small.capacity))
        )
        if np.all(shipped <= 0) and np.all(taken <= 0):
            cost = int((kg * small.cost).sum())
            best[sum(plan)] = min(cost, best.get(sum(plan), cost))

    curve = frontier(small, never)

    assert {kg: curve.bounds(kg) for kg in range(curve.kg[-1] + 1)} == {kg: (cost, cost) for kg, cost in best.items()}


@given(stored(), st.data())
def test_each_quantity_costs_what_a_single_solve_says(problem: Problem, data: st.DataObject) -> None:
    curve = frontier(problem, never)
    most, cost, _ = at(problem)

    assert (curve.kg[-1], curve.cost[-1]) == (most, cost)
    for kg in [*curve.kg, data.draw(st.integers(0, most))]:
        assert curve.bounds(kg) == (at(problem, kg)[1],) * 2


@given(stored())
def test_points_are_breakpoints_and_slopes_ascend(problem: Problem) -> None:
    curve = frontier(problem, never)

    slopes = []
    for (left, low), (right, high) in pairwise(zip(curve.kg, curve.cost, strict=True)):
        slope, rest = divmod(high - low, right - left)
        assert rest == 0
        slopes.append(slope)
    assert slopes == sorted(set(slopes))


@given(stored())
def test_solved_often_enough_every_breakpoint_is_found_too(problem: Problem) -> None:
    assert frontier(problem, by_ortools, work=0, most_solves=400) == frontier(problem, never)


@given(stored(), st.integers(0, 6), st.integers(0, 400_000))
def test_whatever_is_left_open_lies_within_the_slack(problem: Problem, solves: int, work: int) -> None:
    exact = frontier(problem, never)

    rough = frontier(problem, by_ortools, work=work, most_solves=solves)

    assert (rough.kg[0], rough.kg[-1]) == (0, exact.kg[-1])
    for kg, cost in zip(rough.kg, rough.cost, strict=True):
        assert exact.bounds(kg) == (cost, cost)
    for kg in exact.kg:
        low, high = rough.bounds(kg)
        assert low <= exact.bounds(kg)[0] <= high


def test_a_middle_problem_answered_in_two_ways_and_by_single_solves() -> None:
    problem = random_problem(5, lots=120, lines=60, share=0.2, most_kg=10**6, most_cost=4000)

    exact, rough = frontier(problem, never), frontier(problem, by_ortools, work=0, most_solves=25)

    assert exact.exact
    assert not rough.exact
    assert set(zip(rough.kg, rough.cost, strict=True)) < {(kg, exact.bounds(kg)[0]) for kg in {*exact.kg, *rough.kg}}
    for tenth in range(11):
        kg = exact.kg[-1] * tenth // 10
        assert exact.bounds(kg)[1] == at(problem, kg)[1]


def test_quantities_far_beyond_32_bits_are_exact() -> None:
    problem = random_problem(6, lots=20, lines=12, share=0.4, most_kg=10**14, most_cost=900)

    curve = frontier(problem, never)

    for kg in (1, curve.kg[-1] // 3, curve.kg[-1] - 1):
        low, high = curve.bounds(kg)
        assert low == high == at(problem, kg)[1]


def idle(problem: Problem, /, *, progress: object = None) -> Allocation:
    """Move nothing where the surplus is asked for: it misses the least cost."""
    found = by_ortools(problem)
    return replace(found, kg=np.zeros_like(found.kg)) if problem.objective == "surplus" else found


def test_an_engine_that_misses_the_least_cost_is_found_out() -> None:
    problem = Problem.of(supply=[10, 10], capacity=[10, 10], lot=[0, 0, 1], line=[0, 1, 0], cost=[-3, 6, 1])

    with pytest.raises(SolverFailed, match="missed the least cost"):
        frontier(problem, idle, work=0)


def test_each_answer_of_the_engine_is_shown_to_who_proves_it() -> None:
    shown: list[str] = []

    def prove(problem: Problem, allocation: Allocation) -> None:
        shown.append(problem.objective)
        if not allocation.kg.any():
            raise SolverFailed("not proved")

    with pytest.raises(SolverFailed, match="not proved"):
        frontier(a_problem(), idle, prove=prove, work=0)
    assert shown == ["utilization", "surplus"]
