"""The most kilograms, then the least cost: against a solver that is no part of ours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver import transport
from marketplace.solver.certificate import certify
from marketplace.solver.problem import Problem, SolverFailed, weighted
from marketplace.solver.transport import allocate
from tests.unit.solver.problems import problems, random_problem, truth


@given(problems())
@settings(deadline=None, max_examples=300)
def test_every_allocation_is_the_most_at_the_least_cost_and_proved(problem: Problem):
    allocation = allocate(problem)

    assert (int(allocation.kg.sum()), weighted(allocation.kg, problem.cost)) == truth(problem)
    assert certify(problem, allocation).violations == ()
    assert certify(problem, allocation).valid


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most_kg", [4, 10**6, 10**12])
@pytest.mark.parametrize("most_cost", [3, 10**5])
def test_larger_problems_too(seed: int, most_kg: int, most_cost: int):
    problem = random_problem(seed, lots=90, lines=60, share=0.08 * (seed + 1), most_kg=most_kg, most_cost=most_cost)

    allocation = allocate(problem)

    assert (int(allocation.kg.sum()), weighted(allocation.kg, problem.cost)) == truth(problem)
    assert certify(problem, allocation).valid


@given(problems(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_the_order_of_lots_and_lines_changes_neither_tonnes_nor_cost(problem: Problem, random):
    n, m, _ = problem.shape
    new_lot, new_line = random.sample(range(n), n), random.sample(range(m), m)
    lot = np.array(new_lot, dtype=np.int64)[problem.lot]
    line = np.array(new_line, dtype=np.int64)[problem.line]
    order = np.lexsort((line, lot))
    shuffled = Problem.of(
        supply=problem.supply[np.argsort(new_lot)] if n else problem.supply,
        capacity=problem.capacity[np.argsort(new_line)] if m else problem.capacity,
        lot=lot[order],
        line=line[order],
        cost=problem.cost[order],
    )

    one, other = allocate(problem), allocate(shuffled)

    assert one.kg.sum() == other.kg.sum()
    assert weighted(one.kg, problem.cost) == weighted(other.kg, shuffled.cost)
    assert np.array_equal(one.short_lots, other.short_lots[new_lot] if n else other.short_lots)


@given(problems())
@settings(deadline=None, max_examples=50)
def test_the_same_problem_gives_the_same_bytes(problem: Problem):
    one, other = allocate(problem), allocate(problem)

    for name in ("kg", "lot_price", "line_price", "short_lots", "short_lines"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


@given(problems(), st.data())
@settings(deadline=None, max_examples=150)
def test_a_line_price_is_what_one_more_kilogram_of_room_changes(problem: Problem, data: st.DataObject):
    _, m, _ = problem.shape
    if not m:
        return
    j = data.draw(st.integers(0, m - 1))
    more = problem.capacity.copy()
    more[j] += 1
    wider = Problem.of(supply=problem.supply, capacity=more, lot=problem.lot, line=problem.line, cost=problem.cost)

    allocation = allocate(problem)

    (tonnes, cost), (more_tonnes, more_cost) = truth(problem), truth(wider)
    assert more_tonnes - tonnes == int(allocation.short_lines[j])
    assert more_cost - cost == allocation.line_price[j]


def test_few_pairs_carry_something():
    problem = random_problem(9, lots=60, lines=60, share=1.0, most_kg=1000, most_cost=1)

    allocation = allocate(problem)

    assert np.count_nonzero(allocation.kg) <= 60 + 60 - 1


def test_says_how_far_it_is():
    problem = random_problem(2, lots=40, lines=30, share=0.2, most_kg=1000, most_cost=50)
    told: list[tuple[int, int]] = []

    allocate(problem, progress=lambda done, of: told.append((done, of)))

    assert told
    assert told[-1][0] == told[-1][1] <= problem.lot.size


def test_fails_loudly_if_the_simplex_method_does(monkeypatch: pytest.MonkeyPatch):
    problem = Problem.of(supply=[3], capacity=[2], lot=[0], line=[0], cost=[1])
    found = type("Found", (), {"success": True, "x": np.array([1.4]), "message": "optimal"})
    monkeypatch.setattr(transport, "linprog", lambda *_, **__: found)

    with pytest.raises(SolverFailed, match="whole kilograms"):
        allocate(problem)
