"""Whether everything that must always hold does, on the live database."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from marketplace.persistence import invariants


@click.command("check")
@with_appcontext
def check() -> None:
    """Ask every invariant of the live database, reading only; print what is broken, exit 1 if anything is."""
    with current_app.extensions["marketplace"].sessions() as session:
        found = list(invariants.broken(session))
    for breach in found:
        click.echo(f"{breach.invariant.code}: {breach.invariant.statement}")
        click.echo(f"    broken {breach.count} times: {', '.join(breach.places)}")
    click.echo(f"{len(invariants.INVARIANTS)} invariants asked, {len(found)} broken.")
    if found:
        sys.exit(1)
