"""Jobs: asked for once, held by one worker, never lost with it, and an overtaken worker writes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM
from marketplace.domain.errors import Conflict
from marketplace.domain.wording import Sentence
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import Job, WorkerPulse
from marketplace.services import jobs
from tests.factories import NOON

LATER = NOON + jobs.LEASE


def asked(session: Session, key: str = "round:1:1") -> int:
    with transaction(session):
        return jobs.ask(session, SYSTEM, "round.run", key, {"round_id": 1}, now=NOON).id


def test_asked_for_twice_it_is_one_job(session: Session) -> None:
    first = asked(session)

    second = asked(session)

    assert second == first
    assert session.scalar(select(func.count(Job.id))) == 1


def test_a_job_is_asked_for_within_the_transaction_that_wants_it(session: Session) -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        jobs.ask(session, SYSTEM, "round.run", "k", {}, now=NOON)

    assert session.scalar(select(func.count(Job.id))) == 0


def test_one_worker_holds_it_until_its_lease_lapses(session: Session) -> None:
    job_id = asked(session)

    first = jobs.claim(session, job_id, now=NOON)
    second = jobs.claim(session, job_id, now=LATER - timedelta(seconds=1))
    third = jobs.claim(session, job_id, now=LATER)

    assert first == jobs.Claimed(job_id, "round.run", {"round_id": 1}, 1)
    assert second is None
    assert third == jobs.Claimed(job_id, "round.run", {"round_id": 1}, 2)


def test_saying_how_far_it_is_holds_it_longer(session: Session) -> None:
    held = jobs.claim(session, asked(session), now=NOON)
    assert held is not None

    jobs.progress(session, held, 3, 8, Sentence("Solving"), now=NOON + timedelta(seconds=50))

    assert jobs.waiting(session, now=LATER + timedelta(seconds=49)) == []
    assert jobs.waiting(session, now=LATER + timedelta(seconds=50)) == [held.id]
    assert session.execute(select(Job.done, Job.of)).one() == (3, 8)


def test_a_worker_that_was_overtaken_writes_nothing(session: Session) -> None:
    job_id = asked(session)
    slow = jobs.claim(session, job_id, now=NOON)
    fast = jobs.claim(session, job_id, now=LATER)
    assert slow is not None
    assert fast is not None

    with pytest.raises(Conflict):
        jobs.finish(session, slow, now=LATER)
    with pytest.raises(Conflict):
        jobs.progress(session, slow, 1, 1, None, now=LATER)
    jobs.finish(session, fast, now=LATER)

    assert session.execute(select(Job.ended_at, Job.done, Job.attempt)).one() == (LATER, 0, 2)


def test_it_is_given_up_after_too_many_lost_workers(session: Session) -> None:
    job_id = asked(session)
    now = NOON
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim(session, job_id, now=now) is not None
        now += jobs.LEASE

    assert jobs.claim(session, job_id, now=now) is None

    ended, why = session.execute(select(Job.ended_at, Job.failed_because)).one()
    assert ended == now
    assert why["text"] == "It was given up after several workers stopped in the middle of it."
    assert jobs.waiting(session, now=now + jobs.LEASE) == []


def test_a_pulse_is_one_row_for_each_worker(session: Session) -> None:
    jobs.beat(session, "host:1", now=NOON)

    jobs.beat(session, "host:1", now=LATER)

    assert session.execute(select(WorkerPulse.name, WorkerPulse.beat_at)).all() == [("host:1", LATER)]
