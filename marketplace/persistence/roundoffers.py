"""Offers and reserves that are handed in sealed to a matching round."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant

STANDS: Final = "replaced_at is null and withdrawn_at is null"


def _live(name: str, column: str) -> Index:
    where = text(f"{column} is not null and {STANDS}")
    return Index(name, "round_id", column, unique=True, sqlite_where=where, postgresql_where=where)


class RoundOffer(Base):
    """
    What a recycler offers on a line, or a producer reserves for a listing, in one round; replaced rather than edited.

    Until the round is first run all of it lies in ``sealed`` alone; then ``content`` is filled in those that stand. One
    that could not be opened keeps it empty and says why. What was replaced or withdrawn stays sealed.
    """

    __tablename__ = "round_offers"
    __table_args__ = (
        CheckConstraint("(line_id is null) <> (listing_id is null)", name="of_line_or_listing"),
        CheckConstraint("revision > 0", name="revision_positive"),
        CheckConstraint(
            "(content is null and (opened_at is null or invalid_because <> ''))"
            " or (content is not null and opened_at is not null and invalid_because = '')",
            name="plain_once_opened",
        ),
        CheckConstraint(f"opened_at is null or ({STANDS})", name="opened_if_it_stands"),
        _live("uq_round_offers_line", "line_id"),
        _live("uq_round_offers_listing", "listing_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("intake_lines.id"))
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listings.id"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    revision: Mapped[int]
    sealed: Mapped[bytes]
    """As it was received, encrypted; kept as evidence."""
    seal_key_id: Mapped[str]
    """Which key opens it; the key is never in the database."""
    receipt: Mapped[str]
    """What the sender holds: the hash of the box and of what it is bound to."""
    content: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    invalid_because: Mapped[str] = mapped_column(default="")
    received_at: Mapped[Instant]
    received_from: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    opened_at: Mapped[Instant | None]
    replaced_at: Mapped[Instant | None]
    withdrawn_at: Mapped[Instant | None]
