"""Workbooks: what is written is read back, numbers as numbers, and nothing that a spreadsheet would work out."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from io import BytesIO

from openpyxl import load_workbook

from marketplace.adapters.workbooks import Table, workbook


def test_what_is_written_is_read_back() -> None:
    harm = ["=1+1", "+1", "-1", "@SUM(A1)", "粉煤灰"]
    table = Table(
        name="表3",
        title="出厂环节记录表",
        above=["云泉电厂"],
        header=["名称", "吨", "时间"],
        rows=[[text, Decimal("33.78"), datetime(2026, 12, 3, 8, 40)] for text in harm] + [[None, None, None]],  # noqa: DTZ001
        below=["负责人"],
    )

    book = load_workbook(BytesIO(workbook([table])))

    sheet = book["表3"]
    rows = list(sheet.iter_rows())
    assert [rows[0][0].value, rows[1][0].value] == ["出厂环节记录表", "云泉电厂"]
    assert [cell.value for cell in rows[2]] == ["名称", "吨", "时间"]
    for text, row in zip(harm, rows[3:8], strict=True):
        assert (row[0].value, row[0].data_type) == (text, "s")
        assert (row[1].value, row[1].data_type, row[1].number_format) == (33.78, "n", "0.00")
        assert row[2].value == datetime(2026, 12, 3, 8, 40)  # noqa: DTZ001
    assert rows[9][0].value == "负责人"
