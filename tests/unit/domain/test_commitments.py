"""What is committed of a line against its capacity and its permit, and what a park may lower it to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.capacities import LoweredCapacity
from marketplace.domain.commitments import Capacity, Committed, last_day, total
from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month

JANUARY, FEBRUARY = Month(2027, 1), Month(2027, 2)


def committed(
    january: Capacity,
    february: Capacity = Capacity(1000, 0, 0),
    year: Capacity = Capacity(9000, 0, 0),
    *,
    until: date | None = date(2027, 12, 31),
    retired: bool = False,
) -> Committed:
    return Committed(((JANUARY, january), (FEBRUARY, february)), ((2027, year),), until, retired)


def test_it_says_by_how_much_month_and_year_are_over() -> None:
    both = committed(Capacity(1000, 200, 1100), year=Capacity(9000, 0, 9700))
    within = committed(Capacity(1000, 400, 600))

    assert (both.over_months, both.over_years, both.over_kg) == (((JANUARY, 300),), ((2027, 700),), 700)
    assert (within.over_months, within.over_years, within.over_kg) == ((), (), 0)


def test_a_month_that_is_closed_holds_nothing() -> None:
    closed = Capacity(0, 0, 5)

    assert (closed.over_kg, closed.free_kg, closed.load) == (5, 0, None)
    assert Capacity(1000, 250, 250).load == Decimal("0.5")


@pytest.mark.parametrize(
    ("until", "uncovered"),
    [
        (date(2027, 2, 28), ()),
        (date(2027, 2, 27), ((FEBRUARY, 40),)),
        (date(2027, 1, 30), ((JANUARY, 30), (FEBRUARY, 40))),
        (None, ((JANUARY, 30), (FEBRUARY, 40))),
    ],
)
def test_a_permit_covers_a_month_that_it_outlasts(until: date | None, uncovered: object) -> None:
    line = committed(Capacity(1000, 10, 20), Capacity(1000, 40, 0), until=until)

    assert line.uncovered == uncovered


def test_a_month_without_commitments_needs_no_permit() -> None:
    assert committed(Capacity(1000, 0, 0), until=None).uncovered == ()


def test_free_is_what_month_year_and_permit_leave() -> None:
    assert committed(Capacity(1000, 100, 200)).free_kg(JANUARY) == 700
    assert committed(Capacity(1000, 100, 200), year=Capacity(9000, 0, 8600)).free_kg(JANUARY) == 400
    assert committed(Capacity(1000, 100, 200), until=date(2027, 1, 30)).free_kg(JANUARY) == 0
    assert committed(Capacity(1000, 100, 200), retired=True).free_kg(JANUARY) == 0
    assert committed(Capacity(1000, 900, 200)).free_kg(JANUARY) == 0


def test_lines_together_set_nothing_off() -> None:
    assert total([Capacity(1000, 0, 1500), Capacity(1000, 100, 0)]) == Capacity(2000, 100, 1500)
    assert total([]) == Capacity(0, 0, 0)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_free_and_over_are_never_both_there(capacity: int, reserved: int, contracted: int) -> None:
    each = Capacity(capacity, reserved, contracted)

    assert each.free_kg * each.over_kg == 0
    assert each.capacity_kg - each.free_kg + each.over_kg == each.committed_kg


def test_the_last_day_of_a_month() -> None:
    assert [last_day(Month(2028, number)) for number in (2, 4, 12)] == [
        date(2028, 2, 29),
        date(2028, 4, 30),
        date(2028, 12, 31),
    ]
    assert last_day(Month(2100, 12)) == date(2100, 12, 31)


@pytest.mark.parametrize(
    ("month", "year", "because", "field"),
    [
        (0, 10, "检查", "capacity_kg_per_month"),
        (11, 10, "检查", "capacity_kg_per_year"),
        (5, 10, "  ", "because"),
        (5, 10, "x" * 501, "because"),
        (5, 10, "a\u202eb", "because"),
    ],
)
def test_a_lower_capacity_that_makes_no_sense_is_refused(month: int, year: int, because: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        LoweredCapacity(capacity_kg_per_month=month, capacity_kg_per_year=year, because=because)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("month", "year", "field"),
    [(9, 40, "capacity_kg_per_month"), (8, 41, "capacity_kg_per_year"), (8, 40, "capacity_kg_per_month")],
)
def test_it_is_lower_and_nothing_else(month: int, year: int, field: str) -> None:
    new = LoweredCapacity(capacity_kg_per_month=month, capacity_kg_per_year=year, because="检查")

    with pytest.raises(Invalid) as refused:
        new.refuse_more_than(8, 40)

    assert refused.value.field == field
    LoweredCapacity(capacity_kg_per_month=8, capacity_kg_per_year=39, because="检查").refuse_more_than(8, 40)
