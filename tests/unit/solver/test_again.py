"""A change re-solves what it touches, to the same bytes as from nothing: whatever the order of changes, for both objectives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver import edits, engines, transport
from marketplace.solver.again import Standing
from marketplace.solver.edits import Edit
from marketplace.solver.problem import Problem
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
