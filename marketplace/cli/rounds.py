"""Rounds: run one from the command line, and solve a frozen one again to see that the answer is the same."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NoReturn

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from marketplace.cli.progress import STOPPED, Line, undisturbed
from marketplace.domain.actors import SYSTEM
from marketplace.domain.errors import MarketplaceError
from marketplace.domain.results import RULES
from marketplace.domain.rounds import RoundResult
from marketplace.domain.steps import Step
from marketplace.services.rounds import Run, abandon, run_round
from marketplace.services.rounds import replay as solve_again
from marketplace.solver.engines import engine, names, resolve
from marketplace.solver.problem import Cancelled

rounds = AppGroup("rounds", help="Matching rounds: run one.")

GRACE_SECONDS: Final = 3.0
"""How long a run that is stopped may take to come to its next word of progress; then it is left to itself."""

STEPS: Final[dict[Step, str]] = {
    "reading": "reading what is offered and what room there is",
    "joining": "joining listings and lines",
    "solving": "solving",
    "proving": "proving the plan",
    "explaining": "explaining awards and leftovers",
}


@rounds.command("run")
@click.argument("round_id", metavar="ROUND", type=int)
@click.option("--engine", "engine_name", type=click.Choice(names()), default="auto", show_default=True)
@click.option("--recourse", is_flag=True, help="Allot again what was declined of a published round, and publish it.")
@click.option(
    "--progress/--no-progress", "shown", default=None, help="Say on stderr what is being done; by itself on a terminal."
)
def run(round_id: int, engine_name: str, recourse: bool, shown: bool | None) -> None:
    """
    Match the listings of the closed round ROUND (its id) to intake lines; its administrator publishes the result.

    Ctrl-C ends it with 130 and gives the round back, without a result.
    """
    running = _Running(round_id, resolve(engine_name), recourse=recourse, line=Line(shown))
    try:
        result = running.result()
    except MarketplaceError as refusal:
        raise click.ClickException(str(refusal)) from refusal
    report = result.report
    click.echo(
        f"Round {round_id}: {report.awards} awards, {report.allocated_kg / 1000:,.1f} t of "
        f"{report.offered_kg / 1000:,.1f} t allotted, {report.transport_t_km:,} t km by road."
    )
    click.echo(f"input  {result.snapshot_sha256}\nresult {result.sha256}")


class _Running:
    """
    A run beside the main thread, which so hears Ctrl-C at once, whatever library is computing.

    The run itself hears of it at its next word of progress. One that says nothing for too long is left to itself: its
    round is given back over its head, and the process ends.
    """

    def __init__(self, round_id: int, engine_name: str, *, recourse: bool, line: Line) -> None:
        self._round_id, self._engine_name, self._recourse, self._line = round_id, engine_name, recourse, line
        self._parts = current_app.extensions["marketplace"]
        self._stopped, self._ended = threading.Event(), threading.Event()
        self._held: list[Run] = []
        self._step: Step | None = None
        self._outcome: Callable[[], RoundResult] | None = None

    def result(self) -> RoundResult:
        """Return the proved answer; raises what the run raises, and SystemExit if it was stopped."""
        threading.Thread(target=self._run, name=f"run-{self._round_id}", daemon=True).start()
        try:
            self._ended.wait()  # a join that is interrupted takes the thread for dead (Python issue 90882)
        except KeyboardInterrupt:
            self._stopped.set()
            with undisturbed():
                if not self._ended.wait(GRACE_SECONDS):
                    self._leave()
        self._line.wipe()
        assert self._outcome is not None
        try:
            return self._outcome()
        except MarketplaceError as refusal:
            if not self._stopped.is_set():
                raise
            click.echo(str(refusal), err=True)
            raise SystemExit(STOPPED) from None

    def _run(self) -> None:
        try:
            with self._parts.spreads(self._wanted) as spread:
                found = run_round(
                    self._parts.sessions,
                    SYSTEM,
                    self._round_id,
                    engine=engine(self._engine_name, spread=spread),
                    engine_name=self._engine_name,
                    sealer=self._parts.sealer,
                    recourse=self._recourse,
                    tell=self._tell,
                    wanted=lambda _: self._wanted(),
                    holding=self._held.append,
                    now=lambda: datetime.now(UTC),
                )
        except BaseException as failure:
            self._outcome = _raising(failure)
        else:
            self._outcome = lambda: found
        finally:
            self._ended.set()

    def _tell(self, step: Step, done: int, of: int) -> None:
        self._wanted()
        if step != self._step:
            self._step = step
            self._line.step(STEPS[step])
        if of:
            self._line(done, of)

    def _wanted(self) -> None:
        if self._stopped.is_set():
            raise Cancelled("stopped by Ctrl-C")

    def _leave(self) -> None:
        """Give the round back over the head of a run that does not listen, and end the process."""
        for held in self._held:
            abandon(self._parts.sessions, held, now=datetime.now(UTC))
        self._line.wipe()
        click.echo("Stopped. The round is given back, and there is no result.", err=True)
        sys.stderr.flush()
        os._exit(STOPPED)


def _raising(failure: BaseException) -> Callable[[], NoReturn]:
    def again() -> NoReturn:
        raise failure

    return again


@click.command("replay")
@click.argument("round_id", metavar="ROUND", type=int)
@with_appcontext
def replay(round_id: int) -> None:
    """Solve the frozen input of ROUND again; print both hashes, exit 1 if they differ."""
    parts = current_app.extensions["marketplace"]
    try:
        with parts.sessions() as session, parts.spreads(lambda: None) as spread:
            found = solve_again(session, round_id, lambda name: engine(name, spread=spread))
    except MarketplaceError as refusal:
        raise click.ClickException(str(refusal)) from refusal
    for each in found:
        click.echo(f"run {each.pass_no}")
        click.echo(f"  input  recorded {each.input_sha256}")
        click.echo(f"  input  now      {each.input_now}")
        click.echo(f"  result recorded {each.result_sha256}")
        click.echo(f"  result now      {each.result_now or 'none: it cannot be solved'}")
        click.echo("  same" if each.same else "  DIFFERENT")
        if not each.same and each.rules != RULES:
            click.echo(f"  it was solved by rules {each.rules}; this version solves by rules {RULES}")
    if not all(each.same for each in found):
        sys.exit(1)
