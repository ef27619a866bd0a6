"""What one more of something is worth, and one less: at every lot and every line, as a solve of the changed problem would say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from marketplace.solver.residual import Distances, Network, Residual

if TYPE_CHECKING:
    from marketplace.solver.problem import Allocation, Flags, Integers, Problem


@dataclass(frozen=True, eq=False)
class Change:
    """
    How the answer changes by one kilogram more, or less, of supply at a lot or of room at a line.

    ``lot_kg`` (n,) and ``line_kg`` (m,): how many kilograms more move, -1, 0 or 1. ``lot_cost`` (n,) and ``line_cost`` (m,):
    by how much the least cost then changes, in thousandths of the unit for the kilogram, which is units for the tonne.
    Where there is nothing to take away, nothing changes.
    """

    lot_kg: Integers
    lot_cost: Integers
    line_kg: Integers
    line_cost: Integers


@dataclass(frozen=True, eq=False)
class Worth:
    """What one kilogram ``more`` changes, and one ``less``: the two differ where a price is at a corner."""

    more: Change
    less: Change


def worth(problem: Problem, allocation: Allocation) -> Worth:
    r"""
    Return what one kilogram more and one less would change, exactly, from a plan that is proved.

    A plan of the changed problem differs from this one by a path of the residual graph and by round trips that save
    nothing [1]_. With the source, from which all lots fetch, and the sink, into which all lines empty:

    ============ ============================== ==========================================
    at           one more                       one less, of what is exhausted
    ============ ============================== ==========================================
    a lot        to the sink, one more moves;   from the source, as much moves; else from
                 else back to the source        the sink, one less moves
    a line       from the source, one more      to the sink, as much moves; else back to the
                 moves; else from the sink      source, one less moves
    ============ ============================== ==========================================

    Each column asks for all nodes at once for shortest paths from or to one node, four searches in all, by reduced
    costs [2]_. Under ``surplus`` the way that costs less is taken, of equals the one by which more moves.

    Raises SolverFailed if a round trip would save: the plan is not of the least cost.

    References
    ----------
    .. [1] R. K. Ahuja, T. L. Magnanti and J. B. Orlin (1993), Network flows, theorem 3.7.
    .. [2] E. W. Dijkstra (1959), :doi:`10.1007/BF01386390`.
    """
    searches = _Searches(problem, allocation)
    free = problem.objective == "surplus"
    n, m, _ = problem.shape
    lots, lines = slice(0, n), slice(n, n + m)
    s_to, t_to = searches.outward(searches.net.source), searches.outward(searches.net.sink)
    to_s, to_t = searches.inward(searches.net.source), searches.inward(searches.net.sink)
    left, room = searches.slack()
    more_lots = _either(to_t[lots], 1, np.minimum(to_s[lots], 0), 0, free=free)
    more_lines = _either(s_to[lines], 1, np.minimum(t_to[lines], 0), 0, free=free)
    less_lots = _either(s_to[lots], 0, t_to[lots], -1, free=free)
    less_lines = _either(to_t[lines], 0, to_s[lines], -1, free=free)
    return Worth(
        more=_change(more_lots, left > 0, more_lines, room > 0),
        less=_change(less_lots, (left > 0) | (problem.supply == 0), less_lines, (room > 0) | (problem.capacity == 0)),
    )


class _Searches:
    """Shortest paths, in costs per tonne, through what a plan leaves."""

    def __init__(self, problem: Problem, allocation: Allocation) -> None:
        self.net = Network.of(problem)
        self.steps = Residual(self.net)
        self.kg = self.net.carrying(allocation.kg, allocation.carried)
        self.potential, self.lengths = proved(self.steps, self.kg, allocation, problem.objective == "surplus")

    def outward(self, start: int) -> Distances:
        far = self.steps.distances(self.lengths, start)
        far += self.potential - self.potential[start]
        return far

    def inward(self, end: int) -> Distances:
        far = self.steps.distances_to(self.lengths, end)
        far += self.potential[end] - self.potential
        return far

    def slack(self) -> tuple[Integers, Integers]:
        """Return what is left of each lot, and the room of each line."""
        ends = self.net.lots + self.net.lines
        idle = (self.net.most_kg - self.kg)[self.net.tail.size - ends :]
        return idle[: self.net.lots], idle[self.net.lots :]


def proved(steps: Residual, kg: Integers, allocation: Allocation, free: bool) -> tuple[Integers, Distances]:
    """
    Return potentials, (N,), from the prices of a plan, and the length of each step, none below zero where it is open.

    The prices hold on either side of the cut. No step leads out of the shortage region, so that the other side may be raised
    until those into it are long enough. Raises SolverFailed if the plan is not of the least cost.
    """
    raw = np.concatenate([-allocation.lot_price, allocation.line_price, [0, 0]])
    is_open = steps.open(kg)
    if not free:
        inside = np.concatenate([allocation.short_lots, allocation.short_lines, [True, False]])
        into = np.flatnonzero(is_open & ~inside[steps.begin] & inside[steps.end])
        short = steps.cost[into] + raw[steps.begin[into]] - raw[steps.end[into]]
        raw = np.where(inside, raw, raw + max(0, -int(short.min(initial=0))))
    potential = steps.settled(is_open, raw)
    return potential, steps.lengths(is_open, potential)


def _either(
    first: Distances, moves: int, second: Distances, else_moves: int, *, free: bool
) -> tuple[Integers, Integers]:
    """Return kilograms and cost of the first way where there is one (if ``free``, where it costs no more), else of the second."""
    chosen = first <= second if free else np.isfinite(first)
    cost = np.where(chosen, first, second)
    none = ~np.isfinite(cost)
    cost[none] = 0
    return np.where(none, 0, np.where(chosen, moves, else_moves)), cost.astype(np.int64)


def _change(
    lots: tuple[Integers, Integers], idle_lots: Flags, lines: tuple[Integers, Integers], idle_lines: Flags
) -> Change:
    return Change(*(np.where(idle_lots, 0, each) for each in lots), *(np.where(idle_lines, 0, each) for each in lines))
