"""Twelve months with storage: the market of a year, in which yards and silos carry kilograms into later months."""

from __future__ import annotations

from time import perf_counter, process_time

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from bench.markets import SEED, clustered_problem
from marketplace.solver.certificate import certify
from marketplace.solver.engines import engine, names
from marketplace.solver.problem import Carry, Problem, weighted

MONTHS = 12
YARD_FEN, SILO_FEN = 150, 300
"""What a month in store costs, per tonne."""


def stored(listings: int, *, months: int = MONTHS, storage: bool = True, seed: int = SEED) -> Problem:
    """
    Return a market over so many months: node ``site * months + month`` on either side.

    A lot offers its tonnes every month, more or less of them by the season; a line is closed for up to three months in
    a row, and has a twelfth to spare in the others. A yard holds two months of its lot, a silo half a month of its line.
    """
    once = clustered_problem(listings, seed=seed)
    n, m, e = once.shape
    rng = np.random.default_rng([seed, listings, months])
    season = 1 + 0.6 * np.cos(2 * np.pi * (np.arange(months) / 12 + rng.random((n, 1))))
    supply = np.rint(once.supply[:, None] * season).astype(np.int64)
    first, closed = rng.integers(0, months, (m, 1)), rng.integers(0, 4, (m, 1))
    open_ = (np.arange(months) - first) % months >= closed
    capacity = np.where(open_, once.capacity[:, None] * 13 // 12, 0)

    month = np.tile(np.arange(months), e)
    arc = np.repeat(np.arange(e), months)
    used = open_[once.line[arc], month]
    arc, month = arc[used], month[used]
    lot, line, cost = once.lot[arc] * months + month, once.line[arc] * months + month, once.cost[arc]
    order = np.lexsort((line, lot))
    yards, silos = (np.flatnonzero(np.arange(size * months) % months < months - 1) for size in (n, m))
    carry = Carry.of(
        tail=np.concatenate([yards, silos + n * months]),
        head=np.concatenate([yards, silos + n * months]) + 1,
        most_kg=np.concatenate([2 * once.supply[yards // months], once.capacity[silos // months] // 2]),
        cost=np.concatenate([np.full(yards.size, YARD_FEN), np.full(silos.size, SILO_FEN)]),
    )
    return Problem.of(
        supply=supply.ravel(),
        capacity=capacity.ravel(),
        lot=lot[order],
        line=line[order],
        cost=cost[order],
        carry=carry if storage else None,
    )


def rows(listings: int = 3_000) -> list[dict[str, object]]:
    """Return a row per method: seconds, tonnes and cost; raises AssertionError if one is not proved or they differ."""
    problem = stored(listings)
    table: list[dict[str, object]] = []
    answers: set[tuple[int, int]] = set()
    for name in ("network", "scipy"):
        if name not in names():
            continue
        began, worked = perf_counter(), process_time()
        found = engine(name)(problem)
        solved, busy = perf_counter(), process_time()
        proof = certify(problem, found)
        proved = perf_counter()
        if not proof.valid:
            raise AssertionError(f"{name} is not proved: {proof.violations}")
        moved = int(found.kg.sum())
        cost = weighted(found.kg, problem.cost) + weighted(found.carried, problem.carry.cost)
        answers.add((moved, cost))
        table.append(_row(problem, name, solved - began, busy - worked, proved - solved, moved))
    began, worked = perf_counter(), process_time()
    moved, cost = by_or_tools(problem)
    table.append(_row(problem, "OR-Tools min-cost flow", perf_counter() - began, process_time() - worked, None, moved))
    if len(answers | {(moved, cost)}) > 1:
        raise AssertionError(f"the answers differ: {answers | {(moved, cost)}}")
    apart = stored(listings, storage=False)
    began, worked = perf_counter(), process_time()
    moved = int(engine("auto")(apart).kg.sum())
    table.append(_row(apart, "without storage", perf_counter() - began, process_time() - worked, None, moved))
    return table


def by_or_tools(problem: Problem) -> tuple[int, int]:
    """Return the most kilograms and the least cost of moving and storing them, in thousandths, by OR-Tools."""
    n, m, _ = problem.shape
    source, sink = n + m, n + m + 1
    flow = SimpleMinCostFlow()
    add = flow.add_arcs_with_capacity_and_unit_cost
    add(problem.lot, problem.line + n, np.full(problem.lot.size, int(problem.supply.sum())), problem.cost)
    add(np.full(n, source), np.arange(n), problem.supply, np.zeros(n, dtype=np.int64))
    add(np.arange(n, n + m), np.full(m, sink), problem.capacity, np.zeros(m, dtype=np.int64))
    add(problem.carry.tail, problem.carry.head, problem.carry.most_kg, problem.carry.cost)
    flow.set_node_supply(source, int(problem.supply.sum()))
    flow.set_node_supply(sink, -int(problem.supply.sum()))
    if flow.solve_max_flow_with_min_cost() != SimpleMinCostFlow.OPTIMAL:
        raise AssertionError("OR-Tools found no optimum")
    return flow.maximum_flow(), flow.optimal_cost()


def _row(
    problem: Problem, method: str, seconds: float, cpu_seconds: float, proof_seconds: float | None, moved: int
) -> dict[str, object]:
    return {
        "method": method,
        "nodes": problem.supply.size + problem.capacity.size,
        "arcs": problem.lot.size,
        "stores": problem.carry.tail.size,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "proof_seconds": None if proof_seconds is None else round(proof_seconds, 3),
        "matched_percent": round(100 * moved / int(problem.supply.sum()), 2),
    }
