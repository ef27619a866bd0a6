"""Questions that recyclers ask on a listing, and what its producer answers; both only grow."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant


class Question(Base):
    """A question on a listing that takes bids; who asked it is told to nobody but the park and the auditor."""

    __tablename__ = "questions"
    __table_args__ = (
        UniqueConstraint("listing_id", "organization_id", "text"),
        CheckConstraint("text <> ''", name="says_something"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    text: Mapped[str]
    asked_at: Mapped[Instant]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class Answer(Base):
    """One version of the answer to a question; a correction is the next version, and the earlier ones stay readable."""

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("question_id", "version"),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint("text <> ''", name="says_something"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id"))
    version: Mapped[int]
    text: Mapped[str]
    answered_at: Mapped[Instant]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
