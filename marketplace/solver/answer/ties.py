r"""
Which of several plans of equal tonnes and equal cost is meant: exactly one, whichever engine found them.

The rule, over the arcs whose quantity is not yet decided:

1. where the objective is ``surplus`` the one that moves the most; where it is ``utilization`` one with fewer contracts, in every
   tied part that is small enough to prove the fewest, see `marketplace.solver.answer.fewest`, unless the problem leaves that out;
2. the plan in which :math:`\sum r_i q_j x_{ij}` is greatest, where :math:`r_i` and :math:`q_j` count lots and lines from the
   last to the first, and a stored kilogram counts :math:`- n m`. The product is strictly supermodular, so that the earlier
   lot is shipped first, and by the earlier line, as in Hoffman's northwest corner [1]_; where all pairs are tied it is that plan;
3. of those still equal, the plan that comes last in the order of dictionaries: as much as possible along the first
   arc, then along the second, and so on, pairs by lot and line, then storage.

The second is a third linear program on the optimal face, solved only over the arcs that could carry something else; the
last decides what is left, usually nothing, one arc after another. Both together name one plan; where its contracts are
not the fewest, they name one among the plans along those that are, and of as many those whose
numbers from one have roots that add up to least. So a plan is a function of the problem.

References
----------
.. [1] A. J. Hoffman (1963), On simple linear programming problems, :doi:`10.1090/pspum/007/0157778`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.solver.answer.fewest import fewer
from marketplace.solver.answer.prices import Residual, raised
from marketplace.solver.graph import UNBOUNDED, Face, Graph
from marketplace.solver.problem import Flags, Integers, Problem

Cheapest: TypeAlias = Callable[[Face], Integers]
"""Returns the cheapest kilograms, (e,), on a face."""


@dataclass(frozen=True, eq=False)
class Ranks:
    """Which of so many lots and lines the ``lots`` (n,) and ``lines`` (m,) of a problem are, where it is a part of another."""

    lots: Integers
    lines: Integers
    of: tuple[int, int]

    @classmethod
    def own(cls, graph: Graph) -> Ranks:
        """Return those of a problem that is no part."""
        return cls(np.arange(graph.n), np.arange(graph.m), (graph.n, graph.m))


def decide(
    problem: Problem,
    graph: Graph,
    kg: Integers,
    tight: Integers,
    loose: Flags,
    cheapest: Cheapest,
    ranks: Ranks | None = None,
) -> Integers:
    """
    Return the plan that the rule means among those that are as good as ``kg`` (e,).

    ``tight`` are the arcs that a best plan may change, ascending, and ``loose`` (n + m,) the nodes that it may.
    """
    ranks = Ranks.own(graph) if ranks is None else ranks
    kg = _in_rank(problem, graph, kg, tight, loose, cheapest, ranks)
    if problem.objective != "utilization" or not problem.fewest:
        return kg
    open_ = tight[undecided(held(problem, graph, tight, kg, loose), kg[tight])]
    contract, stands = _contracts(problem, graph, kg, open_)
    fewest = fewer(held(problem, graph, open_, kg, loose), kg[open_], contract, stands)
    if np.array_equal(fewest, kg[open_]):
        return kg
    kg[open_] = fewest
    made = stands | np.isin(contract, contract[fewest[: contract.size] > 0])
    kept = np.delete(tight, np.searchsorted(tight, open_[: contract.size][~made]))
    return _in_rank(problem, graph, kg, kept, loose, cheapest, ranks)


def _in_rank(
    problem: Problem,
    graph: Graph,
    kg: Integers,
    tight: Integers,
    loose: Flags,
    cheapest: Cheapest,
    ranks: Ranks,
) -> Integers:
    """Return the plan that order alone means: earlier lots first, by earlier lines, and for ``surplus`` before that the most."""
    kg = kg.copy()
    open_ = tight[undecided(held(problem, graph, tight, kg, loose), kg[tight])]
    for costs in (most_costs, tie_costs) if problem.objective == "surplus" else (tie_costs,):
        if not open_.size:
            return kg
        face = held(problem, graph, open_, kg, loose)
        face = replace(face, graph=replace(face.graph, cost=costs(face.graph, ranks)))
        kg[open_] = cheapest(face)
        equal, loose = _equal(face, kg[open_])
        open_ = open_[equal]
        open_ = open_[undecided(held(problem, graph, open_, kg, loose), kg[open_])]
    if open_.size:
        kg[open_] = _in_order(held(problem, graph, open_, kg, loose), kg[open_])
    return kg


def _contracts(problem: Problem, graph: Graph, kg: Integers, open_: Integers) -> tuple[Integers, Flags]:
    """Return of the pairs among the arcs ``open_`` which contract each is of, and whether a decided pair makes it anyway."""
    pairs = open_[open_ < graph.pairs]
    if problem.contract is None:
        return pairs, np.zeros(pairs.size, dtype=np.bool_)
    decided = kg[: graph.pairs] > 0
    decided[pairs] = False
    contract = problem.contract[pairs]
    return contract, np.isin(contract, problem.contract[decided])


def held(problem: Problem, graph: Graph, at: Integers, kg: Integers, loose: Flags) -> Face:
    """Return the face over the arcs ``at`` on which every node that is not loose keeps what it has in ``kg``."""
    face = Face.of(problem, graph, at, kg, loose)
    net = face.graph.net_out(kg[at])
    return replace(
        face,
        supply=np.where(loose[: graph.n], face.supply, net[: graph.n]),
        capacity=np.where(loose[graph.n :], face.capacity, -net[graph.n :]),
    )


def _equal(face: Face, kg: Integers) -> tuple[Integers, Flags]:
    """Return the arcs, and flag the loose nodes, that may change in a plan of the same cost, by any potentials of the plan."""
    graph, ground = face.graph, face.graph.n + face.graph.m
    residual = Residual.of(face, kg)
    to_ground, from_ground = _at_ground(face, kg)
    phi = raised(
        np.concatenate([residual.begin, to_ground, np.full(from_ground.size, ground)]),
        np.concatenate([residual.end, np.full(to_ground.size, ground), from_ground]),
        np.concatenate([residual.length, np.zeros(to_ground.size + from_ground.size, dtype=np.int64)]),
        np.zeros(ground + 1, dtype=np.int64),
    )
    equal = np.flatnonzero(graph.cost == phi[graph.tail] - phi[graph.head])
    return equal, face.loose & (phi[:ground] == phi[ground])


def undecided(face: Face, kg: Integers) -> Integers:
    """
    Return which arcs of the face may carry another quantity than ``kg`` (e,) at the same cost, ascending.

    A quantity can change only along a round trip of the residual graph, which may lead over the ground, where loose lots
    and lines leave and fetch kilograms. So an arc that leads out of its strong component is decided, and so is one that
    ends in a leaf once those are gone. What is returned holds every arc that is undecided, and few others.
    """
    graph = face.graph
    ground = graph.n + graph.m
    to_ground, from_ground = _at_ground(face, kg)
    onward = np.flatnonzero(graph.may_take(kg)) if graph.most_kg.size else np.arange(kg.size)
    back = np.flatnonzero(kg)
    tail = np.concatenate([graph.tail[onward], graph.head[back], to_ground, np.full(from_ground.size, ground)])
    head = np.concatenate([graph.head[onward], graph.tail[back], np.full(to_ground.size, ground), from_ground])
    ends = (tail.astype(np.int32), head.astype(np.int32))
    residual = coo_array((np.ones(tail.size, dtype=np.int8), ends), shape=(ground + 1, ground + 1)).tocsr()
    _, strong = connected_components(residual, directed=True, connection="strong")
    by_ground = np.bincount(np.union1d(to_ground, from_ground), minlength=ground) * (strong[:ground] == strong[ground])
    arcs = np.flatnonzero(strong[graph.tail] == strong[graph.head])
    while arcs.size:
        begin, end = graph.tail[arcs], graph.head[arcs]
        degree = by_ground + np.bincount(begin, minlength=ground) + np.bincount(end, minlength=ground)
        inner = (degree[begin] > 1) & (degree[end] > 1)
        if inner.all():
            break
        arcs = arcs[inner]
    return arcs


def most_costs(graph: Graph, _: Ranks) -> Integers:
    """Return the costs, (e,), whose least sum moves the most kilograms."""
    return np.concatenate([np.full(graph.pairs, -1, dtype=np.int64), np.zeros(graph.most_kg.size, dtype=np.int64)])


def tie_costs(graph: Graph, ranks: Ranks) -> Integers:
    """Return the costs, (e,), whose least sum is the first part of the rule."""
    (n, m), e = ranks.of, graph.pairs
    pairs = -(n - ranks.lots[graph.tail[:e]]) * (m - ranks.lines[graph.head[:e] - graph.n])
    return np.concatenate([pairs, np.full(graph.most_kg.size, n * m, dtype=np.int64)])


def _at_ground(face: Face, kg: Integers) -> tuple[Integers, Integers]:
    """Return the nodes that may give kilograms to the ground, and those that may fetch some from it."""
    graph, n = face.graph, face.graph.n
    net = graph.net_out(kg)
    room, taken = face.capacity + net[n:], face.room - face.capacity - net[n:]
    gives = np.concatenate([np.ones(n, dtype=np.bool_), room > 0])
    fetches = np.concatenate([face.supply > net[:n], taken > 0])
    return np.flatnonzero(face.loose & gives), np.flatnonzero(face.loose & fetches)


def _in_order(face: Face, kg: Integers) -> Integers:
    """Return the plan of the face that comes last in the order of dictionaries, from one of its plans."""
    graph, ground = face.graph, face.graph.n + face.graph.m
    net = graph.net_out(kg)
    ends = [*zip(graph.tail.tolist(), graph.head.tolist(), strict=True)]
    now, most = kg.tolist(), graph.most().tolist()
    for node in np.flatnonzero(face.loose).tolist():  # to the ground and from it, as arcs with room either way
        out = int(net[node])
        ends.append((node, ground))
        if node < graph.n:
            now.append(int(face.supply[node]) - out)
            most.append(UNBOUNDED)
        else:
            now.append(int(face.room[node - graph.n] - face.capacity[node - graph.n]) - out)
            most.append(int(face.room[node - graph.n]))
    leaving: dict[int, list[tuple[int, int]]] = {}
    for arc, (tail, head) in enumerate(ends):
        leaving.setdefault(tail, []).append((arc, 1))
        leaving.setdefault(head, []).append((arc, -1))
    for first in range(kg.size):  # an arc is fixed at the most that round trips over later arcs can bring it
        tail, head = ends[first]
        while now[first] < most[first]:
            way = _way(head, tail, leaving, ends, now, most, beyond=first)
            if way is None:
                break
            by = min(most[first] - now[first], *(most[a] - now[a] if sign > 0 else now[a] for a, sign in way))
            now[first] += by
            for arc, sign in way:
                now[arc] += sign * by
    return np.array(now[: kg.size], dtype=np.int64)


def _way(
    source: int,
    target: int,
    leaving: dict[int, list[tuple[int, int]]],
    ends: list[tuple[int, int]],
    now: list[int],
    most: list[int],
    *,
    beyond: int,
) -> list[tuple[int, int]] | None:
    """Return a shortest residual path over arcs after ``beyond``, as arcs and directions; None if there is none."""
    came: dict[int, tuple[int, int] | None] = {source: None}
    queue = deque([source])
    while queue:
        node = queue.popleft()
        if node == target:
            break
        for arc, sign in leaving.get(node, ()):
            if arc <= beyond or (now[arc] >= most[arc] if sign > 0 else now[arc] <= 0):
                continue
            other = ends[arc][1] if sign > 0 else ends[arc][0]
            if other not in came:
                came[other] = (arc, sign)
                queue.append(other)
    if target not in came:
        return None
    way: list[tuple[int, int]] = []
    node = target
    while (step := came[node]) is not None:
        way.append(step)
        node = ends[step[0]][0] if step[1] > 0 else ends[step[0]][1]
    return way
