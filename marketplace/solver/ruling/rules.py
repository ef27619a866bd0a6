"""What a plan must keep beyond supply, room and arcs: contracts, truckloads, pins, and rows across arcs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from marketplace.solver.problem import MOST_COST, MOST_KG, Integers, Problem

MOST_WEIGHT: Final = 10**6
"""The greatest weight of an arc in a row, either sign."""


@dataclass(frozen=True, eq=False)
class Row:
    r"""One inequality :math:`\sum w_e x_e \le r` over arcs, in whole numbers: ``weight`` (z,) for each of ``arcs`` (z,)."""

    arcs: Integers
    weight: Integers
    most: int


def cap(arcs: npt.ArrayLike, most_kg: int) -> Row:
    """Return the row by which these arcs carry at most so much together: a buyer's cap, a filing, a permit of a year."""
    at = _whole("arcs", arcs)
    return Row(at, np.ones(at.size, dtype=np.int64), int(most_kg))


def reserve(others: npt.ArrayLike, offered_kg: int, reserved_kg: int) -> Row:
    """
    Return the row that keeps ``reserved_kg`` of what is offered for some: all ``others`` share what is not reserved.

    What those do not take stays unsold; a reserve that lapses is a plan made again without it.
    """
    return cap(others, max(0, int(offered_kg) - int(reserved_kg)))


def blend(arcs: npt.ArrayLike, value: npt.ArrayLike, limit: int) -> Row:
    r"""
    Return the row by which the mean of a property, weighted by kilograms, is at most ``limit``.

    ``value`` (z,) is the property along each arc and ``limit`` the most of it, both in the same whole fixed-point unit
    (a ten-thousandth of a percent, say): :math:`\sum_e (q_e - L)\,x_e \le 0`. For a least mean, negate both.
    """
    at = _whole("arcs", arcs)
    return Row(at, _whole("value", value) - int(limit), 0)


@dataclass(frozen=True, eq=False)
class Rules:
    r"""
    Rules on top of a `Problem` of ``e`` arcs; all whole numbers, int64.

    ``contract`` (e,) says which of ``k`` contracts an arc belongs to: a pair of lot and line has one over all its
    months. ``least_kg`` (k,): a contract is about nothing or at least that much over all its arcs. ``fee`` (k,) is what
    a contract costs once it carries anything, in whole units of the problem's cost (fen where costs are fen per tonne), at
    least zero. ``pinned_kg`` (e,) moves whatever else does: at least that much along the arc. A contract with
    something pinned stands already, so its least does not bind and its fee is due.

    ``truckload_kg``: arcs carry whole multiples of it, 1 for any mass. Pins are rounded up to it, and what is stored
    from month to month is stored by whole truckloads too.

    ``row``, ``arc``, ``weight`` (z,) and ``most`` (r,) are rows :math:`\sum_e w_{re} x_e \le \text{most}_r`, sorted by
    (row, arc), each pair once.
    """

    contract: Integers
    least_kg: Integers
    fee: Integers
    pinned_kg: Integers
    truckload_kg: int
    row: Integers
    arc: Integers
    weight: Integers
    most: Integers

    @classmethod
    def none(cls, problem: Problem) -> Rules:
        """Return no rules: each arc its own contract, of any mass, for nothing."""
        return cls.of(problem)

    @classmethod
    def of(
        cls,
        problem: Problem,
        *,
        contract: npt.ArrayLike | None = None,
        least_kg: npt.ArrayLike = 0,
        fee: npt.ArrayLike = 0,
        pinned_kg: npt.ArrayLike = 0,
        truckload_kg: int = 1,
        rows: Iterable[Row] = (),
    ) -> Rules:
        """Return checked rules; a single number stands for all contracts or arcs. Raises ValueError if they are none."""
        arcs = problem.lot.size
        of_arc = np.arange(arcs) if contract is None else _whole("contract", contract)
        if of_arc.size != arcs:
            raise ValueError("contract has one entry for each arc")
        held = int(of_arc.max()) + 1 if arcs else 0
        row, arc, weight, most = _sparse(list(rows))
        return cls(
            contract=_frozen(of_arc),
            least_kg=_spread("least_kg", least_kg, held),
            fee=_spread("fee", fee, held),
            pinned_kg=_spread("pinned_kg", pinned_kg, arcs),
            truckload_kg=int(truckload_kg),
            row=row,
            arc=arc,
            weight=weight,
            most=most,
        )

    def also(self, rows: Iterable[Row]) -> Rules:
        """Return these rules and further rows."""
        own = [
            Row(self.arc[self.row == at], self.weight[self.row == at], int(most)) for at, most in enumerate(self.most)
        ]
        row, arc, weight, most = _sparse([*own, *rows])
        return replace(self, row=row, arc=arc, weight=weight, most=most)

    def __post_init__(self) -> None:
        """Refuse what is no rule."""
        arcs = self.contract.size
        if self.contract.size and (self.contract.min() < 0 or self.contract.max() >= self.least_kg.size):
            raise ValueError("an arc belongs to no contract")
        for name, values, most in (
            ("least_kg", self.least_kg, MOST_KG),
            ("fee", self.fee, MOST_COST),
            ("pinned_kg", self.pinned_kg, MOST_KG),
        ):
            if values.size and (values.min() < 0 or values.max() > most):
                raise ValueError(f"{name} is below zero or beyond {most}")
        if not 1 <= self.truckload_kg <= MOST_KG:
            raise ValueError("a truckload is at least one kilogram")
        if self.arc.size and (self.arc.min() < 0 or self.arc.max() >= arcs):
            raise ValueError("a row is about an arc that is none")
        if np.any((np.diff(self.row) == 0) & (np.diff(self.arc) <= 0)):
            raise ValueError("an arc stands twice in a row")
        if self.weight.size and np.abs(self.weight).max() > MOST_WEIGHT:
            raise ValueError(f"a weight is beyond {MOST_WEIGHT}")


def _sparse(rows: list[Row]) -> tuple[Integers, Integers, Integers, Integers]:
    at = [np.full(row.arcs.size, place) for place, row in enumerate(rows)]
    arc, weight = [row.arcs for row in rows], [row.weight for row in rows]
    for row in rows:
        if row.arcs.size != row.weight.size:
            raise ValueError("a row has one weight for each arc")
    none = np.zeros(0, dtype=np.int64)
    joined = [np.concatenate([none, *arrays]).astype(np.int64) for arrays in (at, arc, weight)]
    order = np.lexsort((joined[1], joined[0]))
    most = _whole("most", np.array([row.most for row in rows], dtype=np.int64))
    of_row, of_arc, of_weight = (_frozen(array[order]) for array in joined)
    return of_row, of_arc, of_weight, most


def _spread(name: str, values: npt.ArrayLike, size: int) -> Integers:
    array = np.asarray(values)
    if array.ndim == 0:
        array = np.full(size, int(array), dtype=np.int64)
    if array.size != size:
        raise ValueError(f"{name} has {array.size} entries, not {size}")
    return _whole(name, array)


def _whole(name: str, values: npt.ArrayLike) -> Integers:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} is not one-dimensional")
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{name} is not made of whole numbers")
    return _frozen(array)


def _frozen(values: npt.NDArray[np.generic]) -> Integers:
    whole = values.astype(np.int64)
    whole.flags.writeable = False
    return whole
