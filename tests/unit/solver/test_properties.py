"""What must hold of every exact engine, whatever the instance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.solver import greedy
from marketplace.solver.engines import engine, names
from marketplace.solver.problem import MOST_COST, MOST_KG, Integers, Objective, Problem, weighted
from tests.unit.solver.problems import problems, random_problem

EXACT = [name for name in ("scipy", "network") if name in names()]
OBJECTIVES: list[Objective] = ["utilization", "surplus"]
SEEDS = st.integers(0, 2**32 - 1)
QUIET = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])

exact = pytest.mark.parametrize("name", EXACT)
both = pytest.mark.parametrize("objective", OBJECTIVES)


def answer(name: str, problem: Problem) -> tuple[int, int]:
    """Return kilograms and cost."""
    kg = engine(name)(problem).kg
    return int(kg.sum()), weighted(kg, problem.cost)


def permuted(problem: Problem, lots: Integers, lines: Integers) -> Problem:
    """Return the same market with lot ``i`` at place ``lots[i]`` and line ``j`` at ``lines[j]``."""
    supply, capacity = np.empty_like(problem.supply), np.empty_like(problem.capacity)
    supply[lots], capacity[lines] = problem.supply, problem.capacity
    lot, line = lots[problem.lot], lines[problem.line]
    order = np.lexsort((line, lot))
    return replace(
        problem, supply=supply, capacity=capacity, lot=lot[order], line=line[order], cost=problem.cost[order]
    )


def room_for(problem: Problem, times: int) -> bool:
    """Whether masses so many times as large are still a problem."""
    return times * max(int(problem.supply.sum()), int(problem.capacity.sum())) <= MOST_KG


@exact
@both
@QUIET
@given(problem=problems(), seed=SEEDS)
def test_the_order_of_lots_and_lines_changes_no_tonnes_and_no_cost(
    name: str, objective: Objective, problem: Problem, seed: int
):
    problem = replace(problem, objective=objective)
    rng = np.random.default_rng(seed)
    n, m, _ = problem.shape

    other = permuted(problem, rng.permutation(n), rng.permutation(m))

    assert answer(name, other) == answer(name, problem)


def test_a_rule_of_thumb_does_depend_on_the_order():
    problem = Problem.of(supply=[5, 5], capacity=[5, 5], lot=[0, 0, 1], line=[0, 1, 0], cost=[3, 3, 3])

    other = permuted(problem, np.array([0, 1]), np.array([1, 0]))

    assert int(greedy.allocate(problem).kg.sum()) == 5
    assert int(greedy.allocate(other).kg.sum()) == 10


@exact
@both
@QUIET
@given(problem=problems(), times=st.integers(2, 1_000))
def test_finer_units_of_mass_change_nothing_but_the_figures(
    name: str, objective: Objective, problem: Problem, times: int
):
    problem = replace(problem, objective=objective)
    if not room_for(problem, times):
        times = 1
    finer = replace(problem, supply=problem.supply * times, capacity=problem.capacity * times)

    found, again = engine(name)(problem), engine(name)(finer)

    assert np.array_equal(again.kg, found.kg * times)
    assert np.array_equal(again.line_price, found.line_price)
    assert np.array_equal(again.lot_price, found.lot_price)


@exact
@both
@QUIET
@given(problem=problems(), times=st.integers(2, 1_000))
def test_finer_units_of_money_change_nothing_but_the_prices(
    name: str, objective: Objective, problem: Problem, times: int
):
    problem = replace(problem, objective=objective)
    if problem.lot.size and times * int(np.abs(problem.cost).max()) > MOST_COST:
        times = 1
    finer = replace(problem, cost=problem.cost * times)

    found, again = engine(name)(problem), engine(name)(finer)

    assert np.array_equal(again.kg, found.kg)
    assert np.array_equal(again.line_price, found.line_price * times)
    assert np.array_equal(again.lot_price, found.lot_price * times)


@exact
@QUIET
@given(problem=problems(), levy=st.integers(-1_000, 1_000))
def test_a_levy_on_every_tonne_changes_no_plan(name: str, problem: Problem, levy: int):
    dearer = replace(problem, cost=problem.cost + levy)

    found, again = engine(name)(problem), engine(name)(dearer)

    assert np.array_equal(again.kg, found.kg)


@exact
@QUIET
@given(problem=problems(), seed=SEEDS, more=st.integers(1, 10**6))
def test_more_room_never_lowers_the_tonnes(name: str, problem: Problem, seed: int, more: int):
    rng = np.random.default_rng(seed)
    added = rng.integers(0, more + 1, problem.capacity.size)
    wider = replace(problem, capacity=np.minimum(problem.capacity + added, MOST_KG // max(1, problem.capacity.size)))
    wider = replace(wider, capacity=np.maximum(wider.capacity, problem.capacity))

    tonnes, _ = answer(name, problem)
    after, _ = answer(name, wider)

    assert tonnes <= after <= tonnes + int((wider.capacity - problem.capacity).sum())


@exact
@QUIET
@given(problem=problems(), seed=SEEDS, more=st.integers(1, 10**6))
def test_more_room_never_lowers_the_surplus(name: str, problem: Problem, seed: int, more: int):
    problem = replace(problem, objective="surplus")
    rng = np.random.default_rng(seed)
    added = rng.integers(0, more + 1, problem.capacity.size)
    wider = replace(problem, capacity=np.minimum(problem.capacity + added, MOST_KG // max(1, problem.capacity.size)))
    wider = replace(wider, capacity=np.maximum(wider.capacity, problem.capacity))

    _, cost = answer(name, problem)
    _, after = answer(name, wider)

    assert after <= cost <= 0


@exact
@QUIET
@given(problem=problems(), seed=SEEDS)
def test_a_pair_less_never_raises_the_tonnes(name: str, problem: Problem, seed: int):
    kept = np.flatnonzero(np.random.default_rng(seed).random(problem.lot.size) < 0.7)
    fewer = replace(problem, lot=problem.lot[kept], line=problem.line[kept], cost=problem.cost[kept])

    tonnes, _ = answer(name, problem)
    after, _ = answer(name, fewer)

    assert after <= tonnes


@exact
@QUIET
@given(problem=problems(), seed=SEEDS)
def test_a_lot_in_two_halves_is_the_same_lot(name: str, problem: Problem, seed: int):
    n, _, _ = problem.shape
    if not n:
        return
    rng = np.random.default_rng(seed)
    which = int(rng.integers(0, n))
    part = int(rng.integers(0, int(problem.supply[which]) + 1))
    supply = np.append(problem.supply, part)
    supply[which] -= part
    own = problem.lot == which
    halves = Problem.of(
        supply=supply,
        capacity=problem.capacity,
        lot=np.concatenate([problem.lot, np.full(int(own.sum()), n)]),
        line=np.concatenate([problem.line, problem.line[own]]),
        cost=np.concatenate([problem.cost, problem.cost[own]]),
    )

    assert answer(name, halves) == answer(name, problem)


@pytest.mark.skipif(len(EXACT) < 2, reason="the network simplex is not installed")
@both
@pytest.mark.parametrize("seed", range(12))
def test_the_engines_move_the_same_kilograms_at_the_same_prices(objective: Objective, seed: int):
    most_cost = [3, 40, 10_000][seed % 3]
    problem = random_problem(seed, lots=60, lines=40, share=0.15, most_kg=50, most_cost=most_cost)
    problem = replace(problem, objective=objective)

    first, second = (engine(name)(problem) for name in EXACT)

    assert np.array_equal(first.kg, second.kg)
    assert np.array_equal(first.lot_price, second.lot_price)
    assert np.array_equal(first.line_price, second.line_price)
    assert np.array_equal(first.short_lots, second.short_lots)
    assert np.array_equal(first.short_lines, second.short_lines)
