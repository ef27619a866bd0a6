"""Reads: organizations with their members and verification, and what a park has to verify."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Letter, Person

Made = TypeVar("Made")

SOON: Final = timedelta(days=60)
"""A permit that runs out within these days is shown as running out."""

STATES: Final = ("waiting", "verified", "refused", "suspended")
DECISIONS: Final = ("register", "edit", "verify", "refuse", "suspend", "resume")


@dataclass(frozen=True)
class Named:
    """Something to choose from."""

    id: int
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class Facts:
    """What an organization says of itself, and what its park says of it."""

    id: int
    credit_code: str
    name_zh: str
    name_en: str
    produces: bool
    recycles: bool
    park_id: int
    contact_name: str
    contact_phone: str
    address: str
    related_group: str
    small_works: bool
    registered_at: datetime
    verified_at: datetime | None
    refused_at: datetime | None
    refused_because: str
    suspended_at: datetime | None

    @property
    def state(self) -> str:
        """``suspended``, ``verified``, ``refused`` or ``waiting``."""
        return state_of(self.verified_at, self.refused_at, self.suspended_at)


@dataclass(frozen=True)
class Member:
    """Somebody who acts for the organization."""

    id: int
    """Of the appointment."""
    person_id: int
    name: str
    email: str
    role: str
    site: str | None
    granted_at: datetime


@dataclass(frozen=True)
class Invited:
    """An invitation that nobody has used."""

    id: int
    email: str
    role: str
    sent_at: datetime
    expires_at: datetime
    live: bool


@dataclass(frozen=True)
class Permit:
    """The permit of an intake line."""

    line_id: int
    organization_id: int
    name_zh: str
    name_en: str
    line: str
    line_en: str
    route: str
    number: str
    valid_until: date | None
    verified_at: datetime | None
    capacity_kg_per_year: int
    mine: bool
    """Whether the actor may verify it."""
    day: date

    @property
    def state(self) -> str:
        """``missing``, ``expired``, ``waiting``, ``expiring`` or ``verified``."""
        if not self.number or self.valid_until is None:
            return "missing"
        if self.valid_until < self.day:
            return "expired"
        if self.verified_at is None:
            return "waiting"
        return "expiring" if self.valid_until <= self.day + SOON else "verified"


@dataclass(frozen=True)
class Decision:
    """What was decided about an organization, when and by whom."""

    at: datetime
    action: str
    because: str
    who: str


@dataclass(frozen=True)
class OrganizationPage:
    """One organization."""

    facts: Facts
    park: Named
    members: tuple[Member, ...]
    invitations: tuple[Invited, ...]
    permits: tuple[Permit, ...]
    history: tuple[Decision, ...]
    sites: tuple[Named, ...]
    may: frozenset[str]
    """The actions of the policy table that the actor may do here."""


@dataclass(frozen=True)
class Row:
    """One line of the list of organizations."""

    id: int
    name_zh: str
    name_en: str
    credit_code: str
    produces: bool
    recycles: bool
    park: Named
    registered_at: datetime
    state: str


@dataclass(frozen=True)
class IndexPage:
    """The members of the parks that the actor oversees, and the permits of their lines."""

    rows: tuple[Row, ...]
    permits: tuple[Permit, ...]
    counts: Mapping[str, int]
    state: str
    decides: bool


def state_of(verified_at: datetime | None, refused_at: datetime | None, suspended_at: datetime | None) -> str:
    """Return where an organization stands, read off its timestamps."""
    if suspended_at is not None:
        return "suspended"
    if verified_at is not None:
        return "verified"
    return "refused" if refused_at is not None else "waiting"


def parks_to_choose(session: Session) -> tuple[Named, ...]:
    """Return all parks by name."""
    rows = session.execute(select(Park.id, Park.name_zh, Park.name_en).order_by(Park.name_zh, Park.id))
    return tuple(Named(*row) for row in rows)


def own_organization(actor: Actor) -> int:
    """Return the organization that the actor acts for, the first if several. Raises NotFound if there is none."""
    if not actor.organization_ids:
        raise NotFound
    return next(held.organization_id for held in actor.appointments if held.organization_id is not None)


def facts_to_edit(session: Session, actor: Actor, organization_id: int) -> Facts:
    """Return what a signatory may change. Raises NotFound, NotAllowed."""
    facts = _facts(session, organization_id)
    actor.must("organization.edit", Belonging.to(facts.id, facts.park_id))
    return facts


def organization_page(session: Session, actor: Actor, organization_id: int, *, now: datetime) -> OrganizationPage:
    """Return one organization as the actor may see it. Raises NotFound. Seven SELECTs."""
    facts = _facts(session, organization_id)
    of = Belonging.to(facts.id, facts.park_id)
    actor.must("organization.read", of)
    may = frozenset(
        action
        for action in (
            "organization.edit",
            "organization.verify",
            "member.read",
            "member.invite",
            "member.remove",
            "permit.verify",
            "line.read",
        )
        if actor.may(action, of)
    )
    park = session.execute(select(Park.id, Park.name_zh, Park.name_en).where(Park.id == facts.park_id)).one()
    shown = true() if "line.read" in may else false()
    return OrganizationPage(
        facts=facts,
        park=Named(*park),
        members=_members(session, organization_id) if "member.read" in may else (),
        invitations=_invitations(session, organization_id, now=now) if "member.invite" in may else (),
        permits=_permits(session, actor, Organization.id == organization_id, shown, now=now),
        history=_history(session, organization_id),
        sites=sites_to_choose(session, organization_id),
        may=may,
    )


def member_page(session: Session, actor: Actor, appointment_id: int) -> tuple[int, Member, tuple[Named, ...]]:
    """Return a member with the organization's id and sites, to be given another role. Raises NotFound, NotAllowed."""
    held = session.execute(
        select(Appointment.organization_id, Organization.park_id)
        .join(Organization, Organization.id == Appointment.organization_id)
        .where(Appointment.id == appointment_id, Appointment.ended_at.is_(None))
    ).one_or_none()
    if held is None or held.organization_id is None:
        raise NotFound
    actor.must("member.remove", Belonging.to(held.organization_id, held.park_id))
    found = next(one for one in _members(session, held.organization_id) if one.id == appointment_id)
    return held.organization_id, found, sites_to_choose(session, held.organization_id)


def sites_to_choose(session: Session, organization_id: int) -> tuple[Named, ...]:
    """Return the open sites of an organization by name."""
    rows = session.execute(
        select(Site.id, Site.name, Site.name_en)
        .where(Site.organization_id == organization_id, Site.closed_at.is_(None))
        .order_by(Site.name, Site.id)
    )
    return tuple(Named(*row) for row in rows)


def index_page(session: Session, actor: Actor, state: str, *, now: datetime) -> IndexPage:
    """
    Return the organizations that the actor oversees: of the own parks, or all for the operator and the auditor.

    Raises NotFound for everybody else. Two SELECTs.
    """
    everything = bool(actor.roles & {"operator", "auditor"})
    if not everything and not actor.park_ids:
        raise NotFound
    overseen = true() if everything else Organization.park_id.in_(actor.park_ids)
    found = session.execute(
        select(
            Organization.id, Organization.name_zh, Organization.name_en, Organization.credit_code,
            Organization.produces, Organization.recycles, Organization.registered_at,
            Organization.verified_at, Organization.refused_at, Organization.suspended_at,
            Park.id.label("park_id"), Park.name_zh.label("park_zh"), Park.name_en.label("park_en"),
        )
        .join(Park, Park.id == Organization.park_id)
        .where(overseen)
        .order_by(Organization.registered_at.desc(), Organization.id.desc())
    ).all()  # fmt: skip
    rows = [
        _made(
            Row,
            row,
            6,
            Named(row.park_id, row.park_zh, row.park_en),
            row.registered_at,
            state_of(row.verified_at, row.refused_at, row.suspended_at),
        )
        for row in found
    ]
    counts = {name: sum(row.state == name for row in rows) for name in STATES}
    shown = tuple(row for row in rows if state not in STATES or row.state == state)
    permits: tuple[Permit, ...] = ()
    if "operator" not in actor.roles or "auditor" in actor.roles:
        own = true() if everything else or_(Organization.park_id.in_(actor.park_ids), Site.park_id.in_(actor.park_ids))
        permits = _permits(session, actor, own, now=now)
    return IndexPage(shown, permits, counts, state if state in STATES else "", decides=bool(actor.park_ids))


def _facts(session: Session, organization_id: int) -> Facts:
    row = session.execute(
        select(*(getattr(Organization, name) for name in Facts.__dataclass_fields__)).where(
            Organization.id == organization_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return Facts(*row)


def _members(session: Session, organization_id: int) -> tuple[Member, ...]:
    rows = session.execute(
        select(
            Appointment.id, Person.id, Person.display_name, Person.email, Appointment.role, Site.name,
            Appointment.granted_at,
        )
        .join(Person, Person.id == Appointment.person_id)
        .outerjoin(Site, Site.id == Appointment.site_id)
        .where(Appointment.organization_id == organization_id, Appointment.ended_at.is_(None))
        .order_by(Appointment.granted_at, Appointment.id)
    )  # fmt: skip
    return tuple(Member(*row) for row in rows)


def _invitations(session: Session, organization_id: int, *, now: datetime) -> tuple[Invited, ...]:
    rows = session.execute(
        select(Letter.id, Letter.email, Letter.role, Letter.sent_at, Letter.expires_at)
        .where(
            Letter.organization_id == organization_id,
            Letter.kind == "invitation",
            Letter.used_at.is_(None),
            Letter.revoked_at.is_(None),
        )
        .order_by(Letter.sent_at.desc(), Letter.id.desc())
    )
    return tuple(_made(Invited, row, 5, row.expires_at > now) for row in rows)


def _permits(session: Session, actor: Actor, *where: ColumnElement[bool], now: datetime) -> tuple[Permit, ...]:
    rows = session.execute(
        select(
            IntakeLine.id, Organization.id, Organization.name_zh, Organization.name_en, IntakeLine.name,
            IntakeLine.name_en, IntakeLine.route, IntakeLine.permit_no, IntakeLine.permit_valid_until,
            IntakeLine.permit_verified_at, IntakeLine.capacity_kg_per_year,
            Organization.park_id, Site.park_id.label("site_park_id"),
        )
        .join(Site, Site.id == IntakeLine.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(IntakeLine.retired_at.is_(None), *where)
        .order_by(IntakeLine.permit_valid_until, IntakeLine.id)
    ).all()  # fmt: skip
    return tuple(
        _made(
            Permit,
            row,
            11,
            actor.may("permit.verify", Belonging.to(row[1], row.park_id, row.site_park_id)),
            now.date(),
        )
        for row in rows
    )


def _made(kind: Callable[..., Made], row: Iterable[Any], count: int, *more: object) -> Made:
    """Return a thing made of the first columns of a row, and more."""
    return kind(*tuple(row)[:count], *more)


def _history(session: Session, organization_id: int) -> tuple[Decision, ...]:
    rows = session.execute(
        select(AuditRow.at, AuditRow.action, AuditRow.detail, Person.display_name)
        .outerjoin(Person, Person.id == AuditRow.person_id)
        .where(
            AuditRow.object_kind == "organization",
            AuditRow.object_id == organization_id,
            AuditRow.action.in_([f"organization.{word}" for word in DECISIONS]),
        )
        .order_by(AuditRow.at.desc(), AuditRow.id.desc())
        .limit(20)
    )
    return tuple(Decision(at, action, str(detail.get("because", "")), who or "") for at, action, detail, who in rows)
