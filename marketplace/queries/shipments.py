"""Reads: shipments, one with its tickets, and what a weighbridge has to weigh today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import Session, aliased

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.contracts import Side
from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import Month
from marketplace.domain.shipments import STEPS, ShipmentState
from marketplace.domain.tickets import ENDS, MARK_SENTENCES, End
from marketplace.domain.wording import Sentence
from marketplace.persistence.lines import Filing, IntakeLine
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.people import Person
from marketplace.persistence.rounds import Contract
from marketplace.persistence.shipments import Shipment, Ticket
from marketplace.persistence.streams import WasteStream
from marketplace.queries.listed import Listed, Wish, matches, page_of

Producer, Recycler = aliased(Organization), aliased(Organization)
From, To = aliased(Site), aliased(Site)


@dataclass(frozen=True)
class Row:
    """A shipment, with the names of both ends."""

    id: int
    contract_id: int
    number: str
    """Of the contract."""
    record_no: str | None
    day: date
    plate: str
    driver: str
    driver_phone: str
    carrier: str
    mode: str
    planned_kg: int
    out_kg: int | None
    in_kg: int | None
    counted_kg: int | None
    producer_id: int
    producer_zh: str
    producer_en: str
    recycler_id: int
    recycler_zh: str
    recycler_en: str
    from_site_id: int
    from_site: str
    from_site_en: str
    to_site_id: int
    to_site: str
    to_site_en: str
    stream: str
    stream_en: str
    material: str
    waste_code: str
    line: str
    line_en: str
    state: ShipmentState
    dispatched_at: datetime | None
    arrived_at: datetime | None
    received_at: datetime | None

    def side_of(self, actor: Actor) -> Side | None:
        """The side that an actor belongs to; none for a park or an auditor."""
        if self.producer_id in actor.organization_ids:
            return "producer"
        return "recycler" if self.recycler_id in actor.organization_ids else None


@dataclass(frozen=True)
class TicketRow:
    """A version of a ticket."""

    version: int
    number: str
    scale: str
    gross_kg: int
    tare_kg: int
    gross_at: datetime
    tare_at: datetime
    marks: tuple[Sentence, ...]
    reason: str
    captured_at: datetime
    captured_by: str

    @property
    def net_kg(self) -> int:
        """Gross less tare."""
        return self.gross_kg - self.tare_kg


@dataclass(frozen=True)
class May:
    """What an actor may do with a shipment as it stands."""

    cancel: bool
    weigh: End | None
    """At which end it is to be weighed now."""
    correct: tuple[End, ...]
    receive: bool
    reject: bool
    agree: bool
    take_back: bool
    use: bool


@dataclass(frozen=True)
class ShipmentPage:
    """One shipment, with the versions of its tickets, the last first, and what may be done."""

    row: Row
    tickets: dict[End, tuple[TicketRow, ...]]
    may: May
    side: Side | None
    planned_at: datetime
    cancel_reason: str
    reject_reason: str
    proposed_kg: int | None
    proposed_by: str | None
    used_month: Month | None
    in_month: Month | None
    filing_no: str | None

    @property
    def difference_kg(self) -> int | None:
        """By how much more the destination weighed than the plant."""
        if self.row.out_kg is None or self.row.in_kg is None:
            return None
        return self.row.in_kg - self.row.out_kg


@dataclass(frozen=True)
class WeighingPage:
    """What a weighbridge expects: to leave from the actor's sites, and on the way to them, by day and number."""

    leaving: tuple[Row, ...]
    coming: tuple[Row, ...]


def shipments() -> Select[Any]:
    """Return the query of all shipments with their names; `read` reads its rows."""
    query: Any = (
        select(
            Shipment, Contract.number, Producer.name_zh, Producer.name_en, Recycler.name_zh, Recycler.name_en,
            From.name, From.name_en, To.name, To.name_en, WasteStream.name, WasteStream.name_en, WasteStream.material,
            WasteStream.waste_code, IntakeLine.name, IntakeLine.name_en,
        )
        .join(Contract, Contract.id == Shipment.contract_id)
        .join(Producer, Producer.id == Shipment.producer_id)
        .join(Recycler, Recycler.id == Shipment.recycler_id)
        .join(From, From.id == Shipment.from_site_id)
        .join(To, To.id == Shipment.to_site_id)
        .join(WasteStream, WasteStream.id == Shipment.stream_id)
        .join(IntakeLine, IntakeLine.id == Shipment.line_id)
    )  # fmt: skip
    found: Select[Any] = query
    return found


def read(found: Any) -> Row:
    """Read a row of `shipments`."""
    row: Shipment = found[0]
    return Row(
        id=row.id,
        contract_id=row.contract_id,
        number=found[1],
        record_no=row.record_no,
        day=row.day,
        plate=row.plate,
        driver=row.driver,
        driver_phone=row.driver_phone,
        carrier=row.carrier,
        mode=row.mode,
        planned_kg=row.planned_kg,
        out_kg=row.out_kg,
        in_kg=row.in_kg,
        counted_kg=row.counted_kg,
        producer_id=row.producer_id,
        producer_zh=found[2],
        producer_en=found[3],
        recycler_id=row.recycler_id,
        recycler_zh=found[4],
        recycler_en=found[5],
        from_site_id=row.from_site_id,
        from_site=found[6],
        from_site_en=found[7],
        to_site_id=row.to_site_id,
        to_site=found[8],
        to_site_en=found[9],
        stream=found[10],
        stream_en=found[11],
        material=found[12],
        waste_code=found[13],
        line=found[14],
        line_en=found[15],
        state=row.state,
        dispatched_at=row.dispatched_at,
        arrived_at=row.arrived_at,
        received_at=row.received_at,
    )


def readable(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on `shipments` under which an actor may see one."""
    if actor.may("shipment.read"):
        return true()
    own = [each for each in actor.organization_ids if actor.may("shipment.read", Belonging.to(each))]
    sites = _sites(actor)
    parks = [each for each in actor.park_ids if actor.may("shipment.read", Belonging.to_park(each))]
    overseen = and_(
        or_(*(column.in_(parks) for column in (Producer.park_id, From.park_id, Recycler.park_id, To.park_id))),
        Shipment.producer_id.not_in(actor.organization_ids),  # nobody judges in the own cause
        Shipment.recycler_id.not_in(actor.organization_ids),
    )
    return or_(
        Shipment.producer_id.in_(own),
        Shipment.recycler_id.in_(own),
        Shipment.from_site_id.in_(sites),
        Shipment.to_site_id.in_(sites),
        overseen if parks else false(),
    )


def shipments_index(session: Session, actor: Actor, wish: Wish, *, contract_id: int | None = None) -> Listed[Row]:
    """Return the shipments that an actor may see, the latest day first. Two SELECTs."""
    query = shipments().where(readable(actor))
    if contract_id is not None:
        query = query.where(Shipment.contract_id == contract_id)
    found = matches(wish.search, Shipment.plate, Shipment.record_no, Contract.number, WasteStream.name)
    listed = page_of(
        session,
        query if found is None else query.where(found),
        Wish(wish.search, wish.sort or "-day", wish.number),
        sorts={"day": Shipment.day, "kg": Shipment.out_kg},
        last=Shipment.id.desc(),
    )
    rows = tuple(read(each) for each in listed.rows)
    return Listed(rows, listed.number, listed.pages, listed.total, listed.sort, listed.search)


def weighing_page(session: Session, actor: Actor) -> WeighingPage:
    """Return what the actor's weighbridges expect. Two SELECTs, at most 200 rows each."""
    sites = _sites(actor)
    own = [each for each in actor.organization_ids if actor.may("shipment.weigh", Belonging.to(each))]

    def expected(site: Any, organization: Any, *conditions: ColumnElement[bool]) -> tuple[Row, ...]:
        rows = session.execute(
            shipments()
            .where(or_(site.in_(sites), organization.in_(own)), *conditions)
            .order_by(Shipment.day, Shipment.id)
            .limit(200)
        )
        return tuple(read(each) for each in rows)

    return WeighingPage(
        leaving=expected(
            Shipment.from_site_id, Shipment.producer_id,
            Shipment.dispatched_at.is_(None), Shipment.cancelled_at.is_(None),
        ),
        coming=expected(
            Shipment.to_site_id, Shipment.recycler_id,
            Shipment.dispatched_at.is_not(None), Shipment.received_at.is_(None), Shipment.rejected_at.is_(None),
        ),
    )  # fmt: skip


def shipment_page(session: Session, actor: Actor, shipment_id: int) -> ShipmentPage:
    """Return one shipment. Raises NotFound. Two SELECTs."""
    found = session.execute(
        shipments()
        .add_columns(
            Filing.filing_no, Producer.park_id, From.park_id.label("p2"), Recycler.park_id.label("p3"),
            To.park_id.label("p4"),
        )
        .outerjoin(Filing, Filing.id == Shipment.filing_id)
        .where(Shipment.id == shipment_id, readable(actor))
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound
    shipment, row = found[0], read(found)
    tickets = _tickets(session, shipment_id)
    return ShipmentPage(
        row=row,
        tickets=tickets,
        may=_may(actor, row, frozenset(park for park in found[17:21] if park is not None), tickets),
        side=row.side_of(actor),
        planned_at=shipment.planned_at,
        cancel_reason=shipment.cancel_reason,
        reject_reason=shipment.reject_reason,
        proposed_kg=shipment.proposed_kg,
        proposed_by=shipment.proposed_by,
        used_month=shipment.used_month,
        in_month=shipment.in_month,
        filing_no=found[16],
    )


def _may(actor: Actor, row: Row, parks: frozenset[int], tickets: dict[End, tuple[TicketRow, ...]]) -> May:
    out = Belonging(frozenset({row.producer_id}), frozenset({row.recycler_id}), parks, frozenset({row.from_site_id}))
    into = Belonging(frozenset({row.recycler_id}), frozenset({row.producer_id}), parks, frozenset({row.to_site_id}))
    can = STEPS[row.state]
    at = {"origin": out, "destination": into}
    weigh: End | None = None
    if "dispatched" in can and actor.may("shipment.weigh", out):
        weigh = "origin"
    elif "arrived" in can and row.state == "dispatched" and actor.may("shipment.weigh", into):
        weigh = "destination"
    under_way = row.state in ("dispatched", "arrived", "disputed")
    return May(
        cancel="cancelled" in can and actor.may("shipment.plan", out),
        weigh=weigh,
        correct=tuple(
            place for place in ENDS if under_way and tickets.get(place) and actor.may("shipment.weigh", at[place])
        ),
        receive=row.state == "arrived" and actor.may("shipment.receive", into),
        reject=row.state == "arrived" and actor.may("shipment.receive", into),
        agree=row.state == "disputed" and actor.may("shipment.agree", out),
        take_back=row.state == "rejected" and actor.may("shipment.weigh", out),
        use=row.state == "received" and actor.may("shipment.use", into),
    )


def _tickets(session: Session, shipment_id: int) -> dict[End, tuple[TicketRow, ...]]:
    rows = session.execute(
        select(Ticket, Person.display_name)
        .outerjoin(Person, Person.id == Ticket.captured_by)
        .where(Ticket.shipment_id == shipment_id)
        .order_by(Ticket.version.desc())
    ).all()
    return {
        place: tuple(
            TicketRow(
                version=ticket.version,
                number=ticket.number,
                scale=ticket.scale,
                gross_kg=ticket.gross_kg,
                tare_kg=ticket.tare_kg,
                gross_at=ticket.gross_at,
                tare_at=ticket.tare_at,
                marks=tuple(MARK_SENTENCES[mark] for mark in ticket.marks),
                reason=ticket.reason,
                captured_at=ticket.captured_at,
                captured_by=name or "",
            )
            for ticket, name in rows
            if ticket.place == place
        )
        for place in ENDS
    }


def _sites(actor: Actor) -> list[int]:
    """Return the sites whose weighbridge an actor operates."""
    held = (each.site_id for each in actor.appointments if each.role == "weigher")
    return [site_id for site_id in held if site_id is not None]
