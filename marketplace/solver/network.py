"""Divisible lots by the network simplex method, in whole numbers from end to end: the fast engine, where its package is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from marketplace.solver.allarcs.pricing import Method
from marketplace.solver.answer.finish import Best, finish, short_side
from marketplace.solver.components import Lazily, Part, pieces
from marketplace.solver.graph import UNBOUNDED, Face, Graph
from marketplace.solver.problem import Allocation, Integers, Problem, SolverFailed
from marketplace.solver.spread import OneCore, Spread

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress

INSTALLED: Final = find_spec("pylmcf") is not None
"""Whether the package is there; without it `auto` means the reference."""

WORTH_PROCESSES: Final = 1_000_000
"""Arcs in all below which handing parts to other processes takes longer than solving them."""

_REWARD: Final = 8
"""How many times the spread of its costs a part first pays for a kilogram moved; more where that was too little."""

_MORE: Final = 64

_Arrays: TypeAlias = tuple[npt.NDArray[Any], ...]


def allocate(problem: Problem, *, progress: Progress | None = None, spread: Spread | None = None) -> Allocation:
    r"""
    Move the most kilograms at the least cost, or for ``surplus`` whatever costs least, by LEMON's network simplex [1]_.

    Each connected part is one minimum-cost flow with a node for what stays where it is: a lot's kilograms may go there
    for a fee :math:`\rho` per tonne above every cost, or for nothing where the objective is ``surplus``. No fixed
    :math:`\rho` is believed: afterwards the residual graph is searched from what was left over, and if more could move,
    the part is solved with a greater one. A shortest augmenting path changes the cost by less than the number of its arcs
    times the spread of costs, so this ends.

    Tonnes, cost, prices and flows are those of `marketplace.solver.transport`, to the byte: `finish` makes the answer a
    function of the problem.

    All arcs are solved at once: 2.9 million are 5 to 15 percent slower by `marketplace.solver.allarcs.delayed`, though in a third of the memory.

    Parameters, returns and raises as there; SolverFailed too if the package is not installed.

    References
    ----------
    .. [1] P. Kovacs (2015), Minimum-cost flow algorithms: an experimental evaluation, :doi:`10.1080/10556788.2014.895828`.
    """
    graph = Graph.of(problem)
    found = best(problem, graph, progress=progress, spread=spread)
    return finish(problem, graph, found.kg, cheapest, short=found.short, potentials=found.potentials)


def best(problem: Problem, graph: Graph, *, progress: Progress | None = None, spread: Spread | None = None) -> Best:
    """Return a best plan over all arcs of the graph with its potentials; raises SolverFailed."""
    kg = np.zeros(graph.tail.size, dtype=np.int64)
    potentials = np.zeros(graph.n + graph.m, dtype=np.int64)
    parts, times = list(pieces(graph)), _REWARD
    fees = np.zeros_like(potentials)
    while True:
        _solve(problem, graph, parts, times, kg, potentials, fees, progress, spread)
        try:
            short = short_side(problem, graph, kg)
        except SolverFailed:
            parts, times = _not_greatest(problem, graph, kg, parts), max(1, times * _MORE)
            continue
        potentials[short] -= fees[short]
        return Best(kg, short, potentials)


def cheapest(face: Face) -> Integers:
    """Return the cheapest kilograms, (e,), that exhaust the lots and lines of the face which are not loose."""
    kg = np.zeros(face.graph.tail.size, dtype=np.int64)
    for part in pieces(face.graph):
        graph, n = _local(face.graph, part), part.lots.size
        loose = face.loose[np.concatenate([part.lots, part.lines + face.graph.n])]
        low = int(graph.cost[: graph.pairs].min(initial=0))
        mass = np.concatenate([face.supply[part.lots], -face.capacity[part.lines]])
        to_ground, from_ground = np.flatnonzero(loose[:n]), np.flatnonzero(loose[n:])
        arrays = _grounded(graph, low, mass, to_ground, from_ground, -low, face.room[part.lines])
        kg[part.arcs] = _flow(arrays)[0]
    return kg


METHOD: Final = Method(best, cheapest)


def grounded(graph: Graph, mass: Integers, away: Integers, fetched: Integers) -> tuple[Integers, Integers]:
    """
    Return the cheapest kilograms, (e,), of a graph that stores nothing, and potentials, (n + m,), above that of the ground.

    ``mass`` (n + m,) is what each lot has, and minus what each line must get. A kilogram may go to the ground from a lot for
    ``away`` (n,), and to a line from there for ``fetched`` (m,). No cost is below zero. Raises SolverFailed.
    """
    kg, found = _flow(
        _grounded(graph, 0, mass, np.arange(graph.n), np.arange(graph.m), away, -mass[graph.n :], fetched)
    )
    return kg, found[-1] - found[:-1]


def _solve(
    problem: Problem,
    graph: Graph,
    parts: list[Part],
    times: int,
    kg: Integers,
    potentials: Integers,
    fees: Integers,
    progress: Progress | None,
    spread: Spread | None,
) -> None:
    """Write the flows of the parts into ``kg``, their potentials and their fees, by node, into the others."""
    sizes, done = [part.arcs.size for part in parts], 0

    def arrays(at: int) -> _Arrays:
        part = parts[at]
        own, lines = _local(graph, part), problem.capacity[part.lines]
        low, fee = _fee(problem, own, times)
        mass = np.concatenate([problem.supply[part.lots], -lines])
        return _grounded(own, low, mass, np.arange(own.n), np.arange(own.m), fee - low, lines)

    for at, (moved, found) in (spread or OneCore()).each(
        _flow, Lazily(arrays, len(parts)), cost=sizes, worth=WORTH_PROCESSES
    ):
        part = parts[at]
        low, fee = _fee(problem, _local(graph, part), times)
        nodes = np.concatenate([part.lots, part.lines + graph.n])
        kg[part.arcs] = moved
        potentials[nodes] = np.where(nodes < graph.n, low, 0) - (found[:-1] - found[-1])
        fees[nodes] = fee
        done += sizes[at]
        if progress is not None:
            progress(done, sum(sizes))


def _fee(problem: Problem, graph: Graph, times: int) -> tuple[int, int]:
    """Return the least cost of a pair, and the fee for a kilogram that stays where it is."""
    pairs = graph.cost[: graph.pairs]
    low, high = int(pairs.min(initial=0)), int(pairs.max(initial=0))
    stored = int(graph.cost[graph.pairs :].sum())
    return low, times * (high - low + stored + 1) if problem.objective == "utilization" else 0


def _not_greatest(problem: Problem, graph: Graph, kg: Integers, parts: list[Part]) -> list[Part]:
    """Return the parts in which more could move."""
    found = []
    for part in parts:
        own = _local(graph, part)
        alone = Problem(
            problem.supply[part.lots], problem.capacity[part.lines], own.tail[:0], own.tail[:0], own.tail[:0]
        )
        try:
            short_side(alone, own, kg[part.arcs])
        except SolverFailed:
            found.append(part)
    return found


def _local(graph: Graph, part: Part) -> Graph:
    """Return the graph of a part by itself, with nodes numbered anew."""
    own = graph.only(part.arcs)
    number: npt.NDArray[Any] = np.zeros(graph.n + graph.m, dtype=np.int32)
    number[part.lots] = np.arange(part.lots.size)
    number[part.lines + graph.n] = np.arange(part.lines.size) + part.lots.size
    return Graph(part.lots.size, part.lines.size, number[own.tail], number[own.head], own.cost, own.most_kg)


def _grounded(
    graph: Graph,
    low: int,
    mass: Integers,
    from_lots: Integers,
    to_lines: Integers,
    fee: Integers | int,
    room: Integers,
    ask: Integers | int = 0,
) -> _Arrays:
    """
    Return a balanced flow problem: ``mass`` by node and the ground, the ends, rooms and costs of all arcs, and the order of ours.

    Costs are not negative, since every kilogram that moves uses one pair. A line that stores takes from the ground no
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


def _flow(of: _Arrays) -> tuple[Integers, Integers]:
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
