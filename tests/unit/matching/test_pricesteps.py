"""Lines that bid less for what is beyond a quantity: what moves, at which price, and what the certificate says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from marketplace.domain.pricesteps import PriceStep, taken_off
from marketplace.domain.rounds import RoundResult, Snapshot, SnapshotLine
from marketplace.matching import assembly
from marketplace.matching.assembly import assemble, least_price
from marketplace.matching.clearing import clear, remainder
from marketplace.matching.pricecheck import prices_certificate
from marketplace.matching.pricesteps import evenly, less_of
from marketplace.solver.engines import engine
from marketplace.solver.problem import SolverFailed
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, line, lot, snapshot, snapshots

SCIPY = engine("scipy")
NETWORK = engine("network")
HAUL = 2300
"""Freight over 20 km of straight line, in fen per tonne."""


def stepped(line_id: int, kg: int, net: int, *steps: tuple[int, int], **more: object) -> SnapshotLine:
    """A line that nets the producer so much for its first tonnes, and so much less beyond so many kilograms of a month."""
    falls = tuple(PriceStep(beyond_kg=beyond, less_fen_per_t=less) for beyond, less in steps)
    return replace(line(line_id, kg, materials={"fly_ash": net + HAUL}), steps=falls, **more)


def moved(result: RoundResult) -> dict[tuple[int, int], int]:
    return {(award.listing_id, award.line_id): award.kg for award in result.awards}


def paid(result: RoundResult) -> dict[tuple[int, int], tuple[int | None, int]]:
    """Price at the gate, and what is taken off the first price."""
    return {(award.listing_id, award.line_id): (award.price_fen_per_t, award.less_fen_per_t) for award in result.awards}


def left(result: RoundResult) -> dict[tuple[int | None, int | None], tuple[int, str]]:
    return {(each.listing_id, each.line_id): (each.kg, each.code) for each in result.leftovers}


def test_what_a_step_takes_off_is_borne_evenly_and_settled_midway() -> None:
    of = snapshot(
        (lot(1, 60_000, reserve_fen_per_t=1000), lot(2, 40_000, reserve_fen_per_t=2000)),
        (stepped(1, 100_000, 5000, (50_000, 800)),),
    )
    result = clear(of, SCIPY)
    assert moved(result) == {(1, 1): 60_000, (2, 1): 40_000}
    # half of the tonnes are bid 800 less: 400 on each; midway between reserve and 4600
    assert paid(result) == {(1, 1): (2800, 400), (2, 1): (3300, 400)}
    assert result.proof.tonnes_maximal


def test_who_cannot_bear_it_bears_what_its_reserve_leaves_and_the_others_the_rest() -> None:
    of = snapshot(
        (lot(1, 50_000, reserve_fen_per_t=4900), lot(2, 50_000, reserve_fen_per_t=1000)),
        (stepped(1, 100_000, 5000, (50_000, 800)),),
    )
    assert paid(clear(of, SCIPY)) == {(1, 1): (4900, 100), (2, 1): (2650, 700)}


def test_a_step_that_does_not_cover_the_reserve_is_not_used_and_the_reader_is_told() -> None:
    of = snapshot((lot(1, 100_000, reserve_fen_per_t=4500),), (stepped(1, 100_000, 5000, (30_000, 800)),))
    result = clear(of, SCIPY)
    assert moved(result) == {(1, 1): 30_000}
    assert paid(result) == {(1, 1): (4750, 0)}
    assert left(result) == {(1, None): (70_000, "price_step"), (None, 1): (70_000, "price_step")}


def test_for_the_most_tonnes_one_makes_way_to_a_later_step_for_another() -> None:
    of = snapshot(
        (lot(1, 30_000, reserve_fen_per_t=1000), lot(2, 30_000, reserve_fen_per_t=4500)),
        (stepped(1, 60_000, 5000, (30_000, 800)),),
    )
    result = clear(of, SCIPY)
    assert moved(result) == {(1, 1): 30_000, (2, 1): 30_000}
    assert paid(result) == {(1, 1): (2800, 400), (2, 1): (4550, 400)}


def test_for_the_greatest_surplus_a_tonne_stays_where_its_step_brings_nothing() -> None:
    rows = ((lot(1, 100_000, reserve_fen_per_t=4500),), (stepped(1, 100_000, 5000, (30_000, 800)),))
    result = clear(snapshot(*rows, objective="surplus"), SCIPY)
    assert moved(result) == {(1, 1): 30_000}
    assert result.report.surplus is not None
    assert result.report.surplus.total_fen == 30 * 500
    assert left(result)[1, None] == (70_000, "price_step")


def test_for_the_greatest_surplus_everybody_is_paid_by_the_last_tonne() -> None:
    """One kind of waste: a third tonne on the second step is worth 1000 beyond reserve, so no tonne brings its plant more."""
    rows = (
        (
            lot(1, 20_000, reserve_fen_per_t=1000, organization_id=1),
            lot(2, 40_000, reserve_fen_per_t=1000, organization_id=2),
        ),
        (stepped(1, 90_000, 5000, (30_000, 3000)),),
    )
    result = clear(snapshot(*rows, objective="surplus"), SCIPY)
    assert moved(result) == {(1, 1): 20_000, (2, 1): 40_000}
    # room is left over on the second step, so that the lots are what is scarce: each tonne is paid what the step leaves
    assert paid(result) == {(1, 1): (2000, 1500), (2, 1): (2000, 1500)}
    assert result.report.surplus is not None
    assert result.report.surplus.total_fen == 30 * 4000 + 30 * 1000


def test_steps_are_steps_of_what_arrives_whenever_it_is_used() -> None:
    """60 t arrive in January, 20 of them wait: 30 t stand on the second step, in January, and none in February."""
    stores = {"storage_kg": ((JANUARY, 20_000),)}
    waits = stepped(1, 0, 5000, (30_000, 800), months=((JANUARY, 40_000), (FEBRUARY, 20_000)), **stores)
    of = snapshot((lot(1, 60_000, reserve_fen_per_t=1000),), (waits,))
    result = clear(of, NETWORK)
    assert moved(result) == {(1, 1): 60_000}
    assert paid(result) == {(1, 1): (2800, 400)}
    tight = replace(of, lots=(lot(1, 60_000, reserve_fen_per_t=4500),))
    assert moved(clear(tight, NETWORK)) == {(1, 1): 30_000}


def test_a_truck_that_would_stand_on_two_steps_stands_whole_on_the_later_one() -> None:
    of = snapshot(
        (lot(1, 90_000, reserve_fen_per_t=4500),), (stepped(1, 90_000, 5000, (50_000, 800)),), truckload_kg=30_000
    )
    result = clear(of, SCIPY)
    assert moved(result) == {(1, 1): 30_000}
    assert paid(result) == {(1, 1): (4750, 0)}
    covers = replace(of, lots=(lot(1, 90_000, reserve_fen_per_t=1000),))
    assert moved(clear(covers, SCIPY)) == {(1, 1): 90_000}
    # 40 t of 90 are beyond: 356 on each, a part of a fen to the recycler
    assert paid(clear(covers, SCIPY)) == {(1, 1): (1000 + (4000 - 356) // 2, 356)}


def test_only_the_recycler_reads_what_its_steps_take_off() -> None:
    of = snapshot((lot(1, 100_000, reserve_fen_per_t=1000),), (stepped(1, 100_000, 5000, (50_000, 800)),))
    award = clear(of, SCIPY).awards[0]
    told = [(sentence.values or {}).get("less_fen_per_t") for sentence in award.explanation.recycler]
    assert told.count(400) == 1
    others = (*award.explanation.producer, *award.explanation.park)
    assert all("less_fen_per_t" not in (sentence.values or {}) for sentence in others)


@pytest.mark.parametrize("by", [-1, 399])
def test_the_certificate_finds_what_was_not_taken_off(by: int) -> None:
    of = snapshot((lot(1, 100_000, reserve_fen_per_t=1000),), (stepped(1, 100_000, 5000, (50_000, 800)),))
    result = clear(of, SCIPY)
    assert prices_certificate(of, result)[0].bids_kept
    award = result.awards[0]
    wrong = replace(award, less_fen_per_t=by if by < 0 else award.less_fen_per_t - 1)
    proof, faults = prices_certificate(of, replace(result, awards=(wrong,)))
    assert not proof.bids_kept
    assert any("price steps take" in fault for fault in faults)


def test_the_certificate_finds_what_was_taken_off_without_a_step() -> None:
    of = snapshot((lot(1, 100_000, reserve_fen_per_t=1000),), (stepped(1, 100_000, 5000),))
    result = clear(of, SCIPY)
    wrong = replace(result, awards=(replace(result.awards[0], less_fen_per_t=1),))
    assert any("no such step" in fault for fault in prices_certificate(of, wrong)[1])


def test_without_the_cover_a_reserve_is_broken_and_nothing_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    of = snapshot(
        (lot(1, 100_000, reserve_fen_per_t=4500, least_lot_kg=100_000),),
        (stepped(1, 100_000, 5000, (50_000, 1200)),),
    )
    assert moved(clear(of, SCIPY)) == {}
    monkeypatch.setattr(assembly, "spare", lambda *_: 10**6)
    with pytest.raises((SolverFailed, ValueError)):
        if moved(clear(of, SCIPY)) == {}:
            pytest.fail("nothing moved")


def test_a_second_pass_goes_on_where_the_accepted_tonnes_stand() -> None:
    of = snapshot(
        (
            lot(1, 40_000, reserve_fen_per_t=1000, organization_id=1),
            lot(2, 60_000, reserve_fen_per_t=1000, organization_id=2),
        ),
        (stepped(1, 100_000, 5000, (50_000, 800)),),
    )
    rest = remainder(of, accepted={(1, 1, JANUARY): 40_000})
    assert rest.lines[0].stood_kg == ((JANUARY, 40_000),)
    again = clear(rest, SCIPY)
    assert moved(again) == {(2, 1): 60_000}
    assert paid(again) == {(2, 1): (1000 + (4000 - 667) // 2, 667)}  # 50 of its 60 t are beyond
    twice = remainder(rest, accepted={(2, 1, JANUARY): 60_000})
    assert twice.lines == ()


def test_a_line_without_steps_is_frozen_as_it_was() -> None:
    told = snapshot((lot(1),), (line(1),)).to_json()
    assert '"steps"' not in told
    assert '"stood_kg"' not in told
    assert '"less_fen_per_t"' not in clear(snapshot((lot(1),), (line(1),)), SCIPY).to_json()


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 40)), min_size=1, max_size=6), st.integers(0, 200))
def test_evenly_is_the_least_rate_that_does(parts: list[tuple[int, int]], total: int) -> None:
    def borne(rate: int) -> int:
        return sum(kg * min(rate, most) for kg, most in parts)

    if borne(10**6) < total:
        with pytest.raises(ValueError, match="take off more"):
            evenly(total, parts)
        return
    rate = evenly(total, parts)
    assert borne(rate) >= total
    assert rate == 0 or borne(rate - 1) < total


@st.composite
def rounds(draw: st.DrawFn) -> Snapshot:
    """One month and place: reserves, bids in steps and quantities."""
    small = st.integers(0, 5).map(lambda tonnes: tonnes * 1000)
    lots = tuple(
        lot(at, draw(small), reserve_fen_per_t=draw(st.integers(0, 9)), organization_id=at)
        for at in range(1, draw(st.integers(1, 4)) + 1)
    )
    lines = []
    for at in range(1, draw(st.integers(1, 3)) + 1):
        begins = sorted(draw(st.sets(st.integers(1, 4), max_size=2)))
        less = sorted(draw(st.sets(st.integers(1, 6), min_size=len(begins), max_size=len(begins))))
        falls = [(begin * 1000, each) for begin, each in zip(begins, less, strict=True)]
        lines.append(stepped(at, draw(small), draw(st.integers(0, 12)), *falls))
    return snapshot(lots, tuple(lines), objective=draw(st.sampled_from(["utilization", "surplus"])))


def best(of: Snapshot) -> float:
    """
    Return minus the most kilograms, or minus the greatest surplus, by a linear program over kilograms by lot, line and step.

    It is written from the rule alone: a tonne stands on a step that covers its reserve.
    """
    lesses = {row.line_id: (0, *(step.less_fen_per_t for step in row.steps)) for row in of.lines}
    begins = {row.line_id: (0, *(step.beyond_kg for step in row.steps), 10**9) for row in of.lines}
    names, gains = [], []
    for a in of.lots:
        for b in of.lines:
            net = (b.accepting.materials["fly_ash"] or 0) - HAUL
            for step, less in enumerate(lesses[b.line_id]):
                gain = net - less - (a.offered.reserve_fen_per_t or 0)
                if gain >= 0:
                    names.append((a.listing_id, (b.line_id, step)))
                    gains.append(1 if of.objective == "utilization" else gain)
    rows, most = [], []
    for a in of.lots:
        rows.append([name[0] == a.listing_id for name in names])
        most.append(a.offered.kg)
    for b in of.lines:
        rows.append([name[1][0] == b.line_id for name in names])
        most.append(dict(b.months)[JANUARY])
        for step, (begin, end) in enumerate(pairwise(begins[b.line_id])):
            rows.append([name[1] == (b.line_id, step) for name in names])
            most.append(end - begin)
    if not names:
        return 0.0
    found = linprog(-np.array(gains), A_ub=np.array(rows, dtype=float), b_ub=most)
    assert found.success
    return float(found.fun)


@given(rounds())
def test_no_plan_on_steps_that_cover_it_moves_or_brings_more(of: Snapshot) -> None:
    result = clear(of, SCIPY)
    if of.objective == "utilization":
        assert result.report.allocated_kg == pytest.approx(-best(of))
        return
    assembled = assemble(of)
    brought = 0
    for award in result.awards:
        fit = assembled.fits[award.listing_id, award.line_id]
        brought += award.kg * ((fit.net_fen_per_t or 0) - least_price(of, assembled.lots[award.listing_id]))
    brought -= sum(taken_off(row.steps, stood_kg=0, kg=kg) for row, kg in arrivals(of, result))
    assert brought == pytest.approx(-best(of))


def arrivals(of: Snapshot, result: RoundResult) -> list[tuple[SnapshotLine, int]]:
    return [(row, sum(award.kg for award in result.awards if award.line_id == row.line_id)) for row in of.lines]


@given(rounds())
def test_both_engines_answer_alike_on_steps(of: Snapshot) -> None:
    assert replace(clear(of, NETWORK), engine="scipy").to_json() == clear(of, SCIPY).to_json()


def owed(row: SnapshotLine, arriving: Mapping[object, int]) -> int:
    """Return what a recycler offered at most for what arrives, in thousandths of a fen, first price at zero."""
    return -sum(taken_off(row.steps, stood_kg=0, kg=kg) for kg in arriving.values())


@given(rounds(), st.data())
def test_whoever_declines_no_recycler_pays_more_than_it_offered_over_both_passes(
    of: Snapshot, data: st.DataObject
) -> None:
    first = clear(of, SCIPY)
    kept = [award for award in first.awards if data.draw(st.booleans())]
    accepted = {(award.listing_id, award.line_id, month): kg for award in kept for month, kg in award.months}
    declined = [(award.listing_id, award.line_id) for award in first.awards if award not in kept]
    second = clear(remainder(of, accepted=accepted, declined=declined), SCIPY)
    for row in of.lines:
        awards = [award for award in (*kept, *second.awards) if award.line_id == row.line_id]
        granted = sum(award.kg * award.less_fen_per_t for award in awards)
        assert -granted <= owed(row, {JANUARY: sum(award.kg for award in awards)})


@given(snapshots())
def test_what_is_taken_off_never_goes_below_a_reserve(of: Snapshot) -> None:
    of = replace(of, kind="market")
    assembled = assemble(of)
    result = clear(of, SCIPY)
    flows = {(award.listing_id, award.line_id): dict(award.months) for award in result.awards}
    for pair, months in less_of(assembled, flows).items():
        assert all(0 < less <= assembled.spare_fen_per_t(pair) for less in months.values())
