"""What becomes of a contract after it was made: versions that were proposed, who signed them, and its end by one side."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.domain.amendments import CAUSES
from marketplace.persistence.base import Base, Fen, Instant, Kilograms, MonthOf
from marketplace.persistence.signatures import Signed, signed_rules

_OPEN = "made_at is null and declined_at is null and withdrawn_at is null"


class Amendment(Base):
    """A new version of a contract: proposed by one side, in force once both have signed it."""

    __tablename__ = "amendments"
    __table_args__ = (
        CheckConstraint("version > 1", name="version_after_the_first"),
        CheckConstraint("proposed_by in ('producer', 'recycler')", name="proposed_by_known"),
        CheckConstraint("reason <> ''", name="has_a_reason"),
        CheckConstraint("kg > 0", name="kg_positive"),
        CheckConstraint(
            "(case when made_at is null then 0 else 1 end) + (case when declined_at is null then 0 else 1 end)"
            " + (case when withdrawn_at is null then 0 else 1 end) <= 1",
            name="ends_once",
        ),
        Index(
            "uq_amendments_open",
            "contract_id",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
        Index(
            "uq_amendments_in_force",
            "contract_id",
            "version",
            unique=True,
            sqlite_where=text("made_at is not null"),
            postgresql_where=text("made_at is not null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    version: Mapped[int]
    proposed_by: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    reason: Mapped[str]
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    terms_sha256: Mapped[str]
    kg: Mapped[Kilograms]
    price_fen_per_t: Mapped[Fen]
    proposed_at: Mapped[Instant]
    made_at: Mapped[Instant | None]
    """Since when it is in force."""
    declined_at: Mapped[Instant | None]
    decline_reason: Mapped[str] = mapped_column(default="")
    withdrawn_at: Mapped[Instant | None]


class AmendmentSignature(Signed, Base):
    """A signature over a new version; it only grows."""

    __tablename__ = "amendment_signatures"
    __table_args__ = (UniqueConstraint("amendment_id", "side"), *signed_rules())

    id: Mapped[int] = mapped_column(primary_key=True)
    amendment_id: Mapped[int] = mapped_column(ForeignKey("amendments.id"))
    signed_at: Mapped[Instant]


class Termination(Signed, Base):
    """That a side ended a contract before its time: the cause, and its signature over the version in force; it only grows."""

    __tablename__ = "terminations"
    __table_args__ = (
        UniqueConstraint("contract_id"),
        *signed_rules(),
        CheckConstraint(f"cause in ({', '.join(repr(cause) for cause in CAUSES)})", name="cause_known"),
        CheckConstraint("reason <> ''", name="has_a_reason"),
        CheckConstraint("delivered_kg >= 0", name="delivered_not_negative"),
        CheckConstraint("freed_kg > 0", name="freed_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"))
    cause: Mapped[str]
    reason: Mapped[str]
    month: Mapped[MonthOf]
    """In which it was ended."""
    delivered_kg: Mapped[Kilograms]
    """Of that month, as the side that ended it says."""
    freed_kg: Mapped[Kilograms]
    terminated_at: Mapped[Instant]


class ShortfallMonth(Base):
    """By how many kilograms a version falls short of the plan of one month, where its recycler takes less; it only grows."""

    __tablename__ = "shortfall_months"
    __table_args__ = (UniqueConstraint("amendment_id", "month"), CheckConstraint("kg > 0", name="kg_positive"))

    id: Mapped[int] = mapped_column(primary_key=True)
    amendment_id: Mapped[int] = mapped_column(ForeignKey("amendments.id"))
    month: Mapped[MonthOf]
    kg: Mapped[Kilograms]


class TerminationMonth(Base):
    """The kilograms of one month that a terminated contract freed; it only grows."""

    __tablename__ = "termination_months"
    __table_args__ = (UniqueConstraint("termination_id", "month"), CheckConstraint("kg > 0", name="kg_positive"))

    id: Mapped[int] = mapped_column(primary_key=True)
    termination_id: Mapped[int] = mapped_column(ForeignKey("terminations.id"))
    month: Mapped[MonthOf]
    kg: Mapped[Kilograms]
