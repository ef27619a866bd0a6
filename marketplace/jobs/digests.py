"""What is new in people's saved searches, told once a day."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from marketplace.jobs import work
from marketplace.queries.board import Card
from marketplace.queries.searches import Found, new_in_searches, people_to_tell
from marketplace.services.searches import NewListings, tell_of_new

log = logging.getLogger("marketplace.jobs")


def tell_searchers(session: Session, now: datetime) -> None:
    """Tell everybody whose digest is due; one that fails does not stop the others, and is tried again."""
    for person_id in people_to_tell(session, now=now):
        try:
            found = new_in_searches(session, person_id, now=now)
            tell_of_new(session, person_id, [_news(each) for each in found], now=now)
        except Exception:  # whatever is wrong with one, the others have their turn, and the log has the cause
            session.rollback()
            log.exception("the digest of person %s could not be written", person_id)


def _news(found: Found) -> NewListings:
    listings = tuple(_listing(card) for card in found.cards)
    return NewListings(found.search_id, found.told_until, found.asked, found.materials, found.count, listings)


def _listing(card: Card) -> dict[str, Any]:
    """Return a listing as values of a mail: what the board tells this person of it, and no more."""
    return {
        "id": card.id,
        "material": card.material,
        "place": card.place_code or card.prefecture_code,
        "first_month": str(card.first_month),
        "last_month": str(card.last_month),
        "kg_per_month": card.kg_per_month,
        "band": card.band[0],
        "distance_m": card.distance_m,
    }


work.DUE.append(tell_searchers)
