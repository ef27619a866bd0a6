"""Intake lines: what a recycler takes in, within which limits, and how much of it is spoken for."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.persistence.base import Base, Fen, Instant, Kilograms, Measure, MonthOf


class IntakeLine(Base):
    """A recycler's process with what it accepts, its capacity, its radius and its permit."""

    __tablename__ = "intake_lines"
    __table_args__ = (
        UniqueConstraint("site_id", "name"),
        CheckConstraint("capacity_kg_per_month > 0", name="capacity_positive"),
        CheckConstraint("capacity_kg_per_year >= capacity_kg_per_month", name="year_not_below_month"),
        CheckConstraint("radius_m is null or radius_m > 0", name="radius_positive"),
        CheckConstraint("least_lot_kg >= 0", name="least_lot_not_negative"),
        CheckConstraint("storage_kg >= 0", name="storage_not_negative"),
        CheckConstraint("storage_fen_per_t between 0 and 100000", name="storage_cost_sensible"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    route: Mapped[str]
    capacity_kg_per_month: Mapped[Kilograms]
    capacity_kg_per_year: Mapped[Kilograms]
    closed_months: Mapped[str] = mapped_column(default="")
    """Numbers of the months in which it stands still, such as ``1,2,12``."""
    radius_m: Mapped[int | None]
    least_lot_kg: Mapped[Kilograms] = mapped_column(default=0)
    storage_kg: Mapped[Kilograms] = mapped_column(default=0)
    """What may wait in front of it over the end of a month, in a silo or a yard; a round counts on it."""
    storage_fen_per_t: Mapped[Fen] = mapped_column(default=0)
    """What waiting costs the recycler for each tonne and month."""
    unloading_hours: Mapped[str] = mapped_column(default="")
    permit_no: Mapped[str] = mapped_column(default="")
    permit_valid_until: Mapped[date | None]
    permit_verified_at: Mapped[Instant | None]
    permit_verified_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[Instant]
    retired_at: Mapped[Instant | None]

    materials: Mapped[list[LineMaterial]] = relationship(back_populates="line", lazy="raise")
    limits: Mapped[list[AcceptanceLimit]] = relationship(back_populates="line", lazy="raise")


class LineMaterial(Base):
    """A material that a line takes in and the most it pays for it, delivered; negative where it is paid."""

    __tablename__ = "line_materials"
    __table_args__ = (UniqueConstraint("line_id", "material"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("intake_lines.id"), index=True)
    material: Mapped[str] = mapped_column(index=True)
    price_fen_per_t: Mapped[Fen]

    line: Mapped[IntakeLine] = relationship(back_populates="materials", lazy="raise")


class AcceptanceLimit(Base):
    """
    A limit of a property at a line, for one material or for all.

    Without a deduction the limit is hard. With one, each unit beyond it costs so much per tonne, up to the stop value,
    beyond which the load is refused. With ``monthly_mean`` the mean of all that arrives in a month keeps the limit, and
    only the stop value is asked of each load.
    """

    __tablename__ = "acceptance_limits"
    __table_args__ = (
        UniqueConstraint("line_id", "material", "property"),
        CheckConstraint("minimum is not null or maximum is not null", name="limits_something"),
        CheckConstraint("deduction_fen_per_unit is null or deduction_fen_per_unit > 0", name="deduction_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("intake_lines.id"), index=True)
    material: Mapped[str] = mapped_column(default="")
    """A material code, or empty for every material of the line."""
    property: Mapped[str]
    minimum: Mapped[Measure | None]
    maximum: Mapped[Measure | None]
    deduction_fen_per_unit: Mapped[Fen | None]
    stop_value: Mapped[Measure | None]
    monthly_mean: Mapped[bool] = mapped_column(default=False)

    line: Mapped[IntakeLine] = relationship(back_populates="limits", lazy="raise")


class LineMonth(Base):
    """The counter of a line's capacity in one month; made when something is first reserved in it."""

    __tablename__ = "line_months"
    __table_args__ = (
        UniqueConstraint("line_id", "month"),
        CheckConstraint("reserved_kg >= 0 and contracted_kg >= 0", name="counts_not_negative"),
        CheckConstraint("reserved_kg + contracted_kg <= capacity_kg", name="not_over_capacity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("intake_lines.id"))
    month: Mapped[MonthOf]
    capacity_kg: Mapped[Kilograms]
    reserved_kg: Mapped[Kilograms] = mapped_column(default=0)
    contracted_kg: Mapped[Kilograms] = mapped_column(default=0)


class LineYear(Base):
    """The counter of a line's permit in one calendar year."""

    __tablename__ = "line_years"
    __table_args__ = (
        UniqueConstraint("line_id", "year"),
        CheckConstraint("reserved_kg >= 0 and contracted_kg >= 0", name="counts_not_negative"),
        CheckConstraint("reserved_kg + contracted_kg <= capacity_kg", name="not_over_permit"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("intake_lines.id"))
    year: Mapped[int]
    capacity_kg: Mapped[Kilograms]
    reserved_kg: Mapped[Kilograms] = mapped_column(default=0)
    contracted_kg: Mapped[Kilograms] = mapped_column(default=0)


class Filing(Base):
    """A filing for utilization in another province: one stream to one site, so many tonnes and trips in a year."""

    __tablename__ = "filings"
    __table_args__ = (
        UniqueConstraint("filing_no"),
        CheckConstraint("filed_kg > 0", name="filed_positive"),
        CheckConstraint("filed_trips > 0", name="trips_positive"),
        CheckConstraint("valid_from <= valid_to", name="validity_in_order"),
        CheckConstraint("reserved_kg >= 0 and contracted_kg >= 0", name="counts_not_negative"),
        CheckConstraint("reserved_kg + contracted_kg <= filed_kg", name="not_over_filed"),
        CheckConstraint("shipped_kg between 0 and filed_kg", name="shipped_within_filed"),
        CheckConstraint("shipped_trips between 0 and filed_trips", name="trips_within_filed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("waste_streams.id"), index=True)
    receiving_site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    filing_no: Mapped[str]
    filed_kg: Mapped[Kilograms]
    filed_trips: Mapped[int]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    reserved_kg: Mapped[Kilograms] = mapped_column(default=0)
    contracted_kg: Mapped[Kilograms] = mapped_column(default=0)
    shipped_kg: Mapped[Kilograms] = mapped_column(default=0)
    shipped_trips: Mapped[int] = mapped_column(default=0)
    """What has left under it: each trip and its tonnes, but for those that came back."""
    entered_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
