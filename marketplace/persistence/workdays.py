"""The calendar of business days: what the operator entered, over what ships with the platform."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.domain.workdays import Calendar, holidays
from marketplace.persistence.base import Base, Instant


class CalendarDay(Base):
    """A day of which the operator says whether it is worked; it wins over the week and over what ships."""

    __tablename__ = "calendar_days"
    __table_args__ = (
        UniqueConstraint("day"),
        CheckConstraint("confidence in ('high', 'medium', 'low')", name="confidence_known"),
        CheckConstraint("name <> '' and source <> ''", name="with_a_source"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    works: Mapped[bool]
    name: Mapped[str]
    source: Mapped[str]
    confidence: Mapped[str]
    entered_at: Mapped[Instant]
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


def calendar_of(session: Session) -> Calendar:
    """Return the calendar as it is now. One SELECT."""
    days = {each.day: each.works for each in holidays()}
    entered = session.execute(select(CalendarDay.day, CalendarDay.works))
    return Calendar(days | {row.day: row.works for row in entered})
