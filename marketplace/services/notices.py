"""Writes: what a person has read of what they were told, and of what they want no mail."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import cast

from sqlalchemy import case, delete, literal, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import VISITOR, Actor
from marketplace.domain.errors import Invalid, NotFound
from marketplace.domain.notices import SUBJECTS
from marketplace.persistence.audit import record
from marketplace.persistence.base import InstantType
from marketplace.persistence.database import transaction
from marketplace.persistence.notices import MailOff, Notice
from marketplace.persistence.people import Person


def read_notice(session: Session, actor: Actor, notice_id: int, *, now: datetime) -> None:
    """
    Mark one of one's own notices as read; read before, it keeps its first instant. No audit row: it is nobody's affair.

    Raises NotFound if it is not there or not one's own.
    """
    actor.must("account.manage")
    with transaction(session):
        notice = session.scalar(select(Notice).where(Notice.id == notice_id, Notice.person_id == actor.person_id))
        if notice is None:
            raise NotFound
        if notice.read_at is None:
            notice.read_at = max(now, notice.posted_at)


def read_notices(session: Session, actor: Actor, up_to: int, *, now: datetime) -> None:
    """Mark one's own notices as read up to the newest that was shown; what came meanwhile stays unread."""
    actor.must("account.manage")
    with transaction(session):
        session.execute(
            update(Notice)
            .where(
                Notice.person_id == actor.person_id,
                Notice.id <= up_to,
                Notice.read_at.is_(None),
            )
            .values(read_at=case((Notice.posted_at > now, Notice.posted_at), else_=literal(now, InstantType())))
        )


def choose_mail(session: Session, actor: Actor, wanted: Collection[str], *, now: datetime) -> None:
    """Keep about which subjects one wants mail; about all others one is told in the site alone. Raises Invalid."""
    actor.must("account.manage")
    if not set(wanted) <= SUBJECTS.keys():
        raise Invalid("Choose among the subjects that are offered.")
    with transaction(session):
        mine = MailOff.person_id == actor.person_id
        off = set(session.scalars(select(MailOff.subject).where(mine)))
        now_off = SUBJECTS.keys() - set(wanted)
        session.execute(delete(MailOff).where(mine, MailOff.subject.in_(off - now_off)))
        _switch_off(session, cast("int", actor.person_id), now_off - off, now)
        if off != now_off:
            record(session, actor, "account.mail", "person", actor.person_id, now=now)


def switch_mail_off(session: Session, person_id: int, subject: str, *, now: datetime) -> None:
    """
    Send a person no more mail about a subject, as the link in such a mail asks; asked twice, it is done once.

    Whoever holds the link may: it is signed, and names the person and the subject. Raises NotFound if there is no such
    person or subject.
    """
    with transaction(session):
        known = session.scalar(select(Person.id).where(Person.id == person_id).with_for_update())
        if known is None or subject not in SUBJECTS:
            raise NotFound
        if session.scalar(select(MailOff.id).where(MailOff.person_id == person_id, MailOff.subject == subject)):
            return
        _switch_off(session, person_id, {subject}, now)
        record(session, VISITOR, "account.mail_off", "person", person_id, now=now, subject=subject)


def _switch_off(session: Session, person_id: int, subjects: Collection[str], now: datetime) -> None:
    session.add_all(MailOff(person_id=person_id, subject=each, since_at=now) for each in sorted(subjects))
