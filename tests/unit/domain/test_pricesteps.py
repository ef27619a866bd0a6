"""Price steps: what they may be, what each of them still takes, and what they take off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.pricesteps import PriceStep, must_fall, rooms, taken_off

TWO = (PriceStep(beyond_kg=1000, less_fen_per_t=300), PriceStep(beyond_kg=3000, less_fen_per_t=800))

falling = st.lists(
    st.tuples(st.integers(1, 50), st.integers(1, 90)),
    max_size=2,
    unique_by=(lambda each: each[0], lambda each: each[1]),
).map(
    lambda found: tuple(
        PriceStep(beyond_kg=beyond, less_fen_per_t=less)
        for beyond, less in zip(sorted(b for b, _ in found), sorted(l for _, l in found), strict=True)
    )
)


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([(1000, 300)] * 3, "steps"),
        ([(0, 300)], "beyond_2"),
        ([(5000, 300)], "beyond_2"),
        ([(1000, 300), (1000, 400)], "beyond_3"),
        ([(1000, 0)], "less_2"),
        ([(1000, -5)], "less_2"),
        ([(1000, 300), (2000, 300)], "less_3"),
        ([(1000, 10**8 + 1)], "less_2"),
    ],
)
def test_steps_begin_later_and_bid_less(steps: list[tuple[int, int]], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        must_fall([PriceStep(beyond_kg=beyond, less_fen_per_t=less) for beyond, less in steps], 5000)
    assert refused.value.field == field


def test_steps_that_fall_are_let_through() -> None:
    must_fall((), 1)
    must_fall(TWO, 3001)


@pytest.mark.parametrize(
    ("stood_kg", "room_kg", "load_kg", "expected"),
    [
        (0, 5000, 1, [(1000, 0), (2000, 300), (2000, 800)]),
        (0, 900, 1, [(900, 0)]),
        (0, 1000, 1, [(1000, 0)]),
        (400, 5000, 1, [(600, 0), (2000, 300), (2400, 800)]),
        (1000, 500, 1, [(500, 300)]),
        (9000, 70, 1, [(70, 800)]),
        (0, 0, 1, []),
        (0, 5000, 700, [(700, 0), (2100, 300), (2200, 800)]),
        (0, 5000, 3500, [(5000, 800)]),
    ],
)
def test_what_each_step_still_takes(stood_kg: int, room_kg: int, load_kg: int, expected: list[tuple[int, int]]) -> None:
    assert list(rooms(TWO, stood_kg=stood_kg, room_kg=room_kg, load_kg=load_kg)) == expected


def test_what_the_steps_take_off_to_the_thousandth() -> None:
    assert taken_off(TWO, stood_kg=0, kg=1000) == 0
    assert taken_off(TWO, stood_kg=0, kg=3500) == 2000 * 300 + 500 * 800
    assert taken_off(TWO, stood_kg=2500, kg=1000) == 500 * 300 + 500 * 800
    assert taken_off((), stood_kg=0, kg=10**9) == 0


@given(falling, st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_two_months_of_deliveries_one_after_another_take_off_what_they_do_at_once(
    steps: tuple[PriceStep, ...], stood: int, first: int, second: int
) -> None:
    apart = taken_off(steps, stood_kg=stood, kg=first) + taken_off(steps, stood_kg=stood + first, kg=second)
    assert taken_off(steps, stood_kg=stood, kg=first + second) == apart


@given(falling, st.integers(0, 60), st.integers(0, 200), st.integers(1, 20))
def test_no_truckload_is_lost_between_two_steps(steps: tuple[PriceStep, ...], stood: int, room: int, load: int) -> None:
    taken = list(rooms(steps, stood_kg=stood, room_kg=room, load_kg=load))
    assert sum(kg for kg, _ in taken) == room
    assert sum(kg // load for kg, _ in taken) == room // load
    dearest = sum(kg * less for kg, less in taken)
    assert dearest >= taken_off(steps, stood_kg=stood, kg=room)
