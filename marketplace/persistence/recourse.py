"""Whether something of a published round was declined that no later run has read."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from marketplace.persistence.rounds import Award, RoundFile


def newly_declined(session: Session, round_id: int) -> bool:
    """Return whether an award was declined or lapsed after the newest run with a result read the round. One SELECT."""
    answer = aliased(RoundFile)
    last_read = (
        select(func.max(RoundFile.written_at))
        .where(
            RoundFile.round_id == round_id,
            RoundFile.kind == "input",
            select(answer.id)
            .where(answer.round_id == round_id, answer.pass_no == RoundFile.pass_no, answer.kind == "result")
            .exists(),
        )
        .scalar_subquery()
    )
    return (
        session.scalar(
            select(Award.id)
            .where(Award.round_id == round_id, func.coalesce(Award.declined_at, Award.lapsed_at) > last_read)
            .limit(1)
        )
        is not None
    )
