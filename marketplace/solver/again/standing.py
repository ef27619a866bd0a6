"""Again and again: an answer that stands, and what becomes of it when one thing changes, without solving all of it anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from marketplace.solver.again.edits import Edit, edited
from marketplace.solver.again.kept import Aside, Kept, lifted
from marketplace.solver.again.piece import Piece, Ties
from marketplace.solver.allarcs.sources import Arcs
from marketplace.solver.answer.fewest import MOST_PARTS
from marketplace.solver.answer.ties import Ranks
from marketplace.solver.components import labels
from marketplace.solver.engines import Engine
from marketplace.solver.graph import Graph
from marketplace.solver.problem import Allocation, Ended, Integers, Problem, SolverFailed

LARGE: Final = 5_000
"""Arcs of a part from which on a change is led along the shortest ways, instead of solving the part anew."""


@dataclass(frozen=True, eq=False)
class Standing:
    """
    A problem with its answer, kept part by part, so that a change solves and looks through only what it touches.

    ``terms`` is the problem, and ``prices`` the answer, without arcs and storage: these stand in ``kept``, by the label of their
    part, but for arcs of a large part that no small change of prices could bring in, which stand ``aside``. ``label`` (n + m,) says which part each node belongs to: what is joined has one label; what once was may have.
    ``tied`` is how many tied parts there are, by label. ``engine`` is exact: the answer is the same, to the byte, as when it
    solves the changed problem. ``large`` is `LARGE`, and ``rerouted`` says whether the last change needed no engine.
    """

    terms: Problem
    prices: Allocation
    kept: Mapping[int, Kept]
    aside: Mapping[int, Aside]
    label: Integers
    tied: Mapping[int, int]
    engine: Engine
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
        whole = Kept.of(problem, found)
        return cls(
            terms=_with(problem, whole.none()),
            prices=_carrying(found, whole.none()),
            kept={},
            aside={},
            label=label,
            tied=Ties.of(problem, found).counted(label),
            engine=engine,
            large=LARGE if large is None else large,
        ).with_parts(whole)

    @cached_property
    def problem(self) -> Problem:
        """The whole problem, put together when it is asked for."""
        return _with(self.terms, self._whole)

    @cached_property
    def allocation(self) -> Allocation:
        """The whole answer, put together when it is asked for."""
        return _carrying(self.prices, self._whole)

    @cached_property
    def _whole(self) -> Kept:
        return self._joined(self.kept, *(aside.arcs for aside in self.aside.values()))

    def after(self, edit: Edit) -> Standing:
        """
        Return what stands after an edit: tonnes, cost, prices and kilograms as the engine's from nothing, to the byte.

        1. Only parts with a node that the edit is about can change: the others have the same nodes, arcs and masses.
        2. A touched part is solved by the engine or, where it is large and stores nothing, led to its new best plan by
           `reroute.rerouted`; if that gives up or does not prove itself, by the engine after all. The cut and the prices
           depend on the part alone. Arcs that stand aside come in where the new prices could make up for what they are dearer.
        3. Ties are decided by ranks among all lots and lines, which an edit leaves as they are unless it adds to them; of
           many tied parts only so many are asked for their fewest contracts, and a contract over several arcs may join parts. So
           they are decided anew in the touched parts, or in all where lots or lines came, the tied parts are that many
           or contracts are over several arcs.

        Raises ValueError if the edit is none, SolverFailed if the engine does.
        """
        if edit == Edit():
            return self
        n, m, _ = self.terms.shape
        grown = max(edit.supply, default=0) >= n or max(edit.room, default=0) >= m
        if grown or self.terms.contract is not None or sum(self.tied.values()) > MOST_PARTS:
            return self._after(edit, everywhere=True)
        after = self._after(edit, everywhere=False)
        many = sum(after.tied.values()) > MOST_PARTS
        return self._after(edit, everywhere=True) if many else after

    def _after(self, edit: Edit, *, everywhere: bool) -> Standing:
        """Return what stands after an edit, with ties decided anew ``everywhere`` or where it touches; then nothing else is looked at."""
        touched = self._touched(edit)
        if everywhere:
            among, old, aside = set(self.kept), self._whole, dict[int, Aside]()
        else:
            among = touched
            old, aside = self._joined(touched), {at: self.aside[at] for at in touched if at in self.aside}
            lots = {*edit.supply, *(i for i, _, _ in edit.opened), *(i for i, _ in edit.closed)}
            old, aside = _brought(old, aside, {at: each.of(sorted(lots)) for at, each in aside.items()})
        while True:
            problem, origin = edited(_with(self.terms, old), edit)
            label, nodes = self._labels(problem, edit)
            before = self._before(old, problem, origin)
            part = Piece.of(problem, np.isin(label, label[nodes]))
            answer, led = self._solved(part, old, before, origin)
            prices = lifted(part.placed(before, answer), problem.objective)
            broken = {at: each.broken(*prices) for at, each in aside.items()}
            if not any(places.size for places in broken.values()):
                break
            old, aside = _brought(old, aside, broken)
        ties = Ties.of(part.problem, answer)
        if everywhere:
            found = part.placed(before, answer)
            found = Ties.of(problem, found).decided(problem, found)
        else:
            ranks = Ranks(part.lots, part.lines, problem.shape[:2])
            found = part.placed(before, ties.decided(part.problem, answer, ranks))
        now = Kept.of(problem, found)
        tied = {at: many for at, many in self.tied.items() if at not in touched}
        after = replace(
            self,
            terms=_with(problem, now.none()),
            prices=_carrying(found, now.none()),
            kept={at: kept for at, kept in self.kept.items() if at not in among | touched},
            aside={at: each for at, each in self.aside.items() if at not in among | touched},
            label=label,
            tied=tied | ties.counted(np.concatenate([label[part.lots], label[problem.supply.size + part.lines]])),
            rerouted=led,
        )
        if everywhere or len(aside) > 1 or any(each.worn(*prices) for each in aside.values()):
            return after.with_parts(now.with_arcs(Arcs.joined([each.arcs for each in aside.values()])))
        here = {int(label[each.arcs.lot[0]]): each for each in aside.values() if each.arcs.lot.size}
        return replace(after, kept={**after.kept, **now.split(label)}, aside={**after.aside, **here})

    def with_parts(self, some: Kept) -> Standing:
        """Return this with some more parts, each with the arcs near its prices at hand and the others aside."""
        prices = lifted(self.prices, self.terms.objective)
        parts = some.split(self.label)
        near = {
            at: part.parted(self.terms.supply, *prices) if part.lot.size >= self.large else (part, None)
            for at, part in parts.items()
        }
        return replace(
            self,
            kept={**self.kept, **{at: part for at, (part, _) in near.items()}},
            aside={**self.aside, **{at: aside for at, (_, aside) in near.items() if aside is not None}},
        )

    def _joined(self, which: Iterable[int], *more: Arcs) -> Kept:
        """Return what is kept of some parts, by their labels, as one, with more arcs that carry nothing."""
        none = Kept.of(self.terms, self.prices)
        return Kept.joined([none, *(self.kept[at] for at in which if at in self.kept)]).with_arcs(Arcs.joined([*more]))

    def _touched(self, edit: Edit) -> set[int]:
        """Return the labels of what stood that the edit is about."""
        n, m, _ = self.terms.shape
        pairs = [*(pair[:2] for pair in edit.opened), *edit.closed]
        lots = [i for i in (*edit.supply, *(i for i, _ in pairs)) if 0 <= i < n]
        lines = [n + j for j in (*edit.room, *(j for _, j in pairs)) if 0 <= j < m]
        return set(self.label[np.array([*lots, *lines], dtype=np.int64)].tolist())

    def _labels(self, problem: Problem, edit: Edit) -> tuple[Integers, Integers]:
        """Return the labels after the edit, and the nodes that it is about."""
        n, m, _ = problem.shape
        had = self.terms.supply.size
        new = np.arange(n + m - self.label.size) + 1 + self.label.max(initial=-1)
        lots = np.concatenate([self.label[:had], new[: n - had]])
        label = np.concatenate([lots, self.label[had:], new[n - had :]])
        for i, j, _ in edit.opened:
            if label[i] != label[n + j]:
                label[label == label[n + j]] = label[i]
        pairs = [*(pair[:2] for pair in edit.opened), *edit.closed]
        nodes = {*edit.supply, *(n + j for j in edit.room), *(i for i, _ in pairs), *(n + j for _, j in pairs)}
        return label, np.array(sorted(nodes), dtype=np.int64)

    def _before(self, old: Kept, problem: Problem, origin: Integers) -> Allocation:
        """Return the answer that stood, in the numbers of the problem that is now; what is new has nothing."""
        n, m, _ = problem.shape
        kg = old.kg[origin] if old.kg.size else np.zeros(origin.size, dtype=np.int64)
        kg[origin < 0] = 0
        prices = self.prices
        lots, lines = n - prices.lot_price.size, m - prices.line_price.size
        return Allocation(
            kg=kg,
            lot_price=np.append(prices.lot_price, np.zeros(lots, dtype=np.int64)),
            line_price=np.append(prices.line_price, np.zeros(lines, dtype=np.int64)),
            short_lots=np.append(prices.short_lots, np.zeros(lots, dtype=np.bool_)),
            short_lines=np.append(prices.short_lines, np.zeros(lines, dtype=np.bool_)),
            carried=old.carried,
        )

    def _solved(self, part: Piece, old: Kept, before: Allocation, origin: Integers) -> tuple[Allocation, bool]:
        """Return the answer of a touched part, and whether it was found without the engine."""
        if part.pairs.size >= self.large and not part.problem.carry.tail.size:
            try:
                return part.led(*self._left(part, old), before, np.flatnonzero(origin[part.pairs] < 0)), True
            except Ended:
                raise
            except SolverFailed:
                pass
        return self.engine(part.problem), False

    def _left(self, part: Piece, old: Kept) -> tuple[Integers, Integers]:
        """Return what the answer that stood left of the lots of a part, and of the room of its lines."""
        n, m, _ = self.terms.shape
        net = Graph.of(_with(self.terms, old)).net_out(np.concatenate([old.kg, old.carried]))
        left, room = self.terms.supply - net[:n], self.terms.capacity + net[n:]
        lots = np.where(part.lots < n, left[np.minimum(part.lots, n - 1)], 0) if n else np.zeros_like(part.lots)
        lines = np.where(part.lines < m, room[np.minimum(part.lines, m - 1)], 0) if m else np.zeros_like(part.lines)
        return lots, lines


def _with(problem: Problem, kept: Kept) -> Problem:
    """Return the problem with other arcs and storage."""
    return replace(problem, lot=kept.lot, line=kept.line, cost=kept.cost, carry=kept.carry, contract=kept.contract)


def _carrying(allocation: Allocation, kept: Kept) -> Allocation:
    """Return the answer with other kilograms, for other arcs and storage."""
    return replace(allocation, kg=kept.kg, carried=kept.carried)


def _brought(old: Kept, aside: dict[int, Aside], places: Mapping[int, Integers]) -> tuple[Kept, dict[int, Aside]]:
    """Return what is at hand with some of the arcs that stand aside, by label and place, and what stays there."""
    arcs = Arcs.joined([each.only(places[at]) for at, each in aside.items()])
    return old.with_arcs(arcs), {at: each.without(places[at]) for at, each in aside.items()}
