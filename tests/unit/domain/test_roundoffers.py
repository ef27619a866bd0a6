"""What is handed in to a round, as bytes and back."""

from __future__ import annotations

import json

import pytest

from marketplace.domain.pricesteps import PriceStep
from marketplace.domain.roundoffers import LineOffer, ListingReserve, content_of, packed, unpacked
from marketplace.domain.sealing import LENGTH, Unsealable

OFFER = LineOffer(
    prices=(("slag", -200), ("fly_ash", 7000)),
    kg_per_month=3_000_000,
    steps=(PriceStep(beyond_kg=1_000_000, less_fen_per_t=250), PriceStep(beyond_kg=2_000_000, less_fen_per_t=900)),
)


def test_what_is_packed_is_unpacked_and_as_long_as_any_bid() -> None:
    for content in (OFFER, LineOffer(prices=(("slag", 1),), kg_per_month=1), ListingReserve(reserve_fen_per_t=-5)):
        assert len(packed(content)) == LENGTH
        assert unpacked(packed(content)) == content


def test_an_offer_that_was_sealed_before_there_were_steps_is_read() -> None:
    plain = {"prices": {"slag": -200}, "kg_per_month": 5000}
    assert content_of(plain) == LineOffer(prices=(("slag", -200),), kg_per_month=5000)


def test_the_lowest_price_is_that_of_the_last_step() -> None:
    assert OFFER.lowest == (("fly_ash", 6100), ("slag", -1100))
    assert LineOffer(prices=(("slag", -200),), kg_per_month=1).lowest == (("slag", -200),)


@pytest.mark.parametrize(
    "steps",
    [
        [[1000, 300], [900, 400]],
        [[1000]],
        [[1000, 300, 1]],
        [[1000, 30.5]],
        [[1000, True]],
        ["12"],
        7,
        [["1000", 300]],
        None,
    ],
)
def test_bytes_that_hold_no_steps_are_no_offer(steps: object) -> None:
    plain = {"prices": {"slag": 1}, "kg_per_month": 5000, "steps": steps}
    with pytest.raises(Unsealable):
        unpacked(json.dumps(plain).encode())
