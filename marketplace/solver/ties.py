r"""
Which of several plans of equal tonnes and equal cost is meant.

The rule: of all plans with the most kilograms and the least cost, the one in which :math:`\sum r_i q_j x_{ij}` is
greatest, where :math:`r_i` and :math:`q_j` count lots and lines from the last to the first. The product is strictly
supermodular, so that the earlier lot is shipped first, and by the earlier line, as in Hoffman's northwest corner [1]_;
where all pairs are tied it is that plan. It is a third linear program on the optimal face, ends in a vertex like the
others, and is solved only over the arcs that could carry something else. What is equal even then is left to the simplex
method, which does the same on every run.

References
----------
.. [1] A. J. Hoffman (1963), On simple linear programming problems, :doi:`10.1090/pspum/007/0157778`.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.solver.problem import Flags, Integers


def undecided(
    lot: Integers,
    line: Integers,
    kg: Integers,
    *,
    left: Integers,
    room: Integers,
    loose_lots: Flags,
    loose_lines: Flags,
) -> Integers:
    """
    Return which of the tight arcs may carry another quantity in a plan of the same cost, ascending.

    ``left`` (n,) and ``room`` (m,) are the kilograms not shipped and not taken; only ``loose`` lots and lines may
    change them. A quantity can change only along a round trip of the residual graph, which may lead over the ground, where
    loose lots and lines leave and fetch kilograms. So an arc that leads out of its strong component is decided, and so
    is one that ends in a leaf once those are gone.
    """
    n, m = left.size, room.size
    ground = n + m
    back = np.flatnonzero(kg)
    shipped, taken = np.bincount(lot[back], minlength=n) > 0, np.bincount(line[back], minlength=m) > 0
    to_ground = np.concatenate([loose_lots & shipped, loose_lines & (room > 0)]).nonzero()[0]
    from_ground = np.concatenate([loose_lots & (left > 0), loose_lines & taken]).nonzero()[0]
    tail = np.concatenate([lot, line[back] + n, to_ground, np.full(from_ground.size, ground)])
    head = np.concatenate([line + n, lot[back], np.full(to_ground.size, ground), from_ground])
    graph = coo_array((np.ones(tail.size, dtype=np.int8), (tail, head)), shape=(ground + 1, ground + 1)).tocsr()
    _, strong = connected_components(graph, directed=True, connection="strong")
    by_ground = np.bincount(np.union1d(to_ground, from_ground), minlength=ground) * (strong[:ground] == strong[ground])
    arcs = np.flatnonzero(strong[lot] == strong[line + n])
    while arcs.size:
        begin, end = lot[arcs], line[arcs] + n
        degree = by_ground + np.bincount(np.concatenate([begin, end]), minlength=ground)
        inner = (degree[begin] > 1) & (degree[end] > 1)
        if inner.all():
            break
        arcs = arcs[inner]
    return arcs


def tie_costs(lot: Integers, line: Integers, n: int, m: int) -> Integers:
    """Return the costs, (e,), whose least sum is the rule."""
    return -(n - lot) * (m - line)
