"""What waits for the people of a producer or a recycler because of lorries: to be received, to be agreed, to be used."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.wording import Sentence
from marketplace.persistence.shipments import Shipment
from marketplace.queries.todo import Task


def tasks(session: Session, actor: Actor) -> Iterable[Task]:
    """Yield what waits, each kind once with how many there are. One SELECT."""
    own = [each for each in actor.organization_ids if actor.may("shipment.read", Belonging.to(each))]
    incoming = Shipment.recycler_id.in_(own)
    open_ = (Shipment.received_at.is_(None), Shipment.rejected_at.is_(None), Shipment.cancelled_at.is_(None))
    differs = func.sum(case((Shipment.disputed_at.is_not(None), 1), else_=0))
    arrived = func.sum(
        case(
            ((Shipment.arrived_at.is_not(None) & Shipment.disputed_at.is_(None) & incoming & open_[0] & open_[1]), 1),
            else_=0,
        )
    )
    unused = func.sum(case((Shipment.received_at.is_not(None) & Shipment.utilized_at.is_(None) & incoming, 1), else_=0))
    row = session.execute(
        select(differs, arrived, unused).where(
            or_(Shipment.producer_id.in_(own), incoming),
            Shipment.utilized_at.is_(None),
            Shipment.cancelled_at.is_(None),
        )
    ).one()
    counts = [int(each or 0) for each in row]
    if counts[0]:
        yield Task(
            "fail",
            Sentence("Scales differ"),
            Sentence("%(count)s shipments on which the two scales differ by more than they may.", {"count": counts[0]}),
            Sentence("Agree"),
            "shipments",
            rank=24,
        )
    if counts[1]:
        yield Task(
            "wait",
            Sentence("Weighed in"),
            Sentence("%(count)s loads are weighed in and wait to be received or rejected.", {"count": counts[1]}),
            Sentence("Receive"),
            "shipments",
            rank=4,
        )
    if counts[2] and "signatory" in actor.roles:
        yield Task(
            "wait",
            Sentence("To confirm"),
            Sentence(
                "%(count)s loads were received, and their use is not confirmed: they do not count as utilized yet.",
                {"count": counts[2]},
            ),
            Sentence("Confirm"),
            "shipments",
            rank=300,
        )
