"""What bidders are told of a sale by mail: that they were outbid, and that they lost."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.ascending import would_get
from marketplace.persistence.listings import Bid, Listing, offers, valid
from marketplace.persistence.rounds import Award
from marketplace.persistence.streams import WasteStream
from marketplace.services import outbox
from marketplace.services.addressees import addressees


def tell_the_outbid(session: Session, listing: Listing, new: Bid, replaced: Bid | None, *, now: datetime) -> None:
    """
    Tell whose bids would get all that they ask for until a new one came, and now get less, in the caller's transaction.

    ``replaced`` is the bid of the same line that stood until then.

    A bid that stands only ever gets less, so that each is told of once, until its bidder bids again.
    """
    bids = session.scalars(
        select(Bid).where(Bid.listing_id == listing.id, valid()).execution_options(populate_existing=True)
    ).all()
    others = [bid for bid in bids if bid.id != new.id]
    before = would_get(offers([*others, replaced] if replaced is not None else others), listing.kg_per_month)
    after = would_get(offers(bids), listing.kg_per_month)
    outbid = [
        bid
        for bid in others
        if bid.organization_id != new.organization_id and after[bid.id] < before[bid.id] == bid.terms.kg_per_month
    ]
    for bid in outbid:
        about = {
            "listing_id": listing.id,
            "material": _material(session, listing),
            "asked_kg": bid.terms.kg_per_month,
            "gets_kg": after[bid.id],
        }
        _post(session, "outbid", [bid.organization_id], about, now)


def tell_losers(session: Session, listing: Listing, reason: str, *, now: datetime) -> None:
    """Tell the bidders of a sale that was ended without an award to them, with the producer's words if there are any."""
    won = set(
        session.scalars(select(Award.recycler_id).where(Award.listing_id == listing.id, Award.bid_id.is_not(None)))
    )
    lost = session.scalars(select(Bid.organization_id).where(Bid.listing_id == listing.id, valid())).all()
    about = {"listing_id": listing.id, "material": _material(session, listing), "reason": reason}
    _post(session, "bids_lost", set(lost) - won, about, now)


def _material(session: Session, listing: Listing) -> str:
    return session.get_one(WasteStream, listing.stream_id).material


def _post(session: Session, kind: str, to: Collection[int], about: dict[str, object], now: datetime) -> None:
    told = addressees(session, to, "clerk", "signatory")
    outbox.post_each(session, kind, ((email, language, about) for _, email, language in told), now=now)
