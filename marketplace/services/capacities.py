"""Writes: a park states that an intake line may take in less than it says, even where more is committed already."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.capacities import LoweredCapacity
from marketplace.domain.errors import Conflict, NotAllowed
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.kept import belonging, find_line
from marketplace.services import outbox
from marketplace.services.addressees import addressees
from marketplace.services.counters import set_ceilings


def lower_capacity(session: Session, actor: Actor, line_id: int, new: LoweredCapacity, *, now: datetime) -> None:
    """
    Lower the capacity of a line from this month on, and tell the signatories of its recycler why.

    What is committed stays committed: the line is over-committed then, and nothing more is awarded to it until less is
    committed than the new capacity. Raises NotFound, NotAllowed, Invalid if it is not lower, Conflict if the line is
    retired.
    """
    with transaction(session):
        line, site, organization = find_line(session, line_id, lock=True)
        of = belonging(organization, site)
        if not actor.may("permit.verify", of):
            actor.must("line.read", of)
            raise NotAllowed
        if line.retired_at is not None:
            raise Conflict("This intake line is retired and does not change any more.")
        new.refuse_more_than(line.capacity_kg_per_month, line.capacity_kg_per_year)
        before = {
            "capacity_kg_per_month": line.capacity_kg_per_month,
            "capacity_kg_per_year": line.capacity_kg_per_year,
        }
        line.capacity_kg_per_month = new.capacity_kg_per_month
        line.capacity_kg_per_year = new.capacity_kg_per_year
        line.least_lot_kg = min(line.least_lot_kg, new.capacity_kg_per_month)
        session.flush()
        set_ceilings(session, line, Month.of(now.date()))
        record(
            session,
            actor,
            "capacity.lower",
            "line",
            line.id,
            now=now,
            organization_id=organization.id,
            park_id=site.park_id or organization.park_id,
            because=new.because,
            before=before,
            capacity_kg_per_month=new.capacity_kg_per_month,
            capacity_kg_per_year=new.capacity_kg_per_year,
        )
        about = {
            "line_id": line.id,
            "name_zh": line.name,
            "name_en": line.name_en,
            "kg_per_month": new.capacity_kg_per_month,
            "kg_per_year": new.capacity_kg_per_year,
            "because": new.because,
        }
        told = addressees(session, [organization.id], "signatory")
        outbox.post_each(
            session, "capacity_lowered", ((email, language, about) for _, email, language in told), now=now
        )
