"""Files of rows as offices keep them, CSV and XLSX: bytes in, rows of cells out, one at a time."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from marketplace.adapters import sheetparts
from marketplace.adapters.sheetarchive import LIMITS, MIB, Limits, broken
from marketplace.domain.errors import Invalid
from marketplace.domain.monthfiles import decode
from marketplace.domain.sheetrows import Cell, Sheet, SheetRow, column_letters

warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
"""What openpyxl cannot keep of a workbook (it says so for each cell) is not kept here anyway."""

ZIPPED: Final = b"PK\x03\x04"
OLE2: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OTHERS: Final = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"{\\rtf")
SAMPLE: Final = 32 * 1024
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")
_QUOTED_TEXT: Final = re.compile(r'="([^"]*)"')
_SEPARATOR_LINE: Final = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)
_SPAN: Final = re.compile(r"\[[hms]+\]", re.IGNORECASE)

CHINESE_FORMATS: Final = frozenset({*range(27, 37), *range(50, 59)})
"""Number formats 27 to 36 and 50 to 58 are dates and times in a Chinese Excel, which writes no code for them."""


def read(content: bytes, limits: Limits = LIMITS) -> Sheet:
    """
    Return the rows of a CSV file, or of the first sheet of an XLSX file that is shown and holds something.

    CSV: UTF-8 with or without a mark, UTF-16 with one, or GB18030; cells parted by comma, semicolon or tab; all cells are
    text. XLSX: figures come exactly as they were typed, dates as datetime, a time without a date as text. Rows are
    numbered as the file numbers them. Raises Invalid for other formats and for what is beyond the limits; some of it only
    while the rows are gone through.
    """
    if len(content) > limits.file_bytes:
        raise Invalid("The file is larger than %(most)s MiB.", field="file", most=limits.file_bytes // MIB)
    if content.startswith(OLE2):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise Invalid(
                "This workbook is protected by a password. Save it without one, as XLSX or CSV.", field="file"
            )
        raise Invalid("This is a workbook in the old format XLS. Save it as XLSX or CSV.", field="file")
    if content.startswith(ZIPPED):
        return _workbook(content, limits)
    if content.startswith(OTHERS) or re.match(
        rb"\s*<[!?a-z]", content[3:99].lower() if content[:1] == b"\xef" else content[:99].lower()
    ):
        raise Invalid("This file is neither XLSX nor CSV. Save it as XLSX or CSV.", field="file")
    return Sheet("", _text_rows(decode(content), limits))


def _text_rows(text: str, limits: Limits) -> Iterator[SheetRow]:
    """Yield the rows of a text; a row of several lines has the number of the first."""
    if not text.strip():
        raise Invalid("The file is empty.", field="file")
    lines = _Lines(text, limits.columns * (limits.characters + 8))
    said = _SEPARATOR_LINE.fullmatch(text[:16].splitlines()[0])
    if said:
        next(lines)
    delimiter = said[1] if said else _delimiter(text[:SAMPLE])
    reader = csv.reader(lines, delimiter=delimiter)
    count, seen = 0, 0
    while True:
        first, seen = lines.begin(), seen + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Invalid("Line %(line)s cannot be read.", field="file", line=first) from error
        row = SheetRow(first, tuple(_text_cell(cell, at, first, limits) for at, cell in enumerate(cells, 1)))
        if len(cells) > limits.columns:
            if any(row.cells[limits.columns :]):
                raise Invalid("The file has more than %(most)s columns.", field="file", most=limits.columns)
            row = SheetRow(first, row.cells[: limits.columns])
        count += not row.empty
        if count > limits.rows or seen > limits.row_tags:
            raise Invalid("The file has more than %(most)s rows. Split it.", field="file", most=limits.rows)
        yield row


def _text_cell(cell: str, column: int, line: int, limits: Limits) -> str | None:
    if len(cell) > limits.characters:
        raise _too_long(f"{column_letters(column)}{line}", limits)
    if cell.startswith("="):
        quoted = _QUOTED_TEXT.fullmatch(cell.strip())  # how a text of digits is kept from becoming a figure
        if quoted is None:
            raise Invalid(
                "Cell %(cell)s holds a formula. Copy the columns, paste them as values, and save the file again.",
                field="file",
                cell=f"{column_letters(column)}{line}",
            )
        cell = quoted[1]
    return cell or None


def _too_long(cell: str, limits: Limits) -> Invalid:
    return Invalid(
        "Cell %(cell)s holds more than %(most)s characters.", field="file", cell=cell, most=limits.characters
    )


class _Lines:
    """The lines of a text with their numbers, none of them copied before it is asked for."""

    def __init__(self, text: str, most: int) -> None:
        self._found = _LINE.finditer(text)
        self._most, self._characters, self._number = most, 0, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        found = next(self._found)
        begin, end = found.span()
        if begin == end:
            raise StopIteration
        self._number += 1
        self._characters += end - begin
        if self._characters > self._most:  # a quotation mark that is not closed makes one row of all that follow
            raise Invalid("Line %(line)s cannot be read.", field="file", line=self._number)
        return found[0]

    def begin(self) -> int:
        """Begin a row, and return the number of its first line."""
        self._characters = 0
        return self._number + 1


def _delimiter(sample: str) -> str:
    """Return what parts the cells: the sign that makes the most of them that are not empty."""

    def cells(delimiter: str) -> int:
        lines = sample.splitlines(keepends=True)
        try:
            return sum(1 for row in csv.reader(lines[:50], delimiter=delimiter) if len(row) > 1 for cell in row if cell)
        except csv.Error:
            return 0

    return max("\t;,", key=cells) if any(cells(each) for each in "\t;,") else ","


def _dated(number: int, code: str) -> str:
    """Say what a number format shows."""
    from openpyxl.styles.numbers import builtin_format_code, is_date_format

    if not code and number in CHINESE_FORMATS:
        return sheetparts.DATE
    shown = code or builtin_format_code(number) or ""
    if not is_date_format(shown):
        return sheetparts.FIGURE
    return sheetparts.SPAN if _SPAN.search(shown) and "y" not in shown.lower() else sheetparts.DATE


def _workbook(content: bytes, limits: Limits) -> Sheet:
    part = sheetparts.part(content, limits, _dated)
    return Sheet(part.name, _workbook_rows(part, limits), part.others)


def _workbook_rows(part: sheetparts.Part, limits: Limits) -> Iterator[SheetRow]:
    """Yield the rows of a sheet up to the last that holds something. Raises Invalid."""
    from openpyxl import load_workbook  # it takes half a second and is not needed for CSV

    hidden = part.extent.hidden
    try:
        book = load_workbook(part.archive, read_only=True, keep_links=False)
        extent = {"max_col": part.extent.last_column, "max_row": part.extent.last_row}  # the file's own may be wrong
        rows = book.worksheets[0].iter_rows(**extent, values_only=True)
        for number, values in enumerate(rows, 1):
            cells = tuple(map(_cell, values)) if any(value is not None for value in values) else ()
            for at, cell in enumerate(cells, 1):
                if isinstance(cell, str) and len(cell) > limits.characters:
                    raise _too_long(f"{column_letters(at)}{number}", limits)
            yield SheetRow(number, cells, number in hidden)
        book.close()
    except (Invalid, GeneratorExit):
        raise
    except Exception as error:  # openpyxl promises nothing for what is broken
        raise broken() from error


def _cell(value: object) -> Cell:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return _figure(value)
    if isinstance(value, datetime):
        return _whole_second(value.replace(tzinfo=None))
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  (a sheet knows no zone)
    if isinstance(value, time):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, timedelta):
        return str(timedelta(seconds=round(value.total_seconds())))
    return str(value)


def _figure(value: float) -> Cell:
    """Return the figure that was typed: the shortest that the file's number stands for, exactly."""
    exact = Decimal(repr(value))
    if not exact.is_finite():
        return repr(value)
    return int(value) if value.is_integer() and abs(value) < 2**53 else exact


def _whole_second(at: datetime) -> datetime:
    """Return the nearest whole second: a sheet keeps fractions of a day, which are seldom whole ones."""
    return (at + timedelta(microseconds=500_000)).replace(microsecond=0)
