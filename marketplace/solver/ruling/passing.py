"""What a line passes on to a later month: no more than came to it, which a linear program that need not save may forget."""

from __future__ import annotations

import numpy as np

from marketplace.solver.problem import Integers
from marketplace.solver.ruling.reduction import Model


def as_it_came(model: Model, loads: Integers, kept: Integers) -> Integers:
    """
    Return what is stored, (s,), under loads, (e,) with what is pinned, without what lines pass on and never had.

    A line that would use less than nothing only takes room from its later month: with less stored nobody has to move
    anything else, and nothing costs more.
    """
    n, m, _, _ = model.shape
    if not np.any(model.tail >= n):
        return kept
    kept = kept.copy()
    used = np.zeros(m, dtype=np.int64)
    np.add.at(used, model.line, loads)
    at_lines = np.flatnonzero(model.tail >= n)
    np.subtract.at(used, model.tail[at_lines] - n, kept[at_lines])
    np.add.at(used, model.head[at_lines] - n, kept[at_lines])
    for at in at_lines.tolist():  # sorted by tail, and every head comes after its tail
        tail, head = int(model.tail[at]) - n, int(model.head[at]) - n
        less = min(int(kept[at]), -int(used[tail]))
        if less > 0:
            kept[at] -= less
            used[tail] += less
            used[head] -= less
    return kept
