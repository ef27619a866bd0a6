"""A cell of a weighbridge file, read as the people at the scale write it: weights, moments, plates."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from marketplace.domain.errors import Invalid
from marketplace.domain.listings import CLOSING_TIME
from marketplace.domain.plates import MOST_GROSS_KG, normal
from marketplace.domain.quantities import number
from marketplace.domain.sheetrows import Cell

Unit: TypeAlias = Literal["kg", "t"]

CHINA: Final = CLOSING_TIME
"""The time that every weighbridge in China shows."""

NOTHING: Final = {"", "-", "--", "–", "—", "/", "\\", "无", "空", "null", "none", "n/a"}

_UNITS: Final[dict[str, Unit]] = {"kg": "kg", "kgs": "kg", "公斤": "kg", "千克": "kg", "t": "t", "吨": "t", "ton": "t"}
_WEIGHT: Final = re.compile(r"(?P<figure>[^a-z公千吨]*)(?P<unit>kgs?|公斤|千克|吨|ton|t)?", re.IGNORECASE)
_ESTIMATE: Final = re.compile(
    r"^\s*(?:大?约|大概|近|≈|~|±|估)|左右|上下|不到|以上|以内|[多余](?=$|吨|公斤|千克)|估计?$|\?$"
)

_DAY: Final = re.compile(
    r"(?P<year>\d{4})\s*(?:[-/.]|年)\s*(?P<month>\d{1,2})\s*(?:[-/.]|月)\s*(?P<day>\d{1,2})(?!\d)(?:\s*[日号])?"
    r"|(?P<year8>20\d\d)(?P<month8>\d\d)(?P<day8>\d\d)"
)
_CLOCK: Final = re.compile(
    r"(?P<half>上午|下午|中午|晚上|凌晨|早上|早|晚|am|pm)?\s*"
    r"(?P<hour>\d{1,2})\s*(?:[:]\s*(?=\d)|[时点])\s*(?P<minute>\d{1,2})?\s*分?(?:\s*:?\s*(?P<second>\d{1,2})(?:\.\d+)?\s*秒?)?"
    r"\s*(?P<half2>am|pm)?"
    r"|(?P<hour4>\d\d)(?P<minute4>\d\d)(?P<second4>\d\d)?"
)
_ZONE: Final = re.compile(r"(?:z|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))$")
_WEEKDAY: Final = re.compile(r"\(?(?:星期|周|礼拜)[一二三四五六日天]\)?")
_SERIAL: Final = re.compile(r"\d{5}(?:\.\d+)?")
_PART_OF_A_DAY: Final = re.compile(r"0?\.\d+|0")


@dataclass(frozen=True, slots=True)
class Figure:
    """A weight as it is written, and its unit if the cell says it."""

    value: Decimal
    unit: Unit | None
    written: str

    def kg(self, unit: Unit) -> int:
        """
        Return whole kilograms, reading the figure in ``unit`` unless the cell says another.

        Raises Invalid if that is not whole, not above zero or less (a deduction may be zero), or beyond any scale.
        """
        kilos = self.value * 1000 if (self.unit or unit) == "t" else self.value
        if kilos < 0:
            raise Invalid("A weight cannot be less than zero.")
        if kilos > MOST_GROSS_KG:
            raise Invalid(
                "“%(text)s” is more than a weighbridge carries: %(most_kg)s t. Is the unit right?",
                text=self.written,
                most_kg=MOST_GROSS_KG,
            )
        if kilos != kilos.to_integral_value():
            raise Invalid("“%(text)s” is no whole number of kilograms. Is the unit right?", text=self.written)
        return int(kilos)


def text(cell: Cell) -> str:
    """Return what a cell says, blanks and line ends made one blank."""
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return " ".join(str(cell).split())


def plain(cell: Cell) -> str:
    """Return what a cell says in half-width signs and small letters; empty for a dash and other words for nothing."""
    said = unicodedata.normalize("NFKC", text(cell)).casefold().strip()
    return "" if said in NOTHING else said


def figure(cell: Cell) -> Figure | None:
    """
    Return the weight in a cell; none if it is empty.

    Raises Invalid for what is no number, and for an estimate, which is no weight.
    """
    said = plain(cell)
    if not said:
        return None
    written = text(cell)[:40]
    if isinstance(cell, int | Decimal):
        return Figure(Decimal(cell), None, written)
    if _ESTIMATE.search(said):
        raise Invalid("“%(text)s” is an estimate, and a weighbridge ticket says what was weighed.", text=written)
    found = _WEIGHT.fullmatch(said)
    small = any(unicodedata.category(sign) == "No" for sign in written)  # 10² is not 102
    if found is None or small or isinstance(cell, datetime):
        raise Invalid("“%(text)s” is not a number. Write digits, such as 1200 or 12.5.", text=written)
    return Figure(number(found["figure"]), _UNITS[found["unit"]] if found["unit"] else None, written)


def ticket(cell: Cell) -> str:
    """Return the number of a ticket; empty if there is none. Raises Invalid where a sheet has lost digits of it."""
    said = unicodedata.normalize("NFKC", text(cell))
    lost = isinstance(cell, int | Decimal) and abs(Decimal(cell)) >= 10**15
    if lost or re.fullmatch(r"\d(?:\.\d+)?[Ee]\+\d+", said):
        raise Invalid(
            "“%(text)s” is a long number of which the sheet keeps 15 digits. Format the column as text and fill it again.",
            text=said[:40],
        )
    return "" if said.casefold() in NOTHING else said


def plate(cell: Cell) -> str:
    """Return a plate in capitals and half-width signs, without dots and blanks; empty if there is none."""
    return normal(plain(cell))


def moment(cell: Cell) -> tuple[date | None, time | None]:
    """
    Return the day and the time of day that a cell says, in China; either may be missing.

    Raises Invalid for what is neither, and for a day that could be read in two ways.
    """
    if isinstance(cell, datetime):
        return _sensible(cell.date(), cell), cell.time()
    said = _WEEKDAY.sub(" ", plain(cell)).strip()
    if not said:
        return None, None
    if _SERIAL.fullmatch(said):
        return _serial(Decimal(said), cell)
    if _PART_OF_A_DAY.fullmatch(said) and not isinstance(cell, str):
        return None, _serial(Decimal(said), cell)[1]
    try:
        return _written(said, cell)
    except ValueError as error:
        raise _unreadable(cell) from error


def _serial(days: Decimal, cell: Cell) -> tuple[date, time]:
    """Return the moment that a sheet keeps as days since 1899-12-30, to the nearest second."""
    seconds = int((days * 86400).to_integral_value())
    at = datetime(1899, 12, 30) + timedelta(seconds=seconds)  # noqa: DTZ001  (a sheet knows no zone)
    return (_sensible(at.date(), cell) if days >= 1 else at.date()), at.time()


def _written(said: str, cell: Cell) -> tuple[date | None, time | None]:
    day, rest, shift = None, said, timedelta()
    if found := _DAY.match(said):
        year, month, number_of_day = (found[name] or found[f"{name}8"] for name in ("year", "month", "day"))
        day = _sensible(date(int(year), int(month), int(number_of_day)), cell)
        rest = said[found.end() :]
        if rest and not (rest[0] in " t," or found["year8"] or found[0][-1] in "日号"):
            raise _unreadable(cell)
        rest = rest.strip(" t,")
        if zone := _ZONE.search(rest):
            rest = rest[: zone.start()].strip()
            offset = timedelta(hours=int(zone["hours"] or 0), minutes=int(zone["minutes"] or 0))
            shift = timedelta(hours=8) - (-offset if zone["sign"] == "-" else offset)
    if not rest:
        return day, None
    clock = _clock(rest, cell)
    if day is None or not shift:
        return day, clock
    at = datetime.combine(day, clock) + shift
    return at.date(), at.time()


def _clock(said: str, cell: Cell) -> time:
    found = _CLOCK.fullmatch(said)
    if found is None:
        raise _unreadable(cell)
    hour, minute, second = (int(found[name] or found[f"{name}4"] or 0) for name in ("hour", "minute", "second"))
    half = found["half"] or found["half2"]
    if half in {"下午", "晚上", "晚", "pm", "中午"} and hour < 11:
        hour += 12
    elif half in {"下午", "pm", "晚上", "晚"} and hour == 11:
        hour = 23
    elif half in {"上午", "凌晨", "早上", "早", "am"} and hour == 12:
        hour = 0
    elif half in {"晚上", "晚"} and hour == 12:
        raise _unreadable(cell)  # of which of two nights?
    return time(hour, minute, second)


def _sensible(day: date, cell: Cell) -> date:
    if not 2000 <= day.year <= 2100:
        raise _unreadable(cell)
    return day


def _unreadable(cell: Cell) -> Invalid:
    return Invalid(
        "“%(text)s” is no date and time. Write year, month and day first, such as 2025-03-01 08:40.",
        text=text(cell)[:40],
    )
