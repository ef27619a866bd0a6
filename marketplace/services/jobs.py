"""
Jobs behind a request: asked for in the transaction that wants them, done by whichever worker claims them first.

A worker holds a job by a lease. If it dies the lease lapses and the next attempt takes over; what the first one still
writes is refused, since it carries an older attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict
from marketplace.domain.wording import Sentence
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import Job, WorkerPulse
from marketplace.solver.problem import Cancelled

LEASE: Final = timedelta(seconds=60)
MOST_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Claimed:
    """A job that this worker holds."""

    id: int
    kind: str
    arguments: Mapping[str, Any]
    attempt: int


def ask(session: Session, actor: Actor, kind: str, key: str, arguments: dict[str, Any], *, now: datetime) -> Job:
    """
    Add a job to the caller's transaction, which must be open; flushes, so that the job has its id.

    ``key`` makes it one job however often it is asked for; asked for again while it waits, the same row comes back.
    """
    if not session.info.get("writing"):
        raise RuntimeError("a job is asked for in the transaction that wants it")
    known = session.scalar(select(Job).where(Job.key == key))
    if known is not None:
        return known
    job = Job(
        key=key, kind=kind, arguments=arguments, created_at=now, created_by=actor.person_id, attempt=0, done=0, of=0
    )
    session.add(job)
    session.flush()
    return job


def waiting(session: Session, *, now: datetime) -> list[int]:
    """Return the jobs that nobody holds, oldest first."""
    return list(
        session.scalars(
            select(Job.id)
            .where(Job.ended_at.is_(None), or_(Job.lease_until.is_(None), Job.lease_until <= now))
            .order_by(Job.id)
        )
    )


def claim(session: Session, job_id: int, *, now: datetime) -> Claimed | None:
    """Take a job that waits; none if it ended, somebody holds it, or it failed too often."""
    with transaction(session):
        taken = _update(
            session,
            update(Job)
            .where(
                Job.id == job_id,
                Job.ended_at.is_(None),
                Job.attempt < MOST_ATTEMPTS,
                or_(Job.lease_until.is_(None), Job.lease_until <= now),
            )
            .values(attempt=Job.attempt + 1, lease_until=now + LEASE),
        )
        if not taken:
            _bury(session, job_id, now=now)
            return None
        job = session.get_one(Job, job_id, populate_existing=True)
        return Claimed(job.id, job.kind, job.arguments, job.attempt)


def progress(
    session: Session,
    held: Claimed,
    done: int,
    of: int,
    note: Sentence | None,
    *,
    step: str | None = None,
    now: datetime,
) -> None:
    """
    Say how far a job is, and hold it longer.

    Raises Conflict if somebody else holds it by now, Cancelled if nobody wants it any more.
    """
    with transaction(session):
        _must_hold(
            _update(
                session,
                update(Job)
                .where(Job.id == held.id, Job.attempt == held.attempt, Job.ended_at.is_(None))
                .values(done=done, of=of, step=step, note=note.plain() if note else None, lease_until=now + LEASE),
            )
        )
        wanted(session, held)


def wanted(session: Session, held: Claimed) -> None:
    """Raise Cancelled if nobody wants a job any more. One SELECT."""
    if session.scalar(select(Job.id).where(Job.id == held.id, Job.cancelled_at.is_not(None))) is not None:
        raise Cancelled("nobody wants it any more")


def cancel(session: Session, job_id: int, because: Sentence, *, now: datetime) -> bool:
    """
    Say in the caller's transaction, which must be open, that nobody wants a job any more; return whether that was news.

    One that nobody holds ends with that, and with the reason. Whoever holds it sees it at the next word of progress.
    """
    if not session.info.get("writing"):
        raise RuntimeError("a job is cancelled in the transaction that wants that")
    mine = (Job.id == job_id, Job.ended_at.is_(None))
    news = _update(session, update(Job).where(*mine, Job.cancelled_at.is_(None)).values(cancelled_at=now))
    _update(
        session,
        update(Job)
        .where(*mine, or_(Job.lease_until.is_(None), Job.lease_until <= now))
        .values(ended_at=now, lease_until=None, failed_because=because.plain()),
    )
    return bool(news)


def hold(session: Session, held: Claimed, *, now: datetime) -> None:
    """Hold a job longer. Raises Conflict if somebody else holds it by now."""
    with transaction(session):
        _must_hold(
            _update(
                session,
                update(Job)
                .where(Job.id == held.id, Job.attempt == held.attempt, Job.ended_at.is_(None))
                .values(lease_until=now + LEASE),
            )
        )


def finish(session: Session, held: Claimed, *, failed_because: Sentence | None = None, now: datetime) -> None:
    """End a job. Raises Conflict if somebody else holds it by now."""
    with transaction(session):
        _must_hold(
            _update(
                session,
                update(Job)
                .where(Job.id == held.id, Job.attempt == held.attempt, Job.ended_at.is_(None))
                .values(
                    ended_at=now, lease_until=None, failed_because=failed_because.plain() if failed_because else None
                ),
            )
        )


def beat(session: Session, name: str, *, now: datetime) -> None:
    """Say that a worker of this name is there."""
    with transaction(session):
        if not _update(session, update(WorkerPulse).where(WorkerPulse.name == name).values(beat_at=now)):
            session.add(WorkerPulse(name=name, beat_at=now))


def _bury(session: Session, job_id: int, *, now: datetime) -> None:
    """End a job whose last allowed attempt was lost with its worker."""
    _update(
        session,
        update(Job)
        .where(Job.id == job_id, Job.ended_at.is_(None), Job.attempt >= MOST_ATTEMPTS, Job.lease_until <= now)
        .values(
            ended_at=now,
            lease_until=None,
            failed_because=Sentence("It was given up after several workers stopped in the middle of it.").plain(),
        ),
    )


def _must_hold(changed: int) -> None:
    if not changed:
        raise Conflict("This job has been taken over by another worker.")


def _update(session: Session, statement: Any) -> int:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


class Progress(Protocol):
    """Called by what runs long: how much is done, of how much, and what is being done; raises Cancelled."""

    def __call__(self, done: int, of: int, note: Sentence | None = None, *, step: str | None = None) -> None:
        """Say so."""
