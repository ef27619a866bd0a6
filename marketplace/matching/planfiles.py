"""Supply, demand and plan as files: what can be read is read exactly, and what cannot is named by line and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeVar

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import fen, kilograms, number
from marketplace.domain.wording import Sentence, Value

SHOWN: Final = 20
"""Faults that are named; a file with more has one cause."""

_MOST_KM: Final = 20_100
_MOST_MEASURED: Final = 10**12
_LIMIT: Final = re.compile(r"(?P<name>.+?)(?P<mean>_mean)?_(?P<end>max|min)")
_ANYTHING: Final = (float("-inf"), float("inf"))

T = TypeVar("T")


class Unreadable(Invalid):
    """A file that cannot be used, with every fault that was found, up to `SHOWN`."""

    def __init__(self, faults: list[Sentence]) -> None:
        super().__init__("The file cannot be used: %(first)s", first=faults[0])
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Lot:
    """
    A row of the supply file. ``ask_fen_per_t`` is none where the file asks no price.

    ``cap_per_buyer_kg``: the most that one organization gets of it over all its lines, none for no cap;
    ``reserved_small_kg``: what is kept for small works.
    """

    id: str
    material: str
    point: tuple[int, int]
    kg: int
    ask_fen_per_t: int | None
    min_lot_kg: int
    province: str
    values: dict[str, float]
    cap_per_buyer_kg: int | None = None
    reserved_small_kg: int = 0


@dataclass(frozen=True)
class Line:
    """
    A row of the demand file. ``max_m`` is none where the radius of the plan holds; limits are (least, most).

    ``limits`` hold for each lot alone, ``means`` for the mean of all that the line takes, weighted by kilograms.
    ``organization`` is the row's own id where the file names none.
    """

    id: str
    materials: tuple[str, ...]
    point: tuple[int, int]
    kg: int
    max_m: int | None
    bid_fen_per_t: int | None
    min_lot_kg: int
    province: str
    limits: dict[str, tuple[float, float]]
    means: dict[str, tuple[float, float]] = field(default_factory=dict)
    organization: str = ""
    small: bool = False


def read_supply(content: bytes, name: str, *, properties: Iterable[str] = ()) -> tuple[Lot, ...]:
    """
    Return the lots of a supply file, sorted by id; raises Unreadable.

    ``properties`` are the columns that limits ask for, see `properties_of`; an empty cell is a value not known.
    """
    rows = _Rows(content, name, required=("supply_id", "material", "lat", "lon"))
    asked = sorted(set(properties) & set(rows.columns))
    lots = [_lot(row, asked) for row in rows]
    rows.refuse_faults()
    return tuple(sorted((lot for lot in lots if lot is not None), key=lambda lot: lot.id))


def read_demand(content: bytes, name: str) -> tuple[Line, ...]:
    """Return the lines of a demand file, sorted by id; raises Unreadable."""
    rows = _Rows(content, name, required=("demand_id", "material", "lat", "lon"))
    lines = [_line(row) for row in rows]
    rows.refuse_faults()
    return tuple(sorted((line for line in lines if line is not None), key=lambda line: line.id))


def properties_of(lines: Iterable[Line]) -> frozenset[str]:
    """Return the properties that any line limits, for each lot or in the mean."""
    return frozenset(name for line in lines for name in (*line.limits, *line.means))


class _Rows:
    """The rows of a file, each with its line number, and the faults found so far."""

    def __init__(self, content: bytes, name: str, *, required: tuple[str, ...]) -> None:
        self.name = name
        self.faults: list[Sentence] = []
        self.first_seen: dict[str, int] = {}
        self.id_column = required[0]
        self._lines = _cells(self, content)
        self.columns = self._header(required)

    def fault(self, line: int, column: str, reason: Sentence) -> None:
        """Note what is wrong."""
        if len(self.faults) < SHOWN:
            values: dict[str, Value] = {"file": self.name, "line": line, "column": column, "reason": reason}
            self.faults.append(Sentence("%(file)s, line %(line)s, column %(column)s: %(reason)s", values))

    def refuse_faults(self) -> None:
        """Raise Unreadable if anything was wrong."""
        if self.faults:
            raise Unreadable(self.faults)

    def __iter__(self) -> Iterator[_Row]:
        for line, cells in self._lines:
            if not any(cells):
                continue
            if len(cells) > len(self.columns):
                extra = str(len(self.columns) + 1)
                self.fault(line, extra, Sentence("There are more cells than the header has columns."))
                continue
            yield _Row(self, line, dict(zip(self.columns, cells, strict=False)))

    def _header(self, required: tuple[str, ...]) -> list[str]:
        line, columns = next(self._lines, (1, []))
        if not any(columns):
            self.fault(line, required[0], Sentence("The file is empty: its first line names the columns."))
            self.refuse_faults()
        for column in required:
            if column not in columns:
                self.fault(line, column, Sentence("This column is missing."))
        if "tonnes" not in columns and "tonnes_per_year" not in columns:
            self.fault(line, "tonnes", Sentence("This column is missing."))
        for column in sorted({column for column in columns if column and columns.count(column) > 1}):
            self.fault(line, column, Sentence("This column stands twice."))
        self.refuse_faults()
        return columns


class _Row:
    """A row, read cell by cell; a cell that cannot be read is a fault, and the row none."""

    def __init__(self, rows: _Rows, line: int, cells: dict[str, str]) -> None:
        self.rows, self.line, self.cells = rows, line, cells
        self.sound = True

    def refuse(self, column: str, text: str, **values: Value) -> None:
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
        if not cell:
            return default
        try:
            return convert(number(cell))
        except Invalid as refusal:
            self.sound = False
            self.rows.fault(self.line, column, refusal.sentence)
            return default

    def unique_id(self) -> str:
        """Return the row's id, which no earlier row has."""
        column = self.rows.id_column
        found = self.text(column)
        first = self.rows.first_seen.setdefault(found, self.line)
        if found and first != self.line:
            self.refuse(column, "“%(id)s” already stands in line %(first)s.", id=found[:40], first=first)
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


def _lot(row: _Row, properties: Iterable[str]) -> Lot | None:
    values = {name: row.read(name, _measured) for name in properties}
    lot = Lot(
        id=row.unique_id(),
        material=row.text("material"),
        point=row.point(),
        kg=row.kg(),
        ask_fen_per_t=row.read("ask_yuan_per_t", fen),
        min_lot_kg=row.read("min_lot_t", kilograms, 0) or 0,
        province=row.cells.get("province_adcode", ""),
        values={name: value for name, value in values.items() if value is not None},
        cap_per_buyer_kg=row.read("cap_per_buyer_t", kilograms),
        reserved_small_kg=row.read("reserved_small_t", kilograms, 0) or 0,
    )
    if lot.reserved_small_kg > lot.kg:
        row.refuse("reserved_small_t", "More is kept for small works than there is.")
    return lot if row.sound else None


def _line(row: _Row) -> Line | None:
    materials = tuple(dict.fromkeys(part.strip() for part in row.text("material").split("|")))
    if row.cells.get("material") and not all(materials):
        row.refuse("material", "Between two “|” a material is missing.")
    own = row.unique_id()
    limits, means = _limits(row)
    line = Line(
        id=own,
        materials=materials,
        point=row.point(),
        kg=row.kg(),
        max_m=row.read("max_km", meters),
        bid_fen_per_t=row.read("bid_yuan_per_t", fen),
        min_lot_kg=row.read("min_lot_t", kilograms, 0) or 0,
        province=row.cells.get("province_adcode", ""),
        limits=limits,
        means=means,
        organization=row.cells.get("organization", "") or own,
        small=row.read("small_works", _yes_or_no, default=False) or False,
    )
    return line if row.sound else None


def _limits(row: _Row) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]:
    """Return (least, most) by property for each lot alone, and for the mean."""
    kinds: tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]] = ({}, {})
    for column in row.cells:
        found = _LIMIT.fullmatch(column)
        limit = row.read(column, _measured) if found else None
        if found and limit is not None:
            kind = kinds[bool(found["mean"])]
            least, most = kind.get(found["name"], _ANYTHING)
            kind[found["name"]] = (limit, most) if found["end"] == "min" else (least, limit)
    for kind, mean in zip(kinds, ("", "_mean"), strict=True):
        for name, (least, most) in kind.items():
            if least > most:
                row.refuse(f"{name}{mean}_min", "The least is more than the most.")
    return kinds


def meters(kilometers: Decimal) -> int:
    """Return whole meters; raises Invalid if there are none such on Earth."""
    if not 0 <= kilometers <= _MOST_KM:
        raise Invalid("A radius lies between 0 and %(most)s km.", most=_MOST_KM)
    return round(kilometers * 1000)


def _yes_or_no(value: Decimal) -> bool:
    if value not in {0, 1}:
        raise Invalid("This is 1 for yes or 0 for no.")
    return value == 1


def _measured(value: Decimal) -> float:
    if abs(value) > _MOST_MEASURED:
        raise Invalid("That is more than any property can be. Is the unit right?")
    return float(value)


def _degrees(most: int) -> Callable[[Decimal], int]:
    def micro(degrees: Decimal) -> int:
        if abs(degrees) > most:
            raise Invalid("This lies between -%(most)s and %(most)s degrees.", most=most)
        return round(degrees * 1_000_000)

    return micro


def _cells(rows: _Rows, content: bytes) -> Iterator[tuple[int, list[str]]]:
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
