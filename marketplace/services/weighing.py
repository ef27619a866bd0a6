"""Tickets of scales: kept once however often they are sent, and no number twice on one day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.places import Point
from marketplace.domain.tickets import End, NewTicket, Weighed, marks
from marketplace.persistence.organizations import Site
from marketplace.persistence.shipments import Shipment, Ticket
from marketplace.services.carried import day_at

LOOKED_BACK = timedelta(days=90)
"""How far back the plate's other weighings are looked at."""

MOST_LOOKED_AT = 20


def ticket_sent_before(session: Session, shipment_id: int, place: End, new: NewTicket) -> Ticket | None:
    """
    Return the ticket that the same request brought before, if it did.

    Raises Conflict if the request's key stands with another ticket or other figures.
    """
    found = session.scalar(select(Ticket).where(Ticket.key == new.key))
    if found is None:
        return None
    same = (found.shipment_id, found.place, found.number, found.gross_kg, found.tare_kg)
    if same != (shipment_id, place, new.number, new.gross_kg, new.tare_kg):
        raise Conflict("This page has sent another ticket already. Load it again.")
    return found


def standing_ticket(session: Session, shipment_id: int, place: End) -> Ticket | None:
    """Return the last version of a shipment's ticket at one end."""
    return session.scalar(
        select(Ticket)
        .where(Ticket.shipment_id == shipment_id, Ticket.place == place)
        .order_by(Ticket.version.desc())
        .limit(1)
    )


def keep_ticket(
    session: Session,
    row: Shipment,
    place: End,
    site: Site,
    new: NewTicket,
    *,
    by: int | None,
    now: datetime,
    version: int = 1,
) -> Ticket:
    """
    Keep a ticket with what makes one look twice at it; the site is held, so that of two with one number one is refused.

    Raises Conflict if the number is another shipment's that day, Invalid for a weighing at the destination before the
    vehicle left.
    """
    day = day_at(new.at)
    twin = session.scalar(
        select(Ticket.shipment_id).where(
            Ticket.site_id == site.id, Ticket.scale == new.scale, Ticket.day == day, Ticket.number == new.number
        )
    )
    if twin is not None and (twin != row.id or version == 1):
        raise Conflict("Ticket %(ticket_no)s of this scale and day belongs to another shipment.", ticket_no=new.number)
    if place == "destination":
        out = standing_ticket(session, row.id, "origin")
        if out is not None and new.gross_at < max(out.gross_at, out.tare_at):
            raise Invalid(
                "The loaded vehicle was weighed here before it left the plant. Is the time right?", field="gross_at"
            )
    ticket = Ticket(
        shipment_id=row.id,
        place=place,
        version=version,
        site_id=site.id,
        scale=new.scale,
        number=new.number,
        day=day,
        gross_kg=new.gross_kg,
        tare_kg=new.tare_kg,
        gross_at=new.gross_at,
        tare_at=new.tare_at,
        marks=list(marks(new, Point(site.lat_udeg, site.lon_udeg), _before(session, row, new))),
        reason=new.reason.strip(),
        key=new.key,
        captured_at=now,
        captured_by=by,
    )
    session.add(ticket)
    session.flush()
    return ticket


def _before(session: Session, row: Shipment, new: NewTicket) -> list[Weighed]:
    """Return the plate's last weighings, newest first, but for earlier versions of this very ticket."""
    rows = session.execute(
        select(Ticket.gross_at, Ticket.tare_at, Ticket.tare_kg, Site.lat_udeg, Site.lon_udeg)
        .join(Shipment, Shipment.id == Ticket.shipment_id)
        .join(Site, Site.id == Ticket.site_id)
        .where(
            Shipment.plate == row.plate,
            Ticket.captured_at >= new.at - LOOKED_BACK,
            ~((Ticket.shipment_id == row.id) & (Ticket.number == new.number)),
        )
        .order_by(Ticket.id.desc())
        .limit(MOST_LOOKED_AT)
    )
    return [
        Weighed(max(each.gross_at, each.tare_at), Point(each.lat_udeg, each.lon_udeg), each.tare_kg) for each in rows
    ]
