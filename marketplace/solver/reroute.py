"""A best plan after a small change, from the best plan before: only what lies near the change is decided anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from marketplace.solver.graph import Graph, sums
from marketplace.solver.problem import Flags, Integers, Problem, SolverFailed
from marketplace.solver.simplex import settled

FEWEST: Final = 500
"""Nodes that are decided anew at least."""

AROUND: Final = 4
"""So many for each that the change touches; and so many times as many where that is too few."""

REWARD: Final = 8
"""How many times costs and prices together is paid for a kilogram moved; whoever asks looks whether that was enough."""

_SPREAD: Final = 16
"""Where what lies near the change is more than one node in so many, all are decided anew."""

_WIDEST: Final = 2**60


class TooFar(SolverFailed):
    """The change reaches so far that solving anew is as quick."""


@dataclass(frozen=True, eq=False)
class Before:
    """
    The plan before the change, in the numbers of the problem after it: new arcs carry nothing.

    ``kg`` (e,); ``left`` (n,) of each lot, and ``room`` (m,) of each line, zero for a new one; ``phi`` (n + m,) lot prices
    and minus line prices; ``short`` (n + m,), which nodes are in the shortage region, none of them for ``surplus``; ``new``
    the arcs that are.
    """

    kg: Integers
    left: Integers
    room: Integers
    phi: Integers
    short: Flags
    new: Integers


@dataclass(frozen=True, eq=False)
class Rerouted:
    """A best plan: ``kg`` (e,), and potentials ``phi`` (n + m,) that prove it, with a ``fee`` in those of short nodes."""

    kg: Integers
    phi: Integers
    fee: int


def rerouted(problem: Problem, before: Before, *, most: int) -> Rerouted:
    r"""
    Return a best plan of the problem, which stores nothing.

    All that stays where it is goes over one node, the ground: from a lot for a fee :math:`\rho`, or for nothing under
    ``surplus``, and into a line for nothing. In that network the old plan and its prices still satisfy :math:`\bar c \ge 0`,
    with equality where something moves, but the change leaves some nodes with too much or too little.

    The nodes nearest to those, by reduced costs, are decided anew, while the others keep their plan and their potentials.
    An arc between the two is to those within like a way to the ground, at its reduced cost: so what is found keeps
    :math:`\bar c \ge 0` everywhere, and it is the best of all plans unless it uses such a way. Then more nodes are taken [1]_.

    The last thing is the proof: every arc is asked whether it would save, so that no search is believed. That the fee was
    enough for the most kilograms is for `answer.finish.short_side` to say.

    Raises SolverFailed if something would, and TooFar if more than ``most`` nodes, and those as near as the last of them,
    would have to change.

    References
    ----------
    .. [1] R. K. Ahuja, T. L. Magnanti and J. B. Orlin (1993), Network flows, chapters 9 and 11.
    """
    start = _Start.of(problem, before)
    changed = np.flatnonzero(start.over)
    if not changed.size:
        return start.proved(start.kg, start.phi)
    size = start.phi.size
    nodes = min(most, size, max(FEWEST, AROUND * changed.size))
    everywhere = size <= most and _SPREAD * nodes > size
    far = np.zeros(size) if everywhere else start.distances(changed)
    while True:
        inside = far <= np.partition(far, nodes - 1)[nodes - 1]
        found = start.decided(inside)
        if found is not None:
            return start.proved(*found)
        if inside.all() or nodes == min(most, size):
            break
        nodes = min(most, size, AROUND * nodes)
    raise TooFar("the change reaches far")


@dataclass(frozen=True, eq=False)
class _Start:
    """
    The old plan as one of the new problem: ``over`` (n + m,) is what a node has too much, the ground apart.

    ``reduced`` (e,) are the costs by the potentials ``phi``, none below zero.
    """

    problem: Problem
    kg: Integers
    phi: Integers
    fee: int
    over: Integers
    reduced: Integers

    @classmethod
    def of(cls, problem: Problem, before: Before) -> _Start:
        """
        Return where the search begins: after lines that take nothing ask so much that new arcs do not save.

        Lots with new arcs that save nevertheless start again with all they have.
        """
        n, m, _ = problem.shape
        fee = 0
        if problem.objective == "utilization":
            widest = int(np.abs(problem.cost).max(initial=0)) + int(np.abs(before.phi).max(initial=0))
            fee = REWARD * (widest + 1)
            if fee * (n + m + 2) > _WIDEST:
                raise TooFar("prices are too large for sums of 64 bits")
        kg, phi = before.kg.copy(), before.phi + np.where(before.short, fee, 0)
        net = Graph.of(problem).net_out(kg)
        out, taken = net[:n], -net[n:]
        left = np.minimum(before.left, np.maximum(0, problem.supply - out))
        room = np.minimum(before.room, np.maximum(0, problem.capacity - taken))
        over = np.concatenate([problem.supply - out - left, taken + room - problem.capacity])
        lot, line, cost = (each[before.new] for each in (problem.lot, problem.line, problem.cost))
        idle = ((taken == 0) & (room == 0))[line]
        np.maximum.at(phi, line[idle] + n, phi[lot[idle]] - cost[idle])
        again = np.zeros(n, dtype=np.bool_)
        again[lot[cost - phi[lot] + phi[line + n] < 0]] = True
        own = np.flatnonzero(again[problem.lot])
        over[:n][again] = problem.supply[again]
        over[n:] -= sums(problem.line[own], kg[own], m)
        kg[own] = 0
        phi[:n][again] = fee
        np.minimum.at(phi, problem.lot[own], problem.cost[own] + phi[problem.line[own] + n])
        return cls(problem, kg, phi, fee, over, problem.cost - phi[problem.lot] + phi[problem.line + n])

    def distances(self, changed: Integers) -> npt.NDArray[np.float64]:
        """Return how far each node is from those that are ``changed``, by reduced costs, whichever way an arc leads."""
        n, m, _ = self.problem.shape
        ends = (self.problem.lot.astype(np.int32), (self.problem.line + n).astype(np.int32))
        joined = coo_array((self.reduced.astype(np.float64), ends), shape=(n + m, n + m)).tocsr()
        far: npt.NDArray[np.float64] = dijkstra(joined, directed=False, indices=changed, min_only=True)
        return far

    def decided(self, inside: Flags) -> tuple[Integers, Integers] | None:
        """Return the plan and its potentials if only the nodes ``inside`` (n + m,) change; None if more would have to."""
        problem, n = self.problem, self.problem.supply.size
        starts, ends = inside[problem.lot], inside[problem.line + n]
        within, out, into = (np.flatnonzero(flags) for flags in (starts & ends, starts & ~ends, ~starts & ends))
        if np.any(self.kg[out]) or np.any(self.kg[into]):
            return None
        away, fetched = self.fee - self.phi[:n], self.phi[n:].copy()
        np.minimum.at(away, problem.lot[out], self.reduced[out])
        np.minimum.at(fetched, problem.line[into], self.reduced[into])
        lots, lines = np.flatnonzero(inside[:n]), np.flatnonzero(inside[n:])
        number = np.cumsum(inside) - 1
        graph = Graph(
            lots.size,
            lines.size,
            number[problem.lot[within]],
            number[problem.line[within] + n],
            self.reduced[within],
            np.zeros(0, dtype=np.int64),
        )
        mass = np.concatenate([problem.supply[lots], -problem.capacity[lines]])
        moved, change = settled(graph, mass, away[lots], fetched[lines])
        net = graph.net_out(moved)
        stays, misses = problem.supply[lots] - net[: lots.size], problem.capacity[lines] + net[lots.size :]
        nearer = away[lots] < self.fee - self.phi[lots], fetched[lines] < self.phi[lines + n]
        if np.any(stays[nearer[0]]) or np.any(misses[nearer[1]]):
            return None
        kg, phi = self.kg.copy(), self.phi.copy()
        kg[within] = moved
        phi[inside] += change
        return kg, phi

    def proved(self, kg: Integers, phi: Integers) -> Rerouted:
        """Return the plan; raises SolverFailed unless every arc satisfies the inequalities, and no node has too much."""
        problem, (n, m, _) = self.problem, self.problem.shape
        reduced = problem.cost - phi[problem.lot] + phi[problem.line + n]
        at_lots, at_lines = self.fee - phi[:n], phi[n:]
        used = np.flatnonzero(kg)
        left = problem.supply - sums(problem.lot[used], kg[used], n)
        room = problem.capacity - sums(problem.line[used], kg[used], m)
        if min(each.min(initial=0) for each in (left, room, kg)) < 0:
            raise SolverFailed("more is moved than there is, or than there is room for")
        if min(each.min(initial=0) for each in (reduced, at_lots, at_lines)) < 0:
            raise SolverFailed("a way that was left out would save")
        if np.any(reduced[used]) or np.any(at_lots[left > 0]) or np.any(at_lines[room > 0]):
            raise SolverFailed("something goes a way that is not the cheapest")
        return Rerouted(kg, phi, self.fee)
