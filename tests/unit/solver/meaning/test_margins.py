"""Up to its margin a cost may rise and the plan stays the best; one unit beyond, it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from marketplace.solver.meaning.margins import Margin, margins
from marketplace.solver.problem import Problem
from tests.unit.solver.problems import random_problem
from tests.unit.solver.single import asked, best

FAR = 10**8


def risen(problem: Problem, arc: int, by: int) -> Problem:
    cost = problem.cost.copy()
    cost[arc] += by
    return replace(problem, cost=cost)


def found(problem: Problem) -> list[Margin]:
    plan = best(problem)[2]
    return list(margins(problem, plan, np.flatnonzero(plan.kg)))


def still_best(problem: Problem, arc: int, by: int) -> bool:
    """Return whether the plan of the problem is one of the best after the rise, at the tonnes that are asked for."""
    kg, cost, plan = best(problem)
    other_kg, other_cost, _ = best(risen(problem, arc, by))
    as_much = other_kg == kg or problem.objective == "surplus"
    return as_much and other_cost == cost + by * int(plan.kg[arc])


def check(problem: Problem, each: Margin) -> None:
    if each.cost is None:
        assert still_best(problem, each.arc, FAR)
    else:
        assert still_best(problem, each.arc, each.cost)
        assert not still_best(problem, each.arc, each.cost + 1)


def test_the_next_way_is_named_with_what_it_would_take() -> None:
    problem = Problem.of(supply=[5, 5], capacity=[5, 9], lot=[0, 0, 1], line=[0, 1, 1], cost=[2, 9, 4])

    first, second = found(problem)

    assert (first, second) == (Margin(0, 7, 3), Margin(2, None, None))


def test_a_lot_that_is_left_over_elsewhere_may_take_the_place() -> None:
    problem = Problem.of(supply=[5, 5], capacity=[5], lot=[0, 1], line=[0, 0], cost=[2, 9])

    assert found(problem) == [Margin(0, 7, None)]


@given(asked())
def test_a_margin_is_where_the_plan_stops_being_the_best(problem: Problem) -> None:
    for each in found(problem):
        check(problem, each)


@pytest.mark.parametrize("objective", ["utilization", "surplus"])
def test_a_middle_problem(objective: str) -> None:
    problem = replace(random_problem(4, lots=25, lines=15, share=0.3, most_kg=40, most_cost=500), objective=objective)

    told = found(problem)

    for each in told:
        check(problem, each)
    assert sum(each.cost is not None and each.cost > 0 for each in told) >= 10
