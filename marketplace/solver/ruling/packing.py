r"""
What a line can take of whole contracts, exactly: where lots are relaxed and lines are not, the bound knows of least lots.

With multipliers of the lots alone, each line is a problem of its own, a knapsack in which a contract of
:math:`x \in \{0\} \cup [\ell, \bar x]` costs its fee at once,

.. math:: K_j = \min \Bigl\{ \sum_k f_k y_k + \bar c_k x_k : \ \ell_k y_k \le x_k \le \bar x_k y_k,\ \sum_k x_k \le b_j,\
          y_k \in \{0, 1\} \Bigr\},

never below what the line's multiplier says, which is its linear relaxation [1]_. In that, one contract at most is taken in part:
branch and bound asks for that one, with it and without, until none is.

References
----------
.. [1] A. M. Geoffrion (1974), Lagrangean relaxation for integer programming, :doi:`10.1007/BFb0120690`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from marketplace.solver.problem import Flags, Integers
from marketplace.solver.ruling.reduction import Model

NODES: Final = 150
"""Nodes after which a line is given up, and its multiplier taken instead."""

_FINE: Final = 80
"""Bits after the point of a rate: two rates of contracts below a billion tonnes never look the same unless they are."""


class Item(NamedTuple):
    """A contract that a line could take: ``rate`` per load, its ``fee``, its ``least`` and its ``most`` loads."""

    rate: int
    fee: int
    least: int
    most: int

    @property
    def full(self) -> int:
        """What it costs if all of it is taken."""
        return self.rate * self.most + self.fee


def can_pack(model: Model) -> Flags:
    """Return the lines, (m,), at which every contract is about one arc, and nothing is stored."""
    n, m, _, k = model.shape
    used = np.flatnonzero(model.most > 0)
    several = np.bincount(model.contract[used], minlength=k) > 1
    can = np.zeros(m, dtype=np.bool_)
    can[model.line[used]] = True
    can[model.line[used[several[model.contract[used]]]]] = False
    ends = np.concatenate([model.tail, model.head])
    can[ends[ends >= n] - n] = False
    return can


def items_at(model: Model, lines: Integers, reduced: Integers, scale: int) -> dict[int, list[tuple[Item, int]]]:
    """Return of some of these lines what would pay at ``reduced`` (e,) costs, in ``scale``-ths, by line, and its arc."""
    wanted = np.zeros(model.capacity.size, dtype=np.bool_)
    wanted[lines] = True
    arcs = np.flatnonzero(wanted[model.line] & (model.most > 0) & (reduced < 0))
    found: dict[int, list[tuple[Item, int]]] = {}
    for arc, j, price, k, most in zip(
        arcs.tolist(),
        model.line[arcs].tolist(),
        reduced[arcs].tolist(),
        model.contract[arcs].tolist(),
        model.most[arcs].tolist(),
        strict=True,
    ):
        fee = 0 if model.due[k] else int(model.fee[k]) * scale
        item = Item(int(price) * model.load, fee, int(model.least[k]), most)
        if item.full < 0:
            found.setdefault(j, []).append((item, arc))
    return found


def packed(items: list[Item], room: int, *, nodes: int = NODES) -> tuple[int | None, list[int]]:
    """Return the least that contracts within the room of a line cost, and their loads; None beyond so many nodes, and the best found."""
    if sum(item.most for item in items) <= room:
        return sum(item.full for item in items), [item.most for item in items]
    rates = [(item.full << _FINE) // item.most for item in items]
    best, loads, looked, stack = 0, [0] * len(items), 0, [tuple([0] * len(items))]
    while stack:
        looked += 1
        if looked > nodes:
            return None, loads
        state = stack.pop()
        value, part, now = _relaxed(items, rates, state, room)
        if value >= best:
            continue
        if part is None:
            best, loads = value, now
        else:
            stack += [(*state[:part], taken, *state[part + 1 :]) for taken in (-1, 1)]
    return best, loads


def _relaxed(
    items: list[Item], rates: list[int], state: tuple[int, ...], room: int
) -> tuple[int, int | None, list[int]]:
    """
    Return the least cost, in whole numbers, where what is undecided may be taken in part, which item is, and the loads.

    ``state`` says of each item 1: it is taken, -1: it is not, 0: undecided. The cost is 0 if what is taken does not fit.
    """
    left, value, pieces, loads = room, 0, [], [0] * len(items)
    for at, (taken, item, rate) in enumerate(zip(state, items, rates, strict=True)):
        if taken > 0:
            left -= item.least
            value += item.fee + item.rate * item.least
            loads[at] = item.least
            pieces.append((item.rate << _FINE, at, item.most - item.least))
        elif not taken:
            pieces.append((rate, at, item.most))
    if left < 0:
        return 0, None, loads
    for _, at, most in sorted(pieces):
        own = min(most, left)
        left -= own
        loads[at] += own
        if state[at] > 0:
            value += items[at].rate * own
        elif own == most:
            value += items[at].full
        elif own:
            return value - -items[at].full * own // items[at].most, at, loads
    return value, None, loads
