"""Reads: what needs doing today, for whoever acts: the same few SELECTs however much there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.quantities import Month
from marketplace.queries import overseen, owned, ownsales, ownshipments
from marketplace.queries.accounts import roles_of
from marketplace.queries.amendments import proposals
from marketplace.queries.commitments import over_committed
from marketplace.queries.todo import Count, Storage, Task

MOST: Final = 60
"""Tasks that the page shows; of more it says how many they are."""

ORDER: Final = {"fail": 0, "wait": 1, "info": 2}


@dataclass(frozen=True)
class TodayPage:
    """The page that a day begins with."""

    tasks: tuple[Task, ...]
    more: int
    """How many less urgent ones there are beside these."""
    storages: tuple[Storage, ...]
    counts: tuple[Count, ...]
    suspended: tuple[tuple[str, str], ...]
    """Chinese and English name of organizations whose members' rights rest."""
    idle: bool
    """Whether the person is appointed to nothing."""


def today_page(session: Session, actor: Actor, *, month: Month, now: datetime) -> TodayPage:
    """Return what needs doing, the most urgent first. Raises NotFound for a visitor."""
    actor.must("account.today")
    roles = roles_of(session, actor)
    tasks: list[Task] = []
    counts: list[Count] = []
    storages: tuple[Storage, ...] = ()
    if actor.organization_ids:
        tasks += owned.standing(session, actor)
        storages, of_streams = owned.streams(session, actor, month=month, now=now)
        tasks += of_streams
    if actor.roles & {"clerk", "signatory"}:
        tasks += owned.awards(session, actor, now=now)
        tasks += proposals(session, actor)
        tasks += ownshipments.tasks(session, actor)
        if actor.produces:
            tasks += ownsales.listings(session, actor, now=now)
            tasks += ownsales.questions(session, actor, now=now)
        if actor.recycles:
            tasks += owned.permits(session, actor, now=now)
            tasks += ownsales.results(session, actor, now=now)
            tasks += ownsales.voided(session, actor, now=now)
            counts += owned.fitting(session, actor, now=now)
        tasks += owned.open_rounds(session, actor, now=now)
    if actor.park_ids:
        tasks += overseen.organizations(session, actor)
        tasks += overseen.permits(session, actor, now=now)
        tasks += overseen.rounds(session, actor, now=now)
        tasks += overseen.stalled(session, actor, now=now)
        tasks += overseen.unanswered(session, actor, now=now)
        tasks += overseen.lapsing(session, actor, now=now)
        counts += overseen.park_counts(session, actor, now=now)
    if actor.park_ids or actor.recycles:
        tasks += over_committed(session, actor, now=now)
    if "operator" in actor.roles:
        tasks += overseen.platform(session, now=now)
    if actor.roles & {"operator", "auditor"}:
        counts += overseen.platform_counts(session, now=now, since=now - timedelta(days=1))
    return TodayPage(
        tasks=_one_red(sorted(tasks, key=lambda task: (ORDER[task.kind], task.rank))[:MOST]),
        more=max(0, len(tasks) - MOST),
        storages=storages,
        counts=tuple(counts),
        suspended=tuple((role.name_zh, role.name_en) for role in roles if role.suspended),
        idle=not roles,
    )


def _one_red(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Return the tasks with one red one at most: the first; whoever sees ten alarms sees none."""
    shown: list[Task] = []
    for task in tasks:
        red = task.kind == "fail"
        shown.append(task.softer() if red and shown else task)
    return tuple(shown)
