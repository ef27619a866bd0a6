"""Writes: a park administrator confirms the permit of an intake line, or takes the confirmation back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, NotAllowed, NotFound
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.organizations import Organization, Site


def verify_permit(session: Session, actor: Actor, line_id: int, *, now: datetime) -> None:
    """
    Confirm the permit of an intake line as it stands.

    Raises NotFound, NotAllowed, Conflict if it names no permit, it has run out, or is confirmed already.
    """
    with transaction(session):
        line, owner, parks = _line(session, actor, line_id)
        if not line.permit_no or line.permit_valid_until is None:
            raise Conflict("This intake line names no permit with a number and a day until which it is valid.")
        if line.permit_valid_until < now.date():
            raise Conflict("This permit has run out.")
        if line.permit_verified_at is not None:
            raise Conflict("This permit is verified already.")
        line.permit_verified_at, line.permit_verified_by = now, actor.person_id
        record(
            session, actor, "permit.verify", "line", line.id,
            now=now, organization_id=owner, park_id=parks[0], permit=line.permit_no,
            valid_until=line.permit_valid_until.isoformat(),
        )  # fmt: skip


def withdraw_permit(session: Session, actor: Actor, line_id: int, *, now: datetime) -> None:
    """Take the confirmation of a permit back. Raises NotFound, NotAllowed, Conflict if there is none."""
    with transaction(session):
        line, owner, parks = _line(session, actor, line_id)
        if line.permit_verified_at is None:
            raise Conflict("This permit is not verified.")
        line.permit_verified_at = line.permit_verified_by = None
        record(
            session, actor, "permit.withdraw", "line", line.id,
            now=now, organization_id=owner, park_id=parks[0], permit=line.permit_no,
        )  # fmt: skip


def _line(session: Session, actor: Actor, line_id: int) -> tuple[IntakeLine, int, tuple[int, int | None]]:
    found = session.execute(
        select(IntakeLine, Organization.id, Organization.park_id, Site.park_id)
        .join(Site, Site.id == IntakeLine.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(IntakeLine.id == line_id)
        .with_for_update(of=IntakeLine)  # nobody verifies a permit that is just being changed
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound
    line, owner, park, site_park = found
    of = Belonging.to(owner, park, site_park)
    if not actor.may("permit.verify", of):
        actor.must("line.read", of)
        raise NotAllowed
    if line.retired_at is not None:
        raise NotFound
    return line, owner, (park, site_park)
