"""Exchanges between contracts, and plans shaken by them: what is kept, what is found, and what would be missed without."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver.engines import engine
from marketplace.solver.problem import Integers, Problem
from marketplace.solver.ruling import exchange, treat
from marketplace.solver.ruling.exchange import Search, can_exchange
from marketplace.solver.ruling.reduction import Model, reduced
from marketplace.solver.ruling.ruled import allocate
from marketplace.solver.ruling.rules import Rules, cap
from marketplace.solver.ruling.shaken import shaken
from tests.unit.solver.problems import random_problem
from tests.unit.solver.ruled_problems import best_of_all, ruled_problems


def settled(model: Model, loads: list[int]) -> list[int]:
    search = Search(model, np.array(loads))
    search.settle()
    found: list[int] = search.loads().tolist()
    return found


def model_of(problem: Problem, **rules: object) -> Model:
    return reduced(problem, Rules.of(problem, **rules))  # type: ignore[arg-type]  # any rule


def test_two_lots_exchange_their_lines_if_that_is_cheaper():
    problem = Problem.of(supply=[10, 10], capacity=[10, 10], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[5, 1, 1, 5])

    assert settled(model_of(problem, least_kg=10), [10, 0, 0, 10]) == [0, 10, 10, 0]


def test_a_contract_is_shifted_into_room_and_keeps_no_less_than_its_least():
    problem = Problem.of(supply=[25], capacity=[30, 14], lot=[0, 0], line=[0, 1], cost=[9, 2])

    assert settled(model_of(problem, least_kg=12), [25, 0]) == [12, 13]


def test_a_lot_takes_another_s_place_if_that_moves_as_much_for_less():
    problem = Problem.of(supply=[10, 10], capacity=[10], lot=[0, 1], line=[0, 0], cost=[5, 1])

    assert settled(model_of(problem, least_kg=10), [10, 0]) == [0, 10]


def test_shaken_one_makes_room_so_that_another_can_move_too():
    problem = Problem.of(supply=[10, 10], capacity=[10, 10], lot=[0, 0, 1], line=[0, 1, 0], cost=[1, 9, 9])

    model = model_of(problem, least_kg=10)

    assert settled(model, [10, 0, 0]) == [10, 0, 0]
    assert shaken(model, np.array([10, 0, 0])).tolist() == [0, 10, 10]


def test_a_fee_is_saved_where_one_contract_does_for_two():
    problem = Problem.of(supply=[20, 20], capacity=[20, 20], lot=[0, 0, 1, 1], line=[0, 1, 0, 1], cost=[1, 2, 2, 1])

    assert settled(model_of(problem, fee=1), [10, 10, 10, 10]) == [20, 0, 0, 20]


def test_for_surplus_less_may_move():
    problem = Problem.of(supply=[10], capacity=[10, 10], lot=[0, 0], line=[0, 1], cost=[-1, -3], objective="surplus")

    assert settled(model_of(problem, fee=1), [10, 0]) == [0, 10]


def left_helping(seed: int, *, most: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many exchanges would still help after rounds that look at so many at a time."""
    problem = random_problem(seed, lots=14, lines=9, share=0.7, most_kg=40, most_cost=60)
    model = model_of(problem, fee=20)
    monkeypatch.setattr(exchange, "MOST_EXCHANGES", most)
    search = Search(model, engine("scipy")(problem).kg)
    search.settle(10_000)
    monkeypatch.setattr(exchange, "MOST_EXCHANGES", 10**9)
    return search.along(np.arange(search.e), helping=True).helping().quantity.size


@pytest.mark.parametrize("seed", range(6))
def test_what_a_round_has_no_room_for_the_next_looks_at(seed: int, monkeypatch: pytest.MonkeyPatch):
    assert left_helping(seed, most=30, monkeypatch=monkeypatch) == 0


def test_without_going_on_where_a_round_ended_some_would_be_missed(monkeypatch: pytest.MonkeyPatch):
    some = Search.some

    def once(search: Search, asked: Integers) -> Integers:
        search.pending[:] = False
        return some(search, asked)

    monkeypatch.setattr(Search, "some", once)

    assert sum(left_helping(seed, most=30, monkeypatch=monkeypatch) for seed in range(6)) > 0


def test_rows_storage_and_contracts_of_several_arcs_are_not_exchanged():
    problem = random_problem(1, lots=5, lines=4, share=0.6, most_kg=9, most_cost=9)

    assert can_exchange(model_of(problem, least_kg=1))
    assert not can_exchange(model_of(problem, rows=[cap([0, 1], 9)]))
    assert not can_exchange(model_of(problem, contract=np.zeros(problem.lot.size, dtype=np.int64)))


@given(ruled_problems(with_=("least", "fee", "truck", "pin"), most_arcs=6, most_kg=9), st.booleans())
@settings(deadline=None, max_examples=80)
def test_what_is_shaken_keeps_every_rule_and_is_no_worse(drawn: tuple[Problem, Rules], searched_for: bool):
    problem, rules = drawn
    if best_of_all(problem, rules) is None:
        return  # nothing keeps the rules, which another test is about
    model = reduced(problem, rules)
    if not can_exchange(model):
        return
    nothing = np.zeros(model.lot.size, dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        if searched_for:
            patch.setattr(exchange, "MOST_TABLE", 0)

        loads = shaken(model, nothing)

    held = model.held(loads)
    assert min(int(each.min(initial=0)) for each in model.left(loads)) >= 0
    assert np.all((held == 0) | (held >= model.least))
    assert loads.min(initial=0) >= 0
    assert not model.better(model.worth(nothing), model.worth(loads))


def test_the_table_of_arcs_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    model = model_of(random_problem(3, lots=40, lines=20, share=0.3, most_kg=900, most_cost=90), least_kg=300, fee=2)
    nothing = np.zeros(model.lot.size, dtype=np.int64)

    found = shaken(model, nothing)
    monkeypatch.setattr(exchange, "MOST_TABLE", 0)

    assert found.any()
    assert shaken(model, nothing).tobytes() == found.tobytes()


def test_without_shaking_less_would_move(monkeypatch: pytest.MonkeyPatch):
    problem = random_problem(7, lots=120, lines=50, share=0.15, most_kg=40_000, most_cost=30_000)
    rules = Rules.of(problem, least_kg=10_000, fee=50)
    network = engine("network")

    found = allocate(problem, rules, network, nodes=0)
    monkeypatch.setattr(treat, "shaken", lambda model, loads: loads)
    without = allocate(problem, rules, network, nodes=0)

    assert (found.moved_kg, -found.cost) > (without.moved_kg, -without.cost)


def test_both_engines_end_with_the_same_bytes():
    problem = random_problem(9, lots=40, lines=20, share=0.25, most_kg=40_000, most_cost=30_000)
    permits = [cap(np.flatnonzero(problem.line // 4 == group), 60_000) for group in range(5)]
    for rows in ([], permits):
        rules = Rules.of(problem, least_kg=8_000, fee=50, rows=rows)

        one, other = (allocate(problem, rules, engine(name), nodes=0) for name in ("scipy", "network"))

        assert one.kg.tobytes() == other.kg.tobytes()
        assert (one.bound_kg, one.bound_cost) == (other.bound_kg, other.bound_cost)
