"""Numbers as people type them, whole kilograms, whole fen, months."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import MOST_FEN_PER_T, MOST_KG, Month, fen, kilograms, number, payable_fen

months = st.builds(Month, st.integers(2000, 2100), st.integers(1, 12))


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1200", "1200"),
        ("12.5", "12.5"),
        (" 1,200.50 ", "1200.50"),
        ("１２．５", "12.5"),
        ("１，２００", "1200"),
        ("-30", "-30"),
        ("−30", "-30"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1 200", "1200"),
        ("0", "0"),
    ],
)
def test_reads_a_number_as_people_type_it(typed: str, read: str) -> None:
    value = number(typed)

    assert value == Decimal(read)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        ".",
        "-",
        "1e308",
        "NaN",
        "Infinity",
        "1,20",
        "12,5",
        "1.2.3",
        "0x10",
        "十二",
        "12 t",
        "½",
        "10²",
        "①",
        "--1",
    ],
)
def test_refuses_what_is_no_number(typed: str) -> None:
    with pytest.raises(Invalid, match="is not a number") as refused:
        number(typed, field="tonnes")

    assert refused.value.field == "tonnes"


@given(st.text())
@example("1" * 5000)
@example("٣٤")
@example("%(x)s")
@example("\x00")
def test_arbitrary_text_is_read_or_refused(typed: str) -> None:
    try:
        value = number(typed)
    except Invalid as refused:
        assert str(refused)  # noqa: PT017
        return

    assert value.is_finite()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_what_is_written_plainly_is_read_back(value: Decimal) -> None:
    read = number(f"{value:,f}")

    assert read == value


@given(st.integers(0, MOST_KG))
def test_tonnes_of_three_decimals_are_whole_kilograms(kg: int) -> None:
    tonnes = Decimal(kg) / 1000

    assert kilograms(tonnes) == kg


@pytest.mark.parametrize(
    ("tonnes", "message"),
    [
        ("-0.001", "less than zero"),
        ("0.0001", "three decimals"),
        ("1000000000.001", "thousand million"),
        ("1" + "0" * 308, "thousand million"),
    ],
)
def test_refuses_tonnes_that_make_no_sense(tonnes: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as refused:
        kilograms(Decimal(tonnes), field="offered")

    assert refused.value.field == "offered"


@given(st.integers(-MOST_FEN_PER_T, MOST_FEN_PER_T))
def test_yuan_of_two_decimals_are_whole_fen(amount: int) -> None:
    yuan = Decimal(amount) / 100

    assert fen(yuan) == amount


@pytest.mark.parametrize(
    ("yuan", "message"), [("0.005", "two decimals"), ("1000000.01", "a million"), ("-2e6", "a million")]
)
def test_refuses_yuan_that_make_no_sense(yuan: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        fen(Decimal(yuan))


@pytest.mark.parametrize(
    ("kg", "price", "pays"),
    [(1500, -100, -150), (1500, 101, 152), (500, 101, 50), (500, 103, 52), (0, 999, 0), (10**12, 10**8, 10**17)],
)
def test_what_is_payable_is_rounded_half_to_even(kg: int, price: int, pays: int) -> None:
    total = payable_fen(kg, price)

    assert total == pays


@given(st.integers(0, MOST_KG), st.integers(-MOST_FEN_PER_T, MOST_FEN_PER_T))
def test_who_pays_is_a_matter_of_the_sign_alone(kg: int, price: int) -> None:
    there, back = payable_fen(kg, price), payable_fen(kg, -price)

    assert there == -back


@given(months, st.integers(-120, 120))
def test_months_add_up(month: Month, by: int) -> None:
    try:
        later = month.plus(by)
    except Invalid:
        return

    assert later.plus(-by) == month
    assert (later > month) == (by > 0)
    assert Month.parse(str(later)) == later == Month.of(later.first_day)


def test_months_from_one_to_another() -> None:
    listed = [str(month) for month in Month.parse("2029-11").until(Month.parse("2030-02"))]

    assert listed == ["2029-11", "2029-12", "2030-01", "2030-02"]
    assert list(Month.parse("2030-02").until(Month.parse("2030-01"))) == []
    assert Month.parse("２０３０-０２") == Month(2030, 2) == Month.of(date(2030, 2, 28))


@pytest.mark.parametrize(
    "typed", ["", "2030", "2030-13", "2030-00", "1999-12", "2101-01", "2030-1", "2030/01", "month"]
)
def test_refuses_what_is_no_month(typed: str) -> None:
    with pytest.raises(Invalid, match="such as 2027-03") as refused:
        Month.parse(typed, field="month")

    assert refused.value.field == "month"


@given(st.text())
def test_arbitrary_text_is_a_month_or_refused(typed: str) -> None:
    try:
        month = Month.parse(typed)
    except Invalid:
        return

    assert 2000 <= month.year <= 2100
