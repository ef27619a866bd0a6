"""A change re-solves what it touches, to the same bytes as from nothing: whatever the order of changes, for both objectives."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver import engines, reroute, transport
from marketplace.solver.again import edits, kept, piece
from marketplace.solver.again.edits import Edit
from marketplace.solver.again.kept import Aside
from marketplace.solver.again.standing import Standing
from marketplace.solver.problem import Flags, Integers, Problem, SolverFailed
from tests.unit.solver.problems import problems, random_problem
from tests.unit.solver.single import stored
from tests.unit.solver.test_same_answer import bytes_of, with_gains

KINDS = ("lot more", "lot less", "line more", "line less", "supply", "room", "opened", "closed", "dearer")


def some_edit(problem: Problem, rng: np.random.Generator, kinds: tuple[str, ...] = KINDS) -> Edit:
    """Draw a change that the problem allows: an empty one if it allows none of the kind."""
    n, m, e = problem.shape
    costs = np.append(problem.cost, [-1, 0, 1, 2])
    masses = np.append(np.concatenate([problem.supply, problem.capacity]), [0, 1, 5])
    kg = int(rng.choice(masses))

    def some(count: int) -> tuple[list[int], list[int]]:
        chosen = np.flatnonzero(rng.random(count) < 0.5).tolist()
        return chosen, rng.choice(costs, len(chosen)).tolist()

    match str(rng.choice(kinds)):
        case "lot more":
            free = np.setdiff1d(np.arange(n), problem.lot).tolist()
            return edits.lot_more(problem, kg, *some(m), at=free[0] if free and rng.random() < 0.5 else None)
        case "line more":
            free = np.setdiff1d(np.arange(m), problem.line).tolist()
            return edits.line_more(problem, kg, *some(n), at=free[0] if free and rng.random() < 0.5 else None)
        case "lot less" if n:
            return edits.lot_less(problem, int(rng.integers(n)))
        case "line less" if m:
            return edits.line_less(problem, int(rng.integers(m)))
        case "supply" if n:
            return edits.more_supply(problem, at := int(rng.integers(n)), kg - int(problem.supply[at]))
        case "room" if m:
            return edits.more_room(problem, at := int(rng.integers(m)), kg - int(problem.capacity[at]))
        case "closed" if e:
            arc = int(rng.integers(e))
            return edits.pair_closed(int(problem.lot[arc]), int(problem.line[arc]))
        case "dearer" if e:
            arc = int(rng.integers(e))
            pair = (int(problem.lot[arc]), int(problem.line[arc]))
            return Edit(opened=((*pair, int(rng.choice(costs))),), closed=(pair,))
        case "opened" if n * m > e:
            pairs = set(zip(problem.lot.tolist(), problem.line.tolist(), strict=True))
            left = sorted({(i, j) for i in range(n) for j in range(m)} - pairs)
            return edits.pair_opened(*left[int(rng.integers(len(left)))], int(rng.choice(costs)))
        case _:
            return Edit()


def must_stay_the_same(problem: Problem, rng: np.random.Generator, *, large: int, changes: int, engine: str) -> int:
    """Change one thing after another, and hold each answer against one from nothing; return how many were led."""
    standing, led = Standing.of(problem, engines.engine(engine), large=large), 0
    for _ in range(changes):
        edit = some_edit(standing.problem, rng)
        standing = standing.after(edit)
        led += standing.rerouted
        cold = transport.allocate(standing.problem)
        assert bytes_of(standing.allocation) == bytes_of(cold), edit
    return led


@given(
    st.one_of(problems(), stored()), st.booleans(), st.booleans(), st.sampled_from([0, 10**6]), st.integers(0, 2**32)
)
@settings(deadline=None, max_examples=600)
def test_any_changes_of_any_small_problem(problem: Problem, surplus: bool, wide: bool, large: int, seed: int):
    problem = with_gains(problem) if surplus else problem
    problem = replace(problem, contract=np.arange(problem.lot.size) % 3) if wide else problem

    must_stay_the_same(problem, np.random.default_rng(seed), large=large, changes=4, engine="scipy")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("most_cost", [3, 60, 10**5])
@pytest.mark.parametrize("surplus", [False, True])
def test_many_changes_of_larger_problems_are_led_along_the_shortest_ways(seed: int, most_cost: int, surplus: bool):
    problem = random_problem(seed, lots=60, lines=35, share=0.2, most_kg=10**5, most_cost=most_cost)
    problem = with_gains(problem) if surplus else problem

    led = must_stay_the_same(problem, np.random.default_rng(seed), large=0, changes=25, engine="network")

    assert led >= 20


@pytest.mark.parametrize("most_cost", [3, 60, 10**5])
@pytest.mark.parametrize("surplus", [False, True])
def test_only_what_lies_near_a_change_is_decided_anew(most_cost: int, surplus: bool):
    problem = random_problem(7, lots=80, lines=50, share=0.15, most_kg=10**5, most_cost=most_cost)
    problem = with_gains(problem) if surplus else problem

    with patch.multiple(reroute, FEWEST=3), patch.object(piece, "MOST", 30):
        led = must_stay_the_same(problem, np.random.default_rng(7), large=0, changes=60, engine="network")

    assert led >= 20


def test_a_plan_that_leads_out_of_what_is_decided_anew_is_not_believed():
    problem = random_problem(7, lots=80, lines=50, share=0.15, most_kg=10**5, most_cost=10**5)
    taken = reroute._Start.decided

    def careless(start: reroute._Start, inside: Flags) -> tuple[Integers, Integers]:
        return taken(start, inside) or (start.kg, start.phi)

    with (
        patch.multiple(reroute, FEWEST=3),
        patch.object(piece, "MOST", 3),
        patch.object(reroute._Start, "decided", careless),
    ):
        assert must_stay_the_same(problem, np.random.default_rng(7), large=0, changes=60, engine="network") < 60

    def believed(start: reroute._Start, kg: Integers, phi: Integers) -> reroute.Rerouted:
        return reroute.Rerouted(kg, phi, start.fee)

    with (
        patch.multiple(reroute, FEWEST=3),
        patch.object(piece, "MOST", 3),
        patch.object(reroute._Start, "decided", careless),
        patch.object(reroute._Start, "proved", believed),
        pytest.raises((AssertionError, SolverFailed)),
    ):
        must_stay_the_same(problem, np.random.default_rng(7), large=0, changes=60, engine="network")


@given(problems(), st.booleans(), st.integers(0, 2**32))
@settings(deadline=None, max_examples=600)
def test_arcs_that_stand_aside_come_in_when_prices_move(problem: Problem, surplus: bool, seed: int):
    problem = with_gains(problem) if surplus else problem

    with patch.object(kept, "NEAR", 0):  # whatever costs more than what is done stands aside
        must_stay_the_same(problem, np.random.default_rng(seed), large=0, changes=5, engine="scipy")


@pytest.mark.parametrize("near", [0, 1, 3])
@pytest.mark.parametrize("most_cost", [3, 60, 10**5])
@pytest.mark.parametrize("surplus", [False, True])
def test_arcs_of_larger_problems_stand_aside(near: int, most_cost: int, surplus: bool):
    problem = random_problem(near, lots=60, lines=35, share=0.9, most_kg=10**5, most_cost=most_cost)
    problem = with_gains(problem) if surplus else problem

    with patch.object(kept, "NEAR", near):
        standing = Standing.of(problem, engines.engine("network"), large=0)
        must_stay_the_same(problem, np.random.default_rng(near), large=0, changes=25, engine="network")

    assert sum(each.arcs.lot.size for each in standing.aside.values()) > 0


def test_an_arc_aside_that_is_not_looked_at_is_missed():
    problem = random_problem(1, lots=60, lines=35, share=0.9, most_kg=10**5, most_cost=10**5)
    none = np.zeros(0, dtype=np.int64)

    with (
        patch.object(kept, "NEAR", 1),
        patch.object(Aside, "broken", lambda *_: none),
        pytest.raises(AssertionError),
    ):
        must_stay_the_same(problem, np.random.default_rng(1), large=0, changes=25, engine="network")
