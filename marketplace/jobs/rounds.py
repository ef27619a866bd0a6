"""Rounds behind a request: solved with progress shown; and what the deadlines of awards and rounds ask for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.orm import Session, sessionmaker

from marketplace.domain.actors import SYSTEM
from marketplace.domain.steps import Step
from marketplace.jobs import work
from marketplace.services.awards import lapse_due
from marketplace.services.jobs import Claimed, Progress, wanted
from marketplace.services.rounds import SOLVE, run_round, settle_due
from marketplace.solver.engines import AUTO, engine, resolve

PACE: Final = 0.5
"""Seconds between two words about the same step, so that the database is not kept busy with it."""


class Word:
    """What was said last about a run: each new step at once, how far it is now and then."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: tuple[Step, int, int] = ("reading", 0, 0)
        self._said = float("-inf")

    def tell(self, step: Step, done: int, of: int) -> None:
        """Say it, if it is news; raises Cancelled if nobody wants the answer any more, see `Progress`."""
        new, self._last = step != self._last[0], (step, done, of)
        if new or time.monotonic() - self._said >= PACE:
            self.again()

    def again(self) -> None:
        """Say the last word again: who waits for others has nothing new to say and may be stopped all the same."""
        step, done, of = self._last
        self._progress(done, of, step=step)
        self._said = time.monotonic()


def solve(sessions: sessionmaker[Session], held: Claimed, progress: Progress, tools: work.Tools) -> None:
    """Solve a round, or what was declined of it. Raises Conflict, among others, if somebody else is doing it."""
    word, name = Word(progress), resolve(AUTO)
    with tools.spreads(word.again) as spread:
        run_round(
            sessions,
            SYSTEM,
            int(held.arguments["round_id"]),
            engine=engine(name, spread=spread),
            engine_name=name,
            sealer=tools.sealer,
            recourse=bool(held.arguments["recourse"]),
            tell=word.tell,
            wanted=lambda session: wanted(session, held),
            now=lambda: datetime.now(UTC),
        )


work.HANDLERS[SOLVE] = solve
work.DUE.append(lapse_due)
work.DUE.append(settle_due)
