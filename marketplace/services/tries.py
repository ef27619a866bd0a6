"""How often somebody tried of late: ten tries that fail within five minutes, by account and by address, and no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from marketplace.domain.accounts import digest
from marketplace.domain.errors import TooMany
from marketplace.persistence.database import transaction
from marketplace.persistence.people import SignInTry

MOST_TRIES: Final = 10
WINDOW: Final = timedelta(minutes=5)
KEPT: Final = timedelta(days=1)


def count_try(session: Session, account: str, address: str, *, now: datetime) -> int:
    """
    Count a try in a transaction of its own, before it is known how it ends, and return its id.

    It is written first and counted afterwards, so that of many at the same moment no more than ten pass. Raises
    TooMany, and then the try does not count: it must not put off the time at which one may try again.
    """
    must_be_few(session, account, address, now=now)
    with transaction(session):
        session.execute(delete(SignInTry).where(SignInTry.tried_at < now - KEPT))
        row = SignInTry(account_digest=digest(account), address=address[:60], tried_at=now)
        session.add(row)
        session.flush()
        tried = row.id
    try:
        must_be_few(session, account, address, but=tried, now=now)
    except TooMany:
        with transaction(session):
            forget_try(session, tried)
        raise
    return tried


def forget_try(session: Session, tried: int) -> None:
    """Take back a try that succeeded, in the caller's transaction."""
    session.execute(delete(SignInTry).where(SignInTry.id == tried))


def must_be_few(session: Session, account: str, address: str, *, but: int = 0, now: datetime) -> None:
    """Raise TooMany, with the instant from which one may try again, if there were ten tries of late."""
    instants = [
        at
        for column, value in ((SignInTry.account_digest, digest(account)), (SignInTry.address, address[:60]))
        if (at := _tenth_last(session, column == value, but, now)) is not None
    ]
    session.rollback()  # ends the reading
    if instants:
        raise TooMany(
            "There were too many tries that failed. For safety, wait until %(again_at)s and try again.",
            again_at=(max(instants) + WINDOW).isoformat(),
        )


def _tenth_last(session: Session, same: object, but: int, now: datetime) -> datetime | None:
    return session.scalar(
        select(SignInTry.tried_at)
        .where(same, SignInTry.tried_at > now - WINDOW, SignInTry.id != but)  # type: ignore[arg-type]
        .order_by(SignInTry.tried_at.desc(), SignInTry.id.desc())
        .offset(MOST_TRIES - 1)
        .limit(1)
    )
