"""Mail to be sent and jobs to be done, written in the transaction that wants them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant


class OutboxMail(Base):
    """A mail to be sent: which text, in which language, with which values; the worker writes and sends it."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index(
            "ix_outbox_waiting",
            "created_at",
            sqlite_where=text("sent_at is null"),
            postgresql_where=text("sent_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    recipient: Mapped[str]
    language: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[Instant]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[Instant | None]
    last_error: Mapped[str] = mapped_column(default="")


class Job(Base):
    """Work behind a request. The row is the truth; the task queue only carries its id."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("attempt >= 0", name="attempt_not_negative"),
        CheckConstraint("step <> ''", name="step_named"),
        Index(
            "ix_jobs_waiting",
            "created_at",
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    """What makes it the same job: asked for twice, it is done once."""
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[Instant]
    created_by: Mapped[int | None]
    attempt: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[Instant | None]
    """Until when a worker holds it; a lapsed lease is taken by the next attempt."""
    step: Mapped[str | None]
    """What is being done, in the word that its kind of job has for it; ``done`` and ``of`` are about this step."""
    done: Mapped[int] = mapped_column(default=0)
    of: Mapped[int] = mapped_column(default=0)
    note: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    cancelled_at: Mapped[Instant | None]
    """Since when nobody wants it any more; who holds it sees that at the next word of progress and ends it."""
    ended_at: Mapped[Instant | None]
    failed_because: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class WorkerPulse(Base):
    """When a worker last said that it is there."""

    __tablename__ = "worker_pulses"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    beat_at: Mapped[Instant]
