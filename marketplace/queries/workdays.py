"""Reads: the calendar of business days, a year at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import ANSWER_DAYS
from marketplace.domain.workdays import day_at, deadline, holidays
from marketplace.persistence.workdays import CalendarDay, calendar_of


@dataclass(frozen=True)
class Day:
    """A day that is not as the week would have it, or of which the operator said something."""

    id: int | None
    """Of the operator's row; none for a day that ships."""
    day: date
    works: bool
    name_zh: str
    name_en: str
    source: str
    dated: str
    confidence: str
    may_go: bool


@dataclass(frozen=True)
class CalendarPage:
    """The days of a year, and what they mean for a deadline that begins now."""

    year: int
    years: tuple[int, ...]
    """Years to turn to: those with days, and this and the next."""
    days: tuple[Day, ...]
    answer_days: int
    example: datetime
    """Until when an award made now would be answered."""
    may_keep: bool


def calendar_page(session: Session, actor: Actor, year: int | None, *, now: datetime) -> CalendarPage:
    """Return a year of the calendar; this year where none of the known ones is asked for. Two SELECTs."""
    actor.must("platform.read")
    today = day_at(now)
    rows = session.scalars(select(CalendarDay).order_by(CalendarDay.day)).all()
    entered = {row.day for row in rows}
    days = [_entered(row, may_go=row.day >= today) for row in rows]
    days += [
        Day(None, each.day, each.works, each.name_zh, each.name_en, each.source, each.dated, each.confidence, False)
        for each in holidays()
        if each.day not in entered
    ]
    years = tuple(sorted({today.year, today.year + 1, *(each.day.year for each in days)}))
    shown = year if year in years else today.year
    return CalendarPage(
        year=shown,
        years=years,
        days=tuple(sorted((each for each in days if each.day.year == shown), key=lambda each: each.day)),
        answer_days=ANSWER_DAYS,
        example=deadline(now, ANSWER_DAYS, calendar_of(session)),
        may_keep=actor.may("platform.keep"),
    )


def _entered(row: CalendarDay, *, may_go: bool) -> Day:
    said = day_at(row.entered_at).isoformat()
    return Day(row.id, row.day, row.works, row.name, row.name, row.source, said, row.confidence, may_go)
