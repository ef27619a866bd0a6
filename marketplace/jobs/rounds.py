"""Rounds behind a request: solved with progress shown; and what the deadlines of awards and rounds ask for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.orm import Session, sessionmaker

from marketplace.domain.actors import SYSTEM
from marketplace.domain.wording import Sentence
from marketplace.jobs import work
from marketplace.services.awards import lapse_due
from marketplace.services.jobs import Claimed, Progress
from marketplace.services.rounds import SOLVE, run_round, settle_due
from marketplace.solver.engines import AUTO, engine, resolve

PACE: Final = 0.5
"""Seconds between two words about the progress, so that the database is not kept busy with it."""


def solve(sessions: sessionmaker[Session], held: Claimed, progress: Progress) -> None:
    """Solve a round, or what was declined of it. Raises Conflict, among others, if somebody else is doing it."""
    said = 0.0

    def note(done: int, of: int) -> None:
        nonlocal said
        if time.monotonic() - said >= PACE:
            said = time.monotonic()
            progress(done, of, Sentence("Solving: pairs of lot and line, month by month"))

    progress(0, 0, Sentence("Reading what is offered and what room there is"))
    name = resolve(AUTO)
    run_round(
        sessions,
        SYSTEM,
        int(held.arguments["round_id"]),
        engine=engine(name),
        engine_name=name,
        recourse=bool(held.arguments["recourse"]),
        progress=note,
        now=lambda: datetime.now(UTC),
    )


work.HANDLERS[SOLVE] = solve
work.DUE.append(lapse_due)
work.DUE.append(settle_due)
