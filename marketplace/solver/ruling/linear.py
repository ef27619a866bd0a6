"""The relaxation as a linear program of HiGHS: where rows or storage are in the way of a plain network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack

from marketplace.solver.problem import Flags, Integers, SolverFailed
from marketplace.solver.ruling.reduction import Model

Reals = npt.NDArray[np.float64]

_WAYS: Final[tuple[tuple[str, dict[str, object]], ...]] = (
    ("highs-ds", {}),
    ("highs-ipm", {}),
    ("highs-ds", {"presolve": False}),
)


@dataclass(frozen=True, eq=False)
class Point:
    """
    A vertex of the relaxation and its prices, in floats.

    ``loads`` (e,) and ``kept`` (s,); ``lot`` (n,), ``line`` (m,) and ``row`` (r,), none above zero, are by how much the
    objective changes with one more of each; ``worth`` by how much with one more load to be moved.
    """

    loads: Reals
    kept: Reals
    lot: Reals
    line: Reals
    row: Reals
    worth: float
    value: float


class Linear:
    """The linear programs over one model: the same matrix under several objectives and bounds."""

    def __init__(self, model: Model) -> None:
        self.model = model
        mass = np.concatenate([model.supply, model.capacity])
        # HiGHS holds a row for met within 1e-7: masses near 2^20 are exact there, and a power of two takes no digit away.
        self.unit = 2.0 ** max(0, int(np.abs(mass).max(initial=0)).bit_length() - 20)

    @cached_property
    def _row_scale(self) -> Reals:
        greatest = np.ones(self.model.limit.size)
        np.maximum.at(greatest, self.model.row, np.abs(self.model.weight).astype(float))
        return greatest

    @cached_property
    def matrix(self) -> csr_array:
        """The nodes, then the rows, by the arcs, then the storage."""
        model = self.model
        n, m, e, _ = model.shape
        s = model.tail.size
        arc, kept = np.arange(e), np.arange(e, e + s)
        line_of = np.where(model.tail < n, 1.0, -1.0)  # a lot gives away what it stores, a line is rid of it
        nodes = coo_array(
            (
                np.concatenate([np.ones(2 * e), line_of, -line_of]),
                (
                    np.concatenate([model.lot, n + model.line, model.tail, model.head]),
                    np.concatenate([arc, arc, kept, kept]),
                ),
            ),
            shape=(n + m, e + s),
        )
        rows = coo_array(
            (model.weight / self._row_scale[model.row], (model.row, model.arc)), shape=(model.limit.size, e + s)
        )
        return csr_array(vstack([nodes, rows]).tocsr())

    @cached_property
    def sides(self) -> Reals:
        """The right sides of the matrix, in ``unit`` loads."""
        model = self.model
        return np.concatenate([model.supply, model.capacity, model.limit / self._row_scale]) / self.unit

    def lexicographic(self, allowed: Flags, lower: Integers, cost: Reals) -> Point:
        """Return the cheapest of the plans that move the most; for `surplus` the cheapest. Raises SolverFailed."""
        if self.model.surplus:
            return self.cheapest(allowed, lower, cost)
        most = self.most(allowed, lower)
        moved = float(most.loads.sum())
        for less in (0.0, 1e-9, 1e-7, 1e-6):
            try:
                return self.cheapest(allowed, lower, cost, moved=moved * (1 - less), exactly=False)
            except SolverFailed:
                continue
        return most

    def rewarded(self, allowed: Flags, lower: Integers, cost: Reals) -> Point:
        """Return the best plan where a load is worth more than most detours cost: nearly lexicographic, in one go."""
        if self.model.surplus:
            return self.cheapest(allowed, lower, cost)
        reward = 3.0 * float(np.abs(cost).max(initial=0.0)) + 1.0
        return self.cheapest(allowed, lower, cost - reward)

    def most(self, allowed: Flags, lower: Integers) -> Point:
        """Return a plan that moves the most, and the prices that say why not more."""
        e, s = self.model.lot.size, self.model.tail.size
        return self._solve(np.concatenate([np.full(e, -1.0), np.zeros(s)]), allowed, lower, None, exactly=True)

    def cheapest(
        self, allowed: Flags, lower: Integers, cost: Reals, *, moved: float | None = None, exactly: bool = True
    ) -> Point:
        """Return the cheapest plan, of those that move so many loads or at least so many, if that is asked."""
        objective = np.concatenate([cost, self.model.keep_cost.astype(float)])
        return self._solve(objective, allowed, lower, moved, exactly=exactly)

    def _solve(self, objective: Reals, allowed: Flags, lower: Integers, moved: float | None, *, exactly: bool) -> Point:
        model = self.model
        n, m, e, _ = model.shape
        matrix, sides = self.matrix, self.sides
        least = np.concatenate([lower, np.zeros(model.tail.size)]) / self.unit
        # no limit of its own on an arc, so that what a row or a node is worth is told by its own price
        open_now = allowed & (model.most > 0)
        most = np.concatenate([np.where(open_now, np.inf, lower), model.keep]) / self.unit
        one = np.concatenate([np.ones(e), np.zeros(model.tail.size)])[None, :]
        equal = (csr_array(one), [moved / self.unit]) if moved is not None and exactly else (None, None)
        if moved is not None and not exactly:
            matrix, sides = csr_array(vstack([matrix, -one]).tocsr()), np.append(sides, -moved / self.unit)
        for method, options in _WAYS:
            found = linprog(
                objective,
                A_ub=matrix,
                b_ub=sides,
                A_eq=equal[0],
                b_eq=equal[1],
                bounds=np.stack([least, most], axis=1),
                method=method,
                options=options,
            )
            if found.success:
                break
        else:
            raise SolverFailed(f"the relaxation has no solution: {found.message}")
        price = np.minimum(0.0, found.ineqlin.marginals)
        worth = float(found.eqlin.marginals[0]) if equal[0] is not None else 0.0
        return Point(
            loads=found.x[:e] * self.unit,
            kept=found.x[e:] * self.unit,
            lot=price[:n],
            line=price[n : n + m],
            row=price[n + m : n + m + model.limit.size] / self._row_scale,
            worth=worth,
            value=float(found.fun) * self.unit,
        )
