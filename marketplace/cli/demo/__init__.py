"""The demo world: an invented park and its region in a real landscape, loaded once."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import AppGroup

from marketplace.cli.demo import world

demo = AppGroup("demo", help="The demo world: invented companies in a real landscape.")


@demo.command("load")
@click.option("--once", is_flag=True, help="Do nothing, and say so, where the database already holds something.")
def load(*, once: bool) -> None:
    """Load the demo world into an empty database."""
    parts = current_app.extensions["marketplace"]
    with parts.sessions() as session:
        if world.is_settled(session):
            if once:
                return
            click.echo(
                "The database already holds organizations; the demo world is loaded into an empty one.", err=True
            )
            sys.exit(1)
        loaded = world.load(session, parts.passwords.hashed(world.PASSWORD), sealer=parts.sealer, now=datetime.now(UTC))
    click.echo(f"Demo world loaded: {loaded.organizations} organizations, {loaded.postings} postings.")
