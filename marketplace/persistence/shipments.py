"""Shipments under contracts, and the weighbridge tickets at both ends of each."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.domain.shipments import ShipmentState, shipment_state
from marketplace.persistence.base import Base, Instant, Kilograms, MonthOf


class Shipment(Base):
    """
    One vehicle's journey from a producer's site to a recycler's line; how far it is stands in its timestamps.

    ``out_kg`` and ``in_kg`` are the nets of the tickets that hold at the two ends, ``counted_kg`` what counts for contract,
    settlement and ledger. ``out_month`` and ``in_month`` are the months, in China, in which it left and was received.
    """

    __tablename__ = "shipments"
    __table_args__ = (
        UniqueConstraint("from_site_id", "record_no"),
        CheckConstraint("planned_kg > 0", name="planned_positive"),
        CheckConstraint("mode in ('road', 'rail', 'water')", name="mode_known"),
        CheckConstraint("cancelled_at is null or dispatched_at is null", name="cancelled_before_it_left"),
        CheckConstraint(
            "(dispatched_at is null) = (out_kg is null) and (dispatched_at is null) = (record_no is null)"
            " and (dispatched_at is null) = (out_month is null)",
            name="left_with_a_ticket",
        ),
        CheckConstraint(
            "(arrived_at is null) = (in_kg is null) and (arrived_at is null or dispatched_at is not null)",
            name="arrived_with_a_ticket",
        ),
        CheckConstraint(
            "(received_at is null) = (counted_kg is null) and (received_at is null) = (in_month is null)"
            " and (received_at is null or (arrived_at is not null and rejected_at is null))",
            name="received_after_it_arrived",
        ),
        CheckConstraint("rejected_at is null or arrived_at is not null", name="rejected_after_it_arrived"),
        CheckConstraint("returned_at is null or rejected_at is not null", name="returned_after_it_was_rejected"),
        CheckConstraint(
            "(utilized_at is null) = (used_month is null) and (utilized_at is null or received_at is not null)",
            name="used_after_it_was_received",
        ),
        CheckConstraint("(proposed_kg is null) = (proposed_by is null)", name="proposed_by_a_side"),
        CheckConstraint("proposed_by is null or proposed_by in ('producer', 'recycler')", name="side_known"),
        Index("ix_shipments_from_site_day", "from_site_id", "day"),
        Index("ix_shipments_to_site_day", "to_site_id", "day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contracts.id"), index=True)
    producer_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    recycler_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    from_site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    to_site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    stream_id: Mapped[int] = mapped_column(ForeignKey("waste_streams.id"))
    line_id: Mapped[int] = mapped_column(ForeignKey("intake_lines.id"))
    filing_id: Mapped[int | None] = mapped_column(ForeignKey("filings.id"))
    record_no: Mapped[str | None]
    """The number of the record of what leaves the plant, given when it leaves."""
    day: Mapped[date]
    planned_kg: Mapped[Kilograms]
    plate: Mapped[str] = mapped_column(index=True)
    driver: Mapped[str]
    driver_phone: Mapped[str] = mapped_column(default="")
    carrier: Mapped[str] = mapped_column(default="")
    mode: Mapped[str] = mapped_column(default="road")
    from_stock: Mapped[bool] = mapped_column(default=False)
    """Whether it is taken out of the stock of earlier years, and not from what the plant makes now."""
    planned_at: Mapped[Instant]
    planned_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    cancelled_at: Mapped[Instant | None]
    cancel_reason: Mapped[str] = mapped_column(default="")
    dispatched_at: Mapped[Instant | None]
    out_month: Mapped[MonthOf | None]
    out_kg: Mapped[Kilograms | None]
    arrived_at: Mapped[Instant | None]
    in_kg: Mapped[Kilograms | None]
    disputed_at: Mapped[Instant | None]
    proposed_kg: Mapped[Kilograms | None]
    """The weight that one side proposes where the two scales differ."""
    proposed_by: Mapped[str | None]
    received_at: Mapped[Instant | None]
    in_month: Mapped[MonthOf | None]
    counted_kg: Mapped[Kilograms | None]
    rejected_at: Mapped[Instant | None]
    reject_reason: Mapped[str] = mapped_column(default="")
    returned_at: Mapped[Instant | None]
    utilized_at: Mapped[Instant | None]
    used_month: Mapped[MonthOf | None]

    @property
    def state(self) -> ShipmentState:
        """How far it is, read off its timestamps."""
        return shipment_state(
            cancelled_at=self.cancelled_at,
            dispatched_at=self.dispatched_at,
            arrived_at=self.arrived_at,
            disputed_at=self.disputed_at,
            received_at=self.received_at,
            rejected_at=self.rejected_at,
            returned_at=self.returned_at,
            utilized_at=self.utilized_at,
        )


class Ticket(Base):
    """
    What a scale said at one end of a shipment. It only grows: a correction is a later version, with its reason.

    Numbers of tickets begin anew each day, so that scale, day and number are one ticket; its later versions keep them.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("shipment_id", "place", "version"),
        UniqueConstraint("key"),
        CheckConstraint("place in ('origin', 'destination')", name="place_known"),
        CheckConstraint("tare_kg > 0 and gross_kg > tare_kg", name="net_positive"),
        CheckConstraint("version = 1 or reason <> ''", name="corrected_with_a_reason"),
        Index(
            "uq_tickets_of_a_day", "site_id", "scale", "day", "number", unique=True,
            sqlite_where=text("version = 1"), postgresql_where=text("version = 1"),
        ),
        Index("ix_tickets_site_day", "site_id", "day"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    shipment_id: Mapped[int] = mapped_column(ForeignKey("shipments.id"))
    place: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    scale: Mapped[str]
    number: Mapped[str]
    day: Mapped[date]
    """In China, of the second weighing."""
    gross_kg: Mapped[Kilograms]
    tare_kg: Mapped[Kilograms]
    gross_at: Mapped[Instant]
    tare_at: Mapped[Instant]
    marks: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """What about it made one look twice when it came."""
    reason: Mapped[str] = mapped_column(default="")
    key: Mapped[str]
    """Made by the page that sent it: the same request again finds this row."""
    captured_at: Mapped[Instant]
    captured_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))

    @property
    def net_kg(self) -> int:
        """Gross less tare."""
        return self.gross_kg - self.tare_kg
