"""
Is this plan right? Asked of any plan by code that shares nothing with the engines, in whole numbers only.

Nothing an engine says is believed but its kilograms and its prices: the cut is found again, and the two bounds are weak
duality [1]_, which holds for whatever prices are given; the right ones only make it tight. It takes a few passes over the
arcs, so that it is always run.

References
----------
.. [1] D. Gale, H. W. Kuhn and A. W. Tucker (1951), Linear programming and the theory of games.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import mul
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from marketplace.solver.problem import Allocation, Objective, Problem

_Whole = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]

_MOST_PRICE: Final = 2**60
_MOST_KG: Final = 2**53


@dataclass(frozen=True)
class Certificate:
    """
    What is proved of a plan.

    ``moved_kg`` moves and no plan could move more than ``most_kg``, the capacity of a cut. ``cost`` is what the plan
    costs and ``bound`` what every plan of as many tonnes costs at least (for ``surplus`` every plan), both in thousandths of
    the problem's unit (kilograms times unit per tonne), and ``gap`` their difference; both None if the prices bound nothing, among it
    for ``utilization`` whenever the tonnes are not the most. ``violations`` says in words what is wrong, and is empty for a plan
    that is proved.
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
    objective: Objective = "utilization"

    @property
    def valid(self) -> bool:
        """Whether all that the objective asks is proved: feasible, the least cost, and for ``utilization`` the most tonnes."""
        best = self.cost_minimal and (self.tonnes_maximal or self.objective == "surplus")
        return self.feasible and best and not self.violations


@dataclass(frozen=True, eq=False)
class _Plan:
    """A plan of readable arrays: what each lot ships and each line takes on balance, and what the cut separates."""

    problem: Problem
    allocation: Allocation
    shipped: _Whole
    taken: _Whole
    cut_lots: _Flags
    cut_lines: _Flags

    @property
    def most(self) -> bool:
        """Whether the objective asks for the most tonnes."""
        return self.problem.objective == "utilization"

    def crossing(self) -> tuple[_Flags, _Flags]:
        """Return which storage leads out of the cut, and which into it."""
        cut, carry = np.concatenate([self.cut_lots, self.cut_lines]), self.problem.carry
        return cut[carry.tail] & ~cut[carry.head], ~cut[carry.tail] & cut[carry.head]

    def passing(self) -> _Flags:
        """Return which lines store for a later month."""
        flags = np.zeros(self.taken.size, dtype=np.bool_)
        tails = self.problem.carry.tail
        flags[tails[tails >= self.shipped.size] - self.shipped.size] = True
        return flags

    def reduced(self) -> _Whole:
        """Return what each place of storage costs by the prices, (k,) per tonne."""
        worth = np.concatenate([self.allocation.lot_price, -self.allocation.line_price])
        carry = self.problem.carry
        reduced: _Whole = carry.cost - worth[carry.tail] + worth[carry.head]
        return reduced


def certify(problem: Problem, allocation: Allocation) -> Certificate:
    """Return what is proved of an allocation; never raises, whatever the allocation holds."""
    unreadable = tuple(_unreadable(problem, allocation))
    if unreadable:
        return Certificate(False, False, False, None, None, unreadable, 0, 0, 0, problem.objective)
    plan = _plan(problem, allocation)
    said = {name: tuple(check(plan)) for name, check in CHECKS.items()}
    feasible = not (said["quantities"] or said["lots"] or said["lines"] or said["storage"])
    moved, most = int(plan.taken.sum()), _cut_kg(plan)
    most_tonnes = feasible and (not said["tonnes"] if plan.most else moved == most)
    priced = feasible and (most_tonnes or not plan.most) and not said["prices"]
    cost, bound = _cost_of(plan), _bound(plan)
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
        objective=problem.objective,
    )


def _quantities(plan: _Plan) -> Iterator[str]:
    for arc in np.flatnonzero(plan.allocation.kg < 0)[:3].tolist():
        yield f"arc {arc} carries {plan.allocation.kg[arc]} kg, which is less than nothing"


def _storage(plan: _Plan) -> Iterator[str]:
    carried, most = plan.allocation.carried, plan.problem.carry.most_kg
    for place in np.flatnonzero((carried < 0) | (carried > most))[:3].tolist():
        yield f"storage {place} holds {carried[place]} kg in a room of {most[place]}"


def _lots(plan: _Plan) -> Iterator[str]:
    supply = plan.problem.supply
    for i in np.flatnonzero(plan.shipped > supply)[:3].tolist():
        yield f"lot {i} ships {plan.shipped[i]} kg of {supply[i]}"


def _lines(plan: _Plan) -> Iterator[str]:
    capacity = plan.problem.capacity
    for j in np.flatnonzero((plan.taken > capacity) | (plan.taken < 0))[:3].tolist():
        yield f"line {j} takes {plan.taken[j]} kg in a room of {capacity[j]}"


def _tonnes(plan: _Plan) -> Iterator[str]:
    """Compare with the cut: no pair leads out of it, so that its capacity bounds every plan, and this one reaches it."""
    if not plan.most:
        return
    problem = plan.problem
    if np.any(plan.cut_lots[problem.lot] & ~plan.cut_lines[problem.line]):
        yield "an arc leads out of the cut"
    moved, most = int(plan.taken.sum()), _cut_kg(plan)
    if moved != most:
        yield f"{moved} kg move, and the cut would let {most} kg pass: an augmenting path is left"


def _region(plan: _Plan) -> Iterator[str]:
    found = plan.allocation
    lots = plan.cut_lots if plan.most else np.ones_like(plan.cut_lots)
    lines = plan.cut_lines if plan.most else np.zeros_like(plan.cut_lines)
    if not (np.array_equal(found.short_lots, lots) and np.array_equal(found.short_lines, lines)):
        yield "the shortage region is not what can be reached from supply left over"


def _prices(plan: _Plan) -> Iterator[str]:
    """Prove that the prices bound from below what any plan of the most tonnes, or for ``surplus`` any plan, costs."""
    problem, u, v = plan.problem, plan.allocation.lot_price, plan.allocation.line_price
    dear = u[problem.lot] + v[problem.line] > problem.cost
    if plan.most:
        dear &= plan.cut_lots[problem.lot] | ~plan.cut_lines[problem.line]
    over = np.flatnonzero(dear)
    if over.size:
        yield f"{over.size} arcs cost less than their prices, the first of them arc {over[0]}"
    lots, lines = (plan.cut_lots, ~plan.cut_lines) if plan.most else (np.True_, np.True_)
    if np.any(lots & (u > 0)):
        yield "a lot short of room has a price above zero"
    if np.any(lines & ~plan.passing() & (v > 0)):
        yield "a line that is not short has a price above zero"


def _cost(plan: _Plan) -> Iterator[str]:
    cost, bound = _cost_of(plan), _bound(plan)
    if cost != bound:
        yield f"the plan costs {cost - bound} thousandths more than the bound"


CHECKS: Final[dict[str, Callable[[_Plan], Iterator[str]]]] = {
    "quantities": _quantities,
    "storage": _storage,
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
        ("carried", allocation.carried, problem.carry.tail.size),
        ("lot_price", allocation.lot_price, n),
        ("line_price", allocation.line_price, m),
    )
    for name, array, size in numbers:
        if array.shape != (size,) or array.dtype != np.int64:
            yield f"{name} is not {size} whole numbers"
            continue
        masses = array is allocation.kg or array is allocation.carried
        size_of = np.abs(array.astype(np.float64))
        if size and (size_of.max() > (_MOST_KG if masses else _MOST_PRICE) or (masses and size_of.sum() > 2.0**62)):
            yield f"{name} is beyond all sense"
    for name, flags, size in (("short_lots", allocation.short_lots, n), ("short_lines", allocation.short_lines, m)):
        if flags.shape != (size,) or flags.dtype != np.bool_:
            yield f"{name} is not {size} flags"


def _plan(problem: Problem, allocation: Allocation) -> _Plan:
    n, m, _ = problem.shape
    carry = problem.carry
    used, stored = np.flatnonzero(allocation.kg), np.flatnonzero(allocation.carried)
    out = np.zeros(n + m, dtype=np.int64)
    np.add.at(out, problem.lot[used], allocation.kg[used])
    np.subtract.at(out, problem.line[used] + n, allocation.kg[used])
    np.add.at(out, carry.tail[stored], allocation.carried[stored])
    np.subtract.at(out, carry.head[stored], allocation.carried[stored])
    reached = _reached(problem, allocation, used, out[:n])
    return _Plan(problem, allocation, out[:n], -out[n:], reached[:n], reached[n:])


def _reached(problem: Problem, allocation: Allocation, used: npt.NDArray[np.intp], shipped: _Whole) -> _Flags:
    """Return the lots and lines on augmenting paths that begin at kilograms left over."""
    n, m, _ = problem.shape
    carry, carried = problem.carry, allocation.carried
    start = np.flatnonzero(problem.supply > shipped)
    more, less = np.flatnonzero(carried < carry.most_kg), np.flatnonzero(carried > 0)
    by_line = used[np.argsort(problem.line[used], kind="stable")]
    runs = (
        (problem.lot, problem.line + n),
        (problem.line[by_line] + n, problem.lot[by_line]),
        (carry.tail[more], carry.head[more]),
        (carry.head[less], carry.tail[less]),
        (np.full(start.size, n + m), start),
    )
    tails, heads = (np.concatenate([run[end] for run in runs]).astype(np.int32) for end in (0, 1))
    if carry.tail.size:  # without storage the runs are in order already
        order = np.argsort(tails, kind="stable")
        tails, heads = tails[order], heads[order]
    begins = np.concatenate([[0], np.cumsum(np.bincount(tails, minlength=n + m + 1))])
    graph = csr_array((np.ones(heads.size, dtype=np.int8), heads, begins), shape=(n + m + 1, n + m + 1))
    found = np.zeros(n + m + 1, dtype=np.bool_)
    found[breadth_first_order(graph, n + m, return_predecessors=False)] = True
    return found[: n + m]


def _cut_kg(plan: _Plan) -> int:
    """Return what the cut lets pass: lots beyond it, lines on its near side, and storage that leads out of it."""
    problem, (out, _) = plan.problem, plan.crossing()
    lots, lines = problem.supply[~plan.cut_lots], problem.capacity[plan.cut_lines]
    return int(lots.sum()) + int(lines.sum()) + int(problem.carry.most_kg[out].sum())


def _cost_of(plan: _Plan) -> int:
    problem, found = plan.problem, plan.allocation
    return _dot(found.kg, problem.cost) + _dot(found.carried, problem.carry.cost)


def _bound(plan: _Plan) -> int:
    """
    Return what every plan of the most tonnes (for ``surplus`` every plan) costs at least, if the prices pass `_prices`.

    A line whose price is above zero takes nothing at best, unless it must be full; storage that the prices call cheap is
    filled at best, storage out of the cut is full in every such plan, and storage into it empty.
    """
    problem, u, v = plan.problem, plan.allocation.lot_price, plan.allocation.line_price
    full = plan.cut_lines if plan.most else np.zeros_like(plan.cut_lines)
    bound = _dot(problem.supply, u) + _dot(problem.capacity, np.where(full, v, np.minimum(v, 0)))
    if problem.carry.tail.size:
        (out, into), reduced = plan.crossing(), plan.reduced()
        best = np.minimum(reduced, 0)
        if plan.most:
            best = np.where(out, reduced, np.where(into, 0, best))
        bound += _dot(problem.carry.most_kg, best)
    return bound


def _dot(kg: _Whole, rate: _Whole) -> int:
    """Return the exact sum of products; no overflow at any size."""
    used = np.flatnonzero(kg)
    return sum(map(mul, kg[used].tolist(), rate[used].tolist()))
