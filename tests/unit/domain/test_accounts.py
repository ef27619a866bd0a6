"""Mail addresses, names, passwords and roles."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.accounts import (
    ALONE,
    ORGANIZATION_ROLES,
    PLATFORM_ROLES,
    Invitation,
    NewPerson,
    email_address,
    goes_with,
    new_password,
    one_line,
)
from marketplace.domain.errors import Invalid

EVERY_ROLE = ORGANIZATION_ROLES + PLATFORM_ROLES


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Plant@Demo.Example", "plant@demo.example"),
        ("  a.b+c@mail.company.cn ", "a.b+c@mail.company.cn"),
        ("ｗａｎｇ＠ｄｅｍｏ．ｅｘａｍｐｌｅ", "wang@demo.example"),
    ],
)
def test_reads_addresses_as_they_are_typed(typed: str, read: str) -> None:
    assert email_address(typed) == read


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "a",
        "a@b",
        "@b.cn",
        "a@b..cn",
        "a..b@c.cn",
        "a b@c.cn",
        "a@c.cn\nBcc: x@y.cn",
        "a@c.cn,d@e.cn",
        "x" * 250 + "@c.cn",
    ],
)
def test_refuses_what_is_no_address(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        email_address(typed, field="email")

    assert refused.value.field == "email"


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "a" * 61])
def test_refuses_names_that_are_empty_long_or_hide_something(name: str) -> None:
    with pytest.raises(Invalid):
        one_line(name)


@pytest.mark.parametrize(
    ("password", "allowed"),
    [
        ("short12", False),
        ("eight888x", True),
        ("12345678", False),
        ("PASSWORD123", False),
        ("aaaaaaaaaaaa", False),
        ("abababababab", False),
        ("li.wei@plant.example", False),
        ("干灰比湿灰好卖得多", True),
        ("x1y" * 42 + "zz", True),
        ("x1y" * 43, False),
    ],
)
def test_passwords_that_may_be_chosen(password: str, allowed: bool) -> None:
    try:
        found = new_password(password, email="li.wei@plant.example") == password
    except Invalid:
        found = False

    assert found is allowed


@given(st.text(min_size=8, max_size=128))
def test_a_password_is_never_changed(password: str) -> None:
    try:
        read = new_password(password, email="a@b.cn")
    except Invalid:
        read = password

    assert read == password


def test_a_new_person_is_read_whole() -> None:
    person = NewPerson(" Li.Wei@Plant.Example", " 李伟 ", "干灰比湿灰好卖得多")

    assert (person.email, person.name) == ("li.wei@plant.example", "李伟")


@pytest.mark.parametrize(
    ("role", "site_id", "field"), [("weigher", None, "site_id"), ("clerk", 3, "site_id"), ("auditor", None, "role")]
)
def test_only_weighers_have_a_site(role: str, site_id: int | None, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Invitation("a@b.cn", role, site_id)

    assert refused.value.field == field


def test_who_runs_or_examines_the_platform_has_no_other_role() -> None:
    together = {frozenset(pair) for pair in combinations(EVERY_ROLE, 2) if goes_with(pair[0], frozenset({pair[1]}))}

    firm = {"clerk", "signatory", "weigher"}
    assert together == {
        frozenset(pair)
        for pair in combinations(EVERY_ROLE, 2)
        if not ALONE & set(pair) and not ("park_administrator" in pair and firm & set(pair))
    }
