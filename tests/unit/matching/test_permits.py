"""What a permit leaves for a year ties a line's months together: no month keeps a share that another could use."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.quantities import Month
from marketplace.domain.rounds import RoundResult, Snapshot, SnapshotLine
from marketplace.matching.clearing import clear, remainder
from marketplace.solver.engines import engine
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, line, lot, north, snapshot, snapshots

SCIPY = engine("scipy")
BOTH = ((JANUARY, 60_000), (FEBRUARY, 60_000))


def permitted(kg: int, line_id: int = 1, **changes: object) -> SnapshotLine:
    return replace(line(line_id, months=BOTH, **changes), year_left_kg=((2027, kg),))


def moved(result: RoundResult) -> list[tuple[int, int, tuple[tuple[Month, int], ...]]]:
    return [(award.listing_id, award.line_id, award.months) for award in result.awards]


def test_a_month_uses_what_another_leaves_of_the_permit() -> None:
    round_ = snapshot((lot(1, months=((JANUARY, 50_000), (FEBRUARY, 5_000))),), (permitted(60_000),))

    result = clear(round_, SCIPY)

    assert moved(result) == [(1, 1, ((JANUARY, 50_000), (FEBRUARY, 5_000)))]
    assert (result.report.capacity_kg, result.report.gap_kg) == (60_000, 0)


def test_no_more_than_the_permit_moves_and_the_cheapest_of_it() -> None:
    round_ = snapshot(
        (lot(1, months=((JANUARY, 40_000),)), lot(2, months=((FEBRUARY, 40_000),), point=north(-30_000))),
        (permitted(50_000),),
    )

    result = clear(round_, SCIPY)

    assert moved(result) == [(1, 1, ((JANUARY, 40_000),)), (2, 1, ((FEBRUARY, 10_000),))]
    (left,) = (each for each in result.leftovers if each.listing_id)
    assert (left.listing_id, left.kg, left.code) == (2, 30_000, "permit_used_up")
    assert left.sentence.values == {"asked_year": "2027"}
    assert result.report.gap_kg == 30_000


def test_a_dearer_line_is_told_from_one_whose_permit_is_used_up() -> None:
    round_ = snapshot((lot(1, months=((JANUARY, 50_000),)),), (permitted(20_000), line(2, 60_000, point=north(60_000))))

    result = clear(round_, SCIPY)

    (dearer,) = (award for award in result.awards if award.line_id == 2)
    assert [(other.line_id, other.code) for other in dearer.alternatives] == [(1, "permit_used_up")]


def test_a_least_lot_is_over_all_months_under_a_permit() -> None:
    round_ = snapshot((lot(1, months=BOTH, least_lot_kg=30_000),), (permitted(29_000),))

    assert moved(clear(round_, SCIPY)) == []
    assert moved(clear(replace(round_, lines=(permitted(30_000),)), SCIPY))[0][:2] == (1, 1)


def test_the_remainder_takes_what_was_accepted_off_the_permit() -> None:
    round_ = snapshot((lot(1, months=BOTH),), (permitted(50_000),))

    rest = remainder(round_, accepted={(1, 1, JANUARY): 45_000})

    assert rest.lines[0].year_left_kg == ((2027, 5_000),)
    assert sum(award.kg for award in clear(rest, SCIPY).awards) == 5_000


def test_a_round_frozen_before_permits_were_told_apart_keeps_its_bytes_and_its_answer() -> None:
    round_ = snapshot((lot(1, months=BOTH),), (line(1, months=BOTH),))

    text = round_.to_json()

    assert "year_left_kg" not in text
    assert Snapshot.from_json(text) == round_
    assert sum(award.kg for award in clear(round_, SCIPY).awards) == 120_000


@given(snapshots(), st.integers(0, 60_000))
def test_no_plan_exceeds_a_permit(round_: Snapshot, left_kg: int) -> None:
    lines = tuple(replace(each, year_left_kg=((2027, left_kg),)) for each in round_.lines)

    result = clear(replace(round_, lines=lines), SCIPY)

    for each in lines:
        assert sum(award.kg for award in result.awards if award.line_id == each.line_id) <= left_kg
    assert result.proof.moved_kg == sum(award.kg for award in result.awards)
