"""All arcs, few of them held: the same bytes as all at once; and what a shortlist in their place would have lost."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings

from marketplace.solver import network, transport
from marketplace.solver.allarcs import delayed
from marketplace.solver.allarcs.pricing import settle
from marketplace.solver.allarcs.sources import LIFT, Arcs, Found, Prices, Stored
from marketplace.solver.certificate import certify
from marketplace.solver.problem import Allocation, Cancelled, Carry, Integers, Problem, weighted
from tests.unit.solver.problems import problems, random_problem

ENGINES = [network, transport]
FIELDS = ("kg", "carried", "lot_price", "line_price", "short_lots", "short_lines")


def bytes_of(allocation: Allocation) -> dict[str, bytes]:
    return {name: getattr(allocation, name).tobytes() for name in FIELDS}


def with_gains(problem: Problem) -> Problem:
    middle = int(np.median(problem.cost)) if problem.cost.size else 0
    return replace(problem, objective="surplus", cost=problem.cost - middle - 1)


def only(problem: Problem, at: Integers) -> Problem:
    return replace(problem, lot=problem.lot[at], line=problem.line[at], cost=problem.cost[at])


def cheapest(problem: Problem, k: int) -> Integers:
    """A shortlist: the k cheapest arcs of each lot."""
    order = np.lexsort((problem.line, problem.cost, problem.lot))
    first = np.searchsorted(problem.lot[order], problem.lot[order])
    return np.sort(order[np.arange(order.size) - first < k])


@pytest.mark.parametrize("engine", ENGINES)
@given(problem=problems())
@settings(deadline=None, max_examples=300)
def test_few_arcs_at_a_time_give_the_same_bytes(engine, problem: Problem):
    for each in (problem, with_gains(problem)):
        assert bytes_of(delayed.allocate(each, engine.METHOD)) == bytes_of(engine.allocate(each))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("most_cost", [1, 4, 10**5])
@pytest.mark.parametrize("seed", range(4))
def test_larger_problems_give_the_same_bytes_too(engine, seed: int, most_cost: int):
    problem = random_problem(seed, lots=90, lines=60, share=0.6, most_kg=10**6, most_cost=most_cost)
    for each in (problem, with_gains(problem)):
        found = delayed.allocate(each, engine.METHOD)

        assert bytes_of(found) == bytes_of(engine.allocate(each))
        assert certify(each, found).valid


@pytest.mark.parametrize("engine", ENGINES)
def test_a_problem_with_storage_is_solved_the_plain_way(engine):
    problem = Problem.of(
        supply=[5, 5],
        capacity=[4, 8],
        lot=[0, 1],
        line=[0, 1],
        cost=[3, 4],
        carry=Carry.of(tail=[0], head=[1], most_kg=[9], cost=[1]),
    )

    found = delayed.allocate(problem, engine.METHOD)

    assert bytes_of(found) == bytes_of(engine.allocate(problem))
    assert found.carried.tolist() == [1]


def test_the_reference_takes_this_way_by_itself_where_there_are_many_arcs(monkeypatch: pytest.MonkeyPatch):
    problem = random_problem(1, lots=40, lines=30, share=0.9, most_kg=10**4, most_cost=10**4)
    plain, calls = transport.allocate(problem), []

    def watched(problem: Problem, *given, **named) -> Allocation:
        calls.append(problem.lot.size)
        return inner(problem, *given, **named)

    inner = delayed.allocate
    monkeypatch.setattr(delayed, "allocate", watched)
    monkeypatch.setattr(transport, "MOST_AT_ONCE", problem.lot.size)
    transport.allocate(problem)
    assert calls == []
    monkeypatch.setattr(transport, "MOST_AT_ONCE", problem.lot.size - 1)

    assert bytes_of(transport.allocate(problem)) == bytes_of(plain)
    assert calls == [problem.lot.size]


def test_most_arcs_are_never_held():
    problem = random_problem(3, lots=300, lines=200, share=0.9, most_kg=10**6, most_cost=10**5)

    settled = settle(Stored.of(problem), network.METHOD)

    assert settled.most < problem.lot.size / 5
    assert (int(settled.kg.sum()), weighted(settled.kg, settled.arcs.cost)) == worth(problem)


def worth(problem: Problem) -> tuple[int, int]:
    kg = network.allocate(problem).kg
    return int(kg.sum()), weighted(kg, problem.cost)


def test_a_shortlist_would_have_lost_eighty_tonnes_of_a_hundred():
    """Ten lots of 10 t, ten lines of 10 t, and all of them find the same lines cheap."""
    lot, line = np.divmod(np.arange(100), 10)
    ten_t = np.full(10, 10_000)
    problem = Problem.of(supply=ten_t, capacity=ten_t, lot=lot, line=line, cost=100 * line)

    moved = [int(network.allocate(only(problem, cheapest(problem, k))).kg.sum()) for k in (1, 2, 5, 9, 10)]

    assert moved == [10_000, 20_000, 50_000, 90_000, 100_000]
    assert int(delayed.allocate(problem, network.METHOD).kg.sum()) == 100_000


def test_neighbors_lose_by_a_shortlist_what_all_arcs_move():
    """Lots and lines along a road, where each pays for the way: the five cheapest of forty are not enough."""
    rng = np.random.default_rng(5)
    at, there, gate = rng.integers(0, 1_000, 60), rng.integers(0, 1_000, 40), rng.integers(0, 3_000, 40)
    lot, line = np.divmod(np.arange(2_400), 40)
    problem = Problem.of(
        supply=np.full(60, 2_000),
        capacity=np.full(40, 3_000),
        lot=lot,
        line=line,
        cost=np.abs(at[lot] - there[line]) + gate[line],
    )

    short = network.allocate(only(problem, cheapest(problem, 5)))

    assert int(delayed.allocate(problem, network.METHOD).kg.sum()) == 120_000
    assert int(short.kg.sum()) == 27_000


@dataclass(frozen=True, eq=False)
class Forgetful(Stored):
    """Stored arcs of which the first lot never shows its last."""

    def improving(self, prices: Prices, most: int, *, thin: bool = True) -> Found:
        found = super().improving(prices, most, thin=thin)
        shown = (found.arcs.lot != 0) | (found.arcs.line != self.capacity.size - 1)
        arcs = Arcs(*(column[shown] for column in found.arcs))
        return Found(arcs, found.worst, arcs.lot.size, complete=True)

    def start(self, cheapest: int, any_: int) -> Arcs:
        arcs = super().start(cheapest, any_)
        shown = (arcs.lot != 0) | (arcs.line != self.capacity.size - 1)
        return Arcs(*(column[shown] for column in arcs))


def test_an_arc_that_nobody_prices_is_caught(monkeypatch: pytest.MonkeyPatch):
    """Only the last arc of the first lot reaches the line with room."""
    problem = Problem.of(supply=[10, 10], capacity=[10, 10], lot=[0, 0, 1], line=[0, 1, 0], cost=[1, 2, 1])
    assert certify(problem, delayed.allocate(problem, network.METHOD)).valid

    monkeypatch.setattr(delayed, "Stored", Forgetful)
    proof = certify(problem, delayed.allocate(problem, network.METHOD))

    assert not proof.tonnes_maximal
    assert not proof.valid


def test_prices_put_kilograms_before_costs():
    """An arc out of the shortage region improves at any cost, one into it at none."""
    short = np.array([True, False, True, False])
    prices = Prices.of(np.array([0, 7, 0, 0]), short, 2, "utilization")
    arcs = Arcs(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([5, 10**9, -(10**9), 4]))

    assert prices.reduced(arcs).tolist() == [5, 10**9 - LIFT, LIFT - 10**9 - 7, -3]


@pytest.mark.parametrize("share", [0.5, 0.05, 0.001])
def test_a_plan_within_a_share_says_how_far_it_may_be_from_the_best(share: float):
    problem = random_problem(7, lots=200, lines=120, share=0.9, most_kg=10**6, most_cost=10**5)
    moved, least = worth(problem)

    settled = settle(Stored.of(problem), network.METHOD, share=share)
    cost = weighted(settled.kg, settled.arcs.cost)

    assert int(settled.kg.sum()) == moved
    assert least <= cost <= least + settled.slack
    assert settled.slack <= share * abs(cost)
    prices = Prices.of(settled.proof, settled.short, 200, "utilization")
    assert Stored.of(problem).improving(prices, 1).count == 0


def test_progress_only_grows_and_what_it_raises_ends_the_run():
    problem = random_problem(3, lots=90, lines=60, share=0.9, most_kg=10**6, most_cost=10**5)
    told = []
    delayed.allocate(problem, network.METHOD, progress=lambda done, of: told.append((done, of)))

    assert told == sorted(told)
    assert told[-1] == (problem.lot.size, problem.lot.size)

    def enough(done: int, of: int) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        delayed.allocate(problem, network.METHOD, progress=enough)
