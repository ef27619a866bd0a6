"""Reads: who a session belongs to, and what that person is appointed to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from marketplace.domain.accounts import digest
from marketplace.domain.actors import Actor, Appointed
from marketplace.domain.errors import NotFound
from marketplace.persistence.notices import Notice
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Letter, Person, SignIn

__all__ = ["Account", "account", "account_of", "digest", "invitation", "own_page", "reset_address"]


@dataclass(frozen=True)
class Account:
    """The person behind a session: who acts, and what the head of each page says about them."""

    person_id: int
    email: str
    name: str
    language: str
    actor: Actor
    organization_zh: str
    organization_en: str
    role: str
    verified: bool
    """Whether the organization is verified; true for people of a park or the platform."""
    unread: int = 0
    """How many notices the person has not read."""


def account_of(session: Session, token: str, *, now: datetime) -> Account | None:
    """Return the account that a live session belongs to; none if it ended, lapsed or the person is blocked."""
    unread = (
        select(func.count(Notice.id))
        .where(Notice.person_id == Person.id, Notice.read_at.is_(None))
        .correlate(Person)
        .scalar_subquery()
    )
    found = session.execute(
        select(Person, unread)
        .join(SignIn, SignIn.person_id == Person.id)
        .where(
            SignIn.token_digest == digest(token),
            SignIn.ended_at.is_(None),
            SignIn.expires_at > now,
            Person.blocked_at.is_(None),
        )
    ).one_or_none()
    return None if found is None else replace(account(session, found[0]), unread=found[1])


def account(session: Session, person: Person) -> Account:
    """Return the account of a person, with the appointments that hold now."""
    held = session.execute(
        select(Appointment, Organization, Park)
        .outerjoin(Organization, Appointment.organization_id == Organization.id)
        .outerjoin(Park, Appointment.park_id == Park.id)
        .where(Appointment.person_id == person.id, Appointment.ended_at.is_(None), Organization.suspended_at.is_(None))
        .order_by(Appointment.id)
    ).all()
    appointments = tuple(
        Appointed(
            role=row.role,
            organization_id=row.organization_id,
            park_id=row.park_id,
            site_id=row.site_id,
            produces=organization is not None and organization.produces,
            recycles=organization is not None and organization.recycles,
        )
        for row, organization, _ in held
    )
    first = held[0] if held else None
    of = (first[1] or first[2]) if first else None
    return Account(
        person_id=person.id,
        email=person.email,
        name=person.display_name,
        language=person.language,
        actor=Actor(person.id, person.display_name, appointments),
        organization_zh=of.name_zh if of else "",
        organization_en=of.name_en if of else "",
        role=first[0].role if first else "",
        verified=all(organization is None or organization.verified_at is not None for _, organization, _ in held),
    )


@dataclass(frozen=True)
class OpenSession:
    """One session of a person: since when, from where, and whether it is the one that asks."""

    id: int
    begun_at: datetime
    expires_at: datetime
    address: str
    agent: str
    current: bool


@dataclass(frozen=True)
class Role:
    """What a person is appointed to."""

    role: str
    name_zh: str
    name_en: str
    granted_at: datetime
    suspended: bool


@dataclass(frozen=True)
class OwnPage:
    """A person's own account."""

    email: str
    name: str
    language: str
    password_changed_at: datetime
    roles: tuple[Role, ...]
    sessions: tuple[OpenSession, ...]


@dataclass(frozen=True)
class JoinPage:
    """What an invitation offers."""

    email: str
    role: str
    name_zh: str
    name_en: str
    expires_at: datetime
    known: bool
    """Whether there is an account with this address already."""


def own_page(session: Session, actor: Actor, token: str, *, now: datetime) -> OwnPage:
    """Return the account of the person who acts, and the session that asks among the others. Three SELECTs."""
    actor.must("account.read")
    person = session.execute(
        select(Person.email, Person.display_name, Person.language, Person.password_changed_at).where(
            Person.id == actor.person_id
        )
    ).one()
    own = digest(token)
    live = session.execute(
        select(SignIn.id, SignIn.begun_at, SignIn.expires_at, SignIn.address, SignIn.agent, SignIn.token_digest)
        .where(SignIn.person_id == actor.person_id, SignIn.ended_at.is_(None), SignIn.expires_at > now)
        .order_by(SignIn.begun_at.desc(), SignIn.id.desc())
    ).all()
    sessions = tuple(OpenSession(*row[:5], current=row.token_digest == own) for row in live)
    return OwnPage(*person, roles=roles_of(session, actor), sessions=sessions)


def roles_of(session: Session, actor: Actor) -> tuple[Role, ...]:
    """Return what a person is appointed to, with what rests because the organization is suspended. One SELECT."""
    rows = session.execute(
        select(
            Appointment.role,
            func.coalesce(Organization.name_zh, Park.name_zh, ""),
            func.coalesce(Organization.name_en, Park.name_en, ""),
            Appointment.granted_at,
            Organization.suspended_at,
        )
        .outerjoin(Organization, Appointment.organization_id == Organization.id)
        .outerjoin(Park, Appointment.park_id == Park.id)
        .where(Appointment.person_id == actor.person_id, Appointment.ended_at.is_(None))
        .order_by(Appointment.id)
    ).all()
    return tuple(Role(*row[:4], suspended=row[4] is not None) for row in rows)


def reset_address(session: Session, token: str, *, now: datetime) -> str:
    """Return the address that a live link sets the password of. Raises NotFound."""
    email = session.scalar(_live(Letter.email, token, "reset", now))
    if email is None:
        raise _dead_link()
    return str(email)


def invitation(session: Session, token: str, *, now: datetime) -> JoinPage:
    """Return what a live invitation offers. Raises NotFound."""
    row = session.execute(
        _live(Letter.email, token, "invitation", now)
        .add_columns(Letter.role, Organization.name_zh, Organization.name_en, Letter.expires_at, Person.id)
        .join(Organization, Organization.id == Letter.organization_id)
        .outerjoin(Person, Person.email == Letter.email)
    ).one_or_none()
    if row is None:
        raise _dead_link()
    email, role, name_zh, name_en, expires_at, person_id = row
    return JoinPage(email, role, name_zh, name_en, expires_at, known=person_id is not None)


def _live(column: Any, token: str, kind: str, now: datetime) -> Select[Any]:
    return select(column).where(
        Letter.token_digest == digest(token),
        Letter.kind == kind,
        Letter.used_at.is_(None),
        Letter.revoked_at.is_(None),
        Letter.expires_at > now,
    )


def _dead_link() -> NotFound:
    return NotFound("This link does not work any more: it has been used, it is too old, or a newer one was sent.")
