"""A vehicle of the world under one of its contracts: weighed at both ends, on scales that differ too much."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.shipments import NewShipment
from marketplace.domain.tickets import NewTicket
from marketplace.services import shipments
from marketplace.services.carried import day_at


def shipment_of(session: Session, seller: Actor, buyer: Actor, contract_id: int, now: datetime) -> int:
    """Plan a vehicle, weigh it out and in, and leave it in dispute; return the shipment."""
    new = NewShipment(
        contract_id=contract_id, day=day_at(now), planned_kg=30_000, plate="晋F12345", driver="吴亮", carrier="青石运输"
    )
    made = shipments.plan_shipment(session, seller, new, now=now)
    shipments.dispatch(session, seller, made, _ticket("W1", 30_400, now), now=now)
    shipments.arrive(session, buyer, made, _ticket("W2", 29_400, now), now=now)
    shipments.receive(session, buyer, made, now=now)
    return made


def _ticket(number: str, net: int, at: datetime) -> NewTicket:
    before = at - timedelta(minutes=20)
    return NewTicket(
        number=number,
        scale="1",
        gross_kg=15_000 + net,
        tare_kg=15_000,
        gross_at=at,
        tare_at=before,
        key=f"world-{number}",
    )
