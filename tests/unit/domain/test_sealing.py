"""What is sealed of a bid has one length, comes back as it went, and is bound to one bid."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from marketplace.domain.bids import Terms
from marketplace.domain.errors import Invalid
from marketplace.domain.sealing import LENGTH, Box, Unsealable, bound_to, digest_of, packed, receipt_of, unpacked

TERMS = Terms(
    price_fen_per_t=-1250,
    kg_per_month=3_000_000,
    transport="producer",
    freight_fen_per_t=1500,
    deduction_fen_per_t=80,
    note="可提供罐车",
)


@given(some.integers(-(10**8), 10**8), some.integers(1, 10**10), some.text(max_size=600))
def test_every_bid_has_one_length_and_comes_back(price: int, kg: int, note: str) -> None:
    terms = Terms(
        price_fen_per_t=price,
        kg_per_month=kg,
        transport="recycler",
        freight_fen_per_t=0,
        deduction_fen_per_t=0,
        note=note,
    )

    plain = packed(terms)

    assert len(plain) == LENGTH
    assert unpacked(plain) == terms


def test_the_longest_note_of_the_form_fits_and_a_longer_one_is_refused_by_its_field() -> None:
    assert len(packed(Terms(**(vars(TERMS) | {"note": "灰" * 2000})))) == LENGTH

    with pytest.raises(Invalid) as refused:
        packed(Terms(**(vars(TERMS) | {"note": "灰" * 3000})))

    assert refused.value.field == "note"


@pytest.mark.parametrize(
    "changed",
    [
        {"kg_per_month": 0},
        {"kg_per_month": "3"},
        {"price_fen_per_t": 1.5},
        {"price_fen_per_t": True},
        {"transport": "rail"},
        {"note": None},
        {"unknown": 1},
    ],
)
def test_what_is_no_bid_is_told_apart_and_names_nothing_of_it(changed: dict[str, object]) -> None:
    plain = json.dumps(vars(TERMS) | changed).encode()

    with pytest.raises(Unsealable) as found:
        unpacked(plain)

    assert (found.value.code, str(found.value), found.value.__cause__) == ("unreadable", "unreadable", None)
    with pytest.raises(Unsealable):
        unpacked(b"not json")


def test_a_receipt_changes_with_box_key_and_bid() -> None:
    box, bound = Box("k1", b"sealed"), bound_to(1, 2, 3)

    receipts = {
        receipt_of(box, bound),
        receipt_of(Box("k2", b"sealed"), bound),
        receipt_of(Box("k1", b"sealee"), bound),
        receipt_of(box, bound_to(1, 2, 4)),
        receipt_of(box, bound_to(1, 3, 3)),
        receipt_of(box, bound_to(2, 2, 3)),
    }

    assert len(receipts) == 6
    assert digest_of(["b", "a"]) == digest_of(["a", "b"]) != digest_of(["a"])
