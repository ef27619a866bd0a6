"""Writes: rounds are opened, closed, run, published, made void, and what was declined is allotted again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM, Actor, Belonging
from marketplace.domain.canonical import sha256
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.rounds import (
    LEASE,
    MOST_RECOURSES,
    NewRound,
    RoundResult,
    State,
    must_go,
    state_of,
)
from marketplace.domain.wording import Sentence
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import Job
from marketplace.persistence.parks import Park
from marketplace.persistence.recourse import newly_declined
from marketplace.persistence.rounds import Award, Contract, Round, RoundFile
from marketplace.services import jobs
from marketplace.services.counters import release
from marketplace.services.proposals import hold_round, propose, settle_if_final, share_of
from marketplace.services.runs import STOPPED, Replayed, Run, abandon, replay, run_round

__all__ = [
    "Replayed",
    "Run",
    "abandon",
    "ask_recourse",
    "ask_run",
    "close_round",
    "open_round",
    "publish_round",
    "replay",
    "run_round",
    "settle_due",
    "state_of_round",
    "stop_run",
    "void_round",
]

SOLVE = "round.solve"
"""The kind of the job that runs a round."""

MOST_CAUSE = 500


def open_round(session: Session, actor: Actor, new: NewRound, *, now: datetime) -> int:
    """
    Open a round of a park, which collects from now on, and return its id.

    Raises NotFound if there is no such park or it is not the actor's, Invalid if it would close in the past.
    """
    with transaction(session):
        park = session.scalar(select(Park.id).where(Park.id == new.park_id).with_for_update())
        if park is None:
            raise NotFound
        actor.must("round.open", Belonging.to_park(new.park_id))
        new.must_lie_ahead(now=now)
        last = session.scalar(select(func.max(Round.number)).where(Round.park_id == new.park_id)) or 0
        made = Round(
            park_id=new.park_id,
            number=last + 1,
            kind=new.kind,
            objective=new.objective,
            subsidy_fen_per_t=new.subsidy_fen_per_t,
            contract_fee_fen=new.contract_fee_fen,
            truckload_kg=new.truckload_kg,
            first_month=new.first_month,
            last_month=new.last_month,
            max_m=new.max_km * 1000,
            circuity_permille=new.circuity_permille,
            opened_at=new.opens_at,
            opened_by=actor.person_id,
            closes_at=new.closes_at,
            answer_by=new.answers_until,
        )
        session.add(made)
        session.flush()
        about: dict[str, Any] = {
            "number": made.number,
            "planning": made.kind == "planning",
            "objective": made.objective,
        }
        if made.subsidy_fen_per_t:
            about["subsidy_fen_per_t"] = made.subsidy_fen_per_t
        if made.contract_fee_fen:
            about["contract_fee_fen"] = made.contract_fee_fen
        if made.truckload_kg is not None:
            about["truckload_kg"] = made.truckload_kg
        _note(session, actor, "round.open", made, now, **about)
    return made.id


def close_round(session: Session, actor: Actor, round_id: int, *, now: datetime) -> None:
    """Close a collecting round before its time. Raises NotFound, NotAllowed, Conflict."""
    with transaction(session):
        of = _round(session, actor, round_id, "round.close")
        must_go(state_of_round(of, now), "closed", "park_admin")
        of.closed_at = now
        _note(session, actor, "round.close", of, now)


def ask_run(session: Session, actor: Actor, round_id: int, *, now: datetime) -> int:
    """
    Ask for a run of a closed (or solved, not yet published) round, and return the id of the job to be announced.

    Asked for twice while it waits it is one job. Raises NotFound, NotAllowed, Conflict.
    """
    with transaction(session):
        of = _round(session, actor, round_id, "round.run")
        if not _stalled(of, now):
            must_go(state_of_round(of, now), "solving", "park_admin")
        if of.answer_by <= now:
            raise Conflict("The time for answers has passed: open a new round.")
        job = _ask(session, actor, of, recourse=False, now=now)
    return job.id


def ask_recourse(session: Session, actor: Actor, round_id: int, *, now: datetime) -> int:
    """
    Ask for what was declined to be allotted again, the accepted and open awards kept; return the id of the job.

    Raises NotFound, NotAllowed; Conflict if nothing was declined, the deadline has passed, or it was done twice.
    """
    with transaction(session):
        of = _round(session, actor, round_id, "round.run")
        if state_of_round(of, now) != "published":
            raise Conflict("Only while answers are awaited can what was declined be allotted again.")
        if of.solving_at is not None and not _stalled(of, now):
            raise Conflict("What was declined is being allotted again already.")
        if of.recourse_passes >= MOST_RECOURSES:
            raise Conflict("What was declined has been allotted again twice, which is the most.")
        if not newly_declined(session, of.id):
            raise Conflict("Nothing was declined since the last proposal.")
        job = _ask(session, actor, of, recourse=True, now=now)
    return job.id


def stop_run(session: Session, actor: Actor, round_id: int, *, now: datetime) -> None:
    """
    Stop the run of a round that is under way or waits for a worker: it leaves no result.

    One that nobody works at has ended with that, and its round is given back; whoever works at it sees it at the next
    word of progress. Asked for again it changes nothing. Raises NotFound, NotAllowed; Conflict if there is no such run
    any more, or it was started from the command line.
    """
    with transaction(session):
        of = _round(session, actor, round_id, "round.stop")
        stalled = _stalled(of, now)
        under_way = _jobs_under_way(session, of)
        if not under_way and not stalled:
            if of.solving_at is not None:
                raise Conflict("This run was started from the command line, where Ctrl-C ends it.")
            raise Conflict("No run of this round is under way any more.")
        news = [jobs.cancel(session, job_id, STOPPED, now=now) for job_id in under_way]
        if stalled:
            of.solving_at, of.failed_because = None, STOPPED.plain()
        if stalled or any(news):
            _note(session, actor, "round.stop", of, now, run=of.attempt)


def publish_round(session: Session, actor: Actor, round_id: int, *, now: datetime) -> int:
    """
    Publish what the last run proved, and return how many awards there are: reserve their kilograms, tell both sides.

    Of several at the same moment one publishes. Raises NotFound, NotAllowed; Conflict if there is nothing to publish,
    or something of it was sold meanwhile: then nothing is published and the round goes back to closed, to be run again.
    """
    try:
        with transaction(session):
            of = _round(session, actor, round_id, "round.publish")
            attempt = of.attempt
            must_go(state_of_round(of, now), "published", "park_admin")
            if of.answer_by <= now:
                raise Conflict("The time for answers has passed: open a new round.")
            result = _proved(session, of)
            _take(session, of, actor, now)
            try:
                propose(session, of, attempt, result, now=now)
            except Conflict as sold:
                raise _SoldSince(sold) from sold
            _note(
                session,
                actor,
                "round.publish",
                of,
                now,
                run=attempt,
                awards=len(result.awards),
                result_sha256=of.result_sha256,
            )
    except _SoldSince as sold:
        _take_back(session, round_id, attempt, sold.because, now)
        raise Conflict(
            "Something of this result has been sold since it was solved, so nothing was published: %(reason)s"
            " Run the round again.",
            reason=sold.because,
        ) from sold
    return len(result.awards)


def void_round(session: Session, actor: Actor, round_id: int, cause: str, *, now: datetime) -> None:
    """
    Make a round void, with a cause that is shown; what it reserved is given back.

    Raises NotFound, NotAllowed; Invalid without a cause; Conflict while it is being solved or once a contract stands.
    """
    with transaction(session):
        of = _round(session, actor, round_id, "round.void")
        must_go(state_of_round(of, now), "void", "park_admin")
        if of.solving_at is not None:
            raise Conflict("The round is being solved. Wait until the run has ended.")
        said = cause.strip()
        if not said:
            raise Invalid("Say why the round is made void: those who take part read it.", field="cause")
        if len(said) > MOST_CAUSE:
            raise Invalid("At most %(most)s characters.", field="cause", most=MOST_CAUSE)
        awards = session.scalars(
            select(Award)
            .where(Award.round_id == round_id)
            .order_by(Award.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        if session.scalar(select(func.count(Contract.id)).where(Contract.award_id.in_([each.id for each in awards]))):
            raise Conflict("A contract has been made from this round, so it stands.")
        live = [each for each in awards if each.declined_at is None and each.lapsed_at is None]
        release(session, *(share_of(session, each) for each in live if each.price_fen_per_t is not None))
        for each in live:
            each.declined_at, each.declined_by, each.decline_reason = now, "park", said
        of.voided_at, of.void_cause = now, said
        _note(session, actor, "round.void", of, now, cause=said)


def settle_due(session: Session, now: datetime) -> None:
    """Say of each round whose deadline has passed that it is settled; they count as settled before."""
    ids = session.scalars(
        select(Round.id).where(
            Round.published_at.is_not(None),
            Round.settled_at.is_(None),
            Round.voided_at.is_(None),
            Round.answer_by <= now,
        )
    ).all()
    for round_id in ids:
        with transaction(session):
            hold_round(session, round_id)
            if settle_if_final(session, round_id, most_recourses=MOST_RECOURSES, now=now):
                record(session, SYSTEM, "round.settle", "round", round_id, now=now)


def state_of_round(of: Round, now: datetime) -> State:
    """Read the state of a round off its row."""
    return state_of(
        now,
        opens_at=of.opened_at,
        closes_at=of.closes_at,
        answers_until=of.answer_by,
        closed_at=of.closed_at,
        solving_at=of.solving_at,
        solved_at=of.solved_at,
        published_at=of.published_at,
        settled_at=of.settled_at,
        voided_at=of.voided_at,
    )


class _SoldSince(Exception):
    """A counter does not hold what an award takes any more."""

    def __init__(self, refusal: Conflict) -> None:
        self.because: Sentence = refusal.sentence
        super().__init__(str(refusal))


def _round(session: Session, actor: Actor, round_id: int, action: str) -> Round:
    """Return a round that is to be changed, held until the transaction ends."""
    of = session.scalar(
        select(Round).where(Round.id == round_id).with_for_update().execution_options(populate_existing=True)
    )
    if of is None:
        raise NotFound
    actor.must(action, Belonging.to_park(of.park_id))
    return of


def _stalled(of: Round, now: datetime) -> bool:
    """Return whether the run that holds a round has not been heard of for too long."""
    return of.solving_at is not None and of.solving_at <= now - LEASE and of.voided_at is None


def _jobs_under_way(session: Session, of: Round) -> list[int]:
    """Return the jobs of a round that have not ended, but for one whose run has just ended and not yet said so."""
    rows = session.execute(
        select(Job.id, Job.key).where(Job.key.startswith(f"round:{of.id}:"), Job.ended_at.is_(None)).order_by(Job.id)
    )
    return [job_id for job_id, key in rows if of.solving_at is not None or of.attempt < int(key.split(":")[2])]


def _ask(session: Session, actor: Actor, of: Round, *, recourse: bool, now: datetime) -> Job:
    """Ask for the next run: one job while it waits, and another one if it ended without having taken the round."""
    key = f"round:{of.id}:{of.attempt + 1}"
    ended = session.scalar(
        select(func.count(Job.id)).where(or_(Job.key == key, Job.key.startswith(f"{key}:")), Job.ended_at.is_not(None))
    )
    arguments = {"round_id": of.id, "recourse": recourse}
    return jobs.ask(session, actor, SOLVE, f"{key}:{ended}" if ended else key, arguments, now=now)


def _proved(session: Session, of: Round) -> RoundResult:
    """Return the result of the last run. Raises Conflict if its bytes are not those whose hash was written down."""
    content = session.scalar(
        select(RoundFile.content).where(
            RoundFile.round_id == of.id, RoundFile.pass_no == of.attempt, RoundFile.kind == "result"
        )
    )
    if content is None or sha256(content) != of.result_sha256:
        raise Conflict("The result on record is not the one that was proved. Run the round again.")
    return RoundResult.from_json(content)


def _take(session: Session, of: Round, actor: Actor, now: datetime) -> None:
    """Publish once: one conditional UPDATE, which only the newest run's result passes and only the first of several."""
    taken = session.execute(
        update(Round)
        .where(
            Round.id == of.id,
            Round.attempt == of.attempt,
            Round.solved_at.is_not(None),
            Round.solving_at.is_(None),
            Round.published_at.is_(None),
            Round.voided_at.is_(None),
        )
        .values(published_at=now, published_by=actor.person_id, failed_because=None)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", taken).rowcount != 1:
        raise Conflict("Somebody else has published this round or is running it again.")


def _take_back(session: Session, round_id: int, attempt: int, because: Sentence, now: datetime) -> None:
    why = Sentence(
        "Something of the result had been sold before it was published: %(reason)s Run the round again.",
        {"reason": because},
    )
    with transaction(session):
        session.execute(
            update(Round)
            .where(Round.id == round_id, Round.attempt == attempt, Round.published_at.is_(None))
            .values(solved_at=None, input_sha256=None, result_sha256=None, failed_because=why.plain())
            .execution_options(synchronize_session=False)
        )
        record(session, SYSTEM, "round.oversold", "round", round_id, now=now, run=attempt)


def _note(session: Session, actor: Actor, action: str, of: Round, now: datetime, **detail: Any) -> None:
    record(session, actor, action, "round", of.id, now=now, park_id=of.park_id, **detail)
