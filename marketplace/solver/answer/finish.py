"""From a best plan to the answer: the cut, the prices and the one plan that the rule of ties means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marketplace.solver.answer.flows import source_side
from marketplace.solver.answer.prices import shadow_prices
from marketplace.solver.answer.ties import Cheapest, decide
from marketplace.solver.graph import Face, Graph
from marketplace.solver.problem import Allocation, Flags, Integers, Problem, SolverFailed


class Best(NamedTuple):
    """
    A best plan, as an engine ends with it: one of perhaps several.

    ``kg`` (e + k,) by arc of the graph; ``short`` (n + m,) as `short_side` says; ``potentials`` (n + m,) that prove it on its
    face, if the engine has some.
    """

    kg: Integers
    short: Flags
    potentials: Integers | None = None


def finish(
    problem: Problem,
    graph: Graph,
    kg: Integers,
    cheapest: Cheapest,
    *,
    short: Flags | None = None,
    potentials: Integers | None = None,
) -> Allocation:
    """
    Return the answer that any best plan ``kg`` (e + k,) leads to: the same one, whichever it was.

    ``cheapest`` solves the small problem of ties. ``short`` is `short_side` if it is known, and ``potentials`` (n + m,), if an engine has some, are `shadow_prices`' hint for
    the plan on its face. Raises SolverFailed if the plan is not the best.
    """
    n, e = graph.n, graph.pairs
    short = short_side(problem, graph, kg) if short is None else short
    loose = np.concatenate([short[:n], ~short[n:]])
    at = on_face(graph, short)
    face = Face.of(problem, graph, at, kg, loose)
    lot_price, line_price = shadow_prices(face, kg[at], potentials)
    phi = np.concatenate([lot_price, -line_price])
    tight = at[face.graph.cost == phi[face.graph.tail] - phi[face.graph.head]]
    kg = decide(problem, graph, kg, tight, loose & (phi == 0), cheapest)
    return Allocation(kg[:e], lot_price, line_price, short[:n], short[n:], kg[e:])


def short_side(problem: Problem, graph: Graph, kg: Integers) -> Flags:
    """
    Return which nodes (n + m,) are short: the source side of the minimum cut, or for ``surplus`` the lots.

    Raises SolverFailed if more could be moved.
    """
    n = graph.n
    if problem.objective == "surplus":
        return np.arange(n + graph.m) < n
    net = graph.net_out(kg)
    short = source_side(graph, kg, problem.supply - net[:n])
    if np.any(short[n:] & (problem.capacity + net[n:] > 0)):
        raise SolverFailed("the plan does not move the most kilograms")
    return short


def on_face(graph: Graph, short: Flags) -> Integers:
    """
    Return the arcs whose quantity a greatest plan may choose, ascending.

    Arcs into the short side carry nothing in any of them, and storage that leads out of it is full. For ``surplus``, where
    the short nodes are the lots and nothing is to be exhausted, that would be no pair: there every arc is free.
    """
    n = graph.n
    if short[:n].all() and not short[n:].any():
        return np.arange(graph.tail.size)
    return np.flatnonzero(short[graph.tail] == short[graph.head])
