"""A transportation problem in whole numbers, and its answer: arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

Objective: TypeAlias = Literal["utilization", "surplus"]
"""``utilization``: the most kilograms, then the least cost. ``surplus``: the least cost, whatever moves."""

MOST_KG: Final = 2**53 - 1
"""Kilograms in all, on either side: up to here a double holds every whole number, so that none is lost on the way."""

MOST_COST: Final = 10**9
"""Cost units per tonne, either sign: a path over a million arcs still adds up in 64 bits."""


class SolverFailed(Exception):
    """An engine has no answer that it can stand by; the message says why."""


class Ended(SolverFailed):
    """The whole run is over. A search that tries one choice after another must not take it for a choice without a plan."""


class Cancelled(Ended):
    """Whoever waits for the answer wants it no more."""


@dataclass(frozen=True, eq=False)
class Carry:
    """
    Storage: kilograms that wait at a lot or a line for a later month.

    ``tail`` and ``head`` (k,) are node numbers, lots from 0 and lines from n, both lots or both lines, sorted by (tail,
    head), each once, and leading round in no circle; ``most_kg`` (k,) the room to store; ``cost`` (k,) per tonne, zero or more. All int64.
    """

    tail: Integers
    head: Integers
    most_kg: Integers
    cost: Integers

    @classmethod
    def none(cls) -> Carry:
        """Return no storage."""
        return cls.of(tail=(), head=(), most_kg=(), cost=())

    @classmethod
    def of(cls, *, tail: npt.ArrayLike, head: npt.ArrayLike, most_kg: npt.ArrayLike, cost: npt.ArrayLike) -> Carry:
        """Return storage of read-only arrays; raises ValueError if it is none, `Problem.of` asks the rest."""
        return cls(
            tail=_whole("tail", tail),
            head=_whole("head", head),
            most_kg=_whole("most_kg", most_kg),
            cost=_whole("cost", cost),
        )

    def check(self, n: int, m: int) -> None:
        """Raise ValueError unless this is storage between ``n`` lots or between ``m`` lines."""
        k = self.tail.size
        if self.head.size != k or self.most_kg.size != k or self.cost.size != k:
            raise ValueError("tail, head, most_kg and cost have one entry for each place of storage")
        if not k:
            return
        if min(self.tail.min(), self.head.min()) < 0 or max(self.tail.max(), self.head.max()) >= n + m:
            raise ValueError("storage begins or ends at no node")
        if np.any((self.tail < n) != (self.head < n)) or np.any(self.tail >= self.head):
            raise ValueError("storage leads from a lot to a later lot, or from a line to a later line")
        if not np.all((np.diff(self.tail) > 0) | ((np.diff(self.tail) == 0) & (np.diff(self.head) > 0))):
            raise ValueError("storage is sorted by tail, then head, and each stands once")
        if self.most_kg.min() < 0 or self.most_kg.max() > MOST_KG or self.cost.min() < 0 or self.cost.max() > MOST_COST:
            raise ValueError("room to store and its cost are zero or more, and within the limits of a problem")


@dataclass(frozen=True, eq=False)
class Problem:
    """
    Lots, lines, and the arcs along which kilograms may move.

    ``supply`` (n,) kg of each lot; ``capacity`` (m,) kg of each line; ``lot`` and ``line`` (e,) the two ends of each
    arc, sorted by (lot, line), each pair once; ``cost`` (e,) in one whole unit per tonne, of either sign: fen per
    tonne in a round, meters of road in a plan from files. All int64. The order of lots and of lines is the order in
    which ties are broken, so whoever builds a problem sorts both by what shall come first.

    ``contract`` (e,) which contract each arc is of, numbers from zero, where one contract is about several arcs, as of the same
    two over several months; without it each arc is one. Of plans of equal tonnes and cost one with fewer contracts is
    meant, unless ``fewest`` is false: whoever only weighs plans against each other need not look for it.
    """

    supply: Integers
    capacity: Integers
    lot: Integers
    line: Integers
    cost: Integers
    objective: Objective = "utilization"
    carry: Carry = field(default_factory=Carry.none)
    contract: Integers | None = None
    fewest: bool = True

    @classmethod
    def of(
        cls,
        *,
        supply: npt.ArrayLike,
        capacity: npt.ArrayLike,
        lot: npt.ArrayLike,
        line: npt.ArrayLike,
        cost: npt.ArrayLike,
        objective: Objective = "utilization",
        carry: Carry | None = None,
        contract: npt.ArrayLike | None = None,
        fewest: bool = True,
    ) -> Problem:
        """Return a problem of read-only arrays; raises ValueError if it is none."""
        problem = cls(
            supply=_whole("supply", supply),
            capacity=_whole("capacity", capacity),
            lot=_whole("lot", lot),
            line=_whole("line", line),
            cost=_whole("cost", cost),
            objective=objective,
            carry=Carry.none() if carry is None else carry,
            contract=None if contract is None else _whole("contract", contract),
            fewest=fewest,
        )
        problem._check()
        return problem

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many lots, lines and arcs: (n, m, e)."""
        return self.supply.size, self.capacity.size, self.lot.size

    def _check(self) -> None:
        n, m, e = self.shape
        if self.line.size != e or self.cost.size != e:
            raise ValueError("lot, line and cost have one entry for each arc")
        for name, mass in (("supply", self.supply), ("capacity", self.capacity)):
            if mass.size and mass.min() < 0:
                raise ValueError(f"{name} is less than zero")
            if sum(mass.tolist()) > MOST_KG:
                raise ValueError(f"{name} adds up to more than {MOST_KG} kg")
        if self.objective not in ("utilization", "surplus"):
            raise ValueError(f"there is no objective {self.objective}")
        self.carry.check(n, m)
        if self.contract is not None and (self.contract.size != e or self.contract.min(initial=0) < 0):
            raise ValueError("contract has one number from zero for each arc")
        if not e:
            return
        if self.lot.min() < 0 or self.lot.max() >= n or self.line.min() < 0 or self.line.max() >= m:
            raise ValueError("an arc begins at no lot or ends at no line")
        if not np.all(np.diff(self.lot * m + self.line) > 0):
            raise ValueError("arcs are sorted by lot, then line, and each pair stands once")
        if self.cost.min() < -MOST_COST or self.cost.max() > MOST_COST:
            raise ValueError(f"a cost is beyond {MOST_COST} per tonne")


@dataclass(frozen=True, eq=False)
class Allocation:
    r"""
    What an engine answers.

    ``kg`` (e,): whole kilograms along each arc.

    ``lot_price`` :math:`u` (n,) and ``line_price`` :math:`v` (m,), cost units per tonne: by how much the least cost
    changes with one more tonne of supply, or of room, when always the most possible is moved. On every arc that a
    greatest plan may use, :math:`u_i + v_j \le c_{ij}`, with equality where something moves, and
    :math:`\sum_i a_i u_i + \sum_j b_j v_j = \sum_{ij} c_{ij} x_{ij}`. A price is never above zero for a lot that is
    short of room and for a line that is not short, and zero if that lot or line is not exhausted: more of it
    could only save. For the other lots and lines one more tonne is also one more tonne *moved*, and its price is what
    that costs. Of several such prices the engines return those in which ``line_price`` is exactly what one more tonne of
    room changes, see `marketplace.solver.answer.prices`; a baseline that proves nothing returns zeros.

    ``short_lots`` (n,) and ``short_lines`` (m,): the source side of the minimum cut, that is what is reachable from
    supply left over. Those lots have more than those lines can take, and all of those lines are full: the shortage
    region. A lot that is not short is shipped whole; a line that is not short takes nothing that could go elsewhere.

    Where the objective is ``surplus`` nothing has to be exhausted: every lot counts as short and no line does, so that no
    price is above zero, and minus a price is what one more tonne would gain.

    ``carried`` (k,): whole kilograms in each place of storage. What waits is bounded by its room, and a node may pass on what
    it has: a lot its supply and what came to it, a line what came to it.
    """

    kg: Integers
    lot_price: Integers
    line_price: Integers
    short_lots: Flags
    short_lines: Flags
    carried: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def weighted(kg: Integers, per_t: Integers) -> int:
    """Return the exact sum of kilograms times units per tonne, in thousandths of the unit; no overflow at any size."""
    used = np.flatnonzero(kg)
    return sum(mass * rate for mass, rate in zip(kg[used].tolist(), per_t[used].tolist(), strict=True))


def _whole(name: str, values: npt.ArrayLike) -> Integers:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} is not one-dimensional")
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{name} is not made of whole numbers")
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{name} is beyond 64 bits")
    whole = array.astype(np.int64)
    whole.flags.writeable = False
    return whole
