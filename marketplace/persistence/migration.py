"""Alembic on our engine: up, down, and what the schema is, to compare two of them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, inspect, text

from marketplace.domain.sealing import Sealer


def configuration(folder: Path, url: str, sealer: Sealer | None = None) -> Config:
    """
    Return the configuration of the migrations in a folder for a database.

    ``sealer``: what seals and opens bids, for the migrations that need it.
    """
    config = Config(attributes={"sealer": sealer})
    config.set_main_option("script_location", str(folder))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(folder: Path, url: str, to: str = "head", *, sealer: Sealer | None = None) -> None:
    """Bring a database to a migration, the newest unless told."""
    command.upgrade(configuration(folder, url, sealer), to)


def downgrade(folder: Path, url: str, to: str, *, sealer: Sealer | None = None) -> None:
    """Bring a database back to a migration. Raises Conflict where sealed bids must be opened and the key is not there."""
    command.downgrade(configuration(folder, url, sealer), to)


def fingerprint(engine: Engine) -> dict[str, list[str]]:
    """
    Return all that the schema is made of, by kind, sorted: columns, keys, CHECKs, indexes and triggers.

    Alembic's own comparison sees neither CHECKs nor triggers nor the condition of an index.
    """
    found: dict[str, list[str]] = {"columns": [], "keys": [], "checks": [], "indexes": [], "triggers": []}
    inspector = inspect(engine)
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        for column in inspector.get_columns(table):
            kind = str(column["type"]).lower()
            found["columns"].append(f"{table}.{column['name']} {kind} {'null' if column['nullable'] else 'not null'}")
        found["keys"].append(f"{table} primary {inspector.get_pk_constraint(table)['constrained_columns']}")
        for key in inspector.get_foreign_keys(table):
            found["keys"].append(
                f"{table} {key['name']} {key['constrained_columns']} -> {key['referred_table']} {key['options']}"
            )
        for unique in inspector.get_unique_constraints(table):
            found["keys"].append(f"{table} {unique['name']} unique {unique['column_names']}")
        for check in inspector.get_check_constraints(table):
            found["checks"].append(f"{table} {check['name']} {_plain(check['sqltext'])}")
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            made = connection.execute(
                text(
                    "select type, name, tbl_name, sql from sqlite_master where type in ('index', 'trigger') and sql <> ''"
                )
            )
            for kind, name, table, sql in made:
                found["indexes" if kind == "index" else "triggers"].append(f"{table} {name} {_plain(sql)}")
        else:
            indexes = connection.execute(
                text("select tablename, indexname, indexdef from pg_indexes where schemaname = current_schema()")
            )
            found["indexes"] += [f"{table} {name} {_plain(sql)}" for table, name, sql in indexes]
            triggers = connection.execute(
                text(
                    "select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal"
                )
            )
            found["triggers"] += [f"{table} {name} {_plain(sql)}" for table, name, sql in triggers]
    found["indexes"] = [line for line in found["indexes"] if not line.startswith("alembic_version")]
    return {kind: sorted(lines) for kind, lines in found.items()}


def _plain(sql: str) -> str:
    return " ".join(sql.replace('"', "").lower().split())
