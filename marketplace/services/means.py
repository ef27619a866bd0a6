"""Whether the means that a run kept are still kept when its result is published: what else arrives may have changed since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Arriving, RoundResult, Snapshot
from marketplace.persistence.arriving import arriving_at
from marketplace.persistence.fit import accepting
from marketplace.persistence.rounds import RoundFile


def must_keep_means(session: Session, round_id: int, pass_no: int, result: RoundResult, *, now: datetime) -> None:
    """
    Ask whether at each line and month that gets something, under a mean, the same arrives beside it as the run read.

    The lines are held by then. More of what balances would do no harm, but nobody has proved with it; so any change asks
    for another run. Four SELECTs, none where no mean binds several lots together. Raises Conflict.
    """
    if not result.report.means:
        return
    text = session.scalar(
        select(RoundFile.content).where(
            RoundFile.round_id == round_id, RoundFile.pass_no == pass_no, RoundFile.kind == "input"
        )
    )
    if text is None:
        raise Conflict("What this run read is not kept.")
    months = {line_id: set[Month]() for line_id in {each.line_id for each in result.awards}}
    for award in result.awards:
        months[award.line_id].update(month for month, _ in award.months)
    snapshot = Snapshot.from_json(text)
    read = {line.line_id: line.arriving for line in snapshot.lines if line.line_id in months}
    lines = accepting(session, months)
    today = arriving_at(session, lines, snapshot.months, now=now)
    for line_id, line in lines.items():
        counted = {limit.property for limit in line.limits if limit.monthly_mean}
        then, there = (
            _beside(rows, counted, months[line_id]) for rows in (read.get(line_id, ()), today.get(line_id, ()))
        )
        if then != there:
            raise Conflict(
                "What else arrives at a line, whose mean of a month must keep its limit, has changed since the round was"
                " solved. Run the round again."
            )


def _beside(rows: Iterable[Arriving], counted: set[str], months: set[Month]) -> list[tuple[Month, str, str, str, int]]:
    """Return what arrives in these months and counts in a mean, in one order."""
    return sorted(
        (each.month, each.property, each.material, str(each.value), each.kg)
        for each in rows
        if each.property in counted and each.month in months
    )
