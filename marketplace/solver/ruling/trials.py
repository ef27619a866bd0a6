"""Whether a plan gets better if contracts are closed: tried in many parts at once, decided in each for itself."""

from __future__ import annotations

from typing import Final

import numpy as np

from marketplace.solver.problem import Flags, Integers
from marketplace.solver.ruling.linear import Reals
from marketplace.solver.ruling.reduction import Model
from marketplace.solver.ruling.restricted import Flow, Restricted
from marketplace.solver.ruling.rounding import Choice, Found, best_of

TRIALS: Final = 14
"""How many times contracts are closed on trial."""

TRIALS_WITH_ROWS: Final = 3
"""The same where each trial is two linear programs."""


def merged(model: Model, label: Integers, one: Found, other: Found) -> Found:
    """Return of each part the better of two plans; of equals the first."""
    better = _better(model, label, one.flow.loads, other.flow.loads)
    if not model.tail.size:
        return _joined(model, one, other, better[label])
    return other if model.better(other.worth, one.worth) else one


def closed_on_trial(inner: Restricted, label: Integers, found: Found) -> Found:
    """Close contracts that stand at their least or pay a fee for little, of each part many at once, then fewer."""
    model = inner.model
    count = int(label.max(initial=-1)) + 1
    share, active = np.ones(count), np.ones(count, dtype=np.bool_)
    of_contract = np.zeros(model.least.size, dtype=np.int64)
    of_contract[model.contract] = label
    for _ in range(TRIALS if inner.is_network else TRIALS_WITH_ROWS):
        trial = _candidates(model, found, of_contract, active, share)
        busy = np.zeros(count, dtype=np.bool_)
        busy[of_contract[trial]] = True
        active &= busy
        if not trial.size:
            break
        closed, opened, lower = found.choice.closed.copy(), found.choice.opened.copy(), found.choice.lower.copy()
        closed[trial], opened[trial] = True, False
        lower[np.isin(model.contract, trial)] = 0
        other = best_of(inner, Choice(opened, closed, lower), active[label])
        if other is None:
            better = np.zeros(count, dtype=np.bool_)
        elif model.tail.size:
            better = np.array([model.better(other.worth, found.worth)])
        else:
            better = _better(model, label, found.flow.loads, other.flow.loads) & active
        if other is not None and better.any():
            found = other if better.all() and model.tail.size else _joined(model, found, other, better[label])
        tried = np.bincount(of_contract[trial], minlength=count)
        active &= better | (tried > 1)
        share = np.where(better, share, share / 3)
    return found


def _candidates(model: Model, found: Found, of_contract: Integers, active: Flags, share: Reals) -> Integers:
    """Return the contracts to close, in each active part its share of those with the least beyond their least."""
    held = model.held(found.flow.loads)
    idle = (found.choice.opened | (model.least <= 1)) & ((held == model.least) | (model.fee > 0)) & (held > 0)
    order = np.flatnonzero(idle & ~model.due & active[of_contract])
    if not order.size:
        return order
    order = order[np.argsort((held - model.least)[order], kind="stable")]
    arcs: dict[int, list[int]] = {}
    for arc in np.flatnonzero(np.isin(model.contract, order)).tolist():
        arcs.setdefault(int(model.contract[arc]), []).append(arc)
    lots, lines, apart = set[int](), set[int](), list[int]()
    for k in order.tolist():
        own, others = set(model.lot[arcs[k]].tolist()), set(model.line[arcs[k]].tolist())
        if not (own & lots or others & lines):
            lots |= own
            lines |= others
            apart.append(k)
    chosen = np.array(apart)
    part = of_contract[chosen]
    rank = np.zeros(chosen.size, dtype=np.int64)
    seen: dict[int, int] = {}
    for at, each in enumerate(part.tolist()):
        rank[at] = seen[each] = seen.get(each, -1) + 1
    many = np.bincount(part, minlength=share.size)
    first: Integers = chosen[rank < np.maximum(1, (many * share).astype(np.int64))[part]]
    return first


def _better(model: Model, label: Integers, one: Integers, other: Integers) -> Flags:
    """Return in which parts the other plan is better."""
    worths = [_worths(model, label, loads) for loads in (one, other)]
    return np.array([model.better(b, a) for a, b in zip(*worths, strict=True)], dtype=np.bool_)


def _worths(model: Model, label: Integers, loads: Integers) -> list[tuple[int, int]]:
    count = int(label.max(initial=-1)) + 1
    moved, cost = [0] * count, [0] * count
    used = np.flatnonzero(loads)
    for part, mass, rate in zip(label[used].tolist(), loads[used].tolist(), model.cost[used].tolist(), strict=True):
        moved[part] += mass
        cost[part] += mass * rate * model.load
    paid, first = np.unique(model.contract[used], return_index=True)
    for k, at in zip(paid.tolist(), used[first].tolist(), strict=True):
        cost[label[at]] += 0 if model.due[k] else int(model.fee[k])
    return list(zip(moved, cost, strict=True))


def _joined(model: Model, one: Found, other: Found, from_other: Flags) -> Found:
    """Return one plan, but on some arcs, which are whole parts, the other."""
    of_contract = np.zeros(model.least.size, dtype=np.bool_)
    of_contract[model.contract[from_other]] = True
    choice = Choice(
        np.where(of_contract, other.choice.opened, one.choice.opened),
        np.where(of_contract, other.choice.closed, one.choice.closed),
        np.where(from_other, other.choice.lower, one.choice.lower),
    )
    loads = np.where(from_other, other.flow.loads, one.flow.loads)
    return Found(Flow(loads, one.flow.kept), choice, model.worth(loads, one.flow.kept))
