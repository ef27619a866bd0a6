"""Where kilograms of a plan could still go: the network of a problem, and shortest ways through what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from marketplace.solver.problem import Flags, Integers, SolverFailed

if TYPE_CHECKING:
    from marketplace.solver.problem import Problem

Distances: TypeAlias = npt.NDArray[np.float64]

UNBOUNDED: Final = 2**62
"""Kilograms that no arc carries: its ends limit an arc between a lot and a line."""


@dataclass(frozen=True, eq=False)
class Network:
    """
    A problem as a flow from one source to one sink.

    Nodes are the n lots, the m lines, ``source`` and ``sink``. Arcs, (A,), are the pairs of the problem, then its storage
    arcs, then one from the source into each lot, as wide as its supply, then one from each line into the sink, as wide
    as its capacity. ``tail`` and ``head`` are node numbers, ``most_kg`` what may pass, ``cost`` per tonne.
    """

    lots: int
    lines: int
    free: bool
    tail: Integers
    head: Integers
    most_kg: Integers
    cost: Integers

    @classmethod
    def of(cls, problem: Problem, *, free: bool = False) -> Network:
        """Return the network of a problem; ``free`` joins source and sink, so that any quantity may move."""
        n, m, e = problem.shape
        lots, lines, carry = np.arange(n), np.arange(n, n + m), problem.carry
        joined = np.arange(int(free))
        wide, no_cost = (np.full(size, value) for size, value in ((e, UNBOUNDED), (n + m, 0)))
        return cls(
            lots=n,
            lines=m,
            free=free,
            tail=np.concatenate([problem.lot, carry.tail, np.full(n, n + m), lines, joined + n + m]),
            head=np.concatenate([problem.line + n, carry.head, lots, np.full(m, n + m + 1), joined + n + m + 1]),
            most_kg=np.concatenate([wide, carry.most_kg, problem.supply, problem.capacity, joined + UNBOUNDED]),
            cost=np.concatenate([problem.cost, carry.cost, no_cost, joined]),
        )

    def carrying(self, kg: Integers, carried: Integers) -> Integers:
        """Return what all arcs carry, (A,), when the pairs carry ``kg`` (e,) and the storage ``carried`` (k,)."""
        given = np.concatenate([kg, carried])
        used = np.flatnonzero(given)
        ends, nodes = self.lots + self.lines, given[used]
        net = sums(self.tail[used], nodes, ends) - sums(self.head[used], nodes, ends)
        both_ways = np.ones(int(self.free), dtype=np.int64)
        return np.concatenate([given, net[: self.lots], -net[self.lots :], both_ways])

    @property
    def source(self) -> int:
        """The node from which all kilograms come."""
        return self.lots + self.lines

    @property
    def sink(self) -> int:
        """The node into which all kilograms go."""
        return self.lots + self.lines + 1

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return self.lots + self.lines + 2


class Residual:
    """
    The steps that kilograms may still take: along an arc that is not full, and back along one that carries some.

    The places of all steps are laid out once, (2A,), sorted by node, so that a search changes lengths only; a step that
    is not open is infinitely long. ``mate`` (2A,) is the place of the same arc the other way round.
    """

    def __init__(self, net: Network) -> None:
        arcs, n = net.tail.size, net.nodes
        begin, end = np.concatenate([net.tail, net.head]), np.concatenate([net.head, net.tail])
        order = np.lexsort((end, begin))
        self.net = net
        self.arc = order % max(arcs, 1)
        self.onward = order < arcs
        self.begin, self.end = begin[order], end[order]
        self.cost = np.where(self.onward, 1, -1) * net.cost[self.arc]
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        self.mate = place[(order + arcs) % max(2 * arcs, 1)]
        self.onward_place = place[:arcs]
        self._key = self.begin * n + self.end
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(begin, minlength=n))])
        self._indices, self._indptr = self.end.astype(np.int32), self.starts.astype(np.int32)

    def open(self, kg: Integers) -> Flags:
        """Return which steps are open, (2A,), when the arcs carry ``kg`` (A,)."""
        onward, back = kg < self.net.most_kg, kg > 0
        return np.where(self.onward, onward[self.arc], back[self.arc])

    def lengths(self, is_open: Flags, potential: Integers) -> Distances:
        """Return the reduced cost of each step, (2A,), infinite where it is not open."""
        reduced = self.cost + potential[self.begin] - potential[self.end]
        return np.where(is_open, reduced, np.inf)

    def measure(self, lengths: Distances, arcs: Integers, kg: Integers, potential: Integers) -> None:
        """Write the lengths of the steps along these arcs anew, after what they carry has changed."""
        for place, is_open in (
            (self.onward_place[arcs], kg[arcs] < self.net.most_kg[arcs]),
            (self.mate[self.onward_place[arcs]], kg[arcs] > 0),
        ):
            reduced = self.cost[place] + potential[self.begin[place]] - potential[self.end[place]]
            lengths[place] = np.where(is_open, reduced, np.inf)

    def between(self, begin: Integers, end: Integers) -> Integers:
        """Return the places of the steps between these nodes, each of which there is."""
        return np.searchsorted(self._key, begin * self.net.nodes + end)

    def graph(self, lengths: Distances) -> csr_array:
        """Return a graph of these lengths for SciPy, in which a length of zero is a step."""
        return csr_array((lengths, self._indices, self._indptr), shape=(self.net.nodes, self.net.nodes))

    def distances(self, lengths: Distances, start: int, limit: float = np.inf) -> Distances:
        """Return how far each node is from ``start``, (N,); every length must be zero or more."""
        found: Distances = dijkstra(self.graph(lengths), indices=start, limit=limit)
        return found

    def distances_to(self, lengths: Distances, end: int, limit: float = np.inf) -> Distances:
        """Return how far it is from each node to ``end``, (N,); for each step there is one the other way round."""
        return self.distances(lengths[self.mate], end, limit)

    def settled(self, is_open: Flags, potential: Integers) -> Integers:
        """
        Return potentials, (N,), under which every open step has a length of zero or more, from such as nearly do.

        Raises SolverFailed if there are none, which is so if and only if a round trip would save.
        """
        at = np.flatnonzero(is_open)
        begin, end, cost = self.begin[at], self.end[at], self.cost[at]
        found = potential.copy()
        for _ in range(self.net.nodes + 1):
            wrong = np.flatnonzero(found[end] > found[begin] + cost)
            if not wrong.size:
                return found
            np.minimum.at(found, end[wrong], found[begin[wrong]] + cost[wrong])
        raise SolverFailed("the plan is not of the least cost: a round trip saves")


def sums(of: Integers, kg: Integers, size: int) -> Integers:
    """Return what the arcs carry at each of their ends, (size,) kg, in whole kilograms; exact up to 2^53 kg in all."""
    return np.bincount(of, weights=kg, minlength=size).astype(np.int64)
