"""The states of a round, read off its timestamps, and every step from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from marketplace.domain.errors import Conflict

State: TypeAlias = Literal["planned", "collecting", "closed", "solving", "solved", "published", "settled", "void"]


@dataclass(frozen=True)
class Transition:
    """A step from one state to another; ``by`` is the clock, the administrator of the park, or the solver."""

    source: State
    target: State
    by: Literal["clock", "park_admin", "solver"]


TRANSITIONS: Final = (
    Transition("planned", "collecting", "clock"),
    Transition("planned", "void", "park_admin"),
    Transition("collecting", "closed", "clock"),
    Transition("collecting", "closed", "park_admin"),
    Transition("collecting", "void", "park_admin"),
    Transition("closed", "solving", "park_admin"),
    Transition("closed", "void", "park_admin"),
    Transition("solving", "solved", "solver"),
    Transition("solving", "closed", "solver"),
    Transition("solved", "solving", "park_admin"),
    Transition("solved", "published", "park_admin"),
    Transition("solved", "closed", "solver"),
    Transition("solved", "void", "park_admin"),
    Transition("published", "settled", "clock"),
    Transition("published", "settled", "park_admin"),
    Transition("published", "void", "park_admin"),
)
"""
Every step that there is. Solving goes back to closed when no proved answer was found, solved by itself when something of the
answer was sold meanwhile. Void needs a cause, and after publication that nobody has made a contract yet.
"""

MOST_RECOURSES: Final = 2
"""How often what was declined is allotted again."""

LEASE: Final = timedelta(seconds=60)
"""How long a run holds a round without a word; then the next run may take it over."""


def state_of(
    now: datetime,
    *,
    opens_at: datetime,
    closes_at: datetime,
    answers_until: datetime,
    closed_at: datetime | None = None,
    solving_at: datetime | None = None,
    solved_at: datetime | None = None,
    published_at: datetime | None = None,
    settled_at: datetime | None = None,
    voided_at: datetime | None = None,
) -> State:
    """
    Read the state of a round off its timestamps.

    ``closed_at`` is set by an early close, ``solving_at`` while a run holds the round (and cleared when it ends),
    ``solved_at`` when it brought a proved answer that nobody has published yet, ``settled_at`` when every award was answered before the deadline.
    """
    if voided_at is not None:
        return "void"
    if published_at is not None:
        return "settled" if settled_at is not None or now >= answers_until else "published"
    if solving_at is not None:
        return "solving"
    if solved_at is not None:
        return "solved"
    if closed_at is not None or now >= closes_at:
        return "closed"
    return "planned" if now < opens_at else "collecting"


def must_go(source: State, target: State, by: Literal["clock", "park_admin", "solver"]) -> None:
    """Raise Conflict unless `TRANSITIONS` has this step."""
    if Transition(source, target, by) in TRANSITIONS:
        return
    match target:
        case "solving":
            raise Conflict("Only a closed round can be run.")
        case "void":
            raise Conflict("This round cannot be made void now: it is being solved, settled, or void already.")
        case "closed":
            raise Conflict("Only a round that is collecting can be closed.")
        case "published":
            raise Conflict("Only what a run has proved, and nobody has published yet, can be published.")
        case _:
            raise Conflict("The round is past that step already, or not yet there.")
