"""Rounds whose contracts have a least lot and whose lines have a permit for the year: what the rules cost in seconds."""

from __future__ import annotations

from time import perf_counter, process_time

from bench.instances import MONTHS, frozen_round, under_rules
from marketplace.matching.assembly import assemble
from marketplace.matching.contracts import Cleared, allocate
from marketplace.solver.certificate import certify
from marketplace.solver.engines import engine
from marketplace.solver.problem import Allocation, Problem, SolverFailed

SIZES = ((200, 80), (500, 200))


def rows(sizes: tuple[tuple[int, int], ...] = SIZES) -> list[dict[str, object]]:
    """
    Return one row per size: seconds from the assembled round to its proved allocation, and how far from the best it may be.

    ``gap_t_percent`` and ``gap_cost_percent`` are what the certificate leaves open.
    """
    return [_run(lots, lines) for lots, lines in sizes]


def _run(lots: int, lines: int) -> dict[str, object]:
    assembled = assemble(under_rules(frozen_round(lots, lines)))

    def prove(problem: Problem, allocation: Allocation) -> None:
        if not certify(problem, allocation).valid:
            raise SolverFailed("not proved")

    began, worked = perf_counter(), process_time()
    cleared: Cleared = allocate(assembled, engine("auto"), prove)
    seconds, cpu_seconds = perf_counter() - began, process_time() - worked
    moved, most = int(cleared.kg.sum()), cleared.best_kg or 0
    return {
        "lots": lots,
        "lines": lines,
        "months": MONTHS,
        "arcs": assembled.problem.lot.size,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "tonnes": moved // 1000,
        "gap_t_percent": round(100 * (most - moved) / most, 4),
        "gap_cost_percent": round(100 * (cleared.cost - cleared.least_cost) / abs(cleared.least_cost), 4),
    }
