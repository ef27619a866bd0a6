"""
What must wait, if arcs are promised so much: taken off before solving, so that what is left is a plain network.

A lot that promises more than it has in a month needs at least the rest from the month before, and a line that is promised more
than it can use in a month must pass on at least the rest. Where each lot is stored into from one month alone, and each
line stores for one month alone, what must wait so is told by going from month to month, and every plan holds that much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketplace.solver.problem import Integers, SolverFailed
from marketplace.solver.ruling.reduction import Model


@dataclass(frozen=True, eq=False)
class Waiting:
    """What every plan holds in each place of storage, (s,), and what lots, (n,), and lines, (m,), then have for the rest."""

    kept: Integers
    left: Integers
    room: Integers


def in_chains(model: Model) -> bool:
    """Whether no lot is stored into from two months, and no line stores for two."""
    n = model.supply.size
    at_lots = model.tail < n
    into, out = model.head[at_lots], model.tail[~at_lots]
    return bool(np.unique(into).size == into.size and np.unique(out).size == out.size)


def waiting(model: Model, lower: Integers) -> Waiting:
    """
    Return what must wait if each arc carries at least ``lower`` (e,), for storage `in_chains`.

    Raises SolverFailed if a lot or a line is promised more than it has with all that its storage can hold.
    """
    left, room = model.left(lower)
    kept = np.zeros(model.tail.size, dtype=np.int64)
    n = left.size
    at_lots = np.flatnonzero(model.tail < n)
    for at in at_lots[::-1].tolist():  # sorted by tail: a month comes after those that it stores for
        tail, head = int(model.tail[at]), int(model.head[at])
        kept[at] = max(0, -int(left[head]))
        left[head] += kept[at]
        left[tail] -= kept[at]
    for at in np.flatnonzero(model.tail >= n).tolist():
        tail, head = int(model.tail[at]) - n, int(model.head[at]) - n
        kept[at] = max(0, -int(room[tail]))
        room[tail] += kept[at]
        room[head] -= kept[at]
    if min(int(left.min(initial=0)), int(room.min(initial=0))) < 0 or np.any(kept > model.keep):
        raise SolverFailed("a lot or a line is promised more than it has")
    return Waiting(kept, left, room)
