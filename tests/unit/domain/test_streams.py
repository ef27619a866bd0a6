"""Waste streams and lab sheets as they are declared."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.hazards import questions
from marketplace.domain.streams import NewSheet, NewStream, NewValue
from marketplace.domain.wastes import materials


def ash(**given: object) -> NewStream:
    values = {
        "site_id": 1,
        "name": "一号灰库",
        "material": "fly_ash",
        "waste_code": "900-001-S02",
        "generation_kg_per_month": 1_000,
        "origin_answers": {"burns_waste": False},
    }
    return NewStream(**(values | given))  # type: ignore[arg-type]


def sheet(*values: NewValue, **given: object) -> NewSheet:
    rest = {"sheet_no": "1", "laboratory": "x", "sampled_on": date(2027, 1, 1), "reported_on": date(2027, 1, 3)}
    return NewSheet(stream_id=1, values=values, **(rest | given))  # type: ignore[arg-type]


def test_the_code_is_kept_as_the_catalogue_writes_it() -> None:
    assert ash(waste_code="９００－001－s02").waste_code == "900-001-S02"


def test_only_what_is_asked_is_kept() -> None:
    slag = ash(
        material="bf_slag", waste_code="311-001-S01", origin_answers={"burns_waste": True}, boiler="cfb", ash_class="C"
    )

    assert (slag.origin_answers, slag.boiler, slag.ash_class) == ({}, "", "")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"waste_code": "772-002-18"}, "waste_code"),
        ({"waste_code": "HW18 飞灰"}, "waste_code"),
        ({"origin_answers": {}}, "burns_waste"),
        ({"origin_answers": {"burns_waste": True}}, "burns_waste"),
        ({"mixed_with_hazardous": True}, "mixed_with_hazardous"),
    ],
)
def test_three_gates_are_asked_at_once(given: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        ash(**given)

    assert refused.value.field == field


def test_the_fourth_gate_is_asked_with_the_values() -> None:
    with pytest.raises(Invalid, match="By its test value"):
        ash().refuse_hazardous({"leach_acid_pb": Decimal(7)})


@pytest.mark.parametrize("material", materials())
def test_each_material_can_be_kept_with_its_usual_code(material: object) -> None:
    code = material.code  # type: ignore[attr-defined]
    answers = {question.code: not question.hazardous_if for question in questions(code)}

    stream = ash(material=code, waste_code=material.waste_code, origin_answers=answers)  # type: ignore[attr-defined]

    assert stream.waste_code == material.waste_code  # type: ignore[attr-defined]


@given(st.decimals(min_value=0, max_value=1000, places=2))
def test_moisture_against_the_dry_mass_is_turned_to_the_wet(dry: Decimal) -> None:
    value = NewValue(property="moisture", value=dry, basis="dry")

    assert value.entered == dry
    assert value.basis == "as_received"
    assert abs(value.value * (100 + dry) - 100 * dry) <= Decimal("0.001")


def test_other_values_stay_on_their_basis() -> None:
    value = NewValue(property="caso4_2h2o", value=Decimal("92.5"), basis="dry")

    assert (value.value, value.basis, value.is_converted) == (Decimal("92.5"), "dry", False)


@pytest.mark.parametrize(
    ("code", "value"),
    [("moisture", "101"), ("ph", "14.1"), ("so3", "-1"), ("so3", "0.0000001"), ("so3", "1E+40"), ("gold", "1")],
)
def test_refuses_what_no_laboratory_can_have_found(code: str, value: str) -> None:
    with pytest.raises(Invalid):
        NewValue(property=code, value=Decimal(value))


def test_refuses_a_sheet_without_values_or_with_one_twice() -> None:
    twice = NewValue(property="so3", value=Decimal(1))

    with pytest.raises(Invalid, match="at least one value"):
        sheet()
    with pytest.raises(Invalid, match="stands twice"):
        sheet(twice, twice)


def test_a_day_counts_as_come_when_it_has_begun_anywhere() -> None:
    now = datetime(2027, 1, 2, 12, 0, tzinfo=UTC)
    tomorrow = sheet(NewValue(property="so3", value=Decimal(1)))

    tomorrow.refuse_future(now)
    with pytest.raises(Invalid, match="not come yet"):
        tomorrow.refuse_future(datetime(2027, 1, 2, 9, 0, tzinfo=UTC))
