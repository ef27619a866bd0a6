"""Rounds: run one from the command line, and solve a frozen one again to see that the answer is the same."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from marketplace.domain.actors import SYSTEM
from marketplace.domain.errors import MarketplaceError
from marketplace.services.rounds import replay as solve_again
from marketplace.services.rounds import run_round
from marketplace.solver.engines import engine, names, resolve

rounds = AppGroup("rounds", help="Matching rounds: run one.")


@rounds.command("run")
@click.argument("round_id", metavar="ROUND", type=int)
@click.option("--engine", "engine_name", type=click.Choice(names()), default="auto", show_default=True)
@click.option("--recourse", is_flag=True, help="Allot again what was declined of a published round, and publish it.")
def run(round_id: int, engine_name: str, recourse: bool) -> None:
    """Match the listings of the closed round ROUND (its id) to intake lines; its administrator publishes the result."""
    name = resolve(engine_name)
    try:
        result = run_round(
            current_app.extensions["marketplace"].sessions,
            SYSTEM,
            round_id,
            engine=engine(name),
            engine_name=name,
            recourse=recourse,
            now=lambda: datetime.now(UTC),
        )
    except MarketplaceError as refusal:
        raise click.ClickException(str(refusal)) from refusal
    report = result.report
    click.echo(
        f"Round {round_id}: {report.awards} awards, {report.allocated_kg / 1000:,.1f} t of "
        f"{report.offered_kg / 1000:,.1f} t allotted, {report.transport_t_km:,} t km by road."
    )
    click.echo(f"input  {result.snapshot_sha256}\nresult {result.sha256}")


@click.command("replay")
@click.argument("round_id", metavar="ROUND", type=int)
@with_appcontext
def replay(round_id: int) -> None:
    """Solve the frozen input of ROUND again; print both hashes, exit 1 if they differ."""
    try:
        with current_app.extensions["marketplace"].sessions() as session:
            found = solve_again(session, round_id, engine)
    except MarketplaceError as refusal:
        raise click.ClickException(str(refusal)) from refusal
    for each in found:
        click.echo(f"run {each.pass_no}")
        click.echo(f"  input  recorded {each.input_sha256}")
        click.echo(f"  input  now      {each.input_now}")
        click.echo(f"  result recorded {each.result_sha256}")
        click.echo(f"  result now      {each.result_now or 'none: it cannot be solved'}")
        click.echo("  same" if each.same else "  DIFFERENT")
    if not all(each.same for each in found):
        sys.exit(1)
