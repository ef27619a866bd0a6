"""A best plan after a small change, from the best plan before: what is now too much or too little goes the shortest way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final, NamedTuple

import numpy as np

from marketplace.solver.problem import Flags, Integers, Problem, SolverFailed

MOST_STEPS: Final = 4_000
"""Nodes that searches may settle; a change that needs more is solved anew."""

_MOST_EXACT: Final = 2**51


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


def rerouted(problem: Problem, before: Before, *, most_steps: int | None = None) -> tuple[Integers, Integers, int]:
    r"""
    Return the kilograms, (e,), of a best plan of the problem, which stores nothing; potentials, (n + m,), and the fee in them.

    All that stays where it is goes over one node, the ground: from a lot for a fee :math:`\rho` above every path, or for
    nothing under ``surplus``, and into a line for nothing. In that network the old plan and its prices still satisfy
    :math:`\bar c \ge 0`, with equality where something moves, but the change leaves some nodes with too much and some with too
    little. Each is evened out along shortest residual paths by reduced costs [1]_, and the potentials follow, so that the
    inequalities hold to the end; a lot with a pair that breaks them starts again with all it has.

    The last thing is the proof: every arc is asked whether it would save, so that no search is believed.

    Raises SolverFailed if something would, and TooFar if the searches settle more than ``most_steps`` nodes.

    References
    ----------
    .. [1] R. K. Ahuja, T. L. Magnanti and J. B. Orlin (1993), Network flows, section 9.7.
    """
    run = _Run(problem, before, MOST_STEPS if most_steps is None else most_steps)
    run.begin(before.new)
    for node in np.flatnonzero(run.over > 0).tolist():
        while run.over[node] > 0:
            run.away(node)
    for node in np.flatnonzero(run.over < 0).tolist():
        while run.over[node] < 0:
            run.fetch(node)
    run.prove()
    return run.kg, run.phi, run.fee


class _Step(NamedTuple):
    """To (or from) ``end`` for a reduced cost: along the arc ``place`` or, at the ground, from or to that node; ``way`` -1 undoes."""

    reduced: int
    end: int
    place: int
    way: int


class _Run:
    """Nodes are lots, lines and the ground, whose potential is zero; ``over`` (n + m,) is what a node has too much."""

    def __init__(self, problem: Problem, before: Before, most_steps: int) -> None:
        self.n, self.m, _ = problem.shape
        self.problem, self.steps = problem, most_steps
        self.ground = self.n + self.m
        self.fee = 0
        if problem.objective == "utilization":
            widest = int(np.abs(problem.cost).max(initial=0)) + int(np.abs(before.phi).max(initial=0))
            self.fee = 4 * (self.ground + 2) * (widest + 1)
            if self.fee > _MOST_EXACT:
                raise TooFar("prices are too large for shortest paths that are exact")
        self.kg = before.kg.copy()
        self.phi = before.phi + np.where(before.short, self.fee, 0)
        used = np.flatnonzero(self.kg)
        out = np.bincount(problem.lot[used], weights=self.kg[used], minlength=self.n).astype(np.int64)
        taken = np.bincount(problem.line[used], weights=self.kg[used], minlength=self.m).astype(np.int64)
        self.left = np.minimum(before.left, np.maximum(0, problem.supply - out))
        self.room = np.minimum(before.room, np.maximum(0, problem.capacity - taken))
        self.over = np.concatenate([problem.supply - out - self.left, taken + self.room - problem.capacity])
        self.idle_lines = (taken == 0) & (self.room == 0)
        order = used[np.argsort(problem.line[used], kind="stable")]
        self.starts = np.searchsorted(problem.line[order], np.arange(self.m + 1))
        self.into_line = order
        self.more_into: dict[int, set[int]] = {}
        self.columns: dict[int, Integers] = {}

    def begin(self, new: Integers) -> None:
        """Let new arcs satisfy the inequalities: lines that take nothing ask more, and the other lots start again."""
        lot, line, cost = (each[new] for each in (self.problem.lot, self.problem.line, self.problem.cost))
        idle = self.idle_lines[line]
        np.maximum.at(self.phi, line[idle] + self.n, self.phi[lot[idle]] - cost[idle])
        wrong = cost - self.phi[lot] + self.phi[line + self.n] < 0
        for i in np.unique(lot[wrong]).tolist():
            own = self.row(i)
            self.over[i] = self.problem.supply[i]
            np.add.at(self.over, self.problem.line[own] + self.n, -self.kg[own])
            self.kg[own], self.left[i] = 0, 0
            ways = self.problem.cost[own] + self.phi[self.problem.line[own] + self.n]
            self.phi[i] = min(self.fee, int(ways.min()))

    def row(self, i: int) -> slice:
        """Return the arcs of a lot."""
        begin, end = np.searchsorted(self.problem.lot, [i, i + 1])
        return slice(int(begin), int(end))

    def column(self, j: int) -> Integers:
        """Return the arcs of a line."""
        if j not in self.columns:
            self.columns[j] = np.flatnonzero(self.problem.line == j)
        return self.columns[j]

    def carrying(self, j: int) -> list[int]:
        """Return the arcs that carry something into a line."""
        arcs = {*self.into_line[self.starts[j] : self.starts[j + 1]].tolist(), *self.more_into.get(j, ())}
        return sorted(arc for arc in arcs if self.kg[arc] > 0)

    def away(self, node: int) -> None:
        """Send what a node has too much to where it is missing, or to the ground, by a shortest path."""
        path, end = self.shortest(node, self.onward, 1)
        by = int(self.over[node]) if end == self.ground else min(int(self.over[node]), -int(self.over[end]))
        by = self.push(path, by)
        self.over[node] -= by
        if end != self.ground:
            self.over[end] += by

    def fetch(self, node: int) -> None:
        """Fetch what a node misses from the ground, by a shortest path."""
        path, _ = self.shortest(node, self.backward, -1)
        self.over[node] += self.push(path, -int(self.over[node]))

    def onward(self, node: int) -> list[_Step]:
        """Return the residual steps out of a node."""
        if node >= self.n:
            j = node - self.n
            steps = [_Step(0, int(self.problem.lot[arc]), arc, -1) for arc in self.carrying(j)]
            return [*steps, _Step(int(self.phi[node]), self.ground, node, -1)] if self.room[j] > 0 else steps
        own = self.row(node)
        ends = self.problem.line[own] + self.n
        reduced = self.problem.cost[own] - self.phi[node] + self.phi[ends]
        arcs = range(own.start, own.stop)
        steps = [_Step(r, to, arc, 1) for r, to, arc in zip(reduced.tolist(), ends.tolist(), arcs, strict=True)]
        return [*steps, _Step(self.fee - int(self.phi[node]), self.ground, node, 1)]

    def backward(self, node: int) -> list[_Step]:
        """Return the residual steps into a node."""
        if node < self.n:
            own = self.row(node)
            arcs = (np.flatnonzero(self.kg[own]) + own.start).tolist()
            steps = [_Step(0, int(self.problem.line[arc]) + self.n, arc, -1) for arc in arcs]
            return [*steps, _Step(0, self.ground, node, -1)] if self.left[node] > 0 else steps
        into = self.column(node - self.n)
        starts = self.problem.lot[into]
        reduced = self.problem.cost[into] - self.phi[starts] + self.phi[node]
        steps = [
            _Step(r, i, arc, 1) for r, i, arc in zip(reduced.tolist(), starts.tolist(), into.tolist(), strict=True)
        ]
        return [*steps, _Step(int(self.phi[node]), self.ground, node, 1)]

    def shortest(self, start: int, steps: Callable[[int], list[_Step]], sign: int) -> tuple[list[_Step], int]:
        """Return a shortest path to the ground, or onward to a node that misses something; the potentials follow."""
        far, done = {start: 0}, dict[int, int]()
        came: dict[int, tuple[int, _Step]] = {}
        ahead, end = [(0, start)], -1
        while ahead and end < 0:
            length, node = heappop(ahead)
            if node in done:
                continue
            if node == self.ground or (sign > 0 and node != start and self.over[node] < 0):
                end = node
                break
            done[node] = length
            self.steps -= 1
            if self.steps < 0:
                raise TooFar("the change reaches far")
            for step in steps(node):
                if step.end not in done and length + step.reduced < far.get(step.end, _MOST_EXACT):
                    far[step.end] = length + step.reduced
                    came[step.end] = (node, step)
                    heappush(ahead, (far[step.end], step.end))
        if end < 0:
            raise SolverFailed("there is no way to the ground")
        for node, length in done.items():
            self.phi[node] += sign * (far[end] - length)
        path, node = list[_Step](), end
        while node != start:
            node, step = came[node]
            path.append(step)
        return path, end

    def push(self, path: list[_Step], most: int) -> int:
        """Move the most that the path lets pass, ``most`` at most; return how much that is."""
        places = [(self.kept(step), step.way) for step in path]
        by = min([most, *(int(array[at]) for (array, at), way in places if way < 0)])
        for (array, at), way in places:
            array[at] += way * by
        for step in path:
            if step.way > 0 and step.end != self.ground:
                arc = step.place
                self.more_into.setdefault(int(self.problem.line[arc]), set()).add(arc)
        return by

    def kept(self, step: _Step) -> tuple[Integers, int]:
        """Return where it is counted what moves along a step."""
        if step.end != self.ground:
            return self.kg, step.place
        return (self.left, step.place) if step.place < self.n else (self.room, step.place - self.n)

    def prove(self) -> None:
        """Raise SolverFailed unless every arc satisfies the inequalities, and every node has what it should."""
        problem, phi, n = self.problem, self.phi, self.n
        reduced = problem.cost - phi[problem.lot] + phi[problem.line + n]
        at_lots, at_lines = self.fee - phi[:n], phi[n:]
        used = np.flatnonzero(self.kg)
        if min(each.min(initial=0) for each in (reduced, at_lots, at_lines)) < 0:
            raise SolverFailed("a way that was left out would save")
        if np.any(reduced[used]) or np.any(at_lots[self.left > 0]) or np.any(at_lines[self.room > 0]):
            raise SolverFailed("something goes a way that is not the cheapest")
        out = np.bincount(problem.lot[used], weights=self.kg[used], minlength=n).astype(np.int64)
        taken = np.bincount(problem.line[used], weights=self.kg[used], minlength=self.m).astype(np.int64)
        if np.any(out + self.left != problem.supply) or np.any(taken + self.room != problem.capacity):
            raise SolverFailed("kilograms were lost on the way")
