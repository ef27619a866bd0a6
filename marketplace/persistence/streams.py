"""Waste streams of a site and the lab sheets that say what they are made of."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.persistence.base import Base, Instant, Kilograms, Measure


class WasteStream(Base):
    """A waste of constant origin and composition, as one producer makes it at one site."""

    __tablename__ = "waste_streams"
    __table_args__ = (
        UniqueConstraint("site_id", "name"),
        CheckConstraint(
            "legal_status in ('solid_waste', 'by_product', 'secondary_raw_material')", name="legal_status_known"
        ),
        CheckConstraint("generation_kg_per_month >= 0", name="generation_not_negative"),
        CheckConstraint("stock_kg >= 0", name="stock_not_negative"),
        CheckConstraint("storage_limit_kg is null or storage_limit_kg > 0", name="storage_limit_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    material: Mapped[str] = mapped_column(index=True)
    waste_code: Mapped[str]
    legal_status: Mapped[str] = mapped_column(default="solid_waste")
    origin_process: Mapped[str] = mapped_column(default="")
    boiler: Mapped[str] = mapped_column(default="")
    form: Mapped[str] = mapped_column(default="")
    ash_class: Mapped[str] = mapped_column(default="")
    generation_kg_per_month: Mapped[Kilograms]
    stock_kg: Mapped[Kilograms] = mapped_column(default=0)
    storage_limit_kg: Mapped[Kilograms | None]
    origin_answers: Mapped[dict[str, bool]] = mapped_column(JSON, default=dict)
    mixed_with_hazardous: Mapped[bool] = mapped_column(default=False)
    grade: Mapped[str] = mapped_column(default="", index=True)
    """The grade that the newest lab sheet meets, kept so that the board can be searched by it."""
    created_at: Mapped[Instant]
    retired_at: Mapped[Instant | None]

    sheets: Mapped[list[LabSheet]] = relationship(back_populates="stream", lazy="raise")


class LabSheet(Base):
    """What a laboratory found in one sample; its grade is computed from the standard's rules when it is shown."""

    __tablename__ = "lab_sheets"
    __table_args__ = (
        UniqueConstraint("stream_id", "sheet_no"),
        CheckConstraint("sampled_on <= reported_on", name="reported_after_sampled"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("waste_streams.id"), index=True)
    sheet_no: Mapped[str]
    laboratory: Mapped[str]
    accredited: Mapped[bool] = mapped_column(default=False)
    sampled_on: Mapped[date]
    reported_on: Mapped[date]
    entered_at: Mapped[Instant]
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    voided_at: Mapped[Instant | None]

    stream: Mapped[WasteStream] = relationship(back_populates="sheets", lazy="raise")
    values: Mapped[list[LabValue]] = relationship(back_populates="sheet", lazy="raise")


class LabValue(Base):
    """One property of a lab sheet, in the property's unit, on a basis, by a method."""

    __tablename__ = "lab_values"
    __table_args__ = (
        UniqueConstraint("sheet_id", "property"),
        CheckConstraint("basis in ('as_received', 'dry', '')", name="basis_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("lab_sheets.id"), index=True)
    property: Mapped[str]
    value: Mapped[Measure]
    basis: Mapped[str] = mapped_column(default="")
    method: Mapped[str] = mapped_column(default="")

    sheet: Mapped[LabSheet] = relationship(back_populates="values", lazy="raise")
