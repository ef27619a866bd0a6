"""Parts, engines and the baseline."""

import numpy as np
import pytest

from marketplace.solver.components import parts
from marketplace.solver.engines import AUTO, engine, names, resolve
from marketplace.solver.prices import shadow_prices
from marketplace.solver.problem import Problem, SolverFailed


def test_parts_come_with_the_most_arcs_first_and_without_those_that_have_none():
    lot, line = np.array([0, 2, 2, 4]), np.array([3, 0, 1, 2])

    found = [(part.lots.tolist(), part.lines.tolist(), part.arcs.tolist()) for part in parts(5, 5, lot, line)]

    assert found == [([2], [0, 1], [1, 2]), ([0], [3], [0]), ([4], [2], [3])]


def test_engines_go_by_name():
    assert names() == ("auto", "scipy", "greedy")
    assert resolve(AUTO) == "scipy"
    assert engine() is engine("scipy")
    with pytest.raises(KeyError):
        engine("magic")


def test_the_baseline_takes_the_cheapest_pair_first():
    problem = Problem.of(supply=[5, 5], capacity=[5, 4], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[10, 4, 3, 9])
    told: list[tuple[int, int]] = []

    allocation = engine("greedy")(problem, progress=lambda done, of: told.append((done, of)))

    assert allocation.kg.tolist() == [0, 4, 5, 0]
    assert told == [(4, 4)]


def test_a_plan_that_is_not_the_cheapest_has_no_prices():
    with pytest.raises(SolverFailed, match="round trip"):
        shadow_prices(
            lot=np.array([0, 0, 1, 1]),
            line=np.array([0, 1, 0, 1]),
            cost=np.array([9, 1, 1, 9]),
            kg=np.array([5, 0, 0, 5]),
            left=np.array([0, 0]),
            short_lots=np.array([False, False]),
            short_lines=np.array([False, False]),
        )
