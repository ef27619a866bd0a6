"""Searches of the board that people keep."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant


class SavedSearch(Base):
    """A search that a person keeps: as it was asked and as it was understood; new listings are told of once a day."""

    __tablename__ = "saved_searches"
    __table_args__ = (
        UniqueConstraint("person_id", "sought_sha256"),
        CheckConstraint("told_until >= saved_at", name="told_after_saved"),
        Index("ix_saved_searches_told_until", "told_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The words of the form, to say it and to ask it again."""
    sought: Mapped[str]
    """What they were understood as, to the byte."""
    sought_sha256: Mapped[str]
    saved_at: Mapped[Instant]
    told_until: Mapped[Instant]
    """Listings published until then were told of, or stood on the board when it was saved."""
