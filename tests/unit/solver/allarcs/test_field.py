"""A market as points: the same plan as over all arcs in memory, whatever is kept; and a certificate that makes every arc again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.solver import network, transport
from marketplace.solver.allarcs import delayed, pricing, settling, tiles
from marketplace.solver.allarcs.delayed import Scattered, allocate_field
from marketplace.solver.allarcs.field import Field
from marketplace.solver.allarcs.field_certificate import FieldCertificate, certify_field, every_arc
from marketplace.solver.allarcs.sources import Found, Prices
from marketplace.solver.answer.finish import Best
from marketplace.solver.graph import Graph
from marketplace.solver.problem import Allocation, Cancelled, Objective, Problem, weighted
from marketplace.solver.sphere import great_circle_m
from marketplace.solver.spread import Processes
from tests.unit.solver.problems import random_problem

OBJECTIVES: tuple[Objective, ...] = ("utilization", "surplus")


def scattered_field(seed: int) -> Field:
    """Up to 60 lots and 40 lines near and far, of up to three materials that some lines take together."""
    rng = np.random.default_rng(seed)
    n, m, kinds = int(rng.integers(0, 60)), int(rng.integers(0, 40)), int(rng.integers(1, 4))
    degrees, far = float(rng.choice([0.02, 0.5, 4])), int(rng.choice([2_000, 60_000, 300_000]))

    def points(k: int):
        return np.rint(np.array([30, 110]) * 1e6 + rng.uniform(0, degrees * 1e6, (k, 2))).astype(np.int64)

    takes = np.zeros((m, kinds), dtype=np.bool_)
    takes[np.arange(m), rng.integers(0, kinds, m)] = True
    if rng.random() < 0.3:
        takes |= rng.random((m, kinds)) < 0.2
    return Field(
        supply=rng.integers(0, int(rng.choice([3, 10**3, 10**6])), n),
        capacity=rng.integers(0, int(rng.choice([3, 10**3, 10**6])), m),
        lots_at=points(n),
        lines_at=points(m),
        radius_m=rng.integers(-1, far, m),
        material=rng.integers(0, kinds, n),
        takes=takes,
        values=rng.random((n, 1)),
        limits=1.2 * rng.random((m, 1)),
        lot_cost=rng.integers(0, 5, n) * int(rng.choice([0, 1, 300])),
        line_cost=rng.integers(-5, 5, m) * int(rng.choice([0, 1, 1_000])),
        freight=(np.arange(far + 1) * float(rng.choice([0, 0.0005, 0.07, 1.3]))).astype(np.int64),
    )


def a_field() -> Field:
    """Thirty lots and twenty lines within a hundred kilometers, all of a kind, every pair an arc."""
    rng = np.random.default_rng(11)
    return Field(
        supply=rng.integers(1_000, 9_000, 30),
        capacity=rng.integers(1_000, 9_000, 20),
        lots_at=rng.integers(30_000_000, 30_700_000, (30, 2)),
        lines_at=rng.integers(30_000_000, 30_700_000, (20, 2)),
        radius_m=np.full(20, 150_000),
        material=np.zeros(30, dtype=np.int64),
        takes=np.ones((20, 1), dtype=np.bool_),
        values=np.zeros((30, 0)),
        limits=np.zeros((20, 0)),
        lot_cost=np.zeros(30, dtype=np.int64),
        line_cost=rng.integers(-500, 500, 20),
        freight=np.arange(150_001) * 7 // 100,
    )


def gaining(field: Field, objective: Objective) -> Field:
    return replace(field, lot_cost=field.lot_cost - int(np.median(field.freight))) if objective == "surplus" else field


def in_memory(field: Field, objective: Objective) -> Problem:
    """Every pair of the field that is an arc, by the haversine of each."""
    n, m = field.supply.size, field.capacity.size
    lot, line = np.divmod(np.arange(n * m), max(m, 1))
    meters = great_circle_m(field.lots_at[lot], field.lines_at[line])
    fit = field.takes[line, field.material[lot]] & (meters <= field.radius_m[line])
    fit &= (field.values[lot] <= field.limits[line]).all(axis=1)
    lot, line = lot[fit], line[fit]
    cost = field.freight[meters[fit]] + field.lot_cost[lot] + field.line_cost[line]
    return Problem.of(supply=field.supply, capacity=field.capacity, lot=lot, line=line, cost=cost, objective=objective)


def certified(field: Field, found: Scattered, objective: Objective = "utilization") -> FieldCertificate:
    return certify_field(field, found.arcs.lot, found.arcs.line, found.allocation, objective)


@pytest.mark.parametrize("engine", [network, transport])
@pytest.mark.parametrize("objective", OBJECTIVES)
@given(seed=st.integers(0, 10**9), budget=st.sampled_from([0, 400, 10**9]), tile=st.sampled_from([3, 10**9]))
@settings(deadline=None, max_examples=150)
def test_a_field_gives_the_plan_and_the_prices_of_all_arcs_in_memory(
    engine, objective, seed: int, budget: int, tile: int
):
    field = gaining(scattered_field(seed), objective)
    problem = in_memory(field, objective)
    every = engine.allocate(problem)
    used = np.flatnonzero(every.kg)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "MOST_LOTS", tile)
        found = allocate_field(field, engine.METHOD, objective=objective, budget=budget)

    arcs, answer = found.arcs, found.allocation
    expected = (problem.lot[used], problem.line[used], problem.cost[used], every.kg[used])
    for one, other in zip((*arcs, answer.kg), expected, strict=True):
        assert one.tolist() == other.tolist()
    for name in ("lot_price", "line_price", "short_lots", "short_lines"):
        assert getattr(answer, name).tobytes() == getattr(every, name).tobytes()


@given(seed=st.integers(0, 10**9), share=st.sampled_from([0.0, 0.3]), objective=st.sampled_from(OBJECTIVES))
@settings(deadline=None, max_examples=100)
def test_the_plans_of_tiles_are_one_that_is_the_best_over_the_arcs_it_holds(seed: int, share: float, objective):
    field = gaining(scattered_field(seed), objective)
    for part in field.split():
        source = field.part(*part)
        every = {(*pair,) for arcs in source.batches() for pair in zip(*(c.tolist() for c in arcs), strict=True)}

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tiles, "MOST_LOTS", 4)
            patch.setattr(tiles, "SHARE", share)
            start = tiles.halved(source, network.METHOD, objective=objective, budget=10**9)

        assert (start is None) == (part[0].size <= 4)
        if start is not None:
            arcs, kg, n = start.arcs, start.kg, part[0].size
            assert set(zip(*(c.tolist() for c in arcs), strict=True)) <= every
            assert np.all(np.diff(arcs.lot * part[1].size + arcs.line) > 0)
            left = source.supply - np.bincount(arcs.lot, weights=kg, minlength=n)
            assert left.min() >= 0
            assert np.all(np.bincount(arcs.line, weights=kg, minlength=part[1].size) <= source.capacity)
            reduced = Prices.of(start.potentials, start.short, n, objective).reduced(arcs)
            assert reduced.min(initial=0) >= 0
            assert not reduced[kg > 0].any()
            assert not left[~start.short[:n]].any()


@pytest.mark.parametrize("objective", OBJECTIVES)
@given(seed=st.integers(0, 10**9))
@settings(deadline=None, max_examples=100)
def test_a_plan_is_the_best_again_after_arcs_have_come(objective, seed: int):
    rng = np.random.default_rng(seed)
    problem = random_problem(seed, lots=30, lines=20, share=0.4, most_kg=50, most_cost=30)
    problem = replace(problem, objective=objective)
    kept = np.flatnonzero(rng.random(problem.lot.size) < 0.6)
    some = replace(problem, lot=problem.lot[kept], line=problem.line[kept], cost=problem.cost[kept])
    plan = network.best(some, Graph.of(some))
    kg = np.zeros(problem.lot.size, dtype=np.int64)
    kg[kept] = plan.kg

    found = network.better(problem, Graph.of(problem), Best(kg, plan.short, plan.potentials))

    cold = network.best(problem, Graph.of(problem))
    assert found.kg.sum() == cold.kg.sum() or objective == "surplus"
    assert weighted(found.kg, problem.cost) == weighted(cold.kg, problem.cost)
    assert found.short.tolist() == cold.short.tolist()


@given(seed=st.integers(0, 10**9))
@settings(deadline=None, max_examples=100)
def test_the_arcs_of_a_field_are_the_pairs_near_enough(seed: int):
    field = scattered_field(seed)
    problem = in_memory(field, "utilization")
    some = field.supply[problem.lot] > 0
    pairs = list(zip(problem.lot[some].tolist(), problem.line[some].tolist(), strict=True))

    again = [(*pair,) for lot, line, _ in every_arc(field) for pair in zip(lot.tolist(), line.tolist(), strict=True)]
    own = [
        (int(lots[lot]), int(lines[line]))
        for lots, lines in field.split()
        for arcs in field.part(lots, lines).batches()
        for lot, line in zip(arcs.lot.tolist(), arcs.line.tolist(), strict=True)
    ]

    assert sorted(again) == pairs
    assert sorted(own) == pairs
    assert field.count() == len(pairs)


@given(seed=st.integers(0, 10**9))
@settings(deadline=None, max_examples=60)
def test_arcs_that_are_generated_are_priced_as_stored_ones(seed: int):
    """With any prices at all, among them such as no plan has."""
    field = scattered_field(seed)
    rng = np.random.default_rng(seed)
    for lots, lines in field.split():
        source, n, m = field.part(lots, lines), lots.size, lines.size
        potentials, short = rng.integers(-2_000, 9_000, n + m), rng.random(n + m) < 0.3
        prices = Prices.of(potentials, short, n, "utilization")

        found = source.improving(prices, 10**6, thin=False)
        kept = source.stored(10**9)
        assert kept is not None
        stored = kept.improving(prices, 10**6)

        assert found.complete
        assert found.count == stored.count
        assert sorted(zip(*(c.tolist() for c in found.arcs), strict=True)) == sorted(
            zip(*(c.tolist() for c in stored.arcs), strict=True)
        )
        assert found.worst.tolist() == stored.worst.tolist()
        thin = source.improving(prices, 4)
        assert np.all(thin.worst <= found.worst)


@pytest.mark.parametrize("objective", OBJECTIVES)
@given(seed=st.integers(0, 10**9))
@settings(deadline=None, max_examples=100)
def test_every_plan_is_proved_over_all_arcs(objective: Objective, seed: int):
    field = gaining(scattered_field(seed), objective)

    proof = certified(field, allocate_field(field, network.METHOD, objective=objective), objective)

    assert proof.violations == ()
    assert proof.gap == 0
    assert proof.valid or objective == "surplus"


@pytest.mark.parametrize("seed", range(3))
def test_parts_in_other_processes_give_the_same_plan(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settling, "WORTH_PROCESSES", 0)
    field = scattered_field(seed)

    here, there = (allocate_field(field, network.METHOD, spread=spread) for spread in (None, Processes(2)))

    assert [column.tolist() for column in there.arcs] == [column.tolist() for column in here.arcs]
    for name in ("kg", "lot_price", "line_price", "short_lots", "short_lines"):
        assert getattr(there.allocation, name).tobytes() == getattr(here.allocation, name).tobytes()


def changed(found: Scattered, **fields) -> Scattered:
    return replace(found, allocation=replace(found.allocation, **fields))


def test_a_kilogram_too_much_is_caught():
    field = a_field()
    found = allocate_field(field, network.METHOD)
    kg = found.allocation.kg.copy()
    kg[0] += 1

    proof = certified(field, changed(found, kg=kg))

    assert not proof.feasible
    assert not proof.valid


def test_a_kilogram_less_is_caught():
    field = a_field()
    found = allocate_field(field, network.METHOD)
    kg = found.allocation.kg.copy()
    kg[0] -= 1

    proof = certified(field, changed(found, kg=kg))

    assert proof.feasible
    assert not proof.tonnes_maximal
    assert proof.bound is None


@pytest.mark.parametrize("by", [-1, 1])
def test_a_price_off_by_one_is_caught(by: int):
    field = a_field()
    found = allocate_field(field, network.METHOD)
    used = int(found.arcs.lot[0])
    price = found.allocation.lot_price.copy()
    price[used] += by

    proof = certified(field, changed(found, lot_price=price))

    assert certified(field, found).valid
    assert not proof.valid


def test_a_cut_that_an_arc_leads_out_of_is_caught():
    field = a_field()
    found = allocate_field(field, network.METHOD)

    proof = certified(field, changed(found, short_lots=~found.allocation.short_lots))

    assert not proof.tonnes_maximal
    assert not proof.valid


def test_something_that_moves_where_there_is_no_arc_is_caught():
    field = a_field()
    found = allocate_field(field, network.METHOD)
    radius = field.radius_m.copy()
    radius[found.arcs.line[0]] = 0

    assert "something moves where there is no arc" in certified(replace(field, radius_m=radius), found).violations


def test_an_arc_that_was_left_out_is_caught(monkeypatch: pytest.MonkeyPatch):
    """The pricing passes over every arc of one lot that the start does not hold."""
    field = a_field()
    assert certified(field, allocate_field(field, network.METHOD, budget=0)).valid
    honest = delayed.Field.part(field, np.arange(30), np.arange(20))
    forgotten = int(np.argmax(_missed(field, honest)))

    def without(self, prices: Prices, most: int, *, thin: bool = True) -> Found:
        found = improving(self, prices, most, thin=thin)
        worst = found.worst.copy()
        worst[forgotten] = 0
        kept = found.arcs.lot != forgotten
        arcs = type(found.arcs)(*(column[kept] for column in found.arcs))
        return Found(arcs, worst, arcs.lot.size, complete=True)

    improving = type(honest).improving
    monkeypatch.setattr(type(honest), "improving", without)

    proof = certified(field, allocate_field(field, network.METHOD, budget=0))

    assert proof.feasible
    assert not proof.valid
    assert any("cost less than their prices" in violation for violation in proof.violations)


def _missed(field: Field, source) -> np.ndarray:
    """Return how many of the arcs that a best plan uses the start does not hold, by lot."""
    start = source.start(4, 8)
    held = np.zeros((30, 20), dtype=np.bool_)
    held[start.lot, start.line] = True
    best = allocate_field(field, network.METHOD).arcs
    return np.bincount(best.lot[~held[best.lot, best.line]], minlength=30)


@pytest.mark.parametrize("budget", [0, 10**9])
def test_a_plan_within_a_share_has_a_certified_gap(budget: int):
    field = a_field()
    best = allocate_field(field, network.METHOD)

    found = allocate_field(field, network.METHOD, share=0.5, budget=budget)
    proof = certified(field, found)

    assert proof.feasible
    assert proof.tonnes_maximal
    assert proof.bound == found.statistics.bound
    assert proof.bound <= best.statistics.cost <= found.statistics.cost == proof.cost
    assert proof.gap <= 0.5 * abs(proof.cost)


def two_that_nearly_cancel(seed: int) -> Field:
    """A material whose plan costs something, and another whose gates pay almost as much."""
    field = a_field()
    rng = np.random.default_rng(seed)
    kind = np.arange(30) % 2
    takes = np.zeros((20, 2), dtype=np.bool_)
    takes[np.arange(20), np.arange(20) % 2] = True
    gates = rng.integers(-500, 500, 20) - np.where(np.arange(20) % 2, 3_000 + int(rng.integers(0, 300)), 0)
    return replace(field, material=kind, takes=takes, line_cost=gates)


def test_the_share_is_of_the_sum_even_where_parts_nearly_cancel(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pricing, "ANY", 1)
    monkeypatch.setattr(pricing, "CHEAPEST", 1)
    monkeypatch.setattr(pricing, "_ADDED", 1)
    nearer, share = 0, 0.2

    for seed in range(30):
        field = two_that_nearly_cancel(seed)
        proof = certified(field, allocate_field(field, network.METHOD, share=share))
        with monkeypatch.context() as patch:
            patch.setattr(settling.Parts, "within", only_once)
            alone = certified(field, allocate_field(field, network.METHOD, share=share))
        nearer += alone.gap > share * abs(alone.cost)

        assert proof.feasible
        assert proof.tonnes_maximal
        assert proof.gap <= share * abs(proof.cost)

    assert nearer, "where each part alone is within the share, the sum is not: the control"


def only_once(parts: settling.Parts, share: float):
    parts._settle(list(range(len(parts.split))), share)
    return parts._all()


def test_progress_comes_to_its_end_and_what_it_raises_ends_the_run():
    told = []
    allocate_field(a_field(), network.METHOD, progress=lambda done, of: told.append(done / of))
    assert told == sorted(told)
    assert told[-1] == 1

    def enough(done: int, of: int) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        allocate_field(a_field(), network.METHOD, progress=enough)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"lots_at": np.zeros((29, 2), dtype=np.int64)}, "two coordinates"),
        ({"values": np.zeros((29, 0))}, "of every property"),
        ({"material": np.zeros(29, dtype=np.int64)}, "a material and a cost"),
        ({"radius_m": np.zeros(19, dtype=np.int64)}, "a radius"),
        ({"freight": np.array([3, 2])}, "never falls"),
        ({"freight": np.arange(9)}, "as far as a line reaches"),
        ({"line_cost": np.full(20, 10**9)}, "beyond"),
    ],
)
def test_what_is_no_field_is_refused(wrong, what: str):
    with pytest.raises(ValueError, match=what):
        replace(a_field(), **wrong)


def test_an_answer_is_an_allocation_along_its_arcs():
    found = allocate_field(a_field(), network.METHOD)

    assert isinstance(found.allocation, Allocation)
    assert found.arcs.lot.size == found.allocation.kg.size
    assert found.allocation.kg.min() > 0
    assert found.statistics.gap == 0
    assert found.statistics.held < 600
