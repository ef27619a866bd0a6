"""
Public solvers, called on the instance as their manuals say: what one would write in an afternoon.

Each is a function from a problem to a *ready* call, so that what is timed is the call and not the arrays it is handed;
the call returns (e,) kilograms. All are exact and answer the same question: the most tonnes, then the least cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import ot
import pylmcf
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow
from scipy.optimize import linprog
from scipy.sparse import coo_array, coo_matrix, vstack

from marketplace.solver.components import parts
from marketplace.solver.problem import Integers, Problem

Call = Callable[[], Integers]

_UNLIMITED = 2**60


def by_linprog(problem: Problem) -> Call:
    """One call of `scipy.optimize.linprog` with a reward per tonne that no path of costs outweighs."""
    n, m, e = problem.shape
    arc, one = np.arange(e), np.ones(e)
    ends = vstack([coo_array((one, (problem.lot, arc)), (n, e)), coo_array((one, (problem.line, arc)), (m, e))]).tocsr()
    mass = np.concatenate([problem.supply, problem.capacity]) / 2.0**6
    gain = problem.cost - float(_reward(problem))

    def call() -> Integers:
        found = linprog(gain, A_ub=ends, b_ub=mass, method="highs-ds")
        return np.rint(found.x * 2.0**6).astype(np.int64)

    return call


def by_or_tools(problem: Problem) -> Call:
    """`SimpleMinCostFlow.solve_max_flow_with_min_cost`, which is lexicographic by itself."""
    n, m, e = problem.shape
    source, sink = n + m, n + m + 1
    width = np.minimum(problem.supply[problem.lot], problem.capacity[problem.line])
    nothing = np.zeros(max(n, m), dtype=np.int64)

    def call() -> Integers:
        flow = SimpleMinCostFlow()
        flow.add_arcs_with_capacity_and_unit_cost(problem.lot, problem.line + n, width, problem.cost)
        flow.add_arcs_with_capacity_and_unit_cost(np.full(n, source), np.arange(n), problem.supply, nothing[:n])
        flow.add_arcs_with_capacity_and_unit_cost(np.arange(n, n + m), np.full(m, sink), problem.capacity, nothing[:m])
        flow.set_node_supply(source, int(problem.supply.sum()))
        flow.set_node_supply(sink, -int(problem.supply.sum()))
        if flow.solve_max_flow_with_min_cost() != SimpleMinCostFlow.OPTIMAL:
            raise AssertionError("OR-Tools found no optimum")
        return np.asarray(flow.flows(np.arange(e)), dtype=np.int64)

    return call


def by_pot(problem: Problem) -> Call:
    """
    `ot.emd` over a sparse cost: a lot for all room left over, and a line for all lots left over.

    A cost of zero would be no arc, so that all arcs cost one more. The dense `ot.emd` is hopeless here: its matrix of n
    times m doubles is 0.3 GiB at 10,000 listings and 2.7 GiB at 30,000, and all pairs out of range are priced like any other.
    """
    n, m, e = problem.shape
    shifted = problem.cost - problem.cost.min() + 1
    cost = np.concatenate([shifted, np.full(n, shifted.max() + _reward(problem)), np.ones(m), [1]]).astype(float)
    lot = np.concatenate([problem.lot, np.arange(n), np.full(m, n), [n]])
    line = np.concatenate([problem.line, np.full(n, m), np.arange(m), [m]])
    mass = np.append(problem.supply, problem.capacity.sum()).astype(float)
    room = np.append(problem.capacity, problem.supply.sum()).astype(float)

    matrix = coo_matrix((cost, (lot, line)), (n + 1, m + 1))
    key = problem.lot * (m + 1) + problem.line

    def call() -> Integers:
        flow = ot.emd(mass, room, matrix, numItermax=10**9).tocoo()
        own = (flow.row < n) & (flow.col < m)
        kg = np.zeros(e, dtype=np.int64)
        kg[np.searchsorted(key, flow.row[own].astype(np.int64) * (m + 1) + flow.col[own])] = np.rint(flow.data[own])
        return kg

    return call


def by_network_simplex(problem: Problem) -> Call:
    """LEMON's network simplex by `pylmcf.Graph` on the whole graph, nothing but the call."""
    graph = _Graph.of(problem)
    return lambda: graph.solved()[graph.place]


def by_network_simplex_in_parts(problem: Problem) -> Call:
    """The same, called once for each connected part; finding the parts is not counted."""
    n, m, e = problem.shape
    split = list(parts(n, m, problem.lot, problem.line))
    graphs = [_Graph.of(_part(problem, part.lots, part.lines, part.arcs)) for part in split]

    def call() -> Integers:
        kg = np.zeros(e, dtype=np.int64)
        for part, graph in zip(split, graphs, strict=True):
            kg[part.arcs] = graph.solved()[graph.place]
        return kg

    return call


def _reward(problem: Problem) -> int:
    """Return what a tonne is worth, so that the most tonnes come first; enough here, as the equal tonnes show."""
    return 6 * int(np.abs(problem.cost).max()) + 1


def _part(problem: Problem, lots: Integers, lines: Integers, arcs: Integers) -> Problem:
    return Problem.of(
        supply=problem.supply[lots],
        capacity=problem.capacity[lines],
        lot=np.searchsorted(lots, problem.lot[arcs]),
        line=np.searchsorted(lines, problem.line[arcs]),
        cost=problem.cost[arcs],
    )


@dataclass(frozen=True, eq=False)
class _Graph:
    """
    The balanced graph of a problem, as LEMON wants it: arcs sorted by their ends, no cost below zero.

    Node 0 is the ground: it takes what no line does, at a reward lost, and fills what no lot does, for nothing.
    ``place`` (e,) says where the arcs of the problem stand among those of the graph.
    """

    nodes: int
    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]
    cost: Integers
    width: Integers
    supply: Integers
    place: Integers

    @classmethod
    def of(cls, problem: Problem) -> _Graph:
        n, m, e = problem.shape
        shifted = problem.cost - problem.cost.min()
        start = np.concatenate([problem.lot + 1, np.arange(n) + 1, np.zeros(m, dtype=np.int64)])
        end = np.concatenate([problem.line + n + 1, np.zeros(n, dtype=np.int64), np.arange(m) + n + 1])
        cost = np.concatenate([shifted, np.full(n, shifted.max() + _reward(problem)), np.zeros(m, dtype=np.int64)])
        order = np.lexsort((end, start))
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        ground = int(problem.capacity.sum()) - int(problem.supply.sum())
        return cls(
            nodes=1 + n + m,
            start=start[order].astype(np.int32),
            end=end[order].astype(np.int32),
            cost=cost[order],
            width=np.full(order.size, _UNLIMITED),
            supply=np.concatenate([[ground], problem.supply, -problem.capacity]),
            place=place[:e],
        )

    def solved(self) -> Integers:
        graph = pylmcf.Graph(self.nodes, self.start, self.end)
        graph.set_node_supply(self.supply)
        graph.set_edge_capacities(self.width)
        graph.set_edge_costs(self.cost)
        graph.solve()
        return np.asarray(graph.result(), dtype=np.int64)
