"""Which listing offers the goods of an earlier contract again."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base


class Repeat(Base):
    """That a listing repeats a deal: its recycler is told when it is published."""

    __tablename__ = "repeats"
    __table_args__ = (UniqueConstraint("listing_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"))
