r"""
From the relaxation to a plan in which every contract is nothing or at least its least, and few pay a fee.

A dive: the relaxation is solved, contracts that reach their least are opened, which pins their least for good, and of
those that do not the fullest are opened too where there is room, the emptiest closed, a few of each lot and line at
once; then again, until nothing is small. What is opened can no longer fall below its least, so that closing one contract
does not bring down the next, as it does where small contracts are only dropped. Fees are spread over what a contract
carried last (slope scaling [1]_). Then contracts are closed on trial where that is better.

References
----------
.. [1] D. Kim and P. M. Pardalos (1999), A solution approach to the fixed charge network flow problem using a dynamic
   slope scaling procedure, :doi:`10.1016/S0167-6377(99)00004-8`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.solver.graph import sums
from marketplace.solver.problem import MOST_COST, Ended, Flags, Integers, SolverFailed
from marketplace.solver.ruling.bounds import shares
from marketplace.solver.ruling.reduction import Model
from marketplace.solver.ruling.restricted import Flow, Restricted

PASSES: Final = 60
"""After so many, all that is small is closed at once."""

IDLE: Final = 8
"""After so many passes in which no contract was opened a dive ends."""

PASSES_WITH_ROWS: Final = 8
"""The same where each pass is a linear program, which takes far longer than a network."""


@dataclass(frozen=True, eq=False)
class Choice:
    """Which contracts are open, (k,), and with how much on each arc, (e,); which are closed, (k,)."""

    opened: Flags
    closed: Flags
    lower: Integers


@dataclass(frozen=True, eq=False)
class Found:
    """A plan that keeps every rule, the choice it is the best plan of, and what it is worth (loads, thousandths)."""

    flow: Flow
    choice: Choice
    worth: tuple[int, int]


def dive(inner: Restricted, label: Integers, *, within: Flags, promote: float = 0.5) -> tuple[Found, Integers]:
    """
    Return a plan found by opening and closing contracts on the arcs ``within`` (e,), and the loads (e,) of the relaxation.

    ``promote`` is how full a contract must be to be opened. ``label`` (e,) numbers the parts of the model, which are solved
    together but only while something in them is small.
    """
    found = _Dive(inner, label, promote, within)
    return found.run(), found.relaxed


def chosen(inner: Restricted, opened: Flags, loads: Integers) -> Found | None:
    """
    Return the best plan of exactly these contracts, with their least pinned as ``loads`` (e,) have it.

    None if they do not fit; no worse than a plan of these loads, where that is one.
    """
    model = inner.model
    choice = Choice(opened.copy(), ~opened & ~model.due, np.zeros(model.lot.size, dtype=np.int64))
    left, room = model.left(choice.lower)
    by = _by_contract(model)
    for k in np.flatnonzero(opened & (model.least > 1)).tolist():
        pinned = _least_of(model, by[k], int(model.least[k]), loads[by[k]], left, room)
        if pinned is None:
            return None
        choice.lower[by[k]] = pinned
        np.subtract.at(left, model.lot[by[k]], pinned)
        np.subtract.at(room, model.line[by[k]], pinned)
    return best_of(inner, choice)


def best_of(inner: Restricted, choice: Choice, within: Flags | None = None) -> Found | None:
    """Return the best plan of a choice, on the arcs ``within``; None if there is none, or a contract is below its least."""
    model = inner.model
    allowed = ~choice.closed[model.contract] & (choice.opened | (model.least <= 1))[model.contract]
    try:
        flow = inner.solve(allowed if within is None else allowed & within, choice.lower, model.cost)
    except Ended:
        raise
    except SolverFailed:
        return None
    held = model.held(flow.loads)
    if np.any((held > 0) & (held < model.least)):
        return None
    return Found(flow, choice, model.worth(flow.loads, flow.kept))


class _Dive:
    def __init__(self, inner: Restricted, label: Integers, promote: float, within: Flags) -> None:
        self.inner = inner
        self.model = model = inner.model
        self.label = label
        self.promote = promote
        _, _, e, k = model.shape
        self.opened, self.closed = np.zeros(k, dtype=np.bool_), np.zeros(k, dtype=np.bool_)
        self.lower = np.zeros(e, dtype=np.int64)
        self.whole = model.least > 1
        self.by = _by_contract(model)
        entry = np.argsort(model.arc, kind="stable").astype(np.int64)
        self.entries = np.split(entry, np.cumsum(np.bincount(model.arc, minlength=e))[:-1]) if entry.size else []
        self.cost = shares(model)
        self.active = self.within = within
        self.relaxed = np.zeros(e, dtype=np.int64)

    def run(self) -> Found:
        """Dive, and take the best plan of what is open in the end."""
        gentle = PASSES if self.inner.is_network else PASSES_WITH_ROWS
        idle = opened = 0
        for at in range(PASSES * 2):
            flow = self._pass()
            if not at:
                self.relaxed = flow.loads
            small = self._small(flow)
            if not small.size:
                break
            idle = 0 if int(self.opened.sum()) > opened else idle + 1
            if idle > IDLE:
                break  # what is small now is closed, and what it held goes where it may in the end
            opened = int(self.opened.sum())
            self._decide(flow, small, hurry=at >= gentle)
            busy = np.unique(self.label[np.isin(self.model.contract, small)])
            self.active = np.isin(self.label, busy)
        found = best_of(self.inner, Choice(self.opened, self.closed, self.lower), self.within)
        if found is None:
            raise SolverFailed("what was opened does not fit together")
        return found

    def _pass(self) -> Flow:
        model = self.model
        if self.inner.is_network:
            left, room = model.left(self.lower)
            could = sums(model.contract, np.minimum(left[model.lot], room[model.line]), model.least.size)
            open_now = ~self.closed & (self.opened | (could >= model.least))
        else:
            open_now = ~self.closed
        flow = self.inner.solve(open_now[model.contract] & self.active, self.lower, self.cost, quick=True)
        held = model.held(np.where(self.active, flow.loads, 0))
        used = (held > 0) & (model.fee > 0) & ~model.due
        if used.any():
            share = np.where(used, model.fee // np.maximum(1, held * model.load), 0)[model.contract]
            spread = np.minimum(MOST_COST, model.cost + np.minimum(share, 10**8))
            self.cost = np.where(used[model.contract], spread, self.cost)
        for k in np.flatnonzero(self.whole & ~self.opened & (held >= model.least) & (held > 0)).tolist():
            self._open(k, flow.loads)
        return flow

    def _small(self, flow: Flow) -> Integers:
        held = self.model.held(flow.loads)
        small = np.flatnonzero((held > 0) & (held < self.model.least))
        return small[np.argsort(held[small] / self.model.least[small], kind="stable")]

    def _open(self, k: int, loads: Integers) -> None:
        """Pin the least of a contract that the flow carries already."""
        arcs, missing = self.by[k], int(self.model.least[k])
        for arc in arcs:
            self.lower[arc] = min(int(loads[arc]), missing)
            missing -= int(self.lower[arc])
        self.opened[k] = True

    def _decide(self, flow: Flow, small: Integers, *, hurry: bool) -> None:
        """Open the fullest of the small contracts where they fit, and close the emptiest, one for each lot and line."""
        model = self.model
        held = model.held(flow.loads)
        left, room = model.left(self.lower)
        slack = model.limit - model.weighed(self.lower)
        if not hurry and not model.tail.size:
            for k in small[::-1].tolist():
                if held[k] < self.promote * model.least[k]:
                    break
                self._promote(k, flow.loads, left, room, slack)
        lots, lines = set[int](), set[int]()
        for k in small.tolist():
            arcs = self.by[k]
            own, others = set(model.lot[arcs].tolist()), set(model.line[arcs].tolist())
            if self.opened[k] or (not hurry and (own & lots or others & lines)):
                continue
            lots |= own
            lines |= others
            self.closed[k] = True

    def _promote(self, k: int, loads: Integers, left: Integers, room: Integers, slack: Integers) -> None:
        model, arcs = self.model, self.by[k]
        pinned = _least_of(model, arcs, int(model.least[k]), loads[arcs], left, room)
        if pinned is None:
            return
        if slack.size:
            entries = np.concatenate([self.entries[arc] for arc in arcs])
            times = np.repeat(pinned, [self.entries[arc].size for arc in arcs])
            rows, place = np.unique(model.row[entries], return_inverse=True)
            after = slack[rows] - sums(place, model.weight[entries] * times, rows.size)
            if np.any(after < 0):
                return
            slack[rows] = after
        self.lower[arcs] = pinned
        self.opened[k] = True
        np.subtract.at(left, model.lot[arcs], pinned)
        np.subtract.at(room, model.line[arcs], pinned)


def _least_of(
    model: Model, arcs: Integers, least: int, loads: Integers, left: Integers, room: Integers
) -> Integers | None:
    """Return a least of a contract spread over its arcs, first as it flows, then as it fits; None if it does not fit."""
    pinned = np.zeros(len(arcs), dtype=np.int64)
    missing = least
    own_left = {int(i): int(left[i]) for i in model.lot[arcs]}
    own_room = {int(j): int(room[j]) for j in model.line[arcs]}
    for wanted in (loads, model.most[arcs]):
        for at, arc in enumerate(arcs.tolist()):
            i, j = int(model.lot[arc]), int(model.line[arc])
            kg = min(missing, int(wanted[at]) - int(pinned[at]), own_left[i], own_room[j])
            if kg > 0:
                pinned[at] += kg
                own_left[i] -= kg
                own_room[j] -= kg
                missing -= kg
    return None if missing else pinned


def _by_contract(model: Model) -> list[Integers]:
    order = np.argsort(model.contract, kind="stable").astype(np.int64)
    return np.split(order, np.cumsum(np.bincount(model.contract, minlength=model.least.size))[:-1])
