"""
Eight writers do all kinds of acts at once on the same listings and lines: nothing oversold, nothing locked, no error.

``HUIYONG_MANY_ACTS`` says how many each does; the suite asks for 200, and 2000 make the 16,000 acts of a long contest.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from dataclasses import dataclass
from datetime import date

import pytest

from marketplace.domain.hazards import questions
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from tests.factories import NOON, SEALER, Make
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, PRELOADED
from tests.races.many import Stage, Told, write

pytestmark = pytest.mark.races

ACTS = int(os.environ.get("HUIYONG_MANY_ACTS", "200"))
MOST_SECONDS = 1800.0
ROOM = {
    "capacity_kg_per_month": 3_000_000,
    "capacity_kg_per_year": 40_000_000,
    "permit_valid_until": date(2045, 12, 31),
}
HARMLESS = {question.code: not question.hazardous_if for question in questions("fly_ash")}


@dataclass(frozen=True)
class Contest:
    """What all writers together did and met, and what is broken after it."""

    acts: Counter[tuple[str, str]]
    seconds: list[float]
    faults: list[str]
    broken: list[str]

    @property
    def p99(self) -> float:
        """Within how many seconds 99 of 100 acts were answered."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]

    def done(self, name: str) -> int:
        """How often an act had an effect."""
        return self.acts[name, "done"]


def _stage(url: str) -> Stage:
    """Four plants, six lines that together hold much less than the plants offer."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        sellers, buyers = [], []
        for _ in range(4):
            firm = make.organization(recycles=False)
            sellers.append((make.signatory(firm), make.stream(make.site(firm), origin_answers=HARMLESS).id))
        for _ in range(6):
            firm = make.organization(produces=False)
            line = make.line(make.site(firm), **ROOM)
            buyers.append((make.signatory(firm), line.id))
    engine.dispose()
    return Stage(tuple(sellers), tuple(buyers), SEALER, NOON)


def contest(url: str, acts: int, *, without: str = "", writers: int = AT_ONCE) -> Contest:
    """Let the writers do so many acts each, and ask every invariant after it."""
    stage = _stage(url)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, "tests.races.many"])
    start, done = context.Barrier(writers), context.Value("i", 0)
    told: multiprocessing.Queue[Told] = context.Queue()
    processes = [
        context.Process(
            target=write, args=(url, stage, acts, seed, without, done, start, told, MOST_SECONDS), daemon=True
        )
        for seed in range(writers)
    ]
    for process in processes:
        process.start()
    heard = [told.get(timeout=MOST_SECONDS + 60) for _ in processes]
    for process in processes:
        process.join()
    engine = connect(url)
    with sessions_of(engine)() as session:
        breaches = [f"{each.invariant.code}: {each.places}" for each in broken(session)]
    engine.dispose()
    return Contest(
        sum((each.acts for each in heard), Counter()),
        [second for each in heard for second in each.seconds],
        [fault for each in heard for fault in each.faults],
        breaches,
    )


def test_nothing_is_oversold_nothing_is_locked_and_nothing_fails(new_database: NewDatabase) -> None:
    met = contest(new_database(), ACTS)

    print(f"{len(met.seconds)} acts, p99 {met.p99:.3f} s, {len(met.faults)} faults, {sorted(met.acts.items())}")
    assert met.faults == []
    assert met.broken == []
    assert len(met.seconds) == ACTS * AT_ONCE
    assert met.done("bid") > ACTS // 2
    assert min(met.done(name) for name in ("post", "award", "accept", "decline", "withdraw bid")) > 0


def test_with_the_counter_off_a_line_is_oversold(new_database: NewDatabase) -> None:
    met = contest(new_database(checks=False), 150, without="counter", writers=4)

    assert any(each.startswith(("I1:", "I2:")) for each in met.broken)


def test_without_begin_immediate_writers_are_locked_out(new_database: NewDatabase) -> None:
    url = new_database()
    if not url.startswith("sqlite"):
        pytest.skip("BEGIN IMMEDIATE is SQLite's")

    met = contest(url, 20, without="immediate")

    assert any("database is locked" in fault for fault in met.faults)
