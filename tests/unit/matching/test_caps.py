"""The most of a listing that one buyer gets, over all its lines and with what it has already."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from marketplace.domain.rounds import RoundResult, Snapshot, SnapshotLot
from marketplace.matching.clearing import clear, remainder
from marketplace.solver.engines import engine
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, filing, line, lot, north, snapshot, snapshots

SCIPY = engine("scipy")


def capped(kg: int = 50_000, cap_kg: int = 20_000, *had: tuple[int, int], **changes: object) -> SnapshotLot:
    return replace(lot(1, kg, **changes), cap_per_buyer_kg=cap_kg, had=had)


def moved(result: RoundResult) -> list[tuple[int, int]]:
    return [(award.line_id, award.kg) for award in result.awards]


def test_a_buyer_gets_no_more_than_the_cap_over_all_its_lines_and_the_cheapest_of_it() -> None:
    lines = (line(1, 15_000, organization_id=101), line(2, organization_id=101, point=north(30_000)))

    result = clear(snapshot((capped(),), lines), SCIPY)

    assert moved(result) == [(1, 15_000), (2, 5_000)]
    (left,) = (each for each in result.leftovers if each.listing_id)
    assert (left.kg, left.code) == (30_000, "cap_per_buyer")
    assert left.sentence.values == {"cap_kg": 20_000}
    assert result.report.gap_kg == 30_000


def test_what_the_cap_keeps_from_one_goes_to_another() -> None:
    lines = (line(1), line(2, point=north(60_000)))

    result = clear(snapshot((capped(),), lines), SCIPY)

    assert moved(result) == [(1, 20_000), (2, 20_000)]
    (dearer,) = (award for award in result.awards if award.line_id == 2)
    assert [(other.line_id, other.code) for other in dearer.alternatives] == [(1, "cap_per_buyer")]


def test_the_cap_is_over_the_window_not_of_each_month() -> None:
    months = ((JANUARY, 15_000), (FEBRUARY, 15_000))
    of = replace(lot(1, months=months), cap_per_buyer_kg=20_000)

    result = clear(snapshot((of,), (line(1, months=months),)), SCIPY)

    assert moved(result) == [(1, 20_000)]


def test_what_a_buyer_has_already_counts() -> None:
    lines = (line(1), line(2, point=north(60_000)))

    result = clear(snapshot((capped(50_000, 20_000, (101, 20_000), (102, 12_000)),), lines), SCIPY)

    assert moved(result) == [(2, 8_000)]
    assert [left.code for left in result.leftovers if left.line_id == 1] == ["cap_per_buyer"]


def test_what_the_cap_leaves_makes_a_contract_or_none() -> None:
    result = clear(snapshot((capped(50_000, 20_000, (101, 15_000), least_lot_kg=8_000),), (line(1),)), SCIPY)

    assert moved(result) == []
    assert [left.code for left in result.leftovers if left.listing_id] == ["least_lot"]


@pytest.mark.parametrize(("filed_kg", "cap_kg", "kg"), [(12_000, 20_000, 12_000), (20_000, 12_000, 12_000)])
def test_a_filing_and_a_cap_both_hold(filed_kg: int, cap_kg: int, kg: int) -> None:
    lines = (line(1, division_code="150602"),)

    result = clear(snapshot((capped(50_000, cap_kg),), lines, filings=(filing(1, filed_kg),)), SCIPY)

    assert moved(result) == [(1, kg)]


def test_the_remainder_counts_what_was_accepted() -> None:
    round_ = snapshot((capped(50_000, 20_000, (101, 3_000)), lot(2)), (line(1), line(2, point=north(60_000))))

    rest = remainder(round_, accepted={(1, 1, JANUARY): 10_000, (2, 2, JANUARY): 1_000})

    assert [each.had for each in rest.lots] == [((101, 13_000),), ()]
    assert moved(clear(rest, SCIPY))[0] == (1, 7_000)


def test_nobody_is_a_buyer_twice() -> None:
    with pytest.raises(ValueError, match="buyer stands twice"):
        capped(50_000, 20_000, (101, 1), (101, 2))


@given(snapshots())
def test_no_allocation_exceeds_a_cap(round_: Snapshot) -> None:
    frozen = Snapshot.from_json(round_.to_json())

    result = clear(frozen, SCIPY)

    assert frozen == round_
    bought: dict[tuple[int, int], int] = {}
    for award in result.awards:
        key = (award.listing_id, award.recycler_id)
        bought[key] = bought.get(key, 0) + award.kg
    for each in round_.lots:
        for listing_id, recycler_id in bought:
            left = each.left_for(recycler_id)
            if listing_id == each.listing_id and left is not None:
                assert bought[listing_id, recycler_id] <= left
