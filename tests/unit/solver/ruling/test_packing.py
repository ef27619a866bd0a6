"""What a line can take of whole contracts: against every choice there is, and what the bound and its proof make of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver.engines import engine
from marketplace.solver.problem import Problem
from marketplace.solver.ruling import ruled_certificate
from marketplace.solver.ruling.packing import Item, can_pack, packed
from marketplace.solver.ruling.reduction import reduced
from marketplace.solver.ruling.ruled import Ruled, allocate
from marketplace.solver.ruling.ruled_certificate import certify_ruled
from marketplace.solver.ruling.rules import Rules
from tests.unit.solver.problems import random_problem
from tests.unit.solver.ruled_problems import best_of_all, by_cp_sat, ruled_problems

SCIPY = engine("scipy")


@st.composite
def lines(draw: st.DrawFn) -> tuple[list[Item], int]:
    """A few contracts that would pay, and the room of a line."""
    drawn = draw(
        st.lists(
            st.tuples(st.integers(-9, -1), st.integers(0, 20), st.integers(0, 4), st.integers(1, 6)),
            min_size=1,
            max_size=4,
        )
    )
    items = [Item(rate, fee, min(least, most), most) for rate, fee, least, most in drawn]
    return [item for item in items if item.full < 0], draw(st.integers(6, 14))


def by_force(items: list[Item], room: int) -> int:
    choices = [[0, *range(max(1, item.least), item.most + 1)] for item in items]
    return min(
        sum(item.rate * x + item.fee for item, x in zip(items, loads, strict=True) if x)
        for loads in product(*choices)
        if sum(loads) <= room
    )


@given(lines())
@settings(deadline=None, max_examples=300)
def test_what_fills_a_line_costs_as_little_as_the_best_of_all_choices(drawn: tuple[list[Item], int]):
    items, room = drawn

    value, loads = packed(items, room)

    assert value == by_force(items, room)
    assert sum(loads) <= room
    assert value == sum(item.rate * x + item.fee for item, x in zip(items, loads, strict=True) if x)
    assert ruled_certificate._least_filling([tuple(item) for item in items], room) == value


def test_the_proof_of_many_equal_contracts_gives_up_what_only_a_part_of_a_thousandth_could_better():
    # a part of the twentieth saves a tenth of a thousandth beyond every choice of twenty in forty: 10^11 of these
    items, room = [Item(-1000, 1000, 0, 10_000)] * 40, 20 * 10_000 - 1

    value, _ = packed(items, room)

    assert value == -1000 * room + 20 * 1000
    assert ruled_certificate._least_filling([tuple(item) for item in items], room) == value


def test_beyond_its_nodes_a_line_is_given_up():
    items = [Item(-7, 5, 2, 5), Item(-6, 3, 3, 7), Item(-5, 1, 2, 4)]

    assert packed(items, 9, nodes=1)[0] is None
    assert packed(items, 9)[0] == by_force(items, 9)


def test_lines_with_a_contract_over_several_arcs_or_storage_are_not_packed():
    problem = Problem.of(supply=[9, 9], capacity=[9, 9, 9], lot=[0, 0, 1], line=[0, 1, 2], cost=[1, 2, 3])

    model = reduced(problem, Rules.of(problem, contract=[0, 0, 1]))

    assert can_pack(model).tolist() == [False, False, True]


@given(ruled_problems(with_=("least", "fee", "pin", "truck"), most_arcs=6, most_kg=6), st.booleans())
@settings(deadline=None, max_examples=80)
def test_packed_or_not_no_plan_is_below_the_bound(drawn: tuple[Problem, Rules], everything: bool):
    problem, rules = drawn
    best = best_of_all(problem, rules)
    if best is None:
        return  # nothing keeps the rules, which another test is about
    found = allocate(problem, rules, SCIPY)
    lines_of = np.arange(problem.capacity.size) if everything else np.zeros(0, dtype=np.int64)
    priced = replace(found.cost_prices, packed=lines_of)

    certificate = certify_ruled(problem, rules, replace(found, cost_prices=priced))

    assert certificate.bound_cost is not None
    if found.moved_kg == best[0]:
        assert certificate.bound_cost <= best[1]


def market() -> tuple[Problem, Rules, Ruled]:
    problem = random_problem(11, lots=14, lines=6, share=0.5, most_kg=60, most_cost=90)
    rules = Rules.of(problem, least_kg=12, fee=2)
    return problem, rules, allocate(problem, rules, SCIPY, nodes=0)


def test_packing_lines_raises_the_bound_and_no_plan_is_below_it():
    problem, rules, found = market()
    without = replace(found, cost_prices=replace(found.cost_prices, packed=np.zeros(0, dtype=np.int64)))

    proved, weaker = certify_ruled(problem, rules, found), certify_ruled(problem, rules, without)

    assert found.cost_prices.packed.size
    assert proved.valid
    assert proved.bound_cost is not None
    assert weaker.bound_cost is not None
    assert weaker.bound_cost < proved.bound_cost
    assert any("is not proved" in words for words in weaker.violations)
    most, least = by_cp_sat(problem, rules)
    assert (found.moved_kg, found.cost) <= (most, found.cost)
    assert found.moved_kg < most or proved.bound_cost <= least


def test_a_contract_over_two_lines_is_not_packed_and_would_pay_its_fee_twice(monkeypatch: pytest.MonkeyPatch):
    dear = Problem.of(supply=[5, 5], capacity=[5, 5], lot=[0, 1], line=[0, 1], cost=[-1000, -1000], objective="surplus")
    rules = Rules.of(dear, contract=[0, 0], fee=3)
    found = allocate(dear, rules, SCIPY)
    prices = replace(found.cost_prices, lot=np.zeros(2, dtype=np.int64), line=np.zeros(2, dtype=np.int64))
    forged = replace(found, cost_prices=replace(prices, packed=np.array([0, 1])), bound_cost=-4000)

    assert found.cost == -10_000 + 3_000
    assert not certify_ruled(dear, rules, forged).valid
    monkeypatch.setattr(ruled_certificate._Frame, "_can_pack", lambda self: {0, 1})
    assert certify_ruled(dear, rules, forged).bound_cost == -4000
