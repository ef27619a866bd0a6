"""A bid like no other, and where it must not be found: files and dumps of a database, logs, answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from marketplace.domain.sealing import Box

PRICE_FEN = 73_191_373
KG = 3_456_789
NOTE = "金丝雀·canary-7f3e91"

WORDS = (
    b"73191373",
    b"731913.73",
    b"731,913.73",
    b"3456789",
    b"3456.789",
    b"3,456.789",
    NOTE.encode(),
    b"canary-7f3e91",
    NOTE.encode("utf-16-be"),
    NOTE.encode("unicode_escape"),
)
"""How price, quantity and note are written: in tables, on pages, in JSON."""

SIGNS = (*WORDS, *(word.hex().encode() for word in WORDS), PRICE_FEN.to_bytes(4, "big"))
"""The same, as dumps write bytes; and the price as it lies in a page of SQLite."""


def found(where: bytes, signs: tuple[bytes, ...] = SIGNS) -> list[bytes]:
    """Return what of the canary is there; hexadecimal digits may be of either case."""
    return [sign for sign in signs if sign in where or sign.upper() in where]


@dataclass(frozen=True)
class Bare:
    """Seals nothing: the control, which every search must find out."""

    def seal(self, plain: bytes, bound: bytes) -> Box:
        return Box("none", plain)

    def open(self, box: Box, bound: bytes) -> bytes:
        return box.sealed

    def ready(self, key_ids: Iterable[str]) -> bool:
        return True


def position(engine: Engine) -> str | None:
    """
    Return how far the write-ahead log of PostgreSQL is, for `stores` to begin there; none where it may not be asked.

    From then on it compresses no bid: a search for words would pass over what is packed.
    """
    if engine.dialect.name == "sqlite" or not _may_read_files(engine):
        return None
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table bids alter column sealed set storage external")
        return str(connection.exec_driver_sql("select pg_current_wal_insert_lsn()").scalar_one())


def stores(engine: Engine, *, since: str | None = None) -> dict[str, bytes]:
    """
    Return all that a database keeps: its files and write-ahead log, and a dump of every table.

    Of PostgreSQL the log is told from a `position` on, since others write to it as well; and files only to a superuser.
    """
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        with sqlite3.connect(file) as connection:
            dump = "\n".join(connection.iterdump()).encode()
        connection.close()
        return {"file": file.read_bytes(), "wal": file.with_name(f"{file.name}-wal").read_bytes(), "dump": dump}
    kept: dict[str, bytes] = {}
    with engine.connect() as connection:
        names = (
            connection.exec_driver_sql("select tablename from pg_tables where schemaname = 'public'").scalars().all()
        )
        for name in names:
            cursor = connection.connection.cursor()
            with cursor.copy(f'copy "{name}" to stdout') as copied:  # type: ignore[attr-defined]
                kept[f"copy of {name}"] = b"".join(bytes(part) for part in copied)
    if since is not None:
        kept |= _files(engine, since)
    return kept


def _may_read_files(engine: Engine) -> bool:
    with engine.connect() as connection:
        query = "select rolsuper from pg_roles where rolname = current_user"
        return bool(connection.exec_driver_sql(query).scalar_one())


def _files(engine: Engine, since: str) -> dict[str, bytes]:
    """Return what lies on the disk of PostgreSQL: the file of the bids with what they hold apart, and the log since then."""
    with engine.connect() as connection:
        connection.exec_driver_sql("checkpoint")
        tables = connection.exec_driver_sql(
            "select pg_read_binary_file(pg_relation_filepath(oid)) from pg_class"
            " where oid = 'bids'::regclass or oid = (select reltoastrelid from pg_class where oid = 'bids'::regclass)"
        ).scalars()
        kept = {"file": b"".join(bytes(each) for each in tables)}
        name, offset = connection.exec_driver_sql(
            "select file_name, file_offset from pg_walfile_name_offset(%(since)s)", {"since": since}
        ).one()
        segments = connection.exec_driver_sql(
            "select pg_read_binary_file('pg_wal/' || name) from pg_ls_waldir()"
            " where length(name) = 24 and name >= %(name)s order by name",
            {"name": name},
        ).scalars()
        kept["wal"] = b"".join(bytes(each) for each in segments)[offset:]
    return kept
