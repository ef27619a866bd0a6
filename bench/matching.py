"""The engines beside what else one might have used, on the same instances, in the same run."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from marketplace.solver.candidates import within
from marketplace.solver.certificate import certify
from marketplace.solver.engines import engine
from marketplace.solver.problem import Integers, Problem, weighted

SIZES = (1_000, 3_000, 10_000)
MATERIALS = 12
CENTERS = 80
SEED = 20_270_101


def rows(sizes: tuple[int, ...] = SIZES, *, repeats: int = 3) -> list[dict[str, object]]:
    """
    Return one row per instance and method: seconds (the best of some runs), as a multiple of ours, tonnes and cost.

    ``tonnes_missed`` is what the method moves less than the most there is, ``cost_over`` what it pays more than the
    least cost of the same tonnes, as a share; none where its tonnes differ. The instances are generated.
    """
    table: list[dict[str, object]] = []
    for listings in sizes:
        problem = clustered(listings)
        most = found = 0
        ours = 1.0
        for name, solve in METHODS.items():
            seconds, kg = min((_timed(solve, problem) for _ in range(repeats)), key=lambda run: run[0])
            moved, cost = int(kg.sum()), weighted(kg, problem.cost)
            if name == "scipy engine":
                most, found, ours = moved, cost, seconds
            table.append(
                {
                    "listings": listings,
                    "lines": problem.capacity.size,
                    "arcs": problem.lot.size,
                    "method": name,
                    "seconds": round(seconds, 4),
                    "ratio": round(seconds / ours, 2),
                    "tonnes": moved / 1000,
                    "tonnes_missed": (most - moved) / 1000,
                    "cost_over": round(cost / found - 1, 9) if moved == most and found else None,
                }
            )
    return table


def clustered(listings: int, *, seed: int = SEED) -> Problem:
    """
    Return an instance of that many listings around invented centers, 0.4 intake lines for each.

    Tonnes are lognormal around 20 t, twelve materials have unequal shares, a fifth of the sites lies in the open
    country, lines reach 150 to 300 km, and room is 0.75 to 1.35 times what there is of a material. A listing has one
    property that a line may limit. Costs are fen per tonne: freight by road, a gate price, and a fee for the property.
    """
    rng = np.random.default_rng(seed)
    count = int(0.4 * listings)
    centers = rng.uniform((22.0, 103.0), (42.0, 122.0), (CENTERS, 2))
    weight = rng.dirichlet(np.full(CENTERS, 0.8))
    lots_at, lines_at = _sites(rng, centers, weight, listings), _sites(rng, centers, weight, count)
    share = rng.dirichlet(np.full(MATERIALS, 1.5))
    material, taken = rng.choice(MATERIALS, listings, p=share), rng.choice(MATERIALS, count, p=share)
    supply = np.rint(1000 * np.clip(rng.lognormal(np.log(20), 0.9, listings), 0.5, 2_000)).astype(np.int64)
    capacity = np.zeros(count, dtype=np.int64)
    for kind in range(MATERIALS):
        own = np.flatnonzero(taken == kind)
        if own.size:
            room = rng.uniform(0.75, 1.35) * supply[material == kind].sum()
            capacity[own] = np.rint(room * rng.dirichlet(np.full(own.size, 1.2)))
    radius = rng.integers(150_000, 300_001, count)
    purity, limit = rng.beta(2, 6, listings), rng.beta(6, 4, count)
    gate = np.rint(rng.normal(0, 8_000, count)).astype(np.int64)

    found: list[Integers] = []
    for kind in range(MATERIALS):
        of_lots, of_lines = np.flatnonzero(material == kind), np.flatnonzero(taken == kind)
        if of_lots.size and of_lines.size:
            lot, line, meters = within(lots_at[of_lots], lines_at[of_lines], radius[of_lines])
            found.append(np.stack([of_lots[lot], of_lines[line], meters]))
    lot, line, meters = np.concatenate(found, axis=1)
    fit = purity[lot] <= limit[line]
    lot, line, meters = lot[fit], line[fit], meters[fit]
    order = np.lexsort((line, lot))
    lot, line, meters = lot[order], line[order], meters[order]
    freight = meters * 13 * 55 // 10_000  # 0.55 yuan per tonne and kilometer, the road 1.3 times the straight line
    cost = freight + gate[line] + np.rint(purity[lot] * 4_000).astype(np.int64)
    return Problem.of(supply=supply, capacity=capacity, lot=lot, line=line, cost=cost)


def _sites(rng: np.random.Generator, centers: np.ndarray, weight: np.ndarray, count: int) -> Integers:
    """Return points (count, 2) in millionths of a degree, most of them within 28 km of a center, a fifth within 110."""
    spread_km = np.where(rng.random(count) < 0.2, 110.0, 28.0)
    offset = rng.normal(0, 1, (count, 2)) * spread_km[:, None] / 111.0
    return np.rint((centers[rng.choice(len(centers), count, p=weight)] + offset) * 1e6).astype(np.int64)


def _timed(solve: Callable[[Problem], Integers], problem: Problem) -> tuple[float, Integers]:
    began = perf_counter()
    kg = solve(problem)
    return perf_counter() - began, kg


def _ours(problem: Problem) -> Integers:
    return engine("scipy")(problem).kg


def _ours_proved(problem: Problem) -> Integers:
    allocation = engine("scipy")(problem)
    if not certify(problem, allocation).valid:
        raise AssertionError("the plan is not proved")
    return allocation.kg


def _greedy(problem: Problem) -> Integers:
    return engine("greedy")(problem).kg


def _linprog(problem: Problem) -> Integers:
    """One call of linprog with a reward per tonne that no path of costs outweighs: the obvious way."""
    n, m, e = problem.shape
    arc, one = np.arange(e), np.ones(e)
    rows_ = vstack([coo_array((one, (problem.lot, arc)), (n, e)), coo_array((one, (problem.line, arc)), (m, e))])
    reward = 2 * int(np.abs(problem.cost).max()) * 3
    found = linprog(
        problem.cost - float(reward),
        A_ub=rows_.tocsr(),
        b_ub=np.concatenate([problem.supply, problem.capacity]) / 2.0**6,
        method="highs-ds",
    )
    return np.rint(found.x * 2.0**6).astype(np.int64)


def _or_tools(problem: Problem) -> Integers:
    n, m, e = problem.shape
    flow = SimpleMinCostFlow()
    source, sink = n + m, n + m + 1
    width = np.minimum(problem.supply[problem.lot], problem.capacity[problem.line])
    flow.add_arcs_with_capacity_and_unit_cost(problem.lot, problem.line + n, width, problem.cost)
    flow.add_arcs_with_capacity_and_unit_cost(np.full(n, source), np.arange(n), problem.supply, np.zeros(n, np.int64))
    flow.add_arcs_with_capacity_and_unit_cost(
        np.arange(n, n + m), np.full(m, sink), problem.capacity, np.zeros(m, np.int64)
    )
    flow.set_node_supply(source, int(problem.supply.sum()))
    flow.set_node_supply(sink, -int(problem.supply.sum()))
    if flow.solve_max_flow_with_min_cost() != SimpleMinCostFlow.OPTIMAL:
        raise AssertionError("OR-Tools found no optimum")
    return np.asarray(flow.flows(np.arange(e)), dtype=np.int64)


METHODS: dict[str, Callable[[Problem], Integers]] = {
    "scipy engine": _ours,
    "scipy engine with certificate": _ours_proved,
    "plain linprog": _linprog,
    "OR-Tools min-cost flow": _or_tools,
    "greedy": _greedy,
}
