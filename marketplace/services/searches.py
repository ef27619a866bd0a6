"""Writes: searches of the board that a person keeps, and the daily word of what is new in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotFound
from marketplace.domain.searches import Sought, must_have_room
from marketplace.persistence.database import transaction
from marketplace.persistence.people import Person
from marketplace.persistence.searches import SavedSearch
from marketplace.services import outbox


@dataclass(frozen=True)
class NewListings:
    """What is new in one search: how many listings, and the newest of them as mail values."""

    search_id: int
    told_until: datetime
    asked: Mapping[str, str]
    materials: tuple[str, ...]
    count: int
    listings: tuple[Mapping[str, Any], ...]


def save_search(session: Session, actor: Actor, sought: Sought, asked: Mapping[str, str], *, now: datetime) -> bool:
    """
    Keep a search; return whether it is new. The same search again stays as it is, so that nothing is told of twice.

    ``asked`` are the words of the form. Raises Conflict if one keeps too many.
    """
    actor.must("search.manage")
    with transaction(session):
        # two windows of one person, one after the other: the count holds, and a double click finds the first
        session.execute(select(Person.id).where(Person.id == actor.person_id).with_for_update())
        mine = SavedSearch.person_id == actor.person_id
        if session.scalar(select(SavedSearch.id).where(mine, SavedSearch.sought_sha256 == sought.sha256)):
            return False
        must_have_room(session.scalar(select(func.count(SavedSearch.id)).where(mine)) or 0)
        session.add(
            SavedSearch(
                person_id=actor.person_id,
                asked=dict(asked),
                sought=sought.to_json(),
                sought_sha256=sought.sha256,
                saved_at=now,
                told_until=now,
            )
        )
    return True


def remove_search(session: Session, actor: Actor, search_id: int) -> None:
    """Keep a search no longer. Raises NotFound if it is not there or not one's own."""
    actor.must("search.manage")
    with transaction(session):
        gone = session.execute(
            delete(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.person_id == actor.person_id)
        )
        if cast("CursorResult[Any]", gone).rowcount != 1:
            raise NotFound


def tell_of_new(session: Session, person_id: int, found: Sequence[NewListings], *, now: datetime) -> bool:
    """
    Tell a person what is new in the searches, in one mail; return whether there was something to tell.

    Of two workers that found the same, one tells: a search that was told of meanwhile is left out.
    """
    with transaction(session):
        person = session.execute(select(Person.email, Person.language).where(Person.id == person_id)).one()
        mine = [each for each in found if _takes(session, each, now)]
        told = [
            {
                "asked": dict(each.asked),
                "materials": list(each.materials),
                "count": each.count,
                "listings": [dict(row) for row in each.listings],
            }
            for each in mine
            if each.count
        ]
        if told:
            values = {"searches": told, "count": sum(each.count for each in mine)}
            outbox.post(session, "found", person.email, person.language, values, now=now)
    return bool(told)


def _takes(session: Session, each: NewListings, now: datetime) -> bool:
    """Move on what was told of, if nobody else has."""
    moved = session.execute(
        update(SavedSearch)
        .where(SavedSearch.id == each.search_id, SavedSearch.told_until == each.told_until)
        .values(told_until=max(now, each.told_until))
    )
    return cast("CursorResult[Any]", moved).rowcount == 1
