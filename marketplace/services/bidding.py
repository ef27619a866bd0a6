"""What bids, questions and awards ask alike of a listing: it is held, whose it is, it stands on the board, its bidding is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.fit import Fit
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream


def held_listing(session: Session, listing_id: int) -> Listing:
    """Return a listing, held until the transaction ends: what is sent to it comes one after the other. Raises NotFound."""
    listing = session.scalar(
        select(Listing).where(Listing.id == listing_id).with_for_update().execution_options(populate_existing=True)
    )
    if listing is None:
        raise NotFound
    return listing


@dataclass(frozen=True)
class Sale:
    """A listing that is held until the transaction ends, and whose it is."""

    listing: Listing
    producer_id: int
    park_id: int


def held_sale(session: Session, actor: Actor, action: str, listing_id: int) -> Sale:
    """Return a listing, held until the transaction ends, on which the actor may do this. Raises NotFound, NotAllowed."""
    listing = held_listing(session, listing_id)
    producer_id, park_id, site_park_id = producer_of(session, listing)
    actor.must(action, Belonging.to(producer_id, park_id, site_park_id))
    return Sale(listing, producer_id, park_id)


def producer_of(session: Session, listing: Listing) -> tuple[int, int, int | None]:
    """Return whose a listing is, the park of that organization, and the park in which the waste arises."""
    row = session.execute(
        select(Organization.id, Organization.park_id, Site.park_id)
        .join(Site, Site.organization_id == Organization.id)
        .join(WasteStream, WasteStream.site_id == Site.id)
        .where(WasteStream.id == listing.stream_id)
    ).one()
    return row[0], row[1], row[2]


def must_be_public(listing: Listing, now: datetime) -> None:
    """Raise NotFound for a listing that does not stand on the board."""
    if listing.published_at is None or listing.withdrawn_at is not None:
        raise NotFound
    if listing.expires_at is not None and listing.expires_at <= now:
        raise NotFound


def must_be_open(listing: Listing, now: datetime) -> None:
    """Raise Conflict for a listing that takes no bids, or none any more."""
    match listing.bidding(now):
        case "open":
            return
        case "none" if listing.fixed_price is not None:
            raise Conflict("This listing takes no bids: it is sold at a fixed price, of which you hold some.")
        case "none":
            raise Conflict("This listing takes no bids: it waits for a matching round.")
        case _:
            raise Conflict(
                "Bidding ended at %(bids_close_at)s by the clock of the server. What comes later does not count.",
                bids_close_at=listing.bids_close_at.isoformat() if listing.bids_close_at else None,
            )


def too_early(listing: Listing) -> Conflict:
    """Return why nothing is opened or awarded while bids are taken."""
    at = listing.bids_close_at.isoformat() if listing.bids_close_at else None
    if listing.ascending is not None:
        return Conflict("Bids are taken until %(bids_close_at)s: before that nothing is awarded.", bids_close_at=at)
    return Conflict(
        "Bids are sealed until %(bids_close_at)s: before that nobody reads or awards them.", bids_close_at=at
    )


def owned_line(session: Session, line_id: int) -> tuple[IntakeLine, int, int]:
    """Return an intake line, its organization and the park of that. Raises NotFound."""
    row = session.execute(
        select(IntakeLine, Organization.id, Organization.park_id)
        .join(Site, IntakeLine.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(IntakeLine.id == line_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1], row[2]


def must_be_within(listing: Listing, line: IntakeLine, kg_per_month: int, fit: Fit) -> None:
    """Raise Invalid for more a month than is offered, than the line or one buyer may take, or less than the least lot."""
    if kg_per_month > listing.kg_per_month:
        raise Invalid(
            "At most %(most_kg)s t per month are offered.", field="kg_per_month", most_kg=listing.kg_per_month
        )
    if kg_per_month > line.capacity_kg_per_month:
        raise Invalid(
            "This line takes at most %(most_kg)s t per month.",
            field="kg_per_month",
            most_kg=line.capacity_kg_per_month,
        )
    months = len(fit.months) or 1
    if kg_per_month * months < listing.least_lot_kg:
        raise Invalid(
            "Over %(months)s months that is %(bid_kg)s t; the producer gives no less than %(least_kg)s t to one"
            " recycler.",
            field="kg_per_month",
            months=months,
            bid_kg=kg_per_month * months,
            least_kg=listing.least_lot_kg,
        )
    if listing.cap_per_buyer_kg is not None and kg_per_month > listing.cap_per_buyer_kg:
        raise Invalid(
            "One buyer gets at most %(cap_kg)s t of this listing.",
            field="kg_per_month",
            cap_kg=listing.cap_per_buyer_kg,
        )
