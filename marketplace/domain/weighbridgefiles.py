"""A file of weighbridge tickets: read as the people at the scale write such files, and checked row by row."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import chain
from typing import Final, Literal, TypeAlias, TypeVar

from marketplace.domain import weighcells, weighrules
from marketplace.domain.errors import Invalid
from marketplace.domain.monthfiles import Fault
from marketplace.domain.sheetrows import Cell, SheetRow
from marketplace.domain.weighcells import CHINA, Figure, Unit
from marketplace.domain.weighcolumns import MOST_ROWS_ABOVE, WEIGHTS, Header, header
from marketplace.domain.weighrules import WeighRow
from marketplace.domain.wording import Sentence

UnitFrom: TypeAlias = Literal["asked", "header", "cells", "figures"]
Read = TypeVar("Read")

MOST_TOLD: Final = 300
"""Faults or warnings of one kind; nobody reads more, and the last one is followed by how many there are beside."""

LONGEST: Final = {"ticket": 40, "plate": 20, "driver": 40, "weigher": 40, "contract": 60, "moisture": 20, "note": 200}
MOST_NAME: Final = 100
TEXTS: Final = ("material", "sender", "receiver", "driver", "weigher", "note", "contract", "moisture")

_TOTAL: Final = re.compile(
    r"(?:本?[页日月班车次]|当[日月]|今日)?(?:合计|总计|小计|累计|总和|共计)(?:[:(\d].*)?|(?:grand|sub)?total(?:s|[:(\d].*)?"
)
_FOOTER: Final = re.compile(
    r"(?:制表|审核|打印|复核|统计|填表|负责人|经办|签字|签名|说明|备注|注)[^:]{0,8}:.*|第\d+页.*|page\d+.*"
)


@dataclass(frozen=True)
class Skipped:
    """Rows that are no tickets, by what they are; ``above`` are the titles over the header."""

    above: int = 0
    empty: int = 0
    totals: int = 0
    headers: int = 0
    footers: int = 0
    twice: int = 0


@dataclass(frozen=True)
class WeighFile:
    """
    What a file of tickets says.

    ``columns`` maps each field that was found to the title that the file gives it, ``unknown`` are the other titles;
    ``unit`` is what figures without one were read in and ``unit_from`` how that was known. A file with a fault may still
    have rows: whether to take them is the caller's.
    """

    columns: Mapping[str, str]
    unknown: tuple[str, ...]
    unit: Unit
    unit_from: UnitFrom
    rows: tuple[WeighRow, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    skipped: Skipped

    @property
    def faulty_lines(self) -> frozenset[int]:
        """The lines that something is wrong with."""
        return frozenset(fault.line for fault in self.faults)


@dataclass(slots=True)
class _Draft:
    """A row whose figures wait for the unit of the file."""

    line: int
    ticket: str
    plate: str
    figures: dict[str, Figure]
    moments: tuple[datetime | None, datetime | None, date | None]
    texts: tuple[str, ...]
    faults: list[Fault]


@dataclass
class _Told:
    """Faults or warnings as they are found; of each kind, what is beyond the most is only counted."""

    kept: dict[str, list[Fault]] = field(default_factory=dict)
    more: Counter[str] = field(default_factory=Counter)

    def tell(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            alike = self.kept.setdefault(fault.sentence.text, [])
            if len(alike) < MOST_TOLD:
                alike.append(fault)
            else:
                self.more[fault.sentence.text] += 1

    def all(self) -> tuple[Fault, ...]:
        told = [fault for alike in self.kept.values() for fault in alike]
        for text, count in self.more.items():
            last = self.kept[text][-1]
            rest = Sentence("There are %(count)s more like this, not listed here.", {"count": count})
            told.append(Fault(last.line, last.column, rest))
        return tuple(sorted(told, key=lambda fault: (fault.line, fault.column)))


def read(
    rows: Iterable[SheetRow], *, now: datetime, mapping: Mapping[str, str] | None = None, unit: Unit | None = None
) -> WeighFile:
    """
    Read the rows of a sheet as weighbridge tickets, in whole kilograms and UTC.

    ``now`` with its time zone: what lies after it is a fault. ``mapping``: titles and the fields they mean, as the
    caller remembers them; they go before what is recognized. ``unit``: that of figures without one, if the caller
    knows. Times in the file are those of China.

    Raises Invalid if it is no such file at all: without the columns that are needed, or without a row below them.
    """
    source = iter(rows)
    first: list[SheetRow] = []
    blank: list[int] = []
    for row in source:
        if row.empty:
            blank.append(row.number)
        else:
            first.append(row)
        if len(first) == MOST_ROWS_ABOVE:
            break
    found = header(first, mapping or {})
    header_line = first[found.rows - 1].number
    file = _File(found, now, empty=sum(number > header_line for number in blank))
    file.read(chain(first[found.rows :], source))
    return file.finish(unit, header_line)


class _File:
    """The reading of one file."""

    def __init__(self, found: Header, now: datetime, *, empty: int) -> None:
        self._header, self._now = found, now
        self._titles = {name: column.title for name, column in found.columns.items()}
        self._at = {name: column.at for name, column in found.columns.items()}
        self._drafts: deque[_Draft] = deque()
        self._faults, self._warnings = _Told(), _Told()
        self._hidden: list[int] = []
        self._counts = {"empty": empty, "totals": 0, "headers": 0, "footers": 0}
        self._same: dict[str, str] = {}

    def read(self, rows: Iterable[SheetRow]) -> None:
        """Take what stands below the header."""
        for row in rows:
            kind = self._no_ticket(row)
            if kind:
                self._counts[kind] += 1
                continue
            if row.hidden:
                self._hidden.append(row.number)
            self._drafts.append(self._draft(row))

    def finish(self, asked: Unit | None, header_line: int) -> WeighFile:
        """Decide the unit, weigh each row, compare the rows with one another."""
        if not self._drafts:
            raise Invalid("There is no row below the header.", field="file")
        unit, unit_from, unclear = self._unit(asked)
        if unclear:
            self._faults.tell([Fault(header_line, self._titles["gross"], unclear)])
        ready: list[WeighRow] = []
        while self._drafts:
            draft = self._drafts.popleft()
            row, faults = self._weigh(draft, unit, weighed=not unclear)
            self._faults.tell(faults)
            if row is not None:
                ready.append(row)
        kept, twice = weighrules.once_each(ready, self._titles, self._faults.tell, self._warnings.tell)
        weighrules.doubts(kept, self._titles, self._warnings.tell)
        if self._hidden:
            told = Sentence(
                "Hidden rows are read like the others: %(count)s, the first in line %(line)s.",
                {"count": len(self._hidden), "line": self._hidden[0]},
            )
            self._warnings.tell([Fault(self._hidden[0], "", told)])
        skipped = Skipped(above=self._header.above, twice=twice, **self._counts)
        return WeighFile(
            self._titles,
            self._header.unknown,
            unit,
            unit_from,
            tuple(kept),
            self._faults.all(),
            self._warnings.all(),
            skipped,
        )

    def _cell(self, row: SheetRow, name: str) -> Cell:
        at = self._at.get(name)
        return row.cells[at] if at is not None and at < len(row.cells) else None

    def _no_ticket(self, row: SheetRow) -> Literal["empty", "totals", "headers", "footers", ""]:
        """Say what a row is if it is no ticket."""
        said = [cell for cell in row.cells if cell is not None and not (isinstance(cell, str) and not cell.strip())]
        if not said:
            return "empty"
        if not isinstance(said[0], str):
            return ""
        if self._header.repeated(row):
            return "headers"
        leading = weighcells.plain(said[0]).replace(" ", "")
        if _TOTAL.fullmatch(leading):
            return "totals"
        if _FOOTER.fullmatch(leading) and not any(self._cell(row, name) for name in ("gross", "tare", "net")):
            return "footers"
        return ""

    def _draft(self, row: SheetRow) -> _Draft:
        faults: list[Fault] = []

        def attempt(name: str, reading: Callable[[Cell], Read]) -> Read | None:
            try:
                return reading(self._cell(row, name))
            except Invalid as refusal:
                faults.append(Fault(row.number, self._titles.get(name, ""), refusal.sentence))
                return None

        ticket = attempt("ticket", weighcells.ticket)
        plate = attempt("plate", weighcells.plate) or ""
        figures = {
            name: read for name in sorted(WEIGHTS & self._at.keys()) if (read := attempt(name, weighcells.figure))
        }
        wrong = {fault.column for fault in faults}
        missing = {
            "ticket": ticket == "" and Sentence("The number of the ticket is missing."),
            "plate": not plate and Sentence("The plate is missing."),
            "gross": "gross" not in figures and Sentence("The gross weight is missing."),
            "tare": "tare" not in figures and Sentence("The tare weight is missing."),
        }
        faults += [
            Fault(row.number, self._titles[name], lacking)
            for name, lacking in missing.items()
            if lacking and self._titles[name] not in wrong
        ]
        moments = self._moments(attempt)
        texts = tuple(self._shared(weighcells.text(self._cell(row, name))) for name in TEXTS)
        for name, said in zip((*TEXTS, "ticket", "plate"), (*texts, ticket or "", plate), strict=True):
            most = LONGEST.get(name, MOST_NAME)
            if len(said) > most:
                told = Sentence("This is longer than %(most)s characters.", {"most": most})
                faults.append(Fault(row.number, self._titles[name], told))
        if faults:  # a row that is not taken need not be kept whole
            texts = ("",) * len(TEXTS)
        return _Draft(row.number, ticket or "", plate, figures, moments, texts, faults)

    def _shared(self, said: str) -> str:
        """Return one text for all that say the same: a file names few firms and people."""
        return self._same.setdefault(said, said) if len(self._same) < 10_000 else self._same.get(said, said)

    def _moments(
        self, attempt: Callable[[str, Callable[[Cell], tuple[date | None, time | None]]], object]
    ) -> tuple[datetime | None, datetime | None, date | None]:
        """Return when the full and when the empty vehicle was weighed, in UTC, and the day of it in China."""
        read: dict[str, tuple[date | None, time | None]] = {}
        for name in ("date", "time", "gross_date", "tare_date", "gross_at", "tare_at"):
            said = attempt(name, weighcells.moment) if name in self._at else None
            read[name] = said if isinstance(said, tuple) else (None, None)
        common_day = read["date"][0] or read["time"][0]
        days = {side: read[f"{side}_at"][0] or read[f"{side}_date"][0] or common_day for side in ("gross", "tare")}
        clocks = {side: read[f"{side}_at"][1] or read[f"{side}_date"][1] for side in ("gross", "tare")}
        if clocks["gross"] is None and "gross_at" not in self._at:
            clocks["gross"] = read["time"][1] or read["date"][1]
        gross_at, tare_at = (_instant(days[side], clocks[side]) for side in ("gross", "tare"))
        said_on = days["gross"] or days["tare"]
        return gross_at, tare_at, said_on

    def _unit(self, asked: Unit | None) -> tuple[Unit, UnitFrom, Sentence | None]:
        """Return the unit of the figures that say none, how it is known, and what is asked where it is not clear."""
        columns = self._header.columns
        stated = {columns[name].unit for name in ("gross", "tare", "net") if name in columns} - {None}
        if asked is not None:
            return asked, "asked", None
        if len(stated) == 1:
            return stated.pop() or "kg", "header", None
        if columns["gross"].unit and columns["tare"].unit:
            return columns["gross"].unit, "header", None
        bare = [draft.figures["gross"] for draft in self._drafts if "gross" in draft.figures]
        said = [figure.unit for figure in bare if figure.unit]
        bare = [figure for figure in bare if not figure.unit]
        if not bare:
            return (said[0] if said else "kg"), "cells", None
        kilograms = sum(figure.value >= 1000 for figure in bare)
        tonnes = sum(figure.value <= 200 for figure in bare)
        if kilograms * 10 >= len(bare) * 9:
            return "kg", "figures", None
        if tonnes * 10 >= len(bare) * 9:
            return "t", "figures", None
        return (
            "kg",
            "figures",
            Sentence(
                "It is not clear whether the weights are in kilograms or in tonnes: of %(count)s figures, %(large)s look"
                " like kilograms and %(small)s like tonnes. Say the unit in the title of the column.",
                {"count": len(bare), "large": kilograms, "small": tonnes},
            ),
        )

    def _weigh(self, draft: _Draft, unit: Unit, *, weighed: bool) -> tuple[WeighRow | None, list[Fault]]:
        """Return the row if nothing is wrong with it, and what is."""
        faults, kg = draft.faults, dict[str, int]()
        for name, figure in draft.figures.items() if weighed else ():
            try:
                kg[name] = figure.kg(self._header.columns[name].unit or unit)
            except Invalid as refusal:
                faults.append(Fault(draft.line, self._titles[name], refusal.sentence))
        if "gross" in kg and "tare" in kg and len(kg) == len(draft.figures):
            faults.extend(self._told(draft.line, weighrules.weights(kg)))
        gross_at, tare_at, said_on = draft.moments
        faults.extend(self._told(draft.line, weighrules.moments(gross_at, tare_at, said_on, self._now)))
        if faults or not weighed:
            return None, faults
        texts = dict(zip(TEXTS, draft.texts, strict=True))
        row = WeighRow(
            line=draft.line,
            ticket=draft.ticket,
            plate=draft.plate,
            gross_kg=kg["gross"],
            tare_kg=kg["tare"],
            deducted_kg=weighrules.deducted(kg),
            gross_at=gross_at,
            tare_at=tare_at,
            weighed_on=said_on,
            **texts,
        )
        return row, faults

    def _told(self, line: int, found: Iterator[tuple[str, Sentence]]) -> Iterator[Fault]:
        return (Fault(line, self._titles.get(name, ""), sentence) for name, sentence in found)


def _instant(day: date | None, clock: time | None) -> datetime | None:
    if day is None or clock is None:
        return None
    return datetime.combine(day, clock, CHINA).astimezone(UTC)
