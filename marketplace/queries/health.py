"""Reads: can the site do its work?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text, union
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from marketplace.domain.sealing import Sealer
from marketplace.persistence.listings import Bid
from marketplace.persistence.outbox import WorkerPulse
from marketplace.persistence.roundoffers import RoundOffer

PULSE = timedelta(minutes=3)
"""A worker says each minute that it is there; after three without a word it is not."""


@dataclass(frozen=True)
class Readiness:
    """What works."""

    database: bool
    migrations: bool
    worker: bool
    seals: bool
    """Bids can be sealed, and those that are sealed can be opened when their time comes."""

    @property
    def all(self) -> bool:
        """Whether everything works."""
        return self.database and self.migrations and self.worker and self.seals


def newest(migrations: Path) -> str | None:
    """Return the number of the newest migration that this code knows."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    return ScriptDirectory.from_config(config).get_current_head()


def readiness(session: Session, migrations: Path, sealer: Sealer, *, now: datetime) -> Readiness:
    """Ask the database, compare its migration with the code's, look for a worker's pulse and for the keys of the seals."""
    try:
        session.execute(select(1))
    except SQLAlchemyError:
        return Readiness(database=False, migrations=False, worker=False, seals=False)
    try:
        at = session.scalar(text("select version_num from alembic_version"))
        beat = session.scalar(select(func.max(WorkerPulse.beat_at)))
        sealed = session.scalars(
            union(
                *(
                    select(table.seal_key_id).where(
                        table.seal_key_id.is_not(None),
                        table.opened_at.is_(None),
                        table.replaced_at.is_(None),
                        table.withdrawn_at.is_(None),
                    )
                    for table in (Bid, RoundOffer)
                )
            )
        ).all()
    except SQLAlchemyError:
        session.rollback()
        return Readiness(database=True, migrations=False, worker=False, seals=False)
    return Readiness(
        database=True,
        migrations=at == newest(migrations),
        worker=beat is not None and now - beat < PULSE,
        seals=sealer.ready(key for key in sealed if key is not None),
    )
