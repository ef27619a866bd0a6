"""A problem as a directed graph: lots and lines as nodes, pairs and storage as arcs; and what is left to decide in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.solver.problem import Flags, Integers, Problem

UNBOUNDED: Final = 2**62
"""Kilograms that no arc carries: the room of an arc that has no limit of its own."""


@dataclass(frozen=True, eq=False)
class Graph:
    """
    Arcs between ``n`` lots (nodes from 0) and ``m`` lines (nodes from n).

    ``tail``, ``head`` and ``cost`` (e,): first the pairs, which have no limit of their own, then storage, whose
    ``most_kg`` (k,) belong to the last k arcs.
    """

    n: int
    m: int
    tail: Integers
    head: Integers
    cost: Integers
    most_kg: Integers

    @classmethod
    def of(cls, problem: Problem) -> Graph:
        """Return the graph of a problem: its e pairs, then its k places of storage."""
        n, m, _ = problem.shape
        carry = problem.carry
        if not carry.tail.size:
            return cls(n, m, problem.lot, problem.line + n, problem.cost, carry.most_kg)
        return cls(
            n,
            m,
            np.concatenate([problem.lot, carry.tail]),
            np.concatenate([problem.line + n, carry.head]),
            np.concatenate([problem.cost, carry.cost]),
            carry.most_kg,
        )

    @property
    def pairs(self) -> int:
        """How many of the arcs are pairs."""
        return self.tail.size - self.most_kg.size

    def only(self, at: Integers) -> Graph:
        """Return the graph with only some of its arcs, ``at`` ascending; the nodes stay."""
        stored = at[np.searchsorted(at, self.pairs) :] - self.pairs
        return Graph(self.n, self.m, self.tail[at], self.head[at], self.cost[at], self.most_kg[stored])

    def most(self) -> Integers:
        """Return (e,) what each arc may carry."""
        return np.concatenate([np.full(self.pairs, UNBOUNDED), self.most_kg])

    def net_out(self, kg: Integers) -> Integers:
        """Return (n + m,) what leaves each node less what arrives; exact up to `problem.MOST_KG`."""
        used = np.flatnonzero(kg)
        carried, size = kg[used], self.n + self.m
        return sums(self.tail[used], carried, size) - sums(self.head[used], carried, size)

    def may_take(self, kg: Integers) -> Flags:
        """Return (e,) which arcs may carry more than ``kg``."""
        flags = np.ones(self.tail.size, dtype=np.bool_)
        flags[self.pairs :] = kg[self.pairs :] < self.most_kg
        return flags

    def passes_on(self) -> Flags:
        """Return (m,) which lines store for a later month."""
        flags = np.zeros(self.m, dtype=np.bool_)
        tails = self.tail[self.pairs :]
        flags[tails[tails >= self.n] - self.n] = True
        return flags


@dataclass(frozen=True, eq=False)
class Face:
    """
    What is still to be decided: the arcs of ``graph``, which are ``at`` of all arcs, with everything else fixed.

    ``supply`` (n,) and ``capacity`` (m,) are what the fixed arcs leave; ``room`` (m,) is the whole room of each line. A lot
    or a line must be exhausted unless it is ``loose`` (n + m,).
    """

    graph: Graph
    at: Integers
    supply: Integers
    capacity: Integers
    room: Integers
    loose: Flags

    @classmethod
    def of(cls, problem: Problem, graph: Graph, at: Integers, fixed: Integers, loose: Flags) -> Face:
        """Return the face over the arcs ``at``, while the others carry what they do in ``fixed`` (e,)."""
        rest = fixed.copy()
        rest[at] = 0
        net = graph.net_out(rest)
        return cls(
            graph=graph.only(at),
            at=at,
            supply=problem.supply - net[: graph.n],
            capacity=problem.capacity + net[graph.n :],
            room=problem.capacity,
            loose=loose,
        )


def sums(of: Integers, kg: Integers, size: int) -> Integers:
    """Return what the arcs carry at each of their ends, (size,) kg, in whole kilograms; exact up to 2^53 kg in all."""
    return np.bincount(of, weights=kg, minlength=size).astype(np.int64)
