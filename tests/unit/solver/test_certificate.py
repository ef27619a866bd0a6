"""A wrong plan is found out, by each check alone where no other can."""

from dataclasses import replace

import numpy as np
import pytest

from marketplace.solver import greedy
from marketplace.solver.certificate import CHECKS, certify
from marketplace.solver.problem import Allocation, Carry, Problem
from marketplace.solver.transport import allocate
from tests.unit.solver.problems import random_problem

# Two lots of 5, two lines of 5 and 4: 9 kg can move. Lot 0 to line 1 and lot 1 to line 0 is the cheap way.
# What lot 0 has could wait for the month of lot 1, had it room to.
PROBLEM = Problem.of(
    supply=[5, 5],
    capacity=[5, 4],
    lot=[0, 0, 1, 1],
    line=[0, 1, 0, 1],
    cost=[10, 4, 3, 9],
    carry=Carry.of(tail=[0], head=[1], most_kg=[0], cost=[50]),
)


def planted(fault: str) -> Allocation:
    right = allocate(PROBLEM)
    kg, u, v = right.kg.copy(), right.lot_price.copy(), right.line_price.copy()
    short_lots, short_lines = right.short_lots.copy(), right.short_lines.copy()
    carried = right.carried.copy()
    if fault == "less than nothing":
        kg += np.array([-1, 1, 1, -1])
    elif fault == "a lot ships more than it has":
        kg += np.array([2, 0, -2, 0])
    elif fault == "one kilogram too much":
        kg[np.flatnonzero(kg)[0]] += 1
    elif fault == "one kilogram missed":
        kg[np.flatnonzero(kg)[0]] -= 1
    elif fault == "swapped":
        kg = np.array([5, 0, 0, 4])
    elif fault == "swapped by one":
        kg += np.array([1, -1, -1, 1])
    elif fault == "swapped and priced to fit":
        kg = np.array([5, 0, 0, 4])
        u[:], v[:] = 0, (10, 9)
    elif fault == "prices of nothing":
        u[:], v[:] = 0, 0
    elif fault == "another region":
        short_lots[:] = False
    elif fault == "more waits than there is room for":
        carried += 1
    return Allocation(kg, u, v, short_lots, short_lines, carried)


def test_the_right_plan_is_proved():
    allocation = allocate(PROBLEM)

    found = certify(PROBLEM, allocation)

    assert found.valid
    assert (found.moved_kg, found.most_kg) == (9, 9)
    assert (found.cost, found.bound, found.gap) == (31, 31, 0)
    assert found.violations == ()


FAULTS = [
    ("less than nothing", "quantities", "feasible"),
    ("a lot ships more than it has", "lots", "feasible"),
    ("one kilogram too much", "lines", "feasible"),
    ("one kilogram missed", "tonnes", "tonnes_maximal"),
    ("swapped", "cost", "cost_minimal"),
    ("swapped by one", "cost", "cost_minimal"),
    ("prices of nothing", "cost", "cost_minimal"),
    ("swapped and priced to fit", "prices", "cost_minimal"),
    ("another region", "region", "valid"),
    ("more waits than there is room for", "storage", "feasible"),
]


@pytest.mark.parametrize(("fault", "check", "verdict"), FAULTS)
def test_a_planted_fault_is_found(fault: str, check: str, verdict: str):
    found = certify(PROBLEM, planted(fault))

    assert not found.valid
    assert not getattr(found, verdict)
    assert found.violations


@pytest.mark.parametrize(("fault", "check", "verdict"), FAULTS)
def test_the_verdict_rests_on_its_check_alone(fault: str, check: str, verdict: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(CHECKS, check, lambda _: iter(()))

    found = certify(PROBLEM, planted(fault))

    assert getattr(found, verdict)


def test_every_check_has_its_fault():
    assert {check for _, check, _ in FAULTS} == set(CHECKS)


def test_a_plan_that_misses_tonnes_has_no_bound_of_cost():
    found = certify(PROBLEM, planted("one kilogram missed"))

    assert (found.feasible, found.tonnes_maximal, found.cost_minimal) == (True, False, False)
    assert (found.bound, found.gap) == (None, None)
    assert (found.moved_kg, found.most_kg) == (8, 9)


def test_a_plan_that_costs_too_much_says_by_how_much():
    found = certify(PROBLEM, planted("swapped by one"))

    assert (found.feasible, found.tonnes_maximal, found.cost_minimal) == (True, True, False)
    assert (found.bound, found.gap) == (31, 12)


@pytest.mark.parametrize("name", ["kg", "lot_price", "line_price", "short_lots", "short_lines"])
@pytest.mark.parametrize("wrong", [np.zeros(3, dtype=np.int64), np.zeros(2), np.zeros((2, 2), dtype=np.int64)])
def test_what_cannot_be_read_is_a_violation(name: str, wrong: np.ndarray):
    allocation = replace(allocate(PROBLEM), **{name: wrong})

    found = certify(PROBLEM, allocation)

    assert not found.feasible
    assert found.violations[0].startswith(name)


def test_a_price_beyond_all_sense_is_a_violation():
    allocation = replace(allocate(PROBLEM), lot_price=np.array([2**61, 0]))

    assert certify(PROBLEM, allocation).violations == ("lot_price is beyond all sense",)


@pytest.mark.parametrize("seed", range(20))
def test_the_baseline_is_feasible_and_never_better_than_the_bound(seed: int):
    problem = random_problem(seed, lots=12, lines=9, share=0.3, most_kg=50, most_cost=40)

    found, best = certify(problem, greedy.allocate(problem)), certify(problem, allocate(problem))

    assert found.feasible
    assert found.moved_kg <= best.most_kg <= found.most_kg
    assert found.tonnes_maximal == (found.moved_kg == best.moved_kg)
