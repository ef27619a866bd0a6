"""Business days in China: Monday to Friday, but for holidays, and for weekends that are worked in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final

from marketplace.domain.accounts import one_line
from marketplace.domain.errors import Invalid
from marketplace.domain.listings import CLOSING_HOUR, CLOSING_TIME
from marketplace.domain.reference import rows

CONFIDENCES: Final = ("high", "medium", "low")
SATURDAY: Final = 5
MOST_TEXT: Final = 200
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """The days that are not as the week would have them: whether each is worked."""

    days: Mapping[date, bool] = field(default_factory=dict)

    def works(self, day: date) -> bool:
        """Return whether a day is a business day."""
        return self.days.get(day, is_weekday(day))


@dataclass(frozen=True)
class Holiday:
    """A day that ships with the platform: worked or off against the week, with the source that says so."""

    day: date
    works: bool
    name_zh: str
    name_en: str
    source: str
    dated: str
    confidence: str


@dataclass(frozen=True, kw_only=True)
class NewDay:
    """A day as the operator enters it; raises Invalid without a name or a source."""

    day: date
    works: bool
    name: str
    source: str
    confidence: str

    def __post_init__(self) -> None:
        """Refuse what nobody could check later."""
        object.__setattr__(self, "name", one_line(self.name, most=MOST_TEXT, field="name"))
        object.__setattr__(self, "source", one_line(self.source, most=MOST_TEXT, field="source"))
        if self.confidence not in CONFIDENCES:
            raise Invalid("Say how sure it is.", field="confidence")

    def must_lie_ahead(self, now: datetime) -> None:
        """Raise Invalid if the day is past: no deadline counts it any more."""
        if self.day < day_at(now):
            raise Invalid("This day is past; it moves no deadline any more.", field="day")


def is_weekday(day: date) -> bool:
    """Return whether a day is from Monday to Friday."""
    return day.weekday() < SATURDAY


def day_at(now: datetime) -> date:
    """Return the day that an instant lies in, in China."""
    return now.astimezone(CLOSING_TIME).date()


def deadline(now: datetime, business_days: int, calendar: Calendar) -> datetime:
    """
    Return the end of the so-manieth business day after the day of ``now``, which itself is not counted.

    Raises ValueError unless ``business_days`` is above zero.

    >>> friday = datetime(2027, 1, 15, 12, tzinfo=CLOSING_TIME)
    >>> deadline(friday, 3, Calendar()).isoformat()
    '2027-01-20T17:00:00+08:00'
    """
    if business_days <= 0:
        raise ValueError("a deadline lies ahead")
    day, left = day_at(now), business_days
    while left:
        day += ONE_DAY
        left -= calendar.works(day)
    return datetime.combine(day, time(CLOSING_HOUR), CLOSING_TIME)


@cache
def holidays() -> tuple[Holiday, ...]:
    """Return the days that ship with the platform, in their order."""
    return tuple(
        Holiday(
            day=date.fromisoformat(row["day"]),
            works=row["works"] == "yes",
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            source=row["source"],
            dated=row["date"],
            confidence=row["confidence"],
        )
        for row in rows("holidays")
    )
