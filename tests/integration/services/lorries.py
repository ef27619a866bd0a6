"""A contract with vehicles under way: 1,000 t a month for three months, weighed at both ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import count

from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Appointed
from marketplace.domain.shipments import NewShipment
from marketplace.domain.tickets import NewTicket
from marketplace.persistence.shipments import Shipment
from marketplace.services import shipments
from marketplace.services.carried import day_at
from tests.factories import Make
from tests.integration.services.deeds import IN_MARCH, Deed

HOUR = timedelta(hours=1)
DAY = date(2027, 3, 10)
KG = 33_780


def ticket(
    number: str = "0001", net: int = KG, *, at: datetime = IN_MARCH, tare: int = 15_000, **more: str
) -> NewTicket:
    """Return a ticket of one scale: loaded at the instant, empty half an hour before."""
    usual = {"scale": "1", "key": f"key-{number}-{net}-{at:%d%H%M}", "reason": ""}
    return NewTicket(
        number=number,
        gross_kg=tare + net,
        tare_kg=tare,
        gross_at=at,
        tare_at=at - timedelta(minutes=30),
        **(usual | more),
    )


class Lorries(Deed):
    """A contract, both sides' signatories, and a weighbridge operator at either site."""

    def __init__(self, make: Make, **listing: object) -> None:
        super().__init__(make, **listing)
        row = self.session.get_one(Shipment, self.plan())
        self.first = row.id
        self.out_site, self.in_site = row.from_site_id, row.to_site_id
        self.weigher_out = self._weigher(row.producer_id, row.from_site_id)
        self.weigher_in = self._weigher(row.recycler_id, row.to_site_id)
        self.session.rollback()
        self._numbers = count(2)

    def _weigher(self, organization_id: int, site_id: int) -> Actor:
        held = Appointed("weigher", organization_id=organization_id, site_id=site_id)
        return Actor(None, "weigher", (held,))

    def plan(self, *, plate: str = "晋F12345", now: datetime = IN_MARCH, day: date | None = None, kg: int = KG) -> int:
        new = NewShipment(
            contract_id=self.contract_id,
            day=day or day_at(now),
            planned_kg=kg,
            plate=plate,
            driver="张三",
            carrier="云泉运输",
        )
        return shipments.plan_shipment(self.session, self.seller, new, now=now)

    def sent(self, net: int = KG, *, number: str = "0001", at: datetime = IN_MARCH, plate: str = "晋F12345") -> int:
        """Return a shipment that has left."""
        made = self.plan(plate=plate, now=at)
        shipments.dispatch(self.session, self.weigher_out, made, ticket(number, net, at=at), now=at)
        return made

    def there(self, net_in: int = KG, net_out: int = KG, *, number: str = "0001", at: datetime = IN_MARCH) -> int:
        """Return a shipment that was weighed in two hours later."""
        made = self.sent(net_out, number=number, at=at)
        weighed = ticket(f"B{number}", net_in, at=at + 2 * HOUR)
        shipments.arrive(self.session, self.weigher_in, made, weighed, now=at + 2 * HOUR)
        return made

    def row(self, shipment_id: int) -> Shipment:
        self.session.rollback()
        found = self.session.get_one(Shipment, shipment_id)
        self.session.expunge(found)
        self.session.rollback()
        return found


def state(session: Session, shipment_id: int) -> str:
    session.rollback()
    found = session.get_one(Shipment, shipment_id).state
    session.rollback()
    return found
