"""The most kilograms that can move, at any size, and the cut that says why no more can."""

from __future__ import annotations

from math import gcd
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from marketplace.solver.graph import Graph
from marketplace.solver.problem import Flags, Integers

_MOST: Final = 2**30
"""What one call of SciPy's maximum flow may move: its capacities are 32 bits wide."""


def greatest(graph: Graph, supply: Integers, capacity: Integers) -> Integers:
    r"""
    Return kilograms along each arc, (e,), that are in sum the most that can be moved.

    Capacities are read digit by digit [1]_, since SciPy's Dinic [2]_ counts in 32 bits: the problem is solved in units
    of :math:`2^k` kg, that flow is doubled :math:`d` times, and the rest is augmented in the residual graph in units of
    :math:`2^{k-d}`. A minimum cut of the coarse problem is a cut of the finer one, and each of its at most
    :math:`n + m + k` edges of limited width gained less than :math:`2^d` units by the finer reading. So no more than
    that many times :math:`2^d` units remain to be found, every residual capacity may be clipped there, and nothing
    overflows or is rounded.

    References
    ----------
    .. [1] H. N. Gabow (1985), Scaling algorithms for network problems, :doi:`10.1016/0022-0000(85)90039-X`.
    .. [2] E. A. Dinic (1970), Algorithm for solution of a problem of maximum flow in networks with power estimation.
    """
    n, m, stored = graph.n, graph.m, graph.most_kg
    limited = n + m + stored.size
    kg = np.zeros(graph.tail.size, dtype=np.int64)
    unit = gcd(*(int(np.gcd.reduce(masses)) for masses in (supply, capacity, stored) if masses.size), 0)
    if not graph.tail.size or not unit:
        return kg
    supply, capacity, stored = supply // unit, capacity // unit, stored // unit
    digits = max(1, _MOST.bit_length() - 1 - limited.bit_length())
    shift = max(0, min(int(supply.sum()), int(capacity.sum())).bit_length() - _MOST.bit_length() + 1)
    most = _MOST
    while True:
        net = graph.net_out(kg)
        left, room = (supply >> shift) - net[:n], (capacity >> shift) + net[n:]
        kg += _augmenting(graph, np.minimum(left, most), np.minimum(room, most), kg, stored >> shift, most)
        if not shift:
            return kg * unit
        step = min(digits, shift)
        shift -= step
        kg <<= step
        most = limited << step


def source_side(graph: Graph, kg: Integers, left: Integers) -> Flags:
    """
    Return which nodes (n + m,) are reachable in the residual graph from lots with kilograms ``left`` (n,).

    Kilograms may follow forwards any arc that may carry more, and backwards one that carries some. After a greatest flow
    this is the source side of the minimum cut, and the same whichever greatest flow it was.
    """
    source = graph.n + graph.m
    begin, back = np.flatnonzero(left > 0), np.flatnonzero(kg)
    onward = np.flatnonzero(graph.may_take(kg)) if graph.most_kg.size else slice(None)
    tail = np.concatenate([np.full(begin.size, source), graph.tail[onward], graph.head[back]])
    head = np.concatenate([begin, graph.head[onward], graph.tail[back]])
    shape = (source + 1, source + 1)
    residual = coo_array((np.ones(tail.size, dtype=np.int8), (tail.astype(np.int32), head.astype(np.int32))), shape)
    reached = np.zeros(source + 1, dtype=np.bool_)
    reached[breadth_first_order(residual.tocsr(), source, return_predecessors=False)] = True
    return reached[:source]


def _augmenting(graph: Graph, left: Integers, room: Integers, kg: Integers, stored: Integers, clip: int) -> Integers:
    """Return the change along each arc by a greatest flow of the residual graph; ``kg`` may be undone."""
    n, m = graph.n, graph.m
    source, sink = n + m, n + m + 1
    most = min(int(left.sum()), int(room.sum()), _MOST)
    forward = np.full(graph.tail.size, most)
    forward[graph.pairs :] = np.minimum(stored - kg[graph.pairs :], min(most, clip))
    undo = np.flatnonzero(kg)
    tail = np.concatenate([np.full(n, source), graph.tail, graph.head[undo], np.arange(n, source)])
    head = np.concatenate([np.arange(n), graph.head, graph.tail[undo], np.full(m, sink)])
    width = np.concatenate([left, forward, np.minimum(kg[undo], clip), room]).astype(np.int32)
    residual = coo_array((width, (tail, head)), shape=(sink + 1, sink + 1)).tocsr()
    found = maximum_flow(residual, source, sink, method="dinic")
    return np.asarray(found.flow[graph.tail, graph.head], dtype=np.int64).ravel()
