"""Writes: who acts for an organization: invited by mail, appointed, given another role, removed."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.domain.accounts import Invitation, NewPerson, digest, goes_with, place_of_role
from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.people import Appointment, Letter, Person
from marketplace.services import outbox
from marketplace.services.accounts import Origin, Passwords, begin
from marketplace.services.letters import live_letter, spend

INVITATION_LASTS: Final = timedelta(days=7)


def invite(
    session: Session, actor: Actor, organization_id: int, invited: Invitation, *, language: str, now: datetime
) -> None:
    """
    Mail a link with which somebody can join; an older link for the same address stops working.

    Raises NotFound, NotAllowed, Invalid if the site is not the organization's, Conflict if they are a member already.
    """
    with transaction(session):
        organization = _organization(session, actor, organization_id, "member.invite")
        _own_site(session, organization_id, invited.site_id)
        person = session.scalar(select(Person).where(Person.email == invited.email))
        if person is not None and _live(session, person.id, organization_id) is not None:
            raise Conflict("%(email)s is a member already.", email=invited.email)
        _revoke(session, organization_id, invited.email, now=now)
        token = secrets.token_urlsafe(32)
        letter = Letter(
            kind="invitation",
            token_digest=digest(token),
            email=invited.email,
            organization_id=organization_id,
            role=invited.role,
            site_id=invited.site_id,
            sent_by=actor.person_id,
            sent_at=now,
            expires_at=now + INVITATION_LASTS,
        )
        session.add(letter)
        session.flush()
        about = {
            "token": token,
            "name_zh": organization.name_zh,
            "name_en": organization.name_en,
            "role": invited.role,
            "by": actor.name,
        }
        spoken = person.language if person is not None else language
        outbox.post(session, "invitation", invited.email, spoken, about, now=now)
        _record(session, actor, "member.invite", "letter", letter.id, organization, now=now, role=invited.role)


def revoke(session: Session, actor: Actor, organization_id: int, letter_id: int, *, now: datetime) -> None:
    """Make an invitation void. Raises NotFound, NotAllowed."""
    with transaction(session):
        organization = _organization(session, actor, organization_id, "member.invite")
        revoked = session.execute(
            update(Letter)
            .where(
                Letter.id == letter_id,
                Letter.organization_id == organization_id,
                Letter.used_at.is_(None),
                Letter.revoked_at.is_(None),
            )
            .values(revoked_at=now)
            .returning(Letter.id)
        ).scalar_one_or_none()
        if revoked is None:
            raise NotFound
        _record(session, actor, "member.revoke", "letter", letter_id, organization, now=now)


def join_as_new(
    session: Session,
    passwords: Passwords,
    token: str,
    name: str,
    password: str,
    origin: Origin,
    *,
    language: str,
    lasts: timedelta,
    now: datetime,
) -> str:
    """
    Accept an invitation as somebody who has no account yet; return the token of their session.

    Raises NotFound if the link is not live, Invalid, Conflict if there is an account: then its owner signs in first.
    """
    letter = live_letter(session, token, "invitation", now=now)
    new = NewPerson(letter.email, name, password)
    hashed = passwords.hashed(password)
    with transaction(session):
        spend(session, letter.id, now=now)
        if session.scalar(select(Person.id).where(Person.email == new.email)) is not None:
            raise Conflict("There is an account with this mail address. Sign in, then open the link again.")
        person = Person(
            email=new.email,
            display_name=new.name,
            password_hash=hashed,
            language=language,
            created_at=now,
            password_changed_at=now,
        )
        session.add(person)
        session.flush()
        _appoint(session, Actor(person.id, person.display_name), letter, now=now)
        return begin(session, person.id, origin, lasts=lasts, now=now)


def join(session: Session, actor: Actor, token: str, *, now: datetime) -> None:
    """
    Accept an invitation as the person who is signed in.

    Raises NotFound if the link is not live, Conflict if it was sent to somebody else, they are a member already, or
    hold a role that goes with no other.
    """
    letter = live_letter(session, token, "invitation", now=now)
    with transaction(session):
        spend(session, letter.id, now=now)
        email = session.scalar(select(Person.email).where(Person.id == actor.person_id))
        if email != letter.email:
            raise Conflict(
                "This invitation was sent to %(email)s. Sign out and sign in with that address.", email=letter.email
            )
        _appoint(session, actor, letter, now=now)


def change_role(
    session: Session, actor: Actor, appointment_id: int, role: str, site_id: int | None, *, now: datetime
) -> None:
    """
    Give a member another role, from their next request on.

    Raises NotFound, NotAllowed, Invalid, Conflict if this would leave the organization without a signatory.
    """
    place_of_role(role, site_id)
    with transaction(session):
        held, organization = _appointment(session, actor, appointment_id)
        _own_site(session, organization.id, site_id)
        if (held.role, held.site_id) == (role, site_id):
            raise Conflict("This member holds this role already.")
        if role != "signatory":
            _must_keep_a_signatory(session, held)
        held.ended_at = now
        session.flush()
        new = Appointment(
            person_id=held.person_id,
            role=role,
            organization_id=organization.id,
            site_id=site_id,
            granted_at=now,
            granted_by=actor.person_id,
        )
        session.add(new)
        session.flush()
        _record(
            session, actor, "member.change", "appointment", new.id, organization,
            now=now, person=held.person_id, role=role, before=held.role,
        )  # fmt: skip


def remove(session: Session, actor: Actor, appointment_id: int, *, now: datetime) -> None:
    """
    End a member's appointment; their rights end with their next request.

    Raises NotFound, NotAllowed, Conflict if this would leave the organization without a signatory.
    """
    with transaction(session):
        held, organization = _appointment(session, actor, appointment_id)
        _must_keep_a_signatory(session, held)
        held.ended_at = now
        email = session.scalar(select(Person.email).where(Person.id == held.person_id))
        _revoke(session, organization.id, email or "", now=now)
        _record(
            session, actor, "member.remove", "appointment", held.id, organization,
            now=now, person=held.person_id, role=held.role,
        )  # fmt: skip


def _organization(session: Session, actor: Actor, organization_id: int, action: str) -> Organization:
    """Return an organization, held until the transaction ends: its members change one after the other."""
    organization = session.get(
        Organization, organization_id, populate_existing=True, with_for_update={"key_share": True}
    )
    if organization is None:
        raise NotFound
    actor.must(action, Belonging.to(organization.id, organization.park_id))
    return organization


def _appointment(session: Session, actor: Actor, appointment_id: int) -> tuple[Appointment, Organization]:
    held = session.get(Appointment, appointment_id, populate_existing=True)
    if held is None or held.organization_id is None:
        raise NotFound
    organization = _organization(session, actor, held.organization_id, "member.remove")
    session.refresh(held)  # it may have ended while we waited
    if held.ended_at is not None:
        raise NotFound
    return held, organization


def _appoint(session: Session, actor: Actor, letter: Letter, *, now: datetime) -> None:
    assert letter.organization_id is not None
    assert actor.person_id is not None
    organization = session.get_one(Organization, letter.organization_id)
    session.get_one(Person, actor.person_id, populate_existing=True, with_for_update={"key_share": True})
    if _live(session, actor.person_id, letter.organization_id) is not None:
        raise Conflict("You are a member of this organization already.")
    held = frozenset(
        session.scalars(
            select(Appointment.role).where(Appointment.person_id == actor.person_id, Appointment.ended_at.is_(None))
        )
    )
    if not goes_with(letter.role or "", held):
        raise Conflict("Whoever runs the platform, examines it or administers a park acts for no organization.")
    joined = Appointment(
        person_id=actor.person_id,
        role=letter.role,
        organization_id=letter.organization_id,
        site_id=letter.site_id,
        granted_at=now,
        granted_by=letter.sent_by,
    )
    session.add(joined)
    session.flush()
    _record(session, actor, "member.join", "appointment", joined.id, organization, now=now, role=letter.role)


def _live(session: Session, person_id: int, organization_id: int | None) -> int | None:
    return session.scalar(
        select(Appointment.id)
        .where(
            Appointment.person_id == person_id,
            Appointment.organization_id == organization_id,
            Appointment.ended_at.is_(None),
        )
        .limit(1)
    )


def _must_keep_a_signatory(session: Session, held: Appointment) -> None:
    if held.role != "signatory":
        return
    others = session.scalar(
        select(func.count(Appointment.id))
        .join(Person, Person.id == Appointment.person_id)
        .where(
            Appointment.organization_id == held.organization_id,
            Appointment.role == "signatory",
            Appointment.ended_at.is_(None),
            Appointment.id != held.id,
            Person.blocked_at.is_(None),
        )
    )
    if not others:
        raise Conflict("An organization keeps at least one signatory. Appoint another one first.")


def _own_site(session: Session, organization_id: int, site_id: int | None) -> None:
    if site_id is None:
        return
    owner = session.scalar(select(Site.organization_id).where(Site.id == site_id, Site.closed_at.is_(None)))
    if owner != organization_id:
        raise Invalid("Choose one of the sites.", field="site_id")


def _revoke(session: Session, organization_id: int, email: str, *, now: datetime) -> None:
    session.execute(
        update(Letter)
        .where(
            Letter.organization_id == organization_id,
            Letter.email == email,
            Letter.used_at.is_(None),
            Letter.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )


def _record(
    session: Session,
    actor: Actor,
    action: str,
    kind: str,
    object_id: int,
    organization: Organization,
    *,
    now: datetime,
    **detail: object,
) -> None:
    record(
        session, actor, action, kind, object_id,
        now=now, organization_id=organization.id, park_id=organization.park_id, **detail,
    )  # fmt: skip
