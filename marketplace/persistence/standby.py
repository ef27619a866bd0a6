"""Who was called from standby when an award came to nothing, and who was passed over and why."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.persistence.base import Base, Instant
from marketplace.persistence.listings import Bid, valid
from marketplace.persistence.rounds import Award


class StandbyCall(Base):
    """A bid that was on standby when an award of its listing came to nothing: called, or passed over with the reason."""

    __tablename__ = "standby_calls"
    __table_args__ = (
        UniqueConstraint("after_award_id", "bid_id"),
        UniqueConstraint("award_id"),
        CheckConstraint("(award_id is null) <> (passed_over is null)", name="called_or_passed_over"),
        CheckConstraint("rank > 0", name="rank_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    after_award_id: Mapped[int] = mapped_column(ForeignKey("awards.id"))
    """The award that came to nothing."""
    bid_id: Mapped[int] = mapped_column(ForeignKey("bids.id"), index=True)
    rank: Mapped[int]
    """By what the seller nets, among all bids that stood."""
    award_id: Mapped[int | None] = mapped_column(ForeignKey("awards.id"))
    """What it was called for."""
    passed_over: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Why it was not; a sentence for the producer."""
    called_at: Mapped[Instant]


def unawarded(session: Session, listing_id: int) -> list[int]:
    """Return the opened bids of a listing that stand and have no award. One SELECT."""
    return list(
        session.scalars(
            select(Bid.id)
            .outerjoin(Award, Award.bid_id == Bid.id)
            .where(Bid.listing_id == listing_id, valid(), Award.id.is_(None))
            .order_by(Bid.id)
        )
    )
