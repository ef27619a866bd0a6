"""What is handed in to a round while it is run is opened by the run or refused; nothing stays sealed behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from marketplace.domain.actors import Actor
from marketplace.domain.roundoffers import LineOffer
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.roundoffers import RoundOffer
from tests.factories import NOON, SEALER, Make
from tests.races.acts import hand_in_or_run
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, at_once

pytestmark = pytest.mark.races

CLOSES = NOON + timedelta(days=3)
IN_TIME = CLOSES - timedelta(microseconds=1)
Wanted = tuple[Actor, Any, Any, datetime]


def _a_run_and_seven_offers(url: str) -> tuple[Wanted, list[Wanted]]:
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        park = make.park()
        make.listing(make.stream(make.site(make.organization(park_id=park.id, recycles=False))))
        of = make.round(park)
        offers = []
        for _ in range(AT_ONCE - 1):
            firm = make.organization(produces=False)
            line = make.line(make.site(firm, lat_udeg=40_200_000, lon_udeg=113_450_000))
            what = (of.id, line.id, LineOffer(prices=(("fly_ash", 6100),), kg_per_month=2_000_000))
            offers.append((make.signatory(firm), what, SEALER, IN_TIME))
        run = (make.administrator(park), of.id, SEALER, CLOSES)
    engine.dispose()
    return run, offers


def _after(url: str) -> tuple[int, list[str]]:
    """Return how many offers there are, and what is broken."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        found = session.scalar(select(func.count(RoundOffer.id))) or 0
        breaches = [each.invariant.code for each in broken(session)]
    engine.dispose()
    return found, breaches


def test_what_races_with_the_run_is_opened_or_refused(new_database: NewDatabase) -> None:
    url = new_database()
    run, offers = _a_run_and_seven_offers(url)

    met = at_once(hand_in_or_run, url, [run, *offers])

    assert {each.how for each in met} <= {"done", "refused"}, met
    assert all("does not collect now" in each.said for each in met if each.how == "refused"), met
    count, breaches = _after(url)
    assert breaches == []
    assert count == sum(each.how == "done" for each in met) - 1  # all but the run


def test_taken_by_the_clock_alone_it_stays_sealed_for_ever(new_database: NewDatabase) -> None:
    url = new_database()
    run, offers = _a_run_and_seven_offers(url)
    assert [each.how for each in at_once(hand_in_or_run, url, [run])] == ["done"]

    assert {each.how for each in at_once(hand_in_or_run, url, offers)} == {"refused"}
    met = at_once(hand_in_or_run, url, offers, without=frozenset({"opened"}))

    assert {each.how for each in met} == {"done"}, met
    assert "I15b" in _after(url)[1]
