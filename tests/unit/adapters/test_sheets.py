"""Files of rows in the forms that offices keep them, read to the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import MAC_EPOCH

from marketplace.adapters.sheets import read
from marketplace.domain.errors import Invalid
from marketplace.domain.sheetrows import Cell, column_letters
from tests.unit.adapters.sheetbombs import MAIN, cell, parts, sheet, workbook, zipped

shown_at = datetime.fromisoformat
"""A date as a sheet shows it, without a zone."""


def cells(content: bytes) -> list[tuple[Cell, ...]]:
    return [row.cells for row in read(content).rows]


def saved(book: Workbook) -> bytes:
    into = io.BytesIO()
    book.save(into)
    return into.getvalue()


def of_rows(rows: Sequence[Sequence[Any]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    return saved(book)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_text_in_any_encoding_separator_and_line_end_is_the_same_rows(
    encoding: str, delimiter: str, line_end: str
) -> None:
    rows = [
        ("过磅明细表",),
        ("磅单号", "毛重", "备注"),
        ("1", "48,900", '说"好"; a\tb, c'),
        ("2", "", f"两{line_end}行"),
        ("3", "x", "y"),
    ]
    into = io.StringIO()
    csv.writer(into, delimiter=delimiter, lineterminator=line_end).writerows(rows)

    found = list(read(into.getvalue().encode(encoding)).rows)

    assert [row.cells for row in found] == [tuple(value or None for value in row) for row in rows]
    assert [row.number for row in found] == [1, 2, 3, 4, 6]


def test_a_text_of_digits_that_is_kept_by_a_formula_is_text() -> None:
    assert cells('号,"=""0012"""\n="007",b\n'.encode()) == [("号", "0012"), ("007", "b")]


def test_a_first_line_that_names_the_separator_is_none_of_the_rows() -> None:
    found = list(read(b"sep=;\na;b,c\n1;2\n").rows)

    assert [(row.number, row.cells) for row in found] == [(2, ("a", "b,c")), (3, ("1", "2"))]


def test_empty_lines_are_told_as_rows_so_that_numbers_stay_right() -> None:
    found = list(read(b"a,b\n\n,\nc,d").rows)

    assert [(row.number, row.empty) for row in found] == [(1, False), (2, True), (3, True), (4, False)]


def test_figures_are_exact_and_dates_whole_seconds() -> None:
    at = shown_at("2025-03-01 08:12:35")
    content = of_rows([["文", 49260, 33.78, 49260.0, at, date(2025, 3, 1), time(8, 40), True, None]])

    assert cells(content) == [
        ("文", 49260, Decimal("33.78"), 49260, at, shown_at("2025-03-01 00:00:00"), "08:40:00", "TRUE")
    ]  # fmt: skip


def test_what_excel_writes_for_a_figure_is_the_figure_that_was_typed() -> None:
    content = workbook("<row><c><v>33.780000000000001</v></c><c><v>6.15E1</v></c><c><v>1E400</v></c></row>")

    assert cells(content) == [(Decimal("33.78"), Decimal("61.5"), "inf")]


def test_each_second_of_a_day_comes_back_from_a_fraction() -> None:
    start = shown_at("2025-03-01 00:00:00")
    moments = [start + timedelta(seconds=seconds) for seconds in range(0, 86_400, 37)]

    assert [row[0] for row in cells(of_rows([[moment] for moment in moments]))] == moments


def test_a_fraction_of_a_day_that_was_cut_off_is_the_nearest_second() -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="22"/></cellXfs></styleSheet>'

    assert cells(workbook('<row><c s="0"><v>45717.34207175</v></c></row>', styles=styles)) == [
        (shown_at("2025-03-01 08:12:35"),)
    ]


def test_a_sheet_ends_with_the_last_row_that_holds_something_whatever_it_says_of_its_extent() -> None:
    rows = (
        f"<row>{cell('a')}{cell('b')}</row><row><c/></row><row>{cell('c')}</row>" + '<row ht="9"><c s="0"/></row>' * 9
    )

    assert cells(workbook(rows, before='<dimension ref="A1:A1"/>')) == [("a", "b"), (), ("c", None)]


def test_a_long_text_of_short_rows_is_read_to_its_end() -> None:
    found = cells("".join(f"{number},毛重皮重净重\n" for number in range(30_000)).encode())

    assert (len(found), found[-1]) == (30_000, ("29999", "毛重皮重净重"))


def test_dates_counted_from_1904() -> None:
    book = Workbook()
    book.epoch = MAC_EPOCH
    book.active.append([shown_at("2025-03-01 08:40:00")])

    assert cells(saved(book)) == [(shown_at("2025-03-01 08:40:00"),)]


@pytest.mark.parametrize("number", [22, 27, 31, 57])
def test_formats_that_a_chinese_excel_writes_without_a_code_are_dates(number: int) -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs><xf/><xf numFmtId="{number}"/></cellXfs></styleSheet>'

    found = cells(workbook('<row><c s="1"><v>45717.5</v></c><c><v>45717.5</v></c></row>', styles=styles))

    assert found == [(shown_at("2025-03-01 12:00:00"), Decimal("45717.5"))]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot; h:mm", shown_at("2025-03-01 12:00:00")),
        ("[$-804]yyyy/m/d", shown_at("2025-03-01 12:00:00")),
        ("0.00&quot;吨&quot;", Decimal("45717.5")),
        ("[h]:mm", "45717 days, 12:00:00"),
    ],
)
def test_formats_of_ones_own(code: str, shown: Cell) -> None:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="{code}"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="22"/></cellStyleXfs><cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>'
    )

    assert cells(workbook('<row><c s="0"><v>45717.5</v></c></row>', styles=styles)) == [(shown,)]


def test_a_title_over_merged_cells_is_a_plain_row() -> None:
    book = Workbook()
    book.active["A1"] = "过磅明细表"
    book.active.merge_cells("A1:C1")
    book.active.append(["a", "b", "c"])

    assert cells(saved(book)) == [("过磅明细表", None, None), ("a", "b", "c")]


def test_hidden_rows_are_marked_and_gaps_keep_their_numbers() -> None:
    book = Workbook()
    book.active["A2"], book.active["B4"] = "x", "y"
    book.active.row_dimensions[4].hidden = True

    found = list(read(saved(book)).rows)

    assert [(row.number, row.cells, row.hidden) for row in found] == [
        (1, (), False),
        (2, ("x", None), False),
        (3, (), False),
        (4, (None, "y"), True),
    ]


def test_the_first_sheet_that_is_shown_and_holds_something_is_read_and_the_others_are_told() -> None:
    book = Workbook()
    book.active.title = "封面"
    hidden, data, more = book.create_sheet("隐藏"), book.create_sheet("明细"), book.create_sheet("汇总")
    book.create_sheet("空")
    hidden["A1"], data["A1"], more["A1"] = "no", "yes", "also"
    hidden.sheet_state = "hidden"

    found = read(saved(book))

    assert (found.name, found.others) == ("明细", ("汇总",))
    assert [row.cells for row in found.rows] == [("yes",)]


def test_shared_texts_rich_texts_and_cells_without_a_reference() -> None:
    strings = (
        f'<sst xmlns="{MAIN}"><si><t>晋F12345</t></si><si><r><t>粉</t></r><r><rPr><b/></rPr><t>煤灰</t></r></si></sst>'
    )
    row = f'<row r="3"><c t="s"><v>1</v></c><c r="D3" t="s"><v>0</v></c>{cell("末")}<c t="e"><v>#N/A</v></c></row>'

    found = list(read(workbook(row, strings=strings)).rows)

    assert [(each.number, each.cells) for each in found] == [
        (1, ()),
        (2, ()),
        (3, ("粉煤灰", None, None, "晋F12345", "末", "#N/A")),
    ]


def test_formats_that_openpyxl_would_stumble_over_do_not_matter() -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><fills><fill/></fills><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'

    assert cells(workbook('<row><c s="0"><v>45717</v></c></row>', styles=styles)) == [
        (shown_at("2025-03-01 00:00:00"),)
    ]


def _with_password_flag() -> bytes:
    content = bytearray(workbook(f"<row>{cell('a')}</row>"))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (OLE2, "This is a workbook in the old format XLS. Save it as XLSX or CSV."),
        (OLE2 + "EncryptedPackage".encode("utf-16-le"), "This workbook is protected by a password."),
        (_with_password_flag(), "This workbook is protected by a password."),
        (b"%PDF-1.7", "This file is neither XLSX nor CSV. Save it as XLSX or CSV."),
        (b"\x89PNG\r\n", "This file is neither XLSX nor CSV."),
        (b"\xef\xbb\xbf<html><table>", "This file is neither XLSX nor CSV."),
        (b"<?xml version='1.0'?><Workbook/>", "This file is neither XLSX nor CSV."),
        (zipped({"content.xml": "<x/>", "mimetype": "x"}), "This file is neither XLSX nor CSV."),
        (zipped({"xl/workbook.bin": b"\x01"}), "This file is neither XLSX nor CSV."),
        (b"a\x00b,c", "This file is no text in UTF-8 or GB18030."),
        (b"\xff\xff\xff", "This file is no text in UTF-8 or GB18030."),
        (b"", "The file is empty."),
        (b" \n\n ", "The file is empty."),
        (of_rows([]), "The file is empty."),
        (of_rows([["毛重", "皮重", "净重"], [3, 1, "=A2-B2"]]), "Cell C2 holds a formula."),
        (workbook("<row><c/><c><f>1+1</f><v>2</v></c></row>"), "Cell B1 holds a formula."),
        (workbook('<row r="7"><c r="AB7"><f t="shared" si="0"/><v>2</v></c></row>'), "Cell AB7 holds a formula."),
        ("毛重,净重\n3,=A2-1\n".encode(), "Cell B2 holds a formula."),
        (b"a,b\n1," + b"x" * 2001, "Cell B2 holds more than 2000 characters."),
        (zipped(parts({"one": sheet("")}, book=f"<workbook xmlns='{MAIN.replace('schemas', 'x')}'/>")), "The file is empty."),
    ],
)  # fmt: skip
def test_what_is_refused_and_in_which_words(content: bytes, said: str) -> None:
    with pytest.raises(Invalid) as refusal:
        cells(content)

    assert str(refusal.value).startswith(said)
    assert refusal.value.field == "file"


def test_columns_are_lettered_as_a_sheet_letters_them() -> None:
    assert [column_letters(at) for at in (1, 26, 27, 52, 53, 702, 703)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]
