"""Reads: with what the form begins that lists the goods of a contract again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.listings import NewListing, month_at
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award, AwardMonth, Contract


def deal_again(session: Session, actor: Actor, contract_id: int, stream_id: int, *, now: datetime) -> NewListing:
    """
    Return a listing that would offer the goods of a contract again: at its price, for as many months, after its last.

    It is what the form begins with. Raises NotFound unless the contract is of this stream and its producer's own to list.
    Two SELECTs.
    """
    row = session.execute(
        select(Award, Listing, Contract.producer_id, Organization.park_id)
        .join(Contract, Contract.award_id == Award.id)
        .join(Listing, Award.listing_id == Listing.id)
        .join(Organization, Organization.id == Contract.producer_id)
        .where(Contract.id == contract_id, Listing.stream_id == stream_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    award, listing, producer_id, park_id = row
    actor.must("listing.draft", Belonging.to(producer_id, park_id))
    months = session.execute(
        select(AwardMonth.month, AwardMonth.kg).where(AwardMonth.award_id == award.id).order_by(AwardMonth.month)
    ).all()
    last, kg = max((each.month for each in months), default=None), max((each.kg for each in months), default=0)
    first = month_at(now).plus(1)
    if last is not None and last.plus(1) > first:
        first = last.plus(1)
    return NewListing(
        first_month=first,
        last_month=first.plus(max(len(months), 1) - 1),
        kg_per_month=kg or listing.kg_per_month,
        asking_fen_per_t=(award.price_fen_per_t or 0) + award.deduction_fen_per_t,
        least_lot_kg=0,
        disclosure=listing.disclosure,
        loading_mode=listing.loading_mode,
        loading_hours=listing.loading_hours,
        note=listing.note,
        sale_kind="fixed",
    )
