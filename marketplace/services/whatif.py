"""What if: a question to a round that was solved, answered from its frozen files; nothing is written."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, NotFound
from marketplace.domain.rounds import RoundResult, Snapshot
from marketplace.domain.whatif import Question, RadiusWider, TooLarge, WhatIf
from marketplace.matching.whatif import what_if
from marketplace.persistence.rounds import Round, RoundFile
from marketplace.services.snapshots import beyond
from marketplace.solver import engines
from marketplace.solver.certificate import certify
from marketplace.solver.problem import Allocation, Problem, SolverFailed

MOST_CHARACTERS: Final = 12_000_000
"""So much of frozen files is read while a page waits, about a second."""


def ask(session: Session, actor: Actor, round_id: int, question: Question, *, now: datetime) -> WhatIf:
    """
    Return what a question changes in the answer that the round's page shows.

    Raises NotFound, NotAllowed; Conflict if the round has no answer, or none to this question can be proved; Invalid for
    a question that makes no sense; TooLarge.
    """
    of = session.get(Round, round_id)
    if of is None:
        raise NotFound
    actor.must("round.ask", Belonging.to_park(of.park_id))
    snapshot, result = _frozen(session, of)
    if isinstance(question, RadiusWider) and question.line_id is None:
        snapshot = beyond(session, snapshot, question.km, now=now)
    session.rollback()  # nothing is held while it is solved
    try:
        return what_if(snapshot, result, question, engines.engine(), prove)
    except SolverFailed as failure:
        raise Conflict("The solver found no plan that could be proved.") from failure


def _frozen(session: Session, of: Round) -> tuple[Snapshot, RoundResult]:
    files = (RoundFile.round_id == of.id, RoundFile.kind == "result", RoundFile.sha256 == of.result_sha256)
    pass_no = session.scalar(select(func.max(RoundFile.pass_no)).where(*files))
    if pass_no is None:
        raise Conflict("This round has no answer yet.")
    run = (RoundFile.round_id == of.id, RoundFile.pass_no == pass_no)
    length = session.scalar(select(func.sum(func.length(RoundFile.content))).where(*run)) or 0
    if length > MOST_CHARACTERS:
        raise TooLarge("This round is too large to be read while a page waits.")
    read = {row.kind: row.content for row in session.execute(select(RoundFile.kind, RoundFile.content).where(*run))}
    return Snapshot.from_json(read["input"]), RoundResult.from_json(read["result"])


def prove(problem: Problem, allocation: Allocation) -> None:
    """Raise SolverFailed unless the allocation is certified."""
    certificate = certify(problem, allocation)
    if not certificate.valid:
        raise SolverFailed("; ".join(certificate.violations) or "the plan is not proved")
