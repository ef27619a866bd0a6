"""From a snapshot to arrays and back: which pairs are joined, and what contracts and filings close."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given

from marketplace.domain.deductions import Limit
from marketplace.domain.fit import Filing, check
from marketplace.domain.rounds import Snapshot
from marketplace.matching.assembly import assemble
from marketplace.matching.clearing import clear, remainder
from marketplace.solver.engines import engine
from marketplace.solver.problem import Allocation, Problem, SolverFailed
from tests.unit.matching.small_rounds import (
    FEBRUARY,
    JANUARY,
    TARIFF,
    filing,
    line,
    lot,
    north,
    snapshot,
    snapshots,
)

SCIPY = engine("scipy")


def test_nodes_are_lots_and_lines_by_month_and_arcs_cost_freight_and_deductions() -> None:
    moisture = Limit(property="moisture", maximum=Decimal(1), deduction_fen_per_unit=300)
    round_ = snapshot(
        (lot(7, months=((JANUARY, 10), (FEBRUARY, 20)), properties={"moisture": Decimal("1.5")}),),
        (line(3, months=((JANUARY, 5), (FEBRUARY, 6)), limits=(moisture,)), line(2, 9)),
    )

    found = assemble(round_)

    assert found.lot_nodes == ((7, JANUARY), (7, FEBRUARY))
    assert found.line_nodes == ((2, JANUARY), (3, JANUARY), (3, FEBRUARY))
    assert found.problem.supply.tolist() == [10, 20]
    assert found.problem.capacity.tolist() == [9, 5, 6]
    assert found.arcs == ((7, 2, JANUARY), (7, 3, JANUARY), (7, 3, FEBRUARY))
    assert found.problem.cost.tolist() == [2300, 2450, 2450]


@given(snapshots())
def test_an_arc_stands_exactly_where_the_pair_fits_in_the_month(round_: Snapshot) -> None:
    expected = set()
    for each in round_.lots:
        for other in round_.lines:
            filed = [
                row.filing
                for row in round_.filings
                if (row.producer_id, row.recycler_id) == (each.offered.organization_id, other.accepting.organization_id)
            ]
            for month in each.sends:
                fits = [
                    check(
                        each.offered,
                        other.accepting,
                        months=(month,),
                        circuity_permille=1300,
                        filing=own,
                        max_km=200,
                        with_prices=round_.kind == "market",
                        tariff=TARIFF,
                    )
                    for own in filed or [None]
                ]
                counted = each.offered.legal_status == "solid_waste"
                if month in other.receives and counted and any(fit.verdict == "meets" for fit in fits):
                    expected.add((each.listing_id, other.line_id, month))

    assert set(assemble(round_).arcs) == expected


def test_no_contract_stays_below_a_least_lot() -> None:
    round_ = snapshot(
        (lot(1, 10_000, least_lot_kg=8_000), lot(2, 9_000)),
        (line(1, 12_000, least_lot_kg=8_000), line(2, 7_000, point=north(30_000))),
    )

    result = clear(round_, SCIPY)

    assert [(award.listing_id, award.line_id, award.kg) for award in result.awards] == [(1, 1, 10_000), (2, 2, 7_000)]
    assert (result.report.bound_kg, result.report.gap_kg, result.report.dropped_kg) == (19_000, 2_000, 2_000)
    assert result.report.passes == 2


def test_a_lot_smaller_than_its_own_least_lot_may_go_whole() -> None:
    round_ = snapshot((lot(1, 5_000, least_lot_kg=8_000),), (line(1, 12_000),))

    result = clear(round_, SCIPY)

    assert [award.kg for award in result.awards] == [5_000]


def test_a_filing_is_never_exceeded_and_keeps_its_cheapest_kilograms() -> None:
    round_ = snapshot(
        (lot(1, 40_000), lot(2, 40_000, point=north(5_000))),
        (line(1, 100_000, division_code="150602"),),
        filings=(filing(kg=50_000),),
    )

    result = clear(round_, SCIPY)

    assert [(award.listing_id, award.kg) for award in result.awards] == [(1, 10_000), (2, 40_000)]
    assert [(left.listing_id, left.kg, left.code) for left in result.leftovers if left.listing_id] == [
        (1, 30_000, "filing_exhausted")
    ]
    assert result.report.gap_kg == 30_000


def test_of_two_filings_each_opens_its_own_months() -> None:
    usual = filing(2, 7_000).filing
    january = filing(
        1, 5_000, filing=Filing(remaining_kg=5_000, valid_from=date(2026, 1, 1), valid_to=date(2027, 1, 31))
    )
    february = filing(2, filing=Filing(remaining_kg=7_000, valid_from=date(2027, 2, 1), valid_to=usual.valid_to))
    months = ((JANUARY, 50_000), (FEBRUARY, 50_000))
    round_ = snapshot(
        (lot(1, months=months),), (line(1, months=months, division_code="150602"),), filings=(january, february)
    )

    result = clear(round_, SCIPY)

    assert [award.months for award in result.awards] == [((JANUARY, 5_000), (FEBRUARY, 7_000))]
    assert [award.filings for award in result.awards] == [((JANUARY, 1), (FEBRUARY, 2))]


def test_of_two_filings_in_force_the_one_with_most_left_counts_and_of_equals_the_older() -> None:
    months = ((JANUARY, 50_000), (FEBRUARY, 50_000))
    ended = filing(1, filing=Filing(remaining_kg=8_000, valid_from=date(2027, 1, 1), valid_to=date(2027, 2, 27)))
    round_ = snapshot(
        (lot(1, months=months),),
        (line(1, months=months, division_code="150602"),),
        filings=(ended, filing(2, 7_000), filing(3, 7_000)),
    )

    (award,) = clear(round_, SCIPY).awards

    assert award.months == ((JANUARY, 8_000), (FEBRUARY, 7_000))
    assert award.filings == ((JANUARY, 1), (FEBRUARY, 2))


def test_what_was_accepted_is_fixed_and_what_was_declined_is_not_joined_again() -> None:
    round_ = snapshot(
        (lot(1, 10_000), lot(2, 10_000)), (line(1, 10_000), line(2, 10_000, point=north(40_000)), line(3, 4_000))
    )

    rest = remainder(round_, accepted={(1, 1, JANUARY): 6_000}, declined=[(2, 2)])
    result = clear(rest, SCIPY)

    assert [(award.listing_id, award.line_id, award.kg) for award in result.awards] == [
        (1, 2, 4_000),
        (2, 1, 4_000),
        (2, 3, 4_000),
    ]
    assert sum(left.kg for left in result.leftovers if left.listing_id == 2) == 2_000


def test_the_remainder_takes_off_the_filing_too() -> None:
    round_ = snapshot((lot(1, 40_000),), (line(1, 100_000, division_code="150602"),), filings=(filing(kg=30_000),))

    rest = remainder(round_, accepted={(1, 1, JANUARY): 20_000})

    assert rest.filings[0].filing.remaining_kg == 10_000
    assert [award.kg for award in clear(rest, SCIPY).awards] == [10_000]
    with pytest.raises(ValueError, match="fewer tonnes"):
        remainder(round_, accepted={(1, 1, JANUARY): 31_000})


def test_the_remainder_takes_it_off_the_filing_under_which_it_was_accepted() -> None:
    round_ = snapshot(
        (lot(1, 40_000),), (line(1, 100_000, division_code="150602"),), filings=(filing(1, 30_000), filing(2, 20_000))
    )

    rest = remainder(round_, accepted={(1, 1, JANUARY): 5_000}, filing_of={(1, 1, JANUARY): 2})

    assert [each.filing.remaining_kg for each in rest.filings] == [30_000, 15_000]


def test_the_remainder_refuses_more_than_there_is() -> None:
    round_ = snapshot((lot(1, 40_000),), (line(1, 30_000),))

    with pytest.raises(ValueError, match="less than zero"):
        remainder(round_, accepted={(1, 1, JANUARY): 30_001})
    with pytest.raises(ValueError, match="nothing in"):
        remainder(round_, accepted={(1, 2, JANUARY): 1})


def test_an_allocation_that_is_not_proved_is_no_answer() -> None:
    def lazy(problem: Problem, /, *, progress: object = None) -> Allocation:
        found = SCIPY(problem)
        return Allocation(found.kg * 0, found.lot_price, found.line_price, found.short_lots, found.short_lines)

    with pytest.raises(SolverFailed, match="augmenting path"):
        clear(snapshot((lot(),), (line(),)), lazy)


def test_an_empty_round_has_an_empty_answer() -> None:
    result = clear(snapshot((), ()), SCIPY)

    assert (result.awards, result.leftovers, result.shortages) == ((), (), ())
    assert result.report.passes == 1


@given(snapshots())
def test_least_lots_and_filings_hold_in_every_answer(round_: Snapshot) -> None:
    result = clear(round_, SCIPY)

    lots = {each.listing_id: each.offered for each in round_.lots}
    lines = {each.line_id: each.accepting for each in round_.lines}
    for award in result.awards:
        waste = lots[award.listing_id]
        assert award.kg >= min(waste.least_lot_kg, waste.kg)
        assert award.kg >= lines[award.line_id].least_lot_kg
    for row in round_.filings:
        crossing = [
            award.kg
            for award in result.awards
            if (award.producer_id, award.recycler_id) == (row.producer_id, row.recycler_id)
            and lots[award.listing_id].division_code != lines[award.line_id].division_code
        ]
        assert sum(crossing) <= row.filing.remaining_kg
    assert result.report.gap_kg >= 0
