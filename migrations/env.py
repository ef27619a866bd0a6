"""
Run migrations, each in one transaction with what it needs.

On SQLite foreign keys are off meanwhile: a table is altered by copying it, and the copy's first step, dropping the old
one, would delete the children of every row. Afterwards they are checked.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Connection

from marketplace.persistence import triggers  # noqa: F401  # the guards belong to the schema
from marketplace.persistence.tables import Base


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Write our column types as what the database has, so that a migration does not change with the code."""
    if kind == "type" and type(item).__module__.startswith("marketplace."):
        return f"sa.{item.impl!r}"
    return False


def migrate(connection: Connection) -> None:
    """Run what was asked for on one connection."""
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=sqlite,
        transaction_per_migration=False,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
        if sqlite:
            broken = connection.execute(text("pragma foreign_key_check")).all()
            if broken:
                raise RuntimeError(f"the migration broke foreign keys: {broken[:5]}")


def begin(connection: Connection) -> None:
    """Begin as a writer; the driver would begin too late."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def plain(dbapi_connection: Any, record: object) -> None:
    """Let us begin transactions, foreign keys rest, and what is deleted or overwritten leave no trace in free pages."""
    dbapi_connection.isolation_level = None
    dbapi_connection.execute("PRAGMA foreign_keys=OFF")
    dbapi_connection.execute("PRAGMA secure_delete=ON")


engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
if engine.dialect.name == "sqlite":
    event.listen(engine, "connect", plain)
    event.listen(engine, "begin", begin)
with engine.connect() as opened:
    migrate(opened)
    opened.commit()
engine.dispose()
