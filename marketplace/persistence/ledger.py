"""The mass-balance ledger: postings that move kilograms between accounts of a site and material; it only grows."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant, Kilograms, MonthOf

ACCOUNTS = ("process", "yard", "store", "sent", "utilized", "disposed", "discarded")
"""
Process makes waste and owes it to the yard; what is generated in a month leaves the yard in the same month:
utilized, into the store, sent out, disposed or discarded. The store holds earlier stock; what was sent and not yet used lies
on the way or at its receiver.
"""

_KNOWN = ", ".join(f"'{name}'" for name in ACCOUNTS)


class Posting(Base):
    """One quantity from one account to another, in one month. A correction is a posting the other way."""

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint("kg > 0", name="kg_positive"),
        CheckConstraint(f"debit in ({_KNOWN})", name="debit_known"),
        CheckConstraint(f"credit in ({_KNOWN})", name="credit_known"),
        CheckConstraint("debit <> credit", name="moves"),
        CheckConstraint("evidence in ('declared', 'one_end', 'both_ends', 'lab')", name="evidence_known"),
        CheckConstraint(
            "(debit <> 'sent' and credit <> 'sent') or shipment_id is not null", name="sent_with_a_shipment"
        ),
        UniqueConstraint("reverses_id"),
        Index("ix_postings_site_month", "site_id", "month"),
        Index("ix_postings_month", "month"),
        Index("ix_postings_stream_month", "stream_id", "month"),
        Index("ix_postings_shipment_id", "shipment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    stream_id: Mapped[int | None] = mapped_column(ForeignKey("waste_streams.id"))
    material: Mapped[str]
    waste_code: Mapped[str]
    month: Mapped[MonthOf]
    debit: Mapped[str]
    """The account that the kilograms leave."""
    credit: Mapped[str]
    """The account that they enter."""
    kg: Mapped[Kilograms]
    evidence: Mapped[str] = mapped_column(default="declared")
    note: Mapped[str] = mapped_column(default="")
    shipment_id: Mapped[int | None] = mapped_column(ForeignKey("shipments.id"))
    since: Mapped[MonthOf | None]
    """The month in which a shipment's kilograms left, if they did not come from the stock of earlier years."""
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("postings.id"))
    posted_at: Mapped[Instant]
    posted_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class OpeningStock(Base):
    """What a site had in store of a material before the first month of its ledger."""

    __tablename__ = "opening_stocks"
    __table_args__ = (
        UniqueConstraint("site_id", "stream_id"),
        CheckConstraint("kg >= 0", name="kg_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    stream_id: Mapped[int] = mapped_column(ForeignKey("waste_streams.id"))
    month: Mapped[MonthOf]
    kg: Mapped[Kilograms]
    entered_at: Mapped[Instant]


class StatedMonth(Base):
    """A month that a plant has stated for a stream; a month without anything leaves no posting, but is stated too."""

    __tablename__ = "stated_months"
    __table_args__ = (UniqueConstraint("stream_id", "month"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("waste_streams.id"))
    month: Mapped[MonthOf]
    stated_at: Mapped[Instant]
    stated_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
