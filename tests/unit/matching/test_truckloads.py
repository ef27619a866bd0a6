"""Whole truckloads: what moves between two in a month is a multiple of the load, and what is less than one stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace.domain.rounds import RoundResult, Snapshot
from marketplace.matching import contracts
from marketplace.matching.clearing import clear
from marketplace.solver.engines import engine
from marketplace.solver.problem import Integers
from marketplace.solver.ruling.rules import Rules
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, line, lot, north, snapshot

NETWORK = engine("network")
LOAD = 30_000


def by_the_load(*args: object, **changes: object) -> Snapshot:
    lots, lines = args
    return snapshot(lots, lines, **{"truckload_kg": LOAD, "explains": 1, **changes})  # type: ignore[arg-type]  # any field of a round


def moved(result: RoundResult) -> list[tuple[int, int, int]]:
    return [(award.listing_id, award.line_id, award.kg) for award in result.awards]


def test_whole_loads_move_and_the_rest_is_told_with_what_would_fill_a_truck() -> None:
    result = clear(by_the_load((lot(1, 100_000),), (line(1, 500_000),)), NETWORK)

    assert moved(result) == [(1, 1, 90_000)]
    assert (result.report.gap_kg, result.report.truckload_kg, result.proof.most_kg) == (10_000, LOAD, 90_000)
    left, line_left = result.leftovers
    assert (line_left.kg, line_left.code) == (410_000, "supply_placed")
    assert (left.kg, left.code, left.proved_kg) == (10_000, "part_truckload", 30_000)
    assert left.sentence.values == {
        "truckload_kg": LOAD, "left_kg": 10_000, "room_kg": 410_000, "asked_month": "2027-01",
    }  # fmt: skip
    assert left.flip is not None
    assert "20000 t more of it were offered" in str(left.flip)


def test_room_for_less_than_a_truck_is_told_of_the_line() -> None:
    result = clear(by_the_load((lot(1, 100_000),), (line(1, 50_000),)), NETWORK)

    assert moved(result) == [(1, 1, 30_000)]
    lot_left, line_left = result.leftovers
    assert (lot_left.kg, lot_left.code, lot_left.proved_kg) == (70_000, "capacity_full", 30_000)
    assert lot_left.sentence.values == {"asked_month": "2027-01", "fitting": 1, "room_kg": 50_000}
    assert (line_left.kg, line_left.code) == (20_000, "part_truckload")
    assert "the line had room for 10000 t more" in str(lot_left.flip)


def test_a_line_with_room_for_less_than_a_truck_is_no_alternative() -> None:
    lines = (line(1, 50_000), line(2, 100_000, point=north(60_000)))

    result = clear(by_the_load((lot(1, 60_000),), lines), NETWORK)

    assert moved(result) == [(1, 1, 30_000), (1, 2, 30_000)]
    (farther,) = (award for award in result.awards if award.line_id == 2)
    assert [(other.line_id, other.code) for other in farther.alternatives] == [(1, "part_truckload")]


def test_each_month_is_whole_by_itself() -> None:
    months = ((JANUARY, 50_000), (FEBRUARY, 40_000))

    result = clear(by_the_load((lot(1, months=months),), (line(1, months=months),)), NETWORK)

    assert result.awards[0].months == ((JANUARY, 30_000), (FEBRUARY, 30_000))


def test_a_least_lot_is_reached_in_whole_loads() -> None:
    of = by_the_load((lot(1, 100_000, least_lot_kg=40_000),), (line(1, 59_000), line(2, 60_000, point=north(60_000))))

    assert moved(clear(of, NETWORK)) == [(1, 2, 60_000)]


def test_a_plan_of_whole_loads_by_itself_is_the_plain_one() -> None:
    result = clear(by_the_load((lot(1, 90_000),), (line(1, 60_000),)), NETWORK)

    assert moved(result) == [(1, 1, 60_000)]
    assert (result.report.passes, result.proof.cost_minimal) == (1, True)


def test_a_region_short_of_room_is_counted_in_whole_loads() -> None:
    result = clear(by_the_load((lot(1, 100_000),), (line(1, 50_000),)), NETWORK)

    (region,) = result.shortages
    assert (region.supply_kg, region.room_kg, region.kg) == (90_000, 30_000, 60_000)
    assert "whole truckloads" in region.sentence.text


def test_the_award_says_how_many_loads_it_is() -> None:
    result = clear(by_the_load((lot(1, 100_000),), (line(1, 500_000),)), NETWORK)

    said = [each.values for each in result.awards[0].explanation.producer if "loads" in (each.values or {})]
    assert said == [{"truckload_kg": LOAD, "loads": 3}]
    assert (result.rooms, result.awards[0].margin) == ((), None)


def test_without_the_rule_a_part_of_a_load_would_move(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(_: contracts._Contracts, rules: Rules, kg: Integers) -> bool:
        return True

    monkeypatch.setattr(contracts._Contracts, "kept", kept)

    assert moved(clear(by_the_load((lot(1, 100_000),), (line(1, 500_000),)), NETWORK)) == [(1, 1, 100_000)]


def test_a_round_frozen_before_truckloads_keeps_its_bytes() -> None:
    of = snapshot((lot(1),), (line(1),))

    assert "truckload" not in of.to_json()
    assert Snapshot.from_json(of.to_json()) == of
    assert Snapshot.from_json(replace(of, truckload_kg=LOAD).to_json()).truckload_kg == LOAD
