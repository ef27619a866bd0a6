"""The database: bring it to the newest schema, or back."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.engine import make_url

from marketplace.persistence import migration

database = AppGroup("database", help="Bring the database to the newest schema, or back.")


@database.command("upgrade")
@click.argument("to", default="head")
def upgrade(to: str) -> None:
    """Bring the database up to a migration, the newest unless told; an SQLite file is copied before."""
    parts = current_app.extensions["marketplace"]
    _copy(parts.settings.database_url)
    migration.upgrade(parts.settings.migrations_folder, parts.settings.database_url, to, sealer=parts.sealer)


@database.command("downgrade")
@click.argument("to")
def downgrade(to: str) -> None:
    """Bring the database back to a migration; an SQLite file is copied before."""
    parts = current_app.extensions["marketplace"]
    _copy(parts.settings.database_url)
    migration.downgrade(parts.settings.migrations_folder, parts.settings.database_url, to, sealer=parts.sealer)


def _copy(url: str) -> None:
    """Keep a copy of an SQLite file beside it, since a migration there rewrites tables."""
    made = make_url(url)
    if made.get_backend_name() != "sqlite" or not made.database:
        return
    file = Path(made.database)
    if file.exists() and file.stat().st_size:
        shutil.copy2(file, file.with_suffix(".before-migration"))
