"""Writes: a vehicle is planned, weighed out, weighed in, received or rejected, and what it brought is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.amendments import said
from marketplace.domain.contracts import Side
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.domain.shipments import (
    NewShipment,
    ShipmentState,
    is_disputed,
    month_of_use,
    most_shipped_kg,
    must_step,
    read_weight,
    record_number,
)
from marketplace.domain.tickets import End, NewTicket
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.kept import find_site
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.shipments import Shipment
from marketplace.persistence.streams import WasteStream
from marketplace.services.carried import day_at, give_back, held_text, take_out
from marketplace.services.evidence import post_sent, post_used
from marketplace.services.parties import tell_parties
from marketplace.services.weighing import keep_ticket, standing_ticket, ticket_sent_before


@dataclass(frozen=True)
class Held:
    """A shipment that is held for an act, and whom it belongs to at either end."""

    shipment: Shipment
    parks: tuple[int | None, ...]

    @property
    def state(self) -> ShipmentState:
        """How far it is."""
        return self.shipment.state

    def at(self, place: End) -> Belonging:
        """Whom the act at one end belongs to: the side whose site it is."""
        row = self.shipment
        ends = ((row.producer_id, row.from_site_id), (row.recycler_id, row.to_site_id))
        (owner, site), (party, _) = ends if place == "origin" else ends[::-1]
        return belonging(owner, party, site, self.parks)


def belonging(owner: int, party: int, site: int, parks: tuple[int | None, ...]) -> Belonging:
    """Return whom one end of a shipment belongs to."""
    overseen = frozenset(park for park in parks if park is not None)
    return Belonging(frozenset({owner}), frozenset({party}), overseen, frozenset({site}))


def plan_shipment(session: Session, actor: Actor, new: NewShipment, *, now: datetime) -> int:
    """
    Plan a vehicle under a contract and return the shipment's id; either side may.

    Raises NotFound, NotAllowed; Invalid for a day before today or beyond the contract; Conflict if the contract is over.
    """
    with transaction(session):
        text = held_text(session, new.contract_id, now=now, actor=actor)
        if new.day < day_at(now):
            raise Invalid("This day is over.", field="day")
        months = [month for month, _ in text.months]
        if not min(months) <= Month.of(new.day) <= max(months):
            raise Invalid(
                "The contract runs from %(first_month)s to %(last_month)s.",
                field="day",
                first_month=str(min(months)),
                last_month=str(max(months)),
            )
        ends = session.execute(
            select(
                Award.producer_id, Award.recycler_id, WasteStream.site_id, IntakeLine.site_id.label("to_site_id"),
                WasteStream.id.label("stream_id"), Award.line_id,
            )
            .select_from(Contract)
            .join(Award, Award.id == Contract.award_id)
            .join(Listing, Listing.id == Award.listing_id)
            .join(WasteStream, WasteStream.id == Listing.stream_id)
            .join(IntakeLine, IntakeLine.id == Award.line_id)
            .where(Contract.id == new.contract_id)
        ).one()  # fmt: skip
        row = Shipment(
            contract_id=new.contract_id,
            producer_id=ends.producer_id,
            recycler_id=ends.recycler_id,
            from_site_id=ends.site_id,
            to_site_id=ends.to_site_id,
            stream_id=ends.stream_id,
            line_id=ends.line_id,
            day=new.day,
            planned_kg=new.planned_kg,
            plate=new.plate,
            driver=new.driver,
            driver_phone=new.driver_phone,
            carrier=new.carrier,
            mode=new.mode,
            from_stock=new.from_stock,
            planned_at=now,
            planned_by=actor.person_id,
        )
        session.add(row)
        session.flush()
        note(session, actor, "shipment.plan", row, now, plate=row.plate, kg=row.planned_kg, day=row.day.isoformat())
    return row.id


def cancel_shipment(session: Session, actor: Actor, shipment_id: int, reason: str, *, now: datetime) -> None:
    """Cancel a vehicle that has not left, with a reason. Raises NotFound, NotAllowed, Invalid, Conflict if it has left."""
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        actor.must("shipment.plan", held.at("origin"))
        if held.state == "cancelled":
            return
        must_step(held.state, "cancelled")
        held.shipment.cancelled_at, held.shipment.cancel_reason = now, said(reason)
        note(session, actor, "shipment.cancel", held.shipment, now, reason=held.shipment.cancel_reason)


def dispatch(session: Session, actor: Actor, shipment_id: int, ticket: NewTicket, *, now: datetime) -> int:
    """
    Weigh a vehicle out: it leaves the plant with its ticket and a number of record. Return the ticket's id.

    The same request again returns the same ticket. Raises NotFound, NotAllowed; Invalid for a ticket that cannot be true;
    Conflict if the shipment is not planned, the contract is over or holds less, the ticket is another shipment's, or no
    filing across provinces holds its tonnes and one more trip.
    """
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        row = held.shipment
        actor.must("shipment.weigh", held.at("origin"))
        before = ticket_sent_before(session, row.id, "origin", ticket)
        if before is not None:
            return before.id
        must_step(held.state, "dispatched")
        ticket.must_have_been(now)
        text = held_text(session, row.contract_id, now=now)
        site, _ = find_site(session, row.from_site_id, lock=True)
        take_out(session, row, ticket.net_kg, most_kg=most_shipped_kg(text.kg), day=day_at(ticket.at))
        kept = keep_ticket(session, row, "origin", site, ticket, by=actor.person_id, now=now)
        row.dispatched_at, row.out_kg, row.out_month = now, ticket.net_kg, month_at(ticket.at)
        row.record_no = _next_record(session, row.from_site_id, ticket)
        post_sent(session, row, ticket.net_kg, by=actor.person_id, now=now)
        note(session, actor, "shipment.dispatch", row, now, record=row.record_no, kg=ticket.net_kg)
    return kept.id


def arrive(session: Session, actor: Actor, shipment_id: int, ticket: NewTicket, *, now: datetime) -> int:
    """
    Weigh a vehicle in at its destination and return the ticket's id; it is then received or rejected.

    The same request again returns the same ticket. Raises NotFound, NotAllowed, Invalid, Conflict if it has not left, is
    weighed in already, or the ticket is another shipment's.
    """
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        row = held.shipment
        actor.must("shipment.weigh", held.at("destination"))
        before = ticket_sent_before(session, row.id, "destination", ticket)
        if before is not None:
            return before.id
        must_step(held.state, "arrived")
        ticket.must_have_been(now)
        site, _ = find_site(session, row.to_site_id, lock=True)
        kept = keep_ticket(session, row, "destination", site, ticket, by=actor.person_id, now=now)
        row.arrived_at, row.in_kg = now, ticket.net_kg
        note(session, actor, "shipment.arrive", row, now, kg=ticket.net_kg)
    return kept.id


def correct_ticket(
    session: Session, actor: Actor, shipment_id: int, place: End, ticket: NewTicket, *, now: datetime
) -> int:
    """
    Write a later version of a ticket, with its reason, as long as the shipment is not received; number and scale stay.

    What differs no more than it may after that is received. Raises NotFound, NotAllowed, Invalid without a reason, Conflict
    if there is no ticket yet or the shipment is past being corrected.
    """
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        row = held.shipment
        actor.must("shipment.weigh", held.at(place))
        before = ticket_sent_before(session, row.id, place, ticket)
        if before is not None:
            return before.id
        stands = standing_ticket(session, row.id, place)
        if stands is None or held.state not in ("dispatched", "arrived", "disputed"):
            raise Conflict("A ticket is corrected while the shipment is under way, and not once it is received.")
        if (ticket.number, ticket.scale) != (stands.number, stands.scale):
            raise Invalid("Number and scale of a ticket stay as they are.", field="number")
        ticket.must_have_been(now)
        reason = said(ticket.reason)
        site, _ = find_site(session, stands.site_id, lock=True)
        if place == "origin":
            text = held_text(session, row.contract_id, now=now)
            give_back(session, row)
            take_out(session, row, ticket.net_kg, most_kg=most_shipped_kg(text.kg), day=day_at(ticket.at))
            post_sent(session, row, -stands.net_kg, by=actor.person_id, now=now)
            row.out_kg, row.out_month = ticket.net_kg, month_at(ticket.at)
            post_sent(session, row, ticket.net_kg, by=actor.person_id, now=now)
        else:
            row.in_kg = ticket.net_kg
        kept = keep_ticket(session, row, place, site, ticket, by=actor.person_id, now=now, version=stands.version + 1)
        note(
            session, actor, "ticket.correct", row, now,
            reason=reason, before_kg=stands.net_kg, kg=ticket.net_kg, version=kept.version,
        )  # fmt: skip
        if held.state == "disputed" and not _differs(row):
            row.disputed_at = row.proposed_kg = row.proposed_by = None
            _count(session, actor, row, row.in_kg or 0, now)
    return kept.id


def receive(session: Session, actor: Actor, shipment_id: int, *, now: datetime) -> ShipmentState:
    """
    Take in what was weighed in: its weight at the destination counts, or the two sides first agree on one.

    Return the state: received, or disputed where the two scales differ by more than they may. Raises NotFound,
    NotAllowed, Conflict if it is not weighed in, or rejected.
    """
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        row = held.shipment
        actor.must("shipment.receive", held.at("destination"))
        if held.state in ("received", "disputed"):
            return held.state
        must_step(held.state, "received")
        if _differs(row):
            row.disputed_at = now
            note(session, actor, "shipment.dispute", row, now, out_kg=row.out_kg, in_kg=row.in_kg)
            _tell(session, "weights_differ", row, now, out_kg=row.out_kg, in_kg=row.in_kg)
            return "disputed"
        _count(session, actor, row, row.in_kg or 0, now)
    return "received"


def propose_weight(session: Session, actor: Actor, shipment_id: int, kg: int, *, now: datetime) -> ShipmentState:
    """
    Propose a weight where the two scales differ; what the other side has proposed too is agreed, and received.

    Raises NotFound, NotAllowed, Invalid for a weight beyond the two scales, Conflict if nothing is in dispute.
    """
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        row = held.shipment
        actor.must("shipment.agree", held.at("origin"))
        if held.state != "disputed":
            raise Conflict("Nothing is in dispute here.")
        side = _side(actor, row)
        agreed = read_weight(kg, row.out_kg or 0, row.in_kg or 0)
        if row.proposed_by is not None and row.proposed_by != side and row.proposed_kg == agreed:
            row.disputed_at = row.proposed_kg = row.proposed_by = None
            note(session, actor, "shipment.agree", row, now, kg=agreed)
            _count(session, actor, row, agreed, now)
            return "received"
        row.proposed_kg, row.proposed_by = agreed, side
        note(session, actor, "shipment.propose", row, now, kg=agreed, side=side)
        _tell(session, "weight_proposed", row, now, kg=agreed, but=side)
    return "disputed"


def reject(session: Session, actor: Actor, shipment_id: int, reason: str, *, now: datetime) -> None:
    """Refuse what was weighed in, with a reason; it goes back. Raises NotFound, NotAllowed, Invalid, Conflict."""
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        row = held.shipment
        actor.must("shipment.receive", held.at("destination"))
        if held.state == "rejected":
            return
        must_step(held.state, "rejected")
        row.rejected_at, row.reject_reason = now, said(reason)
        note(session, actor, "shipment.reject", row, now, reason=row.reject_reason)
        _tell(session, "load_rejected", row, now, why=row.reject_reason)


def take_back(session: Session, actor: Actor, shipment_id: int, *, now: datetime) -> None:
    """Say that a rejected vehicle is back at the plant: its tonnes are free again. Raises NotFound, NotAllowed, Conflict."""
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        row = held.shipment
        actor.must("shipment.weigh", held.at("origin"))
        if held.state == "returned":
            return
        must_step(held.state, "returned")
        give_back(session, row)
        post_sent(session, row, -(row.out_kg or 0), by=actor.person_id, now=now)
        row.returned_at = now
        note(session, actor, "shipment.return", row, now, kg=row.out_kg)


def use(session: Session, actor: Actor, shipment_id: int, month: Month, *, now: datetime) -> None:
    """
    Confirm that what was received was put to use, and in which month: it then counts for its generator.

    Raises NotFound, NotAllowed, Invalid for a month before the receipt or to come, Conflict if it is not received.
    """
    with transaction(session):
        held = hold_shipment(session, shipment_id)
        row = held.shipment
        actor.must("shipment.use", held.at("destination"))
        if held.state == "utilized" and row.used_month == month:
            return
        must_step(held.state, "utilized")
        if row.in_month is None:
            raise Conflict("This shipment has not been received.")
        row.used_month = month_of_use(month, received=row.in_month, this_month=month_at(now))
        row.utilized_at = now
        post_used(session, row, by=actor.person_id, now=now)
        note(session, actor, "shipment.use", row, now, month=str(month), kg=row.counted_kg)


def hold_shipment(session: Session, shipment_id: int) -> Held:
    """
    Return a shipment, held after its contract until the transaction ends, with the parks that oversee an end of it.

    Raises NotFound.
    """
    found = session.execute(
        select(Shipment.contract_id, Shipment.from_site_id, Shipment.to_site_id).where(Shipment.id == shipment_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    session.execute(select(Contract.id).where(Contract.id == found.contract_id).with_for_update())
    parks = session.execute(
        select(Site.park_id, Organization.park_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(Site.id.in_((found.from_site_id, found.to_site_id)))
    )
    row = session.get_one(Shipment, shipment_id, populate_existing=True, with_for_update=True)
    return Held(row, tuple(park for each in parks for park in each))


def note(session: Session, actor: Actor, action: str, row: Shipment, now: datetime, **detail: Any) -> None:
    """Write the audit row of an act on a shipment; it is found by either side."""
    record(
        session, actor, action, "shipment", row.id,
        now=now, organization_id=row.producer_id, contract_id=row.contract_id, **detail,
    )  # fmt: skip


def _differs(row: Shipment) -> bool:
    return is_disputed(row.out_kg or 0, row.in_kg or 0)


def _count(session: Session, actor: Actor, row: Shipment, kg: int, now: datetime) -> None:
    row.received_at, row.counted_kg, row.in_month = now, kg, month_at(now)
    post_sent(session, row, kg - (row.out_kg or 0), by=actor.person_id, now=now, evidence="both_ends")
    note(session, actor, "shipment.receive", row, now, kg=kg)


def _side(actor: Actor, row: Shipment) -> Side:
    """Return the side that an actor signs for. Raises NotAllowed for nobody's."""
    if actor.may("shipment.agree", Belonging.to(row.producer_id)):
        return "producer"
    if actor.may("shipment.agree", Belonging.to(row.recycler_id)):
        return "recycler"
    raise NotAllowed


def _next_record(session: Session, site_id: int, ticket: NewTicket) -> str:
    """Return the next number of record of a site's day; the site is held."""
    day = day_at(ticket.at)
    stem = record_number(day, 0)[:-3]
    count = session.scalar(
        select(func.count(Shipment.id)).where(Shipment.from_site_id == site_id, Shipment.record_no.like(f"{stem}%"))
    )
    return record_number(day, (count or 0) + 1)


def _tell(
    session: Session, kind: str, row: Shipment, now: datetime, *, but: Side | None = None, **values: object
) -> None:
    award = session.get_one(Award, session.get_one(Contract, row.contract_id).award_id)
    skipped = None if but is None else row.producer_id if but == "producer" else row.recycler_id
    tell_parties(session, kind, award, now, except_for=skipped, shipment_id=row.id, record_no=row.record_no, **values)
