"""Mail that a use case wants sent, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.orm import Session

from marketplace.domain.notices import kept, subject_of
from marketplace.persistence.database import transaction
from marketplace.persistence.notices import MailOff, Notice
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.people import Person

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 3, 7, 15, 30, 60, 120, 240, 480, 1440, 2880))
"""How long after it was posted a mail is tried for the first time, the second and so on; then it is given up."""

BATCH: Final = 50

Addressed = tuple[str, str, dict[str, Any]]
"""To which address, in which language, and the values of a mail."""


@dataclass(frozen=True)
class Waiting:
    """A mail that waits to be written and sent."""

    id: int
    kind: str
    recipient: str
    language: str
    values: Mapping[str, Any]
    person_id: int | None
    """Whose address it is; none for an address that is nobody's yet."""


def post(session: Session, kind: str, recipient: str, language: str, values: dict[str, Any], *, now: datetime) -> None:
    """Add one mail to the caller's transaction, see `post_each`."""
    post_each(session, kind, [(recipient, language, values)], now=now)


def post_each(session: Session, kind: str, mails: Iterable[Addressed], *, now: datetime) -> None:
    """
    Add mails to the caller's transaction, and a notice in the site for each person who has such an address. One SELECT.

    ``kind`` names the template of both; a key that the values hold is in the mail alone. Who wants no mail about the
    subject gets the notice alone.
    """
    wanted = list(mails)
    if not wanted:
        return
    off = exists().where(MailOff.person_id == Person.id, MailOff.subject == subject_of(kind))
    known = {
        row.email: row
        for row in session.execute(
            select(Person.id, Person.email, off.label("off")).where(
                Person.email.in_({recipient for recipient, _, _ in wanted}), Person.blocked_at.is_(None)
            )
        )
    }
    for recipient, language, values in wanted:
        person = known.get(recipient)
        if person is not None:
            session.add(Notice(person_id=person.id, kind=kind, values=kept(values), posted_at=now))
        if person is None or not person.off:
            session.add(OutboxMail(kind=kind, recipient=recipient, language=language, values=values, created_at=now))


def waiting(session: Session, *, now: datetime) -> list[Waiting]:
    """Return the mails whose time has come, oldest first, so many at a time."""
    due = (
        and_(OutboxMail.attempts == attempts, OutboxMail.created_at <= now - pause)
        for attempts, pause in enumerate(PAUSES)
    )
    rows = session.execute(
        select(OutboxMail.id, OutboxMail.kind, OutboxMail.recipient, OutboxMail.language, OutboxMail.values, Person.id)
        .outerjoin(Person, Person.email == OutboxMail.recipient)
        .where(OutboxMail.sent_at.is_(None), or_(*due))
        .order_by(OutboxMail.id)
        .limit(BATCH)
    ).all()
    return [Waiting(*row) for row in rows]


def sent(session: Session, mail_id: int, *, now: datetime) -> None:
    """Note that a mail was sent; what it said is forgotten, since it may hold a key."""
    with transaction(session):
        session.execute(update(OutboxMail).where(OutboxMail.id == mail_id).values(sent_at=now, values={}))


def failed(session: Session, mail_id: int, error: str) -> None:
    """Note that a mail could not be sent; it is tried again."""
    with transaction(session):
        session.execute(
            update(OutboxMail)
            .where(OutboxMail.id == mail_id)
            .values(attempts=OutboxMail.attempts + 1, last_error=error[:500])
        )
