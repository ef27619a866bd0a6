"""Tables as XLSX files, by openpyxl: numbers are numbers, and no text of others becomes a formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

WIDTHS: Final = (8, 48)
"""The least and the most that a column is wide, in characters."""

Cell = str | int | Decimal | datetime | None


@dataclass(frozen=True)
class Table:
    """One sheet: a title, lines below it, a header, rows, and lines at the end. Instants are in the reader's zone, without it."""

    name: str
    title: str
    above: Sequence[str]
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    below: Sequence[str] = ()


def workbook(tables: Sequence[Table]) -> bytes:
    """Return an XLSX file of these sheets."""
    book = Workbook()
    book.remove(book.active)
    for table in tables:
        sheet = book.create_sheet(table.name[:31])
        across = len(table.header)
        _line(sheet, 1, table.title, across, bold=True)
        for number, text in enumerate(table.above, 2):
            _line(sheet, number, text, across)
        first = len(table.above) + 2
        for column, text in enumerate(table.header, 1):
            cell = _write(sheet, first, column, text)
            cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="center")
        for number, row in enumerate(table.rows, first + 1):
            for column, value in enumerate(row, 1):
                _write(sheet, number, column, value)
        for number, text in enumerate(table.below, first + len(table.rows) + 1):
            _line(sheet, number, text, across)
        for column in range(1, across + 1):
            texts = [table.header[column - 1], *(str(row[column - 1] or "") for row in table.rows)]
            wide = max(sum(2 if ord(sign) > 0x2E7F else 1 for sign in text) for text in texts) + 2
            sheet.column_dimensions[get_column_letter(column)].width = min(max(wide, WIDTHS[0]), WIDTHS[1])
        sheet.freeze_panes = sheet.cell(first + 1, 1)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _line(sheet: Any, number: int, text: str, across: int, *, bold: bool = False) -> None:
    cell = _write(sheet, number, 1, text)
    cell.font = Font(bold=bold, size=14 if bold else 11)
    if across > 1:
        sheet.merge_cells(start_row=number, start_column=1, end_row=number, end_column=across)


def _write(sheet: Any, row: int, column: int, value: Cell) -> Any:
    cell = sheet.cell(row, column)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # whatever it begins with, it is a text
    elif isinstance(value, Decimal):
        cell.number_format = "0.00"
    elif isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm"
    return cell
