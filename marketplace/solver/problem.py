"""A transportation problem in whole numbers, and its answer: arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

MOST_KG: Final = 2**53 - 1
"""Kilograms in all, on either side: up to here a double holds every whole number, so that none is lost on the way."""

MOST_COST: Final = 10**9
"""Cost units per tonne, either sign: a path over a million arcs still adds up in 64 bits."""


class SolverFailed(Exception):
    """An engine has no answer that it can stand by; the message says why."""


@dataclass(frozen=True, eq=False)
class Problem:
    """
    Lots, lines, and the arcs along which kilograms may move.

    ``supply`` (n,) kg of each lot; ``capacity`` (m,) kg of each line; ``lot`` and ``line`` (e,) the two ends of each
    arc, sorted by (lot, line), each pair once; ``cost`` (e,) in one whole unit per tonne, of either sign: fen per
    tonne in a round, meters of road in a plan from files. All int64. The order of lots and of lines is the order in
    which ties are broken, so whoever builds a problem sorts both by what shall come first.
    """

    supply: Integers
    capacity: Integers
    lot: Integers
    line: Integers
    cost: Integers

    @classmethod
    def of(
        cls,
        *,
        supply: npt.ArrayLike,
        capacity: npt.ArrayLike,
        lot: npt.ArrayLike,
        line: npt.ArrayLike,
        cost: npt.ArrayLike,
    ) -> Problem:
        """Return a problem of read-only arrays; raises ValueError if it is none."""
        problem = cls(
            supply=_whole("supply", supply),
            capacity=_whole("capacity", capacity),
            lot=_whole("lot", lot),
            line=_whole("line", line),
            cost=_whole("cost", cost),
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
        if not e:
            return
        if self.lot.min() < 0 or self.lot.max() >= n or self.line.min() < 0 or self.line.max() >= m:
            raise ValueError("an arc begins at no lot or ends at no line")
        step, across = np.diff(self.lot), np.diff(self.line)
        if not np.all((step > 0) | ((step == 0) & (across > 0))):
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
    room changes, see `marketplace.solver.prices`; a baseline that proves nothing returns zeros.

    ``short_lots`` (n,) and ``short_lines`` (m,): the source side of the minimum cut, that is what is reachable from
    supply left over. Those lots have more than those lines can take, and all of those lines are full: the shortage
    region. A lot that is not short is shipped whole; a line that is not short takes nothing that could go elsewhere.
    """

    kg: Integers
    lot_price: Integers
    line_price: Integers
    short_lots: Flags
    short_lines: Flags


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
