"""From what was asked for to the two files of a plan, in memory; nothing is written here."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn

import click

from marketplace.cli.places import NoSuchPlace, spread_of
from marketplace.cli.progress import Line
from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import fen
from marketplace.domain.results import Objective
from marketplace.matching.planfiles import Unreadable, meters, properties_of, read_demand, read_supply
from marketplace.matching.planfilings import Filed, read_filings
from marketplace.matching.planning import Pairs, Terms, eligible_pairs
from marketplace.matching.planreport import Run, plan_csv, report
from marketplace.matching.planrules import rules_of
from marketplace.matching.plans import Plan, solve
from marketplace.matching.planstanding import read_standing
from marketplace.solver.engines import engine, names, resolve
from marketplace.solver.problem import SolverFailed
from marketplace.solver.spread import Spread


class Refused(click.ClickException):
    """What was given cannot be used."""

    exit_code = 2


def refuse(faults: Sequence[str]) -> NoReturn:
    """Say what is wrong with what was given, and leave with 2."""
    raise Refused("\n".join(faults) + "\nNothing is written.")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for, apart from where the answer goes."""

    supply: Path
    demand: Path
    max_km: Decimal
    circuity_permille: int
    objective: Objective
    engine: str
    solver: str | None
    truckload_kg: int
    whole_trucks: bool
    min_lot_kg: int
    contract_fee_yuan: Decimal
    standing: Path | None
    filings: Path | None
    day: date
    nodes: int


@dataclass(frozen=True)
class Made:
    """The two files, and what is said of them."""

    plan: bytes
    report: bytes
    summary: str


def made(asked: Asked, line: Line) -> Made:
    """Read, join, solve and prove; raises ClickException, with 2 if what was given cannot be used."""
    if asked.engine not in names():
        refuse([f"--engine {asked.engine}: there is no such engine. There are {', '.join(names())}."])
    try:
        spread = spread_of(asked.solver)
    except NoSuchPlace as nowhere:
        refuse([str(nowhere)])
    began = perf_counter()
    try:
        pairs = _pairs(asked, line)
        joined = perf_counter()
        plan = _solved(asked, pairs, spread, line)
    except Unreadable as unreadable:
        refuse([str(fault) for fault in unreadable.faults])
    except Invalid as refusal:
        refuse([str(refusal)])
    except SolverFailed as failure:
        raise click.ClickException(f"There is no proved plan, and nothing is written: {failure}") from failure
    if plan.rules is None and resolve(asked.engine) != "greedy" and not plan.best:
        raise click.ClickException(f"The plan is not proved, and nothing is written: {plan.proof.violations}")
    run = Run(
        engine=resolve(asked.engine),
        objective=asked.objective,
        truckload_kg=asked.truckload_kg,
        candidate_seconds=joined - began,
        solve_seconds=perf_counter() - joined,
        peak_rss_mib=_peak_rss_mib(),
    )
    figures = report(plan, run)
    return Made(plan_csv(plan), (json.dumps(figures, indent=2) + "\n").encode(), _summary(plan, figures))


def _pairs(asked: Asked, line: Line) -> Pairs:
    line.step("Reading the files")
    filed = None
    if asked.filings is not None:
        filed = Filed(read_filings(asked.filings.read_bytes(), asked.filings.name), asked.day)
    crossing = filed is not None
    lines = read_demand(asked.demand.read_bytes(), asked.demand.name, provinces=crossing)
    asked_for = properties_of(lines)
    lots = read_supply(asked.supply.read_bytes(), asked.supply.name, properties=asked_for, provinces=crossing)
    line.step("Finding the pairs")
    terms = Terms(
        max_m=meters(asked.max_km),
        circuity_permille=asked.circuity_permille,
        min_lot_kg=asked.min_lot_kg,
        objective=asked.objective,
        truckload_kg=asked.truckload_kg if asked.whole_trucks else 1,
        fee_fen=fen(asked.contract_fee_yuan),
        filed=filed,
    )
    return eligible_pairs(lots, lines, terms)


def _solved(asked: Asked, pairs: Pairs, spread: Spread, line: Line) -> Plan:
    standing = None
    if asked.standing is not None:
        standing = read_standing(asked.standing.read_bytes(), asked.standing.name, monthly=pairs.monthly)
    rules = rules_of(pairs, standing)
    if rules is not None and resolve(asked.engine) == "greedy":
        raise Invalid(
            "The baseline greedy keeps no least lots, whole trucks, fees, caps, reserves, means, permits or filings."
        )
    line.step("Solving")
    with spread:
        solver = engine(asked.engine, spread=spread)
        return solve(pairs, solver, rules=rules, nodes=asked.nodes, progress=line)


def _summary(plan: Plan, figures: dict[str, Any]) -> str:
    surplus = figures["surplus_yuan"]
    gain = "" if surplus is None else f"a surplus of {surplus:,.2f} yuan, "
    return (
        f"{figures['matched_t']:,.3f} t of {figures['supply_t']:,.3f} t matched in {figures['contracts']} contracts, "
        f"{gain}{figures['transport_t_km']:,.0f} t km by road; {_proved(plan, figures)}."
    )


def _proved(plan: Plan, figures: dict[str, Any]) -> str:
    if plan.best:
        return "proved"
    proof = figures["certificate"]
    if plan.rules is None:
        return "not proved to be the best"
    unit = "yuan" if figures["cost_unit"] == "yuan" else "t km"
    less = "" if proof["most_t"] is None else f"{proof['most_t'] - figures['matched_t']:,.3f} t and "
    return f"proved to keep the rules, and at most {less}{proof['gap']:,.2f} {unit} from the best"


def _peak_rss_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
