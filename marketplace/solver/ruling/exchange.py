r"""
Local search over contracts: two lots exchange what they send to two lines, by cycles of four arcs [1]_, until none helps.

For a plan and an arc :math:`(i, j)`, some of what :math:`i` sends to :math:`j'` goes to :math:`j`, and as much of what
:math:`i'` sends to :math:`j` goes to :math:`j'`. What a lot keeps is sent to a line that is none, and the room that a line
has left is filled by a lot that is none, so that a shift into room, one lot in another's place and what moves beyond are such exchanges
too. The quantity is the most, or the most that leaves a contract its least. No plan of the same contracts is cheaper
than that of the network; these are the steps that change contracts.

References
----------
.. [1] R. K. Ahuja, O. Ergun, J. B. Orlin and A. P. Punnen (2002), A survey of very large-scale neighborhood search
   techniques, :doi:`10.1016/S0166-218X(01)00338-9`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from marketplace.solver.problem import Flags, Integers
from marketplace.solver.ruling.linear import Reals
from marketplace.solver.ruling.reduction import Model

ROUNDS: Final = 60
"""After so many rounds no more is exchanged; each looks at what was changed or not looked at yet."""

MOST_EXCHANGES: Final = 400_000
"""Exchanges that a round looks at at most, a few hundred bytes each; the next round goes on where it ended."""

MOST_TABLE: Final = 2**24
"""Lots times lines up to which the arc between two is looked up in a table; beyond, it is searched for."""


def can_exchange(model: Model) -> bool:
    """Return whether each contract is about one arc at most, and neither rows nor storage join arcs."""
    arcs = np.bincount(model.contract[model.most > 0], minlength=1)
    return not model.limit.size and not model.tail.size and int(arcs.max()) == 1


@dataclass(frozen=True, eq=False)
class Exchanges:
    """
    The best exchange for each four arcs: ``arcs`` (4, z), on the first and last ``quantity`` (z,) more, on the others less.

    ``moved`` (z,) loads are moved more, zero for `surplus`, and ``cost`` (z,) is by how much the cost changes, in floats.
    """

    arcs: Integers
    quantity: Integers
    moved: Integers
    cost: Reals

    def only(self, at: Integers) -> Exchanges:
        """Return some of them in this order."""
        return Exchanges(self.arcs[:, at], self.quantity[at], self.moved[at], self.cost[at])

    def helping(self) -> Exchanges:
        """Return those that make the plan better, the best first."""
        helps = np.flatnonzero((self.moved > 0) | ((self.moved == 0) & (self.cost < 0)))
        return self.only(helps[np.lexsort((self.cost[helps], -self.moved[helps]))])


class Search:
    """
    A plan with a line that is none, ``m``, which holds what lots keep, and a lot that is none, ``n``, which fills room.

    Arcs are, from 0, the ``e`` that may be used, then those from each lot to no line, from no lot to each line, and from none
    to none. ``loads`` (model arcs,) keep supply, room and the least of every contract, and so does what is searched.
    """

    def __init__(self, model: Model, loads: Integers) -> None:
        self.model, self.before = model, loads
        n, m, _, _ = model.shape
        self.n, self.m = n, m
        self.use = np.flatnonzero(model.most > 0)
        self.e = self.use.size
        contract = model.contract[self.use]
        none = np.zeros(n + m + 1, dtype=np.int64)
        self.lot = np.concatenate([model.lot[self.use], np.arange(n), np.full(m + 1, n)])
        self.line = np.concatenate([model.line[self.use], np.full(n, m), np.arange(m + 1)])
        self.x = np.zeros(self.lot.size, dtype=np.int64)
        self.cost = np.concatenate([model.cost[self.use], none])
        self.least = np.concatenate([model.least[contract], none])
        self.fee = np.concatenate([np.where(model.due[contract], 0, model.fee[contract]), none])
        self.real = (np.arange(self.lot.size) < self.e).astype(np.int64)
        key = self.lot * (m + 1) + self.line
        self.by_key = np.argsort(key)
        self.key = key[self.by_key]
        self.table: npt.NDArray[np.int32] | None = None
        if (n + 1) * (m + 1) <= MOST_TABLE:
            self.table = np.full((n + 1) * (m + 1), -1, dtype=np.int32)
            self.table[key] = np.arange(key.size)
        self.shut = np.zeros(self.lot.size, dtype=np.bool_)
        self.pending = np.ones(self.e, dtype=np.bool_)
        self.put(loads[self.use])

    def put(self, loads: Integers) -> None:
        """Take these loads of the arcs that may be used, (e,), for the plan, and what they leave on both sides."""
        self.x[: self.e] = loads
        left, room = self.model.left(self.loads())
        self.x[self.e :] = np.concatenate([left, room, [int(self.model.supply.sum() + self.model.capacity.sum())]])

    def loads(self) -> Integers:
        """Return the loads of the model's arcs, (model arcs,)."""
        found = self.before.copy()
        found[self.use] = self.x[: self.e]
        return found

    def settle(self, rounds: int = ROUNDS) -> None:
        """Exchange until nothing helps any more, or for so many rounds."""
        at = 0
        for _ in range(rounds):
            asked = np.flatnonzero(self.pending)
            if not asked.size:
                break
            asked = self.some(np.roll(asked, -int(np.searchsorted(asked, at))))
            self.pending[asked] = False
            at = int(asked[-1]) + 1
            self.make(self.along(asked, helping=True).helping())

    def some(self, asked: Integers) -> Integers:
        """Return the first of some arcs, as many as have no more than `MOST_EXCHANGES` exchanges, and at least one if there is any."""
        loaded = np.flatnonzero(self.x > 0)
        lots = np.bincount(self.lot[loaded], minlength=self.n + 1)
        lines = np.bincount(self.line[loaded], minlength=self.m + 1)
        total = np.cumsum(lots[self.lot[asked]] * lines[self.line[asked]])
        return asked[: max(1, int(np.searchsorted(total, MOST_EXCHANGES, side="right")))]

    def along(self, asked: Integers, *, helping: bool = False) -> Exchanges:
        """Return the best exchange for each four arcs of which the first is among ``asked``, and that fits; moving no less."""
        into, out, from_, back = four = self._fours(asked, helping)
        quantity = np.zeros(into.size, dtype=np.int64)
        more, cost = np.full(into.size, -1), np.zeros(into.size)
        for keep_out, keep_from in ((False, False), (False, True), (True, False), (True, True)):
            q = np.minimum(
                self.x[out] - (self.least[out] if keep_out else 0),
                self.x[from_] - (self.least[from_] if keep_from else 0),
            )
            fits = (q > 0) & self._fits(into, q) & self._fits(out, -q) & self._fits(from_, -q) & self._fits(back, q)
            moved, price = self._change(into, out, from_, back, q)
            better = fits & ((moved > more) | ((moved == more) & (price < cost)))
            quantity, more, cost = (
                np.where(better, one, other) for one, other in ((q, quantity), (moved, more), (price, cost))
            )
        return Exchanges(np.stack(four), quantity, more, cost).only(np.flatnonzero(quantity))

    def make(self, found: Exchanges) -> None:
        """Make exchanges in order, but none at a lot or line where one was made, or that brings nothing when counted exactly."""
        touched = np.zeros(self.n + self.m, dtype=np.bool_)
        ends = self.ends(found).T.tolist()
        for four, q, nodes in zip(found.arcs.T.tolist(), found.quantity.tolist(), ends, strict=True):
            own = [node for node in nodes if node >= 0]
            if touched[own].any() or not self._brings(four, q):
                continue
            self.exchange(four, q)
            touched[own] = True
        self.changed(touched)

    def ends(self, found: Exchanges) -> Integers:
        """Return the two lots and the two lines, numbered from ``n``, of each exchange, (4, z); -1 for those that are none."""
        into, out, from_, _ = found.arcs
        lots, lines = self.lot[np.stack([into, from_])], self.line[np.stack([into, out])]
        return np.concatenate([np.where(lots < self.n, lots, -1), np.where(lines < self.m, lines + self.n, -1)])

    def exchange(self, four: list[int], q: int) -> None:
        """Move ``q`` loads from the two middle arcs to the two others."""
        into, out, from_, back = four
        self.x[[into, back]] += q
        self.x[[out, from_]] -= q

    def changed(self, touched: Flags) -> None:
        """Look again at these lots and lines, (n + m,), and at all that trade with them."""
        own, others = np.append(touched[: self.n], False), np.append(touched[self.n :], False)
        loaded = np.flatnonzero((self.x > 0) & (self.real > 0))
        lots, lines = own.copy(), others.copy()
        lots[self.lot[loaded[others[self.line[loaded]]]]] = True
        lines[self.line[loaded[own[self.lot[loaded]]]]] = True
        self.pending |= lots[self.lot[: self.e]] | lines[self.line[: self.e]]

    def _fours(self, asked: Integers, helping: bool) -> tuple[Integers, Integers, Integers, Integers]:
        """Return the arcs of each exchange: one of ``asked``, one that its lot uses, one that its line uses, and that which closes it."""
        loaded = np.flatnonzero(self.x > 0)
        by_lot = loaded[np.argsort(self.lot[loaded], kind="stable")]
        by_line = loaded[np.argsort(self.line[loaded], kind="stable")]
        lot_begin = np.searchsorted(self.lot[by_lot], np.arange(self.n + 2))
        line_begin = np.searchsorted(self.line[by_line], np.arange(self.m + 2))
        asked = asked[~self.shut[asked]]
        at_lot, at_line = np.diff(lot_begin)[self.lot[asked]], np.diff(line_begin)[self.line[asked]]
        total = at_lot * at_line
        into, wide = np.repeat(asked, total), np.repeat(at_line, total)
        place = np.arange(into.size) - np.repeat(np.cumsum(total) - total, total)
        out = by_lot[lot_begin[self.lot[into]] + place // np.maximum(1, wide)]
        from_ = by_line[line_begin[self.line[into]] + place % np.maximum(1, wide)]
        back = self._between(self.lot[from_], self.line[out])
        found = np.flatnonzero((back >= 0) & (out != into) & (from_ != into))
        into, out, from_, back = into[found], out[found], from_[found], back[found]
        found = np.flatnonzero(~self.shut[back] & self._may(into, out, from_, back, helping))
        return into[found], out[found], from_[found], back[found]

    def _between(self, lots: Integers, lines: Integers) -> Integers:
        """Return the arc from each of some lots to each of some lines, -1 where there is none."""
        wanted = lots * (self.m + 1) + lines
        if self.table is not None:
            found: Integers = self.table[wanted].astype(np.int64)
            return found
        at = np.minimum(np.searchsorted(self.key, wanted), self.key.size - 1)
        return np.where(self.key[at] == wanted, self.by_key[at], -1)

    def _may(self, into: Integers, out: Integers, from_: Integers, back: Integers, helping: bool) -> Flags:
        """Return which exchanges move no less; if they are to be ``helping``, also which might save or move more at all."""
        moved = self.real[into] + self.real[back] - self.real[out] - self.real[from_]
        may: Flags = (moved >= 0) | self.model.surplus
        if helping:
            rate = self.cost[into] + self.cost[back] - self.cost[out] - self.cost[from_]
            most = np.minimum(self.x[out], self.x[from_]).astype(float) * self.model.load
            fees = np.where(self.x[into] == 0, self.fee[into], 0) + np.where(self.x[back] == 0, self.fee[back], 0)
            least = most * np.minimum(rate, 0) + fees - self.fee[out] - self.fee[from_]
            may &= (least < 0) | ((moved > 0) & (not self.model.surplus))
        return may

    def _fits(self, arcs: Integers, more: Integers) -> Flags:
        then = self.x[arcs] + more
        fits: Flags = (then == 0) | (then >= self.least[arcs])
        return fits

    def _change(
        self, into: Integers, out: Integers, from_: Integers, back: Integers, q: Integers
    ) -> tuple[Integers, Reals]:
        x, fee, real = self.x, self.fee, self.real
        rate = self.cost[into] + self.cost[back] - self.cost[out] - self.cost[from_]
        fees = np.where(x[into] == 0, fee[into], 0) + np.where(x[back] == 0, fee[back], 0)
        fees -= np.where(x[out] == q, fee[out], 0) + np.where(x[from_] == q, fee[from_], 0)
        moved = q * (real[into] + real[back] - real[out] - real[from_])
        price = q.astype(float) * rate * self.model.load + fees
        return np.where(self.model.surplus, 0, moved), price

    def _brings(self, four: list[int], q: int) -> bool:
        """Return whether an exchange makes the plan better, in whole numbers."""
        into, out, from_, back = four
        rate = sum(int(self.cost[arc]) for arc in (into, back)) - sum(int(self.cost[arc]) for arc in (out, from_))
        fees = sum(int(self.fee[arc]) for arc in (into, back) if not self.x[arc])
        fees -= sum(int(self.fee[arc]) for arc in (out, from_) if self.x[arc] == q)
        moved = int(self.real[into] + self.real[back] - self.real[out] - self.real[from_])
        price = q * rate * self.model.load + fees
        return price < 0 if self.model.surplus or moved == 0 else moved > 0
