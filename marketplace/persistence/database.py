"""The engine, its sessions, and `transaction`, the one way to write."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import uniform
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from marketplace.domain.errors import Conflict

TWICE: Final = ("23505", sqlite3.SQLITE_CONSTRAINT_UNIQUE)
"""How PostgreSQL and SQLite call what may be there only once and is there already."""

BUSY_SECONDS = 30
"""How long a writer waits for its turn on SQLite."""

ASKS_AFTER: Final = (0.0005, 0.003)
"""After so many seconds a waiting writer asks again; by chance, so that no two keep step."""


def connect(url: str) -> Engine:
    """
    Return the engine of a database.

    On SQLite: write-ahead log, foreign keys on, every commit on disk before it is answered, and transactions begun by
    us, since the driver begins none before a SELECT and would let two writers read the same counter. No error tells
    the values of a statement, since errors go into logs: prices, tokens and passwords do not.
    """
    if url.startswith("sqlite"):
        engine = create_engine(
            url, pool_size=16, max_overflow=16, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS}
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(url, pool_size=16, max_overflow=16, pool_pre_ping=True, hide_parameters=True)
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def sessions_of(engine: Engine) -> sessionmaker[Session]:
    """Return what makes sessions: rows stay readable after a commit, and nothing is flushed by chance."""
    return sessionmaker(engine, expire_on_commit=False, autoflush=False)


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing; `_begin_sqlite` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "temp_store=MEMORY",
        "cache_size=-32000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _set_up_postgresql(connection: Any, record: object) -> None:
    """Wait for another's lock as long as on SQLite; by itself PostgreSQL would wait for ever."""
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    """Begin as a writer where the transaction will write: a reader that turns writer is refused, however long it waits."""
    if connection.get_execution_options().get("writes", False):
        _begin_to_write(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_to_write(connection: Connection) -> None:
    """
    Wait until nobody else writes, and begin.

    SQLite's own waiting asks less and less often, up to once in 100 ms: where many write, whoever has waited longest is
    the last to get a turn, after seconds. All who wait here ask equally often, whenever they came.
    """
    ends = time.monotonic() + BUSY_SECONDS
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as refused:
                if not _is_busy(refused) or time.monotonic() > ends:
                    raise
                time.sleep(uniform(*ASKS_AFTER))
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


@contextmanager
def transaction(session: Session) -> Iterator[None]:
    """
    Commit all that the block does, or none of it; what the block reads is true now.

    Raises RuntimeError inside another, or if something was changed before it; Conflict if somebody else has just
    written what may be there only once.
    """
    if session.info.get("writing") or session.new or session.dirty or session.deleted:
        raise RuntimeError("one use case, one transaction, and no change outside it")
    session.rollback()  # ends the reading that came before
    session.connection(execution_options={"writes": True})  # SQLite: BEGIN IMMEDIATE, so that writers queue
    session.info["writing"] = True
    try:
        yield
        session.commit()
    except IntegrityError as refused:
        session.rollback()
        if _is_there_once(refused):
            raise Conflict("Somebody else has done this at the same moment. Load the page again.") from refused
        raise
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["writing"] = False


def _is_busy(refused: OperationalError) -> bool:
    cause: Any = refused.orig
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _is_there_once(refused: IntegrityError) -> bool:
    cause: Any = refused.orig
    return (getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorcode", None)) in TWICE
