"""A deal of the demo world that is under way: listed, held and signed by the use cases, and lorries weighed at both ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Appointed
from marketplace.domain.holds import NewHold
from marketplace.domain.listings import NewListing, month_at
from marketplace.domain.shipments import NewShipment
from marketplace.domain.tickets import NewTicket
from marketplace.services import shipments
from marketplace.services.awards import accept_award
from marketplace.services.carried import day_at
from marketplace.services.holds import hold_tonnes
from marketplace.services.listings import post_listing
from marketplace.services.signing import FreshProof

KG: Final = 800_000
"""A month."""

LORRIES: Final = (
    ("晋F12086", "赵强", 32_460, -40),
    ("晋F30517", "刘建国", 31_980, -20),
    ("晋F12086", "赵强", 32_820, 0),
    ("晋F61729", "孙海", 30_740, -60),
    ("晋F30517", "刘建国", 32_100, 20),
    ("晋F61729", "孙海", 31_560, -680),
    ("晋F12086", "赵强", 32_380, None),
)
"""Plate, driver, net at the plant, and by how much the other scale differs; none where it is still on its way."""


def load_deal(session: Session, *, seller: Actor, buyer: Actor, stream_id: int, line_id: int, now: datetime) -> None:
    """Make a contract over last month and this one, with lorries of the last days; invented, as all of the demo world."""
    begun = now - timedelta(days=40)
    this_month = month_at(now)
    new = NewListing(
        first_month=this_month.plus(-1),
        last_month=this_month,
        kg_per_month=KG,
        asking_fen_per_t=2600,
        sale_kind="fixed",
        loading_hours="08:00–20:00",
    )
    listing_id = post_listing(session, seller, stream_id, new, publish=True, now=begun)
    held = NewHold(listing_id=listing_id, line_id=line_id, kg_per_month=KG)
    award_id = hold_tonnes(session, buyer, held, now=begun + timedelta(days=1))
    contract_id = None
    for hours, who in ((2, buyer), (5, seller)):
        proof = FreshProof(who.person_id or 0, who.name, "password")
        contract_id = accept_award(session, who, award_id, proof=proof, now=begun + timedelta(days=1, hours=hours))
    if contract_id is None:
        raise RuntimeError("both sides signed and there is no contract")
    for number, lorry in enumerate(LORRIES):
        _lorry(session, seller, buyer, contract_id, number, lorry, now=now)
    plate, driver = "晋F88216", "周平"
    planned = NewShipment(contract_id=contract_id, day=day_at(now), planned_kg=32_000, plate=plate, driver=driver)
    shipments.plan_shipment(session, seller, planned, now=now)


def _lorry(
    session: Session, seller: Actor, buyer: Actor, contract_id: int, number: int,
    lorry: tuple[str, str, int, int | None], *, now: datetime,
) -> None:  # fmt: skip
    """Plan a lorry, weigh it out and, but for the last, in; it is received, and what was received days ago is used."""
    plate, driver, net, differs = lorry
    at = now - timedelta(days=len(LORRIES) - number - 1, hours=3)
    new = NewShipment(
        contract_id=contract_id,
        day=day_at(at),
        planned_kg=32_000,
        plate=plate,
        driver=driver,
        carrier="桑干物流（演示）",
    )
    made = shipments.plan_shipment(session, seller, new, now=at - timedelta(hours=1))
    shipments.dispatch(session, seller, made, _ticket(number, net, "A", at), now=at)
    if differs is None:
        return
    later = at + timedelta(hours=1)
    shipments.arrive(session, buyer, made, _ticket(number, net + differs, "B", later), now=later)
    state = shipments.receive(session, buyer, made, now=later)
    if state == "received" and number < 3:
        shipments.use(session, buyer, made, month_at(later), now=later)


def _ticket(number: int, net: int, letter: str, at: datetime) -> NewTicket:
    tare = 15_200 + 40 * (number % 3)
    return NewTicket(
        number=f"{letter}{number + 1:04d}",
        scale="1",
        gross_kg=tare + net,
        tare_kg=tare,
        gross_at=at - timedelta(minutes=5),
        tare_at=at - timedelta(minutes=35) if letter == "A" else at,
        key=f"demo-{letter}-{number}",
    )


def signatory(person_id: int, name: str, organization_id: int, *, produces: bool, recycles: bool) -> Actor:
    """Return somebody of the demo world as the use cases know them."""
    held = Appointed("signatory", organization_id=organization_id, produces=produces, recycles=recycles)
    return Actor(person_id, name, (held,))
