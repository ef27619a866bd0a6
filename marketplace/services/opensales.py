"""What the use case of a bid does in an open sale: it betters what stands, lies in plain sight, and moves a near end."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.ascending import Ascending, Offer, must_better
from marketplace.domain.bids import Terms
from marketplace.persistence.listings import Bid, Listing, offers, valid


def must_better_what_stands(
    session: Session, listing: Listing, rules: Ascending, own: Bid | None, terms: Terms
) -> None:
    """Raise Conflict unless a bid betters the line's own, and would get something. The listing is held by the caller."""
    others = session.scalars(
        select(Bid).where(Bid.listing_id == listing.id, valid()).execution_options(populate_existing=True)
    ).all()
    ranked = offers(bid for bid in others if own is None or bid.id != own.id)
    new = Offer(0, terms.outcome.net_fen_per_t, terms.kg_per_month)
    must_better(
        offers([own])[0] if own is not None else None, ranked, new, offered_kg=listing.kg_per_month, rules=rules
    )


def in_plain_sight(terms: Terms, *, received_at: datetime, **columns: Any) -> Bid:
    """Return a bid that is open from the beginning; it is not yet added to a session."""
    return Bid(opened_at=received_at, received_at=received_at, **asdict(terms), **columns)


def move_end(listing: Listing, rules: Ascending, received_at: datetime) -> bool:
    """Leave time to answer a bid that was just received; return whether the end moved. The rules stay what they are."""
    planned, closes_at = listing.stated_close_at, listing.bids_close_at
    if planned is None or closes_at is None:
        raise ValueError("an open sale has a deadline")
    moved = rules.closing(closes_at, planned, received_at)
    if moved == closes_at:
        return False
    listing.planned_close_at, listing.bids_close_at = planned, moved
    return True
