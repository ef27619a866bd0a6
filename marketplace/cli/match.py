"""A plan from two files, without a database."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from marketplace.cli.progress import Line
    from marketplace.domain.results import Objective

_INPUT = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, path_type=Path)
_STOPPED = "Stopped. Nothing is written."


class _Refused(click.ClickException):
    """What was given cannot be used."""

    exit_code = 2


class _Number(click.ParamType[Decimal]):
    """A decimal number within limits; ``nan``, ``inf`` and exponents are none."""

    name = "number"

    def __init__(self, least: str, most: str) -> None:
        self.least, self.most = Decimal(least), Decimal(most)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Return a Decimal, or fail."""
        from marketplace.domain.errors import Invalid
        from marketplace.domain.quantities import number

        try:
            found = number(str(value))
        except Invalid as refusal:
            self.fail(str(refusal), param, ctx)
        if not self.least <= found <= self.most:
            self.fail(f"{value} is not between {self.least} and {self.most}.", param, ctx)
        return found


@click.command("match")
@click.argument("supply", type=_INPUT)
@click.argument("demand", type=_INPUT)
@click.option("--out", type=_OUTPUT, required=True, help="The plan, as CSV.")
@click.option("--report", "report_", type=_OUTPUT, required=True, help="Figures and certificate, as JSON.")
@click.option(
    "--max-km", type=_Number("0", "20100"), default="200", help="Great circle; a row's own max_km stands first."
)
@click.option("--circuity", type=_Number("1", "10"), default="1.3", help="Road distance over great circle.")
@click.option(
    "--objective",
    type=click.Choice(["utilization", "surplus"]),
    default="utilization",
    help="The most tonnes, then the least cost; or the greatest surplus of bid over freight and ask, from files with prices.",
)
@click.option("--engine", "engine_name", default="auto", help="auto, scipy or greedy.")
@click.option(
    "--truckload-kg", type=click.IntRange(1, 10**9), default=30_000, help="What a trip carries, to count trips."
)
@click.option("--min-lot-kg", type=click.IntRange(0, 10**12), default=0, help="The least that a pair may move.")
@click.option(
    "--progress/--no-progress", "shown", default=None, help="Say on stderr what is being done; by itself on a terminal."
)
def match(
    supply: Path,
    demand: Path,
    out: Path,
    report_: Path,
    max_km: Decimal,
    circuity: Decimal,
    objective: Objective,
    engine_name: str,
    truckload_kg: int,
    min_lot_kg: int,
    shown: bool | None,
) -> None:
    """
    Match the lots of SUPPLY to the lines of DEMAND: the most tonnes, then the least cost, with a certificate.

    With --objective surplus it is the greatest surplus instead, of bid over freight and ask.

    Ctrl-C ends it with 130, and nothing is written.
    """
    from marketplace.cli.progress import STOPPED, Line, stoppable, undisturbed
    from marketplace.cli.whole_files import write_all

    _distinct(supply, demand, out, report_)
    permille = circuity * 1000
    if permille != permille.to_integral_value():
        _refuse([f"--circuity {circuity}: at most three decimals."])
    asked = _Asked(
        supply=supply,
        demand=demand,
        max_km=max_km,
        circuity_permille=int(permille),
        objective=objective,
        engine=engine_name,
        truckload_kg=truckload_kg,
        min_lot_kg=min_lot_kg,
    )
    line = Line(shown)
    try:
        with stoppable(_STOPPED):
            made = _made(asked, line)
    except KeyboardInterrupt:
        line.wipe()
        click.echo(_STOPPED, err=True)
        raise SystemExit(STOPPED) from None
    finally:
        line.wipe()
    try:
        with undisturbed():
            write_all([(out, made.plan), (report_, made.report)])
    except OSError as failure:
        _refuse([f"The plan cannot be written: {failure.strerror or failure}."])
    click.echo(made.summary)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What was asked for, apart from where the answer goes."""

    supply: Path
    demand: Path
    max_km: Decimal
    circuity_permille: int
    objective: Objective
    engine: str
    truckload_kg: int
    min_lot_kg: int


@dataclass(frozen=True)
class _Made:
    """The two files, and what is said of them."""

    plan: bytes
    report: bytes
    summary: str


def _made(asked: _Asked, line: Line) -> _Made:
    """Read, join, solve and prove, and write nothing; raises ClickException."""
    from marketplace.domain.errors import Invalid
    from marketplace.matching.planfiles import Unreadable, meters, properties_of, read_demand, read_supply
    from marketplace.matching.planning import Terms, eligible_pairs, solve
    from marketplace.matching.planreport import Run, plan_csv, report
    from marketplace.solver.engines import engine, names, resolve
    from marketplace.solver.problem import SolverFailed

    if asked.engine not in names():
        _refuse([f"--engine {asked.engine}: there is no such engine. There are {', '.join(names())}."])
    began = perf_counter()
    try:
        line.step("Reading the files")
        lines = read_demand(asked.demand.read_bytes(), asked.demand.name)
        lots = read_supply(asked.supply.read_bytes(), asked.supply.name, properties=properties_of(lines))
        line.step("Finding the pairs")
        terms = Terms(
            max_m=meters(asked.max_km),
            circuity_permille=asked.circuity_permille,
            min_lot_kg=asked.min_lot_kg,
            objective=asked.objective,
        )
        pairs = eligible_pairs(lots, lines, terms)
        joined = perf_counter()
        line.step("Solving")
        plan = solve(pairs, engine(asked.engine), progress=line)
    except Unreadable as unreadable:
        _refuse([str(fault) for fault in unreadable.faults])
    except Invalid as refusal:
        _refuse([str(refusal)])
    except SolverFailed as failure:
        raise click.ClickException(f"There is no proved plan, and nothing is written: {failure}") from failure
    if resolve(asked.engine) != "greedy" and not plan.certificate.valid:
        raise click.ClickException(f"The plan is not proved, and nothing is written: {plan.certificate.violations}")
    run = Run(
        engine=resolve(asked.engine),
        objective=asked.objective,
        truckload_kg=asked.truckload_kg,
        candidate_seconds=joined - began,
        solve_seconds=perf_counter() - joined,
        peak_rss_mib=_peak_rss_mib(),
    )
    figures = report(plan, run)
    surplus = figures["surplus_yuan"]
    gain = "" if surplus is None else f"a surplus of {surplus:,.2f} yuan, "
    proof = "proved" if plan.certificate.valid and not plan.dropped else "not proved to be the best"
    return _Made(
        plan=plan_csv(plan),
        report=(json.dumps(figures, indent=2) + "\n").encode(),
        summary=(
            f"{figures['matched_t']:,.3f} t of {figures['supply_t']:,.3f} t matched in {figures['contracts']} contracts, "
            f"{gain}{figures['transport_t_km']:,.0f} t km by road; {proof}."
        ),
    )


def _refuse(faults: Sequence[str]) -> NoReturn:
    """Say what is wrong with what was given, and leave with 2."""
    raise _Refused("\n".join(faults) + "\nNothing is written.")


def _distinct(supply: Path, demand: Path, out: Path, report_: Path) -> None:
    for path in (out, report_):
        if not path.absolute().parent.is_dir():
            _refuse([f"{path}: there is no such folder."])
    if len({path.resolve() for path in (supply, demand, out, report_)}) < 4:
        _refuse(["SUPPLY, DEMAND, --out and --report are four different files."])


def _peak_rss_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
