"""What a bid comes to on both sides, in which order bids stand, and which prices are asked about."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from marketplace.domain.bids import NewBid, is_unusual, outcome, ranked, stands_by, state_of, usual
from marketplace.domain.errors import Invalid
from tests.factories import NOON

FEN = some.integers(min_value=-(10**8), max_value=10**8)
MICROSECOND = timedelta(microseconds=1)
COST = some.integers(min_value=0, max_value=10**6)


def test_the_freight_is_paid_by_whoever_carries() -> None:
    fetched = outcome(4000, transport="recycler", freight=1500, deduction=100)
    brought = outcome(4000, transport="producer", freight=1500, deduction=100)

    assert (fetched.delivered_fen_per_t, fetched.net_fen_per_t) == (5400, 3900)
    assert (brought.delivered_fen_per_t, brought.net_fen_per_t) == (3900, 2400)


@given(FEN, COST, COST, some.sampled_from(["recycler", "producer"]))
def test_what_lies_between_the_two_gates_is_the_freight(price: int, freight: int, deduction: int, who: str) -> None:
    found = outcome(price, transport=who, freight=freight, deduction=deduction)

    assert found.delivered_fen_per_t - found.net_fen_per_t == freight


@given(some.lists(some.tuples(FEN, some.integers(min_value=0, max_value=9)), max_size=8), some.randoms())
def test_the_order_does_not_depend_on_how_the_bids_came(nets: list[tuple[int, int]], chance: object) -> None:
    bids = [(number, net, received) for number, (net, received) in enumerate(nets)]
    shuffled = bids.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    order = ranked(bids)

    assert order == ranked(shuffled)
    assert [each.rank for each in order] == list(range(1, len(bids) + 1))
    assert [each.net_fen_per_t for each in order] == sorted((net for _, net, _ in bids), reverse=True)


def test_equal_bids_stand_by_time_of_receipt_and_then_by_number() -> None:
    order = ranked([(3, 100, 7), (1, 100, 8), (2, 100, 7)])

    assert [each.bid_id for each in order] == [2, 3, 1]


@pytest.mark.parametrize(
    ("price", "usual_price", "asked"),
    [
        (5000, 1000, False),
        (5001, 1000, True),
        (200, 1000, False),
        (199, 1000, True),
        (-5001, 1000, True),
        (-1000, 1000, False),
        (0, 1000, False),
        (99999, None, False),
    ],
)
def test_five_times_the_usual_is_asked_about(price: int, usual_price: int | None, asked: bool) -> None:
    assert is_unusual(price, usual_price) is asked


def test_the_usual_price_is_the_median_and_none_if_it_says_nothing() -> None:
    assert (usual([1000, 3000, 90000]), usual([1000, 2000]), usual([0]), usual([])) == (3000, 1000, None, None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"price_fen_per_t": 10**8 + 1}, "price"),
        ({"kg_per_month": 0}, "kg_per_month"),
        ({"transport": "pigeon"}, "transport"),
    ],
)
def test_what_makes_no_sense_names_its_field(changed: dict[str, object], field: str) -> None:
    values = {"listing_id": 1, "line_id": 1, "price_fen_per_t": 0, "kg_per_month": 1}

    with pytest.raises(Invalid) as refused:
        NewBid(**(values | changed))  # type: ignore[arg-type]

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "waiting"),
        ({"bidding_open": True}, "live"),
        ({"decided": True}, "lost"),
        ({"awarded_kg_per_month": 5}, "partly"),
        ({"awarded_kg_per_month": 9}, "won"),
        ({"awarded_kg_per_month": 9, "award_over": True, "standby": True}, "forfeited"),
        ({"standby": True}, "standby"),
        ({"standby": True, "decided": True}, "standby"),
        ({"standby": True, "listing_withdrawn": True}, "void"),
        ({"listing_withdrawn": True}, "void"),
        ({"replaced": True, "bidding_open": True}, "replaced"),
        ({"withdrawn": True, "decided": True}, "withdrawn"),
        ({"invalid": True, "decided": True, "kg_per_month": None}, "invalid"),
        ({"bidding_open": True, "kg_per_month": None}, "live"),
        ({"voided": True, "withdrawn": True}, "void"),
    ],
)
def test_the_state_of_a_bid(changed: dict[str, object], state: str) -> None:
    values = {
        "replaced": False,
        "voided": False,
        "withdrawn": False,
        "listing_withdrawn": False,
        "bidding_open": False,
        "decided": False,
        "invalid": False,
        "standby": False,
        "award_over": False,
        "awarded_kg_per_month": 0,
        "kg_per_month": 9,
    }

    assert state_of(**(values | changed)) == state  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("until", "uncontracted_kg", "stands"),
    [(None, 1, False), (NOON, 1, False), (NOON + MICROSECOND, 1, True), (NOON + MICROSECOND, 0, False)],
)
def test_bids_stand_by_until_the_instant_of_the_end_and_while_not_all_is_contracted(
    until: datetime | None, uncontracted_kg: int, *, stands: bool
) -> None:
    assert stands_by(NOON, standby_until=until, uncontracted_kg=uncontracted_kg) is stands
