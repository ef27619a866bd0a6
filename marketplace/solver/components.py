"""The parts of a problem that no arc joins: each can be solved alone, and together they are the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.solver.problem import Integers


@dataclass(frozen=True, eq=False)
class Part:
    """A connected part: which lots, lines and arcs of the whole it is made of, each ascending."""

    lots: Integers
    lines: Integers
    arcs: Integers


def labels(n: int, m: int, lot: Integers, line: Integers) -> tuple[int, Integers]:
    """
    Return how many parts ``n`` lots and ``m`` lines fall into, and (n + m,) which one each belongs to.

    A lot or a line without arcs is a part by itself; lines are numbered after the lots.
    """
    ones = np.ones(lot.size, dtype=np.int8)
    graph = coo_array((ones, (lot, line + n)), shape=(n + m, n + m)).tocsr()
    count, label = connected_components(graph, directed=False)
    return int(count), label.astype(np.int64)


def parts(n: int, m: int, lot: Integers, line: Integers) -> Iterator[Part]:
    """Yield the connected parts that have an arc, the one with most arcs first and equals in order of their lots."""
    count, label = labels(n, m, lot, line)
    of_arc = label[lot]
    sizes = np.bincount(of_arc, minlength=count)
    lots, lines, arcs = (_grouped(which, count) for which in (label[:n], label[n:], of_arc))
    for part in np.argsort(-sizes, kind="stable"):
        if not sizes[part]:
            return
        yield Part(lots=lots[part], lines=lines[part], arcs=arcs[part])


def _grouped(label: Integers, count: int) -> list[Integers]:
    order = np.argsort(label, kind="stable")
    return np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1])
