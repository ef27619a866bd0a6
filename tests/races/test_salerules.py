"""Seven bid while the goods are changed: none stands on goods that are others now; with the lock off some do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import NewBid
from marketplace.domain.listings import NewListing
from marketplace.domain.quantities import Month
from marketplace.domain.sealing import Sealer
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.salerules import StatedRules
from marketplace.services.salerules import state_rules
from tests.factories import NOON, SEALER, Make
from tests.races.acts import change_or_bid
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, at_once

pytestmark = pytest.mark.races

AT = NOON + timedelta(hours=1)
TERMS = NewListing(
    first_month=Month(2027, 2),
    last_month=Month(2027, 4),
    kg_per_month=5_000_000,
    asking_fen_per_t=1000,
    reserve_fen_per_t=500,
    bids_close_at=NOON + timedelta(days=14),
)

Wanted = tuple[Actor, NewBid | tuple[int, NewListing], Sealer, datetime]


def _sale(url: str) -> list[Wanted]:
    """A published sale; one changes its goods, and seven recyclers bid at the same instant."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        producer = make.organization(recycles=False)
        listing = make.listing(make.stream(make.site(producer), values={"moisture": "0.4"}))
        with transaction(session):
            state_rules(session, session.get_one(Listing, listing.id), now=NOON)
        less = replace(TERMS, kg_per_month=4_000_000)
        wanted: list[Wanted] = [(make.signatory(producer), (listing.id, less), SEALER, AT)]
        for _ in range(AT_ONCE - 1):
            recycler = make.organization(produces=False)
            bid = NewBid(
                listing_id=listing.id,
                line_id=make.line(make.site(recycler)).id,
                price_fen_per_t=1200,
                kg_per_month=3_000_000,
            )
            wanted.append((make.signatory(recycler), bid, SEALER, AT))
    engine.dispose()
    return wanted


def _found(session: Session) -> tuple[int, int, list[str]]:
    """How many bids stand on the newest rules, how many on older ones, and what does not hold."""
    newest = session.scalars(select(StatedRules.sha256).order_by(StatedRules.version.desc())).first()
    stands = Bid.withdrawn_at.is_(None)
    count = select(func.count(Bid.id))
    return (
        session.scalar(count.where(stands, Bid.rules_sha256 == newest)) or 0,
        session.scalar(count.where(stands, Bid.rules_sha256 != newest)) or 0,
        [breach.invariant.code for breach in broken(session)],
    )


def _look(url: str) -> tuple[int, int, list[str]]:
    engine = connect(url)
    with sessions_of(engine)() as session:
        found = _found(session)
    engine.dispose()
    return found


def test_no_bid_stands_on_goods_that_were_changed(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(change_or_bid, url, _sale(url))

    assert [each for each in met if each.how == "failed"] == []
    assert all("changed since you opened" in each.said for each in met if each.how == "refused"), met
    _, on_older_rules, breaches = _look(url)
    assert (on_older_rules, breaches) == (0, [])


def test_without_the_lock_bids_stand_on_what_is_not_sold_any_more(new_database: NewDatabase) -> None:
    url = new_database()

    at_once(change_or_bid, url, _sale(url), without=frozenset({"rules"}))

    _, on_older_rules, breaches = _look(url)
    assert on_older_rules > 0
    assert "I16a" in breaches
