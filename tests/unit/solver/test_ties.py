"""Of equal plans, the one that the rule names."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver.problem import Problem
from marketplace.solver.transport import allocate


def complete(supply: list[int], capacity: list[int], cost: int = 7) -> Problem:
    n, m = len(supply), len(capacity)
    lot, line = np.divmod(np.arange(n * m), m)
    return Problem.of(supply=supply, capacity=capacity, lot=lot, line=line, cost=np.full(n * m, cost))


def test_where_all_is_equal_the_earlier_lot_goes_to_the_earlier_line():
    problem = complete([4, 3, 5], [6, 6])

    allocation = allocate(problem)

    assert allocation.kg.reshape(3, 2).tolist() == [[4, 0], [2, 1], [0, 5]]


def test_the_earlier_lot_is_shipped_if_not_all_can_be():
    problem = complete([4, 3, 5], [5])

    allocation = allocate(problem)

    assert allocation.kg.tolist() == [4, 1, 0]


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

    allocation = allocate(problem)

    expected = np.zeros((len(supply), len(capacity)), dtype=np.int64)
    room = list(capacity)
    for i, kg in enumerate(supply):
        left = kg
        for j in range(len(capacity)):
            moved = min(left, room[j])
            expected[i, j], left, room[j] = moved, left - moved, room[j] - moved
    assert allocation.kg.reshape(expected.shape).tolist() == expected.tolist()
