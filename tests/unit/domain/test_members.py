"""What organizations and parks say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.domain.errors import Invalid
from marketplace.domain.members import OrganizationFacts, ParkFacts
from marketplace.domain.organizations import valid_credit_code

CODE = valid_credit_code("91140200MA0K12345")


def facts(**given: Any) -> OrganizationFacts:
    values = {
        "credit_code": CODE,
        "name_zh": "云岗热电",
        "name_en": "",
        "produces": True,
        "recycles": False,
        "park_id": 1,
        "contact_name": "李伟",
        "contact_phone": "0352-5550100",
    }
    return OrganizationFacts(**(values | given))


def test_reads_the_code_as_it_is_typed() -> None:
    read = facts(credit_code=f" {CODE.lower()} ", name_en=" Yungang Power ")

    assert (read.credit_code, read.name_en) == (CODE, "Yungang Power")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"credit_code": CODE[:-1] + ("0" if CODE[-1] != "0" else "1")}, "credit_code"),
        ({"name_zh": " "}, "name_zh"),
        ({"produces": False}, "produces"),
        ({"contact_phone": ""}, "contact_phone"),
        ({"name_en": "a\x07b"}, "name_en"),
    ],
)
def test_names_the_field_that_is_wrong(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        facts(**given)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"goal_permille": 1001}, "goal"),
        ({"goal_permille": -1}, "goal"),
        ({"kind": "city"}, "kind"),
        ({"goal_source": ""}, "goal_source"),
    ],
)
def test_a_park_has_a_goal_with_a_source(given: dict[str, Any], field: str) -> None:
    values = {
        "name_zh": "云岗园区",
        "name_en": "",
        "kind": "estate",
        "division_code": "140200",
        "goal_permille": 570,
        "goal_source": "某文件",
    }

    with pytest.raises(Invalid) as refused:
        ParkFacts(**(values | given))

    assert refused.value.field == field
