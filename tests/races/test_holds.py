"""Eight at once hold tonnes at a fixed price, and sign at the hour at which the hold ends: one thing happened, and all of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.hazards import questions
from marketplace.domain.holds import NewHold
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.rounds import Award
from marketplace.services.holds import hold_tonnes
from marketplace.services.salerules import state_rules
from tests.factories import NOON, Make
from tests.races.acts import accept_or_lapse, hold
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, asked, at_once

pytestmark = pytest.mark.races

KG = 5_000_000
THEN = NOON + timedelta(hours=1)
HARMLESS = {question.code: not question.hazardous_if for question in questions("fly_ash")}

Wanted = tuple[Actor, NewHold, datetime]


def _holders(url: str, *, firms: int, kg: int, step: int = 0) -> list[Wanted]:
    """Make a listing at a fixed price, and return eight who want some of it; of so many recyclers, each with lines enough."""
    engine = connect(url)
    wanted: list[Wanted] = []
    with sessions_of(engine)() as session:
        make = Make(session)
        stream = make.stream(make.site(make.organization(recycles=False)), origin_answers=HARMLESS)
        listing = make.listing(
            stream, sale_kind="fixed", bids_close_at=None, reserve_fen_per_t=None, hold_hours=4, kg_per_month=KG
        )
        with transaction(session):
            state_rules(session, listing, now=NOON)
        recyclers = [make.organization(produces=False) for _ in range(firms)]
        actors = [make.signatory(recycler) for recycler in recyclers]
        for place in range(AT_ONCE):
            line = make.line(make.site(recyclers[place % firms]))
            new = NewHold(listing_id=listing.id, line_id=line.id, kg_per_month=kg + place * step)
            wanted.append((actors[place % firms], new, THEN))
    engine.dispose()
    return wanted


def _ends(session: Session) -> tuple[int, set[int], list[str]]:
    """Return how many hold something, what is held in the months, and what is broken."""
    return (
        session.scalar(select(func.count(Award.id)).where(Award.lapsed_at.is_(None))) or 0,
        set(session.scalars(select(ListingMonth.reserved_kg))),
        [each.invariant.code for each in broken(session)],
    )


def test_of_eight_who_hold_all_at_once_one_gets_it(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(hold, url, _holders(url, firms=AT_ONCE, kg=KG))

    assert sorted(each.how for each in met) == ["done"] + ["refused"] * (AT_ONCE - 1), met
    assert asked(url, _ends) == (1, {KG}, [])


def test_without_the_counter_and_the_lock_more_is_held_than_there_is(new_database: NewDatabase) -> None:
    url = new_database(checks=False)

    at_once(hold, url, _holders(url, firms=AT_ONCE, kg=KG), without=frozenset({"lock", "counter"}))

    held, _, faults = asked(url, _ends)
    assert held > 1
    assert "I1" in faults


def test_of_eight_holds_of_one_recycler_one_stands(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(hold, url, _holders(url, firms=1, kg=100_000, step=10_000))

    assert sorted(each.how for each in met) == ["done"] + ["refused"] * (AT_ONCE - 1), met
    held, months, faults = asked(url, _ends)
    assert (held, len(months), faults) == (1, 1, [])


def test_without_the_lock_one_recycler_holds_several_times(new_database: NewDatabase) -> None:
    url = new_database(checks=False)

    at_once(hold, url, _holders(url, firms=1, kg=100_000, step=10_000), without=frozenset({"lock"}))

    held, _, faults = asked(url, _ends)
    assert held > 1
    assert "I12b" in faults


def test_a_hold_is_confirmed_or_over_but_never_both(new_database: NewDatabase) -> None:
    url = new_database()
    actor, new, at = _holders(url, firms=1, kg=KG)[0]
    award_id = asked(url, lambda session: hold_tonnes(session, actor, new, now=at))
    ends = at + timedelta(hours=4)
    signing = [(actor, award_id, ends - timedelta(microseconds=1))] * (AT_ONCE // 2)

    met = at_once(accept_or_lapse, url, [*signing, *[(None, award_id, ends)] * (AT_ONCE // 2)])

    assert {each.how for each in met} <= {"done", "refused"}, met
    signed = asked(url, lambda session: session.scalar(select(Award.recycler_accepted_at)))
    assert asked(url, _ends) in ((1, {KG}, []), (0, {0}, []))
    assert (signed is not None) == (asked(url, _ends)[0] == 1)
