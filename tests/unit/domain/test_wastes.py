"""Codes, materials and the words people use for them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.wastes import (
    CATEGORIES,
    ambiguity,
    bulk_categories,
    bulk_versions,
    find_material,
    is_bulk,
    material,
    materials,
    waste_code,
    waste_codes,
)


@pytest.mark.parametrize("typed", ["900-001-S02", " 900-001-s02", "９００－００１－Ｓ０２", "900–001–S02"])
def test_a_code_is_read_as_people_write_it(typed: str) -> None:
    found = waste_code(typed)

    assert (found.code, found.category, found.name_zh, found.industrial) == ("900-001-S02", "SW02", "粉煤灰", True)


def test_a_category_stands_for_a_code_that_is_not_known() -> None:
    tailings = waste_code("SW05")

    assert (tailings.category, tailings.name_zh) == ("SW05", "尾矿")


@pytest.mark.parametrize("typed", ["441-001-S06", "900-099-S08", "900-000-S02", "900-052-31", "HW31", "", "fly ash"])
def test_refuses_what_the_catalogue_does_not_have(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        waste_code(typed, field="code")

    assert refused.value.field == "code"


def test_a_code_of_the_right_form_is_told_to_choose_its_category() -> None:
    with pytest.raises(Invalid, match="Choose its category"):
        waste_code("441-001-S06")


def test_the_catalogue_has_its_kinds_once_and_no_sw08() -> None:
    categories = [each for each in waste_codes() if each.code == each.category]

    assert len(categories) == 35
    assert "SW08" not in {each.code for each in categories}
    assert len(waste_codes()) == len({each.code for each in waste_codes()}) == 70
    assert [each.code for each in categories if each.industrial] == list(CATEGORIES)


def test_every_item_code_ends_in_its_category() -> None:
    for each in waste_codes():
        assert re.fullmatch(r"SW\d\d|\d{3}-0\d\d-S\d\d", each.code)
        assert each.code[-2:] == each.category[-2:]


def test_every_material_has_a_code_of_its_category_and_a_color_of_its_own() -> None:
    for each in materials():
        assert waste_code(each.waste_code).category == each.category
        assert re.fullmatch(r"#[0-9a-f]{6}", each.color)
        assert each.name_zh
        assert each.name_en
    assert len({each.color for each in materials()}) == len(materials())


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("粉煤灰", "fly_ash"),
        ("飞灰", "fly_ash"),
        ("Fly Ash", "fly_ash"),
        ("fly-ash", "fly_ash"),
        ("ＦＬＹ　ＡＳＨ", "fly_ash"),
        ("fly_ash", "fly_ash"),
        ("水渣", "bf_slag"),
        ("矿渣", "bf_slag"),
        ("炉渣", "bottom_ash"),
        ("煤渣", "bottom_ash"),
        ("冶炼渣", "other_slag"),
        ("钢渣", "steel_slag"),
        ("脱硫灰", "dry_fgd_ash"),
        ("脱硫石膏", "fgd_gypsum"),
        ("矸石", "coal_gangue"),
        ("废钢", "scrap_steel"),
        ("废旧动力电池", "li_battery"),
        ("废旧家电", "e_waste"),
        ("废旧纺织品", "waste_textiles"),
        ("某电厂的一级粉煤灰", "fly_ash"),
    ],
)
def test_finds_a_material_by_the_words_of_the_trade(typed: str, code: str) -> None:
    found = find_material(typed)

    assert found[0].code == code


def test_an_exact_word_settles_it_and_a_part_offers_all() -> None:
    exact, part = find_material("石膏"), find_material("磷石膏")

    assert {each.code for each in exact} == {"fgd_gypsum", "phosphogypsum", "other_gypsum"}
    assert [each.code for each in part] == ["phosphogypsum"]
    assert find_material("xyzzy") == find_material("") == find_material("。") == ()


def test_a_word_is_the_synonym_of_one_material_only() -> None:
    for each in materials():
        for word in (each.name_zh, each.name_en, *each.synonyms):
            assert find_material(word) == (each,), word


def test_a_word_that_names_something_else_too_says_so() -> None:
    note = ambiguity("飞灰")

    assert note is not None
    assert "772-002-18" in str(note)
    assert ambiguity("粉煤灰") is None


@given(st.text())
def test_any_text_may_be_looked_for(typed: str) -> None:
    found = find_material(typed)

    assert len(found) == len(set(found))


def test_refuses_a_material_that_is_none() -> None:
    with pytest.raises(Invalid, match="no material"):
        material("unobtainium")


def test_the_class_list_of_bulk_waste_has_versions() -> None:
    narrow, wide = bulk_categories("industrial-2018"), bulk_categories("ndrc-2021")

    assert narrow == {"SW01", "SW02", "SW03", "SW04", "SW05", "SW06", "SW07", "SW09", "SW10"}
    assert "SW80" in wide
    assert bulk_versions() == ("industrial-2018", "ndrc-2021")
    assert (is_bulk("SW02"), is_bulk("SW17"), is_bulk("SW80", "ndrc-2021")) == (True, False, True)
    with pytest.raises(Invalid, match="no class list"):
        is_bulk("SW02", "1999")
