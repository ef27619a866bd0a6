"""A file with past months of the ledger: read as people write such files, and checked row by row before anything is written."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from marketplace.domain.errors import Invalid, MarketplaceError
from marketplace.domain.ledger import Figures, Posted, first_overdrawn, overdrawn, postings_for
from marketplace.domain.quantities import Month, kilograms, number
from marketplace.domain.wording import Sentence

MOST_ROWS: Final = 3000
MOST_CHARACTERS: Final = 150_000

HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "stream": ("stream", "wastestream", "waste", "name", "废物流", "废物", "废物名称", "固废名称", "名称"),
    "site": ("site", "plant", "厂区", "场所", "地点", "场址"),
    "month": ("month", "period", "月份", "月", "年月", "时间"),
    "generated_kg": ("generated", "g", "产生量", "产生"),
    "utilized_kg": ("utilized", "u", "综合利用量", "利用量", "利用"),
    "utilized_from_stock_kg": (
        "utilizedfromstock", "ofwhichfromstockutilized", "up", "综合利用往年贮存量", "其中综合利用往年贮存量", "利用往年贮存量",
    ),
    "stored_kg": ("stored", "s", "贮存量", "贮存"),
    "disposed_kg": ("disposed", "disposedof", "d", "处置量", "处置"),
    "disposed_from_stock_kg": (
        "disposedfromstock", "disposedoffromstock", "dp", "处置往年贮存量", "其中处置往年贮存量",
    ),
    "discarded_kg": ("discarded", "q", "倾倒丢弃量", "丢弃量", "倾倒丢弃"),
}  # fmt: skip
"""How people head the columns, in Chinese or English, without signs, spaces and units."""

FIGURES: Final = tuple(name for name in HEADERS if name.endswith("_kg"))
NEEDED: Final = ("stream", "month", "generated_kg", "utilized_kg", "stored_kg", "disposed_kg")

_UNIT = re.compile(r"[(\[【/][^)\]】]*[)\]】]?|吨$")
_MONTH = re.compile(r"(20\d\d|2100)\s*(?:[-/.]|年)?\s*(\d{1,2})\s*月?")
_NOTHING = {"", "-", "–", "—", "/", "无"}


@dataclass(frozen=True)
class Book:
    """What stands in the ledger of one stream, and what the stream is called."""

    stream_id: int
    names: tuple[str, ...]
    sites: tuple[str, ...]
    opening_month: Month | None = None
    opening_kg: int | None = None
    months: Mapping[Month, Figures] = field(default_factory=dict)
    postings: Mapping[Month, tuple[Posted, ...]] = field(default_factory=dict)
    stated: frozenset[Month] = frozenset()

    @property
    def told(self) -> frozenset[Month]:
        """The months in which the plant itself has posted something; in others shipments alone may have."""
        return frozenset(
            month for month, rows in self.postings.items() if any(posted.shipment_id is None for posted in rows)
        )


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line of a file, in which column; empty where it is the line as a whole."""

    line: int
    column: str
    sentence: Sentence


@dataclass(frozen=True)
class Row:
    """A line that can be written: a month that is new, one that corrects what stands, or the same again."""

    line: int
    stream_id: int
    stream_name: str
    month: Month
    figures: Figures
    state: Literal["new", "corrects", "same"]


@dataclass(frozen=True)
class Plan:
    """What a file would do."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]

    @property
    def faulty_lines(self) -> frozenset[int]:
        """The lines that something is wrong with."""
        return frozenset(fault.line for fault in self.faults)

    def count(self, state: str) -> int:
        """Return how many rows are so."""
        return sum(row.state == state for row in self.rows)


def decode(content: bytes) -> str:
    """
    Return the text of a file as offices save it: UTF-8 with or without a mark, UTF-16 with one, or GB18030.

    Raises Invalid for a workbook and for what is no text.
    """
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Invalid("This is a workbook. Save it as CSV, or copy its cells and paste them here.", field="file")
    encodings = ("utf-16",) if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Invalid("This file is no text in UTF-8 or GB18030.", field="file")


def plan(text: str, books: Sequence[Book], *, reason: str, this_month: Month) -> Plan:
    """
    Read a file and say what each row would do to the ledger of these streams.

    Raises Invalid if it is no such file at all: empty, too long, or without the columns that are needed.
    """
    table = _table(text)
    columns, titles = _columns(table[0][1])
    rows: list[Row] = []
    faults: list[Fault] = []
    seen: dict[tuple[int, Month], int] = {}
    for line, cells in table[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        values = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
        try:
            row = _row(line, values, books, this_month)
            first = seen.setdefault((row.stream_id, row.month), line)
            if first != line:
                raise Invalid("Line %(line)s says the same month of this waste already.", field="month", line=first)
            if row.state == "corrects" and not reason:
                raise Invalid("Other figures stand for this month. Give a reason for the correction.", field="month")
        except MarketplaceError as refusal:
            name = refusal.field if isinstance(refusal, Invalid) else None
            faults.append(Fault(line, titles.get(name or "", ""), refusal.sentence))
        else:
            rows.append(row)
    if not rows and not faults:
        raise Invalid("There is no row below the header.", field="text")
    for book in books:
        faults += _overdrawn(book, [row for row in rows if row.stream_id == book.stream_id])
    return Plan(tuple(rows), tuple(sorted(faults, key=lambda fault: (fault.line, fault.column))))


def _table(text: str) -> list[tuple[int, list[str]]]:
    """Return the lines with their numbers, as a person counts them."""
    plain = text.lstrip("\ufeff")
    if not plain.strip():
        raise Invalid("The file is empty.", field="text")
    if len(plain) > MOST_CHARACTERS:
        raise Invalid(
            "The file is too long: at most %(most)s characters at a time.", field="text", most=MOST_CHARACTERS
        )
    header = next(line for line in plain.splitlines() if line.strip())
    delimiter = "\t" if "\t" in header else ";" if ";" in header and "," not in header else ","
    reader = csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter)
    table: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if table or any(cell.strip() for cell in cells):
                table.append((reader.line_num, cells))
            if len(table) > MOST_ROWS + 1:
                raise Invalid("The file has more than %(most)s rows. Split it.", field="text", most=MOST_ROWS)
    except csv.Error as broken:
        raise Invalid("Line %(line)s cannot be read.", field="text", line=reader.line_num) from broken
    if not table:
        raise Invalid("The file is empty.", field="text")
    return table


def _columns(header: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Return where each column stands and what its title is in this file."""
    known = {alias: name for name, aliases in HEADERS.items() for alias in aliases}
    columns: dict[str, int] = {}
    titles: dict[str, str] = {}
    for at, title in enumerate(header):
        name = known.get(_folded(title))
        if name is None:
            continue
        if name in columns:
            raise Invalid("The column “%(title)s” stands twice.", field="text", title=title.strip()[:40])
        if "万吨" in title:
            raise Invalid("The column “%(title)s” is in 万吨. Give tonnes.", field="text", title=title.strip()[:40])
        columns[name], titles[name] = at, title.strip()[:40]
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise Invalid(
            "The first line must name the columns; missing: %(missing)s.",
            field="text",
            missing=tuple(f"{HEADERS[name][0]} / {_CHINESE[name]}" for name in missing),
        )
    return columns, titles


_CHINESE: Final = {
    "stream": "废物名称", "month": "月份", "generated_kg": "产生量", "utilized_kg": "综合利用量", "stored_kg": "贮存量",
    "disposed_kg": "处置量",
}  # fmt: skip


def _folded(title: str) -> str:
    plain = unicodedata.normalize("NFKC", title).casefold()
    return "".join(sign for sign in _UNIT.sub("", plain) if sign.isalnum())


def _row(line: int, values: Mapping[str, str], books: Sequence[Book], this_month: Month) -> Row:
    book = _book(values["stream"], values.get("site", ""), books)
    month = _month(values["month"])
    if month > this_month:
        raise Invalid("This month has not begun.", field="month")
    if book.opening_month is not None and month < book.opening_month:
        raise Invalid(
            "The ledger of this stream begins with its opening stock in %(first_month)s.",
            field="month",
            first_month=str(book.opening_month),
        )
    figures = Figures.named({name: _kg(values.get(name, ""), name) for name in FIGURES})
    figures.must_close()
    entries = postings_for(figures, book.postings.get(month, ()))
    known = month in book.stated or month in book.told
    state: Literal["new", "corrects", "same"] = (
        "corrects"
        if any(entry.reverses_id is not None for entry in entries)
        else "same"
        if known and not entries
        else "new"
    )
    return Row(line, book.stream_id, book.names[0], month, figures, state)


def _book(name: str, site: str, books: Sequence[Book]) -> Book:
    """Return the stream that a row means. Raises Invalid."""
    if not name:
        raise Invalid("The name of the waste is missing.", field="stream")
    found = [book for book in books if _word(name) in {_word(each) for each in book.names if each}]
    if site:
        found = [book for book in found if _word(site) in {_word(each) for each in book.sites if each}]
    if not found:
        raise Invalid("There is no waste of yours called “%(name)s”.", field="stream", name=name[:40])
    if len(found) > 1:
        raise Invalid(
            "There are several called “%(name)s”. Add a column with the site.", field="stream", name=name[:40]
        )
    return found[0]


def _word(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace(" ", "")


def _month(text: str) -> Month:
    found = _MONTH.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not found:
        raise Invalid("A month is written as year and month, such as 2027-03.", field="month")
    try:
        return Month(int(found[1]), int(found[2]))
    except Invalid as refusal:
        raise Invalid(refusal.sentence.text, field="month") from refusal


def _kg(text: str, name: str) -> int:
    return 0 if text in _NOTHING else kilograms(number(text, field=name), field=name)


def _overdrawn(book: Book, rows: Iterable[Row]) -> list[Fault]:
    """Return the fault of a file that leaves less than nothing in the store of a stream."""
    lines = {row.month: row.line for row in rows}
    if not lines:
        return []
    short = first_overdrawn(book.opening_kg or 0, dict(book.months) | {row.month: row.figures for row in rows})
    if short is None:
        return []
    return [Fault(lines.get(short.month, max(lines.values())), "", overdrawn(short).sentence)]
