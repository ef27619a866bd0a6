"""Writes: the operator's days in the calendar of business days. Deadlines that were told stay as they are."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.workdays import NewDay, day_at
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.workdays import CalendarDay, calendar_of


def enter_day(session: Session, actor: Actor, new: NewDay, *, now: datetime) -> int:
    """
    Say of a day whether it is worked, and return the id of its row; what was said of it before is replaced.

    Raises NotFound, NotAllowed; Invalid if the day is past; Conflict if the calendar says so already.
    """
    actor.must("platform.keep")
    new.must_lie_ahead(now)
    with transaction(session):
        kept = session.scalar(_kept(new.day))
        if kept is None and calendar_of(session).works(new.day) == new.works:
            raise Conflict("The calendar has this day so already.")
        before = None if kept is None else _said(kept)
        if before == asdict(new):
            raise Conflict("The calendar has this day so already.")
        row = kept or CalendarDay(day=new.day)
        for name, value in asdict(new).items():
            setattr(row, name, value)
        row.entered_at, row.entered_by = now, actor.person_id
        session.add(row)
        session.flush()
        _note(session, actor, "calendar.enter", row, now, before=_plain(before))
    return row.id


def take_back_day(session: Session, actor: Actor, day_id: int, *, now: datetime) -> None:
    """
    Take back what was said of a day: then the week counts again, or what ships.

    Raises NotFound, NotAllowed; Invalid if the day is past.
    """
    actor.must("platform.keep")
    with transaction(session):
        row = session.get(CalendarDay, day_id, populate_existing=True, with_for_update=True)
        if row is None:
            raise NotFound
        if row.day < day_at(now):
            raise Invalid("This day is past; it moves no deadline any more.")
        _note(session, actor, "calendar.take_back", row, now)
        session.delete(row)


def _kept(day: date) -> Select[CalendarDay]:
    return select(CalendarDay).where(CalendarDay.day == day).with_for_update().execution_options(populate_existing=True)


def _said(row: CalendarDay) -> dict[str, object]:
    return {name: getattr(row, name) for name in NewDay.__dataclass_fields__}


def _plain(said: dict[str, object] | None) -> dict[str, object] | None:
    return None if said is None else said | {"day": str(said["day"])}


def _note(session: Session, actor: Actor, action: str, row: CalendarDay, now: datetime, **detail: Any) -> None:
    record(
        session,
        actor,
        action,
        "calendar_day",
        row.id,
        now=now,
        day=str(row.day),
        works=row.works,
        name=row.name,
        source=row.source,
        **detail,
    )
