"""Credit codes: read as typed, and no single slip goes unnoticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.organizations import ALPHABET, credit_code, valid_credit_code

PUBLISHED = "91350100M000100Y43"  # the example of GB 32100-2015

bodies = st.text(alphabet=ALPHABET, min_size=17, max_size=17)


def test_the_published_example_is_valid() -> None:
    body = PUBLISHED[:-1]

    made = valid_credit_code(body)

    assert made == PUBLISHED


@pytest.mark.parametrize(
    "typed", ["91350100m000100y43", " 91350100 M000100Y43 ", "９１３５０１００Ｍ０００１００Ｙ４３"]
)
def test_is_read_as_people_type_it(typed: str) -> None:
    read = credit_code(typed)

    assert read == PUBLISHED


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "has 18 characters; this one has 0"),
        ("91350100M000100Y4", "has 18 characters; this one has 17"),
        ("91350100I000100Y43", "“I” does not occur"),
        ("91350100M000100Y44", "does not fit the others"),
        ("统一社会信用代码统一社会信用代码统一", "does not occur"),
    ],
)
def test_says_what_is_wrong(typed: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as refused:
        credit_code(typed, field="code")

    assert refused.value.field == "code"


@given(bodies, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_every_change_of_one_character_is_caught(body: str, place: int, other: str) -> None:
    code = valid_credit_code(body)
    changed = code[:place] + other + code[place + 1 :]

    if changed == code:
        assert credit_code(changed) == code
    else:
        with pytest.raises(Invalid):
            credit_code(changed)


@given(st.text())
def test_arbitrary_text_is_read_or_refused(typed: str) -> None:
    try:
        read = credit_code(typed)
    except Invalid:
        return

    assert credit_code(read) == read


@pytest.mark.parametrize("body", ["", "9135010", "91350100O000100Y4"])
def test_refuses_to_make_a_code_from_something_else(body: str) -> None:
    with pytest.raises(Invalid):
        valid_credit_code(body)
