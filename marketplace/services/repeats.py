"""What posting a listing does that repeats a deal: it is noted, and its recycler is told once it is on the board."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.errors import NotFound
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.repeats import Repeat
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.streams import WasteStream
from marketplace.services import outbox
from marketplace.services.addressees import addressees


def note_repeat(session: Session, listing: Listing, contract_id: int, producer_id: int) -> None:
    """
    Note which contract a new listing repeats, in the caller's transaction.

    Raises NotFound unless it is the producer's own, of the same waste stream.
    """
    stream_id = session.scalar(
        select(Listing.stream_id)
        .join(Award, Award.listing_id == Listing.id)
        .join(Contract, Contract.award_id == Award.id)
        .where(Contract.id == contract_id, Contract.producer_id == producer_id)
    )
    if stream_id is None or stream_id != listing.stream_id:
        raise NotFound
    session.add(Repeat(listing_id=listing.id, contract_id=contract_id))


def tell_of_repeat(session: Session, listing: Listing, *, now: datetime) -> None:
    """Tell the recycler of the contract that a listing repeats, if it does, in the transaction that publishes it."""
    row = session.execute(
        select(Contract.recycler_id, Contract.number, Organization.name_zh, Organization.name_en)
        .join(Repeat, Repeat.contract_id == Contract.id)
        .join(Organization, Organization.id == Contract.producer_id)
        .where(Repeat.listing_id == listing.id)
    ).one_or_none()
    if row is None:
        return
    about = {
        "listing_id": listing.id,
        "number": row.number,
        "other_zh": row.name_zh,
        "other_en": row.name_en,
        "material": session.get_one(WasteStream, listing.stream_id).material,
        "kg_per_month": listing.kg_per_month,
        "price_fen_per_t": listing.asking_fen_per_t,
    }
    told = addressees(session, [row.recycler_id], "clerk", "signatory")
    outbox.post_each(session, "again", ((email, language, about) for _, email, language in told), now=now)
