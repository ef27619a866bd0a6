"""
Is this plan right? Asked of any plan by code that shares nothing with the engines, in whole numbers only.

Nothing an engine says is believed but its kilograms and its prices: the cut is found again, and the two bounds are weak
duality [1]_, which holds for whatever prices are given; the right ones only make it tight.

References
----------
.. [1] D. Gale, H. W. Kuhn and A. W. Tucker (1951), Linear programming and the theory of games.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from marketplace.solver.problem import Allocation, Problem

_Sums: TypeAlias = dict[int, int]

_MOST_PRICE: Final = 2**60


@dataclass(frozen=True)
class Certificate:
    """
    What is proved of a plan.

    ``moved_kg`` moves and no plan could move more than ``most_kg``, the capacity of a cut. ``cost`` is what the plan
    costs and ``bound`` what every plan of as many tonnes costs at least, both in thousandths of the problem's unit
    (kilograms times unit per tonne), and ``gap`` their difference; both None if the prices bound nothing, among it
    whenever the tonnes are not the most. ``violations`` says in words what is wrong, and is empty for a plan that is
    proved.
    """

    feasible: bool
    tonnes_maximal: bool
    cost_minimal: bool
    bound: int | None
    gap: int | None
    violations: tuple[str, ...]
    moved_kg: int
    most_kg: int
    cost: int

    @property
    def valid(self) -> bool:
        """Whether all of it is proved: feasible, the most tonnes, the least cost."""
        return self.feasible and self.tonnes_maximal and self.cost_minimal and not self.violations


@dataclass(frozen=True, eq=False)
class _Plan:
    """A plan of readable arrays, with what moves, and what the cut separates."""

    problem: Problem
    allocation: Allocation
    shipped: _Sums
    taken: _Sums
    cut_lots: npt.NDArray[np.bool_]
    cut_lines: npt.NDArray[np.bool_]


def certify(problem: Problem, allocation: Allocation) -> Certificate:
    """Return what is proved of an allocation; never raises, whatever the allocation holds."""
    unreadable = tuple(_unreadable(problem, allocation))
    if unreadable:
        return Certificate(False, False, False, None, None, unreadable, 0, 0, 0)
    plan = _plan(problem, allocation)
    said = {name: tuple(check(plan)) for name, check in CHECKS.items()}
    feasible = not (said["quantities"] or said["lots"] or said["lines"])
    moved, most = sum(plan.shipped.values()), _cut_kg(plan)
    most_tonnes = feasible and not said["tonnes"]
    priced = most_tonnes and not said["prices"]
    cost = _dot(allocation.kg, problem.cost)
    bound = _dot(problem.supply, allocation.lot_price) + _dot(problem.capacity, allocation.line_price)
    return Certificate(
        feasible=feasible,
        tonnes_maximal=most_tonnes,
        cost_minimal=priced and not said["cost"],
        bound=bound if priced else None,
        gap=cost - bound if priced else None,
        violations=tuple(violation for found in said.values() for violation in found),
        moved_kg=moved,
        most_kg=most,
        cost=cost,
    )


def _quantities(plan: _Plan) -> Iterator[str]:
    for arc in np.flatnonzero(plan.allocation.kg < 0)[:3].tolist():
        yield f"arc {arc} carries {plan.allocation.kg[arc]} kg, which is less than nothing"


def _lots(plan: _Plan) -> Iterator[str]:
    for i, kg in plan.shipped.items():
        if kg > int(plan.problem.supply[i]):
            yield f"lot {i} ships {kg} kg of {plan.problem.supply[i]}"


def _lines(plan: _Plan) -> Iterator[str]:
    for j, kg in plan.taken.items():
        if kg > int(plan.problem.capacity[j]):
            yield f"line {j} takes {kg} kg in a room of {plan.problem.capacity[j]}"


def _tonnes(plan: _Plan) -> Iterator[str]:
    """Compare with the cut: no arc leads out of it, so that its capacity bounds every plan, and this one reaches it."""
    problem = plan.problem
    if np.any(plan.cut_lots[problem.lot] & ~plan.cut_lines[problem.line]):
        yield "an arc leads out of the cut"
    moved, most = sum(plan.shipped.values()), _cut_kg(plan)
    if moved != most:
        yield f"{moved} kg move, and the cut would let {most} kg pass: an augmenting path is left"


def _region(plan: _Plan) -> Iterator[str]:
    found = plan.allocation
    if not (np.array_equal(found.short_lots, plan.cut_lots) and np.array_equal(found.short_lines, plan.cut_lines)):
        yield "the shortage region is not what can be reached from supply left over"


def _prices(plan: _Plan) -> Iterator[str]:
    """Prove that the prices bound from below what any plan of the most tonnes costs."""
    problem, u, v = plan.problem, plan.allocation.lot_price, plan.allocation.line_price
    face = plan.cut_lots[problem.lot] | ~plan.cut_lines[problem.line]
    over = np.flatnonzero(face & (u[problem.lot] + v[problem.line] > problem.cost))
    if over.size:
        yield f"{over.size} arcs cost less than their prices, the first of them arc {over[0]}"
    if np.any(u[plan.cut_lots] > 0):
        yield "a lot short of room has a price above zero"
    if np.any(v[~plan.cut_lines] > 0):
        yield "a line that is not short has a price above zero"


def _cost(plan: _Plan) -> Iterator[str]:
    problem, found = plan.problem, plan.allocation
    cost = _dot(found.kg, problem.cost)
    bound = _dot(problem.supply, found.lot_price) + _dot(problem.capacity, found.line_price)
    if cost != bound:
        yield f"the plan costs {cost - bound} thousandths more than the bound"


CHECKS: Final[dict[str, Callable[[_Plan], Iterator[str]]]] = {
    "quantities": _quantities,
    "lots": _lots,
    "lines": _lines,
    "tonnes": _tonnes,
    "region": _region,
    "prices": _prices,
    "cost": _cost,
}
"""Each finds a fault that no other does: a test switches off one after another."""


def _unreadable(problem: Problem, allocation: Allocation) -> Iterator[str]:
    n, m, e = problem.shape
    numbers = (
        ("kg", allocation.kg, e),
        ("lot_price", allocation.lot_price, n),
        ("line_price", allocation.line_price, m),
    )
    for name, array, size in numbers:
        if array.shape != (size,) or array.dtype != np.int64:
            yield f"{name} is not {size} whole numbers"
        elif name != "kg" and size and (array.min() < -_MOST_PRICE or array.max() > _MOST_PRICE):
            yield f"{name} is beyond all sense"
    for name, flags, size in (("short_lots", allocation.short_lots, n), ("short_lines", allocation.short_lines, m)):
        if flags.shape != (size,) or flags.dtype != np.bool_:
            yield f"{name} is not {size} flags"


def _plan(problem: Problem, allocation: Allocation) -> _Plan:
    shipped: _Sums = {}
    taken: _Sums = {}
    used = np.flatnonzero(allocation.kg)
    ends = (array[used].tolist() for array in (problem.lot, problem.line, allocation.kg))
    for i, j, kg in zip(*ends, strict=True):
        shipped[i] = shipped.get(i, 0) + kg
        taken[j] = taken.get(j, 0) + kg
    cut_lots, cut_lines = _reached(problem, used, shipped)
    return _Plan(problem, allocation, shipped, taken, cut_lots, cut_lines)


def _reached(
    problem: Problem, used: npt.NDArray[np.intp], shipped: _Sums
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return the lots and lines on augmenting paths that begin at kilograms left over."""
    n, m, e = problem.shape
    start = [i for i, kg in enumerate(problem.supply.tolist()) if kg > shipped.get(i, 0)]
    by_line = used[np.argsort(problem.line[used], kind="stable")]
    heads = np.concatenate([problem.line + n, problem.lot[by_line], np.asarray(start, dtype=np.int64)])
    out_of = np.concatenate([np.bincount(problem.lot, minlength=n), np.bincount(problem.line[used], minlength=m)])
    begins = np.concatenate([[0], np.cumsum(out_of), [e + used.size + len(start)]])
    ones = np.ones(heads.size, dtype=np.int8)
    graph = csr_array((ones, heads, begins), shape=(n + m + 1, n + m + 1))
    found = np.zeros(n + m + 1, dtype=np.bool_)
    found[breadth_first_order(graph, n + m, return_predecessors=False)] = True
    return found[:n], found[n : n + m]


def _cut_kg(plan: _Plan) -> int:
    """Return what the cut lets pass: lots beyond it, and lines on its near side."""
    return int(plan.problem.supply[~plan.cut_lots].sum()) + int(plan.problem.capacity[plan.cut_lines].sum())


def _dot(kg: npt.NDArray[np.int64], rate: npt.NDArray[np.int64]) -> int:
    return sum(int(mass) * int(price) for mass, price in zip(kg.tolist(), rate.tolist(), strict=True) if mass)
