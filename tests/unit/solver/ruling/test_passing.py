"""What lines pass on to later months: no more than came to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marketplace.solver.engines import engine
from marketplace.solver.problem import Carry, Problem
from marketplace.solver.ruling import ruled, ruled_certificate
from marketplace.solver.ruling.passing import as_it_came
from marketplace.solver.ruling.reduction import reduced
from marketplace.solver.ruling.ruled import Ruled, allocate
from marketplace.solver.ruling.ruled_certificate import certify_ruled
from marketplace.solver.ruling.rules import Rules, cap

SCIPY = engine("scipy")


def months(*, rooms: tuple[int, ...] = (9, 9)) -> Problem:
    """One lot of three kilograms in the first month, and a line over three months that may store for nothing."""
    return Problem.of(
        supply=[3],
        capacity=[2, 9, 9],
        lot=[0],
        line=[0],
        cost=[1],
        carry=Carry.of(tail=[1, 2], head=[2, 3], most_kg=rooms, cost=[0, 0]),
    )


@pytest.mark.parametrize(
    ("kept", "came"), [([1, 0], [1, 0]), ([1, 9], [1, 1]), ([9, 9], [3, 3]), ([2, 1], [2, 1]), ([0, 4], [0, 0])]
)
def test_what_a_line_never_had_is_not_passed_on(kept: list[int], came: list[int]):
    problem = months()
    model = reduced(problem, Rules.none(problem))

    found = as_it_came(model, np.array([3]), np.array(kept))

    assert found.tolist() == came


def test_what_is_stored_at_lots_stays_as_it_is():
    carry = Carry.of(tail=[0], head=[1], most_kg=[5], cost=[0])
    problem = Problem.of(supply=[5, 0], capacity=[5], lot=[1], line=[0], cost=[1], carry=carry)
    model = reduced(problem, Rules.none(problem))

    assert as_it_came(model, np.array([4]), np.array([5])).tolist() == [5]


def plan_with(kept: list[int]) -> tuple[Problem, Rules, Ruled]:
    """Return a plan whose row binds, so that a linear program decides what waits, with something else stored."""
    problem = months()
    rules = Rules.of(problem, rows=[cap([0], 2)])
    return problem, rules, replace(allocate(problem, rules, SCIPY), carried=np.array(kept))


def test_the_certificate_sees_what_never_came():
    certificate = certify_ruled(*plan_with([0, 4]))

    assert certificate.violations == ("line 1 passes on 4 kg more than came to it",)


def test_the_certificate_lets_pass_what_came():
    assert certify_ruled(*plan_with([2, 1])).violations == ()


def test_without_the_look_at_nodes_it_is_not_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ruled_certificate, "_nodes", lambda *_: ())

    assert certify_ruled(*plan_with([0, 4])).violations == ()


def test_a_linear_program_that_stores_for_nothing_is_put_right(monkeypatch: pytest.MonkeyPatch):
    problem = months()
    rules = Rules.of(problem, rows=[cap([0], 2)])
    right = ruled.as_it_came
    monkeypatch.setattr(ruled, "as_it_came", lambda model, loads, _: right(model, loads, np.array([0, 7])))

    found = allocate(problem, rules, SCIPY)

    assert found.carried.tolist() == [0, 0]
    assert certify_ruled(problem, rules, found).violations == ()
