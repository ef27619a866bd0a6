"""A plan from two files, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from marketplace.domain.results import Objective

_INPUT = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, path_type=Path)
_STOPPED = "Stopped. Nothing is written."


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
@click.option(
    "--engine",
    "engine_name",
    default="auto",
    help="auto, scipy (the reference), network (the fast one), assignment, milp (small ones; all the same to the byte), greedy.",
)
@click.option(
    "--solver",
    default=None,
    help="Where independent parts are solved: core, processes (processes:N for N of them), or tcp://host:port, the "
    "scheduler of a Dask cluster; without it what HUIYONG_SOLVER says.",
)
@click.option("--truckload-kg", type=click.IntRange(1, 10**9), default=30_000, help="What a trip carries.")
@click.option("--whole-trucks", is_flag=True, help="Pairs move whole truckloads alone; else trips are only counted.")
@click.option(
    "--min-lot-kg",
    type=click.IntRange(0, 10**12),
    default=0,
    help="The least that a pair may move; min_lot_t of either row stands beside it, and the greatest holds.",
)
@click.option(
    "--contract-fee-yuan",
    type=_Number("0", "1000000"),
    default="0",
    help="What each pair that moves something costs beside its freight; needs files with prices.",
)
@click.option("--standing", type=_INPUT, help="A plan, as --out writes one, whose pairs stand: so much moves again.")
@click.option(
    "--filings",
    type=_INPUT,
    help="Filings across provinces, as CSV: producer, recycler, material, tonnes_left, valid_from, valid_to. With it a pair "
    "of two provinces needs one, and all that go by it share its tonnes.",
)
@click.option(
    "--filings-day",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="When a filing must hold, if rows have no month; else it is the last day of each month.  [default: today]",
)
@click.option(
    "--nodes",
    type=click.IntRange(0, 10**6),
    default=100,
    help="How far branch and bound looks, for each part that a rule breaks: in nodes, so that every run ends alike.",
)
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
    solver: str | None,
    truckload_kg: int,
    whole_trucks: bool,
    min_lot_kg: int,
    contract_fee_yuan: Decimal,
    standing: Path | None,
    filings: Path | None,
    day: datetime | None,
    nodes: int,
    shown: bool | None,
) -> None:
    """
    Match the lots of SUPPLY to the lines of DEMAND: the most tonnes, then the least cost, with a certificate.

    With --objective surplus it is the greatest surplus instead, of bid over freight and ask.

    Least lots, whole trucks, fees and some columns make the problem one of whole choices: caps for each buyer
    (cap_per_buyer_t of a lot, organization of a line), what is kept for small works (reserved_small_t, small_works) and
    limits of a mean (moisture_mean_max). Then the report says how far the plan may be from the best.

    A column month (2027-03) in both files makes each row a month of its lot or line. storage_t is what a lot or a line
    may hold over the end of that month, storage_yuan_per_t_month what that costs; nothing arrives at a line in its
    closed_months (12 01 02 in every year, 2026-12 in one), and permit_t_year is the most that reaches it in a year.

    Ctrl-C ends it with 130, and nothing is written.
    """
    from marketplace.cli.planned import Asked, made, refuse
    from marketplace.cli.progress import STOPPED, Line, hushed, stoppable, undisturbed
    from marketplace.cli.whole_files import write_all

    _distinct([supply, demand, out, report_, *(path for path in (standing, filings) if path)], [out, report_])
    permille = circuity * 1000
    if permille != permille.to_integral_value():
        refuse([f"--circuity {circuity}: at most three decimals."])
    asked = Asked(
        supply=supply,
        demand=demand,
        max_km=max_km,
        circuity_permille=int(permille),
        objective=objective,
        engine=engine_name,
        solver=solver,
        truckload_kg=truckload_kg,
        whole_trucks=whole_trucks,
        min_lot_kg=min_lot_kg,
        contract_fee_yuan=contract_fee_yuan,
        standing=standing,
        filings=filings,
        day=day.date() if day else datetime.now().astimezone().date(),
        nodes=nodes,
    )
    line = Line(shown)
    try:
        with stoppable(_STOPPED), hushed():
            done = made(asked, line)
    except KeyboardInterrupt:
        line.wipe()
        click.echo(_STOPPED, err=True)
        raise SystemExit(STOPPED) from None
    finally:
        line.wipe()
    try:
        with undisturbed():
            write_all([(out, done.plan), (report_, done.report)])
    except OSError as failure:
        refuse([f"The plan cannot be written: {failure.strerror or failure}."])
    click.echo(done.summary)


def _distinct(files: Sequence[Path], written: Sequence[Path]) -> None:
    from marketplace.cli.planned import refuse

    for path in written:
        if not path.absolute().parent.is_dir():
            refuse([f"{path}: there is no such folder."])
    if len({path.resolve() for path in files}) < len(files):
        refuse(["What is read, --out and --report are different files."])
