"""What one kilogram more or less is said to change is what a solve of the changed problem finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from marketplace.solver.engines import engine
from marketplace.solver.meaning.worth import Change, worth
from marketplace.solver.problem import Allocation, Problem, SolverFailed
from tests.unit.solver.problems import random_problem
from tests.unit.solver.single import asked, at, best


def solved_again(problem: Problem, by: int) -> Change:
    """Change each lot and each line by so much, one after another, and solve."""
    kg, cost, _ = best(problem)
    found = []
    for name in ("supply", "capacity"):
        mass = getattr(problem, name)
        for place in range(mass.size):
            other = mass.copy()
            other[place] = max(0, other[place] + by)
            new_kg, new_cost, _ = best(replace(problem, **{name: other}))
            found.append((new_kg - kg, new_cost - cost))
    columns = np.array(found, dtype=np.int64).reshape(-1, 2)
    n = problem.supply.size
    return Change(columns[:n, 0], columns[:n, 1], columns[n:, 0], columns[n:, 1])


def told(change: Change) -> list[list[int]]:
    return [each.tolist() for each in (change.lot_kg, change.lot_cost, change.line_kg, change.line_cost)]


def test_room_at_a_full_line_moves_one_more_and_room_at_another_saves() -> None:
    problem = Problem.of(supply=[10, 4], capacity=[6, 6, 9], lot=[0, 0, 1, 1], line=[0, 1, 1, 2], cost=[2, 5, 1, 8])

    found = worth(problem, at(problem)[2])

    # The second lot is cheaper at the second line, but the first lot has no other place for its last 4 kg.
    assert told(found.more) == [[1, 1], [5 + 8 - 1, 8], [0, 0, 0], [2 - 5 - 7, -7, 0]]
    assert told(found.less) == [[-1, -1], [-5 - 7, -8], [0, 0, 0], [10, 7, 0]]


@given(asked())
def test_one_more_and_one_less_are_as_solved_again(problem: Problem) -> None:
    found = worth(problem, best(problem)[2])

    assert told(found.more) == told(solved_again(problem, 1))
    assert told(found.less) == told(solved_again(problem, -1))


@pytest.mark.parametrize("objective", ["utilization", "surplus"])
def test_a_middle_problem_as_solved_again(objective: str) -> None:
    problem = replace(random_problem(8, lots=30, lines=18, share=0.25, most_kg=5, most_cost=4000), objective=objective)

    found = worth(problem, best(problem)[2])

    assert told(found.more) == told(solved_again(problem, 1))
    assert told(found.less) == told(solved_again(problem, -1))
    assert found.more.line_cost.tolist() != (-found.less.line_cost).tolist()


def test_a_plan_that_is_not_the_cheapest_has_no_worth() -> None:
    problem = Problem.of(supply=[1, 1], capacity=[1, 1], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[1, 2, 2, 1])
    crossed = replace(at(problem)[2], kg=np.array([0, 1, 1, 0]))

    with pytest.raises(SolverFailed, match="a round trip saves"):
        worth(problem, crossed)


def test_nothing_is_worth_nothing() -> None:
    problem = Problem.of(supply=[0], capacity=[0], lot=[], line=[], cost=[])
    empty: Allocation = at(problem)[2]

    assert told(worth(problem, empty).more) == [[0], [0], [0], [0]]
    assert told(worth(problem, empty).less) == [[0], [0], [0], [0]]


@pytest.mark.parametrize("name", ["scipy", "network"])
@given(problem=asked())
def test_from_the_prices_of_an_engine_comes_the_same_and_room_is_worth_its_price(problem: Problem, name: str) -> None:
    plan = engine(name)(problem)

    found = worth(problem, plan)

    assert told(found.more) == told(solved_again(problem, 1))
    taken = np.bincount(problem.line, weights=plan.kg, minlength=problem.capacity.size)
    full = (taken == problem.capacity) & (problem.capacity > 0)
    if not problem.carry.tail.size:
        assert found.more.line_cost[full].tolist() == plan.line_price[full].tolist()
