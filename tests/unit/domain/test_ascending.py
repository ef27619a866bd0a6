"""An open sale: who would get how much, what a further bid needs, and an end that moves later and never too far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from marketplace.domain.ascending import SOFT_MINUTES, Ascending, Offer, least_net, must_better, would_get
from marketplace.domain.errors import Conflict, Invalid

CLOSES = datetime(2026, 3, 2, 9, tzinfo=UTC)
RULES = Ascending(least_step_fen_per_t=100, soft_close_minutes=5)
OFFERS = some.lists(some.tuples(some.integers(-5000, 5000), some.integers(1, 50)), max_size=8).map(
    lambda drawn: [
        Offer(number, net, kg) for number, (net, kg) in enumerate(sorted(drawn, key=lambda each: -each[0]), start=1)
    ]
)


@pytest.mark.parametrize("step", [0, -1, 10_001])
def test_a_step_that_stalls_a_sale_is_refused(step: int) -> None:
    with pytest.raises(Invalid) as refused:
        Ascending(least_step_fen_per_t=step)
    assert refused.value.field == "least_step"


def test_minutes_that_are_not_offered_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        Ascending(soft_close_minutes=3)
    assert refused.value.field == "soft_close"


def test_a_bid_near_the_end_leaves_five_minutes_and_an_early_one_moves_nothing() -> None:
    assert RULES.closing(CLOSES, CLOSES, CLOSES - timedelta(minutes=5)) == CLOSES
    assert RULES.closing(CLOSES, CLOSES, CLOSES - timedelta(minutes=2)) == CLOSES + timedelta(minutes=3)
    moved = CLOSES + timedelta(minutes=118)
    assert RULES.closing(moved, CLOSES, moved - timedelta(seconds=1)) == CLOSES + timedelta(hours=2)


@given(
    moved=some.timedeltas(timedelta(0), timedelta(hours=2)),
    before=some.timedeltas(timedelta(microseconds=1), timedelta(days=3)),
    minutes=some.sampled_from(SOFT_MINUTES),
)
def test_a_bid_never_ends_a_sale_sooner_nor_moves_it_past_its_latest_end(
    moved: timedelta, before: timedelta, minutes: int
) -> None:
    rules = Ascending(soft_close_minutes=minutes)
    closes_at = CLOSES + moved
    received_at = closes_at - before

    after = rules.closing(closes_at, CLOSES, received_at)

    assert closes_at <= after <= CLOSES + timedelta(hours=2)
    assert after in {closes_at, received_at + timedelta(minutes=minutes), CLOSES + timedelta(hours=2)}
    assert after - received_at >= min(timedelta(minutes=minutes), CLOSES + timedelta(hours=2) - received_at)


@given(offers=OFFERS, offered=some.integers(1, 100))
def test_what_each_would_get_is_what_better_ones_leave(offers: list[Offer], offered: int) -> None:
    gets = would_get(offers, offered)

    assert sum(gets.values()) == min(offered, sum(offer.kg_per_month for offer in offers))
    for place, offer in enumerate(offers):
        before = sum(gets[better.bid_id] for better in offers[:place])
        assert gets[offer.bid_id] == min(offer.kg_per_month, offered - before)


@given(offers=OFFERS, offered=some.integers(1, 100), kg=some.integers(1, 50), net=some.integers(-6000, 6000))
def test_a_further_bid_is_taken_if_it_gets_something_by_a_step(
    offers: list[Offer], offered: int, kg: int, net: int
) -> None:
    new = Offer(0, net, kg)
    least = least_net(offers, offered, RULES.least_step_fen_per_t)
    among = sorted([*offers, new], key=lambda each: (-each.net_fen_per_t, each.bid_id == 0))

    try:
        must_better(None, offers, new, offered_kg=offered, rules=RULES)
    except Conflict:
        assert least is not None
        assert net < least
    else:
        assert least is None or net >= least
        assert would_get(among, offered)[0] > 0


@pytest.mark.parametrize(
    ("net", "kg", "taken"),
    [(1000, 10, False), (1099, 10, False), (1100, 10, True), (1000, 11, True), (999, 50, False), (5000, 9, False)],
)
def test_a_new_bid_of_a_line_betters_its_own_by_a_step_or_takes_more(net: int, kg: int, taken: bool) -> None:
    def bid() -> None:
        must_better(Offer(7, 1000, 10), [], Offer(0, net, kg), offered_kg=100, rules=RULES)

    if taken:
        bid()
    else:
        with pytest.raises(Conflict):
            bid()
