"""Whole choices: a least lot and a cost for each contract, beside `scipy.optimize.milp` called plainly."""

from __future__ import annotations

from time import perf_counter, process_time

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from bench.markets import clustered_problem
from marketplace.solver.engines import engine
from marketplace.solver.problem import Integers, Problem, weighted
from marketplace.solver.ruling.ruled import allocate
from marketplace.solver.ruling.ruled_certificate import certify_ruled
from marketplace.solver.ruling.rules import Rules

LEAST_KG, FEE_FEN = 10_000, 50_000
CASES = (
    ("least lot 10 t", LEAST_KG, 0, (0,)),
    ("500 yuan a contract", 0, FEE_FEN, (0,)),
    ("both", LEAST_KG, FEE_FEN, (0, 100)),
)
"""Each with its least lot, its fee, and how many nodes of branch and bound each part is given."""

VALUE_FEN_PER_T = 200_000
"""What a tonne is worth in the one objective that a plain call can have."""

MOST_SECONDS = 30


def rows(listings: int = 3_000) -> list[dict[str, object]]:
    """
    Return the rows of each case: our plan, and the plain call's.

    ``gap_t_percent`` and ``gap_cost_percent`` are by how much, at most, the plan moves too little and costs too much for
    what it moves, as its certificate proves. ``value_gap_percent`` compares both in the one objective of the plain call
    (2,000 yuan a tonne, less the cost) with the bound that HiGHS gives for it.
    """
    problem = clustered_problem(listings)
    table: list[dict[str, object]] = []
    for name, least_kg, fee, searched in CASES:
        rules = Rules.of(problem, least_kg=least_kg, fee=fee)
        began, worked = perf_counter(), process_time()
        kg, best = by_milp(problem, least_kg, fee)
        plain = _row(problem, name, "scipy milp, plain, to 1 %", perf_counter() - began, process_time() - worked, kg)
        ours = [_ruled(problem, name, rules, nodes) for nodes in searched]
        for row, flow in [*ours, (plain, kg)]:
            row["value_gap_percent"] = _percent(best - _value(problem, flow, fee), best)
            table.append(row)
    return table


def _ruled(problem: Problem, case: str, rules: Rules, nodes: int) -> tuple[dict[str, object], Integers]:
    began, worked = perf_counter(), process_time()
    plan = allocate(problem, rules, engine("auto"), nodes=nodes)
    proof = certify_ruled(problem, rules, plan)
    seconds, cpu_seconds = perf_counter() - began, process_time() - worked
    if not proof.valid or proof.bound_kg is None or proof.bound_cost is None:
        raise AssertionError(f"{case}: {proof.violations}")
    method = f"ruled, proved, {nodes} nodes" if nodes else "ruled, proved, no search"
    row = _row(problem, case, method, seconds, cpu_seconds, plan.kg)
    row["gap_t_percent"] = _percent(proof.bound_kg - proof.moved_kg, proof.bound_kg)
    row["gap_cost_percent"] = _percent(proof.cost - proof.bound_cost, proof.bound_cost)
    return row, plan.kg


def by_milp(problem: Problem, least_kg: int, fee: int) -> tuple[Integers, float]:
    """Return kilograms by one call of `scipy.optimize.milp` until 1 % or half a minute, and the bound on its objective."""
    n, m, e = problem.shape
    arc, one = np.arange(e), np.ones(e)
    room = np.minimum(problem.supply[problem.lot], problem.capacity[problem.line]) / 1000
    ends = coo_array(
        (np.ones(2 * e), (np.concatenate([problem.lot, n + problem.line]), np.concatenate([arc, arc]))),
        shape=(n + m, 2 * e),
    )
    upper = coo_array((np.concatenate([one, -room]), (np.tile(arc, 2), np.concatenate([arc, e + arc]))), (e, 2 * e))
    lower = coo_array(
        (np.concatenate([-one, one * least_kg / 1000]), (np.tile(arc, 2), np.concatenate([arc, e + arc]))), (e, 2 * e)
    )
    found = milp(
        np.concatenate([problem.cost - float(VALUE_FEN_PER_T), np.full(e, float(fee))]),
        integrality=np.concatenate([np.zeros(e), one]),
        bounds=Bounds(0, np.concatenate([room, one])),
        constraints=[
            LinearConstraint(ends.tocsr(), -np.inf, np.concatenate([problem.supply, problem.capacity]) / 1000),
            LinearConstraint(upper.tocsr(), -np.inf, 0),
            LinearConstraint(lower.tocsr(), -np.inf, 0),
        ],
        options={"mip_rel_gap": 0.01, "time_limit": MOST_SECONDS},
    )
    kg = np.zeros(e, dtype=np.int64) if found.x is None else np.rint(1000 * found.x[:e]).astype(np.int64)
    return kg, -float(found.mip_dual_bound)


def _value(problem: Problem, kg: Integers, fee: int) -> float:
    contracts = int(np.count_nonzero(kg))
    return VALUE_FEN_PER_T * int(kg.sum()) / 1000 - weighted(kg, problem.cost) / 1000 - fee * contracts


def _row(
    problem: Problem, case: str, method: str, seconds: float, cpu_seconds: float, kg: Integers
) -> dict[str, object]:
    return {
        "case": case,
        "method": method,
        "arcs": problem.lot.size,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "tonnes": int(kg.sum()) / 1000,
        "contracts": int(np.count_nonzero(kg)),
    }


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 3)
