"""Promises that only storage can keep: taken off before solving, against linear programs and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver.engines import engine
from marketplace.solver.problem import Carry, Problem, SolverFailed
from marketplace.solver.ruling.linear import Linear
from marketplace.solver.ruling.reduction import Model, reduced
from marketplace.solver.ruling.restricted import Restricted, network
from marketplace.solver.ruling.rules import Rules
from marketplace.solver.ruling.waiting import in_chains, waiting
from tests.unit.solver.ruled_problems import ruled_problems

SCIPY = engine("scipy")


def model_of(**arrays: object) -> Model:
    problem = Problem.of(**arrays)
    return reduced(problem, Rules.none(problem))


def test_what_a_lot_promises_beyond_its_month_waits_from_the_month_before():
    model = model_of(
        supply=[5, 1, 0],
        capacity=[9, 9],
        lot=[1, 2],
        line=[0, 1],
        cost=[1, 1],
        carry=Carry.of(tail=[0, 1], head=[1, 2], most_kg=[5, 3], cost=[0, 0]),
    )

    found = waiting(model, np.array([2, 3]))

    assert (found.kept.tolist(), found.left.tolist(), found.room.tolist()) == ([4, 3], [1, 0, 0], [7, 6])


def test_what_a_line_is_promised_beyond_its_month_is_passed_on():
    model = model_of(
        supply=[9],
        capacity=[2, 1, 4],
        lot=[0],
        line=[0],
        cost=[1],
        carry=Carry.of(tail=[1, 2], head=[2, 3], most_kg=[4, 3], cost=[0, 0]),
    )

    found = waiting(model, np.array([5]))

    assert (found.kept.tolist(), found.left.tolist(), found.room.tolist()) == ([3, 2], [4], [0, 0, 2])


@pytest.mark.parametrize("most", [[3, 3], [4, 2]])
def test_what_no_storage_can_hold_is_refused(most: list[int]):
    model = model_of(
        supply=[5, 1, 0],
        capacity=[9, 9],
        lot=[1, 2],
        line=[0, 1],
        cost=[1, 1],
        carry=Carry.of(tail=[0, 1], head=[1, 2], most_kg=most, cost=[0, 0]),
    )

    with pytest.raises(SolverFailed, match="promised more than it has"):
        network(model, SCIPY, model.most > 0, np.array([2, 3]), model.cost)


@pytest.mark.parametrize(
    ("tail", "head", "said"),
    [
        ([0, 1], [1, 2], True),
        ([0, 1], [2, 2], False),
        ([0, 0], [1, 2], True),
        ([3, 3], [4, 5], False),
        ([3, 4], [5, 5], True),
    ],
)
def test_storage_is_in_chains_where_what_must_wait_has_one_way(tail: list[int], head: list[int], said: bool):
    carry = Carry.of(tail=tail, head=head, most_kg=[1, 1], cost=[0, 0])
    model = model_of(supply=[1, 1, 1], capacity=[1, 1, 1], lot=[0], line=[0], cost=[0], carry=carry)

    assert in_chains(model) is said


@given(ruled_problems(with_=("carry",), most_arcs=6, most_kg=9), st.data())
@settings(deadline=None, max_examples=150)
def test_the_network_keeps_promises_as_well_as_linear_programs(drawn: tuple[Problem, Rules], data: st.DataObject):
    model = reduced(*drawn)
    arcs = model.lot.size
    lower = np.array(data.draw(st.lists(st.integers(0, 5), min_size=arcs, max_size=arcs)), dtype=np.int64)
    lower = np.minimum(lower, model.most)
    allowed = model.most > 0
    try:
        point = Linear(model).lexicographic(allowed, lower, model.cost.astype(float))
    except SolverFailed:
        with pytest.raises(SolverFailed):
            network(model, SCIPY, allowed, lower, model.cost)
        return

    flow = Restricted(model, SCIPY).solve(allowed, lower, model.cost)

    assert np.all(flow.loads >= lower)
    assert int(flow.loads.sum()) == round(point.loads.sum())
    cost = float(model.cost @ point.loads + model.keep_cost @ point.kept)
    assert int(model.cost @ flow.loads + model.keep_cost @ flow.kept) == pytest.approx(cost)
    _fits(model, flow.loads, flow.kept)


def _fits(model: Model, loads: np.ndarray, kept: np.ndarray) -> None:
    n, m = model.supply.size, model.capacity.size
    left = np.concatenate([model.supply, model.capacity])
    np.subtract.at(left, model.lot, loads)
    np.subtract.at(left, model.line + n, loads)
    given_ = np.where(model.tail < n, kept, -kept)
    np.subtract.at(left, model.tail, given_)
    np.add.at(left, model.head, given_)
    assert left.min() >= 0
    assert np.all(left[n : n + m] <= model.capacity)
    assert np.all((kept >= 0) & (kept <= model.keep))
