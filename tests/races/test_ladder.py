"""An award is declined and swept by eight at once: one runner-up is called; with the lock off it is called twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.rounds import Award
from marketplace.persistence.standby import StandbyCall
from marketplace.services.awarding import award_bid
from tests.factories import NOON, Make
from tests.races.acts import let_go
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, at_once

pytestmark = pytest.mark.races

AFTER_THE_DEADLINE = NOON + timedelta(days=15)
OFFERED_KG = 5_000_000

Wanted = tuple[Actor | None, int, datetime]


def _award(url: str) -> tuple[Actor, int, datetime]:
    """A listing that is awarded whole to the first of four bids; return its recycler, the award and its deadline."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        producer = make.organization(recycles=False)
        listing = make.listing(make.stream(make.site(producer)), kg_per_month=OFFERED_KG)
        recyclers = [make.organization(produces=False) for _ in range(4)]
        bids = [
            make.bid(listing, make.line(make.site(each)), each, price_fen_per_t=4000 - place, kg_per_month=OFFERED_KG)
            for place, each in enumerate(recyclers)
        ]
        make.opened(listing, at=AFTER_THE_DEADLINE)
        seller, winner = make.signatory(producer), make.signatory(recyclers[0])
        award_id = award_bid(session, seller, bids[0].id, OFFERED_KG, now=AFTER_THE_DEADLINE)
        answer_by = session.get_one(Award, award_id).answer_by
    engine.dispose()
    return winner, award_id, answer_by


def _after(url: str) -> tuple[int, int, list[int], list[str]]:
    """Return awards made, calls written down, what the months hold, and what is broken."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        found = (
            _count(session, Award),
            _count(session, StandbyCall),
            list(session.scalars(select(ListingMonth.reserved_kg).order_by(ListingMonth.month))),
            [breach.invariant.code for breach in broken(session)],
        )
    engine.dispose()
    return found


def _count(session: Session, table: type[Award | StandbyCall]) -> int:
    return session.scalar(select(func.count(table.id))) or 0


def test_of_eight_who_decline_and_sweep_one_calls_the_runner_up(new_database: NewDatabase) -> None:
    url = new_database()
    winner, award_id, answer_by = _award(url)
    declines: list[Wanted] = [(winner, award_id, answer_by - timedelta(seconds=1))] * (AT_ONCE // 2)
    sweeps: list[Wanted] = [(None, award_id, answer_by)] * (AT_ONCE // 2)

    met = at_once(let_go, url, declines + sweeps)

    assert {each.how for each in met} <= {"done", "refused"}, met
    assert {each.said.partition(":")[0] for each in met if each.how == "refused"} <= {"Conflict"}
    assert _after(url) == (2, 1, [OFFERED_KG] * 3, [])


def test_of_eight_sweeps_one_calls_the_runner_up(new_database: NewDatabase) -> None:
    url = new_database()
    _, award_id, answer_by = _award(url)

    met = at_once(let_go, url, [(None, award_id, answer_by)] * AT_ONCE)

    assert {each.how for each in met} == {"done"}, met
    assert _after(url) == (2, 1, [OFFERED_KG] * 3, [])


def test_without_the_lock_the_award_is_given_back_twice_and_several_call(new_database: NewDatabase) -> None:
    url = new_database(checks=False)
    _, award_id, answer_by = _award(url)

    at_once(let_go, url, [(None, award_id, answer_by)] * 2, without=frozenset({"ladder", "counter"}))

    awards, calls, held, faults = _after(url)
    assert "I3a" in faults
    assert held != [OFFERED_KG] * 3 or awards > 2
    if url.startswith("postgresql"):  # SQLite locks the second out once it has given back
        assert (awards, calls) == (3, 2)
