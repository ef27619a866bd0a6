r"""
What no plan that keeps the rules can beat: bounds by weak duality, in whole numbers, whatever the multipliers are.

Lots, lines and rows are relaxed [1]_; what is left decides each contract for itself,

.. math:: L(u, v, w) = \sum_i a_i u_i + \sum_j b_j v_j + \sum_r l_r w_r
          + \sum_k \min\Bigl(0,\ f_k + \sum_{e \in k} \min(0,\ \bar c_e)\,\bar x_e\Bigr), \qquad
          \bar c_e = c_e - u_i - v_j - \sum_r w_r q_{re},

for :math:`u, v, w \le 0`, where :math:`\bar x_e` is the most an arc can carry. Any multipliers bound from below; those
of the linear relaxation are the best of all, since what is left is whole by itself [1]_.

References
----------
.. [1] A. M. Geoffrion (1974), Lagrangean relaxation for integer programming, :doi:`10.1007/BFb0120690`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from marketplace.solver.graph import sums
from marketplace.solver.problem import MOST_COST, Integers
from marketplace.solver.ruling.packing import can_pack, items_at, packed
from marketplace.solver.ruling.reduction import Model

SCALE: Final = 2**30
"""By how much floats are multiplied before they are rounded to multipliers."""

ASCENTS: Final = 7
"""How often the multipliers of lots are moved."""

MOST_ARCS: Final = 100_000
"""Arcs up to which they are."""

_WIDE: Final = 2**61


@dataclass(frozen=True, eq=False)
class Multipliers:
    """
    Prices in ``scale``-ths that bound a model, none above zero: ``lot`` (n,), ``line`` (m,), ``row`` (r,).

    ``worth`` is the price of a load moved, in whole cost units per tonne, taken off the cost of every arc. At the lines
    ``packed``, ascending, the bound on the cost takes no price of room but what whole contracts can fill, see `packing`.
    """

    scale: int
    lot: Integers
    line: Integers
    row: Integers
    worth: int = 0
    packed: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def rounded(lot: npt.ArrayLike, line: npt.ArrayLike, row: npt.ArrayLike, worth: int = 0) -> Multipliers:
    """Return the multipliers next to prices in floats."""
    return Multipliers(SCALE, _near(lot), _near(line), _near(row), worth)


def _near(prices: npt.ArrayLike) -> Integers:
    near = np.rint(np.minimum(0.0, np.asarray(prices, dtype=float)) * SCALE)
    if near.min(initial=0) < -_WIDE:
        return np.array([int(price) for price in near.tolist()], dtype=object)
    whole: Integers = near.astype(np.int64)
    return whole


def most_loads(model: Model, prices: Multipliers) -> int:
    """Return how many loads at most any plan moves."""
    none = np.zeros(model.least.size, dtype=np.int64)
    least = _least(model, np.full(model.lot.size, -1), np.zeros(model.tail.size, dtype=np.int64), none, prices)
    return -least // prices.scale


def least_cost(model: Model, prices: Multipliers, moved: int) -> int:
    """Return what any plan that moves so many loads costs at least, in thousandths; for `surplus` any plan at all."""
    least = _least(model, model.cost - prices.worth, model.keep_cost, model.fee, prices, model.load)
    least += sum(_packing(model, prices, prices.packed)[0].values())
    return -(-least // prices.scale) + prices.worth * moved * model.load


def ascended(model: Model, prices: Multipliers, moved: int, cost: int) -> Multipliers:
    """
    Return multipliers with lines packed that bound the cost no lower, those of lots moved by subgradients a few times.

    A lot of which packed lines take more than it has becomes dearer, one of which they take less cheaper; the step is Polyak's,
    towards the ``cost`` of a known plan. Only where there are fees, and only if every line can be packed.
    """
    can = np.flatnonzero(can_pack(model))
    lines = np.unique(model.line[model.most > 0]).size
    if not model.fee.any() or model.lot.size > MOST_ARCS or model.limit.size or model.tail.size or can.size < lines:
        return prices
    best, value, now = prices, least_cost(model, prices, moved), prices
    for _ in range(ASCENTS):
        gained, taken = _packing(model, now, can)
        more = np.array([j for j, gain in gained.items() if gain > 0], dtype=np.int64)
        at = least_cost(model, now, moved) + sum(max(0, gain) for gain in gained.values()) // now.scale
        if at > value:
            best, value = replace(now, packed=more), at
        slope = model.supply - sums(model.lot, taken, model.supply.size)
        length = _dot(slope, slope) * model.load
        if cost <= at or not length:
            break
        lot = now.lot + np.rint(0.5 * ((cost - at) / length) * now.scale * slope).astype(np.int64)
        now = replace(now, lot=np.minimum(0, lot))
    return best


def _packing(model: Model, prices: Multipliers, lines: Integers) -> tuple[dict[int, int], Integers]:
    """Return by how much the bound is higher, in ``scale``-ths, for each line packed instead of priced, and the loads, (e,)."""
    gained, loads = dict[int, int](), np.zeros(model.lot.size, dtype=np.int64)
    if not lines.size:
        return gained, loads
    loose = _reduced(model, model.cost - prices.worth, replace(prices, line=np.zeros_like(prices.line)))
    at = items_at(model, lines, loose, prices.scale)
    for j in lines.tolist():
        own, room, price = at.get(j, []), int(model.capacity[j]), int(prices.line[j])
        value, taken = packed([item for item, _ in own], room)
        loads[[arc for _, arc in own]] = taken
        if value is not None:
            priced = sum(min(0, item.full - price * item.most * model.load) for item, _ in own)
            gained[j] = value - priced - price * room * model.load
    return gained, loads


def _reduced(model: Model, cost: Integers, prices: Multipliers) -> Integers:
    """Return what each arc costs in ``scale``-ths beyond the prices of its ends and rows, (e,)."""
    kind = np.int64 if prices.scale == 1 else object  # whole prices are far from 64 bits, scaled ones may be beyond
    reduced = cost.astype(kind) * prices.scale - prices.lot.astype(kind)[model.lot]
    reduced -= prices.line.astype(kind)[model.line]
    if model.row.size:
        np.subtract.at(reduced, model.arc, model.weight.astype(kind) * prices.row.astype(kind)[model.row])
    whole: Integers = reduced
    return whole


def _least(model: Model, cost: Integers, keep_cost: Integers, fee: Integers, prices: Multipliers, load: int = 1) -> int:
    """Return the bound in ``scale``-ths, costs taken ``load`` times and fees once, every line priced."""
    n = model.supply.size
    reduced = _reduced(model, cost, prices)
    gain = np.flatnonzero((reduced < 0) & (model.most > 0))
    of_contract: dict[int, int] = {}
    for k, price, most in zip(
        model.contract[gain].tolist(), reduced[gain].tolist(), model.most[gain].tolist(), strict=True
    ):
        of_contract[k] = of_contract.get(k, 0) + int(price) * most
    contracts = 0
    for k, saved in of_contract.items():
        own = 0 if model.due[k] else int(fee[k]) * prices.scale
        contracts += min(0, own + load * saved)
    nodes = np.concatenate([prices.lot, prices.line])
    sign = np.where(model.tail < n, 1, -1)
    stored = 0
    for at in range(model.tail.size):
        tail, head = int(nodes[model.tail[at]]), int(nodes[model.head[at]])
        price = int(keep_cost[at]) * prices.scale - int(sign[at]) * (tail - head)
        stored += min(0, price) * int(model.keep[at])
    sides = _dot(model.supply, prices.lot) + _dot(model.capacity, prices.line) + _dot(model.limit, prices.row)
    return contracts + load * (stored + sides)


def _dot(one: Integers, other: Integers) -> int:
    used = np.flatnonzero(other)
    return sum(a * b for a, b in zip(one[used].tolist(), other[used].tolist(), strict=True))


def shares(model: Model) -> Integers:
    """Return the cost with the fee spread over the most its contract could carry, rounded down: (e,) per tonne, `MOST_COST` at most."""
    if not model.fee.any():
        return model.cost
    could = np.maximum(1, sums(model.contract, model.most, model.least.size)) * model.load
    share = np.where(model.due, 0, model.fee // could)
    return np.minimum(MOST_COST, model.cost + share[model.contract])
