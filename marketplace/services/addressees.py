"""Who of an organization is written to."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.persistence.people import Appointment, Person


def addressees(session: Session, organization_ids: Iterable[int], *roles: str) -> list[tuple[int, str, str]]:
    """Return who holds one of these roles at these organizations: organization, mail address, language."""
    rows = session.execute(
        select(Appointment.organization_id, Person.email, Person.language)
        .join(Person, Appointment.person_id == Person.id)
        .where(
            Appointment.organization_id.in_(set(organization_ids)),
            Appointment.role.in_(roles),
            Appointment.ended_at.is_(None),
            Person.blocked_at.is_(None),
        )
        .order_by(Appointment.id)
    )
    return [(row[0], row[1], row[2]) for row in rows if row[0] is not None]
