"""
Reads: tables 2 and 3 of the ledger of industrial solid waste, as the guide lays them out.

Source: MEE announcement 82 of 2021, tables 2 (flows of a month) and 3 (each batch that leaves the plant). The columns are taken
from an account of the guide, not from its text: a province may ask for others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.places import province_of
from marketplace.domain.quantities import Month
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.people import Person
from marketplace.persistence.shipments import Shipment, Ticket
from marketplace.persistence.streams import WasteStream
from marketplace.queries.ledger import StreamYear, ledger_index

To, Recycler = aliased(Site), aliased(Organization)


@dataclass(frozen=True)
class Left:
    """A row of table 3: one vehicle that left the plant."""

    shipment_id: int
    record_no: str
    waste_code: str
    stream: str
    stream_en: str
    at: datetime
    kg: int
    handler: str
    carrier: str
    plate: str
    driver: str
    driver_phone: str
    mode: str
    receiver_zh: str
    receiver_en: str
    flow: Literal["within", "across"]


@dataclass(frozen=True)
class Use:
    """What one recycler used of a stream in a month, of what was sent to it."""

    recycler_id: int
    name_zh: str
    name_en: str
    kg: int


@dataclass(frozen=True)
class Flow:
    """
    A row of table 2: a stream over a month, in kilograms.

    ``used_by_others`` is what receivers confirmed, ``own_use_kg`` the rest of what was utilized; ``stored_kg`` holds what was sent
    and is not used yet; ``stock_kg`` lies there, or is on its way or at its receiver, at the end.
    """

    stream_id: int
    waste_code: str
    stream: str
    stream_en: str
    site: str
    site_en: str
    stated: bool
    generated_kg: int
    stored_kg: int
    own_use_kg: int
    used_by_others: tuple[Use, ...]
    disposed_kg: int
    discarded_kg: int
    stock_kg: int


@dataclass(frozen=True)
class TablesPage:
    """Tables 2 and 3 of an organization over one month."""

    organization_id: int
    name_zh: str
    name_en: str
    credit_code: str
    month: Month
    flows: tuple[Flow, ...]
    left: tuple[Left, ...]

    @property
    def left_kg(self) -> int:
        """The kilograms of all vehicles."""
        return sum(row.kg for row in self.left)


def tables_page(
    session: Session, actor: Actor, *, organization_id: int | None, month: Month, now: datetime
) -> TablesPage:
    """Return both tables of an organization, by default the first that the actor acts for. Raises NotFound."""
    index = ledger_index(session, actor, organization_id=organization_id, year=month.year, now=now)
    organization = session.get(Organization, index.organization_id)
    if organization is None:
        raise NotFound
    actor.must("ledger.read", Belonging.to(organization.id, organization.park_id))
    uses = _uses(session, organization.id, month)
    return TablesPage(
        organization_id=organization.id,
        name_zh=organization.name_zh,
        name_en=organization.name_en,
        credit_code=organization.credit_code,
        month=month,
        flows=tuple(
            _flow(stream, month, uses.get(stream.stream_id, ()))
            for stream in index.streams
            if stream.legal_status == "solid_waste"
        ),
        left=_left(session, organization.id, month),
    )


def _flow(stream: StreamYear, month: Month, uses: tuple[Use, ...]) -> Flow:
    row = stream.months[month.number - 1]
    figures = row.figures
    return Flow(
        stream_id=stream.stream_id,
        waste_code=stream.waste_code,
        stream=stream.name_zh,
        stream_en=stream.name_en,
        site=stream.site_zh,
        site_en=stream.site_en,
        stated=row.state == "stated",
        generated_kg=figures.generated_kg,
        stored_kg=figures.stored_kg,
        own_use_kg=figures.utilized_kg - sum(use.kg for use in uses),
        used_by_others=uses,
        disposed_kg=figures.disposed_kg,
        discarded_kg=figures.discarded_kg,
        stock_kg=row.end_kg,
    )


def _uses(session: Session, organization_id: int, month: Month) -> dict[int, tuple[Use, ...]]:
    rows = session.execute(
        select(
            Shipment.stream_id, Recycler.id, Recycler.name_zh, Recycler.name_en,
            func.sum(Shipment.counted_kg).label("kg"),
        )
        .join(Recycler, Recycler.id == Shipment.recycler_id)
        .where(Shipment.producer_id == organization_id, Shipment.used_month == month)
        .group_by(Shipment.stream_id, Recycler.id, Recycler.name_zh, Recycler.name_en)
        .order_by(Shipment.stream_id, Recycler.id)
    )  # fmt: skip
    found: dict[int, tuple[Use, ...]] = {}
    for row in rows:
        found[row.stream_id] = (
            *found.get(row.stream_id, ()),
            Use(row.id, row.name_zh, row.name_en, int(row.kg)),
        )
    return found


def _left(session: Session, organization_id: int, month: Month) -> tuple[Left, ...]:
    later = aliased(Ticket)
    last = (
        select(func.max(later.version))
        .where(later.shipment_id == Shipment.id, later.place == "origin")
        .correlate(Shipment)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Shipment, Ticket, WasteStream.waste_code, WasteStream.name, WasteStream.name_en, Recycler.name_zh,
            Recycler.name_en, Site.division_code, To.division_code, func.coalesce(Person.display_name, ""),
        )
        .select_from(Shipment)
        .join(Ticket, (Ticket.shipment_id == Shipment.id) & (Ticket.place == "origin") & (Ticket.version == last))
        .join(WasteStream, WasteStream.id == Shipment.stream_id)
        .join(Recycler, Recycler.id == Shipment.recycler_id)
        .join(Site, Site.id == Shipment.from_site_id)
        .join(To, To.id == Shipment.to_site_id)
        .outerjoin(Person, Person.id == Ticket.captured_by)
        .where(
            Shipment.producer_id == organization_id, Shipment.out_month == month, Shipment.returned_at.is_(None)
        )
        .order_by(Shipment.record_no, Shipment.id)
    )  # fmt: skip
    return tuple(
        Left(
            shipment_id=row.id,
            record_no=row.record_no or "",
            waste_code=code,
            stream=stream,
            stream_en=stream_en,
            at=max(ticket.gross_at, ticket.tare_at),
            kg=row.counted_kg if row.counted_kg is not None else row.out_kg or 0,
            handler=handler,
            carrier=row.carrier,
            plate=row.plate,
            driver=row.driver,
            driver_phone=row.driver_phone,
            mode=row.mode,
            receiver_zh=name_zh,
            receiver_en=name_en,
            flow="within" if province_of(here) == province_of(there) else "across",
        )
        for row, ticket, code, stream, stream_en, name_zh, name_en, here, there, handler in rows
    )
