"""Kilograms, fen, measured values and months, and how a person writes them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

from marketplace.domain.errors import Invalid

MOST_KG: Final = 10**12
"""A thousand million tonnes: more than any country makes of one waste in a year; what is above is a typing error."""

MOST_FEN_PER_T: Final = 10**8
"""A million yuan per tonne."""

_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?")


def number(text: str, *, field: str | None = None) -> Decimal:
    """
    Read a decimal number as people type it: full-width digits, thousands separators and spaces are understood.

    Raises Invalid for anything else, among it NaN, Infinity and an exponent, which a person does not mean.
    """
    plain = unicodedata.normalize("NFKC", text).strip().replace(" ", "").replace("−", "-")
    small = any(unicodedata.category(character) == "No" for character in text)  # 10² is not 102
    if small or not _NUMBER.fullmatch(plain) or not re.search(r"\d", plain):
        raise Invalid("“%(text)s” is not a number. Write digits, such as 1200 or 12.5.", field=field, text=text[:40])
    try:
        return Decimal(plain.replace(",", ""))
    except InvalidOperation as unreadable:
        raise Invalid("“%(text)s” is not a number. Write digits, such as 1200 or 12.5.", field=field) from unreadable


def kilograms(tonnes: Decimal, *, field: str | None = None) -> int:
    """
    Turn tonnes into whole kilograms.

    Raises Invalid if that is not exact, negative, or beyond all sense.
    """
    if tonnes < 0:
        raise Invalid("Tonnes cannot be less than zero.", field=field)
    if tonnes * 1000 > MOST_KG:
        raise Invalid("That is more than a thousand million tonnes. Is the unit right?", field=field)
    kg = tonnes * 1000
    if kg != kg.to_integral_value():
        raise Invalid("Tonnes have at most three decimals: a kilogram is the least.", field=field)
    return int(kg)


def fen(yuan: Decimal, *, field: str | None = None) -> int:
    """
    Turn yuan (per tonne) into whole fen.

    Raises Invalid if that is not exact or beyond all sense.
    """
    if abs(yuan) * 100 > MOST_FEN_PER_T:
        raise Invalid("That is more than a million yuan per tonne. Is the unit right?", field=field)
    whole = yuan * 100
    if whole != whole.to_integral_value():
        raise Invalid("Yuan have at most two decimals: a fen is the least.", field=field)
    return int(whole)


def payable_fen(kg: int, fen_per_t: int) -> int:
    """
    Return what ``kg`` cost at ``fen_per_t``, in whole fen, half to even; the sign of the price stays.

    >>> payable_fen(1500, -100), payable_fen(1500, 101)
    (-150, 152)
    """
    return int((Decimal(kg) * fen_per_t / 1000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month, written ``YYYY-MM``."""

    year: int
    number: int

    def __post_init__(self) -> None:
        """Refuse what is no month of the years this market can mean."""
        if not (2000 <= self.year <= 2100 and 1 <= self.number <= 12):
            raise Invalid("A month is written as year and month, such as 2027-03.")

    def __hash__(self) -> int:
        """Return the months since year 0: a round asks for it a million times, and a tuple would take four times as long."""
        return self.year * 12 + self.number

    def __str__(self) -> str:
        """Return ``YYYY-MM``."""
        return f"{self.year:04d}-{self.number:02d}"

    @classmethod
    def parse(cls, text: str, *, field: str | None = None) -> Month:
        """Read ``YYYY-MM``; raises Invalid."""
        found = re.fullmatch(r"(\d{4})-(\d{2})", unicodedata.normalize("NFKC", text).strip())
        if not found:
            raise Invalid("A month is written as year and month, such as 2027-03.", field=field)
        try:
            return cls(int(found[1]), int(found[2]))
        except Invalid as refusal:
            raise Invalid(refusal.sentence.text, field=field) from refusal

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month that a day lies in."""
        return cls(day.year, day.month)

    def plus(self, months: int) -> Month:
        """Return the month so many months later; earlier if negative."""
        count = self.year * 12 + self.number - 1 + months
        return Month(count // 12, count % 12 + 1)

    def until(self, last: Month) -> Iterator[Month]:
        """Yield this month and those after it up to and with ``last``; none if ``last`` is before."""
        month = self
        while month <= last:
            yield month
            month = month.plus(1)

    @property
    def first_day(self) -> date:
        """The first day of the month."""
        return date(self.year, self.number, 1)
