"""What a person was told, to be read in the site; and of what a person wants no mail."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant


class Notice(Base):
    """One thing that a person was told: the kind and values of the mail, without the key that a mail may hold."""

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint("read_at is null or read_at >= posted_at", name="read_after_posted"),
        Index("ix_notices_person_id", "person_id", "id"),
        Index(
            "ix_notices_unread",
            "person_id",
            sqlite_where=text("read_at is null"),
            postgresql_where=text("read_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    posted_at: Mapped[Instant]
    read_at: Mapped[Instant | None]


class MailOff(Base):
    """That a person wants no mail about a subject; what there is to tell stands in the site all the same."""

    __tablename__ = "mail_off"
    __table_args__ = (UniqueConstraint("person_id", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    subject: Mapped[str]
    since_at: Mapped[Instant]
