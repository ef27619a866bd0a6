"""The curve of least cost against kilograms, step by step along the cheapest ways still open: every slope once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, maximum_flow

from marketplace.solver.residual import Network, Residual

if TYPE_CHECKING:
    from marketplace.solver.problem import Integers, Problem

Slopes: TypeAlias = list[tuple[int, int]]
"""Cost units per tonne, ascending, and the kilograms that can be added at that."""

_MOST: Final = 2**30
"""What one call of SciPy's maximum flow may move: its capacities are 32 bits wide."""

_WIDER: Final = 4.0
"""How much farther is searched than the last path was long, before all is."""


def slopes(problem: Problem) -> Slopes:
    r"""
    Return every slope of the least cost as a function of the kilograms moved, from nothing to the most, exactly.

    Successive shortest paths [1]_ by reduced costs [2]_: each gives the cost :math:`\lambda` of the next kilogram, which
    never falls. The first path at a slope is filled; if a second one costs as much, a maximum flow over all steps of
    reduced cost zero moves whatever can still be moved at that [3]_, after which the next :math:`\lambda` is greater. So the
    number of searches is at most twice the number of slopes. Costs may be below zero: before anything moves
    the network has no round trip, and the first potentials are found by relaxing it.

    References
    ----------
    .. [1] R. G. Busacker and P. J. Gowen (1960), A procedure for determining a family of minimum-cost network flow patterns.
    .. [2] J. Edmonds and R. M. Karp (1972), :doi:`10.1145/321694.321699`.
    .. [3] L. R. Ford and D. R. Fulkerson (1962), Flows in networks, chapter III.
    """
    net = Network.of(problem)
    steps = Residual(net)
    kg = np.zeros(net.tail.size, dtype=np.int64)
    potential = steps.settled(steps.open(kg), np.zeros(net.nodes, dtype=np.int64))
    graph = steps.graph(steps.lengths(steps.open(kg), potential))
    lengths = graph.data  # changed in place, and with it the graph
    found: Slopes = []
    limit = np.inf
    while True:
        far, before = dijkstra(graph, indices=net.source, limit=limit, return_predecessors=True)
        if np.isinf(far[net.sink]):
            if np.isinf(limit):
                return found
            limit = np.inf
            continue
        nearest = far[net.sink]
        limit = _WIDER * max(nearest, limit / _WIDER**2 if np.isfinite(limit) else 1.0)
        nearer = np.minimum(far, nearest)
        potential += nearer.astype(np.int64)
        lengths += nearer[steps.begin]
        lengths -= nearer[steps.end]
        slope = int(potential[net.sink] - potential[net.source])
        if found and found[-1][0] == slope:
            tight = np.flatnonzero(lengths == 0)
            moved, arcs = _augment(steps, kg, tight), np.unique(steps.arc[tight])
            found[-1] = (slope, found[-1][1] + moved)
        else:
            moved, arcs = _fill(steps, kg, before)
            found.append((slope, moved))
        steps.measure(lengths, arcs, kg, potential)


def _fill(steps: Residual, kg: Integers, before: Integers) -> tuple[int, Integers]:
    """Move what the path of these predecessors lets pass, changing ``kg``; return how much, and along which arcs."""
    net = steps.net
    path = [net.sink]
    while path[-1] != net.source:
        path.append(int(before[path[-1]]))
    begin, end = np.array(path[:0:-1]), np.array(path[-2::-1])
    place = steps.between(begin, end)
    arcs, onward = steps.arc[place], steps.onward[place]
    moved = int(np.where(onward, net.most_kg[arcs] - kg[arcs], kg[arcs]).min())
    kg[arcs] += np.where(onward, moved, -moved)
    return moved, arcs


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
