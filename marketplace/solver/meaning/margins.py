"""How safe each quantity of a plan is where it goes, and where it would go next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse.csgraph import dijkstra

from marketplace.solver.division import connected, part_of
from marketplace.solver.meaning.worth import proved
from marketplace.solver.problem import Allocation
from marketplace.solver.residual import Network, Residual

if TYPE_CHECKING:
    from marketplace.solver.problem import Integers, Problem

_WIDER: Final = 8
"""By how much farther is looked when a search has found no way."""


@dataclass(frozen=True)
class Margin:
    """
    By how much the cost of an ``arc`` could rise before some of what it carries goes another way.

    ``cost`` is in units per tonne, None if no rise moves a kilogram: there is no other way for as many. Up to it the plan
    stays one of least cost, beyond it is none. ``next_node`` is where the kilogram would go first: a line, numbered after
    the lots, or a later lot by storage; None if the lot would keep it, and another be shipped in its place or nothing.
    """

    arc: int
    cost: int | None
    next_node: int | None


def margins(problem: Problem, allocation: Allocation, arcs: Integers) -> Iterator[Margin]:
    r"""
    Yield the margin of each of these arcs, all of which carry something, in a plan that is proved; part by part.

    Along an arc that carries something the reduced cost is zero. A rise moves a kilogram as soon as a round trip through
    its way back costs nothing, so the margin is the length of the shortest path of the residual graph from its lot
    to its line that does not use it [1]_: one search for each arc, back from the line and only as far as needed. No such
    path leads through another connected part and back.

    Raises SolverFailed if a round trip would save: the plan is not of the least cost.

    References
    ----------
    .. [1] R. K. Ahuja, T. L. Magnanti and J. B. Orlin (1993), Network flows, section 9.11.
    """
    n = problem.supply.size
    label = connected(problem)
    of_arc = label[problem.lot[arcs]]
    for part in np.unique(of_arc).tolist():
        inside = label == part
        lots, lines = np.flatnonzero(inside[:n]), np.flatnonzero(inside[n:])
        nodes = np.concatenate([lots, lines + n])
        own, kept = np.flatnonzero(inside[problem.lot]), np.flatnonzero(inside[problem.carry.tail])
        there = Allocation(
            kg=allocation.kg[own],
            lot_price=allocation.lot_price[lots],
            line_price=allocation.line_price[lines],
            short_lots=allocation.short_lots[lots],
            short_lines=allocation.short_lines[lines],
            carried=allocation.carried[kept],
        )
        for each in _in_part(part_of(problem, inside), there, np.searchsorted(own, arcs[of_arc == part])):
            following = None if each.next_node is None else int(nodes[each.next_node])
            yield Margin(int(own[each.arc]), each.cost, following)


def searches_for(problem: Problem, arcs: Integers) -> Integers:
    """Return about how many steps `margins` looks at for each of these arcs: those of its part, both ways."""
    label = connected(problem)
    return 2 * np.bincount(label[problem.lot], minlength=label.size)[label[problem.lot[arcs]]]


def _in_part(problem: Problem, allocation: Allocation, arcs: Integers) -> Iterator[Margin]:
    free = problem.objective == "surplus"
    net = Network.of(problem, free=free)
    steps = Residual(net)
    kg = net.carrying(allocation.kg, allocation.carried)
    _, lengths = proved(steps, kg, allocation, free)
    place = np.empty(net.tail.size, dtype=np.int64)
    place[steps.arc[steps.onward]] = np.flatnonzero(steps.onward)
    backwards = steps.graph(lengths[steps.mate])
    longest, limit = float(lengths[np.isfinite(lengths)].sum()), 1.0
    for arc in arcs.tolist():
        lot, line, own = int(net.tail[arc]), int(net.head[arc]), int(steps.mate[place[arc]])
        backwards.data[own] = np.inf
        far, step = dijkstra(backwards, indices=line, limit=limit, return_predecessors=True)
        while np.isinf(far[lot]) and limit <= longest:
            limit *= _WIDER
            far, step = dijkstra(backwards, indices=line, limit=limit, return_predecessors=True)
        backwards.data[own] = 0.0
        if np.isinf(far[lot]):
            yield Margin(arc, None, None)
            continue
        limit = max(1.0, 2 * far[lot])
        yield Margin(arc, int(far[lot]), int(step[lot]) if step[lot] < net.source else None)
