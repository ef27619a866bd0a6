"""The lots and lines of one material on the map: which arcs join them, and which of these are priced below a bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from marketplace.solver.allarcs.screen import MARGIN, WIDE, Screen, never_above
from marketplace.solver.allarcs.sources import LIFT, Arcs, Prices, scattered
from marketplace.solver.problem import Flags, Integers
from marketplace.solver.sphere import Floats, Patch, blocks, chord, on_sphere, whole_meters

if TYPE_CHECKING:
    from marketplace.solver.allarcs.field import Field

_BLOCK: Final = 64
"""Lots that are looked up together."""

_MANY: Final = 32
"""Improving arcs of a lot in one product, above which the slighter ones are passed over."""

_SAMPLE: Final = 256
"""Lines that a block chooses its first arcs from."""

_MARGIN_M: Final = 1.0


@dataclass(frozen=True, eq=False)
class Ground:
    """
    Lots and lines of one material, by their numbers in the field, with their points on the unit sphere.

    ``cells`` are blocks of neighboring lots, as positions in ``lots``; ``reach`` (m,) the chord of each line's radius.
    ``floor + rate * chord`` is never above the freight.
    """

    field: Field
    lots: Integers
    lines: Integers
    here: Floats
    there: Floats
    reach: Floats
    floor: float
    rate: float

    @classmethod
    def of(cls, field: Field, lots: Integers, lines: Integers) -> Ground:
        """Return the ground of some lots and lines of a field."""
        radius = field.radius_m[lines]
        return cls(
            field,
            lots,
            lines,
            on_sphere(field.lots_at[lots]),
            on_sphere(field.lines_at[lines]),
            np.where(radius < 0, -1.0, chord(radius + _MARGIN_M)),
            *never_above(field.freight[: max(1, int(radius.max(initial=0)) + 1)]),
        )

    @cached_property
    def cells(self) -> list[Integers]:
        """Blocks of neighboring lots, as positions among ``lots``."""
        return list(blocks(self.here, _BLOCK))

    def count(self) -> int:
        """Return how many arcs there are."""
        return sum(arcs.lot.size for arcs in self.batches())

    def batches(self) -> Iterator[Arcs]:
        """Yield every arc once, sorted within a batch, all of a lot in the same batch."""
        for cell in self.cells:
            patch = Patch.of(self.here[cell])
            found = []
            for some in _pieces(np.flatnonzero(patch.gap(self.there) <= self.reach)):
                square = patch.left @ patch.right(self.there[some])
                found.append(self._exact(*self._reached(cell, some, square)))
            arcs = Arcs.joined(found)
            if len(found) > 1:
                order = np.argsort(arcs.lot, kind="stable")
                arcs = Arcs(*(each[order] for each in arcs))
            yield arcs

    def start(self, cheapest: int, any_: int) -> Iterator[Arcs]:
        """Yield arcs to begin with: each block chooses in a fixed pseudo-random sample of the lines that it may reach."""
        for number, cell in enumerate(self.cells):
            patch = Patch.of(self.here[cell])
            near = np.flatnonzero(patch.gap(self.there) <= self.reach)
            if near.size > _SAMPLE:
                lucky = scattered(np.full(near.size, number), self.lines[near])
                near = near[np.sort(np.argsort(lucky, kind="stable")[:_SAMPLE])]
            square = patch.left @ patch.right(self.there[near])
            arcs = self._exact(*self._reached(cell, near, square))
            kept = _first(arcs.lot, arcs.cost, cheapest) | _first(arcs.lot, scattered(arcs.lot, arcs.line), any_)
            yield Arcs(*(each[kept] for each in arcs))

    def below(self, prices: Prices, bound: int, *, thin: bool, worst: Integers) -> Iterator[tuple[Arcs, bool]]:
        """
        Yield by block every arc whose lifted reduced cost is below ``bound``, 0 or 1, and whether some were passed over.

        Most lines are left out for a whole block: freight over the least distance from the block, with the highest price
        of a lot in it, would not pay. The others are screened by a product in single precision that errs on the safe side
        by a bound on its rounding, and what that leaves is priced in whole numbers. Only with ``thin`` are slight
        violations passed over where there are many, and ``worst`` is lowered so that it bounds these too.
        """
        own = prices.at(self.lots, self.lines)
        u = (own.lot - LIFT * own.short_lots - self.field.lot_cost[self.lots]).astype(float) + bound
        v = (own.line + LIFT * own.short_lines - self.field.line_cost[self.lines]).astype(float) - self.floor
        same = (np.flatnonzero(~own.short_lines), np.flatnonzero(own.short_lines))
        for cell in self.cells:
            patch = Patch.of(self.here[cell])
            gap = patch.gap(self.there)
            inside = gap <= self.reach
            gap *= self.rate
            gap -= v
            found, passed_over = [], False
            for short in (False, True):
                rows = np.flatnonzero(own.short_lots[cell] == short)
                if not rows.size:
                    continue
                at = cell[rows]
                lines = same[int(short)]
                near = lines[inside[lines] & (gap[lines] < float(u[at].max()) + MARGIN)]
                screen = Screen.of(patch.left[rows], u[at], self.rate)
                for some in _pieces(near):
                    row, column, value = screen.seen(patch.right(self.there[some]), v[some], self.reach[some])
                    lot, line = at.take(row), some.take(column)
                    if thin and row.size > _MANY * rows.size:
                        kept = self._kept(lot, line, row, value, worst)
                        passed_over = passed_over or kept.size < lot.size
                        lot, line = lot[kept], line[kept]
                    found.append(self._exact(lot, line))
                for some in _pieces(same[0][inside[same[0]]]) if short else ():
                    square = patch.left[rows] @ patch.right(self.there[some])
                    lot, line, square = self._reached(at, some, square)
                    if thin and lot.size > _MANY * rows.size:
                        kept = np.flatnonzero(self._fits(lot, line))
                        lot, line, square = lot[kept], line[kept], square[kept]
                    if thin and lot.size > _MANY * rows.size:
                        passed_over = True
                        worst[self.lots[at]] = np.minimum(worst[self.lots[at]], -2 * LIFT)
                        some_of = slice(None, None, lot.size // (_MANY * rows.size) + 1)
                        lot, line, square = lot[some_of], line[some_of], square[some_of]
                    found.append(self._exact(lot, line, square))
            arcs = Arcs.joined(found)
            kept = np.flatnonzero(prices.reduced(arcs) < bound)
            yield Arcs(*(each[kept] for each in arcs)), passed_over

    def _reached(self, at: Integers, some: Integers, square: Floats) -> tuple[Integers, Integers, Floats]:
        """Return pairs of the positions ``at`` and ``some`` that may be within reach, with their squared chords."""
        inside = square <= self.reach[some] ** 2 + 1e-15
        each = np.count_nonzero(inside, axis=1)
        place = np.flatnonzero(inside)
        row = np.repeat(np.arange(at.size), each)
        return at.take(row), some.take(place - row * some.size), square.take(place)

    def _kept(
        self, lot: Integers, line: Integers, row: Integers, value: npt.NDArray[np.float32], worst: Integers
    ) -> Integers:
        """Return which of many violations, sorted by ``row``, are at least half as bad as the worst of their lot."""
        possible = np.flatnonzero(self._fits(lot, line))
        row, value = row[possible], value[possible]
        first = np.flatnonzero(np.diff(row, prepend=-1))
        half = 0.5 * np.minimum.reduceat(value, first) if first.size else value
        kept = value <= np.repeat(half, np.diff(first, append=row.size))
        lots = self.lots[lot[possible[first]]]
        worst[lots] = np.minimum(worst[lots], np.floor(half).astype(np.int64))
        found: Integers = possible[kept]
        return found

    def _fits(self, lot: Integers, line: Integers) -> Flags:
        """Return which pairs of positions no limit parts."""
        fits = np.ones(lot.size, dtype=np.bool_)
        values, limits = self.field.values, self.field.limits
        for each in range(values.shape[1]):
            fits &= values[:, each].take(self.lots).take(lot) <= limits[:, each].take(self.lines).take(line)
        return fits

    def _exact(self, lot: Integers, line: Integers, square: Floats | None = None) -> Arcs:
        """Return the arcs among pairs of positions, in the order given, by the numbers of the field."""
        field = self.field
        if square is None:
            off = self.here.take(lot, axis=0)
            off -= self.there.take(line, axis=0)
            square = np.einsum("ij,ij->i", off, off)
        kept = np.flatnonzero(self._fits(lot, line))
        if kept.size < lot.size:
            lot, line, square = lot[kept], line[kept], square[kept]
        lot, line = self.lots.take(lot), self.lines.take(line)
        meters = whole_meters(square, field.lots_at, field.lines_at, lot, line)
        near = meters <= field.radius_m.take(line)
        if not near.all():
            lot, line, meters = lot[near], line[near], meters[near]
        cost = field.freight.take(meters) + field.lot_cost.take(lot) + field.line_cost.take(line)
        return Arcs(lot, line, cost)


def _pieces(near: Integers) -> Iterator[Integers]:
    for begin in range(0, near.size, WIDE):
        yield near[begin : begin + WIDE]


def _first(group: Integers, by: Integers, most: int) -> Flags:
    """Return the flags of the ``most`` of each group that are least ``by``."""
    order = np.lexsort((by, group))
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    rank = np.arange(group.size) - np.repeat(first, np.diff(first, append=group.size))
    flags = np.zeros(group.size, dtype=np.bool_)
    flags[order[rank < most]] = True
    return flags
