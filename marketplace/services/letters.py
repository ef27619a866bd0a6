"""Mailed links: live until they are used, revoked or too old, and each used once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from marketplace.domain.accounts import digest
from marketplace.domain.errors import NotFound
from marketplace.persistence.people import Letter


def live_letter(session: Session, token: str, kind: str, *, now: datetime) -> Letter:
    """Return the letter of a token. Raises NotFound, in the same words for every reason."""
    letter = session.scalar(
        select(Letter).where(
            Letter.token_digest == digest(token),
            Letter.kind == kind,
            Letter.used_at.is_(None),
            Letter.revoked_at.is_(None),
            Letter.expires_at > now,
        )
    )
    if letter is None:
        raise dead_link()
    return letter


def spend(session: Session, letter_id: int, *, now: datetime) -> None:
    """Use a letter up, in the caller's transaction. Raises NotFound if somebody was faster."""
    statement = (
        update(Letter)
        .where(Letter.id == letter_id, Letter.used_at.is_(None), Letter.revoked_at.is_(None), Letter.expires_at > now)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
        raise dead_link()


def dead_link() -> NotFound:
    """Return the refusal of a link that is not live."""
    return NotFound("This link does not work any more: it has been used, it is too old, or a newer one was sent.")
