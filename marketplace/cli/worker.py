"""The worker: solves rounds, sends mail, watches deadlines."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Do what runs behind the requests, until stopped."""
    current_app.extensions["marketplace.queue"].work()
