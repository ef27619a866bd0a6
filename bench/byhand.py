"""What is done by hand today: rules that look at one listing, or one pair, after another."""

from __future__ import annotations

import numpy as np

from bench.markets import Joined
from marketplace.solver.engines import engine
from marketplace.solver.problem import Integers, Problem


def cheapest_pair_first(instance: Joined) -> Integers:
    """Sort all pairs by cost and take the first that still fits: a spreadsheet, and our engine ``greedy``."""
    return engine("greedy")(instance.problem).kg


def nearest_line(instance: Joined) -> Integers:
    """Send each listing in turn to the nearest lines with room, in parts where it must be."""
    return _in_turn(instance.problem, instance.meters, whole=False)


def cheapest_line(instance: Joined) -> Integers:
    """Send each listing in turn to the cheapest lines with room, in parts where it must be."""
    return _in_turn(instance.problem, instance.problem.cost, whole=False)


def whole_to_nearest(instance: Joined) -> Integers:
    """Send each listing in turn to the nearest line that has room for all of it, or leave it."""
    return _in_turn(instance.problem, instance.meters, whole=True)


def _in_turn(problem: Problem, rank: Integers, *, whole: bool) -> Integers:
    order = np.lexsort((rank, problem.lot))
    begins = np.searchsorted(problem.lot, np.arange(problem.supply.size + 1)).tolist()
    line, room = problem.line[order].tolist(), problem.capacity.tolist()
    kg = np.zeros(order.size, dtype=np.int64)
    for lot, left in enumerate(problem.supply.tolist()):
        for place in range(begins[lot], begins[lot + 1]):
            if not left:
                break
            free = room[line[place]]
            if whole and free < left:
                continue
            moved = min(left, free)
            kg[order[place]] = moved
            room[line[place]] -= moved
            left -= moved
    return kg
