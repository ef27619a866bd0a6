"""
A run of a round: hold it, freeze what it reads, solve outside any transaction, write down what was proved.

`_hold` is the one place where a round is taken: of several runs at the same moment one gets it. A run carries its
number; what it writes is written only while that number is the newest.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.canonical import sha256
from marketplace.domain.errors import Conflict, MarketplaceError, NotFound
from marketplace.domain.rounds import LEASE, MOST_RECOURSES, RoundResult, Snapshot
from marketplace.domain.sealing import Sealer
from marketplace.domain.steps import Tell, silent
from marketplace.domain.wording import Sentence
from marketplace.matching.clearing import clear
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.rounds import Round, RoundFile
from marketplace.services.proposals import propose, rest_of
from marketplace.services.roundoffers import offered_in, open_offers
from marketplace.services.snapshots import read_snapshot
from marketplace.solver.engines import Engine
from marketplace.solver.problem import Cancelled, SolverFailed
from marketplace.solver.spread import WorkersLost

log = logging.getLogger("marketplace.rounds")

Clock = Callable[[], datetime]
"""Tells the time, which goes on while a round is solved."""

BREATH: Final = timedelta(seconds=15)
"""How often a run says that it still holds its round."""

EXPLAINS: Final = 1
"""How much a run explains that is frozen now, see `Snapshot.explains`; what was frozen before is repeated as it was."""

STOPPED: Final = Sentence("The run was stopped before it had ended. It left no result.")


@dataclass(frozen=True)
class Run:
    """A run that holds a round; ``recourse`` allots again what was declined after publication."""

    round_id: int
    park_id: int
    attempt: int
    recourse: bool


def run_round(
    sessions: sessionmaker[Session],
    actor: Actor,
    round_id: int,
    *,
    engine: Engine,
    engine_name: str,
    sealer: Sealer,
    recourse: bool = False,
    now: Clock,
    tell: Tell = silent,
    wanted: Callable[[Session], None] = lambda _: None,
    holding: Callable[[Run], None] = lambda _: None,
) -> RoundResult:
    """
    Solve a closed round, or with ``recourse`` what was declined of a published one, and return the proved answer.

    ``tell`` hears which step it is at, beginning when the round is held, and may raise `Cancelled`: then the round is
    given back. ``wanted`` is asked in the transaction that would write the answer, and may raise it for the last time.
    ``holding`` is handed the run, so that another thread can `abandon` it.

    Raises NotFound, NotAllowed; Conflict if the round is not to be run now, somebody else runs it, there is no proved
    plan, or (recourse only, which publishes at once) something of the answer was sold meanwhile. Whatever goes wrong,
    the round is given back with the reason.
    """
    with sessions() as session:
        run = _hold(session, actor, round_id, recourse=recourse, now=now())
    try:
        holding(run)
        with _breathing(sessions, run, now):
            tell("reading", 0, 0)
            with sessions() as session:
                snapshot = _freeze(session, actor, run, sealer, now=now())
            result = clear(snapshot, engine, tell, engine_name=engine_name)
        with sessions() as session:
            _write_down(session, actor, run, result, wanted, now=now())
    except BaseException as failure:
        because = _cause(failure)
        _give_back(sessions, run, because, now=now())
        if isinstance(failure, SolverFailed):
            log.log(
                logging.INFO if isinstance(failure, Cancelled) else logging.WARNING, "round %s: %s", round_id, failure
            )
            raise Conflict(because.text) from failure
        raise
    return result


def abandon(sessions: sessionmaker[Session], run: Run, *, now: datetime) -> None:
    """Give back the round of a run that cannot do so itself; whatever it still brings is refused."""
    _give_back(sessions, run, STOPPED, now=now)


@dataclass(frozen=True)
class Replayed:
    """A run solved again: the hashes that were written down, those that come out now, and by which rules it was solved then."""

    pass_no: int
    rules: int
    input_sha256: str
    input_now: str
    result_sha256: str
    result_now: str

    @property
    def same(self) -> bool:
        """Whether both hashes are what was written down."""
        return self.input_sha256 == self.input_now and self.result_sha256 == self.result_now


def replay(session: Session, round_id: int, engine_of: Callable[[str], Engine]) -> list[Replayed]:
    """
    Solve the frozen inputs of a round again, each run that has a result; nothing is written.

    Raises NotFound if there is none. An input that cannot be solved any more has no hash of a result.
    """
    rows = session.execute(
        select(RoundFile.pass_no, RoundFile.kind, RoundFile.sha256, RoundFile.content)
        .where(RoundFile.round_id == round_id)
        .order_by(RoundFile.pass_no, RoundFile.kind)
    ).all()
    session.rollback()  # nothing is held while it is solved
    inputs = {row.pass_no: row for row in rows if row.kind == "input"}
    results = [row for row in rows if row.kind == "result"]
    if not results:
        raise NotFound("This round has no result that could be repeated.")
    found = []
    for known in results:
        frozen, rules = inputs[known.pass_no], 1
        try:
            then = RoundResult.from_json(known.content)
            name, rules = then.engine, then.rules
            again = clear(Snapshot.from_json(frozen.content), engine_of(name), engine_name=name).sha256
        except (SolverFailed, ValueError, KeyError, TypeError) as failure:
            log.warning("round %s, run %s cannot be solved again: %s", round_id, known.pass_no, failure)
            again = ""
        found.append(Replayed(known.pass_no, rules, frozen.sha256, sha256(frozen.content), known.sha256, again))
    return found


def _hold(session: Session, actor: Actor, round_id: int, *, recourse: bool, now: datetime) -> Run:
    """Take the round for a run: one conditional UPDATE, so that of several at once one gets it."""
    with transaction(session):
        of = session.get(Round, round_id, populate_existing=True)
        if of is None:
            raise NotFound
        actor.must("round.run", Belonging.to_park(of.park_id))
        statement = update(Round).where(
            Round.id == round_id,
            Round.voided_at.is_(None),
            or_(Round.solving_at.is_(None), Round.solving_at <= now - LEASE),
        )
        if recourse:
            statement = statement.where(
                Round.published_at.is_not(None),
                Round.settled_at.is_(None),
                Round.answer_by > now,
                Round.recourse_passes < MOST_RECOURSES,
            )
        else:
            statement = statement.where(
                Round.published_at.is_(None), or_(Round.closed_at.is_not(None), Round.closes_at <= now)
            )
        values: dict[str, Any] = {"solving_at": now, "attempt": Round.attempt + 1, "failed_because": None}
        if not recourse:
            values |= {"solved_at": None, "input_sha256": None, "result_sha256": None}
        if not _changed(session, statement.values(**values)):
            raise Conflict(
                "This round cannot be run now: it is still collecting, somebody else is running it, or it is decided."
            )
        attempt = session.get_one(Round, round_id, populate_existing=True).attempt
        record(session, actor, "round.run", "round", round_id, now=now, park_id=of.park_id, run=attempt)
    return Run(round_id, of.park_id, attempt, recourse)


def _freeze(session: Session, actor: Actor, run: Run, sealer: Sealer, *, now: datetime) -> Snapshot:
    """Open what was handed in sealed, read what the run is about, and write it down, to the byte."""
    with transaction(session):
        of = session.get_one(Round, run.round_id, populate_existing=True)
        open_offers(session, actor, of, sealer=sealer, now=now)
        snapshot = offered_in(session, of, replace(read_snapshot(session, of, now=now), explains=EXPLAINS))
        if run.recourse:
            snapshot = rest_of(session, of, snapshot)
        _file(session, run, "input", snapshot.to_json(), now=now)
    return snapshot


def _write_down(
    session: Session, actor: Actor, run: Run, result: RoundResult, wanted: Callable[[Session], None], *, now: datetime
) -> None:
    """
    Write the answer while the run still holds the round; of a recourse the awards are published with it.

    Whoever stops a run locks its round first, as the first UPDATE here does, so that either that is seen here or the
    answer stands before it is stopped.
    """
    with transaction(session):
        text = result.to_json()
        values: dict[str, Any] = {"solving_at": None}
        if run.recourse:
            values["recourse_passes"] = Round.recourse_passes + 1
        else:
            values |= {"solved_at": now, "input_sha256": result.snapshot_sha256, "result_sha256": sha256(text)}
        if not _changed(session, _mine(run).values(**values)):
            raise Conflict("This run took too long and another has taken the round over.")
        wanted(session)
        _file(session, run, "result", text, now=now)
        if run.recourse:
            of = session.get_one(Round, run.round_id, populate_existing=True)
            propose(session, of, run.attempt, result, recourse=True, now=now)
            record(
                session, actor, "round.publish", "round", run.round_id, now=now, park_id=run.park_id,
                run=run.attempt, awards=len(result.awards), result_sha256=sha256(text),
            )  # fmt: skip


def _give_back(sessions: sessionmaker[Session], run: Run, cause: Sentence, *, now: datetime) -> None:
    """Let go of the round, with the reason; nothing happens if another run holds it by now, or it was let go of."""
    with sessions() as session, transaction(session):
        if _changed(session, _mine(run).values(solving_at=None, failed_because=cause.plain())):
            record(
                session,
                Actor(name="system"),
                "round.stopped" if cause == STOPPED else "round.failed",
                "round",
                run.round_id,
                now=now,
                park_id=run.park_id,
                run=run.attempt,
            )


def _cause(failure: BaseException) -> Sentence:
    if isinstance(failure, MarketplaceError):
        return failure.sentence
    if isinstance(failure, Cancelled | KeyboardInterrupt):
        return STOPPED
    if isinstance(failure, WorkersLost):
        return Sentence("The machines that were to solve it could not be reached or stopped. Nothing was published.")
    if isinstance(failure, SolverFailed):
        return Sentence("The solver found no plan that could be proved. Nothing was published.")
    return Sentence("An error in the program stopped it; the operator finds the cause in the log.")


@contextmanager
def _breathing(sessions: sessionmaker[Session], run: Run, now: Clock) -> Iterator[None]:
    """Say every few seconds, beside the solver, that the run still holds its round."""
    done = threading.Event()

    def breathe() -> None:
        while not done.wait(BREATH.total_seconds()):
            try:
                with sessions() as session, transaction(session):
                    session.execute(_mine(run).values(solving_at=now()))
            except Exception:
                log.warning("round %s: the run could not say that it goes on", run.round_id, exc_info=True)

    beside = threading.Thread(target=breathe, name=f"round-{run.round_id}", daemon=True)
    beside.start()
    try:
        yield
    finally:
        done.set()
        beside.join()


def _mine(run: Run) -> Any:
    return update(Round).where(
        Round.id == run.round_id,
        Round.attempt == run.attempt,
        Round.solving_at.is_not(None),
        Round.voided_at.is_(None),
    )


def _file(session: Session, run: Run, kind: str, text: str, *, now: datetime) -> None:
    session.add(
        RoundFile(
            round_id=run.round_id, pass_no=run.attempt, kind=kind, sha256=sha256(text), content=text, written_at=now
        )
    )


def _changed(session: Session, statement: Any) -> bool:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount == 1
