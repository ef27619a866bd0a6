"""Real processes that do the same thing at the same moment, and what each of them met."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.errors import MarketplaceError
from marketplace.persistence import (
    database,
    tables,  # noqa: F401  # all of them, or foreign keys find no table
)

AT_ONCE = 8
START_SECONDS = 60
"""For all of them to have loaded the program and opened the database."""
MEET_SECONDS = 20
"""For all of them to have read what they will then write over."""
END_SECONDS = 120
"""After which what still runs is ended."""

PRELOADED = ["tests.races.contest", "tests.races.acts"]

Act = Callable[[Session, Any], object]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Met:
    """How it went for one of them: done, refused in words of ours, or failed with an error that nobody planned."""

    how: str
    said: str


_meeting: list[Barrier] = []


def at_once(act: Act, url: str, arguments: Sequence[Any], *, without: frozenset[str] = frozenset()) -> list[Met]:
    """
    Run the act once for each argument, each in a process of its own, and return what they met.

    ``without`` names the protections that are switched off in those processes alone (`tests.races.acts.SWITCHES`).
    """
    context = multiprocessing.get_context("forkserver")  # a server that has loaded the program, and opened nothing
    context.set_forkserver_preload(PRELOADED)
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
    _meeting.append(meeting)
    from tests.races.acts import SWITCHES  # it meets through this module

    for name in without:
        SWITCHES[name]()
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


def meet() -> None:
    """Wait, inside an act, until all of them are here; who waits too long goes on alone."""
    with suppress(BrokenBarrierError):
        _meeting[0].wait(MEET_SECONDS)


def asked(url: str, question: Callable[[Session], Answer]) -> Answer:
    """Ask a database something, in a session of its own."""
    engine = database.connect(url)
    with database.sessions_of(engine)() as session:
        answer = question(session)
    engine.dispose()
    return answer
