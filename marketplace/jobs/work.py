"""What each kind of job does, and what deadlines ask for; each may run twice without harm."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from marketplace.domain.errors import MarketplaceError
from marketplace.domain.sealing import Sealer
from marketplace.domain.wording import Sentence
from marketplace.services import jobs
from marketplace.services.jobs import Claimed, Progress
from marketplace.solver.spread import OneCore, Spread, Wanted

log = logging.getLogger("marketplace.jobs")

BREATH = jobs.LEASE / 4
"""How often a worker says that it still holds its job."""

Spreads = Callable[[Wanted], Spread]
"""Gives a place of its own to work on parts to each run; what it is handed ends the work by raising."""


@dataclass(frozen=True)
class Tools:
    """What jobs work with besides the database."""

    sealer: Sealer
    spreads: Spreads = lambda _: OneCore()


Handler = Callable[[sessionmaker[Session], Claimed, Progress, Tools], None]

HANDLERS: dict[str, Handler] = {}
"""Kind of job -> what does it; filled by the modules of this folder."""

Act = Callable[[Session, datetime], None]

DUE: list[Act] = []
"""What to do each minute because a deadline may have passed."""


def run(sessions: sessionmaker[Session], held: Claimed, tools: Tools) -> None:
    """Do a job that this worker holds, and say how it ended."""

    def progress(done: int, of: int, note: Sentence | None = None, *, step: str | None = None) -> None:
        with sessions() as session:
            jobs.progress(session, held, done, of, note, step=step, now=datetime.now(UTC))

    failed: Sentence | None = None
    try:
        with _holding(sessions, held):
            HANDLERS[held.kind](sessions, held, progress, tools)
    except MarketplaceError as refusal:
        failed = refusal.sentence
    except Exception:
        log.exception("job %s (%s) failed", held.id, held.kind)
        failed = Sentence("An error in the program stopped it; the operator finds the cause in the log.")
    with sessions() as session:
        try:
            jobs.finish(session, held, failed_because=failed, now=datetime.now(UTC))
        except MarketplaceError:
            log.warning("job %s was taken over by another worker", held.id)


@contextmanager
def _holding(sessions: sessionmaker[Session], held: Claimed) -> Iterator[None]:
    """Hold the job, beside what does it, however long it says nothing: only a worker that died lets go."""
    done = threading.Event()

    def hold() -> None:
        while not done.wait(BREATH.total_seconds()):
            try:
                with sessions() as session:
                    jobs.hold(session, held, now=datetime.now(UTC))
            except MarketplaceError:
                return  # somebody else has it
            except Exception:
                log.warning("job %s could not be held", held.id, exc_info=True)

    beside = threading.Thread(target=hold, name=f"job-{held.id}", daemon=True)
    beside.start()
    try:
        yield
    finally:
        done.set()
        beside.join()


def due(session: Session, *more: Act, now: datetime) -> None:
    """Do what deadlines ask for, and ``more``; one that fails does not stop the others."""
    for act in (*DUE, *more):
        try:
            act(session, now)
        except Exception:
            session.rollback()
            log.exception("what a deadline asked for failed")
