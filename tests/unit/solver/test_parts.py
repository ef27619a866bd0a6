"""Parts, engines and the baseline."""

import numpy as np
import pytest

from marketplace.solver import network
from marketplace.solver.components import parts
from marketplace.solver.engines import AUTO, engine, names, resolve
from marketplace.solver.graph import Face, Graph
from marketplace.solver.prices import shadow_prices
from marketplace.solver.problem import Problem, SolverFailed


def test_parts_come_with_the_most_arcs_first_and_without_those_that_have_none():
    lot, line = np.array([0, 2, 2, 4]), np.array([3, 0, 1, 2])

    found = [(part.lots.tolist(), part.lines.tolist(), part.arcs.tolist()) for part in parts(5, 5, lot, line)]

    assert found == [([2], [0, 1], [1, 2]), ([0], [3], [0]), ([4], [2], [3])]


def test_engines_go_by_name():
    assert names()[:4] == ("auto", "scipy", "network", "greedy")
    assert resolve(AUTO) == "network"
    with pytest.raises(KeyError):
        engine("magic")


def test_the_reference_is_taken_where_the_package_is_not_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(network, "INSTALLED", False)
    problem = Problem.of(supply=[5], capacity=[4], lot=[0], line=[0], cost=[10])

    assert resolve(AUTO) == "scipy"
    assert engine()(problem).kg.tolist() == [4]
    with pytest.raises(SolverFailed, match="not installed"):
        engine("network")(problem)


def test_the_baseline_takes_the_cheapest_pair_first():
    problem = Problem.of(supply=[5, 5], capacity=[5, 4], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[10, 4, 3, 9])
    told: list[tuple[int, int]] = []

    allocation = engine("greedy")(problem, progress=lambda done, of: told.append((done, of)))

    assert allocation.kg.tolist() == [0, 4, 5, 0]
    assert told == [(4, 4)]


@pytest.mark.parametrize("hint", [None, np.zeros(4, dtype=np.int64)])
def test_a_plan_that_is_not_the_cheapest_has_no_prices(hint: np.ndarray | None):
    problem = Problem.of(supply=[5, 5], capacity=[5, 5], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[9, 1, 1, 9])
    graph, kg = Graph.of(problem), np.array([5, 0, 0, 5])
    face = Face.of(problem, graph, np.arange(4), kg, np.array([False, False, True, True]))

    with pytest.raises(SolverFailed, match="round trip"):
        shadow_prices(face, kg, hint)
