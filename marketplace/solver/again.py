"""Again and again: an answer that stands, and what becomes of it when one thing changes, without solving all of it anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from marketplace.solver import network, transport
from marketplace.solver.components import labels
from marketplace.solver.edits import Edit, edited
from marketplace.solver.engines import Engine
from marketplace.solver.fewest import MOST_PARTS
from marketplace.solver.finish import on_face, short_side
from marketplace.solver.graph import Face, Graph
from marketplace.solver.prices import shadow_prices
from marketplace.solver.problem import Allocation, Carry, Ended, Flags, Integers, Problem, SolverFailed
from marketplace.solver.reroute import Before, rerouted
from marketplace.solver.ties import decide, held, undecided

T = TypeVar("T", bound="np.generic[Any]")  # in quotes: only the type checker knows the brackets

LARGE: Final = 20_000
"""Arcs of a part from which on a change is led along the shortest ways, instead of solving the part anew."""


@dataclass(frozen=True, eq=False)
class Standing:
    """
    A problem with its answer, kept so that a change solves only what it touches.

    ``label`` (n + m,) says which part each node belongs to: what is joined has one label; what once was may have. ``engine``
    is exact: the answer is the same, to the byte, as when it solves the changed problem. ``large`` is `LARGE`, and
    ``rerouted`` says whether the last change needed no engine.
    """

    problem: Problem
    allocation: Allocation
    engine: Engine
    label: Integers
    large: int = LARGE
    rerouted: bool = False

    @classmethod
    def of(
        cls, problem: Problem, engine: Engine, allocation: Allocation | None = None, *, large: int | None = None
    ) -> Standing:
        """Return the answer of an exact engine to a problem, solved now unless it is given; raises SolverFailed."""
        graph = Graph.of(problem)
        found = engine(problem) if allocation is None else allocation
        label = labels(0, graph.n + graph.m, graph.tail, graph.head)[1]
        return cls(problem, found, engine, label, LARGE if large is None else large)

    def after(self, edit: Edit) -> Standing:
        """
        Return what stands after an edit: tonnes, cost, prices and kilograms as the engine's from nothing, to the byte.

        1. Only parts with a node that the edit is about can change: the others have the same nodes, arcs and masses.
        2. A touched part is solved by the engine or, where it is large and stores nothing, led to its new best plan by
           `reroute.rerouted`; if that gives up or does not prove itself, by the engine after all. The cut and the prices
           depend on the part alone.
        3. Ties are decided by ranks among all lots and lines, which an edit leaves as they are unless it adds to them; of
           many tied parts only so many are asked for their fewest contracts, and a contract over several arcs may join parts. So
           they are decided anew in the touched parts, or in all where lots or lines came, the tied parts are that many
           or contracts are over several arcs.

        Raises ValueError if the edit is none, SolverFailed if the engine does.
        """
        problem, origin = edited(self.problem, edit)
        if edit == Edit():
            return self
        label, nodes = self._labels(problem, edit)
        inside = np.isin(label, label[nodes])
        part = Piece.of(problem, inside)
        before = self._before(problem, origin)
        answer, by_ways = self._solved(part, before, origin)
        found = part.placed(before, answer)
        ties = Ties.of(part.problem, answer)
        elsewhere = set(label[~inside].tolist())
        tied = {at: many for at, many in self.tied.items() if at in elsewhere}
        tied[int(label[nodes[0]])] = ties.parts().size if ties.open.size else 0
        grown = problem.supply.size > self.problem.supply.size or problem.capacity.size > self.problem.capacity.size
        if grown or problem.contract is not None or max(sum(tied.values()), sum(self.tied.values())) > MOST_PARTS:
            found = Ties.of(problem, found).decided(problem, found)
        elif ties.open.size:
            found = ties.within(part, problem, found).decided(problem, found)
        after = Standing(problem, found, self.engine, label, self.large, by_ways)
        after.__dict__["tied"] = tied
        return after

    @cached_property
    def tied(self) -> dict[int, int]:
        """How many tied parts there are, by the label of what they belong to."""
        found: dict[int, int] = {}
        ties = Ties.of(self.problem, self.allocation)
        for at in self.label[ties.parts()].tolist() if ties.open.size else ():
            found[at] = found.get(at, 0) + 1
        return found

    def _labels(self, problem: Problem, edit: Edit) -> tuple[Integers, Integers]:
        """Return the labels after the edit, and the nodes that it is about."""
        n, m, _ = problem.shape
        had = self.problem.supply.size
        new = np.arange(n + m - self.label.size) + 1 + self.label.max(initial=-1)
        lots = np.concatenate([self.label[:had], new[: n - had]])
        label = np.concatenate([lots, self.label[had:], new[n - had :]])
        for i, j, _ in edit.opened:
            if label[i] != label[n + j]:
                label[label == label[n + j]] = label[i]
        pairs = [*(pair[:2] for pair in edit.opened), *edit.closed]
        nodes = {*edit.supply, *(n + j for j in edit.room), *(i for i, _ in pairs), *(n + j for _, j in pairs)}
        return label, np.array(sorted(nodes), dtype=np.int64)

    def _before(self, problem: Problem, origin: Integers) -> Allocation:
        """Return the answer that stood, in the numbers of the problem that is now; what is new has nothing."""
        old = self.allocation
        n, m, _ = problem.shape
        kg = old.kg[origin] if old.kg.size else np.zeros(origin.size, dtype=np.int64)
        kg[origin < 0] = 0
        lots, lines = n - old.lot_price.size, m - old.line_price.size
        return Allocation(
            kg=kg,
            lot_price=np.append(old.lot_price, np.zeros(lots, dtype=np.int64)),
            line_price=np.append(old.line_price, np.zeros(lines, dtype=np.int64)),
            short_lots=np.append(old.short_lots, np.zeros(lots, dtype=np.bool_)),
            short_lines=np.append(old.short_lines, np.zeros(lines, dtype=np.bool_)),
            carried=old.carried,
        )

    def _solved(self, part: Piece, before: Allocation, origin: Integers) -> tuple[Allocation, bool]:
        """Return the answer of a touched part, and whether it was found without the engine."""
        if part.pairs.size >= self.large and not part.problem.carry.tail.size:
            try:
                return part.led(*self._left(part), before, np.flatnonzero(origin[part.pairs] < 0)), True
            except Ended:
                raise
            except SolverFailed:
                pass
        return self.engine(part.problem), False

    def _left(self, part: Piece) -> tuple[Integers, Integers]:
        """Return what the answer that stood left of the lots of a part, and of the room of its lines."""
        n, m, _ = self.problem.shape
        net = Graph.of(self.problem).net_out(np.concatenate([self.allocation.kg, self.allocation.carried]))
        left, room = self.problem.supply - net[:n], self.problem.capacity + net[n:]
        lots = np.where(part.lots < n, left[np.minimum(part.lots, n - 1)], 0) if n else np.zeros_like(part.lots)
        lines = np.where(part.lines < m, room[np.minimum(part.lines, m - 1)], 0) if m else np.zeros_like(part.lines)
        return lots, lines


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
        kg, phi, fee = rerouted(
            problem,
            Before(
                kg=before.kg[self.pairs],
                left=left,
                room=room,
                phi=np.concatenate([before.lot_price[self.lots], -before.line_price[self.lines]]),
                short=short & (problem.objective == "utilization"),
                new=new,
            ),
        )
        graph = Graph.of(problem)
        short = short_side(problem, graph, kg)
        phi[short] -= fee
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
    """The pairs and storage that cost by the prices what they cost, and which of them could carry something else."""

    graph: Graph
    kg: Integers
    tight: Integers
    loose: Flags
    open: Integers

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
        return cls(graph, kg, tight, loose, tight[undecided(held(problem, graph, tight, kg, loose), kg[tight])])

    def parts(self) -> Integers:
        """Return one node of each tied part."""
        ends, place = np.unique(
            np.concatenate([self.graph.tail[self.open], self.graph.head[self.open]]), return_inverse=True
        )
        tail, head = place[: self.open.size], place[self.open.size :]
        return ends[np.unique(labels(0, ends.size, tail, head)[1], return_index=True)[1]]

    def decided(self, problem: Problem, answer: Allocation) -> Allocation:
        """Return the answer with the plan that the rule means."""
        cheapest = network.cheapest if network.INSTALLED else transport.cheapest
        kg = decide(problem, self.graph, self.kg, self.tight, self.loose, cheapest)
        return replace(answer, kg=kg[: self.graph.pairs], carried=kg[self.graph.pairs :])

    def within(self, piece: Piece, problem: Problem, whole: Allocation) -> Ties:
        """Return the same ties in the numbers of the whole, of which they are those of a piece."""
        graph = Graph.of(problem)
        arcs = np.concatenate([piece.pairs, piece.stored + graph.pairs])
        loose = np.zeros(graph.n + graph.m, dtype=np.bool_)
        loose[np.concatenate([piece.lots, piece.lines + graph.n])] = self.loose
        kg = np.concatenate([whole.kg, whole.carried])
        return Ties(graph, kg, arcs[self.tight], loose, arcs[self.open])


def _put(old: npt.NDArray[T], at: Integers, new: npt.NDArray[T]) -> npt.NDArray[T]:
    found = old.copy()
    found[at] = new
    return found
