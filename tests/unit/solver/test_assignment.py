"""Whole truckloads and whole listings: against every plan there is, and the network against the assignment."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver.assignment import whole_listings, whole_trucks
from marketplace.solver.engines import engine
from marketplace.solver.problem import Carry, Problem, weighted
from marketplace.solver.ruling.ruled import allocate
from marketplace.solver.ruling.rules import Rules
from tests.unit.solver.problems import problems, random_problem


def worth(problem: Problem, kg: np.ndarray) -> tuple[int, int]:
    return int(kg.sum()), weighted(kg, problem.cost)


@pytest.mark.parametrize("dense", [True, False])
@given(problem=problems(most=3), truckload_kg=st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_whole_truckloads_as_the_network_has_them(problem: Problem, truckload_kg: int, *, dense: bool):
    small = Problem.of(
        supply=problem.supply % 20,
        capacity=problem.capacity % 20,
        lot=problem.lot,
        line=problem.line,
        cost=problem.cost,
    )

    kg = whole_trucks(small, truckload_kg, dense=dense)

    found = allocate(small, Rules.of(small, truckload_kg=truckload_kg), engine("scipy"))
    assert not (kg % truckload_kg).any()
    assert worth(small, kg) == (found.moved_kg, found.cost)


@pytest.mark.parametrize("seed", range(3))
def test_hundreds_of_trucks(seed: int):
    problem = random_problem(seed, lots=60, lines=40, share=0.15, most_kg=200_000, most_cost=50_000)

    kg = whole_trucks(problem, 30_000)

    found = allocate(problem, Rules.of(problem, truckload_kg=30_000), engine("network"))
    assert kg.sum() > 30_000
    assert worth(problem, kg) == (found.moved_kg, found.cost)


@pytest.mark.parametrize("dense", [True, False])
@given(problem=problems(most=4))
@settings(deadline=None, max_examples=80)
def test_whole_listings_against_every_choice(problem: Problem, *, dense: bool):
    small = Problem.of(
        supply=problem.supply % 50,
        capacity=problem.capacity % 50,
        lot=problem.lot,
        line=problem.line,
        cost=problem.cost,
    )

    kg = whole_listings(small, dense=dense)

    assert worth(small, kg) == best_choice(small)


def best_choice(problem: Problem) -> tuple[int, int]:
    """Return kilograms and cost of the best plan of whole lots, one a line, by trying all."""
    best = (0, 0)
    n, _, _ = problem.shape
    arcs = [[-1, *np.flatnonzero(problem.lot == i).tolist()] for i in range(n)]
    for choice in product(*arcs):
        used = [arc for arc in choice if arc >= 0]
        lines = [int(problem.line[arc]) for arc in used]
        masses = [int(problem.supply[problem.lot[arc]]) for arc in used]
        if len(set(lines)) < len(lines) or any(kg > problem.capacity[j] for kg, j in zip(masses, lines, strict=True)):
            continue
        cost = sum(kg * int(problem.cost[arc]) for kg, arc in zip(masses, used, strict=True))
        best = max(best, (sum(masses), -cost))
    return best[0], -best[1]


def test_the_heavier_lot_comes_first_whatever_it_costs():
    problem = Problem.of(supply=[9, 10], capacity=[10], lot=[0, 1], line=[0, 0], cost=[1, 100_000])

    assert whole_listings(problem).tolist() == [0, 10]


def test_storage_is_no_assignment():
    carry = Carry.of(tail=[0], head=[1], most_kg=[5], cost=[0])
    problem = Problem.of(supply=[5, 0], capacity=[5], lot=[1], line=[0], cost=[1], carry=carry)

    with pytest.raises(ValueError, match="storage"):
        whole_trucks(problem, 5)


def test_costs_beyond_what_doubles_hold_are_refused():
    problem = Problem.of(supply=[10**12], capacity=[10**12], lot=[0], line=[0], cost=[10**9])

    with pytest.raises(ValueError, match="doubles"):
        whole_listings(problem)
