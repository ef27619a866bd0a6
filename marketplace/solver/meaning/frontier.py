"""The curve of least cost against kilograms, from nothing to the most that can be moved."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from marketplace.solver.division import connected, part_of
from marketplace.solver.meaning.augment import Slopes, slopes
from marketplace.solver.meaning.parametric import Known, Prove, known

if TYPE_CHECKING:
    from marketplace.solver.engines import Engine
    from marketplace.solver.problem import Problem

WORK: Final = 200_000_000
"""Arcs looked at on the way, about five seconds of one core: up to here every breakpoint is found."""

SOLVES: Final = 24
"""How often a larger rest is solved for a point of its curve."""

_ROUND: Final = 5_000
"""What one round of the exact way costs at the least, in arcs."""


@dataclass(frozen=True)
class Frontier:
    """
    The least cost of moving each quantity.

    ``kg`` (b,), ascending from 0 to the most that can be moved, and ``cost`` (b,) in thousandths of the problem's unit, are
    points of the curve, each exact. Between two neighbors the least cost is convex and lies on the straight line that
    joins them or below it, by at most ``slack`` (b - 1,) thousandths: 0 says that the line is the curve. Where that is so
    everywhere, the points are the ends and the breakpoints, and no others.
    """

    kg: tuple[int, ...]
    cost: tuple[int, ...]
    slack: tuple[int, ...]

    @property
    def exact(self) -> bool:
        """Whether every breakpoint was found."""
        return not any(self.slack)

    def bounds(self, kg: int) -> tuple[int, int]:
        """Return between what the least cost of ``kg`` lies, in thousandths; raises ValueError beyond the most."""
        if not 0 <= kg <= self.kg[-1]:
            raise ValueError(f"between 0 and {self.kg[-1]} kg can be moved")
        right = next(place for place, mass in enumerate(self.kg) if mass >= kg)
        if self.kg[right] == kg:
            return self.cost[right], self.cost[right]
        left = right - 1
        width, rise = self.kg[right] - self.kg[left], self.cost[right] - self.cost[left]
        most = self.cost[left] + rise * (kg - self.kg[left]) // width
        return most - self.slack[left], most


def frontier(
    problem: Problem, engine: Engine, *, prove: Prove | None = None, work: int = WORK, most_solves: int = SOLVES
) -> Frontier:
    r"""
    Return the curve of :math:`\min \sum c_{ij} x_{ij}` against :math:`\sum x_{ij}`.

    The curve of the whole is the infimal convolution of those of its connected parts: their slopes, sorted. Parts are
    taken from the smallest on, and answered exactly by `augment.slopes` as long as ``work`` lasts. The others, together,
    are solved up to ``most_solves`` times for a point where the curve may still lie farthest below what is known
    [1]_, `parametric.known`. Nothing depends on the clock, nor on which engine it is.

    Raises SolverFailed if the engine does, or if ``prove`` does of what the engine answered.

    References
    ----------
    .. [1] M. J. Eisner and D. G. Severance (1976), :doi:`10.1145/321978.321982`.
    """
    small, rest = _split(problem, work)
    gathered: dict[int, int] = {}
    for part in small:
        for slope, kg in slopes(part):
            gathered[slope] = gathered.get(slope, 0) + kg
    line = sorted(gathered.items())
    return _joined(line, [Known(0, 0, None, None)] if rest is None else known(rest, engine, most_solves, prove))


def _split(problem: Problem, work: int) -> tuple[list[Problem], Problem | None]:
    """Return the parts to be answered exactly, and the rest as one problem, none if nothing is left."""
    label = connected(problem)
    nodes, arcs = np.bincount(label), np.bincount(label[problem.lot], minlength=int(label.max(initial=-1)) + 1)
    costs = nodes * (arcs + _ROUND)
    order = [part for part in np.argsort(costs, kind="stable").tolist() if arcs[part]]
    exact = int(np.searchsorted(np.cumsum(costs[order]), work, side="right"))
    few = [part_of(problem, label == part) for part in order[:exact]]
    return few, part_of(problem, np.isin(label, order[exact:])) if exact < len(order) else None


def _joined(line: Slopes, points: list[Known]) -> Frontier:
    """Join a curve known whole, as slopes, with points of another: every sum of two with a common slope is exact."""
    kg, cost = [0], [0]
    for slope, mass in line:
        kg.append(kg[-1] + mass)
        cost.append(cost[-1] + slope * mass)
    found: list[Known] = []
    at = 0
    for point in points:
        # vertices whose slopes, from the one on the left to the one on the right, share one with the point's
        while at < len(line) and point.lowest is not None and line[at][0] < point.lowest:
            at += 1
        last = at
        while last < len(line) and (point.highest is None or line[last][0] <= point.highest):
            last += 1
        for vertex in range(at, last + 1):
            below = line[vertex - 1][0] if vertex else None
            above = line[vertex][0] if vertex < len(line) else None
            found.append(
                Known(
                    kg=kg[vertex] + point.kg,
                    cost=cost[vertex] + point.cost,
                    lowest=max((end for end in (below, point.lowest) if end is not None), default=None),
                    highest=min((end for end in (above, point.highest) if end is not None), default=None),
                )
            )
    return _curve(found)


def _curve(points: list[Known]) -> Frontier:
    """Return the curve through points in order, without such as lie within a straight piece that is proved."""
    kept: list[Known] = []
    for point in points:
        if kept and kept[-1].kg == point.kg:
            kept[-1] = kept[-1].and_also(point)
            continue
        if len(kept) > 1 and kept[-1].between(kept[-2], point):
            kept.pop()
        kept.append(point)
    return Frontier(
        kg=tuple(point.kg for point in kept),
        cost=tuple(point.cost for point in kept),
        slack=tuple(left.slack(right) for left, right in pairwise(kept)),
    )
