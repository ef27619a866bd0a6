"""Writes: organizations register, describe themselves, and are verified, refused, suspended by their park."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.accounts import NewPerson, one_line
from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.members import OrganizationFacts
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person
from marketplace.services import outbox
from marketplace.services.accounts import Origin, Passwords, begin
from marketplace.services.tries import count_try, forget_try

PROVED = ("credit_code", "name_zh", "produces", "recycles", "park_id", "small_works")
"""What a park verifies; when it changes, the park verifies anew."""


def register(
    session: Session,
    passwords: Passwords,
    facts: OrganizationFacts,
    person: NewPerson,
    origin: Origin,
    *,
    language: str,
    lasts: timedelta,
    now: datetime,
) -> str:
    """
    Register an organization with its first signatory, and return the token of that person's session.

    Raises Invalid if there is no such park, or if the credit code or the mail address is known already, which counts
    as a try; TooMany after ten of those.
    """
    tried = count_try(session, person.email, origin.address, now=now)
    hashed = passwords.hashed(person.password)
    with transaction(session):
        park = _park(session, facts.park_id)
        if session.scalar(select(Organization.id).where(Organization.credit_code == facts.credit_code)) is not None:
            raise Invalid(
                "An organization with this credit code is registered already. Ask its signatory for an invitation.",
                field="credit_code",
            )
        if session.scalar(select(Person.id).where(Person.email == person.email)) is not None:
            raise Invalid("This mail address cannot be used here. If it is yours, sign in.", field="email")
        forget_try(session, tried)
        signatory = Person(
            email=person.email,
            display_name=person.name,
            password_hash=hashed,
            language=language,
            created_at=now,
            password_changed_at=now,
        )
        organization = Organization(**asdict(facts), registered_at=now)
        session.add_all([signatory, organization])
        session.flush()
        session.add(
            Appointment(person_id=signatory.id, role="signatory", organization_id=organization.id, granted_at=now)
        )
        token = begin(session, signatory.id, origin, lasts=lasts, now=now)
        _tell_park(session, park.id, "registered", organization, now=now)
        record(
            session, Actor(signatory.id, person.name), "organization.register", "organization", organization.id,
            now=now, organization_id=organization.id, park_id=park.id, address=origin.address,
        )  # fmt: skip
    return token


def edit(session: Session, actor: Actor, organization_id: int, facts: OrganizationFacts, *, now: datetime) -> bool:
    """
    Change what an organization says of itself; return whether its park has to verify it anew.

    Raises NotFound, NotAllowed, Invalid if the credit code is another organization's or there is no such park.
    """
    with transaction(session):
        organization = _organization(session, actor, organization_id, "organization.edit")
        _park(session, facts.park_id)
        other = select(Organization.id).where(
            Organization.credit_code == facts.credit_code, Organization.id != organization_id
        )
        if session.scalar(other) is not None:
            raise Invalid("Another organization is registered with this credit code.", field="credit_code")
        given = asdict(facts)
        changed = sorted(name for name, value in given.items() if getattr(organization, name) != value)
        anew = organization.verified_at is None or not set(PROVED).isdisjoint(changed)
        for name in changed:
            setattr(organization, name, given[name])
        if anew and changed:
            organization.verified_at = organization.verified_by = organization.refused_at = None
            organization.refused_because = ""
            _tell_park(session, organization.park_id, "registered", organization, now=now)
        _record(session, actor, "organization.edit", organization, now=now, changed=changed)
    return anew


def verify(session: Session, actor: Actor, organization_id: int, *, now: datetime) -> None:
    """Verify an organization. Raises NotFound, NotAllowed, Conflict if it is verified already."""
    with transaction(session):
        organization = _organization(session, actor, organization_id, "organization.verify")
        if organization.verified_at is not None:
            raise Conflict("This organization is verified already.")
        organization.verified_at, organization.verified_by = now, actor.person_id
        organization.refused_at, organization.refused_because = None, ""
        _tell_signatories(session, "verified", organization, now=now)
        _record(session, actor, "organization.verify", organization, now=now)


def refuse(session: Session, actor: Actor, organization_id: int, because: str, *, now: datetime) -> None:
    """
    Refuse to verify an organization, with the reason, which it is told and may mend.

    Raises NotFound, NotAllowed, Invalid without a reason, Conflict if it is verified: then it can be suspended.
    """
    reason = one_line(because, most=500, field="because")
    with transaction(session):
        organization = _organization(session, actor, organization_id, "organization.verify")
        if organization.verified_at is not None:
            raise Conflict("This organization is verified. It can be suspended.")
        organization.refused_at, organization.refused_because = now, reason
        _tell_signatories(session, "refused", organization, now=now, because=reason)
        _record(session, actor, "organization.refuse", organization, now=now, because=reason)


def suspend(session: Session, actor: Actor, organization_id: int, because: str, *, now: datetime) -> None:
    """
    Suspend an organization: the rights of all its members rest from their next request on.

    Raises NotFound, NotAllowed, Invalid without a reason, Conflict if it is suspended already.
    """
    reason = one_line(because, most=500, field="because")
    with transaction(session):
        organization = _organization(session, actor, organization_id, "organization.verify")
        if organization.suspended_at is not None:
            raise Conflict("This organization is suspended already.")
        organization.suspended_at = now
        _tell_signatories(session, "suspended", organization, now=now, because=reason)
        _record(session, actor, "organization.suspend", organization, now=now, because=reason)


def resume(session: Session, actor: Actor, organization_id: int, *, now: datetime) -> None:
    """Lift a suspension. Raises NotFound, NotAllowed, Conflict if there is none."""
    with transaction(session):
        organization = _organization(session, actor, organization_id, "organization.verify")
        if organization.suspended_at is None:
            raise Conflict("This organization is not suspended.")
        organization.suspended_at = None
        _tell_signatories(session, "resumed", organization, now=now)
        _record(session, actor, "organization.resume", organization, now=now)


def _organization(session: Session, actor: Actor, organization_id: int, action: str) -> Organization:
    """Return an organization, held until the transaction ends: nobody verifies what is just being changed."""
    organization = session.get(
        Organization, organization_id, populate_existing=True, with_for_update={"key_share": True}
    )
    if organization is None:
        raise NotFound
    actor.must(action, Belonging.to(organization.id, organization.park_id))
    return organization


def _park(session: Session, park_id: int) -> Park:
    park = session.get(Park, park_id)
    if park is None:
        raise Invalid("Choose one of the parks.", field="park_id")
    return park


def _record(
    session: Session, actor: Actor, action: str, organization: Organization, *, now: datetime, **detail: object
) -> None:
    record(
        session, actor, action, "organization", organization.id,
        now=now, organization_id=organization.id, park_id=organization.park_id, **detail,
    )  # fmt: skip


def _tell_park(session: Session, park_id: int, kind: str, organization: Organization, *, now: datetime) -> None:
    _tell(session, kind, organization, (Appointment.park_id == park_id, Appointment.role == "park_administrator"), now)


def _tell_signatories(
    session: Session, kind: str, organization: Organization, *, now: datetime, because: str = ""
) -> None:
    where = (Appointment.organization_id == organization.id, Appointment.role == "signatory")
    _tell(session, kind, organization, where, now, because=because)


def _tell(
    session: Session, kind: str, organization: Organization, where: tuple[object, ...], now: datetime, **values: str
) -> None:
    people = session.execute(
        select(Person.email, Person.language)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(*where, Appointment.ended_at.is_(None), Person.blocked_at.is_(None))  # type: ignore[arg-type]
        .order_by(Person.id)
    ).all()
    about = {"id": organization.id, "name_zh": organization.name_zh, "name_en": organization.name_en} | values
    outbox.post_each(session, f"organization_{kind}", ((email, language, about) for email, language in people), now=now)
