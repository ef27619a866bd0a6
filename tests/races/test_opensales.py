"""Eight at once bid on an open sale, near its end: each betters what stands, or is refused, and the end moves for each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import NewBid
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid, Listing
from marketplace.services.salerules import state_rules
from tests.factories import NOON, SEALER, Make
from tests.races.acts import bid_or_open
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, asked, at_once

pytestmark = pytest.mark.races

CLOSES = NOON + timedelta(days=14)
NEAR = CLOSES - timedelta(minutes=1)
KG = 5_000_000

Wanted = tuple[Actor, NewBid, Any, datetime]


def _bidders(url: str) -> list[Wanted]:
    """Make an open sale, and return eight who each want all of it at the same price."""
    engine = connect(url)
    wanted: list[Wanted] = []
    with sessions_of(engine)() as session:
        make = Make(session)
        producer = make.organization(recycles=False)
        stream = make.stream(make.site(producer), values={"moisture": "0.4"})
        listing = make.listing(stream, sale_kind="ascending", kg_per_month=KG)
        with transaction(session):
            state_rules(session, listing, now=NOON)
        for _ in range(AT_ONCE):
            recycler = make.organization(produces=False)
            line = make.line(make.site(recycler), capacity_kg_per_month=KG)
            new = NewBid(listing_id=listing.id, line_id=line.id, price_fen_per_t=1200, kg_per_month=KG)
            wanted.append((make.signatory(recycler), new, SEALER, NEAR))
    engine.dispose()
    return wanted


def _prices(session: Session) -> list[int | None]:
    return list(session.scalars(select(Bid.price_fen_per_t).order_by(Bid.id)))


def _end(session: Session) -> datetime | None:
    return session.scalar(select(Listing.bids_close_at))


def _breaches(session: Session) -> list[str]:
    return [f"{breach.invariant.code}: {breach.places}" for breach in broken(session)]


def test_of_eight_who_bid_the_same_at_once_one_is_taken(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(bid_or_open, url, _bidders(url))

    assert sorted(each.how for each in met) == ["done"] + ["refused"] * (AT_ONCE - 1), met
    assert all("Better bids take all" in each.said for each in met if each.how == "refused"), met
    assert asked(url, _prices) == [1200]
    assert asked(url, _end) == CLOSES + timedelta(minutes=4)
    assert asked(url, _breaches) == []


def test_without_the_hold_of_the_listing_several_are_taken(new_database: NewDatabase) -> None:
    url = new_database()

    at_once(bid_or_open, url, _bidders(url), without=frozenset({"sale"}))

    assert len(asked(url, _prices)) > 1
