"""Divisible lots by the network simplex method, in whole numbers from end to end: the fast engine, where its package is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from marketplace.solver.allarcs.pricing import Method
from marketplace.solver.answer.finish import Best, finish, short_side
from marketplace.solver.components import Lazily, Part, pieces
from marketplace.solver.graph import Face, Graph
from marketplace.solver.problem import Allocation, Integers, Problem, SolverFailed
from marketplace.solver.reroute import Before, rerouted
from marketplace.solver.simplex import Arrays, balanced, flow, local
from marketplace.solver.spread import OneCore, Spread

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress

WORTH_PROCESSES: Final = 1_000_000
"""Arcs in all below which handing parts to other processes takes longer than solving them."""

_REWARD: Final = 8
"""How many times the spread of its costs a part first pays for a kilogram moved; more where that was too little."""

_MORE: Final = 64


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
        graph, n = local(face.graph, part), part.lots.size
        loose = face.loose[np.concatenate([part.lots, part.lines + face.graph.n])]
        low = int(graph.cost[: graph.pairs].min(initial=0))
        mass = np.concatenate([face.supply[part.lots], -face.capacity[part.lines]])
        to_ground, from_ground = np.flatnonzero(loose[:n]), np.flatnonzero(loose[n:])
        arrays = balanced(graph, low, mass, to_ground, from_ground, -low, face.room[part.lines])
        kg[part.arcs] = flow(arrays)[0]
    return kg


def better(problem: Problem, graph: Graph, plan: Best) -> Best:
    """
    Return a best plan from one that is the best but for arcs which carry nothing and would improve it.

    Only what lies near those is decided anew, see `marketplace.solver.reroute`. ``plan`` has potentials; nothing is stored.
    Raises SolverFailed.
    """
    n = graph.n
    assert plan.potentials is not None, "what proves the rest of the plan is known"
    net = graph.net_out(plan.kg)
    found = rerouted(
        problem,
        Before(
            kg=plan.kg,
            left=problem.supply - net[:n],
            room=problem.capacity + net[n:],
            phi=plan.potentials,
            short=plan.short & (problem.objective == "utilization"),
            new=np.flatnonzero(plan.kg == 0),
        ),
        most=graph.n + graph.m,
    )
    short = short_side(problem, graph, found.kg)
    return Best(found.kg, short, np.where(short, found.phi - found.fee, found.phi))


METHOD: Final = Method(best, cheapest, better)


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

    def arrays(at: int) -> Arrays:
        part = parts[at]
        own, lines = local(graph, part), problem.capacity[part.lines]
        low, fee = _fee(problem, own, times)
        mass = np.concatenate([problem.supply[part.lots], -lines])
        return balanced(own, low, mass, np.arange(own.n), np.arange(own.m), fee - low, lines)

    for at, (moved, found) in (spread or OneCore()).each(
        flow, Lazily(arrays, len(parts)), cost=sizes, worth=WORTH_PROCESSES
    ):
        part = parts[at]
        low, fee = _fee(problem, local(graph, part), times)
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
        own = local(graph, part)
        alone = Problem(
            problem.supply[part.lots], problem.capacity[part.lines], own.tail[:0], own.tail[:0], own.tail[:0]
        )
        try:
            short_side(alone, own, kg[part.arcs])
        except SolverFailed:
            found.append(part)
    return found
