"""A plan as the two files that are handed over: the rows, and the figures that sum them up and prove them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from marketplace.matching.plancheck import permitted, used
from marketplace.matching.planleft import unmatched_kg
from marketplace.matching.plans import Plan, parts, transport_t_km, trips
from marketplace.solver.problem import weighted

Figures: TypeAlias = "dict[str, int | float | str | bool | list[str] | list[Figures] | Figures | None]"

HEADER = ("supply_id", "demand_id", "material", "tonnes", "great_circle_km", "road_km", "cost_yuan")
"""The columns of a plan; ``month`` stands after both ids where rows have months."""


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
    Return the pairs that move something, sorted by both ids and month, in UTF-8.

    Every figure is exact, so that rows add up to the report: tonnes and kilometers to three decimals, and their product
    to six. Where no file names a price ``cost_yuan`` holds the tonne-kilometers of road that the plan counts as cost.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    pairs, rows = plan.pairs, []
    writer.writerow((*HEADER[:2], "month", *HEADER[2:]) if pairs.monthly else HEADER)
    at = np.flatnonzero(plan.kg)
    columns = (pairs.problem.lot, pairs.problem.line, plan.kg, pairs.great_circle_m, pairs.road_m, pairs.outlay)
    for i, j, kg, straight_m, road_m, rate in zip(*(column[at].tolist() for column in columns), strict=True):
        lot, line = pairs.lots[i], pairs.lines[j]
        cost = _places(kg * rate * (10 if pairs.priced else 1), 6)
        ids = (lot.id, line.id, str(lot.month)) if pairs.monthly else (lot.id, line.id)
        rows.append((*ids, lot.material, _places(kg, 3), _places(straight_m, 3), _places(road_m, 3), cost))
    writer.writerows(sorted(rows) if pairs.monthly else rows)
    return text.getvalue().encode()


def report(plan: Plan, run: Run) -> Figures:
    """
    Return the figures of a plan.

    ``cost_yuan``, ``bound`` and ``gap`` are in ``cost_unit``: yuan of freight, or tonne-kilometers of road where no
    file names a price. ``most_t`` is what no plan can pass: without rules the capacity of the minimum cut. ``bound`` is what
    any plan of these tonnes costs at least, ``fees_yuan`` included, and ``gap`` by how much this one may be too dear. For the
    greatest surplus ``surplus_yuan`` is that of the plan, its fees taken off, and ``bound`` the most that any plan has;
    else it is null. ``searched`` is what branch and bound says beyond, which only HiGHS stands by.

    Where rows have months, ``lots`` and ``lines`` count ids, and ``storage_yuan``, in ``cost_unit`` and part of what ``bound``
    bounds, is what storing costs; ``stored`` says who keeps how much from which month to which. ``permits`` and ``filings``
    say what is used of each that there is. ``kept`` in the certificate names what of these is proved to be kept, in whole
    kilograms and row by row, beside the proof of the arrays.
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
        **_monthly(plan, unit),
        **_filings(plan),
        "cross_province_t": _tonnes(sum(kg for here, there, kg in ends if here and there and here != there)),
        "lots": len({lot.id for lot in pairs.lots}),
        "lines": len({line.id for line in pairs.lines}),
        "arcs": int(problem.lot.size),
        "components": parts(pairs),
        "contracts": plan.contracts,
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
            **_kept(plan),
        },
        "unmatched": {reason: _tonnes(kg) for reason, kg in unmatched_kg(plan).items()},
    }


def _monthly(plan: Plan, unit: int) -> Figures:
    """Return the months, what is stored over their ends, and what arrives under each permit; nothing without months."""
    pairs = plan.pairs
    if not pairs.monthly:
        return {}
    stored: list[Figures] = []
    for each in plan.stored():
        rows = pairs.lots if each.side == "supply" else pairs.lines
        own, until = rows[each.first], rows[each.last]
        stored.append(
            {
                "side": each.side,
                "id": own.id,
                "from": str(own.month),
                "to": str(until.month),
                "tonnes": _tonnes(each.kg),
            }
        )
    permits: list[Figures] = [
        {"demand_id": line.id, "year": year, "arrived_t": _tonnes(kg), "permit_t": _tonnes(line.permit_kg or 0)}
        for line, year, kg in permitted(pairs.lines, plan.moved())
    ]
    return {
        "months": sorted({str(row.month) for row in (*pairs.lots, *pairs.lines)}),
        "storage_yuan": float(Fraction(plan.storage_cost, unit)),
        "stored": stored,
        **({"permits": permits} if permits else {}),
    }


def _kept(plan: Plan) -> Figures:
    """Return what `plancheck` has held the plan against, without whose word there is no plan; nothing where nothing is asked."""
    pairs = plan.pairs
    asked = {
        "months": pairs.monthly,
        "storage": bool(pairs.problem.carry.tail.size),
        "permits": any(line.permit_kg is not None for line in pairs.lines),
        "filings": pairs.terms.filed is not None,
    }
    kept = [name for name, wanted in asked.items() if wanted]
    return {"kept": kept} if kept else {}


def _filings(plan: Plan) -> Figures:
    """Return what is used of each filing that opens a pair; nothing where filings are not asked for."""
    pairs = plan.pairs
    if pairs.terms.filed is None:
        return {}
    gone = used(pairs.lots, pairs.lines, plan.moved())
    filings: list[Figures] = []
    for place, filing in enumerate(pairs.terms.filed.filings):
        if (pairs.filing == place).any():
            own: Figures = {"producer": filing.producer, "recycler": filing.recycler, "material": filing.material}
            days = {"valid_from": filing.valid_from, "valid_to": filing.valid_to}
            own |= {name: day.isoformat() if day else None for name, day in days.items()}
            filings.append({**own, "tonnes_left": _tonnes(filing.left_kg), "used_t": _tonnes(gone[place])})
    return {"filings": filings}


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
