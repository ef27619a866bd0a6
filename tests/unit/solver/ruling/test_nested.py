"""Rows that hang in trees over lots and lines: which do, and that flows through them are those of the linear program."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver.engines import engine
from marketplace.solver.problem import Problem, SolverFailed
from marketplace.solver.ruling import treat
from marketplace.solver.ruling.linear import Linear
from marketplace.solver.ruling.nested import nest
from marketplace.solver.ruling.reduction import Model, reduced
from marketplace.solver.ruling.restricted import Restricted
from marketplace.solver.ruling.ruled import allocate
from marketplace.solver.ruling.ruled_certificate import certify_ruled
from marketplace.solver.ruling.rules import Row, Rules, cap

SCIPY = engine("scipy")


def market(seed: int, *, lots: int = 24, lines: int = 12) -> Problem:
    rng = np.random.default_rng(seed)
    lot, line = np.nonzero(rng.random((lots, lines)) < 0.4)
    return Problem.of(
        supply=rng.integers(0, 40, lots),
        capacity=rng.integers(0, 60, lines),
        lot=lot,
        line=line,
        cost=rng.integers(-20, 90, lot.size),
    )


def permits(problem: Problem, most: int, *, months: int = 3) -> list[Row]:
    """Of so many lines after one another one permit each."""
    count = problem.capacity.size // months
    return [cap(np.flatnonzero(problem.line // months == group), most) for group in range(count)]


def shares(problem: Problem, most: int) -> list[Row]:
    """Of each lot what lines with an even number may get."""
    count = problem.supply.size
    return [cap(np.flatnonzero((problem.lot == i) & (problem.line % 2 == 0)), most) for i in range(count)]


def model_of(problem: Problem, rows: list[Row]) -> Model:
    return reduced(problem, Rules.of(problem, rows=rows))


def test_permits_and_shares_hang_in_trees_and_rows_that_cross_do_not():
    problem = market(1)
    crossing = cap(np.flatnonzero((problem.lot < 6) & (problem.line < 4)), 30)
    weighted = Row(np.array([0, 1]), np.array([1, 2]), 9)

    found = nest(model_of(problem, [*permits(problem, 50), *shares(problem, 9), crossing, weighted]))

    assert found.rest.tolist() == [4 + 24, 4 + 25]
    assert found.hung.tolist() == [True] * 28 + [False] * 2


def test_of_two_rows_that_cross_on_one_side_the_smaller_hangs():
    problem = Problem.of(supply=[9] * 3, capacity=[9] * 3, lot=[0, 1, 2], line=[0, 1, 2], cost=[1, 2, 3])

    found = nest(model_of(problem, [cap([0, 1, 2], 9), cap([0, 1], 5), cap([1, 2], 5)]))

    assert found.rest.size == 0  # one hangs over lots and one over lines

    more = nest(model_of(problem, [cap([0, 1], 9), cap([1, 2], 5), cap([0, 2], 5)]))
    assert more.rest.tolist() == [2]


@given(st.integers(0, 10**6), st.integers(0, 90), st.integers(0, 25), st.sampled_from(["scipy", "network"]))
@settings(deadline=None, max_examples=60)
def test_a_flow_through_trees_is_the_linear_program_s(seed: int, permit: int, share: int, name: str):
    problem = market(seed, lots=8, lines=9)
    model = model_of(
        problem, [*permits(problem, permit), *permits(problem, 2 * permit, months=9), *shares(problem, share)]
    )
    inner, everything = Restricted(model, engine(name)), model.most > 0
    nothing = np.zeros(model.lot.size, dtype=np.int64)

    flow = inner.solve(everything, nothing, model.cost)

    assert inner.is_network
    least = Linear(model).lexicographic(everything, nothing, model.cost.astype(float))
    assert flow.loads.sum() == round(least.loads.sum())
    assert model.worth(flow.loads)[1] == round(least.value)
    assert np.all(model.weighed(flow.loads) <= model.limit)


@given(st.integers(0, 10**6), st.integers(0, 90), st.integers(0, 25), st.booleans())
@settings(deadline=None, max_examples=60)
def test_where_all_rows_hang_in_trees_the_plan_is_proved_to_be_the_best(
    seed: int, permit: int, share: int, surplus: bool
):
    drawn = market(seed, lots=8, lines=9)
    problem = Problem(
        drawn.supply, drawn.capacity, drawn.lot, drawn.line, drawn.cost, "surplus" if surplus else "utilization"
    )
    rules = Rules.of(problem, rows=[*permits(problem, permit), *shares(problem, share)])

    found = allocate(problem, rules, SCIPY, nodes=0)

    assert certify_ruled(problem, rules, found).valid
    assert found.cost == found.bound_cost
    assert surplus or found.gap_kg == 0


def test_least_loads_are_taken_off_the_rows_too():
    problem = Problem.of(supply=[20, 20], capacity=[20, 20], lot=[0, 1], line=[0, 1], cost=[1, 2])
    inner = Restricted(model_of(problem, [cap([0, 1], 25)]), SCIPY)
    both = np.ones(2, dtype=np.bool_)

    assert inner.solve(both, np.array([0, 12]), inner.model.cost).loads.tolist() == [13, 12]
    with pytest.raises(SolverFailed, match="a row is promised"):
        inner.solve(both, np.array([13, 13]), inner.model.cost)


def test_no_linear_program_is_asked_where_all_rows_hang_in_trees(monkeypatch: pytest.MonkeyPatch):
    problem = market(3)
    rules = Rules.of(problem, rows=permits(problem, 50), least_kg=np.minimum(8, problem.supply[problem.lot]))
    expected = allocate(problem, rules, SCIPY, nodes=0)

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a linear program")

    monkeypatch.setattr(Linear, "_solve", refused)
    assert allocate(problem, rules, SCIPY, nodes=0).kg.tobytes() == expected.kg.tobytes()


def test_with_the_trees_left_out_linear_programs_find_as_much(monkeypatch: pytest.MonkeyPatch):
    problem = market(5)
    rules = Rules.of(problem, rows=[*permits(problem, 50), *shares(problem, 9)])
    found = allocate(problem, rules, SCIPY, nodes=0)

    class Without(Restricted):
        def __init__(self, model: Model, asked: object) -> None:
            super().__init__(model, asked)  # type: ignore[arg-type]
            self.nested, self.is_network = None, not model.limit.size

    monkeypatch.setattr(treat, "Restricted", Without)
    other = allocate(problem, rules, SCIPY, nodes=0)

    assert (other.moved_kg, other.cost) == (found.moved_kg, found.cost)
