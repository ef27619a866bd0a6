"""The curve of least cost against kilograms, step by step along the cheapest ways still open: every slope once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from marketplace.solver.residual import Network, Residual

if TYPE_CHECKING:
    from marketplace.solver.problem import Integers, Problem

Slopes: TypeAlias = list[tuple[int, int]]
"""Cost units per tonne, ascending, and the kilograms that can be added at that."""

_MOST: Final = 2**30
"""What one call of SciPy's maximum flow may move: its capacities are 32 bits wide."""


def slopes(problem: Problem) -> Slopes:
    r"""
    Return every slope of the least cost as a function of the kilograms moved, from nothing to the most, exactly.

    The primal-dual method [1]_: shortest paths from the source by reduced costs [2]_ give the cost :math:`\lambda` of
    the next kilogram; a maximum flow over all steps of reduced cost zero moves whatever can be moved at that; after
    it the next :math:`\lambda` is greater. So the number of rounds is the number of distinct slopes, and between two of
    them the plan is one of least cost for its kilograms. Costs may be below zero: before anything moves the network has no
    round trip, and the first potentials are found by relaxing it.

    References
    ----------
    .. [1] L. R. Ford and D. R. Fulkerson (1962), Flows in networks, chapter III.
    .. [2] J. Edmonds and R. M. Karp (1972), :doi:`10.1145/321694.321699`.
    """
    net = Network.of(problem)
    steps = Residual(net)
    kg = np.zeros(net.tail.size, dtype=np.int64)
    potential = steps.settled(steps.open(kg), np.zeros(net.nodes, dtype=np.int64))
    found: Slopes = []
    while True:
        lengths = steps.lengths(steps.open(kg), potential)
        far = steps.distances(lengths, net.source)
        if not np.isfinite(far[net.sink]):
            return found
        nearer = np.minimum(far, far[net.sink]).astype(np.int64)
        potential += nearer
        tight = np.flatnonzero(lengths == nearer[steps.end] - nearer[steps.begin])
        moved = _augment(steps, kg, tight)
        found.append((int(potential[net.sink] - potential[net.source]), moved))


def _augment(steps: Residual, kg: Integers, tight: Integers) -> int:
    """
    Move the most that these steps let pass, changing ``kg`` (A,); return how many kilograms that is.

    In units of a power of two first, as `flows.greatest` does: what rounding leaves is less than a unit for each step.
    """
    net, total = steps.net, 0
    arc, begin, end, onward = steps.arc[tight], steps.begin[tight], steps.end[tight], steps.onward[tight]
    arcs = np.unique(arc)
    into = np.flatnonzero(net.tail[arcs] == net.source)
    starts = np.searchsorted(tight, steps.starts)
    digits = max(1, _MOST.bit_length() - 1 - tight.size.bit_length())
    shift: int | None = None
    while shift != 0:
        width = np.where(onward, net.most_kg[arc] - kg[arc], kg[arc])
        if shift is None:
            widest = min(_sum(width[begin == net.source]), _sum(width[end == net.sink]))
            shift = max(0, widest.bit_length() - _MOST.bit_length() + 1)
        else:
            shift = max(0, shift - digits)
        units = np.minimum(width >> shift, _MOST).astype(np.int32)
        graph = csr_array((units, end, starts), shape=(net.nodes, net.nodes))
        flow = maximum_flow(graph, net.source, net.sink, method="dinic").flow
        change = np.asarray(flow[net.tail[arcs], net.head[arcs]], dtype=np.int64).ravel() << shift
        kg[arcs] += change
        total += _sum(change[into])
    return total


def _sum(kg: Integers) -> int:
    return int(kg.sum())
