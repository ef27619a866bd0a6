"""A plan from two files, without a database."""

from __future__ import annotations

from collections.abc import Sequence
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
    default="core",
    help="Where independent parts are solved: core, or processes (processes:N for N of them).",
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
    solver: str,
    truckload_kg: int,
    whole_trucks: bool,
    min_lot_kg: int,
    contract_fee_yuan: Decimal,
    standing: Path | None,
    nodes: int,
    shown: bool | None,
) -> None:
    """
    Match the lots of SUPPLY to the lines of DEMAND: the most tonnes, then the least cost, with a certificate.

    With --objective surplus it is the greatest surplus instead, of bid over freight and ask.

    Least lots, whole trucks, fees and some columns make the problem one of whole choices: caps for each buyer
    (cap_per_buyer_t of a lot, organization of a line), what is kept for small works (reserved_small_t, small_works) and
    limits of a mean (moisture_mean_max). Then the report says how far the plan may be from the best.

    Ctrl-C ends it with 130, and nothing is written.
    """
    from marketplace.cli.planned import Asked, made, refuse
    from marketplace.cli.progress import STOPPED, Line, stoppable, undisturbed
    from marketplace.cli.whole_files import write_all

    _distinct([supply, demand, out, report_, *([standing] if standing else [])], [out, report_])
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
        nodes=nodes,
    )
    line = Line(shown)
    try:
        with stoppable(_STOPPED):
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
