"""Columns and options as rules in whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from marketplace.domain.errors import Invalid
from marketplace.matching.planfiles import properties_of, read_demand, read_supply
from marketplace.matching.planning import Pairs, Terms, eligible_pairs
from marketplace.matching.planrules import rules_of
from marketplace.matching.planstanding import read_standing

LOTS = ["supply_id,material,lat,lon,tonnes", "A,ash,30,110,9", "B,ash,30,110,8"]
LINES = ["demand_id,material,lat,lon,tonnes", "X,ash,30,110,10", "Y,ash,30,110,10", "Z,ash,30,110,10"]


def with_columns(rows: list[str], columns: dict[str, list[str]]) -> bytes:
    """Return a file with further columns, a list of cells each."""
    cells = [list(columns), *zip(*columns.values(), strict=True)] if columns else [()] * len(rows)
    return "\n".join(",".join([row, *more]) for row, more in zip(rows, cells, strict=True)).encode()


def pairs(lots: dict[str, list[str]] | None = None, lines: dict[str, list[str]] | None = None, **terms: int) -> Pairs:
    demand = read_demand(with_columns(LINES, lines or {}), "d")
    supply = read_supply(with_columns(LOTS, lots or {}), "s", properties=properties_of(demand))
    return eligible_pairs(supply, demand, Terms(max_m=1000, circuity_permille=1000, **{"min_lot_kg": 0, **terms}))


def rows_of(found: Pairs) -> list[tuple[list[int], list[int], int]]:
    """Return arcs, weights and the most of each row."""
    rules = rules_of(found)
    assert rules is not None
    return [
        (rules.arc[rules.row == row].tolist(), rules.weight[rules.row == row].tolist(), most)
        for row, most in enumerate(rules.most.tolist())
    ]


def test_without_rules_there_are_none():
    assert rules_of(pairs()) is None


def test_a_cap_holds_over_all_lines_of_a_buyer():
    found = pairs({"cap_per_buyer_t": ["5", ""]}, {"organization": ["P", "Q", "P"]})

    assert rows_of(found) == [([0, 2], [1, 1], 5000), ([1], [1], 5000)]


def test_a_line_without_an_organization_is_its_own():
    found = pairs({"cap_per_buyer_t": ["5", ""]}, {"organization": ["", "", ""]})

    assert rows_of(found) == [([0], [1], 5000), ([1], [1], 5000), ([2], [1], 5000)]


def test_what_is_kept_for_small_works_is_not_for_the_others():
    found = pairs({"reserved_small_t": ["", "3"]}, {"small_works": ["1", "0", ""]})

    assert rows_of(found) == [([4, 5], [1, 1], 5000)]


def test_a_mean_is_kept_exactly():
    found = pairs({"moisture": ["12.5", "20"]}, {"moisture_mean_max": ["", "15.25", ""]})

    assert rows_of(found) == [([1, 4], [-275, 475], 0)]


def test_a_least_mean_is_a_most_of_its_opposite():
    found = pairs({"sio2": ["40", "60"]}, {"sio2_mean_min": ["50", "", ""]})

    assert rows_of(found) == [([0, 3], [10, -10], 0)]


def test_a_mean_that_all_lots_keep_is_no_row():
    found = pairs({"moisture": ["12.5", "20"]}, {"moisture_mean_max": ["", "20", ""]})

    assert rules_of(found) is None


def test_a_value_that_a_mean_asks_for_and_nobody_measured_bars_the_pair():
    found = pairs({"moisture": ["12.5", ""]}, {"moisture_mean_max": ["", "15", ""]})

    ends = list(zip(found.problem.lot.tolist(), found.problem.line.tolist(), strict=True))
    assert ends == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2)]


def test_a_mean_too_fine_to_count_is_refused():
    found = pairs({"moisture": ["12.5", "99"]}, {"moisture_mean_max": ["", "15.000001", ""]})

    with pytest.raises(Invalid, match="at most six digits"):
        rules_of(found)


def test_least_lots_and_truckloads_are_rules():
    rules = rules_of(pairs({"min_lot_t": ["2", ""]}, min_lot_kg=1000, truckload_kg=500))

    assert rules is not None
    assert rules.least_kg.tolist() == [2000, 2000, 2000, 1000, 1000, 1000]
    assert rules.truckload_kg == 500


def test_a_fee_is_money_and_needs_prices():
    with pytest.raises(Invalid, match="needs prices"):
        rules_of(pairs(fee_fen=100))

    rules = rules_of(pairs({"ask_yuan_per_t": ["1", "1"]}, fee_fen=100))

    assert rules is not None
    assert rules.fee.tolist() == [100] * 6


def test_what_stands_is_pinned():
    standing = read_standing(b"supply_id,demand_id,tonnes,note\nB,Y,2.5,\nA,X,1,\nB,Y,0.5,\n", "p.csv")

    rules = rules_of(pairs(), standing)

    assert rules is not None
    assert rules.pinned_kg.tolist() == [1000, 0, 0, 0, 3000, 0]


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ({("A", "W"): 1}, "“A” and “W” stand already and are no pair any more"),
        ({("C", "X"): 1}, "“C” and “X” stand already"),
        ({("A", "X"): 5000, ("A", "Y"): 4001}, "more than “A” has"),
        ({("A", "X"): 6000, ("B", "X"): 4001}, "more than “X” has"),
    ],
)
def test_what_cannot_stand_is_refused(standing: dict[tuple[str, str], int], said: str):
    with pytest.raises(Invalid, match=said):
        rules_of(pairs(), standing)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not CSV in UTF-8"),
        (b"supply_id,tonnes\nA,1\n", "needs the columns supply_id, demand_id, tonnes"),
        (b"supply_id,demand_id,tonnes\nA,X,-1\n", "p.csv, line 2: Tonnes cannot be less than zero"),
        (b"supply_id,demand_id,tonnes\nA,X,1\nA,X\n", "p.csv, line 3: "),
    ],
)
def test_a_plan_that_cannot_be_read_is_named(content: bytes, said: str):
    with pytest.raises(Invalid, match=said):
        read_standing(content, "p.csv")


def test_weights_are_whole_numbers_of_64_bits():
    found = pairs({"moisture": ["12.5", "20"]}, {"moisture_mean_max": ["", "15.25", ""]})

    rules = rules_of(found)

    assert rules is not None
    assert rules.weight.dtype == np.int64
