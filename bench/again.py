"""One listing more, one contract declined: the time of the whole again, and of what is touched alone."""

from __future__ import annotations

from time import process_time
from typing import TypeAlias

import numpy as np

from bench.markets import MATERIALS, Market, clustered
from marketplace.solver import engines
from marketplace.solver.again import edits
from marketplace.solver.again.edits import Edit
from marketplace.solver.again.standing import Standing
from marketplace.solver.candidates import within
from marketplace.solver.problem import Allocation, Integers, Problem

SIZES = (3_000, 30_000, 100_000)
NEAREST, FURTHER = 15, 10
TIMES = 5
SPARE = 8
"""Places that are kept free for listings to come."""

Row: TypeAlias = dict[str, str | int | float | bool]


def rows(sizes: tuple[int, ...] = SIZES) -> list[Row]:
    """
    Return for each size and change: arcs, seconds of the processor cold and again (median and greatest of `TIMES`), whether equal.

    Every lot has its 15 cheapest lines and 10 others of those in reach, so that the largest fits in memory. Nothing is
    warm but what stands.
    """
    return [row for size in sizes for row in _rows(size)]


def sampled(market: Market, *, nearest: int = NEAREST, further: int = FURTHER) -> Problem:
    """Return the problem of a market in which every lot has only some of its lines, a few places for lots kept free."""
    rng = np.random.default_rng(len(market.supply))
    found = []
    for kind in range(MATERIALS):
        lots, lines = np.flatnonzero(market.material == kind), np.flatnonzero(market.taken == kind)
        lot, line, meters = within(market.lots_at[lots], market.lines_at[lines], market.radius[lines])
        fit = market.purity[lots][lot] <= market.limit[lines][line]
        lot, line, meters = lot[fit], line[fit], meters[fit]
        cost = meters * 13 * 55 // 10_000 + market.gate[lines][line]
        kept = _ranks(lot, cost) < nearest
        rest = np.flatnonzero(~kept)
        kept[rest[_ranks(lot[rest], rng.permutation(rest.size)) < further]] = True
        found.append((lots[lot[kept]], lines[line[kept]], cost[kept]))
    lot, line, cost = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((line, lot))
    supply = np.append(market.supply, np.zeros(SPARE, dtype=np.int64))
    return Problem.of(supply=supply, capacity=market.capacity, lot=lot[order], line=line[order], cost=cost[order])


def _ranks(lot: Integers, key: Integers) -> Integers:
    """Return which each arc is of its lot's, from the least key."""
    order = np.lexsort((key, lot))
    starts = np.searchsorted(lot[order], np.arange(int(lot.max(initial=-1)) + 1))
    ranks = np.empty_like(order)
    ranks[order] = np.arange(order.size) - starts[lot[order]]
    return ranks


def _rows(size: int) -> list[Row]:
    problem, engine = sampled(clustered(size)), engines.engine()
    begun = process_time()
    standing = Standing.of(problem, engine)
    whole = process_time() - begun
    rng = np.random.default_rng(size)
    found = list[Row]()
    for name, draw in (("one listing more", _listing), ("one contract declined", _declined)):
        times, led = list[float](), 0
        last = standing
        for _ in range(TIMES):
            edit = draw(last, rng)
            begun = process_time()
            last = last.after(edit)
            times.append(process_time() - begun)
            led += last.rerouted
        begun = process_time()
        cold = engine(last.problem)
        seconds = process_time() - begun
        found.append(
            {
                "change": name,
                "listings": size,
                "arcs": problem.lot.size,
                "seconds cold": seconds,
                "seconds again": float(np.median(times)),
                "seconds again at most": max(times),
                "seconds before the first": whole,
                "led": led,
                "equal": _equal(last.allocation, cold),
            }
        )
    return found


def _listing(standing: Standing, rng: np.random.Generator) -> Edit:
    """Return a listing in the next free place, like one that there is."""
    problem = standing.problem
    like = int(rng.integers(problem.supply.size - SPARE))
    begin, end = np.searchsorted(problem.lot, [like, like + 1])
    free = int(problem.lot[-1]) + 1
    lines, costs = problem.line[begin:end].tolist(), (problem.cost[begin:end] + 37).tolist()
    return edits.lot_more(problem, int(problem.supply[like]), lines, costs, at=free)


def _declined(standing: Standing, rng: np.random.Generator) -> Edit:
    """Return that one of the pairs which move something is closed."""
    arc = int(rng.choice(np.flatnonzero(standing.allocation.kg)))
    return edits.pair_closed(int(standing.problem.lot[arc]), int(standing.problem.line[arc]))


def _equal(one: Allocation, other: Allocation) -> bool:
    fields = ("kg", "carried", "lot_price", "line_price", "short_lots", "short_lines")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in fields)


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
