"""The relaxation of the whole, for its prices: the multipliers from which both bounds of a plan follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from marketplace.solver.bounds import SCALE, Multipliers, least_cost, most_loads, rounded, shares
from marketplace.solver.engines import Engine
from marketplace.solver.linear import Linear
from marketplace.solver.problem import MOST_COST, Allocation, Integers
from marketplace.solver.reduction import Model, Part, parts
from marketplace.solver.restricted import network

STEPS: Final = 12
"""How many prices of a load moved are tried for the bound on the cost."""


class Relaxation:
    """Lots and lines by the engine, parts with rows by linear programs; fees as shares, least lots not at all."""

    def __init__(self, model: Model, engine: Engine) -> None:
        self.model = model
        self.engine = engine
        self.cost = shares(model)
        self.most_prices: Multipliers | None = None
        self.cost_prices = _none(model, 1)
        ruled = np.zeros(model.lot.size, dtype=np.bool_)
        ruled[model.arc] = True
        self.parts: list[Part] = [*parts(model, ruled)]
        self.linears = [Linear(part.model) for part in self.parts]
        self.plain = model.most > 0
        for part in self.parts:
            self.plain[part.arcs] = False
        self.network = replace(model, supply=np.maximum(0, model.supply), capacity=np.maximum(0, model.capacity))
        self.scale = SCALE if self.parts else 1

    def most_loads(self) -> int | None:
        """Return what no plan exceeds; None for `surplus`."""
        model = self.model
        if model.surplus:
            return None
        allocation = self._engine(self.cost)
        self.lexicographic = allocation
        lot, line = -(~allocation.short_lots).astype(np.int64), -allocation.short_lines.astype(np.int64)
        prices = _scaled(model, self.scale, lot, line)
        for part, linear in zip(self.parts, self.linears, strict=True):
            point = linear.most(part.model.most > 0, np.zeros(part.arcs.size, dtype=np.int64))
            _put(prices, part, rounded(point.lot, point.line, point.row))
        self.most_prices = prices
        self.most = most_loads(model, prices)
        return self.most

    def least_cost(self, moved: int) -> int:
        """Return what no plan of so many loads undercuts, in thousandths; for `surplus` no plan."""
        model = self.model
        if model.surplus:
            self.cost_prices, _ = self._at(0)
            return least_cost(model, self.cost_prices, moved)
        tries = [self._at_most()]
        tries[0:0] = self._between(tries[0].worth, moved) if moved < self.most else []
        best = max(tries, key=lambda prices: least_cost(model, prices, moved))
        self.cost_prices = best
        return least_cost(model, best, moved)

    def row_price(self) -> Integers:
        """Return what one more unit of each row's limit changes in the cost, per tonne, rounded towards zero."""
        prices = self.cost_prices
        return -(-prices.row // prices.scale)

    def _at_most(self) -> Multipliers:
        """Return the prices of the most loads, which are those of the face and a price of a load that outweighs them."""
        model, found = self.model, self.lexicographic
        u, v = found.lot_price, found.line_price
        over = (u[model.lot] + v[model.line] - self.cost)[self.plain]
        worth = max(0, int(u.max(initial=0)), int(v.max(initial=0)), int(over.max(initial=0)))
        if self.parts:
            worth = max(worth, 2 * int(np.abs(self.cost).max(initial=0)) + 1)
        lot, line = u - np.where(found.short_lots, 0, worth), v - np.where(found.short_lines, worth, 0)
        prices = _scaled(model, self.scale, lot, line, worth)
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
        allocation = self._engine(self.cost - worth, surplus=True)
        loads = int(allocation.kg.sum())
        prices = _scaled(self.model, self.scale, allocation.lot_price, allocation.line_price, worth)
        for part, linear in zip(self.parts, self.linears, strict=True):
            loads += self._price_part(prices, part, linear, worth)
        return prices, loads

    def _price_part(self, prices: Multipliers, part: Part, linear: Linear, worth: int) -> int:
        free = part.model.most > 0
        nothing = np.zeros(part.arcs.size, dtype=np.int64)
        point = linear.cheapest(free, nothing, (self.cost[part.arcs] - worth).astype(float))
        _put(prices, part, rounded(point.lot, point.line, point.row))
        return int(point.loads.sum())

    def _engine(self, cost: Integers, *, surplus: bool | None = None) -> Allocation:
        """Ask the engine about all that has no rows; the rest is not joined there, and so is worth nothing."""
        nothing = np.zeros(self.model.lot.size, dtype=np.int64)
        wanted = self.model.surplus if surplus is None else surplus
        flow = network(self.network, self.engine, self.plain, nothing, cost, surplus=wanted)
        assert flow.allocation is not None
        return flow.allocation


def _none(model: Model, scale: int) -> Multipliers:
    n, m, _, _ = model.shape
    lot, line, row = (np.zeros(size, dtype=np.int64) for size in (n, m, model.limit.size))
    return Multipliers(scale, lot, line, row)


def _scaled(model: Model, scale: int, lot: Integers, line: Integers, worth: int = 0) -> Multipliers:
    row = np.zeros(model.limit.size, dtype=np.int64)
    return Multipliers(scale, np.minimum(0, lot) * scale, np.minimum(0, line) * scale, row, worth)


def _put(prices: Multipliers, part: Part, own: Multipliers) -> None:
    prices.lot[part.lots], prices.line[part.lines], prices.row[part.rows] = own.lot, own.line, own.row
