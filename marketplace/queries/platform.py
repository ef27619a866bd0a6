"""Reads: the platform as its operator sees it, without a single bid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from marketplace.domain.accounts import PLATFORM_ROLES
from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotFound
from marketplace.domain.sealing import Sealer
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.outbox import Job, OutboxMail
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person
from marketplace.queries.health import Readiness, readiness


@dataclass(frozen=True)
class ParkRow:
    """A park with what belongs to it."""

    id: int
    name_zh: str
    name_en: str
    kind: str
    division_code: str
    goal_permille: int
    goal_source: str
    goal_source_en: str
    organizations: int
    waiting: int
    sites: int
    administrators: int


@dataclass(frozen=True)
class Appointee:
    """Somebody appointed to a park or the platform."""

    id: int
    """Of the appointment."""
    name: str
    email: str
    role: str
    park_zh: str
    park_en: str
    granted_at: datetime
    ready: bool
    """Whether they have set a password."""


@dataclass(frozen=True)
class PlatformPage:
    """The platform."""

    parks: tuple[ParkRow, ...]
    people: tuple[Appointee, ...]
    organizations: int
    accounts: int
    mail_waiting: int
    mail_failing: int
    jobs_waiting: int
    health: Readiness


def platform_page(session: Session, actor: Actor, migrations: Path, sealer: Sealer, *, now: datetime) -> PlatformPage:
    """Return the platform. Raises NotFound for whoever may not see it."""
    actor.must("platform.read")
    parks = tuple(ParkRow(*row) for row in session.execute(_parks()))
    people = session.execute(
        select(
            Appointment.id, Person.display_name, Person.email, Appointment.role,
            func.coalesce(Park.name_zh, ""), func.coalesce(Park.name_en, ""), Appointment.granted_at,
            Person.password_hash != "",
        )
        .join(Person, Person.id == Appointment.person_id)
        .outerjoin(Park, Park.id == Appointment.park_id)
        .where(Appointment.role.in_(PLATFORM_ROLES), Appointment.ended_at.is_(None))
        .order_by(Appointment.role, Park.name_zh, Person.display_name, Appointment.id)
    )  # fmt: skip
    counts = session.execute(
        select(
            select(func.count(Organization.id)).scalar_subquery(),
            select(func.count(Person.id)).where(Person.blocked_at.is_(None)).scalar_subquery(),
            select(func.count(OutboxMail.id)).where(OutboxMail.sent_at.is_(None)).scalar_subquery(),
            select(func.count(OutboxMail.id))
            .where(OutboxMail.sent_at.is_(None), OutboxMail.attempts > 0)
            .scalar_subquery(),
            select(func.count(Job.id)).where(Job.ended_at.is_(None)).scalar_subquery(),
        )
    ).one()
    return PlatformPage(
        parks=parks,
        people=tuple(Appointee(*row) for row in people),
        organizations=counts[0],
        accounts=counts[1],
        mail_waiting=counts[2],
        mail_failing=counts[3],
        jobs_waiting=counts[4],
        health=readiness(session, migrations, sealer, now=now),
    )


def park_to_edit(session: Session, actor: Actor, park_id: int) -> ParkRow:
    """Return one park. Raises NotFound."""
    actor.must("platform.keep")
    row = session.execute(_parks().where(Park.id == park_id)).one_or_none()
    if row is None:
        raise NotFound
    return ParkRow(*row)


def parks_to_appoint(session: Session, actor: Actor) -> tuple[tuple[int, str, str], ...]:
    """Return id and names of all parks. Raises NotFound for anybody but the operator."""
    actor.must("platform.keep")
    found = session.execute(select(Park.id, Park.name_zh, Park.name_en).order_by(Park.name_zh, Park.id)).all()
    return tuple((row[0], row[1], row[2]) for row in found)


def _parks() -> Select[Any]:
    own = Organization.park_id == Park.id
    verified = (Organization.verified_at.is_(None), Organization.refused_at.is_(None))
    return select(
        Park.id, Park.name_zh, Park.name_en, Park.kind, Park.division_code, Park.goal_permille, Park.goal_source,
        Park.goal_source_en,
        select(func.count(Organization.id)).where(own).correlate(Park).scalar_subquery(),
        select(func.count(Organization.id)).where(own, *verified).correlate(Park).scalar_subquery(),
        select(func.count(Site.id)).where(Site.park_id == Park.id, Site.closed_at.is_(None)).correlate(Park)
        .scalar_subquery(),
        select(func.count(Appointment.id)).where(Appointment.park_id == Park.id, Appointment.ended_at.is_(None))
        .correlate(Park).scalar_subquery(),
    ).order_by(Park.name_zh, Park.id)  # fmt: skip
