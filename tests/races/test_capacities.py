"""A capacity is lowered while tonnes are awarded and given back: what is freed beyond it is not awarded again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from marketplace.domain.capacities import LoweredCapacity
from marketplace.domain.quantities import Month
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import IntakeLine, LineMonth
from marketplace.persistence.parks import Park
from marketplace.services import counters
from marketplace.services.awarding import award_bid
from marketplace.services.counters import Share
from tests.factories import NOON, Make
from tests.races.acts import lower_or_move
from tests.races.conftest import NewDatabase
from tests.races.contest import at_once

pytestmark = pytest.mark.races

LATER = NOON + timedelta(days=15)
T = 1000
LOWERED = LoweredCapacity(capacity_kg_per_month=10_000 * T, capacity_kg_per_year=200_000 * T, because="停一台磨。")

Wanted = tuple[str, Any]


def _use_cases(url: str) -> list[Wanted]:
    """A line of 20,000 t with three awards of 5,000 t: all are declined, four more are wanted, and it is lowered."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        recycler = make.organization(produces=False)
        line, buyer = make.line(make.site(recycler)), make.signatory(recycler)
        administrator = make.administrator(session.get_one(Park, recycler.park_id))
        wanted: list[Wanted] = [("lower", (administrator, line.id, LOWERED, LATER))]
        for place in range(7):
            plant = make.organization(recycles=False)
            listing = make.listing(make.stream(make.site(plant)), kg_per_month=5_000 * T)
            bid, seller = make.bid(listing, line, recycler), make.signatory(plant)
            make.opened(listing)
            if place < 3:
                made = award_bid(session, seller, bid.id, 5_000 * T, now=LATER)
                wanted.append(("decline", (buyer, made, LATER)))
            else:
                wanted.append(("award", (seller, bid.id, 5_000 * T, LATER)))
    engine.dispose()
    return wanted


def _one_share(url: str) -> list[Wanted]:
    """A line of 20,000 t of which 15,000 t are reserved, 9,000 t of that by a share that is given back."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        recycler = make.organization(produces=False)
        line = make.line(make.site(recycler))
        administrator = make.administrator(session.get_one(Park, recycler.park_id))
        stays, goes = (
            Share(make.listing(kg_per_month=kg).id, line.id, {Month(2027, 2): kg}) for kg in (6_000 * T, 9_000 * T)
        )
        with transaction(session):
            counters.reserve(session, stays, goes)
        wanted: list[Wanted] = [("lower", (administrator, line.id, LOWERED, LATER)), ("release", goes)]
    engine.dispose()
    return wanted


def _months(url: str) -> tuple[int, list[tuple[int, int]], list[str]]:
    """Return the capacity of the line, ceiling and committed of its months, and what is broken."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        rows = session.execute(
            select(LineMonth.capacity_kg, LineMonth.reserved_kg + LineMonth.contracted_kg).order_by(LineMonth.month)
        ).all()
        capacity = session.scalars(select(IntakeLine.capacity_kg_per_month)).one()
        breaches = [breach.invariant.code for breach in broken(session)]
    engine.dispose()
    return capacity, [(row[0], row[1]) for row in rows], breaches


def test_whoever_comes_when_the_ceiling_is_right(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _use_cases(url)

    met = at_once(lower_or_move, url, wanted)

    ways = Counter(each.how for each in met)
    capacity, months, breaches = _months(url)
    assert ways["failed"] == 0, met
    assert ways["done"] >= 4, met  # it is lowered, and three let go
    assert capacity == 10_000 * T
    assert len(months) == 3
    assert [ceiling for ceiling, _ in months] == [max(capacity, kg) for _, kg in months]
    assert breaches == []


def test_what_is_given_back_at_the_moment_of_lowering_is_not_free(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(lower_or_move, url, _one_share(url))

    assert [each.how for each in met] == ["done", "done"], met
    assert _months(url)[:2] == (10_000 * T, [(10_000 * T, 6_000 * T)])


def test_without_the_hold_of_the_line_it_is_free_again(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(lower_or_move, url, _one_share(url), without=frozenset({"line"}))

    assert [each.how for each in met] == ["done", "done"], met
    assert _months(url)[:2] == (10_000 * T, [(15_000 * T, 6_000 * T)])
