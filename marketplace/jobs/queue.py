"""
The task queue: it carries the ids of jobs to the workers, nothing else; the only module that knows huey.

A message may be lost, doubled or late without harm: the row in `jobs` is the truth, and each minute the worker looks
for rows that no message reached.
"""

from __future__ import annotations

import logging
import os
import socket
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from huey import Huey, PostgresHuey, SqliteHuey, crontab
from huey.serializer import SignedSerializer
from sqlalchemy.orm import Session, sessionmaker

from marketplace.adapters.mail import Mailer
from marketplace.domain.sealing import Sealer
from marketplace.jobs import (
    digests,  # noqa: F401  # fills the tables of `work`
    mail,
    rounds,  # noqa: F401  # fills the tables of `work`
    work,
)
from marketplace.services import jobs
from marketplace.services.opening import open_due

if TYPE_CHECKING:
    from marketplace.settings import Settings  # what stands above is known by type alone

log = logging.getLogger("marketplace.jobs")

NAME = "huiyong"


class Queue:
    """Sends job ids, and runs the worker that receives them."""

    def __init__(
        self,
        settings: Settings,
        sessions: sessionmaker[Session],
        mailer: Mailer,
        write: mail.Write,
        spreads: work.Spreads,
        sealer: Sealer,
    ) -> None:
        self._settings, self._sessions, self._mailer, self._write = settings, sessions, mailer, write
        self._tools = work.Tools(sealer, spreads)
        self._open = partial(open_due, sealer=sealer)
        self._made: Huey | None = None

    @property
    def _huey(self) -> Huey:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> Huey:
        signed = SignedSerializer(secret=self._settings.secret_key, salt="jobs")
        url = self._settings.database_url
        if url.startswith("sqlite"):
            huey: Huey = SqliteHuey(NAME, filename=str(self._settings.queue_file), serializer=signed, results=False)
        else:
            dsn = url.replace("postgresql+psycopg://", "postgresql://", 1)
            huey = PostgresHuey(NAME, dsn=dsn, serializer=signed, results=False)
        self._job = huey.task(name="run_job")(self._run)
        huey.periodic_task(crontab(minute="*"), name="sweep")(self.sweep)
        return huey

    def send(self, job_id: int) -> None:
        """Tell the workers that a job waits; if the queue is out of order the sweep finds the job."""
        try:
            huey = self._huey
            huey.enqueue(self._job.s(job_id))
        except Exception:  # whatever a broker raises, the act itself is done and must be answered
            log.warning("job %s could not be announced; the sweep will find it", job_id, exc_info=True)

    def _run(self, job_id: int) -> None:
        with self._sessions() as session:
            held = jobs.claim(session, job_id, now=datetime.now(UTC))
            if held is not None:
                work.run(self._sessions, held, self._tools)

    def sweep(self) -> None:
        """Each minute: say that the worker is there, send mail, do what deadlines ask for, find forgotten jobs."""
        now = datetime.now(UTC)
        with self._sessions() as session:
            jobs.beat(session, f"{socket.gethostname()}:{os.getpid()}", now=now)
            self._deliver(session, now)
            work.due(session, self._open, now=now)
            forgotten = jobs.waiting(session, now=now)
        for job_id in forgotten:
            self._run(job_id)

    def _deliver(self, session: Session, now: datetime) -> None:
        """Send mail; whatever goes wrong with it, deadlines and forgotten jobs have their turn."""
        try:
            mail.deliver(session, self._mailer, self._write, now=now)
        except Exception:
            session.rollback()
            log.exception("the mail could not be delivered")

    def work(self) -> None:
        """Run a worker in this process until it is told to stop."""
        self.sweep()
        self._huey.create_consumer(workers=2, worker_type="thread", max_delay=0.5, check_worker_health=True).run()
