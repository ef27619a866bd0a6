"""LEMON's network simplex method, in whole numbers from end to end, where its package is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from marketplace.solver.components import Part, pieces
from marketplace.solver.graph import UNBOUNDED, Graph
from marketplace.solver.problem import Integers, SolverFailed

INSTALLED: Final = find_spec("pylmcf") is not None
"""Whether the package is there; without it `auto` means the reference."""

Arrays: TypeAlias = tuple[npt.NDArray[Any], ...]
"""A balanced flow problem, as `balanced` makes one."""


def settled(graph: Graph, mass: Integers, away: Integers, fetched: Integers) -> tuple[Integers, Integers]:
    """
    Return the cheapest kilograms, (e,), of a graph that stores nothing, and potentials, (n + m,), above that of the ground.

    ``mass`` (n + m,) is what each lot has, and minus what each line must get. A kilogram may go to the ground from a lot for
    ``away`` (n,), and to a line from there for ``fetched`` (m,). No cost is below zero. Raises SolverFailed.
    """
    kg = np.zeros(graph.tail.size, dtype=np.int64)
    phi = np.concatenate([away, -fetched]) * (mass != 0)  # of a node without arcs: all of it goes to the ground
    for part in pieces(graph):
        own, nodes = local(graph, part), np.concatenate([part.lots, part.lines + graph.n])
        lots, lines = np.arange(own.n), np.arange(own.m)
        arrays = balanced(own, 0, mass[nodes], lots, lines, away[part.lots], -mass[nodes[own.n :]], fetched[part.lines])
        kg[part.arcs], found = flow(arrays)
        phi[nodes] = found[-1] - found[:-1]
    return kg, phi


def local(graph: Graph, part: Part) -> Graph:
    """Return the graph of a part by itself, with nodes numbered anew."""
    own = graph.only(part.arcs)
    number: npt.NDArray[Any] = np.zeros(graph.n + graph.m, dtype=np.int32)
    number[part.lots] = np.arange(part.lots.size)
    number[part.lines + graph.n] = np.arange(part.lines.size) + part.lots.size
    return Graph(part.lots.size, part.lines.size, number[own.tail], number[own.head], own.cost, own.most_kg)


def balanced(
    graph: Graph,
    low: int,
    mass: Integers,
    from_lots: Integers,
    to_lines: Integers,
    fee: Integers | int,
    room: Integers,
    ask: Integers | int = 0,
) -> Arrays:
    """
    Return a balanced flow problem: ``mass`` by node and the ground, the ends, rooms and costs of all arcs, and the order of ours.

    Costs are lowered by ``low`` a pair, so that none is negative, since every kilogram that moves uses one pair; a kilogram costs
    ``fee`` to the ground, from each lot its own or from all one, and ``ask`` from there. A line that stores takes from the ground no
    more than its room: what it passes on must have come to it.
    """
    ground = graph.n + graph.m
    tail = np.concatenate([graph.tail, from_lots, np.full(to_lines.size, ground)]).astype(np.int32)
    head = np.concatenate([graph.head, np.full(from_lots.size, ground), to_lines + graph.n]).astype(np.int32)
    cost = np.concatenate([graph.cost, np.full(from_lots.size, fee), np.full(to_lines.size, ask)])
    cost[: graph.pairs] -= low
    most = np.full(tail.size, UNBOUNDED)
    most[graph.pairs : graph.tail.size] = graph.most_kg
    passing = graph.passes_on()[to_lines]
    most[tail.size - to_lines.size :][passing] = room[to_lines[passing]]
    order = np.argsort(tail.astype(np.int64) * (ground + 1) + head, kind="stable")  # four sorted runs: they are merged
    balanced = np.append(mass, -mass.sum())
    back = np.empty_like(order)
    back[order] = np.arange(order.size)
    return balanced, tail[order], head[order], most[order], cost[order], back[: graph.tail.size]


def flow(of: Arrays) -> tuple[Integers, Integers]:
    """Return flow by arc and potential by node of one minimum-cost flow; raises SolverFailed."""
    if not INSTALLED:
        raise SolverFailed("the package pylmcf, which the engine `network` stands on, is not installed")
    import pylmcf

    mass, tail, head, most, cost, back = of
    flow: Any = pylmcf.Graph(mass.size, tail, head)
    flow.set_node_supply(mass)
    flow.set_edge_capacities(most)
    flow.set_edge_costs(cost)
    try:
        flow.solve()
    except RuntimeError as failure:
        raise SolverFailed(f"the network simplex method found no flow: {failure}") from failure
    return flow.result()[back], flow.raw_potentials()
