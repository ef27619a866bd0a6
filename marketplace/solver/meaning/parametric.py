"""Points of the curve of least cost, each found by one solve, until nothing lies between or enough are known."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from marketplace.solver.problem import MOST_COST, Allocation, Problem, SolverFailed, weighted

if TYPE_CHECKING:
    from marketplace.solver.engines import Engine

Prove: TypeAlias = Callable[[Problem, Allocation], None]
"""Raises SolverFailed unless the allocation is certified."""


@dataclass(frozen=True)
class Known:
    """
    A point of the curve: ``cost`` thousandths are the least for ``kg``.

    No line through it whose slope lies between ``lowest`` and ``highest`` (cost units per tonne) is anywhere above the
    curve; None: however low, at the left end, or however high, at the right end.
    """

    kg: int
    cost: int
    lowest: int | None
    highest: int | None

    def slack(self, right: Known) -> int:
        r"""
        Return by how many thousandths the curve may at most lie below the straight line to a point farther right.

        It lies above both lines that are known to hold it; with :math:`\sigma` the slope of the line joined,
        :math:`l` and :math:`h` theirs and :math:`d` kilograms in between, the most is :math:`d (\sigma - l)
        (h - \sigma) / (h - l)` where they meet.
        """
        width, rise = right.kg - self.kg, right.cost - self.cost
        if self.highest is None or right.lowest is None:
            raise ValueError("nothing lies beyond the ends of the curve")
        over, under = rise - self.highest * width, right.lowest * width - rise
        return 0 if over == 0 or under == 0 else -(-over * under // (over + under))

    def and_also(self, other: Known) -> Known:
        """Return the same point with what is known of it twice."""
        lows = [each.lowest for each in (self, other)]
        highs = [each.highest for each in (self, other)]
        return replace(
            self,
            lowest=None if None in lows else min(low for low in lows if low is not None),
            highest=None if None in highs else max(high for high in highs if high is not None),
        )

    def between(self, left: Known, right: Known) -> bool:
        """Return whether the point lies within a straight piece of the curve: both sides proved, at one slope."""
        if left.slack(self) or self.slack(right):
            return False
        return (self.cost - left.cost) * (right.kg - self.kg) == (right.cost - self.cost) * (self.kg - left.kg)


def known(problem: Problem, engine: Engine, most_solves: int, prove: Prove | None = None) -> list[Known]:
    r"""
    Return points of the curve in order, both ends among them, after at most ``most_solves`` and one solve.

    Between two neighbors the plan is sought that costs least when each tonne earns :math:`\lambda`, the slope of
    the line that joins them. All slopes of the curve are whole numbers. So if :math:`\lambda` is one, either
    the line is the curve, or the plan lies below it; and if it is none, half a unit above its whole part earns exactly one
    quantity, a breakpoint strictly between the two. Where the curve may lie farthest below the line is looked first.
    Each answer is shown to ``prove``, if given.
    """
    least, greatest = _slopes(problem)
    most = replace(_point(problem, engine, prove, None), lowest=greatest)
    nothing = Known(0, 0, None, least)
    if not most.kg:
        return [replace(nothing, highest=None)]
    points = {0: nothing, most.kg: most}
    wide = [(-nothing.slack(most), 0, most.kg)]
    for _ in range(most_solves):
        if not wide:
            break
        _, left, right = heapq.heappop(wide)
        low, high = points[left], points[right]
        whole, broken = divmod(high.cost - low.cost, right - left)
        twice = 2 * whole + bool(broken)
        if not _fits(problem, twice):
            continue  # the slack stays, and says so
        found = _point(problem, engine, prove, twice)
        if not broken and found.cost - low.cost == whole * (found.kg - left):
            points[left] = low.and_also(replace(low, lowest=whole, highest=whole))
            points[right] = high.and_also(replace(high, lowest=whole, highest=whole))
            continue
        if not left < found.kg < right:
            raise SolverFailed("the engine missed the least cost, so that there is no curve")
        points[found.kg] = found
        for pair in ((left, found.kg), (found.kg, right)):
            slack = points[pair[0]].slack(points[pair[1]])
            if slack:
                heapq.heappush(wide, (-slack, *pair))
    return [points[kg] for kg in sorted(points)]


def _point(problem: Problem, engine: Engine, prove: Prove | None, twice: int | None) -> Known:
    """Return the quantity and cost that are best when each tonne earns half of ``twice``; None: whatever a tonne costs."""
    if twice is None:
        asked = replace(problem, objective="utilization")
        lowest = highest = None
    else:
        lowest, highest = twice // 2, -(-twice // 2)
        asked = Problem.of(
            supply=problem.supply,
            capacity=problem.capacity,
            lot=problem.lot,
            line=problem.line,
            cost=2 * problem.cost - twice,
            objective="surplus",
            carry=replace(problem.carry, cost=2 * problem.carry.cost),
        )
    found = engine(asked)
    if prove is not None:
        prove(asked, found)
    cost = weighted(found.kg, problem.cost) + weighted(found.carried, problem.carry.cost)
    return Known(int(found.kg.sum()), cost, lowest, highest)


def _slopes(problem: Problem) -> tuple[int, int]:
    """Return between what every slope lies: that of an augmenting path, along no arc and no storage twice."""
    n, m, _ = problem.shape
    low, high = int(problem.cost.min()), int(problem.cost.max())
    return low, high + min(n, m) * (high - low) + (n + m) * int(problem.carry.cost.max(initial=0))


def _fits(problem: Problem, twice: int) -> bool:
    """Return whether these costs stay within what a problem may have."""
    kept = 2 * int(problem.carry.cost.max(initial=0))
    return max(kept, 2 * int(np.abs(problem.cost).max()) + abs(twice)) <= MOST_COST
