"""Intake lines and filings as they are declared."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.deductions import Limit
from marketplace.domain.errors import Invalid
from marketplace.domain.lines import NewFiling, NewLimit, NewLine
from marketplace.persistence.fit import limit_of
from marketplace.persistence.lines import AcceptanceLimit


def line(**given: object) -> NewLine:
    values = {
        "site_id": 1,
        "name": "二号磨",
        "route": "cement_admixture",
        "materials": (("fly_ash", 4500), ("bf_slag", -1250)),
        "capacity_kg_per_month": 1_000_000,
        "capacity_kg_per_year": 9_000_000,
    }
    return NewLine(**(values | given))  # type: ignore[arg-type]


def filing(**given: object) -> NewFiling:
    values = {
        "stream_id": 1,
        "receiving_site_id": 2,
        "filing_no": "晋固备2027-018",
        "filed_kg": 1_000,
        "filed_trips": 1,
        "valid_from": date(2027, 1, 1),
        "valid_to": date(2027, 12, 31),
    }
    return NewFiling(**(values | given))  # type: ignore[arg-type]


def test_closed_months_are_kept_in_order() -> None:
    assert line(closed_months=frozenset({12, 1, 2})).closed_text == "1,2,12"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"materials": ()}, "materials-0-material"),
        ({"materials": (("fly_ash", 1), ("fly_ash", 2))}, "materials-1-material"),
        ({"limits": (NewLimit(property="so3", material="red_mud", maximum=Decimal(1)),)}, "limits-0-material"),
        ({"capacity_kg_per_month": 0}, "capacity_kg_per_month"),
        ({"capacity_kg_per_year": 999_999}, "capacity_kg_per_year"),
        ({"closed_months": frozenset(range(1, 13))}, "closed_months"),
        ({"radius_m": 5_000_001}, "radius_km"),
        ({"least_lot_kg": 1_000_001}, "least_lot_kg"),
        ({"permit_no": "x"}, "permit_valid_until"),
        ({"permit_valid_until": date(2029, 1, 1)}, "permit_no"),
    ],
)
def test_refuses_a_line_that_contradicts_itself(given: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        line(**given)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "maximum"),
        ({"minimum": Decimal(3), "maximum": Decimal(2)}, "minimum"),
        ({"maximum": Decimal(120)}, "maximum"),
        ({"maximum": Decimal(2), "deduction_fen_per_unit": 0}, "deduction"),
        ({"maximum": Decimal(2), "stop_value": Decimal(3)}, "stop_value"),
        ({"maximum": Decimal(2), "deduction_fen_per_unit": 1, "stop_value": Decimal(1)}, "stop_value"),
    ],
)
def test_refuses_a_limit_that_contradicts_itself(given: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        NewLimit(property="so3", **given)  # type: ignore[arg-type]

    assert refused.value.field == field


def test_a_monthly_mean_may_have_a_stop_value_without_a_deduction() -> None:
    kept = NewLimit(property="so3", maximum=Decimal(3), stop_value=Decimal(5), monthly_mean=True)

    assert (kept.monthly_mean, kept.stop_value) == (True, 5)
    with pytest.raises(Invalid, match="inside the limit"):
        NewLimit(property="so3", maximum=Decimal(3), stop_value=Decimal(2), monthly_mean=True)


FIGURES = st.none() | st.decimals(min_value=0, max_value=100, places=3)


@given(minimum=FIGURES, maximum=FIGURES, stop=FIGURES, deduction=st.none() | st.integers(1, 1000))
def test_what_is_taken_as_a_limit_can_be_judged(
    minimum: Decimal | None, maximum: Decimal | None, stop: Decimal | None, deduction: int | None
) -> None:
    try:
        new = NewLimit(
            property="so3", minimum=minimum, maximum=maximum, stop_value=stop, deduction_fen_per_unit=deduction
        )
    except Invalid:
        return

    judged = limit_of(
        AcceptanceLimit(
            property=new.property,
            material=new.material,
            minimum=new.minimum,
            maximum=new.maximum,
            deduction_fen_per_unit=new.deduction_fen_per_unit,
            stop_value=new.stop_value,
        )
    )
    assert isinstance(judged, Limit)
    assert {judged.stop_minimum, judged.stop_maximum} <= {None, stop}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"valid_to": date(2028, 1, 1)}, "valid_to"),
        ({"valid_to": date(2026, 12, 31)}, "valid_to"),
        ({"filed_kg": 0}, "filed_kg"),
        ({"filed_trips": 0}, "filed_trips"),
        ({"filing_no": " "}, "filing_no"),
    ],
)
def test_refuses_a_filing_that_makes_no_sense(given: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        filing(**given)

    assert refused.value.field == field


def test_the_first_two_digits_decide_whether_a_province_is_left() -> None:
    NewFiling.refuse_same_province("140212", "130700")

    with pytest.raises(Invalid, match="within a province"):
        NewFiling.refuse_same_province("140212", "149999")
