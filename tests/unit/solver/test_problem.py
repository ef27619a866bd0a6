"""What is a transportation problem, and what is none."""

import numpy as np
import pytest

from marketplace.solver.problem import MOST_KG, Problem, weighted

SOUND = {"supply": [5, 7], "capacity": [6], "lot": [0, 1], "line": [0, 0], "cost": [3, -4]}


def test_keeps_what_it_was_given_and_lets_nobody_change_it():
    problem = Problem.of(**SOUND)

    assert problem.shape == (2, 1, 2)
    assert problem.supply.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        problem.cost[0] = 1


def test_an_empty_problem_is_a_problem():
    problem = Problem.of(supply=[], capacity=[], lot=[], line=[], cost=[])

    assert problem.shape == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"supply": [-1, 7]}, "supply is less than zero"),
        ({"supply": [0.5, 7]}, "supply is not made of whole numbers"),
        ({"supply": [[5, 7]]}, "supply is not one-dimensional"),
        ({"capacity": [MOST_KG + 1]}, "capacity adds up to more than"),
        ({"supply": [MOST_KG, 1]}, "supply adds up to more than"),
        ({"supply": np.array([2**63, 1], dtype=np.uint64)}, "supply is beyond 64 bits"),
        ({"lot": [0, 2]}, "begins at no lot"),
        ({"line": [0, 1]}, "ends at no line"),
        ({"line": [-1, 0]}, "ends at no line"),
        ({"lot": [1, 0]}, "sorted by lot"),
        ({"lot": [0, 0]}, "each pair stands once"),
        ({"cost": [3]}, "one entry for each arc"),
        ({"cost": [3, 10**9 + 1]}, "a cost is beyond"),
        ({"cost": [-(10**9) - 1, 3]}, "a cost is beyond"),
    ],
)
def test_refuses_what_is_no_problem(change: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        Problem.of(**{**SOUND, **change})


def test_a_cost_beyond_64_bits_is_exact():
    kg, per_t = np.array([10**12, 0, 10**12 + 1]), np.array([10**9, 5, -(10**9)])

    assert weighted(kg, per_t) == -(10**9)
