"""Rules on top of a problem: against every whole plan there is, against CP-SAT, and by a certificate that shares no code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver.certificate import certify
from marketplace.solver.engines import Progress, engine
from marketplace.solver.problem import MOST_COST, Allocation, Cancelled, Carry, Problem, SolverFailed
from marketplace.solver.ruling import rounding, ruled_certificate
from marketplace.solver.ruling.ruled import allocate
from marketplace.solver.ruling.ruled_certificate import certify_ruled
from marketplace.solver.ruling.rules import Row, Rules, blend, cap
from marketplace.solver.spread import WorkersLost
from tests.unit.solver.problems import random_problem
from tests.unit.solver.ruled_problems import EXTENSIONS, best_of_all, by_cp_sat, ruled_problems

SCIPY = engine("scipy")


def is_the_best(problem: Problem, rules: Rules) -> None:
    best = best_of_all(problem, rules)
    if best is None:
        with pytest.raises(SolverFailed):
            allocate(problem, rules, SCIPY)
        return

    found = allocate(problem, rules, SCIPY)

    certificate = certify_ruled(problem, rules, found)
    assert certificate.violations == ()
    if problem.objective == "surplus":
        assert found.cost == best[1]
    else:
        assert (found.moved_kg, found.cost) == best
        assert (found.bound_kg or 0) >= best[0]
    assert found.bound_cost <= best[1]
    if found.searched_kg is not None:
        assert found.searched_kg >= best[0]
    if found.searched_cost is not None:
        assert found.searched_cost <= best[1]


@pytest.mark.parametrize("kind", EXTENSIONS)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_each_extension_alone_gives_the_best_of_all_plans(kind: str, data: st.DataObject):
    with_ = (kind, "least") if kind == "months" else (kind,)
    problem, rules = data.draw(ruled_problems(with_=with_))

    is_the_best(problem, rules)


@given(ruled_problems(most_arcs=4))
@settings(deadline=None, max_examples=120)
def test_extensions_together_give_the_best_of_all_plans(drawn: tuple[Problem, Rules]):
    is_the_best(*drawn)


@given(ruled_problems(most_arcs=4, surplus=True))
@settings(deadline=None, max_examples=80)
def test_the_greatest_surplus_under_rules(drawn: tuple[Problem, Rules]):
    is_the_best(*drawn)


def middle(seed: int, **kinds: object) -> tuple[Problem, Rules]:
    """About twenty lots and a dozen lines, with what ``kinds`` asks for."""
    rng = np.random.default_rng(seed)
    lot, line = np.nonzero(rng.random((18, 11)) < 0.25)
    problem = Problem.of(
        supply=rng.integers(0, 40, 18),
        capacity=rng.integers(0, 60, 11),
        lot=lot,
        line=line,
        cost=rng.integers(-20, 90, lot.size),
    )
    rows = []
    if "cap" in kinds:
        rows += [cap(np.flatnonzero((lot == i) & (line % 3 == 0)), 9) for i in range(18)]
    if "blend" in kinds:
        value = rng.integers(0, 100, 18)
        rows += [blend(np.flatnonzero(line == j), value[lot[line == j]], 45) for j in range(11)]
    return problem, Rules.of(
        problem,
        least_kg=np.minimum(12, problem.supply[lot]) if "least" in kinds else 0,
        fee=rng.integers(0, 3, lot.size) if "fee" in kinds else 0,
        truckload_kg=5 if "truck" in kinds else 1,
        pinned_kg=np.where(np.arange(lot.size) == int(rng.integers(lot.size)), 1, 0) if "pin" in kinds else 0,
        rows=rows,
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "kinds", [("cap",), ("blend",), ("least",), ("truck",), ("least", "fee"), ("cap", "least"), ("truck", "fee", "cap")]
)
def test_middle_problems_against_cp_sat(seed: int, kinds: tuple[str, ...]):
    problem, rules = middle(seed, **dict.fromkeys(kinds, True))

    found = allocate(problem, rules, SCIPY, nodes=2_000)

    assert certify_ruled(problem, rules, found).violations == ()
    best = by_cp_sat(problem, rules)
    assert found.bound_kg is not None
    assert found.moved_kg <= best[0] <= found.bound_kg
    assert (found.moved_kg, found.cost) == best
    assert found.bound_cost <= best[1]


@given(ruled_problems(most_arcs=6, most_kg=9))
@settings(deadline=None, max_examples=40)
def test_the_same_problem_and_rules_give_the_same_bytes(drawn: tuple[Problem, Rules]):
    problem, rules = drawn
    if best_of_all(problem, rules) is None:
        for each in (SCIPY, engine("network")):
            with pytest.raises(SolverFailed):
                allocate(problem, rules, each)
        return
    one, other = allocate(problem, rules, SCIPY), allocate(problem, rules, engine("network"))

    assert one.kg.tobytes() == other.kg.tobytes()
    assert (one.bound_kg, one.bound_cost, one.cost) == (other.bound_kg, other.bound_cost, other.cost)


@pytest.mark.parametrize("because", [Cancelled, WorkersLost])
@pytest.mark.parametrize("kinds", [("least",), ("least", "cap"), ("least", "fee")])
def test_a_run_that_is_over_ends_the_search_wherever_it_is(because: type[SolverFailed], kinds: tuple[str, ...]):
    """Nobody goes on looking with what is left, which would be another plan on another machine."""
    problem, rules = middle(3, **dict.fromkeys(kinds, True))
    asked = EndsAt(0, because)
    allocate(problem, rules, asked)
    assert asked.calls > 3

    for call in range(1, asked.calls + 1):
        with pytest.raises(because):
            allocate(problem, rules, EndsAt(call, because))


class EndsAt:
    """An engine with which the run is over when it is asked for the so manieth time."""

    def __init__(self, call: int, because: type[SolverFailed]) -> None:
        self.call, self.because, self.calls = call, because, 0

    def __call__(self, problem: Problem, /, *, progress: Progress | None = None) -> Allocation:
        self.calls += 1
        if self.calls == self.call:
            raise self.because("over")
        return SCIPY(problem, progress=progress)


def test_where_no_rule_binds_the_plain_plan_is_the_answer_and_proved():
    problem, rules = middle(4, least=True)
    loose = replace(rules, least_kg=np.zeros_like(rules.least_kg))

    found = allocate(problem, loose, SCIPY)

    plain = SCIPY(problem)
    assert found.kg.tobytes() == plain.kg.tobytes()
    assert not found.treated.any()
    assert certify(found.last, found.allocation).valid
    assert (found.gap_kg, found.cost - found.bound_cost) == (0, 0)


def test_more_pinned_than_there_is_is_refused():
    problem = Problem.of(supply=[5], capacity=[9], lot=[0], line=[0], cost=[1])

    with pytest.raises(SolverFailed, match="more is pinned"):
        allocate(problem, Rules.of(problem, pinned_kg=[6]), SCIPY)


def test_a_lot_below_its_least_lot_moves_whole_where_the_caller_says_so():
    problem = Problem.of(supply=[4, 30], capacity=[40], lot=[0, 1], line=[0, 0], cost=[5, 1])
    least = np.minimum(10, problem.supply[problem.lot])

    found = allocate(problem, Rules.of(problem, least_kg=least), SCIPY)

    assert found.kg.tolist() == [4, 30]


@pytest.mark.parametrize(
    ("supply", "cost", "rule", "moved"),
    [
        ([1, 10], [5, 5], {"fee": 2_000_000}, [1, 10]),
        ([10, 9], [MOST_COST, MOST_COST], {"fee": 1}, [10, 1]),
        ([10, 9], [-MOST_COST, MOST_COST], {"least_kg": [7, 7]}, [10, 0]),
    ],
    ids=["a fee on a single kilogram", "a fee at the highest cost", "costs as far apart as can be"],
)
@pytest.mark.parametrize("name", ["scipy", "network"])
def test_what_a_fee_or_a_load_is_worth_brings_no_cost_beyond_what_a_problem_may_have(
    supply: list[int], cost: list[int], rule: dict[str, object], moved: list[int], name: str
):
    problem = Problem.of(supply=supply, capacity=[11], lot=[0, 1], line=[0, 0], cost=cost)
    rules = Rules.of(problem, **rule)

    found = allocate(problem, rules, engine(name))

    assert found.kg.tolist() == moved
    assert certify_ruled(problem, rules, found).valid


@pytest.mark.parametrize("name", ["scipy", "network"])
def test_a_row_is_kept_to_the_unit_where_it_counts_more_than_a_double_holds(name: str):
    problem = Problem.of(supply=[2**34, 1], capacity=[2**34, 1], lot=[0, 1], line=[0, 1], cost=[1, 1])
    rules = Rules.of(problem, rows=[Row(np.array([0, 1]), np.array([2**19, 1]), 2**53)])

    found = allocate(problem, rules, engine(name))

    assert float(2**53 + 1) == 2**53  # what a plan of everything counts is not told from the limit in floats
    assert certify_ruled(problem, rules, found).valid
    assert found.moved_kg == 2**34


@pytest.mark.parametrize("weights", [[3, 0], [3, -2]], ids=["a row in a tree", "a row for linear programs"])
def test_prices_along_a_long_chain_bound_as_well_where_their_parts_are_beyond_64_bits(weights: list[int]):
    # a kilogram more in a lot would move along all others, each at the highest cost: 30 times that, in 2^30-ths
    chain = 30
    problem = Problem.of(
        supply=[*[10] * chain, 20],
        capacity=[*[10] * chain, 5, 20, 20],
        lot=[*np.repeat(np.arange(chain), 2), chain, chain],
        line=[*np.repeat(np.arange(chain + 1), 2)[1:-1], chain + 1, chain + 2],
        cost=[*[MOST_COST, 0] * chain, 5, 10],
    )
    rules = Rules.of(problem, rows=[Row(np.array([2 * chain, 2 * chain + 1]), np.array(weights), 16)])

    found = allocate(problem, rules, SCIPY)

    assert certify_ruled(problem, rules, found).valid
    assert found.gap_kg == 0
    assert 0 <= found.cost - found.bound_cost <= 30
    assert found.row_price.dtype == np.int64


def test_a_row_that_may_count_beyond_64_bits_is_refused():
    problem = Problem.of(supply=[2**50], capacity=[2**50], lot=[0], line=[0], cost=[1])

    with pytest.raises(SolverFailed, match="beyond 64 bits"):
        allocate(problem, Rules.of(problem, rows=[Row(np.array([0]), np.array([10**6]), 0)]), SCIPY)


def test_the_price_of_a_cap_is_what_one_more_kilogram_of_it_saves():
    problem = Problem.of(supply=[20], capacity=[20, 20], lot=[0, 0], line=[0, 1], cost=[100, 700])
    rules = Rules.of(problem, rows=[cap([0], 12)])

    found = allocate(problem, rules, SCIPY)

    wider = allocate(problem, Rules.of(problem, rows=[cap([0], 13)]), SCIPY)
    assert found.kg.tolist() == [12, 8]
    assert wider.cost - found.cost == found.row_price[0] == -600


FAULTS = {
    "a kilogram too much": (2, +1, "too much"),
    "a kilogram below the least lot": (0, -1, "below its least"),
    "a row exceeded by one": (1, +1, "above its limit"),
    "a truck not full": (3, -1, "no whole truckload"),
    "a pin not kept": (3, -2, "are pinned"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(name: str):
    problem, rules = faultless(truck=name == "a truck not full")
    found = allocate(problem, rules, SCIPY)
    assert certify_ruled(problem, rules, found).valid
    arc, change, words = FAULTS[name]
    kg = found.kg.copy()
    kg[arc] += change

    certificate = certify_ruled(problem, rules, replace(found, kg=kg))

    assert any(words in violation for violation in certificate.violations)


def test_a_part_of_a_truckload_in_storage_is_caught():
    carry = Carry.of(tail=[0], head=[1], most_kg=[9], cost=[0])
    problem = Problem.of(supply=[4, 2], capacity=[4], lot=[1], line=[0], cost=[5], carry=carry)
    rules = Rules.of(problem, truckload_kg=2)
    found = allocate(problem, rules, SCIPY)
    assert (found.kg.tolist(), found.carried.tolist()) == ([4], [2])

    certificate = certify_ruled(problem, rules, replace(found, carried=np.array([3])))

    assert certify_ruled(problem, rules, found).valid
    assert certificate.violations == ("store 0 holds 3 kg, which is no whole truckload of 2 kg",)


@pytest.mark.parametrize(("name", "change"), [("bound_kg", -1), ("bound_cost", +1), ("moved_kg", +1), ("cost", -1)])
def test_a_bound_one_too_tight_is_caught(name: str, change: int):
    problem, rules = faultless()
    found = allocate(problem, rules, SCIPY)

    certificate = certify_ruled(problem, rules, replace(found, **{name: getattr(found, name) + change}))

    assert not certificate.valid


@given(ruled_problems(most_arcs=4), st.integers(-3, 3), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_whatever_the_multipliers_are_the_bounds_hold(drawn: tuple[Problem, Rules], change: int, worth: int):
    problem, rules = drawn
    best = best_of_all(problem, rules)
    if best is None:
        return  # nothing keeps the rules, which another test is about
    found = allocate(problem, rules, SCIPY)
    spoiled = {
        name: replace(prices, lot=prices.lot + change, row=prices.row - change, worth=worth)
        for name in ("most_prices", "cost_prices")
        if (prices := getattr(found, name)) is not None
    }

    certificate = certify_ruled(problem, rules, replace(found, **spoiled))

    assert certificate.bound_kg is not None
    assert certificate.bound_kg >= best[0]
    assert certificate.bound_cost is not None
    if found.moved_kg == best[0]:
        assert certificate.bound_cost <= best[1]


def faultless(*, truck: bool = False) -> tuple[Problem, Rules]:
    """Four contracts: one at its least lot, one at its cap, one that fills its line, one pinned."""
    problem = Problem.of(
        supply=[10, 20, 30, 14],
        capacity=[10, 20, 20, 14],
        lot=[0, 1, 2, 3],
        line=[0, 1, 2, 3],
        cost=[100, 200, 300, 400],
    )
    return problem, Rules.of(
        problem,
        least_kg=[10, 0, 0, 0],
        fee=[1, 0, 0, 0],
        pinned_kg=[0, 0, 0, 14],
        truckload_kg=2 if truck else 1,
        rows=[cap([1], 8)],
    )


CHECKS_OF = {
    "a kilogram too much": "_nodes",
    "a kilogram below the least lot": "_kept",
    "a row exceeded by one": "_kept",
    "a truck not full": "_kept",
    "a pin not kept": "_kept",
}


@pytest.mark.parametrize("name", FAULTS)
def test_without_its_check_the_fault_would_not_be_seen(name: str, monkeypatch: pytest.MonkeyPatch):
    problem, rules = faultless(truck=name == "a truck not full")
    found = allocate(problem, rules, SCIPY)
    arc, change, words = FAULTS[name]
    kg = found.kg.copy()
    kg[arc] += change
    monkeypatch.setattr(ruled_certificate, CHECKS_OF[name], lambda *_: ())

    certificate = certify_ruled(problem, rules, replace(found, kg=kg))

    assert not any(words in violation for violation in certificate.violations)


def test_without_opening_what_reaches_its_least_the_dive_would_lose_tonnes(monkeypatch: pytest.MonkeyPatch):
    problem = random_problem(7, lots=120, lines=50, share=0.15, most_kg=40_000, most_cost=30_000)
    rules = Rules.of(problem, least_kg=np.minimum(10_000, problem.supply[problem.lot]))
    network = engine("network")

    opened = allocate(problem, rules, network, nodes=0)
    monkeypatch.setattr(rounding._Dive, "_promote", lambda *_: None)
    dropped = allocate(problem, rules, network, nodes=0)

    assert certify_ruled(problem, rules, opened).valid
    assert certify_ruled(problem, rules, dropped).valid
    assert opened.moved_kg > dropped.moved_kg
