"""Reads: can the site do its work?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from marketplace.persistence.outbox import WorkerPulse

PULSE = timedelta(minutes=3)
"""A worker says each minute that it is there; after three without a word it is not."""


@dataclass(frozen=True)
class Readiness:
    """What works."""

    database: bool
    migrations: bool
    worker: bool

    @property
    def all(self) -> bool:
        """Whether everything works."""
        return self.database and self.migrations and self.worker


def newest(migrations: Path) -> str | None:
    """Return the number of the newest migration that this code knows."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    return ScriptDirectory.from_config(config).get_current_head()


def readiness(session: Session, migrations: Path, *, now: datetime) -> Readiness:
    """Ask the database, compare its migration with the code's, and look for a worker's pulse."""
    try:
        session.execute(select(1))
    except SQLAlchemyError:
        return Readiness(database=False, migrations=False, worker=False)
    try:
        at = session.scalar(text("select version_num from alembic_version"))
        beat = session.scalar(select(func.max(WorkerPulse.beat_at)))
    except SQLAlchemyError:
        session.rollback()
        return Readiness(database=True, migrations=False, worker=False)
    return Readiness(database=True, migrations=at == newest(migrations), worker=beat is not None and now - beat < PULSE)
