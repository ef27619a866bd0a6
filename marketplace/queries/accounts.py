"""Reads: who a session belongs to, and what that person is appointed to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Appointed
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person, SignIn


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


def digest(token: str) -> str:
    """Return what is kept of a token: enough to know it again, not enough to use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def account_of(session: Session, token: str, *, now: datetime) -> Account | None:
    """Return the account that a live session belongs to; none if it ended, lapsed or the person is blocked."""
    person = session.execute(
        select(Person)
        .join(SignIn, SignIn.person_id == Person.id)
        .where(
            SignIn.token_digest == digest(token),
            SignIn.ended_at.is_(None),
            SignIn.expires_at > now,
            Person.blocked_at.is_(None),
        )
    ).scalar_one_or_none()
    return None if person is None else account(session, person)


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
