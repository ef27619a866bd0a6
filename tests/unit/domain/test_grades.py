"""Grades by the rules of the standards, at their limits."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import marketplace
from marketplace.domain.errors import Invalid
from marketplace.domain.grades import (
    checked_value,
    general_gradings,
    grade_of,
    graded_properties,
    grades,
    gradings,
    properties,
    property_of,
)
from marketplace.domain.wastes import materials

ASH = (
    "residue_45um",
    "water_demand_ratio",
    "loss_on_ignition",
    "moisture",
    "so3",
    "free_cao",
    "sum_si_al_fe_oxides",
    "density",
    "activity_index_28d",
    "soundness",
)

# Name, class, values in the order of ASH, grade for mortar and concrete, fit for cement.
CASES = [
    ("typical grade I", "F", "8.0 93 3.2 0.3 1.1 0.4 84.0 2.3 82 -", "I", True),
    ("every limit met with equality", "F", "12.0 95 5.0 1.0 3.0 1.0 70.0 2.6 70.0 -", "I", True),
    ("fineness just over grade I", "F", "12.1 95 5.0 0.5 1.0 0.5 80.0 2.3 75 -", "II", True),
    ("water demand over grade I", "F", "10.0 96 4.0 0.5 1.0 0.5 80.0 2.3 75 -", "II", True),
    ("grade II with equality", "F", "30.0 105 8.0 0.5 1.0 0.5 80.0 2.3 75 -", "II", True),
    ("loss on ignition over 8.0", "F", "25.0 104 8.1 0.5 1.0 0.5 80.0 2.3 75 -", "III", False),
    ("grade III with equality", "F", "45.0 115 10.0 0.5 1.0 0.5 80.0 2.3 75 -", "III", False),
    ("coarser than grade III", "F", "45.1 115 9.0 0.5 1.0 0.5 80.0 2.3 75 -", "failed", False),
    ("sulfur between concrete and cement", "F", "10.0 94 4.0 0.5 3.2 0.5 80.0 2.3 75 -", "failed", True),
    ("class C", "C", "10.0 94 2.0 0.5 2.5 3.8 55.0 2.5 85 4.5", "I", True),
    ("class C, unsound", "C", "10.0 94 2.0 0.5 2.5 3.8 55.0 2.5 85 5.5", "failed", False),
    ("class F, too much free lime", "F", "10.0 94 2.0 0.5 1.0 1.2 85.0 2.3 85 -", "failed", False),
    ("no fineness, no water demand", "F", "- - 3.0 0.5 1.0 0.5 85.0 2.3 85 -", "not_determinable", True),
]


def _ash(text: str) -> dict[str, Decimal]:
    return {code: Decimal(cell) for code, cell in zip(ASH, text.split(), strict=True) if cell != "-"}


@pytest.mark.parametrize(("why", "ash_class", "text", "expected", "for_cement"), CASES)
def test_fly_ash_at_its_limits(why: str, ash_class: str, text: str, expected: str, *, for_cement: bool) -> None:
    concrete, cement, *_ = gradings("fly_ash", _ash(text), ash_class=ash_class, boiler="pulverized")

    assert (concrete.grade or concrete.outcome) == expected, why
    assert (cement.outcome == "met") == for_cement, why
    assert concrete.standard == cement.standard == "GB/T 1596-2017"


def test_a_grade_says_why_it_is_no_better() -> None:
    grading = grade_of("fly_ash", _ash("12.1 96 5.0 0.5 1.0 0.5 80.0 2.3 75 -"), ash_class="F", boiler="pulverized")

    assert grading is not None
    assert [(each.property, each.value, each.limit, each.bound) for each in grading.failed] == [
        ("residue_45um", Decimal("12.1"), Decimal("12.0"), "max"),
        ("water_demand_ratio", Decimal(96), Decimal(95), "max"),
    ]
    assert str(grading.text) == "GB/T 1596-2017: Grade II."
    assert (grading.name_zh, grading.name_en) == ("Ⅱ级", "Grade II")


def test_what_is_missing_is_named_and_never_a_pass() -> None:
    grading = grade_of("fly_ash", _ash("- - 3.0 0.5 1.0 0.5 85.0 2.3 85 -"), boiler="pulverized")

    assert grading is not None
    assert (grading.outcome, grading.grade) == ("not_determinable", None)
    assert grading.missing == ("residue_45um", "water_demand_ratio")


@pytest.mark.parametrize("boiler", ["cfb", "co_firing"])
def test_ash_of_another_boiler_has_no_grade_whatever_its_values(boiler: str) -> None:
    concrete, cement, road = gradings("fly_ash", _ash(CASES[0][2]), boiler=boiler)

    assert (concrete.outcome, concrete.grade) == ("out_of_scope", None)
    assert cement.outcome == "out_of_scope"
    assert road.outcome == "not_determinable"


def test_without_a_word_on_the_boiler_the_grade_says_what_it_supposes() -> None:
    grading = grade_of("fly_ash", _ash(CASES[0][2]))

    assert grading is not None
    assert (grading.grade, str(grading.text)) == (
        "I",
        "GB/T 1596-2017: Grade I, provided that the boiler burns pulverized coal.",
    )


def test_much_calcium_oxide_makes_the_ash_class_c() -> None:
    values = _ash("10.0 94 2.0 0.5 2.5 3.8 55.0 2.5 85 4.5") | {"cao": Decimal(10)}

    grading = grade_of("fly_ash", values, boiler="pulverized")

    assert grading is not None
    assert grading.grade == "I"


def test_dry_desulfurization_is_judged_where_it_was_measured() -> None:
    values = _ash(CASES[0][2]) | {"caso3_half_h2o": Decimal("3.1")}

    grading = grade_of("fly_ash", values, boiler="pulverized")

    assert grading is not None
    assert grading.outcome == "failed"
    assert [each.property for each in grading.failed] == ["caso3_half_h2o"]


@pytest.mark.parametrize(
    ("carbon", "grade"),
    [
        ("3.9", "class-1"),
        ("4", "class-2"),
        ("6", "class-2"),
        ("6.1", "class-3"),
        ("20", "class-3"),
        ("20.1", "class-4"),
    ],
)
def test_gangue_by_its_carbon(carbon: str, grade: str) -> None:
    grading = grade_of("coal_gangue", {"carbon_content": Decimal(carbon)})

    assert grading is not None
    assert grading.grade == grade


@pytest.mark.parametrize("heat", ["0", "2089", "2090", "6269", "6270", "12550"])
def test_every_heat_of_gangue_up_to_the_last_class_is_of_one_class(heat: str) -> None:
    values = {"calorific_value": Decimal(heat)}

    fitting = [
        grade
        for grade in grades("coal_gangue")
        if grade.use == "heat" and not any(line.failure(values["calorific_value"]) for line in grade.requirements)
    ]

    assert len(fitting) == 1


@pytest.mark.parametrize(
    ("sulfur", "grade"),
    [
        ("0", "low-sulfur"),
        ("1.0", "low-sulfur"),
        ("1.01", "medium-sulfur"),
        ("6.0", "medium-high-sulfur"),
        ("9", "high-sulfur"),
    ],
)
def test_gangue_by_its_sulfur_lower_bounds_excluded(sulfur: str, grade: str) -> None:
    by_use = {each.use: each for each in gradings("coal_gangue", {"total_sulfur": Decimal(sulfur)})}

    assert by_use["sulfur"].grade == grade
    assert by_use["carbon"].outcome == "not_determinable"


def test_radioactivity_and_leaching_hold_for_every_material() -> None:
    values = {"internal_exposure_index": Decimal("0.6"), "external_exposure_index": Decimal("1.0")}

    by_use = {each.use: each for each in general_gradings(values)}

    assert by_use["radioactivity"].outcome == "met"
    assert by_use["storage_class"].outcome == "not_determinable"


def test_a_material_without_a_standard_has_no_grade() -> None:
    grading = grade_of("red_mud", {"ph": Decimal(11)})

    assert grading is None
    assert graded_properties("red_mud") == ()


def test_a_form_asks_for_what_the_main_use_is_graded_by() -> None:
    asked = graded_properties("fgd_gypsum")

    assert asked == (
        "moisture",
        "caso4_2h2o",
        "caso3_half_h2o",
        "chloride",
        "water_soluble_mgo",
        "water_soluble_na2o",
        "ph",
    )


@given(
    st.fixed_dictionaries({code: st.decimals(0, 120, places=1) for code in ASH}),
    st.sampled_from(ASH),
    st.decimals(0, 60, places=1),
)
def test_a_better_value_never_gives_a_worse_grade(values: dict[str, Decimal], code: str, by: Decimal) -> None:
    order = {"I": 0, "II": 1, "III": 2, None: 3}
    higher_is_better = {"sum_si_al_fe_oxides", "activity_index_28d"}
    better = values | {code: values[code] + by if code in higher_is_better else values[code] - by}

    for ash_class in ("F", "C"):
        before = grade_of("fly_ash", values, ash_class=ash_class)
        after = grade_of("fly_ash", better, ash_class=ash_class)

        assert before is not None
        assert after is not None
        assert order[after.grade] <= order[before.grade]


@given(st.dictionaries(st.sampled_from([each.code for each in properties()]), st.decimals(-100, 1000, places=2)))
def test_every_material_takes_any_values(values: dict[str, Decimal]) -> None:
    for material in materials():
        for grading in gradings(material.code, values):
            assert (grading.outcome == "met") == (grading.grade is not None)
            assert not set(grading.missing) & set(values)


@pytest.mark.parametrize("value", ["-0.1", "100.1", "1e308", "NaN", "Infinity"])
def test_refuses_a_value_beyond_all_sense(value: str) -> None:
    with pytest.raises(Invalid, match="Is the unit right") as refused:
        checked_value("moisture", Decimal(value), field="moisture")

    assert refused.value.field == "moisture"
    assert checked_value("moisture", Decimal(100)) == 100


def test_refuses_what_is_no_property_class_or_boiler() -> None:
    with pytest.raises(Invalid, match="no property"):
        property_of("beauty")
    with pytest.raises(Invalid, match="class F or of class C"):
        grade_of("fly_ash", {}, ash_class="X")
    with pytest.raises(Invalid, match="pulverized coal"):
        grade_of("fly_ash", {}, boiler="kettle")


def test_the_catalogue_says_each_grade_as_the_table_does() -> None:
    part = Path(marketplace.__file__).parent / "translations" / "zh_Hans_CN" / "facts.po"
    with part.open("rb") as lines:
        said = {message.id: message.string for message in read_po(lines)}

    named = {
        grade.name_en: grade.name_zh for each in [*materials(), None] for grade in grades(each.code if each else "*")
    }

    assert {name: said.get(name) for name in named} == named


def test_every_limit_names_a_property_and_lies_within_its_sense() -> None:
    for material in [*(each.code for each in materials()), "*"]:
        for grade in grades(material):
            assert grade.confidence in {"high", "medium", "low"}
            for line in grade.requirements:
                measured = property_of(line.property)
                bounds = [bound for bound in (line.least, line.most) if bound is not None]
                assert bounds
                assert all(measured.least <= bound <= measured.most for bound in bounds)
