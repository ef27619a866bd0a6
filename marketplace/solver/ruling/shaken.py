r"""
Plans shaken: exchanges that help nothing are made in many places at once, each followed by those that then help.

Where contracts are few at each lot and line, a plan falls into many small parts that share none. So one pass asks of a
hundred places at once whether a worse step leads to a better plan, and decides for each by itself [1]_: what was opened in
vain is as it was before. Nothing is drawn by chance.

References
----------
.. [1] H. R. Lourenco, O. C. Martin and T. Stuetzle (2003), Iterated local search, :doi:`10.1007/0-306-48056-5_11`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.solver.problem import Flags, Integers
from marketplace.solver.ruling.exchange import Exchanges, Search
from marketplace.solver.ruling.reduction import Model

PASSES: Final = 60
"""How often a plan is shaken at most."""

IDLE: Final = 8
"""After so many passes without a better plan no more is tried."""

TURNS: Final = 3
"""Each pass asks along one arc of so many."""

AGAIN: Final = 24
"""After so many passes an arc that was tried may be tried again."""

_ROUNDS: Final = 12


def shaken(model: Model, loads: Integers) -> Integers:
    """
    Return loads (e,) that move more than these, or as much for no more cost; for `surplus` that cost no more.

    ``loads`` keep supply, room and the least of every contract, and so does what is returned; see `exchange.can_exchange`.
    """
    search = Search(model, loads)
    search.settle()
    tried = np.full(search.e, -AGAIN)
    idle = 0
    for turn in range(PASSES):
        idle = 0 if _pass(search, tried, turn) else idle + 1
        if idle >= IDLE:
            break
    return search.loads()


def _pass(search: Search, tried: Integers, turn: int) -> bool:
    """Shake where nothing was tried of late; return whether the plan has become better."""
    before = search.x.copy()
    asked = np.flatnonzero((np.arange(search.e) % TURNS == turn % TURNS) & (tried <= turn - AGAIN))
    asked = search.some(np.roll(asked, -(turn * asked.size // PASSES)))
    if not _shake(search, _one_each(search.along(asked)), tried, turn):
        return False
    search.settle(_ROUNDS)
    search.shut[:] = False
    better, change = _better(search, before), search.x[: search.e] != before[: search.e]
    search.put(np.where(better, search.x[: search.e], before[: search.e]))
    return bool(np.any(better & change))


def _one_each(found: Exchanges) -> Exchanges:
    """Return of each arc the exchange along it that costs least and moves no less, the cheapest first."""
    some = np.flatnonzero(found.moved >= 0)
    order = some[np.lexsort((found.cost[some], found.arcs[0, some]))]
    _, first = np.unique(found.arcs[0, order], return_index=True)
    each = order[first]
    return found.only(each[np.argsort(found.cost[each], kind="stable")])


def _shake(search: Search, found: Exchanges, tried: Integers, turn: int) -> bool:
    """Make exchanges, one in each part of the plan, and shut the contracts that they close."""
    part = _parts(search, search.x > 0)
    ends = search.ends(found)
    parts = np.where(ends >= 0, part[ends], part.size)
    taken, touched = bytearray(part.size + 1), np.zeros(part.size, dtype=np.bool_)
    for at, (one, two, three, four) in enumerate(parts.T.tolist()):
        if taken[one] or taken[two] or taken[three] or taken[four]:
            continue
        for each in (one, two, three, four):
            taken[each] = each < part.size
        arcs = found.arcs[:, at].tolist()
        tried[arcs[0]] = turn
        search.exchange(arcs, int(found.quantity[at]))
        search.shut[[arc for arc in arcs[1:3] if arc < search.e and not search.x[arc]]] = True
        touched[ends[:, at][ends[:, at] >= 0]] = True
    search.changed(touched)
    return bool(touched.any())


def _better(search: Search, before: Integers) -> Flags:
    """Return the arcs (e,) of those parts, of both plans together, in which the plan is better than before, counted exactly."""
    e, model = search.e, search.model
    part = _parts(search, (search.x > 0) | (before > 0))
    moved, cost = dict[int, int](), dict[int, int]()
    for arc in np.flatnonzero(search.x[:e] != before[:e]).tolist():
        at, now, then = int(part[search.lot[arc]]), int(search.x[arc]), int(before[arc])
        moved[at] = moved.get(at, 0) + now - then
        fees = int(search.fee[arc]) * (int(now > 0) - int(then > 0))
        cost[at] = cost.get(at, 0) + (now - then) * int(search.cost[arc]) * model.load + fees
    good = [at for at, loads in moved.items() if model.better((loads, cost[at]), (0, 0))]
    better: Flags = np.isin(part[search.lot[:e]], good)
    return better


def _parts(search: Search, used: Flags) -> Integers:
    """Return which part of the plan each lot and line is of, (n + m,), joined by the contracts ``used``."""
    at, nodes = np.flatnonzero(used[: search.e]), search.n + search.m
    ends = (search.lot[at], search.n + search.line[at])
    graph = coo_array((np.ones(at.size, dtype=np.int8), ends), shape=(nodes, nodes)).tocsr()
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
