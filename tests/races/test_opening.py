"""Eight at once open the bids of a listing, or bid while it is opened: it is done once, and leaves nothing sealed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM, Actor
from marketplace.domain.bids import NewBid
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid
from tests.factories import NOON, SEALER, Make
from tests.races.acts import bid_or_open, open_bids
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, asked, at_once

pytestmark = pytest.mark.races

CLOSES = NOON + timedelta(days=14)
IN_TIME = CLOSES - timedelta(microseconds=1)


def _listing(url: str) -> tuple[int, list[tuple[Actor, NewBid]]]:
    """Make a listing with three sealed bids, and return it with seven bids that others could make."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        producer = make.organization(recycles=False)
        stream = make.stream(make.site(producer), values={"moisture": "0.4"})
        listing = make.listing(stream)
        more = []
        for number in range(3 + AT_ONCE - 1):
            recycler = make.organization(produces=False)
            line = make.line(make.site(recycler))
            if number < 3:
                make.bid(listing, line, recycler)
            else:
                new = NewBid(listing_id=listing.id, line_id=line.id, price_fen_per_t=1200, kg_per_month=3_000_000)
                more.append((make.signatory(recycler), new))
        listing_id = listing.id
    engine.dispose()
    return listing_id, more


def _openings(session: Session) -> int:
    return session.scalar(select(func.count(AuditRow.id)).where(AuditRow.action == "listing.open")) or 0


def _sealed(session: Session) -> int:
    return session.scalar(select(func.count(Bid.id)).where(Bid.opened_at.is_(None))) or 0


def _breaches(session: Session) -> list[str]:
    return [f"{breach.invariant.code}: {breach.places}" for breach in broken(session)]


def test_of_eight_who_open_at_once_one_does(new_database: NewDatabase) -> None:
    url = new_database()
    listing_id, _ = _listing(url)

    met = at_once(open_bids, url, [(SYSTEM, listing_id, SEALER, CLOSES)] * AT_ONCE)

    assert Counter(each.how for each in met) == {"done": AT_ONCE}, met
    assert (asked(url, _openings), asked(url, _sealed)) == (1, 0)
    assert asked(url, _breaches) == []


def test_without_the_lock_it_is_done_more_than_once(new_database: NewDatabase) -> None:
    url = new_database()
    listing_id, _ = _listing(url)

    at_once(open_bids, url, [(SYSTEM, listing_id, SEALER, CLOSES)] * AT_ONCE, without=frozenset({"opening"}))

    assert asked(url, _openings) > 1


def _bids_and_an_opening(url: str) -> list[tuple[Actor, Any, Any, datetime]]:
    listing_id, more = _listing(url)
    return [(SYSTEM, listing_id, SEALER, CLOSES), *((actor, new, SEALER, IN_TIME) for actor, new in more)]


def test_bids_that_race_with_the_opening_are_opened_or_refused(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(bid_or_open, url, _bids_and_an_opening(url))

    assert {each.how for each in met} <= {"done", "refused"}, met
    assert all("Bidding ended" in each.said for each in met if each.how == "refused"), met
    assert (asked(url, _openings), asked(url, _sealed)) == (1, 0)
    assert asked(url, _breaches) == []


def test_taken_by_the_clock_alone_a_bid_stays_sealed_for_ever(new_database: NewDatabase) -> None:
    url = new_database()
    opening, *late = _bids_and_an_opening(url)
    at_once(bid_or_open, url, [opening])

    met = at_once(bid_or_open, url, late, without=frozenset({"end"}))

    assert {each.how for each in met} == {"done"}, met
    assert any(breach.startswith("I15") for breach in asked(url, _breaches))
