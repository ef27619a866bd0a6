"""Prices and masses: nobody pays more than offered, nobody gets less than asked, every kilogram is somewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.quantities import payable_fen
from marketplace.domain.rounds import RoundResult, Snapshot
from marketplace.domain.waiting import shifted
from marketplace.matching.clearing import clear
from marketplace.matching.settlement import gate_price
from marketplace.solver.engines import engine
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, line, lot, snapshot, snapshots

SCIPY = engine("scipy")


def test_the_price_lies_midway_between_reserve_and_net() -> None:
    months = ((JANUARY, 10_000), (FEBRUARY, 5_000))

    result = clear(snapshot((lot(1, months=months),), (line(1, months=months),)), SCIPY)

    (award,) = result.awards
    assert award.months == months
    assert award.price_fen_per_t == 2000 + (7000 - 2300 - 2000) // 2
    assert award.delivered_fen_per_t == 3350 + 2300
    assert result.report.paid_fen == payable_fen(15_000, 3350) == 50_250
    assert result.report.freight_fen == 34_500
    assert result.report.transport_t_km == 15 * 26


def test_a_planning_round_has_no_prices() -> None:
    result = clear(
        snapshot((lot(reserve_fen_per_t=None),), (line(materials={"fly_ash": None}),), kind="planning"), SCIPY
    )

    (award,) = result.awards
    assert (award.price_fen_per_t, award.delivered_fen_per_t, award.freight_fen_per_t) == (None, None, 2300)
    assert result.report.paid_fen is None


@given(st.integers(-(10**8), 10**8), st.integers(0, 10**8))
def test_a_gate_price_is_never_outside_and_never_a_fen_off_the_middle(reserve: int, surplus: int) -> None:
    price = gate_price(least_fen_per_t=reserve, net_fen_per_t=reserve + surplus)

    assert reserve <= price <= reserve + surplus
    assert (price - reserve) - (reserve + surplus - price) in {0, -1}


def test_there_is_no_price_below_the_reserve() -> None:
    with pytest.raises(ValueError, match="no price between"):
        gate_price(least_fen_per_t=1, net_fen_per_t=0)


@given(snapshots())
def test_both_sides_are_no_worse_off_to_the_fen(round_: Snapshot) -> None:
    lots = {each.listing_id: each.offered for each in round_.lots}
    lines = {each.line_id: each.accepting for each in round_.lines}

    for award in clear(round_, SCIPY).awards:
        if round_.kind == "planning":
            assert award.price_fen_per_t is None
            continue
        paid = award.price_fen_per_t + award.freight_fen_per_t
        assert award.price_fen_per_t >= lots[award.listing_id].reserve_fen_per_t
        assert award.delivered_fen_per_t <= lines[award.line_id].materials[award.material]
        assert paid == award.delivered_fen_per_t - award.deduction_fen_per_t


@given(snapshots())
def test_what_is_awarded_and_what_is_left_make_up_what_there_was(round_: Snapshot) -> None:
    result = clear(round_, SCIPY)

    lots, lines = {}, {}
    for award in result.awards:
        for month, kg in shifted(dict(award.months), award.waits, "producer").items():
            lots[award.listing_id, month] = lots.get((award.listing_id, month), 0) + kg
        for month, kg in shifted(dict(award.months), award.waits, "recycler").items():
            lines[award.line_id, month] = lines.get((award.line_id, month), 0) + kg
    for left in result.leftovers:
        nodes, node = (lots, left.listing_id) if left.line_id is None else (lines, left.line_id)
        nodes[node, left.month] = nodes.get((node, left.month), 0) + left.kg
    assert lots == {(row.listing_id, month): kg for row in round_.lots for month, kg in row.months if kg}
    assert lines == {(row.line_id, month): kg for row in round_.lines for month, kg in row.months if kg}
    assert result.report.offered_kg == sum(row.offered.kg for row in round_.lots)
    assert result.report.allocated_kg == sum(award.kg for award in result.awards)
    assert 0 <= result.report.lift_kg <= result.report.allocated_kg


@given(snapshots())
def test_the_same_round_gives_the_same_bytes(round_: Snapshot) -> None:
    turned = replace(round_, lots=round_.lots[::-1], lines=round_.lines[::-1], filings=round_.filings[::-1])

    first, second, mixed = clear(round_, SCIPY), clear(round_, SCIPY), clear(turned, SCIPY)

    assert first.to_json() == second.to_json() == mixed.to_json()
    assert RoundResult.from_json(first.to_json()).to_json() == first.to_json()


def test_lift_leaves_out_what_would_be_utilized_anyway_and_names_old_stock() -> None:
    round_ = snapshot(
        (replace(lot(1, 60_000), baseline_kg=20_000), replace(lot(2, 30_000), from_stock=True)), (line(1, 100_000),)
    )

    report = clear(round_, SCIPY).report

    assert (report.allocated_kg, report.lift_kg, report.lift_from_stock_kg) == (90_000, 70_000, 30_000)
