"""Some parts of a problem as one by themselves, and the ties of an answer, in its own numbers and in those of the whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from marketplace.solver import network, simplex, transport
from marketplace.solver.answer.finish import on_face, short_side
from marketplace.solver.answer.prices import shadow_prices
from marketplace.solver.answer.ties import Cheapest, Ranks, decide, held, undecided
from marketplace.solver.components import labels
from marketplace.solver.graph import Face, Graph
from marketplace.solver.problem import Allocation, Carry, Flags, Integers, Problem
from marketplace.solver.reroute import Before, rerouted

MOST: Final = 20_000
"""Nodes that are decided anew at most; a change that reaches further is solved anew."""

T = TypeVar("T", bound="np.generic[Any]")  # in quotes: only the type checker knows the brackets


@dataclass(frozen=True, eq=False)
class Piece:
    """Some parts of a problem as one by themselves: their ``lots``, ``lines``, ``pairs`` and places of storage, ascending."""

    lots: Integers
    lines: Integers
    pairs: Integers
    stored: Integers
    problem: Problem

    @classmethod
    def of(cls, problem: Problem, inside: Flags) -> Piece:
        """Return the piece of the nodes (n + m,) that are ``inside``; nothing may lead out of it."""
        n, carry = problem.supply.size, problem.carry
        number = np.cumsum(inside) - 1
        pairs, stored = np.flatnonzero(inside[problem.lot]), np.flatnonzero(inside[carry.tail])
        lots, lines = np.flatnonzero(inside[:n]), np.flatnonzero(inside[n:])
        own = Problem(
            problem.supply[lots],
            problem.capacity[lines],
            number[problem.lot[pairs]],
            number[problem.line[pairs] + n] - lots.size,
            problem.cost[pairs],
            problem.objective,
            Carry(number[carry.tail[stored]], number[carry.head[stored]], carry.most_kg[stored], carry.cost[stored]),
        )
        return cls(lots, lines, pairs, stored, own)

    def led(self, left: Integers, room: Integers, before: Allocation, new: Integers) -> Allocation:
        """
        Return the answer of the piece, but for ties, by way of what stood ``before`` in the whole; ``new`` of its pairs are.

        Raises SolverFailed if there is no way, or the plan is not the best.
        """
        problem = self.problem
        short = np.concatenate([before.short_lots[self.lots], before.short_lines[self.lines]])
        found = rerouted(
            problem,
            Before(
                kg=before.kg[self.pairs],
                left=left,
                room=room,
                phi=np.concatenate([before.lot_price[self.lots], -before.line_price[self.lines]]),
                short=short & (problem.objective == "utilization"),
                new=new,
            ),
            most=MOST,
        )
        graph, kg = Graph.of(problem), found.kg
        short = short_side(problem, graph, kg)
        phi = np.where(short, found.phi - found.fee, found.phi)
        at = on_face(graph, short)
        face = Face.of(problem, graph, at, kg, np.concatenate([short[: graph.n], ~short[graph.n :]]))
        lot_price, line_price = shadow_prices(face, kg[at], phi)
        return Allocation(kg, lot_price, line_price, short[: graph.n], short[graph.n :])

    def placed(self, whole: Allocation, own: Allocation) -> Allocation:
        """Return the answer of the whole with that of the piece in it."""
        return Allocation(
            _put(whole.kg, self.pairs, own.kg),
            _put(whole.lot_price, self.lots, own.lot_price),
            _put(whole.line_price, self.lines, own.line_price),
            _put(whole.short_lots, self.lots, own.short_lots),
            _put(whole.short_lines, self.lines, own.short_lines),
            _put(whole.carried, self.stored, own.carried),
        )


@dataclass(frozen=True, eq=False)
class Ties:
    """
    What is still open in an answer: the arcs, ``at`` of all, that cost by the prices what they cost and could carry something else.

    ``loose`` (n + m,) are the nodes that a plan as good need not exhaust.
    """

    graph: Graph
    kg: Integers
    at: Integers
    loose: Flags

    @classmethod
    def of(cls, problem: Problem, answer: Allocation) -> Ties:
        """Return the ties of an answer."""
        graph = Graph.of(problem)
        kg = np.concatenate([answer.kg, answer.carried])
        short = np.concatenate([answer.short_lots, answer.short_lines])
        phi = np.concatenate([answer.lot_price, -answer.line_price])
        tight = np.flatnonzero(graph.cost == phi[graph.tail] - phi[graph.head])
        if problem.objective == "utilization":
            tight = tight[short[graph.tail[tight]] == short[graph.head[tight]]]
        loose = np.concatenate([answer.short_lots, ~answer.short_lines]) & (phi == 0)
        return cls(graph, kg, tight[undecided(held(problem, graph, tight, kg, loose), kg[tight])], loose)

    def counted(self, label: Integers) -> dict[int, int]:
        """Return how many tied parts there are, by the labels (n + m,) of what they belong to."""
        tail, head = self.graph.tail[self.at], self.graph.head[self.at]
        ends, place = np.unique(np.concatenate([tail, head]), return_inverse=True)
        _, parts = labels(0, ends.size, place[: tail.size], place[tail.size :])
        found, many = np.unique(label[ends[np.unique(parts, return_index=True)[1]]], return_counts=True)
        return dict(zip(found.tolist(), many.tolist(), strict=True))

    def decided(self, problem: Problem, answer: Allocation, ranks: Ranks | None = None) -> Allocation:
        """Return the answer with the plan that the rule means, by the ``ranks`` of lots and lines if it is of a part."""
        if not self.at.size:
            return answer
        ranks = Ranks.own(self.graph) if ranks is None else ranks
        cheapest = network.cheapest if simplex.INSTALLED else transport.cheapest
        if self.graph.most_kg.size or problem.contract is not None:
            kg = decide(problem, self.graph, self.kg, self.at, self.loose, cheapest, ranks)
        else:
            kg = self.kg.copy()
            kg[self.at] = self._alone(problem, ranks, cheapest)
        return replace(answer, kg=kg[: self.graph.pairs], carried=kg[self.graph.pairs :])

    def _alone(self, problem: Problem, ranks: Ranks, cheapest: Cheapest) -> Integers:
        """Return the kilograms of the open arcs, decided in a problem of these alone, with what the others leave."""
        graph, n = self.graph, self.graph.n
        face = Face.of(problem, graph, self.at, self.kg, self.loose)
        tail, head = graph.tail[self.at], graph.head[self.at] - n
        (lots, lot), (lines, line) = (np.unique(ends, return_inverse=True) for ends in (tail, head))
        own = Problem(face.supply[lots], face.capacity[lines], lot, line, graph.cost[self.at], problem.objective)
        own = replace(own, fewest=problem.fewest)
        few = Ranks(ranks.lots[lots], ranks.lines[lines], ranks.of)
        loose = self.loose[np.concatenate([lots, lines + n])]
        return decide(own, Graph.of(own), self.kg[self.at], np.arange(self.at.size), loose, cheapest, few)


def _put(old: npt.NDArray[T], at: Integers, new: npt.NDArray[T]) -> npt.NDArray[T]:
    found = old.copy()
    found[at] = new
    return found
