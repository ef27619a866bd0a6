"""Reads: the searches that a person keeps, and what is new in those whose digest is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.searches import MOST_SAVED, TOLD_MOST, Sought, digest_due
from marketplace.persistence.people import Person
from marketplace.persistence.searches import SavedSearch
from marketplace.queries.accounts import account
from marketplace.queries.board import Card, Search, board_page


@dataclass(frozen=True)
class Saved:
    """A search that is kept: the words that it was asked in, and until when its listings were told of."""

    id: int
    asked: Mapping[str, str]
    materials: tuple[str, ...]
    saved_at: datetime
    told_until: datetime


@dataclass(frozen=True)
class SearchesPage:
    """All searches of a person, the newest first."""

    rows: tuple[Saved, ...]
    most: int


@dataclass(frozen=True)
class Found:
    """What a search found since it was told of last: how many, and the newest as the person may see them."""

    search_id: int
    told_until: datetime
    asked: Mapping[str, str]
    materials: tuple[str, ...]
    count: int
    cards: tuple[Card, ...]


def searches_page(session: Session, actor: Actor) -> SearchesPage:
    """Return one's own searches. One SELECT."""
    actor.must("search.read")
    rows = session.execute(
        select(SavedSearch.id, SavedSearch.asked, SavedSearch.sought, SavedSearch.saved_at, SavedSearch.told_until)
        .where(SavedSearch.person_id == actor.person_id)
        .order_by(SavedSearch.id.desc())
    )
    return SearchesPage(
        tuple(
            Saved(row.id, row.asked, Sought.from_json(row.sought).materials, row.saved_at, row.told_until)
            for row in rows
        ),
        MOST_SAVED,
    )


def people_to_tell(session: Session, *, now: datetime) -> list[int]:
    """Return who has a digest coming, in the order in which they wait. One SELECT."""
    waiting = (
        select(SavedSearch.person_id)
        .join(Person, SavedSearch.person_id == Person.id)
        .where(SavedSearch.told_until < digest_due(now), Person.blocked_at.is_(None))
        .group_by(SavedSearch.person_id)
        .order_by(func.min(SavedSearch.told_until), SavedSearch.person_id)
    )
    return list(session.scalars(waiting))


def new_in_searches(session: Session, person_id: int, *, now: datetime) -> list[Found]:
    """
    Return what each due search of a person found that was published since, with the eyes of that person.

    The own listings are left out. Five SELECTs for each search.
    """
    actor = account(session, session.get_one(Person, person_id)).actor
    rows = session.execute(
        select(SavedSearch.id, SavedSearch.asked, SavedSearch.sought, SavedSearch.told_until)
        .where(SavedSearch.person_id == person_id, SavedSearch.told_until < digest_due(now))
        .order_by(SavedSearch.id)
    ).all()
    found = []
    for row in rows:
        sought = Sought.from_json(row.sought)
        search = Search.of(sought, since=row.told_until, but_own=True)
        page = board_page(session, actor, search, now=now)
        found.append(Found(row.id, row.told_until, row.asked, sought.materials, page.total, page.rows[:TOLD_MOST]))
    return found
