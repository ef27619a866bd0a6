"""A plan as the two files that are handed over: the rows, and the figures that sum them up and prove them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from marketplace.matching.plans import Plan, parts, transport_t_km, trips, unmatched_kg
from marketplace.solver.problem import weighted

Figures: TypeAlias = "dict[str, int | float | str | bool | list[str] | Figures | None]"

HEADER = ("supply_id", "demand_id", "material", "tonnes", "great_circle_km", "road_km", "cost_yuan")


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a plan was made, for the report."""

    engine: str
    objective: str
    truckload_kg: int
    candidate_seconds: float
    solve_seconds: float
    peak_rss_mib: float


def plan_csv(plan: Plan) -> bytes:
    """
    Return the pairs that move something, sorted by both ids, in UTF-8.

    Every figure is exact, so that rows add up to the report: tonnes and kilometers to three decimals, and their product
    to six. Where no file names a price ``cost_yuan`` holds the tonne-kilometers of road that the plan counts as cost.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    pairs = plan.pairs
    at = np.flatnonzero(plan.kg)
    columns = (pairs.problem.lot, pairs.problem.line, plan.kg, pairs.great_circle_m, pairs.road_m, pairs.outlay)
    for i, j, kg, straight_m, road_m, rate in zip(*(column[at].tolist() for column in columns), strict=True):
        lot, line = pairs.lots[i], pairs.lines[j]
        cost = _places(kg * rate * (10 if pairs.priced else 1), 6)
        row = (lot.id, line.id, lot.material, _places(kg, 3), _places(straight_m, 3), _places(road_m, 3), cost)
        writer.writerow(row)
    return text.getvalue().encode()


def report(plan: Plan, run: Run) -> Figures:
    """
    Return the figures of a plan.

    ``cost_yuan``, ``bound`` and ``gap`` are in ``cost_unit``: yuan of freight, or tonne-kilometers of road where no
    file names a price. ``most_t`` is what no plan can pass: without rules the capacity of the minimum cut. ``bound`` is what
    any plan of these tonnes costs at least, ``fees_yuan`` included, and ``gap`` by how much this one may be too dear. For the
    greatest surplus ``surplus_yuan`` is that of the plan, its fees taken off, and ``bound`` the most that any plan has;
    else it is null. ``searched`` is what branch and bound says beyond, which only HiGHS stands by.
    """
    pairs, proof = plan.pairs, plan.proof
    problem = pairs.problem
    unit = 100_000 if pairs.priced else 1_000_000  # thousandths of fen in a yuan; of meters, with kilograms, in a t km
    for_surplus = problem.objective == "surplus"
    sign = -1 if for_surplus else 1
    at = np.flatnonzero(plan.kg).tolist()
    ends = [(pairs.lots[problem.lot[a]].province, pairs.lines[problem.line[a]].province, int(plan.kg[a])) for a in at]
    return {
        "supply_t": _tonnes(int(problem.supply.sum())),
        "demand_t": _tonnes(int(problem.capacity.sum())),
        "matched_t": _tonnes(int(plan.kg.sum())),
        "transport_t_km": float(transport_t_km(plan)),
        "cost_yuan": float(Fraction(weighted(plan.kg, pairs.outlay), unit)),
        "cost_unit": "yuan" if pairs.priced else "t_km",
        "fees_yuan": plan.fees_fen / 100,
        "surplus_yuan": float(Fraction(-proof.cost, unit)) if for_surplus else None,
        "cross_province_t": _tonnes(sum(kg for here, there, kg in ends if here and there and here != there)),
        "lots": len(pairs.lots),
        "lines": len(pairs.lines),
        "arcs": int(problem.lot.size),
        "components": parts(pairs),
        "contracts": len(at),
        "truckload_kg": run.truckload_kg,
        "trips": trips(plan, run.truckload_kg),
        "engine": run.engine,
        "objective": run.objective,
        "candidate_seconds": round(run.candidate_seconds, 3),
        "solve_seconds": round(run.solve_seconds, 3),
        "peak_rss_mib": round(run.peak_rss_mib, 1),
        "certificate": {
            "feasible": proof.feasible,
            "tonnes_maximal": proof.tonnes_maximal,
            "cost_minimal": proof.cost_minimal,
            "bound": None if proof.bound is None else float(Fraction(sign * proof.bound, unit)),
            "gap": None if proof.gap is None else float(Fraction(proof.gap, unit)),
            "most_t": None if proof.most_kg is None else _tonnes(proof.most_kg),
            "searched": _searched(plan, sign, unit),
            "violations": list(proof.violations),
        },
        "unmatched": {reason: _tonnes(kg) for reason, kg in unmatched_kg(plan).items()},
    }


def _searched(plan: Plan, sign: int, unit: int) -> Figures | None:
    if plan.proof.searched is None:
        return None
    most_kg, cost, nodes = plan.proof.searched
    return {
        "most_t": None if most_kg is None else _tonnes(most_kg),
        "bound": None if cost is None else float(Fraction(sign * cost, unit)),
        "nodes": nodes,
    }


def _tonnes(kg: int) -> float:
    return kg / 1000


def _places(whole: int, places: int) -> str:
    """
    Write a whole number of the last decimal place.

    >>> _places(-1500, 3)
    '-1.500'
    """
    sign, digits = ("-" if whole < 0 else ""), str(abs(whole)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"
