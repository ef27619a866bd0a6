"""How far an award is, and the text that both sides sign."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.contracts import (
    FilingTerm,
    LimitTerm,
    Party,
    Terms,
    award_state,
    contract_number,
    must_wait_for_answers,
    read_reason,
    terms,
)
from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.quantities import Month

NOON = datetime(2027, 1, 15, 4, tzinfo=UTC)
NOTHING = {"producer_accepted_at": None, "recycler_accepted_at": None, "declined_at": None, "lapsed_at": None}
PARTY = Party(
    name_zh="甲", name_en="A", credit_code="9", site="厂", site_en="", division_code="140212", address=""
)  # fmt: skip
TEXT = Terms(
    producer=PARTY,
    recycler=PARTY,
    stream="灰",
    stream_en="",
    material="fly_ash",
    waste_code="900-001-S02",
    legal_status="solid_waste",
    form="",
    values=(("moisture", Decimal("0.8")),),
    line="一号线",
    line_en="",
    route="cement_admixture",
    permit_no="P",
    permit_valid_until=date(2029, 12, 31),
    months=((Month(2027, 2), 1500),),
    price_fen_per_t=-120,
    freight_fen_per_t=300,
    deduction_fen_per_t=0,
    delivered_fen_per_t=180,
    transport="recycler",
    great_circle_m=1000,
    road_m=1300,
    limits=(
        LimitTerm(
            property="moisture", minimum=None, maximum=Decimal(1), deduction_fen_per_unit=20, stop_value=None
        ),
    ),
    filings=(
        FilingTerm(number="晋备1", valid_from=date(2027, 1, 1), valid_to=date(2027, 12, 31)),
        FilingTerm(number="晋备2", valid_from=date(2028, 1, 1), valid_to=date(2028, 12, 31)),
    ),
    loading_mode="",
    loading_hours="",
    unloading_hours="",
    park_zh="园",
    park_en="",
    round_number=3,
)  # fmt: skip


@pytest.mark.parametrize(
    ("marks", "state"),
    [
        ({}, "open"),
        ({"producer_accepted_at": NOON}, "half"),
        ({"recycler_accepted_at": NOON}, "half"),
        ({"producer_accepted_at": NOON, "recycler_accepted_at": NOON}, "contracted"),
        ({"declined_at": NOON, "producer_accepted_at": NOON}, "declined"),
        ({"lapsed_at": NOON}, "lapsed"),
        ({"answer_by": NOON}, "lapsed"),
        ({"answer_by": NOON, "producer_accepted_at": NOON, "recycler_accepted_at": NOON}, "contracted"),
        ({"price_fen_per_t": None, "answer_by": NOON}, "recommended"),
        ({"price_fen_per_t": None, "declined_at": NOON}, "declined"),
    ],
)
def test_the_state_of_an_award_is_read_off_its_timestamps(marks: dict[str, datetime | None], state: str) -> None:
    given_ = {"price_fen_per_t": 100, "answer_by": NOON + timedelta(microseconds=1)} | NOTHING | marks

    assert award_state(NOON, **given_) == state  # type: ignore[arg-type]


@given(state=st.sampled_from(["recommended", "open", "half", "contracted", "declined", "lapsed"]))
def test_only_what_waits_is_answered(state: str) -> None:
    if state in ("open", "half"):
        must_wait_for_answers(state)  # type: ignore[arg-type]
        return

    with pytest.raises(Conflict):
        must_wait_for_answers(state)  # type: ignore[arg-type]


def test_a_reason_is_a_word_and_no_novel() -> None:
    assert read_reason("  The price. ") == "The price."
    for text in ("", " \n ", "x" * 501):
        with pytest.raises(Invalid) as refusal:
            read_reason(text)
        assert refusal.value.field == "reason"


def test_the_number_carries_the_year_in_china() -> None:
    assert contract_number(7, datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) == "HY-2026-000007"
    assert contract_number(7, datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == "HY-2027-000007"


def test_the_text_survives_a_json_column_and_keeps_its_hash() -> None:
    again = terms(TEXT.plain())

    assert again == TEXT
    assert again.sha256 == TEXT.sha256
    assert again.kg == 1500
