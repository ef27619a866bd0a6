"""Of equal plans, the one that the rule names."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver import transport
from marketplace.solver.allarcs import delayed
from marketplace.solver.answer import fewest
from marketplace.solver.engines import engine
from marketplace.solver.problem import Problem
from marketplace.solver.transport import allocate
from tests.unit.solver import single
from tests.unit.solver.problems import problems


@pytest.fixture
def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave contracts uncounted, so that order alone decides."""
    monkeypatch.setattr(fewest, "MOST_CONTRACTS", 0)


def complete(supply: list[int], capacity: list[int], cost: int = 7) -> Problem:
    n, m = len(supply), len(capacity)
    lot, line = np.divmod(np.arange(n * m), m)
    return Problem.of(supply=supply, capacity=capacity, lot=lot, line=line, cost=np.full(n * m, cost))


@pytest.mark.usefixtures("in_order")
def test_where_all_is_equal_the_earlier_lot_goes_to_the_earlier_line():
    problem = complete([4, 3, 5], [6, 6])

    allocation = allocate(problem)

    assert allocation.kg.reshape(3, 2).tolist() == [[4, 0], [2, 1], [0, 5]]


@pytest.mark.usefixtures("in_order")
def test_the_earlier_lot_is_shipped_if_not_all_can_be():
    problem = complete([4, 3, 5], [5])

    allocation = allocate(problem)

    assert allocation.kg.tolist() == [4, 1, 0]


@pytest.mark.usefixtures("in_order")
def test_the_earlier_line_is_filled_if_not_all_can_be():
    problem = complete([5], [2, 4, 9])

    allocation = allocate(problem)

    assert allocation.kg.tolist() == [2, 3, 0]


def test_cost_stands_before_order():
    problem = Problem.of(supply=[4, 4], capacity=[4], lot=[0, 1], line=[0, 0], cost=[2, 1])

    allocation = allocate(problem)

    assert allocation.kg.tolist() == [0, 4]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.lists(st.integers(1, 9), min_size=1, max_size=5))
@settings(deadline=None)
def test_where_all_is_equal_it_is_the_northwest_corner(supply: list[int], capacity: list[int]):
    problem = complete(supply, capacity)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fewest, "MOST_CONTRACTS", 0)
        allocation = allocate(problem)

    expected = np.zeros((len(supply), len(capacity)), dtype=np.int64)
    room = list(capacity)
    for i, kg in enumerate(supply):
        left = kg
        for j in range(len(capacity)):
            moved = min(left, room[j])
            expected[i, j], left, room[j] = moved, left - moved, room[j] - moved
    assert allocation.kg.reshape(expected.shape).tolist() == expected.tolist()


def test_fewer_contracts_stand_before_order():
    problem = complete([4, 3, 5], [5])

    allocation = allocate(problem)

    assert allocation.kg.tolist() == [0, 0, 5]


def test_of_as_many_contracts_the_earlier_lot_is_shipped():
    problem = complete([2, 3, 4], [5])

    allocation = allocate(problem)

    assert allocation.kg.tolist() == [2, 3, 0]


@given(problems(most=3))
@settings(deadline=None, max_examples=150)
def test_no_plan_of_these_tonnes_and_this_cost_has_fewer_contracts(problem: Problem):
    best = single.best(problem)[:2]

    allocation = allocate(problem)

    used = int(np.count_nonzero(allocation.kg))
    for kept in combinations(range(problem.lot.size), max(used - 1, 0)):
        at = np.array(kept, dtype=np.int64)
        fewer = replace(problem, lot=problem.lot[at], line=problem.line[at], cost=problem.cost[at])
        assert used == 0 or single.best(fewer)[:2] != best


@given(problems(most=3), st.data())
@settings(deadline=None, max_examples=150)
def test_a_contract_over_several_arcs_counts_once(problem: Problem, data: st.DataObject):
    e = problem.lot.size
    drawn = data.draw(st.lists(st.integers(0, 3), min_size=e, max_size=e))
    problem = replace(problem, contract=np.array(drawn, dtype=np.int64))
    best = single.best(problem)[:2]

    allocation = allocate(problem)

    used = len(set(problem.contract[allocation.kg > 0].tolist()))
    for kept in combinations(sorted(set(drawn)), max(used - 1, 0)):
        at = np.flatnonzero(np.isin(problem.contract, kept))
        fewer = replace(
            problem, lot=problem.lot[at], line=problem.line[at], cost=problem.cost[at], contract=problem.contract[at]
        )
        assert used == 0 or single.best(fewer)[:2] != best


@given(problems(most=4), st.data())
@settings(deadline=None, max_examples=150)
def test_whatever_the_way_the_contracts_are_the_same(problem: Problem, data: st.DataObject):
    e = problem.lot.size
    drawn = data.draw(st.lists(st.integers(0, 4), min_size=e, max_size=e))
    problem = replace(problem, contract=np.array(drawn, dtype=np.int64))

    found = [allocate(problem), engine("network")(problem), delayed.allocate(problem, transport.METHOD)]

    assert len({each.kg.tobytes() for each in found}) == 1


def test_two_months_between_the_same_two_are_one_contract():
    """Lot 0 in two months, lines 1 and 2 in two months: whoever takes the first month takes the second."""
    twice = {"supply": [4, 4], "capacity": [4, 4, 4, 4], "lot": [0, 0, 1, 1], "line": [0, 1, 2, 3], "cost": [7] * 4}

    apart = allocate(Problem.of(**twice, contract=[0, 1, 1, 0]))
    alone = allocate(Problem.of(**twice))

    assert apart.kg.tolist() == [4, 0, 0, 4]
    assert alone.kg.tolist() == [4, 0, 4, 0]


def test_of_as_many_contracts_the_first_and_the_last_stand_before_two_between():
    """Contracts 0 and 3, or 1 and 2."""
    problem = Problem.of(supply=[4, 4], capacity=[4, 4], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[7] * 4)
    apart = Problem.of(supply=[2, 2, 3], capacity=[4, 3], lot=[0, 0, 1, 1, 2, 2], line=[0, 1, 0, 1, 0, 1], cost=[7] * 6)

    two, three = allocate(problem), allocate(apart)

    assert two.kg.tolist() == [4, 0, 0, 4]
    assert three.kg.tolist() == [2, 0, 2, 0, 0, 3]


def test_a_contract_that_is_made_anyway_costs_none():
    """The second month can go by the second line alone, so the first month goes there too."""
    problem = Problem.of(
        supply=[4, 4], capacity=[4, 4, 4], lot=[0, 0, 1], line=[0, 1, 2], cost=[7] * 3, contract=[0, 1, 1]
    )

    allocation = allocate(problem)

    assert allocation.kg.tolist() == [0, 4, 4]


@pytest.mark.parametrize("limit", ["MOST_ARCS", "MOST_CONTRACTS", "MOST_PARTS"])
def test_a_tied_part_that_is_too_large_to_ask_keeps_the_order(limit: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fewest, limit, 2 if limit != "MOST_PARTS" else 0)

    allocation = allocate(complete([4, 3, 5], [5]))

    assert allocation.kg.tolist() == [4, 1, 0]


def test_who_only_weighs_plans_leaves_contracts_uncounted():
    allocation = allocate(replace(complete([4, 3, 5], [5]), fewest=False))

    assert allocation.kg.tolist() == [4, 1, 0]


def test_of_equal_surplus_the_most_is_moved():
    problem = Problem.of(
        supply=[1, 9], capacity=[9, 1], lot=[0, 1, 1], line=[0, 0, 1], cost=[0, 0, -3], objective="surplus"
    )

    allocation = allocate(problem)

    assert allocation.kg.tolist() == [1, 8, 1]


@given(problems(most=4))
@settings(deadline=None, max_examples=200)
def test_no_plan_of_this_surplus_moves_more(problem: Problem):
    small = replace(problem, objective="surplus", supply=problem.supply % 100, cost=problem.cost % 7 - 3)

    allocation = allocate(small)

    assert int(allocation.kg.sum()) == single.best(small)[0]
