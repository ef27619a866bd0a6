"""The baseline to beat: what a spreadsheet does."""

from __future__ import annotations

import numpy as np

from marketplace.solver.problem import Allocation, Problem


def allocate(problem: Problem) -> Allocation:
    """
    Take the cheapest pair that still fits, again and again; of equals the earlier lot, then the earlier line.

    Whole and feasible, neither the most tonnes nor the least cost; prices are zero, for it proves nothing.
    """
    n, m, e = problem.shape
    left, room = problem.supply.tolist(), problem.capacity.tolist()
    lot, line = problem.lot.tolist(), problem.line.tolist()
    kg = np.zeros(e, dtype=np.int64)
    for arc in np.argsort(problem.cost, kind="stable").tolist():
        i, j = lot[arc], line[arc]
        moved = min(left[i], room[j])
        if moved:
            kg[arc] = moved
            left[i] -= moved
            room[j] -= moved
    return Allocation(
        kg=kg,
        lot_price=np.zeros(n, dtype=np.int64),
        line_price=np.zeros(m, dtype=np.int64),
        short_lots=np.zeros(n, dtype=np.bool_),
        short_lines=np.zeros(m, dtype=np.bool_),
    )
