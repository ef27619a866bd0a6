"""Who signed the text of an award, for whom, over which hash; it only grows."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant


class ContractSignature(Base):
    """A person's signature for one side over the hash of the whole text, with what was asked afresh of that person."""

    __tablename__ = "contract_signatures"
    __table_args__ = (
        UniqueConstraint("award_id", "side"),
        CheckConstraint("side in ('producer', 'recycler')", name="side_known"),
        CheckConstraint("checked in ('password')", name="checked_known"),
        CheckConstraint("length(sha256) = 64", name="sha256_whole"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("awards.id"))
    side: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    """As it was on that day."""
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    sha256: Mapped[str]
    signed_at: Mapped[Instant]
    checked: Mapped[str]
