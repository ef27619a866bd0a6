"""The rows of a file, read cell by cell: what can be read is read exactly, and what cannot is named by line and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month, kilograms, number
from marketplace.domain.wording import Sentence, Value

SHOWN: Final = 20
"""Faults that are named; a file with more has one cause."""

T = TypeVar("T")


class Unreadable(Invalid):
    """A file that cannot be used, with every fault that was found, up to `SHOWN`."""

    def __init__(self, faults: list[Sentence]) -> None:
        super().__init__("The file cannot be used: %(first)s", first=faults[0])
        self.faults = tuple(faults)


class Rows:
    """
    The rows of a file, each with its line number, and the faults found so far.

    Unless ``weighed`` is off, a column has the tonnes: of each row, or of a year where rows have no month.
    """

    def __init__(self, content: bytes, name: str, *, required: Iterable[str], weighed: bool = True) -> None:
        self.name = name
        self.faults: list[Sentence] = []
        self.first_seen: dict[tuple[str, ...], int] = {}
        self.numbers: dict[str, Decimal] = {}
        self._lines = _cells(self, content)
        self.columns = self._header(tuple(required), weighed=weighed)

    @property
    def monthly(self) -> bool:
        """Whether each row is about a month."""
        return "month" in self.columns

    def fault(self, line: int, column: str, reason: Sentence) -> None:
        """Note what is wrong."""
        if len(self.faults) < SHOWN:
            values: dict[str, Value] = {"file": self.name, "line": line, "column": column, "reason": reason}
            self.faults.append(Sentence("%(file)s, line %(line)s, column %(column)s: %(reason)s", values))

    def refuse_faults(self) -> None:
        """Raise Unreadable if anything was wrong."""
        if self.faults:
            raise Unreadable(self.faults)

    def __iter__(self) -> Iterator[Row]:
        for line, cells in self._lines:
            if not any(cells):
                continue
            if len(cells) > len(self.columns):
                extra = str(len(self.columns) + 1)
                self.fault(line, extra, Sentence("There are more cells than the header has columns."))
                continue
            yield Row(self, line, dict(zip(self.columns, cells, strict=False)))

    def _header(self, required: tuple[str, ...], *, weighed: bool) -> list[str]:
        line, columns = next(self._lines, (1, []))
        if not any(columns):
            self.fault(line, required[0], Sentence("The file is empty: its first line names the columns."))
            self.refuse_faults()
        for column in required:
            if column not in columns:
                self.fault(line, column, Sentence("This column is missing."))
        if weighed and "tonnes" not in columns:
            if "tonnes_per_year" not in columns:
                self.fault(line, "tonnes", Sentence("This column is missing."))
            elif "month" in columns:
                self.fault(
                    line,
                    "tonnes",
                    Sentence("Where rows have a month, tonnes are those of the month: name the column tonnes."),
                )
        for column in sorted({column for column in columns if column and columns.count(column) > 1}):
            self.fault(line, column, Sentence("This column stands twice."))
        self.refuse_faults()
        return columns


class Row:
    """A row, read cell by cell; a cell that cannot be read is a fault, and the row not ``sound``."""

    def __init__(self, rows: Rows, line: int, cells: Mapping[str, str]) -> None:
        self.rows, self.line, self.cells = rows, line, cells
        self.sound = True

    def refuse(self, column: str, text: str, /, **values: Value) -> None:
        """Note a fault of this row."""
        self.sound = False
        self.rows.fault(self.line, column, Sentence(text, values))

    def text(self, column: str) -> str:
        """Return a text that must be there."""
        found = self.cells.get(column, "")
        if not found:
            self.refuse(column, "A value is missing.")
        return found

    def read(self, column: str, convert: Callable[[Decimal], T], default: T | None = None) -> T | None:
        """Return a number turned by ``convert``, or ``default`` where the cell is empty or not there."""
        cell = self.cells.get(column, "")
        return self._converted(column, lambda: convert(self._number(cell)), default) if cell else default

    def month(self) -> Month | None:
        """Return the month of the row, which must be there where the file has the column, else None."""
        if not self.rows.monthly:
            return None
        found = self.text("month")
        return self._converted("month", lambda: Month.parse(found), None) if found else None

    def day(self, column: str) -> date | None:
        """Return a day, or None where the cell is empty or not there."""
        cell = self.cells.get(column, "")
        return self._converted(column, lambda: _day(cell), None) if cell else None

    def unique(self, *columns: str) -> tuple[str, ...]:
        """Return the cells of these columns, which together stand in no earlier row; the first of them must be there."""
        found = (self.text(columns[0]), *(self.cells.get(column, "") for column in columns[1:]))
        first = self.rows.first_seen.setdefault(found, self.line)
        if found[0] and first != self.line:
            name = " ".join(cell for cell in found if cell)[:60]
            self.refuse(columns[0], "“%(id)s” already stands in line %(first)s.", id=name, first=first)
        return found

    def point(self) -> tuple[int, int]:
        """Return latitude and longitude in millionths of a degree."""
        for column in ("lat", "lon"):
            self.text(column)
        return self.read("lat", _degrees(90), 0) or 0, self.read("lon", _degrees(180), 0) or 0

    def kg(self) -> int:
        """Return the tonnes in kilograms, those of a year where there is no other column."""
        column = "tonnes" if "tonnes" in self.rows.columns else "tonnes_per_year"
        self.text(column)
        return self.read(column, kilograms, 0) or 0

    def _number(self, cell: str) -> Decimal:
        """Return a number; rows of one lot over a year say most of theirs twelve times."""
        numbers = self.rows.numbers
        if cell not in numbers:
            numbers[cell] = number(cell)
        return numbers[cell]

    def _converted(self, column: str, convert: Callable[[], T], default: T | None) -> T | None:
        try:
            return convert()
        except Invalid as refusal:
            self.sound = False
            self.rows.fault(self.line, column, refusal.sentence)
            return default


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("A day is written as year, month and day, such as 2027-03-31.") from None


def _degrees(most: int) -> Callable[[Decimal], int]:
    def micro(degrees: Decimal) -> int:
        if abs(degrees) > most:
            raise Invalid("This lies between -%(most)s and %(most)s degrees.", most=most)
        return round(degrees * 1_000_000)

    return micro


def _cells(rows: Rows, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and stripped cells; what is not UTF-8 or not CSV is a fault."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = content[: broken.start].count(b"\n") + 1
        column = str(content[: broken.start].rsplit(b"\n", 1)[-1].count(b",") + 1)
        rows.fault(line, column, Sentence("This is not UTF-8. Save the file as CSV in UTF-8."))
        rows.refuse_faults()
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error:
        rows.fault(line, "1", Sentence("This is not CSV: a quotation mark is not closed, or a cell is too long."))
        rows.refuse_faults()
