"""Listings on the board, the counters of what they offer, and the bids on them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.persistence.base import Base, Fen, Instant, Kilograms, MonthOf


class Listing(Base):
    """What a producer puts on the board: kilograms of one waste stream in each month of one window."""

    __tablename__ = "listings"
    __table_args__ = (
        CheckConstraint("kg_per_month > 0", name="offered_positive"),
        CheckConstraint("first_month <= last_month", name="window_in_order"),
        CheckConstraint("least_lot_kg >= 0", name="least_lot_not_negative"),
        CheckConstraint("disclosure in ('open', 'members', 'masked')", name="disclosure_known"),
        CheckConstraint("cap_per_buyer_kg is null or cap_per_buyer_kg > 0", name="cap_positive"),
        CheckConstraint("published_at is null or expires_at is not null", name="published_with_an_expiry"),
        CheckConstraint("small_works_share_percent between 0 and 100", name="share_is_a_percentage"),
        CheckConstraint("storage_kg >= 0", name="storage_not_negative"),
        CheckConstraint("storage_fen_per_t between 0 and 100000", name="storage_cost_sensible"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("waste_streams.id"), index=True)
    first_month: Mapped[MonthOf]
    last_month: Mapped[MonthOf]
    kg_per_month: Mapped[Kilograms]
    asking_fen_per_t: Mapped[Fen]
    """What the producer asks at its gate; negative where it would pay."""
    reserve_fen_per_t: Mapped[Fen | None]
    """The least it would take; secret, and the asking price where none is given."""
    least_lot_kg: Mapped[Kilograms] = mapped_column(default=0)
    cap_per_buyer_kg: Mapped[Kilograms | None]
    small_works_share_percent: Mapped[int] = mapped_column(default=0)
    storage_kg: Mapped[Kilograms] = mapped_column(default=0)
    """What may wait in the plant's yard over the end of a month; a round counts on it."""
    storage_fen_per_t: Mapped[Fen] = mapped_column(default=0)
    """What waiting costs the plant for each tonne and month."""
    disclosure: Mapped[str] = mapped_column(default="members")
    loading_hours: Mapped[str] = mapped_column(default="")
    loading_mode: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    bids_close_at: Mapped[Instant | None]
    """Until when recyclers may bid; none: the listing waits for a matching round alone."""
    drafted_at: Mapped[Instant]
    published_at: Mapped[Instant | None] = mapped_column(index=True)
    """None while it is a draft that only its producer sees."""
    published_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    expires_at: Mapped[Instant | None] = mapped_column(index=True)
    withdrawn_at: Mapped[Instant | None]
    bids_decided_at: Mapped[Instant | None]
    """When the producer ended the bidding, with or without an award, or all was awarded."""
    bids_decided_because: Mapped[str] = mapped_column(default="")
    """What those without an award are told."""
    standby_until: Mapped[Instant | None]
    """Until when bids without an award stand by; none: nothing was awarded yet. Told once, it is not moved but to end it."""

    months: Mapped[list[ListingMonth]] = relationship(back_populates="listing", lazy="raise")


class ListingMonth(Base):
    """The counter of what a listing offers in one month; nothing is sold that it does not hold."""

    __tablename__ = "listing_months"
    __table_args__ = (
        UniqueConstraint("listing_id", "month"),
        CheckConstraint("offered_kg > 0", name="offered_positive"),
        CheckConstraint("reserved_kg >= 0 and contracted_kg >= 0", name="counts_not_negative"),
        CheckConstraint("reserved_kg + contracted_kg <= offered_kg", name="not_oversold"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    month: Mapped[MonthOf] = mapped_column(index=True)
    offered_kg: Mapped[Kilograms]
    reserved_kg: Mapped[Kilograms] = mapped_column(default=0)
    contracted_kg: Mapped[Kilograms] = mapped_column(default=0)

    listing: Mapped[Listing] = relationship(back_populates="months", lazy="raise")


class Bid(Base):
    """A recycler's price and most kilograms a month for a listing, on one line; replaced rather than edited."""

    __tablename__ = "bids"
    __table_args__ = (
        UniqueConstraint("listing_id", "line_id", "revision"),
        CheckConstraint("kg_per_month > 0", name="most_positive"),
        CheckConstraint("revision > 0", name="revision_positive"),
        CheckConstraint("transport in ('recycler', 'producer')", name="transport_known"),
        Index(
            "uq_bids_live",
            "listing_id",
            "line_id",
            unique=True,
            sqlite_where=text("replaced_at is null and withdrawn_at is null"),
            postgresql_where=text("replaced_at is null and withdrawn_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), index=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("intake_lines.id"), index=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    revision: Mapped[int]
    price_fen_per_t: Mapped[Fen]
    """At the seller's gate if the recycler fetches it, at the recycler's gate if the producer brings it."""
    kg_per_month: Mapped[Kilograms]
    transport: Mapped[str]
    freight_fen_per_t: Mapped[Fen]
    """As estimated when the bid was received; with it the net to the seller can be told again later."""
    road_m: Mapped[int]
    deduction_fen_per_t: Mapped[Fen]
    note: Mapped[str] = mapped_column(default="")
    received_at: Mapped[Instant]
    received_from: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    replaced_at: Mapped[Instant | None]
    withdrawn_at: Mapped[Instant | None]
