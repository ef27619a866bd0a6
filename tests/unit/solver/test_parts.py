"""Parts, engines and the baseline."""

import numpy as np
import pytest

from marketplace.solver import greedy, network, simplex, transport
from marketplace.solver.answer.prices import shadow_prices
from marketplace.solver.certificate import certify
from marketplace.solver.components import parts
from marketplace.solver.engines import AUTO, engine, names, resolve
from marketplace.solver.graph import Face, Graph
from marketplace.solver.problem import Cancelled, Problem, SolverFailed
from marketplace.solver.spread import Processes
from tests.unit.solver.problems import random_problem


def test_parts_come_with_the_most_arcs_first_and_without_those_that_have_none():
    lot, line = np.array([0, 2, 2, 4]), np.array([3, 0, 1, 2])

    found = [(part.lots.tolist(), part.lines.tolist(), part.arcs.tolist()) for part in parts(5, 5, lot, line)]

    assert found == [([2], [0, 1], [1, 2]), ([0], [3], [0]), ([4], [2], [3])]


def test_engines_go_by_name():
    assert names() == ("auto", "scipy", "network", "assignment", "milp", "greedy")
    assert resolve(AUTO) == "network"
    with pytest.raises(KeyError):
        engine("magic")


def test_the_reference_is_taken_where_the_package_is_not_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(simplex, "INSTALLED", False)
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


@pytest.mark.parametrize(
    ("rule", "kg"),
    [("cheapest pair", [0, 4, 5, 0]), ("cheapest line", [1, 4, 4, 0]), ("whole lot", [5, 0, 0, 0])],
)
def test_what_people_do_by_hand(rule: str, kg: list[int]):
    problem = Problem.of(supply=[5, 5], capacity=[5, 4], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[10, 4, 3, 9])

    allocation = greedy.allocate(problem, rule)

    assert allocation.kg.tolist() == kg
    assert certify(problem, allocation).feasible


def test_by_hand_no_pair_is_taken_that_loses():
    problem = Problem.of(supply=[5, 5], capacity=[5], lot=[0, 1], line=[0, 0], cost=[1, -2], objective="surplus")

    assert greedy.allocate(problem).kg.tolist() == [0, 5]


@pytest.mark.parametrize("name", ["scipy", "network"])
def test_parts_solved_by_other_processes_give_the_same_bytes(name: str, monkeypatch: pytest.MonkeyPatch):
    problem = random_problem(5, lots=60, lines=60, share=0.02, most_kg=1000, most_cost=50)
    monkeypatch.setattr(transport, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(transport, "_BATCH", 1)
    monkeypatch.setattr(network, "WORTH_PROCESSES", 0)
    here = engine(name)(problem)

    with Processes(2) as spread:
        there = engine(name, spread=spread)(problem)

    assert there.kg.tobytes() == here.kg.tobytes()
    assert there.line_price.tobytes() == here.line_price.tobytes()


@pytest.mark.parametrize("name", ["scipy", "network", "milp", "greedy"])
def test_whoever_is_told_of_progress_can_end_it(name: str):
    problem = random_problem(5, lots=60, lines=60, share=0.02, most_kg=1000, most_cost=50)

    def enough(done: int, of: int) -> None:
        raise Cancelled(f"{done} of {of}")

    with pytest.raises(Cancelled):
        engine(name)(problem, progress=enough)


@pytest.mark.parametrize("hint", [None, np.zeros(4, dtype=np.int64)])
def test_a_plan_that_is_not_the_cheapest_has_no_prices(hint: np.ndarray | None):
    problem = Problem.of(supply=[5, 5], capacity=[5, 5], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[9, 1, 1, 9])
    graph, kg = Graph.of(problem), np.array([5, 0, 0, 5])
    face = Face.of(problem, graph, np.arange(4), kg, np.array([False, False, True, True]))

    with pytest.raises(SolverFailed, match="round trip"):
        shadow_prices(face, kg, hint)
