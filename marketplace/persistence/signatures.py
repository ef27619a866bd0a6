"""Who signed, for whom, over which hash, and with what was asked afresh of that person."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant


class Signed:
    """The columns of a signature: a person signs for a side over the hash of a text."""

    side: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    """As it was on that day."""
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    sha256: Mapped[str]
    checked: Mapped[str]


def signed_rules() -> tuple[CheckConstraint, ...]:
    """Return what every table of signatures asks of those columns."""
    return (
        CheckConstraint("side in ('producer', 'recycler')", name="side_known"),
        CheckConstraint("checked in ('password')", name="checked_known"),
        CheckConstraint("length(sha256) = 64", name="sha256_whole"),
    )


class ContractSignature(Signed, Base):
    """A signature over the text of an award; it only grows."""

    __tablename__ = "contract_signatures"
    __table_args__ = (UniqueConstraint("award_id", "side"), *signed_rules())

    id: Mapped[int] = mapped_column(primary_key=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("awards.id"))
    signed_at: Mapped[Instant]
