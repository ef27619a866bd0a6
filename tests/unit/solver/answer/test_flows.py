"""The most that can move, at sizes that 32 bits do not hold."""

import numpy as np
import pytest
from hypothesis import given, settings

from marketplace.solver.answer import flows
from marketplace.solver.answer.flows import greatest, source_side
from marketplace.solver.graph import Graph
from marketplace.solver.problem import Carry, Problem
from tests.unit.solver import single
from tests.unit.solver.problems import problems, random_problem, truth
from tests.unit.solver.single import stored


def moved(problem: Problem) -> int:
    graph = Graph.of(problem)
    kg = greatest(graph, problem.supply, problem.capacity)
    net = graph.net_out(kg)
    assert kg.min(initial=0) >= 0
    assert np.all(kg[graph.pairs :] <= graph.most_kg)
    assert np.all(net[: graph.n] <= problem.supply)
    assert np.all((-net[graph.n :] <= problem.capacity) & (net[graph.n :] <= 0))
    return int(kg[: graph.pairs].sum())


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


@given(stored())
@settings(deadline=None)
def test_moves_the_most_through_storage_too(problem: Problem):
    assert moved(problem) == single.best(problem)[0]


@given(stored())
@settings(deadline=None)
def test_reading_storage_digit_by_digit_gives_the_same(problem: Problem):
    expected = single.best(problem)[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows, "_MOST", 2**5)
        found = moved(problem)

    assert found == expected


def test_the_near_side_of_the_cut_is_what_lacks_room():
    problem = Problem.of(supply=[5, 5, 3], capacity=[6, 4], lot=[0, 1, 2], line=[0, 0, 1], cost=[0, 0, 0])
    graph = Graph.of(problem)
    kg = greatest(graph, problem.supply, problem.capacity)

    short = source_side(graph, kg, problem.supply - graph.net_out(kg)[:3])

    assert short.tolist() == [True, True, False, True, False]


def test_what_waits_reaches_a_later_month():
    carry = Carry.of(tail=[0], head=[1], most_kg=[2], cost=[0])
    problem = Problem.of(supply=[5, 0], capacity=[1, 4], lot=[0, 1], line=[0, 1], cost=[0, 0], carry=carry)

    assert greatest(Graph.of(problem), problem.supply, problem.capacity).tolist() == [1, 2, 2]
