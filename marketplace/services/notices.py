"""Writes: what a person has read of what they were told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, literal, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotFound
from marketplace.persistence.base import InstantType
from marketplace.persistence.database import transaction
from marketplace.persistence.notices import Notice


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
