"""A model of which some contracts are closed and some arcs carry at least so much: what the search solves again and again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from marketplace.solver.engines import Engine, Progress
from marketplace.solver.graph import sums
from marketplace.solver.problem import Allocation, Carry, Flags, Integers, Problem, SolverFailed
from marketplace.solver.ruling.linear import Linear, Point, Reals
from marketplace.solver.ruling.nested import Nest, Posed, nest, posed
from marketplace.solver.ruling.reduction import Model
from marketplace.solver.ruling.waiting import in_chains, waiting

_ALMOST: Final = 1e-6
"""What may be missing of a whole load and is still taken for one."""

_REPAIRS: Final = 1000
"""How often rows are gone through to take out what rounding has put beyond one."""


@dataclass(frozen=True, eq=False)
class Flow:
    """
    Whole ``loads`` (e,) and ``kept`` (s,).

    A network's flow comes with the problem solved, over the arcs ``over`` and without ``lower``, and its allocation.
    """

    loads: Integers
    kept: Integers
    problem: Problem | None = None
    allocation: Allocation | None = None
    over: Integers | None = None


class Restricted:
    """Solves one model under bounds: by an engine where it is a network, else by linear programs."""

    def __init__(self, model: Model, engine: Engine) -> None:
        self.model = model
        self.engine = engine
        self.nested = nest(model) if model.limit.size and not model.tail.size else None
        self._dearest: dict[int, list[int]] = {}
        self.is_network = not model.tail.size and (self.nested is None or not self.nested.rest.size)
        self.in_chains = not model.limit.size and in_chains(model)

    @cached_property
    def linear(self) -> Linear:
        """The same model for HiGHS."""
        return Linear(self.model)

    def solve(self, allowed: Flags, lower: Integers, cost: Integers, *, quick: bool = False) -> Flow:
        """
        Return the best whole flow that HiGHS or the engine finds over the arcs ``allowed``, ``lower`` at least on each.

        A network is solved exactly. With rows the tonnes come first but for ``quick`` looks, where they only weigh more; the vertex is rounded down to whole loads and what can be is put back.
        Raises SolverFailed if the lower bounds cannot be kept.
        """
        if self.is_network and self.nested is not None:
            return through_rows(self.model, self.nested, self.engine, allowed, lower, cost)[0]
        if self.is_network or self.in_chains:
            return network(self.model, self.engine, allowed, lower, cost, compact=True)
        program = self.linear.rewarded if quick else self.linear.lexicographic
        found = program(allowed, lower, cost.astype(float))
        loads = np.maximum(lower, np.floor(found.loads + _ALMOST).astype(np.int64))
        if self.model.limit.size:
            self._keep_rows(loads, lower)
            if not quick and found.loads.sum() - loads.sum() > loads.size and (self.model.weight < 0).any():
                loads, found = self._apart(allowed, loads, lower, cost) or (loads, found)
        kept = self._stored(loads, found.kept)
        self.top_up(loads, kept, allowed, cost)
        return Flow(loads, kept)

    def _keep_rows(self, loads: Integers, lower: Integers) -> None:
        """
        Take from a row that rounding has exceeded what it exceeds by, from its dearest arcs first.

        What is taken may be what balances another row with weights below zero: then that is next. Loads only become fewer.
        """
        model = self.model
        for _ in range(_REPAIRS):
            over = model.weighed(loads) - model.limit
            if not (over > 0).any():
                return
            moved = int(loads.sum())
            for row in np.flatnonzero(over > 0).tolist():
                excess = int(over[row])
                for at in self._dearest_of(row):
                    arc, weight = int(model.arc[at]), int(model.weight[at])
                    less = min(int(loads[arc] - lower[arc]), -(-excess // weight))
                    if less > 0:
                        loads[arc] -= less
                        excess -= less * weight
                    if excess <= 0:
                        break
            if int(loads.sum()) == moved:
                break
        raise SolverFailed("the rows leave no whole plan near the relaxation")

    def _dearest_of(self, row: int) -> list[int]:
        """Return the entries of a row with weights above zero: those first that balance other rows least, then the greatest."""
        if row not in self._dearest:
            model = self.model
            entries = np.flatnonzero((model.row == row) & (model.weight > 0))
            weight = model.weight[entries]
            order = np.lexsort((-weight, self._balances[model.arc[entries]] / weight))
            self._dearest[row] = entries[order].tolist()
        return self._dearest[row]

    @cached_property
    def _balances(self) -> Integers:
        """How much a load along each arc takes off rows in which its weight is below zero, (e,)."""
        model = self.model
        return sums(model.arc, -np.minimum(model.weight, 0), model.lot.size)

    def _apart(self, allowed: Flags, loads: Integers, lower: Integers, cost: Integers) -> tuple[Integers, Point] | None:
        """
        Return better loads, for where mending the rows has cost more than rounding does; None if none are found.

        Rows with weights below zero are kept so far from their limits that rounding down cannot bring a plan beyond them.
        """
        try:
            found = self._tighter.lexicographic(allowed, lower, cost.astype(float))
            again = np.maximum(lower, np.floor(found.loads + _ALMOST).astype(np.int64))
            self._keep_rows(again, lower)
        except SolverFailed:
            return None
        less = loads - again
        better = float(cost @ less) > 0 if self.model.surplus else int(less.sum()) < 0
        return (again, found) if better else None

    @cached_property
    def _tighter(self) -> Linear:
        """The same model with the rows so much tighter as rounding down may loosen them."""
        model = self.model
        loose = sums(model.row, -np.minimum(model.weight, 0), model.limit.size)
        return Linear(replace(model, limit=model.limit - loose))

    def _stored(self, loads: Integers, kept: Reals) -> Integers:
        """Return whole storage under these loads: near what HiGHS found if that fits, else found again."""
        model = self.model
        if not model.tail.size:
            return np.zeros(0, dtype=np.int64)
        near = np.rint(kept).astype(np.int64)
        if self._fits(loads, near):
            return near
        only = self.linear.cheapest(np.zeros(loads.size, dtype=np.bool_), loads, np.zeros(loads.size))
        near = np.rint(only.kept).astype(np.int64)  # the loads are whole now, and so is every vertex
        if not self._fits(loads, near):
            raise SolverFailed("what is stored did not come out whole")
        return near

    def _fits(self, loads: Integers, kept: Integers) -> bool:
        return bool(
            min(int(each.min(initial=0)) for each in _left(self.model, loads, kept)) >= 0
            and np.all((kept >= 0) & (kept <= self.model.keep))
        )

    def top_up(self, loads: Integers, kept: Integers, allowed: Flags, cost: Integers) -> None:
        """Put on the cheapest arcs first what supply, room and rows still leave; at most some loads a row."""
        model = self.model
        left, room = _left(model, loads, kept)
        slack = model.limit - model.weighed(loads)
        entries: dict[int, list[tuple[int, int]]] = {}
        for row, arc, weight in zip(model.row.tolist(), model.arc.tolist(), model.weight.tolist(), strict=True):
            entries.setdefault(arc, []).append((row, weight))
        could = np.minimum(np.minimum(left[model.lot], room[model.line]), model.most - loads)
        arcs = np.flatnonzero(allowed & (could > 0) & ((cost < 0) | (not model.surplus)))
        for arc in arcs[np.argsort(cost[arcs], kind="stable")].tolist():
            i, j = model.lot[arc], model.line[arc]
            more = int(min(left[i], room[j], model.most[arc] - loads[arc]))
            for row, weight in entries.get(arc, ()):
                if weight > 0:
                    more = min(more, int(slack[row]) // weight)
            if more <= 0:
                continue
            loads[arc] += more
            left[i] -= more
            room[j] -= more
            for row, weight in entries.get(arc, ()):
                slack[row] -= weight * more


def network(
    model: Model,
    engine: Engine,
    allowed: Flags,
    lower: Integers,
    cost: Integers,
    *,
    surplus: bool | None = None,
    compact: bool = False,
    final: bool = False,
    progress: Progress | None = None,
) -> Flow:
    """
    Return the exact flow of a model without rows, by taking the lower bounds off both sides.

    Where they take more than the own month has, storage must be `in_chains`. A ``compact`` problem leaves out the nodes
    that no open arc meets. Only a ``final`` plan is one of the fewest contracts: others are just weighed against each other.
    """
    left, room = model.left(lower)
    must = np.zeros(model.tail.size, dtype=np.int64)
    if min(int(left.min(initial=0)), int(room.min(initial=0))) < 0:
        if not (model.tail.size and in_chains(model)):
            raise SolverFailed("a lot or a line is promised more than it has")
        of = waiting(model, lower)
        must, left, room = of.kept, of.left, of.room
    open_now = allowed & (model.most > 0)
    if not model.tail.size:
        open_now &= (left[model.lot] > 0) & (room[model.line] > 0)
    over = np.flatnonzero(open_now)
    lot, line = model.lot[over], model.line[over]
    if compact and not model.tail.size:
        lots, lot = np.unique(lot, return_inverse=True)
        lines, line = np.unique(line, return_inverse=True)
        left, room = left[lots], room[lines]
    loads = lower.copy()
    problem = Problem.of(
        supply=left,
        capacity=room,
        lot=lot,
        line=line,
        cost=cost[over],
        objective="surplus" if (model.surplus if surplus is None else surplus) else "utilization",
        carry=Carry.of(tail=model.tail, head=model.head, most_kg=model.keep - must, cost=model.keep_cost),
        contract=model.contract[over] if final else None,
        fewest=final,
    )
    allocation = engine(problem, progress=progress)
    loads[over] += allocation.kg
    return Flow(loads, allocation.carried + must, problem, allocation, over)


def through_rows(
    model: Model,
    nested: Nest,
    engine: Engine,
    allowed: Flags,
    lower: Integers,
    cost: Integers,
    *,
    surplus: bool | None = None,
) -> tuple[Flow, Posed, Allocation]:
    """Return the exact flow of a model without storage whose rows hang in trees, and the problem over these with its answer."""
    left, room = model.left(lower)
    if min(int(left.min(initial=0)), int(room.min(initial=0))) < 0:
        raise SolverFailed("a lot or a line is promised more than it has")
    allows = nested.allows(model, lower)
    over = np.flatnonzero(allowed & (model.most > 0) & (left[model.lot] > 0) & (room[model.line] > 0))
    of = posed(nested, left, room, allows, over)
    problem = Problem.of(
        supply=of.supply,
        capacity=of.capacity,
        lot=of.lot,
        line=of.line,
        cost=cost[over[of.order]],
        objective="surplus" if (model.surplus if surplus is None else surplus) else "utilization",
        carry=of.carry,
        fewest=False,
    )
    allocation = engine(problem)
    loads = lower.copy()
    loads[over[of.order]] += allocation.kg
    return Flow(loads, np.zeros(0, dtype=np.int64)), of, allocation


def _left(model: Model, loads: Integers, kept: Integers) -> tuple[Integers, Integers]:
    left, room = model.left(loads)
    n = left.size
    both = np.concatenate([left, room])
    sign = np.where(model.tail < n, 1, -1)
    np.subtract.at(both, model.tail, sign * kept)
    np.add.at(both, model.head, sign * kept)
    return both[:n], both[n:]
