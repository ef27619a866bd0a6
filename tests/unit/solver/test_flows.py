"""The most that can move, at sizes that 32 bits do not hold."""

import numpy as np
import pytest
from hypothesis import given, settings

from marketplace.solver import flows
from marketplace.solver.flows import greatest, source_side
from marketplace.solver.problem import Problem
from tests.unit.solver.problems import problems, random_problem, truth


def moved(problem: Problem) -> int:
    kg = greatest(problem.supply, problem.capacity, problem.lot, problem.line)
    assert kg.min(initial=0) >= 0
    assert np.all(np.bincount(problem.lot, kg, problem.supply.size) <= problem.supply)
    assert np.all(np.bincount(problem.line, kg, problem.capacity.size) <= problem.capacity)
    return int(kg.sum())


@given(problems())
@settings(deadline=None)
def test_moves_the_most(problem: Problem):
    assert moved(problem) == truth(problem)[0]


@pytest.mark.parametrize("most_kg", [5, 2**31 - 1, 2**31 + 1, 10**12])
def test_moves_the_most_of_large_problems(most_kg: int):
    problem = random_problem(4, lots=80, lines=70, share=0.05, most_kg=most_kg, most_cost=1)

    assert moved(problem) == truth(problem)[0]


@given(problems())
@settings(deadline=None)
def test_reading_digit_by_digit_gives_the_same(problem: Problem):
    expected = truth(problem)[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows, "_MOST", 2**5)
        found = moved(problem)

    assert found == expected


def test_the_near_side_of_the_cut_is_what_lacks_room():
    lot, line = np.array([0, 1, 2]), np.array([0, 0, 1])
    supply, capacity = np.array([5, 5, 3]), np.array([6, 4])
    kg = greatest(supply, capacity, lot, line)
    left = supply - np.bincount(lot, kg, 3).astype(np.int64)

    short_lots, short_lines = source_side(left, lot, line, kg, 2)

    assert short_lots.tolist() == [True, True, False]
    assert short_lines.tolist() == [True, False]
