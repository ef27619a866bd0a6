"""A market as points: who lies where, what each may cost, and all arcs between them without ever holding all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.solver.allarcs.ground import Ground
from marketplace.solver.allarcs.sources import Arcs, Found, Prices, Stored, best
from marketplace.solver.problem import MOST_COST, Flags, Integers

BUDGET: Final = 2**28
"""Bytes that the arcs of a part may take to be kept and not generated again in every round."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Field:
    """
    Lots and lines as points, and the rule by which they are joined.

    ``supply`` (n,) and ``capacity`` (m,) kg; ``lots_at`` (n, 2) and ``lines_at`` (m, 2) in millionths of a degree;
    ``radius_m`` (m,) how far a line reaches, in whole meters of great circle; ``material`` (n,) of each lot and
    ``takes`` (m, materials) flags of what a line takes; ``values`` (n, p) and ``limits`` (m, p) of properties: a line
    takes a lot none of whose values is above its limit. A value that nobody measured is infinite, and so is no limit.

    The cost of an arc is ``freight[meters] + lot_cost[i] + line_cost[j]``, whole units per tonne; ``freight`` has an
    entry for each meter from 0 to the farthest reach and never falls. There is an arc wherever all of this allows
    one. No arc is left out for its rank.
    """

    supply: Integers
    capacity: Integers
    lots_at: Integers
    lines_at: Integers
    radius_m: Integers
    material: Integers
    takes: Flags
    values: npt.NDArray[Any]
    limits: npt.NDArray[Any]
    lot_cost: Integers
    line_cost: Integers
    freight: Integers

    def __post_init__(self) -> None:
        """Refuse what is no field."""
        n, m = self.supply.size, self.capacity.size
        if self.lots_at.shape != (n, 2) or self.lines_at.shape != (m, 2):
            raise ValueError("a point has two coordinates, and there is one for each lot and each line")
        if self.values.shape[0] != n or self.limits.shape != (m, self.values.shape[1]):
            raise ValueError("each lot has a value, and each line a limit, of every property")
        if any(array.size != n for array in (self.material, self.lot_cost)):
            raise ValueError("each lot has a material and a cost")
        if self.line_cost.size != m or self.radius_m.size != m or len(self.takes) != m:
            raise ValueError("each line has a cost, a radius, and flags of what it takes")
        if not self.freight.size or np.any(np.diff(self.freight) < 0):
            raise ValueError("freight never falls with the distance")
        if m and int(self.radius_m.max()) >= self.freight.size:
            raise ValueError("freight is not known as far as a line reaches")
        ends = [self.lot_cost, self.line_cost, self.freight]
        if sum(int(np.abs(array).max()) for array in ends if array.size) > MOST_COST:
            raise ValueError(f"a cost is beyond {MOST_COST} per tonne")

    def split(self) -> Iterator[tuple[Integers, Integers]]:
        """
        Yield the parts that no material joins: which lots and which lines, both ascending.

        A lot that has nothing is in none of them.
        """
        m, kinds = self.takes.shape
        line, kind = np.nonzero(self.takes)
        joined = coo_array((np.ones(line.size, dtype=np.int8), (line, kind + m)), shape=(m + kinds, m + kinds))
        count, label = connected_components(joined.tocsr(), directed=False)
        for part in range(count):
            lots = np.flatnonzero((label[m + self.material] == part) & (self.supply > 0))
            lines = np.flatnonzero(label[:m] == part)
            if lots.size and lines.size:
                yield lots, lines

    def part(self, lots: Integers, lines: Integers) -> Generated:
        """Return some of the lots and lines as a source of the arcs between them, numbered anew."""
        kinds, material = np.unique(self.material[lots], return_inverse=True)
        return Generated(
            supply=self.supply[lots],
            capacity=self.capacity[lines],
            lots_at=self.lots_at[lots],
            lines_at=self.lines_at[lines],
            radius_m=self.radius_m[lines],
            material=material.astype(np.int64),
            takes=self.takes[np.ix_(lines, kinds)],
            values=self.values[lots],
            limits=self.limits[lines],
            lot_cost=self.lot_cost[lots],
            line_cost=self.line_cost[lines],
            freight=self.freight,
        )

    def count(self) -> int:
        """Return how many arcs there are of lots that have anything."""
        return sum(self.part(*part).count() for part in self.split())


class Generated(Field):
    """A field as a source of its arcs, which are made of the points whenever they are asked for."""

    @cached_property
    def grounds(self) -> list[Ground]:
        """The lots of each material with the lines that take it."""
        found = []
        for kind in range(self.takes.shape[1]):
            lots, lines = np.flatnonzero(self.material == kind), np.flatnonzero(self.takes[:, kind])
            if lots.size and lines.size:
                found.append(Ground.of(self, lots, lines))
        return found

    def count(self) -> int:
        """Return how many arcs there are."""
        return sum(ground.count() for ground in self.grounds)

    def batches(self) -> Iterator[Arcs]:
        """Yield every arc once, by blocks of neighboring lots."""
        for ground in self.grounds:
            yield from ground.batches()

    def start(self, cheapest: int, any_: int) -> Arcs:
        """Return arcs to begin with."""
        return Arcs.joined([arcs for ground in self.grounds for arcs in ground.start(cheapest, any_)])

    def improving(self, prices: Prices, most: int, *, thin: bool = True) -> Found:
        """Return what would improve."""
        worst = np.zeros(self.supply.size, dtype=np.int64)
        some, count, complete = [], 0, True
        for ground in self.grounds:
            for arcs, passed_over in ground.below(prices, 0, thin=thin, worst=worst):
                count += arcs.lot.size
                complete = complete and not passed_over
                some.append(best(arcs, prices.reduced(arcs), most, worst))
        return Found(Arcs.joined(some), worst, count, complete)

    def tight(self, prices: Prices) -> Arcs:
        """Return every arc whose lifted reduced cost is zero, sorted."""
        found, unused = [], np.zeros(self.supply.size, dtype=np.int64)
        for ground in self.grounds:
            for arcs, _ in ground.below(prices, 1, thin=False, worst=unused):
                found.append(Arcs(*(column[prices.reduced(arcs) == 0] for column in arcs)))
        arcs = Arcs.joined(found)
        order = np.lexsort((arcs.line, arcs.lot))
        return Arcs(*(column[order] for column in arcs))

    def stored(self, budget: int) -> Stored | None:
        """Return the arcs in arrays, or None if they take more than ``budget`` bytes, eight each."""
        most, size = budget // 8, 0
        begins = np.zeros(self.supply.size + 1, dtype=np.int64)
        found = []
        for arcs in self.batches():
            size += arcs.lot.size
            if size > most:
                return None
            begins[1:] += np.bincount(arcs.lot, minlength=self.supply.size)
            found.append(tuple(column.astype(np.int32) for column in arcs))
        begins = np.cumsum(begins)
        line, cost = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
        found.reverse()
        while found:
            lots, some_lines, some_costs = found.pop()
            first = np.flatnonzero(np.diff(lots, prepend=-1))
            each = np.diff(first, append=lots.size)
            place = np.arange(lots.size) + np.repeat(begins[lots[first]] - first, each)
            line[place], cost[place] = some_lines, some_costs
        return Stored(self.supply, self.capacity, begins, line, cost)
