"""What recyclers have of listings already, which a cap per buyer counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.persistence.rounds import Award


def held_by_buyers(session: Session, listing_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """
    Return the kilograms by listing and recycler organization that live awards and contracts hold. One SELECT.

    What was declined or lapsed holds nothing, nor does what a planning round recommends.
    """
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for listing_id, recycler_id, kg in session.execute(
        select(Award.listing_id, Award.recycler_id, func.sum(Award.kg))
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
