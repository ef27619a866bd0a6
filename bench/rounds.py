"""How long a round takes from its frozen input to its answer, by size, and where the time goes."""

from __future__ import annotations

from time import perf_counter, process_time
from typing import Any

from bench.instances import MONTHS, frozen_round
from marketplace.matching import clearing
from marketplace.solver.certificate import Certificate
from marketplace.solver.engines import engine
from marketplace.solver.problem import Allocation, Problem

SIZES = ((50, 20), (200, 80), (500, 200))


def rows(sizes: tuple[tuple[int, int], ...] = SIZES, *, repeats: int = 3) -> list[dict[str, object]]:
    """Return one row per size: seconds (the best of some runs), and the shares of the solver and of the certificate."""
    return [
        min((_run(lots, lines) for _ in range(repeats)), key=lambda row: float(str(row["seconds"])))
        for lots, lines in sizes
    ]


def _run(lots: int, lines: int) -> dict[str, object]:
    snapshot = frozen_round(lots, lines)
    solve, certify = engine("scipy"), clearing.certify
    spent = {"solver": 0.0, "certificate": 0.0}
    arcs = 0

    def solved(problem: Problem, *given: Any, **named: Any) -> Allocation:
        nonlocal arcs
        arcs += problem.lot.size
        began = perf_counter()
        try:
            return solve(problem, *given, **named)
        finally:
            spent["solver"] += perf_counter() - began

    def certified(problem: Problem, allocation: Allocation) -> Certificate:
        began = perf_counter()
        try:
            return certify(problem, allocation)
        finally:
            spent["certificate"] += perf_counter() - began

    clearing.certify = certified
    try:
        began, worked = perf_counter(), process_time()
        result = clearing.clear(snapshot, solved)
        seconds, cpu_seconds = perf_counter() - began, process_time() - worked
    finally:
        clearing.certify = certify
    return {
        "lots": lots,
        "lines": lines,
        "months": MONTHS,
        "arcs": arcs,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "solver_percent": round(100 * spent["solver"] / seconds),
        "certificate_percent": round(100 * spent["certificate"] / seconds),
        "awards": result.report.awards,
        "allocated_percent": round(100 * result.report.allocated_kg / result.report.offered_kg, 1),
        "proved": result.proof.feasible and result.proof.tonnes_maximal and result.proof.cost_minimal,
    }
