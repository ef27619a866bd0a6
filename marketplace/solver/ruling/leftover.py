"""What is left on both sides of contracts that a plan has closed, given to them after all where every rule allows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from marketplace.solver.problem import Flags, Integers
from marketplace.solver.ruling.reduction import Model


class LeftOver:
    """What a plan of ``loads`` (e,) leaves of lots, lines and rows, and the contracts that could have some of it."""

    def __init__(self, model: Model, loads: Integers) -> None:
        self.model, self.loads = model, loads
        left, room = model.left(loads)
        stores = np.concatenate([model.tail, model.head])
        self.loose = ~np.isin(model.lot, stores) & ~np.isin(model.line + left.size, stores) & (model.most > 0)
        slack = model.limit - model.weighed(loads)
        self.held = model.held(loads)
        self.missing = np.maximum(1, model.least - self.held)
        could = np.minimum(np.minimum(left[model.lot], room[model.line]), model.most - loads)
        could = np.where(self.loose, np.maximum(0, np.minimum(could, self._by_rows(slack))), 0)
        self.wanted = np.flatnonzero((could > 0) & (model.held(could) >= self.missing)[model.contract])
        self.left, self.room, self.slack = left.tolist(), room.tolist(), slack.tolist()

    def added(self) -> Iterator[tuple[Integers, Integers]]:
        """Yield the arcs of a contract and what each carries more, the contract with the cheapest arc first."""
        model, wanted = self.model, self.wanted
        order = wanted[np.argsort(model.cost[wanted], kind="stable")]
        of: dict[int, list[int]] = {}
        for arc, k in zip(order.tolist(), model.contract[order].tolist(), strict=True):
            of.setdefault(k, []).append(arc)
        entries = self._entries(wanted)
        for k, arcs in of.items():
            arcs.sort()
            more = self._more(arcs, entries)
            total = sum(more)
            gain = -sum(int(model.cost[arc]) * mass for arc, mass in zip(arcs, more, strict=True)) * model.load
            due = int(model.fee[k]) if not self.held[k] and not model.due[k] else 0
            rows = {row for arc in arcs for row, _ in entries.get(arc, ())}
            kept = all(self.slack[row] >= 0 for row in rows)
            if total < self.missing[k] or not kept or (model.surplus and gain <= due):
                self._give(arcs, [-mass for mass in more], entries)
                continue
            yield np.array(arcs), np.array(more, dtype=np.int64)

    def _more(self, arcs: list[int], entries: dict[int, list[tuple[int, int]]]) -> list[int]:
        """Return what each arc of a contract could carry more, one after another, and give it."""
        model, found = self.model, list[int]()
        for arc in arcs:
            i, j = int(model.lot[arc]), int(model.line[arc])
            most = min(self.left[i], self.room[j], int(model.most[arc] - self.loads[arc]))
            for row, weight in entries.get(arc, ()):
                if weight > 0:
                    most = min(most, self.slack[row] // weight)
            found.append(max(0, most))
            self._give([arc], found[-1:], entries)
        return found

    def _give(self, arcs: list[int], loads: list[int], entries: dict[int, list[tuple[int, int]]]) -> None:
        for arc, mass in zip(arcs, loads, strict=True):
            self.left[self.model.lot[arc]] -= mass
            self.room[self.model.line[arc]] -= mass
            for row, weight in entries.get(arc, ()):
                self.slack[row] -= weight * mass

    def _by_rows(self, slack: Integers) -> Integers:
        """Return what rows without a weight below zero let each arc carry more, (e,): giving to others only lessens it."""
        model = self.model
        lowest = np.zeros(model.limit.size, dtype=np.int64)
        np.minimum.at(lowest, model.row, model.weight)
        plain = (lowest[model.row] >= 0) & (model.weight > 0)
        most: Integers = np.full(model.lot.size, np.iinfo(np.int64).max)
        np.minimum.at(most, model.arc[plain], slack[model.row[plain]] // model.weight[plain])
        return most

    def _entries(self, arcs: Integers) -> dict[int, list[tuple[int, int]]]:
        """Return the rows and weights of each of these arcs."""
        model = self.model
        wanted: Flags = np.zeros(model.lot.size, dtype=np.bool_)
        wanted[arcs] = True
        at = np.flatnonzero(wanted[model.arc])
        found: dict[int, list[tuple[int, int]]] = {}
        for arc, row, weight in zip(
            model.arc[at].tolist(), model.row[at].tolist(), model.weight[at].tolist(), strict=True
        ):
            found.setdefault(arc, []).append((row, weight))
        return found
