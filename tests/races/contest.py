"""Real processes that do the same thing at the same moment, and what each of them met."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.errors import MarketplaceError
from marketplace.persistence import (
    database,
    tables,  # noqa: F401  # all of them, or foreign keys find no table
)
from marketplace.services import awarding, counters

AT_ONCE = 8
START_SECONDS = 60
"""For all of them to have loaded the program and opened the database."""
MEET_SECONDS = 20
"""For all of them to have read what they will then write over."""
END_SECONDS = 120
"""After which what still runs is ended."""

Act = Callable[[Session, Any], object]


@dataclass(frozen=True)
class Met:
    """How it went for one of them: done, refused in words of ours, or failed with an error that nobody planned."""

    how: str
    said: str


def at_once(act: Act, url: str, arguments: Sequence[Any], *, without: frozenset[str] = frozenset()) -> list[Met]:
    """
    Run the act once for each argument, each in a process of its own, and return what they met.

    ``without`` switches protections off, in those processes alone: ``counter`` (the condition of the UPDATE), ``lock``
    (the row lock, and on SQLite the transaction), ``immediate`` (SQLite's BEGIN IMMEDIATE), ``attempt`` (the number of
    the run). Where one is off they wait for each other between reading and writing, so that the fault must show.
    """
    context = multiprocessing.get_context("forkserver")  # a server that has loaded the program, and opened nothing
    context.set_forkserver_preload([__name__])
    start, meeting = context.Barrier(len(arguments)), context.Barrier(len(arguments))
    told: multiprocessing.Queue[Met] = context.Queue()
    processes = [
        context.Process(target=_take_part, args=(act, url, argument, without, start, meeting, told), daemon=True)
        for argument in arguments
    ]
    for process in processes:
        process.start()
    met = []
    with suppress(queue.Empty):
        met = [told.get(timeout=END_SECONDS) for _ in processes]
    for process in processes:
        process.join(timeout=10)
        if process.is_alive():
            process.kill()
            process.join()
    return [*met, *[Met("failed", "it did not end")] * (len(arguments) - len(met))]


def _take_part(
    act: Act,
    url: str,
    argument: object,
    without: frozenset[str],
    start: Barrier,
    meeting: Barrier,
    told: multiprocessing.Queue[Met],
) -> None:
    _switch_off(without, meeting)
    engine = database.connect(url)
    try:
        with database.sessions_of(engine)() as session:
            session.execute(select(1))
            session.rollback()
            start.wait(START_SECONDS)
            told.put(Met("done", str(act(session, argument))))
    except MarketplaceError as refusal:
        told.put(Met("refused", f"{type(refusal).__name__}: {refusal}"))
    except Exception as fault:  # the test says which it expects
        told.put(Met("failed", f"{type(fault).__name__}: {fault}"))
    finally:
        engine.dispose()


def _switch_off(without: frozenset[str], meeting: Barrier) -> None:
    """Take protections away in this process, which ends after the act."""
    if not without:
        return
    if "counter" in without:
        counters._room = lambda *_: ()  # type: ignore[assignment]
    if "lock" in without:
        select_class = type(select(1))
        select_class.with_for_update = lambda self, **_: self  # type: ignore[method-assign,assignment]
        database._begin_sqlite = lambda _: None
    if "immediate" in without:
        database._begin_sqlite = lambda connection: connection.exec_driver_sql("BEGIN")  # type: ignore[assignment]
    taken = counters.reserve

    def reserve_together(session: Session, share: counters.Share) -> None:
        with suppress(BrokenBarrierError):
            meeting.wait(MEET_SECONDS)
        taken(session, share)

    awarding.reserve = reserve_together


def reserve(session: Session, share: counters.Share) -> None:
    """Take kilograms out of the counters, in a transaction of its own."""
    with database.transaction(session):
        counters.reserve(session, share)


def award(session: Session, wanted: tuple[Any, int, int, datetime]) -> int:
    """Award a bid through the service that a view calls."""
    actor, bid_id, kg_per_month, now = wanted
    return awarding.award_bid(session, actor, bid_id, kg_per_month, now=now)
