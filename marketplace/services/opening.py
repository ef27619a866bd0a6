"""Writes: the sealed bids of a listing are opened once their deadline has passed, all of them or none."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM, Actor
from marketplace.domain.errors import Conflict, MarketplaceError
from marketplace.domain.sealing import Sealer, Unsealable, digest_of
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.listings import Bid, Listing
from marketplace.services.bidding import held_sale, too_early
from marketplace.services.seals import unsealed


def open_bids(session: Session, actor: Actor, listing_id: int, *, sealer: Sealer, now: datetime) -> None:
    """
    Open every bid that stands on a listing, in one transaction; opened before, nothing changes.

    One that was tampered with becomes invalid and says so; the others are opened all the same. The listing's row is held
    meanwhile, so that of many who open at once one does, and no bid comes in between. Raises NotFound, NotAllowed;
    Conflict before the deadline, for a withdrawn listing, or if the key is not there, and then nothing is opened.
    """
    with transaction(session):
        sale = held_sale(session, actor, "listing.open", listing_id)
        listing = sale.listing
        if not _is_due(listing, now):
            return
        bids = session.scalars(
            select(Bid)
            .where(Bid.listing_id == listing_id, Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None))
            .order_by(Bid.id)
            .execution_options(populate_existing=True)
        ).all()
        for bid in bids:
            _open(bid, sealer, now)
        listing.bids_opened_at = now
        record(
            session,
            actor,
            "listing.open",
            "listing",
            listing_id,
            now=now,
            organization_id=sale.producer_id,
            park_id=sale.park_id,
            opened=sum(not bid.invalid_because for bid in bids),
            invalid=sum(bool(bid.invalid_because) for bid in bids),
            receipts_sha256=digest_of(bid.receipt for bid in bids if bid.receipt),
        )


def open_due(session: Session, now: datetime, *, sealer: Sealer) -> None:
    """
    Open the bids of every listing whose deadline has passed.

    One that cannot be opened does not stop the others; the first refusal is raised when all have had their turn.
    """
    due = session.scalars(
        select(Listing.id)
        .where(
            Listing.bids_close_at <= now,
            Listing.bids_opened_at.is_(None),
            Listing.bids_decided_at.is_(None),
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
        )
        .order_by(Listing.id)
    ).all()
    refused: list[MarketplaceError] = []
    for listing_id in due:
        try:
            open_bids(session, SYSTEM, listing_id, sealer=sealer, now=now)
        except MarketplaceError as refusal:
            refused.append(refusal)
    if refused:
        raise refused[0]


def _is_due(listing: Listing, now: datetime) -> bool:
    """Return whether there is something to open. Raises Conflict if there is and it may not be."""
    if listing.withdrawn_at is not None or listing.published_at is None:
        raise Conflict("This listing has been withdrawn.")
    match listing.bidding(now):
        case "none":
            raise Conflict("This listing takes no bids: it waits for a matching round.")
        case "open":
            raise too_early(listing)
        case "to_open":
            return True
        case _:
            return False


def _open(bid: Bid, sealer: Sealer, now: datetime) -> None:
    if bid.opened_at is not None:
        return  # never sealed: it was received before there were seals
    bid.opened_at = now
    try:
        terms = unsealed(sealer, bid)
    except Unsealable as found:
        bid.invalid_because = found.code
        return
    for name, value in asdict(terms).items():
        setattr(bid, name, value)
