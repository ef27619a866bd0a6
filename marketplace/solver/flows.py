"""The most kilograms that can move, at any size, and the cut that says why no more can."""

from __future__ import annotations

from math import gcd
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from marketplace.solver.problem import Flags, Integers

_MOST: Final = 2**30
"""What one call of SciPy's maximum flow may move: its capacities are 32 bits wide."""


def greatest(supply: Integers, capacity: Integers, lot: Integers, line: Integers) -> Integers:
    r"""
    Return kilograms along each arc, (e,), that are in sum the most that can be moved.

    Capacities are read digit by digit [1]_, since SciPy's Dinic [2]_ counts in 32 bits: the problem is solved in units
    of :math:`2^k` kg, that flow is doubled :math:`d` times, and the rest is augmented in the residual graph in units of
    :math:`2^{k-d}`. A minimum cut of the coarse problem is a cut of the finer one, and each of its at most
    :math:`n + m` edges gained less than :math:`2^d` units by the finer reading. So no more than :math:`(n + m)\,2^d`
    units remain to be found, every residual capacity may be clipped there, and nothing overflows or is rounded.

    References
    ----------
    .. [1] H. N. Gabow (1985), Scaling algorithms for network problems, :doi:`10.1016/0022-0000(85)90039-X`.
    .. [2] E. A. Dinic (1970), Algorithm for solution of a problem of maximum flow in networks with power estimation.
    """
    n, m, e = supply.size, capacity.size, lot.size
    kg = np.zeros(e, dtype=np.int64)
    unit = gcd(int(np.gcd.reduce(supply)), int(np.gcd.reduce(capacity)))
    if not e or not unit:
        return kg
    supply, capacity = supply // unit, capacity // unit
    digits = max(1, _MOST.bit_length() - 1 - (n + m).bit_length())
    shift = max(0, min(int(supply.sum()), int(capacity.sum())).bit_length() - _MOST.bit_length() + 1)
    most = _MOST
    while True:
        left = (supply >> shift) - sums(lot, kg, n)
        room = (capacity >> shift) - sums(line, kg, m)
        kg += _augmenting(np.minimum(left, most), np.minimum(room, most), lot, line, np.minimum(kg, most))
        if not shift:
            return kg * unit
        step = min(digits, shift)
        shift -= step
        kg <<= step
        most = (n + m) << step


def source_side(left: Integers, lot: Integers, line: Integers, kg: Integers, lines: int) -> tuple[Flags, Flags]:
    """
    Return which lots (n,) and lines (m,) are reachable in the residual graph from lots with kilograms ``left`` (n,).

    Kilograms may follow any arc forwards, and one that carries some backwards. After a greatest flow this is the source
    side of the minimum cut, and the same whichever greatest flow it was.
    """
    n, source = left.size, left.size + lines
    begin, back = np.flatnonzero(left), np.flatnonzero(kg)
    tail = np.concatenate([np.full(begin.size, source), lot, line[back] + n])
    head = np.concatenate([begin, line + n, lot[back]])
    graph = coo_array((np.ones(tail.size, dtype=np.int8), (tail, head)), shape=(source + 1, source + 1)).tocsr()
    reached = np.zeros(source + 1, dtype=np.bool_)
    reached[breadth_first_order(graph, source, return_predecessors=False)] = True
    return reached[:n], reached[n:source]


def _augmenting(left: Integers, room: Integers, lot: Integers, line: Integers, back: Integers) -> Integers:
    """Return the change along each arc by a greatest flow of the residual graph; ``back`` is what may be undone."""
    n, m = left.size, room.size
    source, sink = n + m, n + m + 1
    most = min(int(left.sum()), int(room.sum()), _MOST)
    forward = np.full(lot.size, most)
    undo = np.flatnonzero(back)
    tail = np.concatenate([np.full(n, source), lot, line[undo] + n, np.arange(n, source)])
    head = np.concatenate([np.arange(n), line + n, lot[undo], np.full(m, sink)])
    width = np.concatenate([left, forward, back[undo], room]).astype(np.int32)
    graph = coo_array((width, (tail, head)), shape=(sink + 1, sink + 1)).tocsr()
    found = maximum_flow(graph, source, sink, method="dinic")
    return np.asarray(found.flow[lot, line + n], dtype=np.int64).ravel()


def sums(of: Integers, kg: Integers, size: int) -> Integers:
    """Return what the arcs carry at each of their ends, (size,) kg, in whole kilograms."""
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, of, kg)
    return total
