"""Eight at once award one listing: nothing is sold twice; with the protection switched off it is."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.quantities import Month
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.rounds import Award
from marketplace.services.counters import Share
from tests.factories import NOON, Make
from tests.races.acts import award, reserve
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, Met, asked, at_once

pytestmark = pytest.mark.races

AFTER_THE_DEADLINE = NOON + timedelta(days=15)
OFFERED_KG = 5_000_000
MONTHS = (Month(2027, 2), Month(2027, 3), Month(2027, 4))

Wanted = tuple[Actor, int, int, datetime]


def _bids(url: str, kg_per_month: int, **rules: Any) -> list[Wanted]:
    """A listing of 5,000 t a month with eight bids, each for so much, each from another recycler that is no small work."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        park = make.park()
        producer = make.organization(park_id=park.id, recycles=False)
        listing = make.listing(make.stream(make.site(producer)), kg_per_month=OFFERED_KG, **rules)
        actor = make.signatory(producer)
        wanted = []
        for _ in range(AT_ONCE):
            recycler = make.organization(park_id=park.id, produces=False)
            bid = make.bid(listing, make.line(make.site(recycler)), recycler, kg_per_month=kg_per_month)
            wanted.append((actor, bid.id, kg_per_month, AFTER_THE_DEADLINE))
        make.opened(listing)
    engine.dispose()
    return wanted


def _shares(url: str, kg: int) -> list[Share]:
    """Eight shares of one month of one listing, each into a line of its own."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        listing = make.listing(kg_per_month=OFFERED_KG)
        site = make.site()
        shares = [Share(listing.id, make.line(site).id, {MONTHS[0]: kg}) for _ in range(AT_ONCE)]
    engine.dispose()
    return shares


def _reserved(session: Session) -> list[int]:
    return list(session.scalars(select(ListingMonth.reserved_kg).order_by(ListingMonth.month)))


def _awarded(session: Session) -> tuple[int, int]:
    count, kg = session.execute(select(func.count(Award.id), func.coalesce(func.sum(Award.kg), 0))).one()
    return int(count), int(kg)


def _breaches(session: Session) -> list[str]:
    return [f"{breach.invariant.code}: {breach.places}" for breach in broken(session)]


def _ways(met: list[Met]) -> Counter[str]:
    return Counter(each.how for each in met)


def test_of_eight_awards_of_a_whole_listing_one_is_made(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _bids(url, OFFERED_KG)

    met = at_once(award, url, wanted)

    assert _ways(met) == {"done": 1, "refused": 7}, met
    assert {each.said.partition(":")[0] for each in met if each.how == "refused"} == {"Conflict"}
    assert asked(url, _awarded) == (1, 3 * OFFERED_KG)
    assert asked(url, _reserved) == [OFFERED_KG] * 3
    assert asked(url, _breaches) == []


def test_of_eight_awards_of_a_quarter_each_four_are_made(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _bids(url, OFFERED_KG // 4)

    met = at_once(award, url, wanted)

    assert _ways(met) == {"done": 4, "refused": 4}, met
    assert asked(url, _awarded) == (4, 3 * OFFERED_KG)
    assert asked(url, _reserved) == [OFFERED_KG] * 3
    assert asked(url, _breaches) == []


def test_of_eight_awards_as_many_are_made_as_the_share_for_small_works_leaves(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _bids(url, OFFERED_KG // 8, small_works_share_percent=50)

    met = at_once(award, url, wanted)

    assert _ways(met) == {"done": 4, "refused": 4}, met
    assert all("kept for small works" in each.said for each in met if each.how == "refused"), met
    assert asked(url, _awarded) == (4, 3 * OFFERED_KG // 2)
    assert asked(url, _reserved) == [OFFERED_KG // 2] * 3


def test_without_the_hold_of_the_listing_the_share_for_small_works_is_given_away(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _bids(url, OFFERED_KG // 8, small_works_share_percent=50)

    met = at_once(award, url, wanted, without=frozenset({"lock"}))

    assert _ways(met)["done"] > 4, met
    assert asked(url, _awarded)[1] > 3 * OFFERED_KG // 2


def test_the_counter_alone_holds_where_all_have_read_before_any_writes(new_database: NewDatabase) -> None:
    url = new_database(checks=False)
    wanted = _bids(url, OFFERED_KG)

    met = at_once(award, url, wanted, without=frozenset({"lock"}))

    assert _ways(met) == {"done": 1, "refused": 7}, met
    assert asked(url, _reserved) == [OFFERED_KG] * 3


def test_without_lock_counter_and_checks_the_listing_is_oversold(new_database: NewDatabase) -> None:
    url = new_database(checks=False)
    wanted = _bids(url, OFFERED_KG)

    met = at_once(award, url, wanted, without=frozenset({"lock", "counter"}))

    assert _ways(met)["done"] > 1, met
    assert asked(url, _awarded)[1] > 3 * OFFERED_KG
    assert any(breach.startswith("I1:") for breach in asked(url, _breaches))


def test_the_checks_hold_where_lock_and_counter_are_off(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _bids(url, OFFERED_KG)

    met = at_once(award, url, wanted, without=frozenset({"lock", "counter"}))

    assert _ways(met)["done"] <= 1, met
    assert all("IntegrityError" in each.said for each in met if each.how == "failed"), met
    assert max(asked(url, _reserved)) <= OFFERED_KG


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_a_reader_that_turns_writer_is_locked_out_on_sqlite(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _bids(url, OFFERED_KG // 8)

    met = at_once(award, url, wanted, without=frozenset({"immediate"}))

    assert any("database is locked" in each.said for each in met), met
    assert asked(url, _breaches) == []


def test_of_eight_shares_as_many_are_reserved_as_there_is_room_for(new_database: NewDatabase) -> None:
    url = new_database()
    shares = _shares(url, OFFERED_KG // 5)

    met = at_once(reserve, url, shares)

    assert _ways(met) == {"done": 5, "refused": 3}, met
    assert asked(url, _reserved) == [OFFERED_KG, 0, 0]


def test_without_its_condition_the_counter_runs_over(new_database: NewDatabase) -> None:
    url = new_database(checks=False)
    shares = _shares(url, OFFERED_KG // 5)

    met = at_once(reserve, url, shares, without=frozenset({"counter"}))

    assert _ways(met) == {"done": 8}, met
    assert asked(url, _reserved) == [8 * OFFERED_KG // 5, 0, 0]
