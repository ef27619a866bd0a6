"""The relaxation of the whole, for its prices: the multipliers from which both bounds of a plan follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from marketplace.solver.engines import Engine
from marketplace.solver.problem import MOST_COST, Flags, Integers
from marketplace.solver.ruling.bounds import SCALE, Multipliers, ascended, least_cost, most_loads, rounded, shares
from marketplace.solver.ruling.linear import Linear
from marketplace.solver.ruling.nested import Nest, by_row, nest
from marketplace.solver.ruling.reduction import Model, Part, parts
from marketplace.solver.ruling.restricted import network, through_rows

STEPS: Final = 12
"""How many prices of a load moved are tried for the bound on the cost."""


@dataclass(frozen=True, eq=False)
class _Priced:
    """What the engine says of all that it can solve: by lot and line, or by position where rows hang in trees."""

    lot: Integers
    line: Integers
    short_lots: Flags
    short_lines: Flags
    loads: int


class Relaxation:
    """Lots and lines and rows in trees by the engine, parts with other rows by linear programs; fees as shares, least lots not at all."""

    def __init__(self, model: Model, engine: Engine) -> None:
        self.model = model
        self.engine = engine
        self.cost = shares(model)
        self.most_prices: Multipliers | None = None
        self.cost_prices = _none(model, 1)
        whole = nest(model) if model.limit.size and not model.tail.size else None
        ruled = np.zeros(model.lot.size, dtype=np.bool_)
        ruled[model.arc if whole is None else model.arc[np.isin(model.row, whole.rest)]] = True
        self.parts: list[Part] = [*parts(model, ruled)]
        self.linears = [Linear(part.model) for part in self.parts]
        self.plain = model.most > 0
        for part in self.parts:
            self.plain[part.arcs] = False
        self.network = replace(model, supply=np.maximum(0, model.supply), capacity=np.maximum(0, model.capacity))
        hung = np.ones(model.limit.size, dtype=np.bool_)
        for part in self.parts:
            hung[part.rows] = False
        self.nested: Nest | None = nest(model, hung) if whole is not None and hung.any() else None
        self.scale = SCALE if self.parts or (self.nested is not None and int(self.nested.weight.max()) > 1) else 1

    def most_loads(self) -> int | None:
        """Return what no plan exceeds; None for `surplus`."""
        model = self.model
        if model.surplus:
            return None
        found = self._engine(self.cost)
        self.lexicographic = found
        lot, line = -(~found.short_lots).astype(np.int64), -found.short_lines.astype(np.int64)
        prices = self._scaled(lot, line)
        for part, linear in zip(self.parts, self.linears, strict=True):
            point = linear.most(part.model.most > 0, np.zeros(part.arcs.size, dtype=np.int64))
            _put(prices, part, rounded(point.lot, point.line, point.row))
        self.most_prices = prices
        self.most = most_loads(model, prices)
        return self.most

    def least_cost(self, moved: int, cost: int) -> int:
        """Return what no plan of so many loads undercuts, in thousandths; for `surplus` no plan. One of that ``cost`` is known."""
        model = self.model
        if model.surplus:
            self.cost_prices = ascended(model, self._at(0)[0], moved, cost)
            return least_cost(model, self.cost_prices, moved)
        tries = [self._at_most()]
        tries[0:0] = self._between(tries[0].worth, moved) if moved < self.most else []
        best = max(tries, key=lambda prices: least_cost(model, prices, moved))
        self.cost_prices = ascended(model, best, moved, cost)
        return least_cost(model, self.cost_prices, moved)

    def row_price(self) -> Integers:
        """Return what one more unit of each row's limit changes in the cost, per tonne, rounded towards zero."""
        prices = self.cost_prices
        whole: Integers = (-(-prices.row // prices.scale)).astype(np.int64)
        return whole

    def _at_most(self) -> Multipliers:
        """Return the prices of the most loads, which are those of the face and a price of a load that outweighs them."""
        model, found, nested = self.model, self.lexicographic, self.nested
        u, v = found.lot, found.line
        ends = (model.lot, model.line) if nested is None else (nested.lots.end, nested.lines.end)
        over = (u[ends[0]] + v[ends[1]] - self.cost)[self.plain]
        worth = max(0, int(u.max(initial=0)), int(v.max(initial=0)), int(over.max(initial=0)))
        if nested is not None:
            worth = max(worth, *(int(each.max(initial=0)) - int(each.min(initial=0)) for each in (u, v)))
        if self.parts:
            worth = max(worth, 2 * int(np.abs(self.cost).max(initial=0)) + 1)
        lot, line = u - np.where(found.short_lots, 0, worth), v - np.where(found.short_lines, worth, 0)
        prices = self._scaled(lot, line, worth)
        for part, linear in zip(self.parts, self.linears, strict=True):
            self._price_part(prices, part, linear, worth)
        return prices

    def _between(self, worth: int, moved: int) -> list[Multipliers]:
        """
        Try prices of a load between nothing and that of the last one.

        The bound is concave in it and its slope is the loads wanted less those moved: where two tangents cross, and halfway.
        """
        low, high = int(self.cost.min(initial=0)) - 1, max(worth, int(self.cost.max(initial=0)) + 1)
        high = min(high, MOST_COST // 2)
        found = list[Multipliers]()
        below, above = (0, low), None
        for step in range(STEPS):
            at = (low + high) // 2
            if above is not None and step % 2:
                slope_low, slope_high = moved - below[0], moved - above[0]
                value_low, value_high = below[1], above[1]
                at = (value_high - value_low - slope_high * high + slope_low * low) // max(1, slope_low - slope_high)
                at = min(max(at, low + 1), high - 1)
            if not low < at < high:
                break
            prices, loads = self._at(at)
            found.append(prices)
            value = least_cost(self.model, prices, moved) // self.model.load
            if loads > moved:
                high, above = at, (loads, value)
            elif loads < moved:
                low, below = at, (loads, value)
            else:
                break
        return found

    def _at(self, worth: int) -> tuple[Multipliers, int]:
        """Return the best prices where a load moved is worth so much, and the loads that then move."""
        found = self._engine(np.clip(self.cost - worth, -MOST_COST, MOST_COST), surplus=True)  # any prices bound
        loads = found.loads
        prices = self._scaled(found.lot, found.line, worth)
        for part, linear in zip(self.parts, self.linears, strict=True):
            loads += self._price_part(prices, part, linear, worth)
        return prices, loads

    def _price_part(self, prices: Multipliers, part: Part, linear: Linear, worth: int) -> int:
        free = part.model.most > 0
        nothing = np.zeros(part.arcs.size, dtype=np.int64)
        point = linear.cheapest(free, nothing, (self.cost[part.arcs] - worth).astype(float))
        _put(prices, part, rounded(point.lot, point.line, point.row))
        return int(point.loads.sum())

    def _engine(self, cost: Integers, *, surplus: bool | None = None) -> _Priced:
        """Ask the engine about all that has no other rows; the rest is not joined there, and so is worth nothing."""
        nothing = np.zeros(self.model.lot.size, dtype=np.int64)
        wanted = self.model.surplus if surplus is None else surplus
        nested = self.nested
        if nested is None:
            flow = network(self.network, self.engine, self.plain, nothing, cost, surplus=wanted)
            found = flow.allocation
            assert found is not None
            moved = int(found.kg.sum())
            return _Priced(found.lot_price, found.line_price, found.short_lots, found.short_lines, moved)
        _, of, found = through_rows(self.network, nested, self.engine, self.plain, nothing, cost, surplus=wanted)
        lot, line = (np.zeros(tree.row.size, dtype=np.int64) for tree in (nested.lots, nested.lines))
        short_lots, short_lines = np.ones(lot.size, dtype=np.bool_), np.zeros(line.size, dtype=np.bool_)
        lot[of.lots], line[of.lines] = found.lot_price, found.line_price
        short_lots[of.lots], short_lines[of.lines] = found.short_lots, found.short_lines
        return _Priced(lot, line, short_lots, short_lines, int(found.kg.sum()))

    def _scaled(self, lot: Integers, line: Integers, worth: int = 0) -> Multipliers:
        """Return prices by lot and line, or by position, as multipliers in ``scale``-ths."""
        row, nested = np.zeros(self.model.limit.size, dtype=np.int64), self.nested
        if nested is not None:
            lot, line = nested.lots.multipliers(lot), nested.lines.multipliers(line)
            row = self._times(by_row(nested, lot, line)) // np.maximum(1, nested.weight)
            lot, line = lot[nested.lots.place], line[nested.lines.place]
        lot, line = (self._times(np.minimum(0, each)) for each in (lot, line))
        return Multipliers(self.scale, lot, line, self._times(row, 1), worth)

    def _times(self, prices: Integers, scale: int | None = None) -> Integers:
        """Return prices in ``scale``-ths, without a limit of digits where 64 bits may not hold them or those of a part."""
        scale = self.scale if scale is None else scale
        wide = bool(self.parts) or scale * int(np.abs(prices).max(initial=0)) > np.iinfo(np.int64).max
        return prices.astype(object) * scale if wide else prices * scale


def _none(model: Model, scale: int) -> Multipliers:
    n, m, _, _ = model.shape
    lot, line, row = (np.zeros(size, dtype=np.int64) for size in (n, m, model.limit.size))
    return Multipliers(scale, lot, line, row)


def _put(prices: Multipliers, part: Part, own: Multipliers) -> None:
    prices.lot[part.lots], prices.line[part.lines], prices.row[part.rows] = own.lot, own.line, own.row
