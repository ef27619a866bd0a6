"""What stands of some parts of a problem: their arcs and storage with what each carries, in the numbers of the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.solver.allarcs.sources import LIFT, Arcs
from marketplace.solver.problem import Allocation, Carry, Integers, Objective, Problem

NEAR: Final = 3
"""Arcs a node that stay at hand; the others are dearer by so much that only a change of prices could bring them in."""

_WORN: Final = 4
"""Where the arcs at nodes whose prices moved far are more than one in so many, the arcs are put aside anew."""


def lifted(answer: Allocation, objective: Objective) -> tuple[Integers, Integers]:
    """Return lot prices (n,) and line prices (m,) with the kilograms before the costs, as `sources.Prices` says."""
    if objective == "surplus":
        return answer.lot_price, answer.line_price
    return answer.lot_price + LIFT * answer.short_lots, answer.line_price - LIFT * answer.short_lines


@dataclass(frozen=True, eq=False)
class Aside:
    """
    Arcs of a part that carry nothing and would cost at least ``least`` more than what is done, by prices that were.

    ``arcs`` sorted by (lot, line); ``lot_price`` (n,) and ``line_price`` (m,) are those prices, `lifted`.
    """

    arcs: Arcs
    least: int
    lot_price: Integers
    line_price: Integers

    def broken(self, lot_price: Integers, line_price: Integers) -> Integers:
        """
        Return the places of arcs that cost no more than what is done by other prices, `lifted`.

        Only where a price rose by half of what the arcs are dearer at least is there one.
        """
        at = self._moved(lot_price, line_price)
        arcs = self.only(at)
        return at[arcs.cost <= lot_price[arcs.lot] + line_price[arcs.line]]

    def worn(self, lot_price: Integers, line_price: Integers) -> bool:
        """Return whether so many arcs have to be looked through at each change that they are better put aside anew."""
        return _WORN * self._moved(lot_price, line_price).size > self.arcs.lot.size

    def _moved(self, lot_price: Integers, line_price: Integers) -> Integers:
        half = (self.least + 1) // 2
        lots, lines = lot_price - self.lot_price >= half, line_price - self.line_price >= half
        if not (lots.any() or lines.any()):
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(lots[self.arcs.lot] | lines[self.arcs.line])

    def of(self, lots: list[int]) -> Integers:
        """Return the places of the arcs of some lots, ascending."""
        begin, end = np.searchsorted(self.arcs.lot, lots), np.searchsorted(self.arcs.lot, lots, side="right")
        return np.concatenate(
            [np.zeros(0, dtype=np.int64), *(np.arange(b, e) for b, e in zip(begin, end, strict=True))]
        )

    def without(self, gone: Integers) -> Aside:
        """Return what stays aside when some come in."""
        if not gone.size:
            return self
        return Aside(Arcs(*(np.delete(each, gone) for each in self.arcs)), self.least, self.lot_price, self.line_price)

    def only(self, at: Integers) -> Arcs:
        """Return some of the arcs."""
        return Arcs(*(each[at] for each in self.arcs))


@dataclass(frozen=True, eq=False)
class Kept:
    """Columns ``lot``, ``line``, ``cost``, ``kg`` (e,) and perhaps ``contract``, and ``carried`` (k,), sorted as a problem is."""

    lot: Integers
    line: Integers
    cost: Integers
    kg: Integers
    contract: Integers | None
    carry: Carry
    carried: Integers

    @classmethod
    def of(cls, problem: Problem, allocation: Allocation) -> Kept:
        """Return all arcs of a problem with what they carry in an answer."""
        return cls(
            problem.lot,
            problem.line,
            problem.cost,
            allocation.kg,
            problem.contract,
            problem.carry,
            allocation.carried,
        )

    @classmethod
    def joined(cls, some: Iterable[Kept]) -> Kept:
        """Return parts as one; no two of them share a lot or a line, and there is at least one, perhaps with no arcs."""
        parts = list(some)
        parts = [part for part in parts if part.lot.size or part.carried.size] or parts[:1]
        if len(parts) == 1:
            return parts[0]
        lot, tail = (np.concatenate(each) for each in zip(*((p.lot, p.carry.tail) for p in parts), strict=True))
        arcs, stored = np.argsort(lot, kind="stable"), np.argsort(tail, kind="stable")
        line, cost, kg = (
            np.concatenate(each)[arcs] for each in zip(*((p.line, p.cost, p.kg) for p in parts), strict=True)
        )
        contracts = [part.contract for part in parts if part.contract is not None]
        carries = zip(*((p.carry.head, p.carry.most_kg, p.carry.cost, p.carried) for p in parts), strict=True)
        head, most_kg, waits, carried = (np.concatenate(each)[stored] for each in carries)
        return cls(
            lot[arcs],
            line,
            cost,
            kg,
            np.concatenate(contracts)[arcs] if contracts else None,
            Carry(tail[stored], head, most_kg, waits),
            carried,
        )

    def split(self, label: Integers) -> dict[int, Kept]:
        """Return the parts by their label, (n + m,); only those that have an arc or storage."""
        arcs, stored = label[self.lot], label[self.carry.tail]
        by_arcs, by_stored = _grouped(arcs), _grouped(stored)
        none = np.zeros(0, dtype=np.int64)
        return {at: self._only(by_arcs.get(at, none), by_stored.get(at, none)) for at in sorted({*by_arcs, *by_stored})}

    def with_arcs(self, arcs: Arcs) -> Kept:
        """Return these and more arcs, which carry nothing; no contract may be over several arcs."""
        if not arcs.lot.size:
            return self
        line = np.concatenate([self.line, arcs.line])
        lot = np.concatenate([self.lot, arcs.lot])
        order = np.lexsort((line, lot))
        cost = np.concatenate([self.cost, arcs.cost])[order]
        kg = np.concatenate([self.kg, np.zeros(arcs.lot.size, dtype=np.int64)])[order]
        return Kept(lot[order], line[order], cost, kg, None, self.carry, self.carried)

    def parted(self, supply: Integers, lot_price: Integers, line_price: Integers) -> tuple[Kept, Aside | None]:
        """
        Return the arcs near the prices (n,) and (m,), which are `lifted`, and those that can be put aside, if any can.

        A lot with nothing keeps all its arcs, since they alone say what it is worth.
        """
        if self.carried.size or self.contract is not None:
            return self, None
        reduced = self.cost - lot_price[self.lot] - line_price[self.line]
        count = NEAR * (np.unique(self.lot).size + np.unique(self.line).size)
        if reduced.size <= 2 * count:
            return self, None
        least = int(np.partition(reduced, count)[count])
        away = (reduced >= max(1, least)) & (supply[self.lot] > 0)
        none, at = np.zeros(0, dtype=np.int64), np.flatnonzero(away)
        arcs = Arcs(self.lot[at], self.line[at], self.cost[at])
        return self._only(np.flatnonzero(~away), none), Aside(arcs, max(1, least), lot_price, line_price)

    def none(self) -> Kept:
        """Return no arcs and no storage, of the same columns."""
        none = np.zeros(0, dtype=np.int64)
        return self._only(none, none)

    def _only(self, arcs: Integers, stored: Integers) -> Kept:
        carry = self.carry
        return Kept(
            self.lot[arcs],
            self.line[arcs],
            self.cost[arcs],
            self.kg[arcs],
            None if self.contract is None else self.contract[arcs],
            Carry(carry.tail[stored], carry.head[stored], carry.most_kg[stored], carry.cost[stored]),
            self.carried[stored],
        )


def _grouped(label: Integers) -> dict[int, Integers]:
    """Return where each label stands, ascending."""
    order = np.argsort(label, kind="stable")
    values, starts = np.unique(label[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=True)) if values.size else {}
