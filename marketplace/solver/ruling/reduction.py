"""Pins and truckloads taken off before solving and put back after: exact, and what is left is a plain network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.solver.graph import sums
from marketplace.solver.problem import Flags, Integers, Problem, SolverFailed
from marketplace.solver.ruling.rules import Rules

_WIDE: Final = 2**62
"""What a row may count at most, either sign, so that a limit less that is within 64 bits."""


@dataclass(frozen=True, eq=False)
class Model:
    r"""
    A problem with rules, in loads of ``load`` kilograms, without what is pinned.

    ``supply`` (n,), ``capacity`` (m,) and ``most`` (e,), the most an arc can carry at all, are loads; 0 where its contract
    could not reach its least. ``cost`` (e,) stays per tonne, so that a load along an arc costs :math:`c_e \cdot load`
    thousandths. ``contract`` (e,), ``least`` (k,) loads, ``fee`` (k,) thousandths, ``due`` (k,) whether the fee is
    due and the least waived, because something is pinned. ``row``, ``arc``, ``weight`` (z,), ``limit`` (r,): sum of weight times loads at most
    the limit. ``tail``, ``head``, ``keep``, ``keep_cost`` (s,): storage. ``surplus`` asks for the least cost alone.
    """

    supply: Integers
    capacity: Integers
    lot: Integers
    line: Integers
    cost: Integers
    most: Integers
    contract: Integers
    least: Integers
    fee: Integers
    due: Flags
    row: Integers
    arc: Integers
    weight: Integers
    limit: Integers
    tail: Integers
    head: Integers
    keep: Integers
    keep_cost: Integers
    load: int
    surplus: bool

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """How many lots, lines, arcs and contracts."""
        return self.supply.size, self.capacity.size, self.lot.size, self.least.size

    def held(self, loads: Integers) -> Integers:
        """Return the loads of each contract, (k,)."""
        return sums(self.contract, loads, self.least.size)

    def weighed(self, loads: Integers) -> Integers:
        """Return what each row counts of a plan, (r,)."""
        return _weighed(self.row, self.weight * loads[self.arc], self.limit.size)

    def left(self, loads: Integers) -> tuple[Integers, Integers]:
        """Return supply and capacity less what the arcs carry; below zero where storage must bring it."""
        n, m, _, _ = self.shape
        return self.supply - sums(self.lot, loads, n), self.capacity - sums(self.line, loads, m)

    def worth(self, loads: Integers, kept: Integers | None = None) -> tuple[int, int]:
        """Return loads moved and their cost in thousandths with fees, pins apart; exact."""
        used = np.flatnonzero(loads)
        cost = sum(c * x for c, x in zip(self.cost[used].tolist(), loads[used].tolist(), strict=True)) * self.load
        cost += sum(self.fee[(self.held(loads) > 0) & ~self.due].tolist())
        if kept is not None:
            cost += sum(c * x for c, x in zip(self.keep_cost.tolist(), kept.tolist(), strict=True)) * self.load
        return int(loads.sum()), cost

    def better(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        """Return whether a plan of these loads and cost is better than another."""
        if self.surplus:
            return one[1] < other[1]
        return (one[0], -one[1]) > (other[0], -other[1])


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a model that nothing joins to the rest, and where it stands in the whole."""

    model: Model
    lots: Integers
    lines: Integers
    arcs: Integers
    rows: Integers
    storage: Integers


def reduced(problem: Problem, rules: Rules) -> Model:
    """
    Return the model without pins, in loads.

    Raises SolverFailed if what is pinned is more than there is: no plan keeps it; or if a row may count beyond 64 bits.
    """
    n, m, _ = problem.shape
    load = rules.truckload_kg
    pinned = pinned_loads(rules)
    tail, head, keep, keep_cost = storage(problem)
    supply = problem.supply // load - sums(problem.lot, pinned, n)
    capacity = problem.capacity // load - sums(problem.line, pinned, m)
    if not tail.size and ((supply.size and supply.min() < 0) or (capacity.size and capacity.min() < 0)):
        raise SolverFailed("more is pinned than a lot has or a line takes")
    within = Rules.none(problem) if not rules.most.size else rules
    moved = min(int(problem.supply.sum()), int(problem.capacity.sum()))
    if moved * int(np.abs(within.weight).max(initial=0)) > _WIDE:
        raise SolverFailed("a row may count beyond 64 bits: its weights are too great for so many kilograms")
    taken = _weighed(within.row, within.weight * pinned[within.arc] * load, within.most.size)
    due = sums(rules.contract, pinned, rules.least_kg.size) > 0
    limit = (np.clip(within.most, -_WIDE, _WIDE) - taken) // load
    return _narrowed(
        Model(
            supply=supply,
            capacity=capacity,
            lot=problem.lot,
            line=problem.line,
            cost=problem.cost,
            most=_reach(problem, supply, capacity, tail, head),
            contract=rules.contract,
            least=np.where(due, 0, -(-rules.least_kg // load)),
            fee=rules.fee * 1000,
            due=due,
            row=within.row,
            arc=within.arc,
            weight=within.weight,
            limit=limit,
            tail=tail,
            head=head,
            keep=keep // load,
            keep_cost=keep_cost,
            load=load,
            surplus=problem.objective == "surplus",
        )
    )


def pinned_loads(rules: Rules) -> Integers:
    """Return what is pinned, (e,), in whole truckloads, rounded up."""
    return -(-rules.pinned_kg // rules.truckload_kg)


def storage(problem: Problem) -> tuple[Integers, Integers, Integers, Integers]:
    """Return tail, head, most kilograms and cost of the storage arcs."""
    carry = problem.carry
    return carry.tail, carry.head, carry.most_kg, carry.cost


def without_storage(model: Model, dropped: Flags, lower: Integers) -> Model:
    """Return the model without some storage, and where that had brought or taken what is pinned, with just enough of it."""
    if not dropped.any():
        return model
    n, m, _, _ = model.shape
    joined = np.zeros(n + m, dtype=np.bool_)
    joined[model.tail[dropped]] = joined[model.head[dropped]] = True
    own = np.concatenate([sums(model.lot, lower, n), sums(model.line, lower, m)])
    both = np.concatenate([model.supply, model.capacity])
    have = np.where(joined, np.maximum(both, own), both)
    return replace(
        model,
        supply=have[:n],
        capacity=have[n:],
        tail=model.tail[~dropped],
        head=model.head[~dropped],
        keep=model.keep[~dropped],
        keep_cost=model.keep_cost[~dropped],
    )


def parts(model: Model, chosen: Flags | None = None) -> Iterator[Part]:
    """
    Yield the parts that have an arc, in order of their first arc; only those that touch a ``chosen`` arc, if given.

    A part in which storage must bring what is pinned always comes too.
    """
    label = labels(model)
    n, m, _, _ = model.shape
    usable = np.flatnonzero(model.most > 0)
    own = np.where(model.most > 0, label[model.lot], -1)
    wanted = {*own[usable if chosen is None else np.flatnonzero(chosen & (model.most > 0))].tolist()}
    wanted |= {*label[np.flatnonzero(np.concatenate([model.supply, model.capacity]) < 0)].tolist()}
    first = dict(zip(own[usable[::-1]].tolist(), usable[::-1].tolist(), strict=True))
    of_row = np.full(model.limit.size, -1)
    entries = np.flatnonzero(model.most[model.arc] > 0)
    of_row[model.row[entries]] = own[model.arc[entries]]
    of_storage = label[model.tail]
    by = [_grouped(each) for each in (label[:n], label[n : n + m], own, of_row, of_storage)]
    for part in sorted(wanted, key=lambda part: (first.get(part, own.size), part)):
        at = [places.get(part, np.zeros(0, dtype=np.int64)) for places in by]
        yield Part(inside(model, *at), *at)


def labels(model: Model) -> Integers:
    """Return which part each lot and line belongs to, (n + m,): arcs that may be used, storage, contracts and rows join."""
    n, m, _, k = model.shape
    nodes = n + m
    arcs = np.flatnonzero(model.most > 0)
    entries = np.flatnonzero(model.most[model.arc] > 0)
    tail = [model.lot[arcs], model.tail, model.lot[model.arc[entries]]]
    head = [n + model.line[arcs], model.head, nodes + model.row[entries]]
    contracts = arcs.size and np.bincount(model.contract[arcs]).max() > 1
    if contracts:
        tail.append(model.lot[arcs])
        head.append(nodes + model.limit.size + model.contract[arcs])
    begin, end = np.concatenate(tail), np.concatenate(head)
    size = nodes + model.limit.size + (k if contracts else 0)
    graph = coo_array((np.ones(begin.size, dtype=np.int8), (begin, end)), shape=(size, size)).tocsr()
    return np.asarray(connected_components(graph, directed=False)[1][:nodes], dtype=np.int64)


def inside(model: Model, lots: Integers, lines: Integers, arcs: Integers, rows: Integers, stored: Integers) -> Model:
    """Return the model of some lots, lines, arcs, rows and storage, each ascending, which nothing joins to the rest."""
    contracts, contract = np.unique(model.contract[arcs], return_inverse=True)
    n = model.supply.size
    entries = _entries(model, rows)
    nodes = np.concatenate([lots, lines + n])
    return replace(
        model,
        supply=model.supply[lots],
        capacity=model.capacity[lines],
        lot=np.searchsorted(lots, model.lot[arcs]),
        line=np.searchsorted(lines, model.line[arcs]),
        cost=model.cost[arcs],
        most=model.most[arcs],
        contract=contract.astype(np.int64),
        least=model.least[contracts],
        fee=model.fee[contracts],
        due=model.due[contracts],
        row=np.searchsorted(rows, model.row[entries]),
        arc=np.searchsorted(arcs, model.arc[entries]),
        weight=model.weight[entries],
        limit=model.limit[rows],
        tail=np.searchsorted(nodes, model.tail[stored]),
        head=np.searchsorted(nodes, model.head[stored]),
        keep=model.keep[stored],
        keep_cost=model.keep_cost[stored],
    )


def _entries(model: Model, rows: Integers) -> Integers:
    """Return where the entries of some rows stand that an arc which may be used has; a model's are sorted by row."""
    begin, end = np.searchsorted(model.row, rows), np.searchsorted(model.row, rows, side="right")
    size = end - begin
    found = np.arange(size.sum()) + np.repeat(begin - np.cumsum(size) + size, size)
    usable: Integers = found[model.most[model.arc[found]] > 0]
    return usable


def _reach(problem: Problem, supply: Integers, capacity: Integers, tail: Integers, head: Integers) -> Integers:
    """Return the most that an arc could carry: the lesser of what lot and line could have, storage counted."""
    n, m, _ = problem.shape
    have = np.concatenate([supply, capacity])
    if tail.size:
        graph = coo_array((np.ones(tail.size, dtype=np.int8), (tail, head)), shape=(n + m, n + m)).tocsr()
        _, joined = connected_components(graph, directed=False)
        have = np.maximum(0, sums(joined.astype(np.int64), have, int(joined.max()) + 1))[joined]
    most: Integers = np.minimum(have[:n][problem.lot], have[n:][problem.line])
    return most


def _weighed(row: Integers, counted: Integers, size: int) -> Integers:
    """Return the sum of each row, (size,), in whole numbers: weights bring it beyond what a double holds."""
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, row, counted)
    return total


def _narrowed(model: Model) -> Model:
    """Lower ``most`` to what the rows leave, and to nothing where a contract could never reach its least."""
    most = model.most.copy()
    lowest = np.zeros(model.limit.size, dtype=np.int64)
    np.minimum.at(lowest, model.row, model.weight)
    plain = (lowest[model.row] >= 0) & (model.weight > 0)
    np.minimum.at(most, model.arc[plain], np.maximum(0, model.limit[model.row[plain]]) // model.weight[plain])
    while True:
        could = sums(model.contract, most, model.least.size)
        closed = (model.least > could)[model.contract] & (most > 0)
        if not closed.any():
            return replace(model, most=most)
        most[closed] = 0


def _grouped(label: Integers) -> dict[int, Integers]:
    if not label.size:
        return {}
    order = np.argsort(label, kind="stable").astype(np.int64)
    values, begin = np.unique(label[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, begin[1:]), strict=True))
