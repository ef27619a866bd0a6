"""When a listing makes sense, what is seen of it, and in which state it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from marketplace.domain.errors import Invalid
from marketplace.domain.listings import (
    BANDS,
    DISCLOSURES,
    NewListing,
    band_of,
    bidding_of,
    expiry,
    month_at,
    rules_stay,
    sight,
    state_of,
)
from marketplace.domain.quantities import Month

NOON = datetime(2027, 1, 15, 4, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def listing(**changed: object) -> NewListing:
    values = {
        "first_month": Month(2027, 2),
        "last_month": Month(2027, 4),
        "kg_per_month": 5_000_000,
        "asking_fen_per_t": 1000,
    }
    return NewListing(**(values | changed))  # type: ignore[arg-type]


def test_all_that_is_offered_is_the_sum_of_its_months() -> None:
    asked = listing()

    assert asked.kg == 15_000_000


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"last_month": Month(2027, 1)}, "last_month"),
        ({"last_month": Month(2029, 2)}, "last_month"),
        ({"kg_per_month": 0}, "kg_per_month"),
        ({"reserve_fen_per_t": 1001}, "reserve"),
        ({"least_lot_kg": 15_000_001}, "least_lot"),
        ({"cap_per_buyer_kg": 0}, "cap_per_buyer"),
        ({"cap_per_buyer_kg": 1, "least_lot_kg": 2}, "cap_per_buyer"),
        ({"small_works_share_percent": 101}, "small_works_share"),
        ({"disclosure": "secret"}, "disclosure"),
        ({"loading_mode": "helicopter"}, "loading_mode"),
    ],
)
def test_what_contradicts_itself_names_its_field(changed: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        listing(**changed)

    assert refused.value.field == field


def test_the_bidding_is_over_at_the_very_instant_of_its_deadline() -> None:
    closes = NOON

    def bidding(now: datetime, **given: datetime | None) -> str:
        return bidding_of(now, **({"bids_close_at": closes, "bids_opened_at": None, "bids_decided_at": None} | given))

    assert (bidding(closes - MICROSECOND), bidding(closes)) == ("open", "to_open")
    assert bidding(NOON, bids_close_at=None) == "none"
    assert bidding(closes, bids_opened_at=closes) == "to_decide"
    assert bidding(closes - MICROSECOND, bids_opened_at=closes) == "to_decide"  # a request that had to wait
    assert bidding(NOON, bids_decided_at=NOON) == "decided"


@pytest.mark.parametrize(
    ("closes", "opened", "has_bids", "stay"),
    [
        (NOON, None, False, True),  # or the producer would learn of the first bid by trying
        (NOON, None, True, True),
        (NOON, NOON, True, True),
        (NOON, NOON, False, False),
        (None, None, False, False),
    ],
)
def test_rules_stay_until_the_opening_whether_or_not_somebody_has_bid(
    closes: datetime | None, opened: datetime | None, *, has_bids: bool, stay: bool
) -> None:
    assert rules_stay(bids_close_at=closes, bids_opened_at=opened, has_bids=has_bids) is stay


def test_the_month_is_that_of_china() -> None:
    late = datetime(2027, 1, 31, 16, tzinfo=UTC)

    assert (month_at(late - MICROSECOND), month_at(late)) == (Month(2027, 1), Month(2027, 2))


def test_a_listing_outlives_the_deadline_of_its_bids() -> None:
    far = NOON + timedelta(days=90)

    assert expiry(NOON, None) == NOON + timedelta(days=60)
    assert expiry(NOON, far) == far + timedelta(days=14)


@pytest.mark.parametrize(
    ("published", "withdrawn", "expires", "left", "state"),
    [
        (None, None, None, 5, "draft"),
        (NOON, None, NOON + MICROSECOND, 5, "published"),
        (NOON, None, NOON, 5, "expired"),
        (NOON, None, NOON + MICROSECOND, 0, "sold"),
        (NOON, NOON, NOON + MICROSECOND, 0, "withdrawn"),
    ],
)
def test_the_state_is_read_off_the_timestamps(
    published: datetime | None, withdrawn: datetime | None, expires: datetime | None, left: int, state: str
) -> None:
    read = state_of(NOON, published_at=published, withdrawn_at=withdrawn, expires_at=expires, remaining_kg=left)

    assert read == state


@given(some.sampled_from(DISCLOSURES), some.booleans(), some.booleans(), some.booleans())
def test_whoever_reads_names_reads_figures_and_a_member_never_less_than_a_visitor(
    disclosure: str, own: bool, awarded: bool, member: bool
) -> None:
    seen = sight(disclosure, own=own, awarded=awarded, member=member)
    visitor = sight(disclosure)

    assert seen.figures or not seen.names
    assert seen.figures >= visitor.figures
    assert seen.names >= visitor.names


@given(some.integers(min_value=0, max_value=10**12))
def test_each_quantity_lies_in_exactly_one_band(kg: int) -> None:
    least, most = band_of(kg)

    assert least <= kg
    assert most is None or kg < most
    assert sum(low <= kg and (high is None or kg < high) for low, high in map(band_of, (0, *BANDS))) == 1
