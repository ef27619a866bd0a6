"""The parts whose rules the plain plan breaks: dives and trials for all networks at once, branch and bound where one is small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.solver.engines import Engine
from marketplace.solver.graph import sums
from marketplace.solver.milp import search
from marketplace.solver.problem import Ended, Flags, Integers, SolverFailed
from marketplace.solver.ruling.exchange import can_exchange
from marketplace.solver.ruling.reduction import Model, Part, inside
from marketplace.solver.ruling.restricted import Flow, Restricted
from marketplace.solver.ruling.rounding import Choice, Found, best_of, chosen, dive
from marketplace.solver.ruling.shaken import shaken
from marketplace.solver.ruling.trials import closed_on_trial, merged

MOST_ARCS: Final = 400
"""Up to so many arcs, and four for each node it may look at, branch and bound looks for the most loads of a part."""

PROMOTE: Final = (0.3, 0.7)
"""
How full a contract must be to be opened, a dive for each while much less moves than in the relaxation; of each part the better plan is taken.

Where contracts can be exchanged the first dive is enough: what the second finds is found by shaking, and more.
"""

LITTLE: Final = 1_000
"""If no more than one load in so many is missing of the relaxation, there is no second dive."""

PROMOTE_WITH_ROWS: Final = (0.4,)
"""The same where each pass of a dive is a linear program."""


@dataclass(frozen=True, eq=False)
class Treated:
    """The plan of a part, and what branch and bound says no plan exceeds or undercuts; None where it was not asked."""

    found: Found
    most_loads: int | None = None
    least_cost: int | None = None
    nodes: int = 0


def treat(model: Model, parts: list[Part], engine: Engine, *, nodes: int) -> list[Treated]:
    """Return for each part the best plan found that keeps every rule. Raises SolverFailed if none is found."""
    inners = [Restricted(part.model, engine) for part in parts]
    dived = dict[int, Found]()
    for simple in (False, True):
        alike = [at for at, inner in enumerate(inners) if inner.is_network and can_exchange(inner.model) == simple]
        dived |= zip(alike, _networks(model, [parts[at] for at in alike], engine), strict=True)
    treated = []
    for at, inner in enumerate(inners):
        found = dived[at] if at in dived else _alone(inner)
        treated.append(_searched(inner, found, nodes))
    return treated


def _networks(model: Model, parts: list[Part], engine: Engine) -> list[Found]:
    """Treat the parts that are networks side by side: a pass of the engine costs less than one for each."""
    if not parts:
        return []
    lots, lines, arcs, rows = (
        np.sort(np.concatenate([getattr(part, name) for part in parts])) for name in ("lots", "lines", "arcs", "rows")
    )
    none = np.zeros(0, dtype=np.int64)
    whole = inside(model, lots, lines, arcs, rows, none)
    places = [np.searchsorted(arcs, part.arcs) for part in parts]
    label = np.zeros(arcs.size, dtype=np.int64)
    for at, place in enumerate(places):
        label[place] = at
    best = _dives(Restricted(whole, engine), label)
    contracts = np.unique(model.contract[arcs])
    found = []
    for part, place in zip(parts, places, strict=True):
        own = np.searchsorted(contracts, np.unique(model.contract[part.arcs]))
        choice = Choice(best.choice.opened[own], best.choice.closed[own], best.choice.lower[place])
        flow = Flow(best.flow.loads[place], none)
        found.append(Found(flow, choice, part.model.worth(flow.loads)))
    return found


def _alone(inner: Restricted) -> Found | None:
    """Treat a part with rows or storage; None if no dive ends well, as where rows have weights below zero."""
    model = inner.model
    nothing = np.zeros(model.lot.size, dtype=np.int64)
    if not _has_choice(model):
        return best_of(inner, Choice(model.due.copy(), np.zeros(model.least.size, dtype=np.bool_), nothing))
    try:
        return _dives(inner, nothing)
    except Ended:
        raise
    except SolverFailed:
        return None


def _dives(inner: Restricted, label: Integers) -> Found:
    model, best = inner.model, None
    simple = inner.is_network and can_exchange(model)
    within = np.ones(label.size, dtype=np.bool_)
    for promote in PROMOTE if inner.is_network else PROMOTE_WITH_ROWS:
        try:
            found, relaxed = dive(inner, label, within=within, promote=promote)
        except Ended:
            raise
        except SolverFailed:
            continue
        best = found if best is None else merged(model, label, best, found)
        if simple:
            break
        if not model.surplus:
            within = _short_of(label, best.flow.loads, relaxed)
        if not within.any():
            break
    if best is None:
        raise SolverFailed("no plan was found that keeps the rules")
    return _shaken(inner, best) if simple else closed_on_trial(inner, label, best)


def _short_of(label: Integers, loads: Integers, relaxed: Integers) -> Flags:
    """Return the arcs, (e,), of parts in which so much less moves than in the relaxation that another dive may be worth its time."""
    count = int(label.max(initial=-1)) + 1
    most = sums(label, relaxed, count)
    short: Flags = (sums(label, loads, count) < most - most // LITTLE)[label]
    return short


def _shaken(inner: Restricted, found: Found) -> Found:
    """Return the plan with contracts exchanged, and the flow through those that are then open the best again."""
    model = inner.model
    loads = shaken(model, found.flow.loads)
    other = chosen(inner, model.held(loads) > 0, loads)
    return found if other is None or not model.better(other.worth, found.worth) else other


def _has_choice(model: Model) -> bool:
    return bool(np.any((model.least > 1) | ((model.fee > 0) & ~model.due)) and model.most.any())


def _searched(inner: Restricted, found: Found | None, nodes: int) -> Treated:
    """Let branch and bound look for a better plan: for the cost where the part is small, else only for more loads."""
    model = inner.model
    searched = None
    if nodes and (_has_choice(model) or model.limit.size) and model.lot.size <= min(MOST_ARCS, 4 * nodes):
        known = None if found is None or model.lot.size <= 2 * nodes else found.worth[0]
        searched = search(model, nodes=nodes, at_least=known)
    best = found
    if searched is not None:
        for other in (
            chosen(inner, searched.opened, searched.loads),
            _as_it_is(model, searched.loads, searched.kept),
        ):
            if other is not None and (best is None or model.better(other.worth, best.worth)):
                best = other
    if best is None:
        best = _from_nothing(inner)
    if best is None:
        raise SolverFailed("no plan was found that keeps the rules")
    if searched is None:
        return Treated(best)
    proved = model.surplus or searched.most_loads == best.worth[0]
    return Treated(best, searched.most_loads, searched.least_cost if proved else None, searched.nodes)


def _from_nothing(inner: Restricted) -> Found | None:
    """
    Return what fits arc by arc, the cheapest first, where no plan was found: nothing at all keeps every rule but pins.

    Contracts with a least stay closed, and for `surplus` those with a fee. None if something pinned or stored says otherwise.
    """
    model = inner.model
    loads, kept = np.zeros(model.lot.size, dtype=np.int64), np.zeros(model.tail.size, dtype=np.int64)
    allowed = (model.least <= 1) & ((model.fee == 0) | (not model.surplus))
    if model.limit.min(initial=0) >= 0:
        inner.top_up(loads, kept, allowed[model.contract], model.cost)
    return _as_it_is(model, loads, kept)


def _as_it_is(model: Model, loads: Integers, kept: Integers) -> Found | None:
    """Return a plan of branch and bound as it came, if it is whole and keeps every rule to the load."""
    left, room = model.left(loads)
    both, sign = np.concatenate([left, room]), np.where(model.tail < left.size, 1, -1)
    np.subtract.at(both, model.tail, sign * kept)
    np.add.at(both, model.head, sign * kept)
    held = model.held(loads)
    if (
        both.min(initial=0) < 0
        or loads.min(initial=0) < 0
        or np.any(loads > model.most)
        or kept.min(initial=0) < 0
        or np.any(kept > model.keep)
        or np.any((held > 0) & (held < model.least))
        or np.any(model.weighed(loads) > model.limit)
    ):
        return None
    opened = held > 0
    return Found(Flow(loads, kept), Choice(opened, ~opened & ~model.due, loads.copy()), model.worth(loads, kept))
