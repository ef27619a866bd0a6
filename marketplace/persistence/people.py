"""People, what they are appointed to, and how they sign in."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant


class Person(Base):
    """Somebody who signs in with a mail address; what they may do stands in their appointments."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint("language in ('zh_Hans_CN', 'en')", name="language_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    display_name: Mapped[str]
    password_hash: Mapped[str]
    language: Mapped[str] = mapped_column(default="zh_Hans_CN")
    created_at: Mapped[Instant]
    password_changed_at: Mapped[Instant]
    blocked_at: Mapped[Instant | None]


class Appointment(Base):
    """A role of a person for an organization, a site of it, a park, or the whole platform, from one day on."""

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint(
            "(role in ('clerk', 'signatory', 'weigher') and organization_id is not null and park_id is null)"
            " or (role = 'park_administrator' and park_id is not null and organization_id is null)"
            " or (role in ('operator', 'auditor') and organization_id is null and park_id is null)",
            name="role_has_its_place",
        ),
        CheckConstraint("site_id is null or role = 'weigher'", name="only_weighers_have_a_site"),
        Index(
            "uq_appointments_live_organization",
            "person_id",
            "role",
            "organization_id",
            unique=True,
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
        Index(
            "uq_appointments_live_park",
            "person_id",
            "role",
            "park_id",
            unique=True,
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
        Index(
            "uq_appointments_live_platform",
            "person_id",
            "role",
            unique=True,
            sqlite_where=text("ended_at is null and organization_id is null and park_id is null"),
            postgresql_where=text("ended_at is null and organization_id is null and park_id is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    role: Mapped[str]
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    park_id: Mapped[int | None] = mapped_column(ForeignKey("parks.id"), index=True)
    granted_at: Mapped[Instant]
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    ended_at: Mapped[Instant | None]


class SignIn(Base):
    """A session: the browser holds the token, we its digest; ended is ended, whatever the browser still holds."""

    __tablename__ = "sign_ins"
    __table_args__ = (UniqueConstraint("token_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    begun_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    address: Mapped[str]
    agent: Mapped[str]


class SignInTry(Base):
    """One try to sign in or to have a password reset, counted against the account and the address it came from."""

    __tablename__ = "sign_in_tries"
    __table_args__ = (
        Index("ix_sign_in_tries_account", "account_digest", "tried_at"),
        Index("ix_sign_in_tries_address", "address", "tried_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_digest: Mapped[str]
    address: Mapped[str]
    tried_at: Mapped[Instant]


class Letter(Base):
    """A mailed link that works once: to reset a password, or to join an organization."""

    __tablename__ = "letters"
    __table_args__ = (
        UniqueConstraint("token_digest"),
        CheckConstraint(
            "(kind = 'reset' and person_id is not null)"
            " or (kind = 'invitation' and organization_id is not null and role is not null)",
            name="kind_has_its_object",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    token_digest: Mapped[str]
    email: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    role: Mapped[str | None]
    sent_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    sent_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]
