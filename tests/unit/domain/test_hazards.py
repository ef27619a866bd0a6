"""Four gates, any of which keeps hazardous waste out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.grades import property_of
from marketplace.domain.hazards import hazard_limits, questions, refuse_hazardous, refuse_hazardous_code
from marketplace.domain.lookalikes import LOOKALIKES
from marketplace.domain.wastes import materials, waste_codes


def refuse(
    code_text: str = "900-001-S02",
    material: str = "fly_ash",
    *,
    answers: Mapping[str, bool] | None = None,
    mixed: bool = False,
    values: Mapping[str, Decimal] | None = None,
) -> None:
    refuse_hazardous(
        code_text=code_text,
        material=material,
        origin_answers={"burns_waste": False} if answers is None else answers,
        mixed_with_hazardous=mixed,
        values=values or {},
    )


def test_plain_fly_ash_passes_every_gate() -> None:
    refuse(values={"leach_acid_pb": Decimal(5), "leachate_ph": Decimal("12.4")})


@pytest.mark.parametrize(
    "code",
    [
        "900-052-31",
        "772-002-18",
        "９００－０５２－３１",
        "900 052 31",
        "900–052–31",
        "HW31",
        "hw49",
        " HW 08 废矿物油",
        "HW",
    ],
)
def test_the_code_gate(code: str) -> None:
    with pytest.raises(Invalid, match=r"directory of hazardous waste.*licensed for hazardous waste") as refused:
        refuse(code)

    assert refused.value.field == "code"


def test_no_code_of_general_waste_is_mistaken_for_a_hazardous_one() -> None:
    for each in waste_codes():
        refuse_hazardous_code(each.code)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("leach_acid_pb", "5.1"),
        ("leach_acid_hg", "0.11"),
        ("leachate_ph", "12.5"),
        ("leachate_ph", "2.0"),
        ("leachate_ph", "1"),
    ],
)
def test_the_test_gate(code: str, value: str) -> None:
    with pytest.raises(Invalid, match=r"By its test value.*GB 5085.*licensed for hazardous waste") as refused:
        refuse(values={code: Decimal(value)})

    assert refused.value.field == code
    assert refused.value.sentence.values is not None
    assert refused.value.sentence.values["value"] == value


@pytest.mark.parametrize("limit", hazard_limits(), ids=lambda limit: limit.property)
def test_every_limit_bars_what_is_beyond_it(limit: object) -> None:
    most = limit.most  # type: ignore[attr-defined]
    code = limit.property  # type: ignore[attr-defined]

    assert property_of(code).kind == "leaching"
    with pytest.raises(Invalid, match="By its test value"):
        refuse(values={code: most + Decimal("0.001")})


def test_water_leaching_is_never_held_against_the_limits_of_acid_leaching() -> None:
    refuse(values={"leach_water_pb": Decimal(50), "leach_water_ph": Decimal(13)})


@pytest.mark.parametrize("question", LOOKALIKES, ids=lambda question: question.code)
def test_the_origin_gate_asks_and_refuses_by_the_answer(question: object) -> None:
    code, material = question.code, min(question.materials)  # type: ignore[attr-defined]
    harmless = {each.code: not each.hazardous_if for each in questions(material)}

    refuse("SW59", material, answers=harmless)
    with pytest.raises(Invalid, match=r"By its origin.*licensed for hazardous waste") as refused:
        refuse("SW59", material, answers=harmless | {code: not harmless[code]})
    with pytest.raises(Invalid, match="Please answer first") as unanswered:
        refuse("SW59", material, answers={key: value for key, value in harmless.items() if key != code})

    assert refused.value.field == unanswered.value.field == code


def test_the_mixture_rule() -> None:
    with pytest.raises(Invalid, match=r"mixed with hazardous waste.*licensed for hazardous waste") as refused:
        refuse(mixed=True)

    assert refused.value.field == "mixed_with_hazardous"


def test_questions_are_asked_of_materials_that_exist() -> None:
    known = {each.code for each in materials()}

    assert all(question.materials <= known for question in LOOKALIKES)
    assert len({question.code for question in LOOKALIKES}) == len(LOOKALIKES)
    assert [question.code for question in questions("fly_ash")] == ["burns_waste"]
    assert questions("coal_gangue") == ()


@given(st.text())
def test_any_code_is_let_pass_or_refused(code: str) -> None:
    try:
        refuse_hazardous_code(code)
    except Invalid as refused:
        assert "hazardous" in str(refused)  # noqa: PT017
