"""A plan from two files, without a database."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import NoReturn

import click

_INPUT = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, path_type=Path)


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
@click.option("--objective", type=click.Choice(["utilization", "surplus"]), default="utilization")
@click.option("--engine", "engine_name", default="auto", help="auto, scipy or greedy.")
@click.option(
    "--truckload-kg", type=click.IntRange(1, 10**9), default=30_000, help="What a trip carries, to count trips."
)
@click.option("--min-lot-kg", type=click.IntRange(0, 10**12), default=0, help="The least that a pair may move.")
def match(
    supply: Path,
    demand: Path,
    out: Path,
    report_: Path,
    max_km: Decimal,
    circuity: Decimal,
    objective: str,
    engine_name: str,
    truckload_kg: int,
    min_lot_kg: int,
) -> None:
    """Match the lots of SUPPLY to the lines of DEMAND: the most tonnes, then the least cost, with a certificate."""
    from marketplace.domain.errors import Invalid
    from marketplace.matching.planfiles import Unreadable, meters, properties_of, read_demand, read_supply
    from marketplace.matching.planning import Terms, eligible_pairs, solve
    from marketplace.matching.planreport import Run, plan_csv, report
    from marketplace.solver.engines import engine, names, resolve
    from marketplace.solver.problem import SolverFailed

    if objective != "utilization":
        _refuse(["--objective surplus is not available from files; it needs the reserves and bids of a round."])
    if engine_name not in names():
        _refuse([f"--engine {engine_name}: there is no such engine. There are {', '.join(names())}."])
    _distinct(supply, demand, out, report_)
    permille = circuity * 1000
    if permille != permille.to_integral_value():
        _refuse([f"--circuity {circuity}: at most three decimals."])

    began = perf_counter()
    try:
        lines = read_demand(demand.read_bytes(), demand.name)
        lots = read_supply(supply.read_bytes(), supply.name, properties=properties_of(lines))
        terms = Terms(max_m=meters(max_km), circuity_permille=int(permille), min_lot_kg=min_lot_kg)
        pairs = eligible_pairs(lots, lines, terms)
        joined = perf_counter()
        plan = solve(pairs, engine(engine_name))
    except Unreadable as unreadable:
        _refuse([str(fault) for fault in unreadable.faults])
    except Invalid as refusal:
        _refuse([str(refusal)])
    except SolverFailed as failure:
        raise click.ClickException(f"There is no proved plan, and nothing is written: {failure}") from failure
    if resolve(engine_name) != "greedy" and not plan.certificate.valid:
        raise click.ClickException(f"The plan is not proved, and nothing is written: {plan.certificate.violations}")
    run = Run(
        engine=resolve(engine_name),
        objective=objective,
        truckload_kg=truckload_kg,
        candidate_seconds=joined - began,
        solve_seconds=perf_counter() - joined,
        peak_rss_mib=_peak_rss_mib(),
    )
    figures = report(plan, run)
    _write_both([(out, plan_csv(plan)), (report_, (json.dumps(figures, indent=2) + "\n").encode())])
    proof = "proved" if plan.certificate.valid and not plan.dropped else "not proved to be the best"
    click.echo(
        f"{figures['matched_t']:,.3f} t of {figures['supply_t']:,.3f} t matched in {figures['contracts']} contracts, "
        f"{figures['transport_t_km']:,.0f} t km by road; {proof}."
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


def _write_both(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write all files or none: each beside its place first, and what stood there comes back if a later one fails."""
    new: list[Path] = []
    old: list[tuple[Path, Path | None]] = []
    try:
        for path, content in files:
            new.append(_beside(path, content))
        for (path, _), fresh in zip(files, new, strict=True):
            old.append((path, _beside(path, path.read_bytes()) if path.exists() else None))
            fresh.replace(path)
    except OSError as failure:
        for path, before in reversed(old):
            before.replace(path) if before else path.unlink(missing_ok=True)
        _refuse([f"The plan cannot be written: {failure.strerror or failure}."])
    finally:
        for left in (*new, *(before for _, before in old if before)):
            left.unlink(missing_ok=True)


def _beside(path: Path, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    mask = os.umask(0)
    os.umask(mask)
    Path(name).chmod(0o666 & ~mask)
    return Path(name)


def _peak_rss_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
