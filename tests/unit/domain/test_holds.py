"""Holds at a fixed price: one at a time, and a pause after one that was let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.holds import PAUSE, FixedPrice, Held, NewHold, must_hold_nothing
from marketplace.domain.listings import NewListing, sells_until
from marketplace.domain.quantities import Month

NOW = datetime(2027, 1, 10, 4, tzinfo=UTC)


def new(**changes: Any) -> NewListing:
    usual = {
        "first_month": Month(2027, 2), "last_month": Month(2027, 3), "kg_per_month": 1_000_000,
        "asking_fen_per_t": -500, "sale_kind": "fixed",
    }  # fmt: skip
    return NewListing(**(usual | changes))


def test_a_hold_ends_after_its_hours() -> None:
    assert FixedPrice(hold_hours=8).ends(NOW) == NOW + timedelta(hours=8)


@pytest.mark.parametrize("hours", [0, 1, 23, 100])
def test_hours_are_chosen_from_those_offered(hours: int) -> None:
    with pytest.raises(Invalid) as refused:
        new(hold_hours=hours)
    assert refused.value.field == "hold_hours"


@pytest.mark.parametrize(
    ("changes", "field"), [({"bids_close_at": NOW}, "bids_close_on"), ({"reserve_fen_per_t": -600}, "reserve")]
)
def test_a_fixed_price_has_neither_bids_nor_a_reserve(changes: dict[str, Any], field: str) -> None:
    assert new().sale_kind == "fixed"
    with pytest.raises(Invalid) as refused:
        new(**changes)
    assert refused.value.field == field


def test_a_hold_is_of_something() -> None:
    with pytest.raises(Invalid):
        NewHold(listing_id=1, line_id=1, kg_per_month=0)


def test_one_hold_at_a_time_and_a_pause_after_one_that_was_let_go() -> None:
    must_hold_nothing((), now=NOW)
    must_hold_nothing((Held(False, None),), now=NOW)
    must_hold_nothing((Held(False, NOW - PAUSE),), now=NOW)
    for own in ((Held(True, None),), (Held(False, NOW - PAUSE + timedelta(seconds=1)),)):
        with pytest.raises(Conflict):
            must_hold_nothing(own, now=NOW)


def test_nothing_is_held_after_the_last_month() -> None:
    assert sells_until(Month(2027, 12)) == datetime(2027, 12, 31, 16, tzinfo=UTC)
