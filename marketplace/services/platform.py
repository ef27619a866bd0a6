"""Writes: the operator's parks, and who is appointed to parks and the platform."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.accounts import PLATFORM_ROLES, email_address, goes_with, one_line
from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.members import ParkFacts
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person
from marketplace.services import outbox
from marketplace.services.accounts import write_letter
from marketplace.services.members import INVITATION_LASTS

NO_PASSWORD: Final = ""
"""What is kept for somebody who has not set a password yet: no password fits it."""


def found_park(session: Session, actor: Actor, facts: ParkFacts, *, now: datetime) -> int:
    """Add a park and return its id. Raises NotFound for anybody but the operator."""
    actor.must("platform.keep")
    with transaction(session):
        park = Park(**asdict(facts), created_at=now)
        session.add(park)
        session.flush()
        record(session, actor, "park.found", "park", park.id, now=now, park_id=park.id)
    return park.id


def edit_park(session: Session, actor: Actor, park_id: int, facts: ParkFacts, *, now: datetime) -> None:
    """Change a park. Raises NotFound."""
    actor.must("platform.keep")
    with transaction(session):
        park = session.get(Park, park_id, populate_existing=True, with_for_update={"key_share": True})
        if park is None:
            raise NotFound
        given = asdict(facts)
        changed = sorted(name for name, value in given.items() if getattr(park, name) != value)
        before = {name: getattr(park, name) for name in changed}
        for name in changed:
            setattr(park, name, given[name])
        record(session, actor, "park.edit", "park", park.id, now=now, park_id=park.id, changed=changed, before=before)


def appoint(
    session: Session,
    actor: Actor,
    email: str,
    name: str,
    role: str,
    park_id: int | None,
    *,
    language: str,
    now: datetime,
) -> None:
    """
    Appoint somebody to a park or the platform; who has no account yet is mailed a link to set a password.

    Raises NotFound, Invalid, Conflict if they hold the role already or another that does not go with it.
    """
    actor.must("platform.keep")
    known_as = email_address(email, field="email")
    if role not in PLATFORM_ROLES:
        raise Invalid("Choose one of the roles.", field="role")
    if (role == "park_administrator") != (park_id is not None):
        raise Invalid("A park administrator has a park, and nobody else here.", field="park_id")
    with transaction(session):
        if park_id is not None and session.get(Park, park_id) is None:
            raise Invalid("Choose one of the parks.", field="park_id")
        person = session.scalar(select(Person).where(Person.email == known_as).with_for_update(key_share=True))
        if person is None:
            person = Person(
                email=known_as,
                display_name=one_line(name, field="name"),
                password_hash=NO_PASSWORD,
                language=language,
                created_at=now,
                password_changed_at=now,
            )
            session.add(person)
            session.flush()
            token = write_letter(session, person.id, known_as, lasts=INVITATION_LASTS, sent_by=actor.person_id, now=now)
        else:
            token = ""
            _must_go_together(session, person.id, role, park_id)
        held = Appointment(person_id=person.id, role=role, park_id=park_id, granted_at=now, granted_by=actor.person_id)
        session.add(held)
        session.flush()
        about = {"token": token, "name": person.display_name, "role": role}
        outbox.post(session, "appointment", known_as, person.language, about, now=now)
        record(
            session, actor, "platform.appoint", "appointment", held.id,
            now=now, park_id=park_id, person=person.id, role=role,
        )  # fmt: skip


def dismiss(session: Session, actor: Actor, appointment_id: int, *, now: datetime) -> None:
    """
    End an appointment to a park or the platform; the rights end with the next request.

    Raises NotFound, Conflict for the last operator.
    """
    actor.must("platform.keep")
    with transaction(session):
        _hold_operators(session)
        held = session.get(Appointment, appointment_id, populate_existing=True, with_for_update=True)
        if held is None or held.organization_id is not None or held.ended_at is not None:
            raise NotFound
        if held.role == "operator" and _live_operators(session) < 2:
            raise Conflict("The platform keeps at least one operator. Appoint another one first.")
        held.ended_at = now
        record(
            session, actor, "platform.dismiss", "appointment", held.id,
            now=now, park_id=held.park_id, person=held.person_id, role=held.role,
        )  # fmt: skip


def _must_go_together(session: Session, person_id: int, role: str, park_id: int | None) -> None:
    held = session.execute(
        select(Appointment.role, Appointment.park_id).where(
            Appointment.person_id == person_id, Appointment.ended_at.is_(None)
        )
    ).all()
    if (role, park_id) in [tuple(row) for row in held]:
        raise Conflict("This person holds this role already.")
    if not goes_with(role, frozenset(row.role for row in held)):
        raise Conflict("Whoever runs the platform, examines it or administers a park holds no role elsewhere.")


def _hold_operators(session: Session) -> None:
    """Hold all operators until the transaction ends, so that no two of them dismiss each other."""
    session.execute(
        select(Appointment.id)
        .where(Appointment.role == "operator", Appointment.ended_at.is_(None))
        .order_by(Appointment.id)
        .with_for_update()
    )


def _live_operators(session: Session) -> int:
    return (
        session.scalar(
            select(func.count(Appointment.id))
            .join(Person, Person.id == Appointment.person_id)
            .where(Appointment.role == "operator", Appointment.ended_at.is_(None), Person.blocked_at.is_(None))
        )
        or 0
    )
