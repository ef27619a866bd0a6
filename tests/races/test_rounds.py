"""Four at once run one round: one publishes; with the protection switched off several do."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.rounds import Award, Round, RoundFile
from marketplace.services import rounds
from marketplace.solver.engines import engine
from tests.factories import NOON, SEALER, Make
from tests.races.acts import publish, run, run_and_publish, sleep_or_take_over
from tests.races.conftest import NewDatabase
from tests.races.contest import Met, asked, at_once

pytestmark = pytest.mark.races

RUNS = 4
CLOSED = NOON + timedelta(days=4)

Wanted = tuple[Actor, int, datetime]


def _closed_round(url: str) -> Wanted:
    """A round that has closed, with one listing and one line that fit; who runs it, its number, and when."""
    db = connect(url)
    with sessions_of(db)() as session:
        make = Make(session)
        park = make.park()
        firm = {"park_id": park.id}
        make.listing(make.stream(make.site(make.organization(**firm))), bids_close_at=None)
        make.line(make.site(make.organization(**firm), lon_udeg=113_400_000))
        wanted = (make.administrator(park), make.round(park).id, CLOSED)
    db.dispose()
    return wanted


def _solve(url: str, wanted: Wanted) -> None:
    db = connect(url)
    actor, round_id, now = wanted
    rounds.run_round(
        sessions_of(db), actor, round_id, engine=engine("scipy"), engine_name="scipy", sealer=SEALER, now=lambda: now
    )
    db.dispose()


def _awards(session: Session) -> int:
    return session.scalar(select(func.count(Award.id))) or 0


def _results(session: Session) -> int:
    return session.scalar(select(func.count(RoundFile.id)).where(RoundFile.kind == "result")) or 0


def _round(session: Session) -> Round:
    return session.scalars(select(Round)).one()


def _oversold(session: Session) -> list[int]:
    held = ListingMonth.reserved_kg + ListingMonth.contracted_kg
    return list(session.scalars(select(ListingMonth.id).where(held > ListingMonth.offered_kg)))


def _breaches(session: Session) -> list[str]:
    return [f"{breach.invariant.code}: {breach.places}" for breach in broken(session)]


def _ways(met: list[Met]) -> Counter[str]:
    return Counter(each.how if each.how != "refused" else each.said.partition(":")[0] for each in met)


def test_of_four_runs_of_one_round_one_solves_and_publishes(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _closed_round(url)

    met = at_once(run_and_publish, url, [wanted] * RUNS)

    assert _ways(met) == {"done": 1, "Conflict": RUNS - 1}, met
    assert asked(url, _awards) == 1
    assert asked(url, _results) == 1
    assert asked(url, _round).attempt == 1
    assert asked(url, _breaches) == []


def test_without_the_hold_every_run_solves(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _closed_round(url)

    met = at_once(run, url, [wanted] * RUNS, without=frozenset({"hold", "attempt"}))

    assert _ways(met) == {"done": RUNS}, met
    assert asked(url, _results) == RUNS
    assert len({each.said for each in met}) == 1  # the same input gives the same answer, whoever solves it


def test_of_four_who_publish_one_does(new_database: NewDatabase) -> None:
    url = new_database()
    wanted = _closed_round(url)
    _solve(url, wanted)

    met = at_once(publish, url, [wanted] * RUNS)

    assert _ways(met) == {"done": 1, "Conflict": RUNS - 1}, met
    assert asked(url, _awards) == 1
    assert asked(url, _breaches) == []


def test_without_its_condition_a_round_is_published_several_times_and_oversold(new_database: NewDatabase) -> None:
    url = new_database(checks=False)
    wanted = _closed_round(url)
    _solve(url, wanted)

    met = at_once(publish, url, [wanted] * RUNS, without=frozenset({"once", "lock", "counter"}))

    assert _ways(met)["done"] > 1, met
    assert asked(url, _awards) > 1
    assert asked(url, _oversold) != []
    assert any(breach.startswith("I1:") for breach in asked(url, _breaches))


def test_a_run_that_slept_past_its_lease_writes_nothing(new_database: NewDatabase) -> None:
    url = new_database()
    actor, round_id, now = _closed_round(url)

    met = at_once(sleep_or_take_over, url, [("sleep", actor, round_id, now), ("take over", actor, round_id, now)])

    assert _ways(met) == {"done": 1, "Conflict": 1}, met
    assert asked(url, _results) == 1
    assert asked(url, _round).attempt == 2
    assert asked(url, _breaches) == []


def test_without_its_number_the_sleeper_writes_over_the_newer_run(new_database: NewDatabase) -> None:
    url = new_database()
    actor, round_id, now = _closed_round(url)

    met = at_once(
        sleep_or_take_over,
        url,
        [("sleep", actor, round_id, now), ("take over", actor, round_id, now)],
        without=frozenset({"attempt"}),
    )

    assert _ways(met) == {"done": 2}, met
    assert asked(url, _results) == 2
