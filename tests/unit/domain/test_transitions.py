"""The steps between states: what time alone does, what has ended stays ended."""

from __future__ import annotations

import pytest

from marketplace.domain.transitions import AMENDMENT, AWARD, BID, BIDDING, CONTRACT, LISTING, Step, reached

TABLES = {
    "listing": LISTING,
    "bidding": BIDDING,
    "award": AWARD,
    "bid": BID,
    "contract": CONTRACT,
    "amendment": AMENDMENT,
}


@pytest.mark.parametrize(
    ("table", "final"),
    [
        ("listing", {"withdrawn"}),
        ("award", {"contracted", "declined", "lapsed"}),
        ("bid", {"replaced", "withdrawn", "void", "opened", "invalid"}),
        ("bidding", set()),
    ],
)
def test_what_has_ended_stays_ended(table: str, final: set[str]) -> None:
    steps = TABLES[table]
    assert len(set(steps)) == len(steps)
    assert {step.target for step in steps} - {step.source for step in steps} == final


def test_time_alone_opens_no_bids_and_takes_none_anew() -> None:
    assert reached(BIDDING, "open", clock=True) == {"to_open"}
    assert reached(BIDDING, "to_open", clock=True) == set()
    assert "open" not in reached(BIDDING, "to_open")


def test_time_goes_as_many_steps_as_it_has_to() -> None:
    steps = (Step("a", "b", "clock"), Step("b", "c", "clock"), Step("c", "d", "act"))

    assert reached(steps, "a", clock=True) == {"b", "c"}
    assert reached(steps, "a") == {"b"}
