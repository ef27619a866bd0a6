"""What one more tonne of supply or of room would change, read off a plan that is optimal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from marketplace.solver.graph import Face
from marketplace.solver.problem import Flags, Integers, SolverFailed

_NONE: Final = np.iinfo(np.int64).min // 2

_MOST_EXACT: Final = 2**53
"""Up to here SciPy's shortest paths, which count in doubles, are exact."""


_NEAR: Final = 6
"""Arcs a node with which the search for shortest paths begins."""


@dataclass(frozen=True, eq=False)
class Residual:
    r"""
    The plan as inequalities between node potentials.

    ``begin``, ``end`` and ``length`` (r,): :math:`\varphi_{end} \ge \varphi_{begin} - length`, with cost forwards along
    every arc that may carry more, and minus cost backwards along every arc that carries some. ``anchor`` (n + m,) are the
    nodes with :math:`\varphi \ge 0`: not exhausted, or not to be exhausted.
    """

    begin: Integers
    end: Integers
    length: Integers
    anchor: Flags

    @classmethod
    def of(cls, face: Face, kg: Integers) -> Residual:
        """Return the inequalities of the plan ``kg`` (e,) on its face."""
        graph = face.graph
        net = graph.net_out(kg)
        onward = np.flatnonzero(graph.may_take(kg)) if graph.most_kg.size else slice(None)
        back = np.flatnonzero(kg)
        taken = face.room - face.capacity - net[graph.n :]
        return cls(
            begin=np.concatenate([graph.tail[onward], graph.head[back]]),
            end=np.concatenate([graph.head[onward], graph.tail[back]]),
            length=np.concatenate([graph.cost[onward], -graph.cost[back]]),
            anchor=face.loose & np.concatenate([face.supply > net[: graph.n], ~graph.passes_on() | (taken > 0)]),
        )


def shadow_prices(face: Face, kg: Integers, hint: Integers | None = None) -> tuple[Integers, Integers]:
    r"""
    Return ``lot_price`` :math:`u` (n,) and ``line_price`` :math:`v` (m,) that prove the plan ``kg`` (e,) on its face.

    With potentials :math:`\varphi_i = u_i` and :math:`\varphi_j = -v_j` the optimal prices are the solutions of

    .. math:: \varphi_h \ge \varphi_t - c_{th} \ (x_{th} \text{ may grow}), \qquad
              \varphi_t \ge \varphi_h + c_{th} \ (x_{th} > 0), \qquad
              \varphi \ge 0 \ (\text{loose lines; loose lots not exhausted}),

    together with :math:`\varphi \le 0` for loose lots and loose lines with room. They form a lattice [1]_, whose least
    element is returned. There every :math:`v_j` is as great as it may be, and so exactly the change of the least cost
    by one more tonne of room at the line. It depends on the plan alone: two engines with the same plan get the same prices.

    ``hint`` (n + m,) are any potentials that satisfy all this, as an engine ends with; the least ones lie below them by
    shortest paths along reduced costs, which are not negative [2]_. Without a hint, or with one that does not hold, they are
    found by longest paths from whatever is not exhausted [3]_. The same comes out; the first is faster.

    Raises SolverFailed if there are no such prices, which is so if and only if the plan is not of the least cost; the
    upper bounds are left to the certificate.

    References
    ----------
    .. [1] L. S. Shapley and M. Shubik (1971), :doi:`10.1007/BF01753437`.
    .. [2] E. W. Dijkstra (1959), :doi:`10.1007/BF01386390`.
    .. [3] R. Bellman (1958), On a routing problem, :doi:`10.1090/qam/102435`.
    """
    residual = Residual.of(face, kg)
    found = None if hint is None else _below(residual, hint)
    if found is None:
        start = np.where(residual.anchor, 0, _NONE)
        found = raised(residual.begin, residual.end, residual.length, start)
    phi = found
    _settle_idle(face, phi)
    return phi[: face.graph.n], -phi[face.graph.n :]


def _below(residual: Residual, hint: Integers) -> Integers | None:
    """
    Return the least potentials by shortest paths below the hint; None if the hint does not hold or is too large.

    Most arcs are far too long to be of a shortest path. They are left out until one is found to shorten something, so
    that the search is over a few arcs a node and every arc is asked.
    """
    nodes, anchored = hint.size, np.flatnonzero(residual.anchor)
    reduced = residual.length - hint[residual.begin]
    reduced += hint[residual.end]
    lowest = min(int(reduced.min(initial=0)), int(hint[anchored].min(initial=0)))
    highest = max(int(reduced.max(initial=0)), int(hint[anchored].max(initial=0)))
    if lowest < 0 or highest * 2 > _MOST_EXACT:
        return None
    near = _short(reduced, _NEAR * nodes)
    while True:
        begin = np.concatenate([residual.begin[near], np.full(anchored.size, nodes)]).astype(np.int32)
        end = np.concatenate([residual.end[near], anchored]).astype(np.int32)
        length = np.concatenate([reduced[near], hint[anchored]]).astype(np.float64)
        graph = coo_array((length, (begin, end)), shape=(nodes + 1, nodes + 1)).tocsr()
        far = dijkstra(graph, directed=True, indices=nodes)[:nodes]
        shorter = np.flatnonzero(far[residual.begin] + reduced < far[residual.end])
        if not shorter.size:
            break
        near = np.union1d(near, shorter)
    reached = np.isfinite(far)
    if reached.any() and far[reached].max() > _MOST_EXACT:
        return None
    return np.where(reached, hint - np.where(reached, far, 0).astype(np.int64), _NONE)


def _short(length: Integers, count: int) -> Integers:
    """Return about so many of the shortest arcs, ascending, and all others that are as short."""
    if length.size <= 2 * count:
        return np.arange(length.size)
    step = max(1, length.size // 50_000)
    sample = np.sort(length[::step])
    return np.flatnonzero(length <= sample[min(sample.size - 1, count // step)])


def raised(begin: Integers, end: Integers, length: Integers, start: Integers) -> Integers:
    """
    Return the least potentials, at least ``start``, with phi[end] >= phi[begin] - length along each of the given arcs.

    Raises SolverFailed if a round trip raises them for ever.
    """
    phi = start.copy()
    fresh = phi > _NONE
    for _ in range(phi.size + 2):
        onward = np.flatnonzero(fresh[begin])
        if not onward.size:
            return phi
        before = phi.copy()
        np.maximum.at(phi, end[onward], phi[begin[onward]] - length[onward])
        fresh = phi > before
    raise SolverFailed("the plan is not of the least cost: a round trip saves")


def _settle_idle(face: Face, phi: Integers) -> None:
    """
    Give a potential to what no path reaches: a node that has nothing and passes nothing binds nothing.

    It is worth what the cheapest way onward would ask, and not above zero where it is loose. A line that must be exhausted
    is always reached, if the plan moves the most.
    """
    graph, n = face.graph, face.graph.n
    idle = phi == _NONE
    if not idle.any():
        return
    if idle[n:][~face.loose[n:]].any():
        raise SolverFailed("the plan does not move the most kilograms")
    onward: dict[int, list[tuple[int, int]]] = {}
    stored = (array[graph.pairs :].tolist() for array in (graph.tail, graph.head, graph.cost))
    for tail, head, cost in zip(*stored, strict=True):
        onward.setdefault(tail, []).append((head, cost))
    for j in (np.flatnonzero(idle[n:])[::-1] + n).tolist():
        phi[j] = min([0, *(int(phi[head]) + cost for head, cost in onward.get(j, ()))])
    top = np.iinfo(np.int64).max
    best = np.full(n, top)
    leading = np.flatnonzero(idle[graph.tail[: graph.pairs]])
    np.minimum.at(best, graph.tail[leading], phi[graph.head[leading]] + graph.cost[leading])
    for i in np.flatnonzero(idle[:n])[::-1].tolist():
        asked = min((int(phi[head]) + cost for head, cost in onward.get(i, ())), default=top)
        asked = min(asked, int(best[i]))
        phi[i] = 0 if asked == top else min(asked, 0) if face.loose[i] else asked
