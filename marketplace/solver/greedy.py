"""The baselines to beat: what people do by hand, from a spreadsheet to the telephone. Whole and feasible; they prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from marketplace.solver.problem import Allocation, Flags, Integers, Problem


def allocate(problem: Problem, rule: str = "cheapest pair") -> Allocation:
    """
    Allocate by a rule of `RULES`; of equals the earlier lot, then the earlier line. Raises KeyError for another rule.

    Neither the most tonnes nor the least cost, and storage stays empty; prices are zero. A pair that would lose is not taken
    where the objective is ``surplus``.
    """
    n, m, _ = problem.shape
    return Allocation(
        kg=RULES[rule](
            problem, problem.cost <= 0 if problem.objective == "surplus" else np.ones_like(problem.cost, bool)
        ),
        lot_price=np.zeros(n, dtype=np.int64),
        line_price=np.zeros(m, dtype=np.int64),
        short_lots=np.full(n, problem.objective == "surplus"),
        short_lines=np.zeros(m, dtype=np.bool_),
        carried=np.zeros_like(problem.carry.most_kg),
    )


def _cheapest_pair(problem: Problem, open_: Flags) -> Integers:
    """Take the cheapest pair of all that still fits, again and again: a spreadsheet sorted by cost."""
    return _filled(problem, np.argsort(problem.cost, kind="stable"), open_, whole=False)


def _cheapest_line(problem: Problem, open_: Flags) -> Integers:
    """Send one lot after the other to its cheapest lines with room, split as it comes: a dispatcher at the telephone."""
    return _filled(problem, np.lexsort((problem.cost, problem.lot)), open_, whole=False)


def _whole_lot(problem: Problem, open_: Flags) -> Integers:
    """Send one lot after the other whole to the cheapest line that has room for all of it: one listing, one buyer."""
    return _filled(problem, np.lexsort((problem.cost, problem.lot)), open_, whole=True)


RULES: Final[dict[str, Callable[[Problem, Flags], Integers]]] = {
    "cheapest pair": _cheapest_pair,
    "cheapest line": _cheapest_line,
    "whole lot": _whole_lot,
}
"""What a plant would do without a solver, by name."""


def _filled(problem: Problem, order: Integers, open_: Flags, *, whole: bool) -> Integers:
    """Take the pairs in this order, each as far as both sides reach, or only if the lot goes there whole."""
    left, room = problem.supply.tolist(), problem.capacity.tolist()
    lot, line = problem.lot.tolist(), problem.line.tolist()
    kg = np.zeros(problem.lot.size, dtype=np.int64)
    for arc in order[open_[order]].tolist():
        i, j = lot[arc], line[arc]
        moved = min(left[i], room[j])
        if moved and (not whole or moved == left[i]):
            kg[arc] = moved
            left[i] -= moved
            room[j] -= moved
    return kg
