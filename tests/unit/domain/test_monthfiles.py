"""Files of past months as plants keep them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.ledger import Figures, Posted
from marketplace.domain.monthfiles import Book, Plan, decode, plan
from marketplace.domain.quantities import Month

ASH = Book(1, ("粉煤灰", "Fly ash"), ("一厂", "Plant one"))
GYPSUM = Book(2, ("脱硫石膏", "Gypsum"), ("一厂", "Plant one"))
HEADER = (
    "废物名称,月份,产生量（吨）,综合利用量/吨,其中：综合利用往年贮存量,贮存量,处置量,其中：处置往年贮存量,倾倒丢弃量\n"
)


def read(text: str, *books: Book, reason: str = "") -> Plan:
    return plan(text, books or (ASH, GYPSUM), reason=reason, this_month=Month(2027, 1))


def said(found: Plan) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.column, str(fault.sentence)) for fault in found.faults]


def test_reads_chinese_headers_full_width_digits_and_blanks() -> None:
    found = read(
        HEADER
        + "粉煤灰,２０２６年１２月,１,２００.5,\n脱硫石膏,2026/11,40,30,,10,0,—,\n".replace(
            "１,２００.5,", '"1,200.5",1200.5,,,,,'
        )
    )

    assert said(found) == []
    assert [(row.line, row.stream_id, str(row.month), row.state) for row in found.rows] == [
        (2, 1, "2026-12", "new"),
        (3, 2, "2026-11", "new"),
    ]
    assert found.rows[0].figures == Figures(generated_kg=1_200_500, utilized_kg=1_200_500)
    assert found.rows[1].figures == Figures(generated_kg=40_000, utilized_kg=30_000, stored_kg=10_000)


def test_reads_english_headers_and_cells_pasted_from_a_sheet() -> None:
    found = read(
        "Waste stream\tMonth\tGenerated (t)\tUtilized (t)\tStored\tDisposed of\nfly ash\t2026-12\t5\t5\t0\t0\n\n"
    )

    assert said(found) == []
    assert found.rows[0].figures == Figures(generated_kg=5000, utilized_kg=5000)


def test_names_each_faulty_row_with_line_column_and_reason() -> None:
    rows = [
        "粉煤灰,2026-12,10,4,,5,0,,",
        "粉煤灰,2026-13,10,10,,0,0,,",
        "粉煤灰,2026-11,约300,300,,0,0,,",
        "煤矸石,2026-11,1,1,,0,0,,",
        "粉煤灰,2027-02,1,1,,0,0,,",
        "粉煤灰,2026-10,1e308,1,,0,0,,",
        "粉煤灰,2026-09,NaN,1,,0,0,,",
        "粉煤灰,2026-08,1,1,,0,0,,",
        "粉煤灰,2026-08,1,1,,0,0,,",
        ",2026-07,1,1,,0,0,,",
        "粉煤灰,2026-06,-1,1,,0,0,,",
    ]

    found = read(HEADER + "\n".join(rows))

    assert [(line, column) for line, column, _ in said(found)] == [
        (2, ""),
        (3, "月份"),
        (4, "产生量（吨）"),
        (5, "废物名称"),
        (6, "月份"),
        (7, "产生量（吨）"),
        (8, "产生量（吨）"),
        (10, "月份"),
        (11, "废物名称"),
        (12, "产生量（吨）"),
    ]
    assert said(found)[0][2].startswith("This does not add up: 10000 t were generated, 1000 t more")
    assert said(found)[7][2] == "Line 9 says the same month of this waste already."
    assert [row.line for row in found.rows] == [9]


def test_a_store_that_would_run_below_nothing_is_named() -> None:
    found = read(HEADER + "粉煤灰,2026-12,0,5,5,0,0,,\n粉煤灰,2026-11,3,0,,3,0,,\n")

    assert said(found) == [(2, "", "In 2026-12 2000 t more are taken out of the store than lie in it.")]


def test_corrections_need_a_reason_and_the_same_again_does_nothing() -> None:
    month = Month(2026, 12)
    standing = (Posted(1, month, "process", "yard", 5000), Posted(2, month, "yard", "utilized", 5000))
    book = Book(1, ("粉煤灰",), ("一厂",), months={month: Figures(generated_kg=5000, utilized_kg=5000)},
                postings={month: standing})  # fmt: skip

    same = read(HEADER + "粉煤灰,2026-12,5,5,,0,0,,", book)
    refused = read(HEADER + "粉煤灰,2026-12,6,6,,0,0,,", book)
    corrected = read(HEADER + "粉煤灰,2026-12,6,6,,0,0,,", book, reason="复磅")

    assert [row.state for row in same.rows] == ["same"]
    assert [line for line, _, _ in said(refused)] == [2]
    assert [row.state for row in corrected.rows] == ["corrects"]


def test_two_of_one_name_are_told_apart_by_their_site() -> None:
    other = Book(3, ("粉煤灰",), ("二厂",))

    unclear = read(HEADER + "粉煤灰,2026-12,5,5,,0,0,,", ASH, other)
    clear = read("厂区," + HEADER + "二厂,粉煤灰,2026-12,5,5,,0,0,,", ASH, other)

    assert "several called" in said(unclear)[0][2]
    assert [row.stream_id for row in clear.rows] == [3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The file is empty"),
        ("废物名称,月份\n粉煤灰,2026-12", "missing"),
        (HEADER, "no row below"),
        (HEADER.replace("产生量（吨）", "产生量（万吨）"), "万吨"),
        (HEADER.replace("月份", "月份,月份", 1), "stands twice"),
        ("x" * 150_001, "too long"),
        (HEADER + "粉煤灰,2026-12,5,5,,0,0,,\n" * 3001, "more than 3000 rows"),
    ],
)
def test_what_is_no_such_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        read(text)


def test_files_come_as_offices_save_them() -> None:
    text = HEADER + "粉煤灰,2026-12,5,5,,0,0,,"

    for content in (text.encode(), text.encode("utf-8-sig"), text.encode("gb18030"), text.encode("utf-16")):
        assert decode(content) == text
    for content in (b"PK\x03\x04rest", b"\xff\xff\xff\x00", b"a\x00b"):
        with pytest.raises(Invalid):
            decode(content)


@given(st.text(max_size=200), st.text(alphabet="粉煤灰,2026-0123456789.\t\n\"'约eE+-—", max_size=200))
def test_whatever_is_pasted_is_read_or_refused(anything: str, row: str) -> None:
    for text in (anything, HEADER + row):
        try:
            found = read(text)
        except Invalid:
            continue
        assert all(row.figures.closes for row in found.rows)


@given(st.binary(max_size=100))
def test_whatever_is_uploaded_is_text_or_refused(content: bytes) -> None:
    try:
        text = decode(content)
    except Invalid:
        return
    assert "\x00" not in text
