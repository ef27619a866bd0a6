"""Where arcs come from when they are not all looked at at once: what a source must answer, and stored arrays as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from marketplace.solver.problem import Flags, Integers, Objective, Problem

LIFT: Final = 2**56
"""Stands for a kilogram more or less beside its cost: above every sum of costs, and two of them are still 64 bits."""

_CHUNK: Final = 2**18
"""Arcs that are priced at once: what a core's cache holds."""

_SAMPLE: Final = 8
"""The cheapest arcs to begin with are the cheapest among so many times as many."""


class Arcs(NamedTuple):
    """Arcs by their ends and their cost per tonne, each (k,)."""

    lot: Integers
    line: Integers
    cost: Integers

    @classmethod
    def joined(cls, some: list[Arcs]) -> Arcs:
        """Return all of some arcs, one behind the other."""
        none = np.zeros(0, dtype=np.int64)
        return (
            cls(*(np.concatenate([none, *column]) for column in zip(*some, strict=True))) if some else cls(*[none] * 3)
        )


@dataclass(frozen=True, eq=False)
class Prices:
    r"""
    Dual prices that say of an arc nobody has used yet whether it could improve the plan.

    Kilograms come first: of a unit more of supply or of room, :math:`U_i = 0` for a lot that is short of room and
    :math:`-1` for one that is shipped whole, :math:`V_j = -1` for a line that is short and :math:`0` for one that is
    not, count kilograms moved with a minus, and :math:`u, v` what that costs. An arc improves the plan if
    :math:`(-1 - U_i - V_j,\; c_{ij} - u_i - v_j)` is below zero, the first before the second: always from a short lot to a
    line that is not short, never the other way round, and by its cost in between. ``lot`` and ``line`` hold both at
    once, the first times `LIFT`.
    """

    lot: Integers
    line: Integers
    short_lots: Flags
    short_lines: Flags

    @classmethod
    def of(cls, potentials: Integers, short: Flags, n: int, objective: Objective) -> Prices:
        """
        Return those of potentials (n + m,), lot prices before minus line prices, and the short nodes.

        Where the surplus counts alone every lot is short and no line: then kilograms stand on neither side.
        """
        lots, lines = short[:n], short[n:]
        if objective == "surplus":
            lines = np.ones_like(lines)
        return cls(potentials[:n] + LIFT * lots, -potentials[n:] - LIFT * lines, lots, lines)

    def at(self, lots: Integers, lines: Integers) -> Prices:
        """Return those of some lots and lines."""
        return Prices(self.lot[lots], self.line[lines], self.short_lots[lots], self.short_lines[lines])

    def reduced(self, arcs: Arcs) -> Integers:
        """Return (k,) what each arc would change, kilograms lifted over costs: below zero where it improves."""
        return arcs.cost - self.lot[arcs.lot] - self.line[arcs.line]


@dataclass(frozen=True, eq=False)
class Found:
    """
    What pricing all arcs found.

    ``arcs``: some of those that improve, the best of each lot. ``worst`` (n,): no arc of the lot has a lifted reduced
    cost below this; zero where none improves. ``count``: how many improve, at least. ``complete``: whether nothing was
    passed over, so that a count of zero is a proof.
    """

    arcs: Arcs
    worst: Integers
    count: int
    complete: bool

    @property
    def tonnes(self) -> bool:
        """Whether an arc would move more kilograms."""
        return bool((self.worst < -LIFT // 2).any())


class Source(Protocol):
    """Lots, lines, and all arcs between them, priced without holding them all in one place."""

    @property
    def supply(self) -> Integers:
        """Kilograms of each lot, (n,)."""

    @property
    def capacity(self) -> Integers:
        """Kilograms that each line may take, (m,)."""

    def count(self) -> int:
        """Return how many arcs there are."""

    def batches(self) -> Iterator[Arcs]:
        """Yield every arc once; all of a lot in the same batch."""

    def start(self, cheapest: int, any_: int) -> Arcs:
        """Return arcs to begin with: of each lot some cheap ones, and some by a fixed pseudo-random rule."""

    def improving(self, prices: Prices, most: int, *, thin: bool = True) -> Found:
        """Return what would improve, at most so many arcs of a lot; with ``thin`` many violations need not all be seen."""

    def tight(self, prices: Prices) -> Arcs:
        """Return every arc whose lifted reduced cost is zero: what a plan of the same worth may use, sorted."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Arcs in arrays by lot: those of lot i are ``begins[i]`` to ``begins[i + 1]``; 32 bits each where they suffice."""

    supply: Integers
    capacity: Integers
    begins: Integers
    line: npt.NDArray[np.int32]
    cost: npt.NDArray[np.int32]

    @classmethod
    def of(cls, problem: Problem) -> Stored:
        """Return the arcs of a problem, but none of a lot that has nothing; `Problem` asks that costs fit 32 bits."""
        lot, line, cost = problem.lot, problem.line, problem.cost
        if not problem.supply.all():
            some = problem.supply[lot] > 0
            lot, line, cost = lot[some], line[some], cost[some]
        begins = np.concatenate([[0], np.cumsum(np.bincount(lot, minlength=problem.supply.size))])
        return cls(
            problem.supply, problem.capacity, begins.astype(np.int64), line.astype(np.int32), cost.astype(np.int32)
        )

    def count(self) -> int:
        """Return how many arcs there are."""
        return self.line.size

    def batches(self) -> Iterator[Arcs]:
        """Yield every arc once, by lots."""
        first, n = 0, self.supply.size
        while first < n:
            last = max(first + 1, int(np.searchsorted(self.begins, self.begins[first] + _CHUNK, side="right")) - 1)
            begin, end = self.begins[first], self.begins[last]
            lot = np.repeat(np.arange(first, last), np.diff(self.begins[first : last + 1]))
            yield Arcs(lot, self.line[begin:end].astype(np.int64), self.cost[begin:end].astype(np.int64))
            first = last

    def start(self, cheapest: int, any_: int) -> Arcs:
        """Return arcs to begin with."""
        counts = np.diff(self.begins)
        some = []
        for first in range(0, self.supply.size, 4_096):
            lots = np.arange(first, min(first + 4_096, self.supply.size))
            lots = lots[counts[lots] > 0]
            tries = np.arange(max(any_, _SAMPLE * cheapest))
            place = self.begins[lots, None] + scattered(lots[:, None], tries[None, :]) % counts[lots, None]
            chosen = [place[:, :any_]]
            if cheapest:
                best = np.argsort(self.cost[place], axis=1, kind="stable")[:, :cheapest]
                chosen.append(np.take_along_axis(place, best, axis=1))
            at = np.unique(np.concatenate(chosen, axis=1))
            lot = np.searchsorted(self.begins, at, side="right") - 1
            some.append(Arcs(lot, self.line[at].astype(np.int64), self.cost[at].astype(np.int64)))
        return Arcs.joined(some)

    def improving(self, prices: Prices, most: int, *, thin: bool = True) -> Found:
        """Return what would improve; nothing is passed over, ``thin`` or not."""
        del thin
        worst = np.zeros(self.supply.size, dtype=np.int64)
        some, count = [], 0
        for arcs in self.batches():
            reduced = prices.reduced(arcs)
            at = np.flatnonzero(reduced < 0)
            count += at.size
            some.append(best(Arcs(*(column[at] for column in arcs)), reduced[at], most, worst))
        return Found(Arcs.joined(some), worst, count, complete=True)

    def tight(self, prices: Prices) -> Arcs:
        """Return every arc whose lifted reduced cost is zero."""
        return Arcs.joined([Arcs(*(column[prices.reduced(arcs) == 0] for column in arcs)) for arcs in self.batches()])


def best(arcs: Arcs, reduced: Integers, most: int, worst: Integers) -> Arcs:
    """Return the ``most`` arcs of each lot that improve most, sorted by lot; lower ``worst`` (n,) to the best."""
    if not arcs.lot.size:
        return arcs
    order = np.lexsort((arcs.line, reduced, arcs.lot))
    lot, line, cost = (column[order] for column in arcs)
    first = np.flatnonzero(np.diff(lot, prepend=-1))
    worst[lot[first]] = np.minimum(worst[lot[first]], reduced[order][first])
    rank = np.arange(lot.size) - np.repeat(first, np.diff(first, append=lot.size))
    kept = rank < most
    return Arcs(lot[kept], line[kept], cost[kept])


def scattered(a: Integers, b: Integers) -> Integers:
    """
    Return whole numbers below 2^31 that look like chance and are the same everywhere.

    The finalizer of SplitMix64 [1]_ over both numbers.

    References
    ----------
    .. [1] G. L. Steele, D. Lea and C. H. Flood (2014), Fast splittable pseudorandom number generators,
       :doi:`10.1145/2660193.2660195`.
    """
    z = a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + b.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Integers = ((z ^ (z >> np.uint64(31))) >> np.uint64(33)).astype(np.int64)
    return found
