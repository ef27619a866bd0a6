"""Organizations, which produce, recycle or both, and their sites."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.persistence.base import Base, Instant, Microdegrees


class Organization(Base):
    """A firm with its credit code. What it may do starts when its park has verified it."""

    __tablename__ = "organizations"
    __table_args__ = (
        UniqueConstraint("credit_code"),
        CheckConstraint("produces or recycles", name="produces_or_recycles"),
        CheckConstraint("length(credit_code) = 18", name="credit_code_whole"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    credit_code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    produces: Mapped[bool] = mapped_column(default=False)
    recycles: Mapped[bool] = mapped_column(default=False)
    park_id: Mapped[int] = mapped_column(ForeignKey("parks.id"), index=True)
    contact_name: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    related_group: Mapped[str] = mapped_column(default="")
    small_works: Mapped[bool] = mapped_column(default=False)
    registered_at: Mapped[Instant]
    verified_at: Mapped[Instant | None]
    verified_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    refused_at: Mapped[Instant | None]
    refused_because: Mapped[str] = mapped_column(default="")
    suspended_at: Mapped[Instant | None]
    demo: Mapped[bool] = mapped_column(default=False)

    sites: Mapped[list[Site]] = relationship(back_populates="organization", lazy="raise")


class Site(Base):
    """
    Where waste arises or is taken in.

    The division code is declared and authoritative; the point is WGS-84 in millionths of a degree, with the datum
    and the figures as they were entered.
    """

    __tablename__ = "sites"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        CheckConstraint("entered_datum in ('wgs84', 'gcj02', 'bd09')", name="datum_known"),
        CheckConstraint("point_origin in ('pin', 'division', 'geocoder', 'coordinates')", name="point_origin_known"),
        CheckConstraint("lat_udeg between 3000000 and 54000000", name="lat_in_china"),
        CheckConstraint("lon_udeg between 73000000 and 136000000", name="lon_in_china"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    park_id: Mapped[int | None] = mapped_column(ForeignKey("parks.id"), index=True)
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    division_code: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    lat_udeg: Mapped[Microdegrees]
    lon_udeg: Mapped[Microdegrees]
    entered_datum: Mapped[str] = mapped_column(default="wgs84")
    entered_point: Mapped[str] = mapped_column(default="")
    point_origin: Mapped[str]
    created_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]

    organization: Mapped[Organization] = relationship(back_populates="sites", lazy="raise")
