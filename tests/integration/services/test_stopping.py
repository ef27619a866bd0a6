"""A run that somebody stops gives its round back with the reason and writes nothing; one that nobody stops goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, NotAllowed, NotFound
from marketplace.domain.rounds import LEASE
from marketplace.domain.steps import Step
from marketplace.jobs import rounds as job_of_rounds
from marketplace.jobs import work
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.outbox import Job
from marketplace.persistence.rounds import Award, Leftover, Round, RoundFile
from marketplace.services import jobs
from marketplace.services.awards import decline_award
from marketplace.services.rounds import Run, abandon, ask_recourse, ask_run, run_round, state_of_round, stop_run
from marketplace.solver import engines
from marketplace.solver.problem import Allocation, Cancelled, Problem
from marketplace.solver.spread import OneCore, WorkersLost
from tests.factories import SEALER, Make
from tests.integration.services.rounds_world import AFTER, World, awards_of, published, sessions, solve, world

STOPPED = {"text": "The run was stopped before it had ended. It left no result.", "values": {}}
SCIPY = engines.engine("scipy")


def row(session: Session, round_id: int) -> Round:
    found = session.get_one(Round, round_id, populate_existing=True)
    session.rollback()
    return found


def state(session: Session, round_id: int, now: datetime = AFTER) -> str:
    return state_of_round(row(session, round_id), now)


def acts(session: Session) -> list[str]:
    found = list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))
    session.rollback()
    return found


def written(session: Session) -> dict[str, int]:
    """How many rows there are of what a run writes."""
    found = {
        table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
        for table in (Award, Leftover, RoundFile)
    }
    session.rollback()
    return found


def job(session: Session, job_id: int) -> tuple[bool, object]:
    """Whether a job has ended, and why it failed."""
    ended_at, because = session.execute(select(Job.ended_at, Job.failed_because).where(Job.id == job_id)).one()
    session.rollback()
    return ended_at is not None, because


def do(session: Session, job_id: int) -> None:
    """Do a job as a worker does."""
    session.rollback()
    held = jobs.claim(session, job_id, now=datetime.now(UTC))
    assert held is not None
    work.run(sessions(session), held, work.Tools(SEALER))


def stopping(session: Session, actor: Actor, round_id: int, then: Callable[[], None] = lambda: None) -> engines.Engine:
    """Return an engine in the middle of which somebody stops the run; it says nothing of its progress after that."""

    def solved(problem: Problem, /, *, progress: engines.Progress | None = None) -> Allocation:
        with sessions(session)() as other:
            stop_run(other, actor, round_id, now=datetime.now(UTC))
        then()
        return SCIPY(problem)

    return solved


@pytest.fixture
def made(make: Make) -> World:
    return world(make)


def test_a_run_that_waits_for_a_worker_ends_at_once(session: Session, made: World) -> None:
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)

    stop_run(session, actor, of.id, now=AFTER)

    assert job(session, asked) == (True, STOPPED)
    assert jobs.claim(session, asked, now=AFTER) is None
    assert state(session, of.id) == "closed"
    assert acts(session) == ["round.stop"]
    again = ask_run(session, actor, of.id, now=AFTER)
    assert again != asked
    do(session, again)
    assert state(session, of.id) == "solved"


def test_a_run_in_the_middle_is_stopped_at_its_next_word(
    session: Session, made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)
    monkeypatch.setattr(job_of_rounds, "engine", lambda *_, **__: stopping(session, actor, of.id))

    do(session, asked)

    assert state(session, of.id) == "closed"
    assert row(session, of.id).failed_because == STOPPED
    assert job(session, asked) == (True, STOPPED)
    assert written(session) == {"awards": 0, "leftovers": 0, "round_files": 1}
    assert acts(session) == ["round.run", "round.stop", "round.stopped"]
    assert list(broken(session)) == []
    session.rollback()
    monkeypatch.setattr(job_of_rounds, "engine", engines.engine)
    do(session, ask_run(session, actor, of.id, now=AFTER))
    assert state(session, of.id) == "solved"
    assert row(session, of.id).failed_because is None


def test_control_a_run_that_does_not_look_goes_on(
    session: Session, made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)
    monkeypatch.setattr(job_of_rounds, "engine", lambda *_, **__: stopping(session, actor, of.id))
    monkeypatch.setattr(jobs, "wanted", lambda *_: None)
    monkeypatch.setattr(job_of_rounds, "wanted", lambda *_: None)

    do(session, asked)

    assert state(session, of.id) == "solved"


@pytest.mark.parametrize(("looks", "then"), [(True, "closed"), (False, "solved")])
def test_the_last_look_is_in_the_transaction_that_would_write(
    session: Session, made: World, monkeypatch: pytest.MonkeyPatch, *, looks: bool, then: str
) -> None:
    """Without that look, the last case, what is stopped after the last word of progress is written all the same."""
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)
    monkeypatch.setattr(job_of_rounds, "engine", lambda *_, **__: stopping(session, actor, of.id))
    monkeypatch.setattr(job_of_rounds.Word, "tell", lambda *_: None)
    if not looks:
        monkeypatch.setattr(job_of_rounds, "wanted", lambda *_: None)

    do(session, asked)

    assert state(session, of.id) == then
    assert written(session)["round_files"] == (1 if looks else 2)


def test_a_run_that_nobody_stops_says_each_step_in_order(
    session: Session, made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)
    said: list[str | None] = []
    progress = jobs.progress

    def noted(*given: object, step: str | None = None, **named: object) -> None:
        said.append(step)
        progress(*given, step=step, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "progress", noted)
    do(session, asked)

    assert list(dict.fromkeys(said)) == ["reading", "joining", "solving", "proving", "explaining"]
    assert job(session, asked) == (True, None)
    assert session.scalar(select(Job.step).where(Job.id == asked)) == "explaining"


def test_what_is_allotted_again_goes_back_to_published(
    session: Session, make: Make, made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.recycler(price=5000)
    of, actor = made.round(), made.administrator
    before = published(session, made, of)
    decline_award(session, make.signatory(made.plants[0]), before[0].id, "The price.", now=AFTER + timedelta(hours=1))
    asked = ask_recourse(session, actor, of.id, now=AFTER)
    monkeypatch.setattr(job_of_rounds, "engine", lambda *_, **__: stopping(session, actor, of.id))

    do(session, asked)

    assert state(session, of.id) == "published"
    after = row(session, of.id)
    assert (after.failed_because, after.solving_at, after.recourse_passes) == (STOPPED, None, 0)
    assert [award.id for award in awards_of(session, of)] == [award.id for award in before]
    monkeypatch.setattr(job_of_rounds, "engine", engines.engine)
    do(session, ask_recourse(session, actor, of.id, now=AFTER))
    assert len(awards_of(session, of)) == len(before) + 1


def test_asked_for_twice_it_is_stopped_once(session: Session, made: World) -> None:
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)
    held = jobs.claim(session, asked, now=AFTER)
    assert held is not None

    stop_run(session, actor, of.id, now=AFTER)
    stop_run(session, actor, of.id, now=AFTER + timedelta(seconds=1))

    assert session.scalar(select(Job.cancelled_at)) == AFTER
    assert acts(session) == ["round.stop"]
    with pytest.raises(Cancelled):
        jobs.progress(session, held, 1, 2, None, step="solving", now=AFTER)
    assert session.execute(select(Job.done, Job.step)).one() == (0, None)


def test_only_who_may_run_rounds_stops_them(session: Session, make: Make, made: World) -> None:
    of = made.round()
    asked = ask_run(session, made.administrator, of.id, now=AFTER)
    strangers = [make.administrator(make.park()), make.signatory(made.plants[0]), make.signatory(make.organization())]

    for stranger in strangers:
        with pytest.raises(NotFound):
            stop_run(session, stranger, of.id, now=AFTER)
    with pytest.raises(NotAllowed):
        stop_run(session, make.actor(make.person("auditor")), of.id, now=AFTER)
    with pytest.raises(NotFound):
        stop_run(session, made.administrator, of.id + 1, now=AFTER)

    assert job(session, asked) == (False, None)
    assert acts(session) == []


def test_what_is_not_under_way_is_not_stopped(session: Session, made: World) -> None:
    of, actor = made.round(), made.administrator
    with pytest.raises(Conflict, match="under way"):
        stop_run(session, actor, of.id, now=AFTER)
    asked = ask_run(session, actor, of.id, now=AFTER)
    held = jobs.claim(session, asked, now=AFTER)
    solve(session, actor, of)

    with pytest.raises(Conflict, match="under way"):  # it has written its answer and is about to say that it ended
        stop_run(session, actor, of.id, now=AFTER)

    assert held is not None
    assert state(session, of.id) == "solved"
    assert session.scalar(select(Job.cancelled_at)) is None


def test_a_run_from_the_command_line_is_stopped_there(session: Session, made: World) -> None:
    of, actor = made.round(), made.administrator
    seen = []

    def solved(problem: Problem, /, *, progress: engines.Progress | None = None) -> Allocation:
        with sessions(session)() as other, pytest.raises(Conflict, match="Ctrl-C") as refused:
            stop_run(other, actor, of.id, now=AFTER)
        seen.append(refused.value)
        return SCIPY(problem)

    solve(session, actor, of, solver=solved)

    assert len(seen) == 1
    assert state(session, of.id) == "solved"


def test_a_round_whose_worker_died_is_given_back_at_once(session: Session, made: World) -> None:
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)
    assert jobs.claim(session, asked, now=AFTER) is not None
    with transaction(session):
        session.execute(update(Round).values(solving_at=AFTER, attempt=1))

    stop_run(session, actor, of.id, now=AFTER + LEASE)

    assert state(session, of.id, AFTER + LEASE) == "closed"
    assert row(session, of.id).failed_because == STOPPED
    assert job(session, asked) == (True, STOPPED)


def test_a_stopped_run_that_lost_its_worker_is_given_back_by_the_next(session: Session, made: World) -> None:
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)
    then = datetime.now(UTC) - 2 * LEASE
    assert jobs.claim(session, asked, now=then) is not None
    with transaction(session):
        session.execute(update(Round).values(solving_at=then, attempt=1))
    stop_run(session, actor, of.id, now=then + timedelta(seconds=30))
    assert job(session, asked) == (False, None)

    do(session, asked)

    assert state(session, of.id) == "closed"
    assert row(session, of.id).failed_because == STOPPED
    assert job(session, asked) == (True, STOPPED)
    assert written(session)["round_files"] == 0


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (KeyboardInterrupt(), STOPPED["text"]),
        (Cancelled(), STOPPED["text"]),
        (
            WorkersLost("3 processes died"),
            "The machines that were to solve it could not be reached or stopped. Nothing was published.",
        ),
    ],
)
def test_whatever_ends_a_run_is_told_as_what_it_is(
    session: Session, made: World, failure: BaseException, text: str
) -> None:
    of, actor = made.round(), made.administrator

    def failing(problem: Problem, /, *, progress: engines.Progress | None = None) -> Allocation:
        raise failure

    with pytest.raises((KeyboardInterrupt, Conflict)) as raised:
        solve(session, actor, of, solver=failing)

    assert (row(session, of.id).failed_because or {})["text"] == text
    assert str(raised.value) == ("" if isinstance(failure, KeyboardInterrupt) else text)
    assert state(session, of.id) == "closed"


def test_what_an_abandoned_run_still_brings_is_refused(session: Session, made: World) -> None:
    of, actor = made.round(), made.administrator
    round_id, held = of.id, list[Run]()
    session.rollback()

    def left(problem: Problem, /, *, progress: engines.Progress | None = None) -> Allocation:
        abandon(sessions(session), held[0], now=AFTER)
        return SCIPY(problem)

    with pytest.raises(Conflict, match="another has taken"):
        run_round(
            sessions(session),
            actor,
            round_id,
            engine=left,
            engine_name="scipy",
            sealer=SEALER,
            holding=held.append,
            now=lambda: AFTER,
        )

    assert state(session, round_id) == "closed"
    assert row(session, round_id).failed_because == STOPPED
    assert written(session) == {"awards": 0, "leftovers": 0, "round_files": 1}
    assert acts(session) == ["round.run", "round.stopped"]


def test_who_waits_for_workers_says_the_last_word_again(session: Session, made: World) -> None:
    said: list[tuple[int, int, str | None]] = []

    def progress(done: int, of: int, note: object = None, *, step: str | None = None) -> None:
        said.append((done, of, step))

    word = job_of_rounds.Word(progress)
    steps: list[tuple[Step, int, int]] = [("reading", 0, 0), ("solving", 0, 9), ("solving", 4, 9)]
    for each in steps:
        word.tell(*each)
    word.again()

    assert said == [(0, 0, "reading"), (0, 9, "solving"), (4, 9, "solving")]


def test_each_run_has_a_place_of_its_own_and_closes_it(session: Session, made: World) -> None:
    of, actor = made.round(), made.administrator
    asked = ask_run(session, actor, of.id, now=AFTER)
    session.rollback()
    closed = []

    class Place(OneCore):
        def close(self) -> None:
            closed.append(self)

    held = jobs.claim(session, asked, now=datetime.now(UTC))
    assert held is not None
    work.run(sessions(session), held, work.Tools(SEALER, lambda _: Place()))

    assert len(closed) == 1
    assert state(session, of.id) == "solved"


def test_a_job_is_cancelled_within_the_transaction_that_wants_it(session: Session) -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        jobs.cancel(session, 1, job_of_rounds.__doc__, now=AFTER)  # type: ignore[arg-type]
