"""What recyclers have of listings already, which a cap per buyer and a share for small works count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award, AwardMonth, Contract


def held_by_buyers(session: Session, listing_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """
    Return the kilograms by listing and recycler organization that live awards and contracts hold. One SELECT.

    What was declined or lapsed holds nothing, nor does what a planning round recommends; of a contract counts what is in force.
    """
    found: dict[int, dict[int, int]] = defaultdict(dict)
    in_force = (
        select(func.coalesce(func.sum(AwardMonth.kg), 0))
        .where(AwardMonth.award_id == Award.id)
        .correlate(Award)
        .scalar_subquery()
    )
    kg_held = case((Contract.id.is_(None), Award.kg), else_=in_force)
    for listing_id, recycler_id, kg in session.execute(
        select(Award.listing_id, Award.recycler_id, func.sum(kg_held))
        .outerjoin(Contract, Contract.award_id == Award.id)
        .where(
            Award.listing_id.in_(listing_ids),
            Award.price_fen_per_t.is_not(None),
            Award.declined_at.is_(None),
            Award.lapsed_at.is_(None),
        )
        .group_by(Award.listing_id, Award.recycler_id)
        .order_by(Award.listing_id, Award.recycler_id)
    ):
        found[listing_id][recycler_id] = int(kg)
    return dict(found)


def left_for_others(session: Session, listing_ids: Collection[int]) -> dict[int, int]:
    """
    Return by listing the kilograms that organizations which are no small works may still get together. Three SELECTs.

    That is what the listing offers over its window, less the share that it keeps, less what live awards and contracts gave
    to such organizations. A share is rounded up to the whole kilogram. A listing without a share is not among the answer.
    """
    if not listing_ids:
        return {}
    kept = {
        listing_id: int(kg) * (100 - share) // 100
        for listing_id, share, kg in session.execute(
            select(Listing.id, Listing.small_works_share_percent, func.sum(ListingMonth.offered_kg))
            .join(ListingMonth, ListingMonth.listing_id == Listing.id)
            .where(Listing.id.in_(listing_ids), Listing.small_works_share_percent > 0)
            .group_by(Listing.id, Listing.small_works_share_percent)
        )
    }
    held = held_by_buyers(session, kept)
    buyers = {buyer_id for each in held.values() for buyer_id in each}
    small = set(session.scalars(select(Organization.id).where(Organization.id.in_(buyers), Organization.small_works)))
    return {
        listing_id: max(0, kg - sum(had for buyer_id, had in held.get(listing_id, {}).items() if buyer_id not in small))
        for listing_id, kg in kept.items()
    }
