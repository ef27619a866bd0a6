"""What bids, questions and awards ask alike of a listing: it is held, whose it is, it stands on the board, its bidding is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, NotFound
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
    producer_id, park_id, site_park_id = session.execute(
        select(Organization.id, Organization.park_id, Site.park_id)
        .join(Site, Site.organization_id == Organization.id)
        .join(WasteStream, WasteStream.site_id == Site.id)
        .where(WasteStream.id == listing.stream_id)
    ).one()
    actor.must(action, Belonging.to(producer_id, park_id, site_park_id))
    return Sale(listing, producer_id, park_id)


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
