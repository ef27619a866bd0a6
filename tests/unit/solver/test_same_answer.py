"""One answer to the byte, whichever engine gives it, for both objectives and with storage; and it is the true one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver import network, transport, whole
from marketplace.solver.answer.finish import finish
from marketplace.solver.certificate import certify
from marketplace.solver.graph import Graph
from marketplace.solver.problem import Allocation, Problem, SolverFailed, weighted
from tests.unit.solver import single
from tests.unit.solver.problems import problems, random_problem
from tests.unit.solver.single import stored

FIELDS = ("kg", "carried", "lot_price", "line_price", "short_lots", "short_lines")


def bytes_of(allocation: Allocation) -> dict[str, bytes]:
    return {name: getattr(allocation, name).tobytes() for name in FIELDS}


def cost_of(problem: Problem, allocation: Allocation) -> int:
    return weighted(allocation.kg, problem.cost) + weighted(allocation.carried, problem.carry.cost)


def with_gains(problem: Problem) -> Problem:
    """Ask for the greatest surplus, where about half of the pairs gain."""
    middle = int(np.median(problem.cost)) if problem.cost.size else 0
    return replace(problem, objective="surplus", cost=problem.cost - middle - 1)


@given(st.one_of(problems(), stored()))
@settings(deadline=None, max_examples=1000)
def test_the_most_tonnes_at_the_least_cost_are_the_same_bytes(problem: Problem):
    one, other = transport.allocate(problem), network.allocate(problem)

    assert bytes_of(one) == bytes_of(other)
    assert (int(one.kg.sum()), cost_of(problem, one)) == single.best(problem)[:2]
    assert certify(problem, one).violations == ()
    assert certify(problem, one).valid


@given(st.one_of(problems(), stored()))
@settings(deadline=None, max_examples=1000)
def test_the_greatest_surplus_is_the_same_bytes(problem: Problem):
    problem = with_gains(problem)

    one, other = transport.allocate(problem), network.allocate(problem)

    assert bytes_of(one) == bytes_of(other)
    assert cost_of(problem, one) == single.at(problem, free=True)[1]
    assert certify(problem, one).violations == ()
    assert certify(problem, one).valid


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("most_cost", [1, 4, 10**5])
def test_larger_problems_are_the_same_bytes_too(seed: int, most_cost: int):
    problem = random_problem(seed, lots=70, lines=50, share=0.15, most_kg=10**6, most_cost=most_cost)
    for each in (problem, with_gains(problem)):
        one, other = transport.allocate(each), network.allocate(each)

        assert bytes_of(one) == bytes_of(other)
        assert certify(each, one).valid


@given(st.one_of(problems(), stored()))
@settings(deadline=None, max_examples=200)
def test_whatever_best_plan_an_engine_ends_with_the_answer_is_one(problem: Problem):
    """Start from another best plan: that of the problem with lots and lines the other way round."""
    n, m, _ = problem.shape
    if problem.carry.tail.size:
        return
    order = np.lexsort((-problem.line, -problem.lot))
    turned = Problem.of(
        supply=problem.supply[::-1],
        capacity=problem.capacity[::-1],
        lot=n - 1 - problem.lot[order],
        line=m - 1 - problem.line[order],
        cost=problem.cost[order],
    )
    plan = np.empty_like(problem.cost)
    plan[order] = transport.allocate(turned).kg

    found = finish(problem, Graph.of(problem), plan, transport.cheapest)

    assert bytes_of(found) == bytes_of(transport.allocate(problem))


@given(st.one_of(problems(), stored()))
@settings(deadline=None, max_examples=100)
def test_too_small_a_reward_for_moving_is_found_out_and_raised(problem: Problem):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_REWARD", 0)
        found = network.allocate(problem)

    assert bytes_of(found) == bytes_of(transport.allocate(problem))


def small(problem: Problem) -> Problem:
    """Leave few kilograms, so that each can be a unit of its own."""
    return replace(problem, supply=problem.supply % 8, capacity=problem.capacity % 8)


@given(problems())
@settings(deadline=None, max_examples=150)
def test_unit_by_unit_it_is_the_same_answer(problem: Problem):
    problem = small(problem)

    assert bytes_of(whole.by_assignment(problem)) == bytes_of(network.allocate(problem))


@given(st.one_of(problems(), stored()), st.booleans())
@settings(deadline=None, max_examples=150)
def test_by_branch_and_bound_it_is_the_same_answer(problem: Problem, gains: bool):
    problem = small(with_gains(problem) if gains else problem)

    assert bytes_of(whole.by_search(problem)) == bytes_of(network.allocate(problem))


def test_what_is_too_large_to_cut_into_units_is_refused(monkeypatch: pytest.MonkeyPatch):
    problem = Problem.of(supply=[6, 4], capacity=[8], lot=[0, 1], line=[0, 0], cost=[1, 2])
    monkeypatch.setattr(whole, "MOST_PAIRS", 19)

    with pytest.raises(SolverFailed, match="units of 2 kg there would be 20 pairs"):
        whole.by_assignment(problem)
    with pytest.raises(SolverFailed, match="most tonnes"):
        whole.by_assignment(with_gains(problem))
