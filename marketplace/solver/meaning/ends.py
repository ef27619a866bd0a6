"""Between what least and what most a tonne of a lot, or of room, can be worth when the surplus is the greatest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from marketplace.solver.problem import Allocation, Integers, Problem, SolverFailed

NO_END: Final = np.iinfo(np.int64).max
"""Stands where nothing bounds a worth from above: at a lot or a line without a kilogram."""


@dataclass(frozen=True, eq=False)
class Ends:
    r"""
    The two ends of the prices that prove a plan of the greatest surplus, in cost units per tonne, all of them >= 0.

    With :math:`p = -u` and :math:`q = -v` (see `Allocation`), ``lots_least`` and ``lots_most`` (n,) bound every
    :math:`p_i`, ``lines_least`` and ``lines_most`` (m,) every :math:`q_j`: the least is what one more tonne there adds
    to the greatest surplus, the most what one tonne less takes from it. ``lots_most`` with ``lines_least`` is itself
    such a set of prices, the best one for the lots, and ``lots_least`` with ``lines_most`` the best one for the lines;
    so is every mean of the two [1]_. Where nothing bounds a worth from above stands `NO_END`.

    References
    ----------
    .. [1] L. S. Shapley and M. Shubik (1971), The assignment game I: the core, :doi:`10.1007/BF01753437`.
    """

    lots_least: Integers
    lots_most: Integers
    lines_least: Integers
    lines_most: Integers


def price_ends(problem: Problem, allocation: Allocation) -> Ends:
    r"""
    Return both ends of the lattice of prices of a plan whose prices are known to prove it.

    The prices that prove a plan of the greatest surplus are those that satisfy, with :math:`\pi_i = u_i`,
    :math:`\pi_j = -v_j` and :math:`\pi_0 = 0` at the ground,

    .. math:: \pi_a - \pi_b \le d_{ab} \quad \text{for each step } a \to b,

    where the steps are: an arc onwards at its cost while it is not full, and backwards at minus its cost if it carries
    something; from every lot to the ground at 0, and back if some of it is left; from the ground to every line at 0 (but
    not to one that only stores for later: a tonne there may be worth less than nothing, and more room then is worth
    nothing), and back if it has room. So :math:`\pi_a` is at most the length of the shortest way from :math:`a` to the ground, and at
    least minus that of the shortest way from there. The known prices make every length zero or more, so that two runs
    of Dijkstra's algorithm suffice; lengths stay far below :math:`2^{53}`, so that doubles add them up exactly.

    Raises ValueError for a problem of another objective, SolverFailed if the prices do not prove the plan.
    """
    if problem.objective != "surplus":
        raise ValueError("there are ends where the surplus is the greatest alone")
    n, m, _ = problem.shape
    ground = n + m
    known = np.concatenate([allocation.lot_price, -allocation.line_price, [0]])
    begin, end, cost = _steps(problem, allocation, ground)
    length = cost - known[begin] + known[end]
    if length.size and length.min() < 0:
        raise SolverFailed("the prices do not prove the plan")
    to_ground = _ways(end, begin, length, ground)
    from_ground = _ways(begin, end, length, ground)
    above, below = _shifted(to_ground, known), _shifted(from_ground, -known)  # pi <= above, -pi <= below
    return Ends(
        lots_least=-above[:n],
        lots_most=below[:n],
        lines_least=np.maximum(-below[n:ground], 0),
        lines_most=np.maximum(above[n:ground], 0),
    )


def _steps(problem: Problem, allocation: Allocation, ground: int) -> tuple[Integers, Integers, Integers]:
    """Return begin, end and cost of every step that kilograms may still take."""
    n = problem.supply.size
    kg, carry = allocation.kg, problem.carry
    lots, lines = np.arange(n), np.arange(n, ground)
    left, room = problem.supply.copy(), problem.capacity.copy()
    np.subtract.at(left, problem.lot, kg)
    np.subtract.at(room, problem.line, kg)
    inside = np.concatenate([left, -room])
    np.subtract.at(inside, carry.tail, allocation.carried)
    np.add.at(inside, carry.head, allocation.carried)
    left, room = inside[:n], -inside[n:]
    more, used = np.flatnonzero(allocation.carried < carry.most_kg), np.flatnonzero(allocation.carried)
    moving = np.flatnonzero(kg)
    drawn = problem.capacity - room > 0
    drawn |= ~np.isin(lines, carry.tail)
    steps = [
        (problem.lot, problem.line + n, problem.cost),
        (problem.line[moving] + n, problem.lot[moving], -problem.cost[moving]),
        (carry.tail[more], carry.head[more], carry.cost[more]),
        (carry.head[used], carry.tail[used], -carry.cost[used]),
    ]
    for begin, end in (
        (lots, np.full(n, ground)),
        (np.full(np.count_nonzero(left), ground), lots[left > 0]),
        (np.full(np.count_nonzero(drawn), ground), lines[drawn]),
        (lines[room > 0], np.full(np.count_nonzero(room > 0), ground)),
    ):
        steps.append((begin, end, np.zeros(begin.size, dtype=np.int64)))
    begin, end, cost = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    return begin, end, cost


def _ways(begin: Integers, end: Integers, length: Integers, start: int) -> npt.NDArray[np.float64]:
    """Return how far each node is from ``start``, infinite where no way leads."""
    graph = csr_array((length.astype(np.float64), (begin, end)), shape=(start + 1, start + 1))
    found: npt.NDArray[np.float64] = dijkstra(graph, indices=start)
    return found


def _shifted(distance: npt.NDArray[np.float64], by: Integers) -> Integers:
    """Return distances shifted by potentials, `NO_END` where there is no way."""
    known = np.isfinite(distance)
    whole = np.where(known, distance, 0).astype(np.int64) + by
    return np.where(known, whole, NO_END)
