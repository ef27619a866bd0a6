"""One thing otherwise: a problem with a lot, a line or a pair more or less, and where each of its arcs was before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from marketplace.solver.problem import MOST_COST, MOST_KG, Integers, Problem


@dataclass(frozen=True)
class Edit:
    """
    What is otherwise in a problem, whose lots and lines keep their numbers.

    ``supply`` and ``room`` are kg by lot and by line; a number just past the last one is a new lot or line. ``closed`` are
    pairs (lot, line) that go, ``opened`` pairs with a cost per tonne that come; a pair in both has another cost.
    """

    supply: Mapping[int, int] = field(default_factory=dict)
    room: Mapping[int, int] = field(default_factory=dict)
    opened: tuple[tuple[int, int, int], ...] = ()
    closed: tuple[tuple[int, int], ...] = ()


def lot_more(problem: Problem, kg: int, lines: Sequence[int], costs: Sequence[int], at: int | None = None) -> Edit:
    """
    Return one lot more, which may go to these lines: in place ``at``, which has no pairs, or after the last.

    A place that was kept free costs nothing to fill; one after the last moves the ranks by which ties are broken.
    """
    place = problem.supply.size if at is None else at
    return Edit(supply={place: kg}, opened=tuple((place, j, c) for j, c in zip(lines, costs, strict=True)))


def lot_less(problem: Problem, at: int) -> Edit:
    """Return one lot less; its place stays, with nothing to offer and nowhere to go."""
    begin, end = np.searchsorted(problem.lot, [at, at + 1])
    return Edit(supply={at: 0}, closed=tuple((at, j) for j in problem.line[begin:end].tolist()))


def line_more(problem: Problem, kg: int, lots: Sequence[int], costs: Sequence[int], at: int | None = None) -> Edit:
    """Return one line more, which may take from these lots: in place ``at``, which has no pairs, or after the last."""
    place = problem.capacity.size if at is None else at
    return Edit(room={place: kg}, opened=tuple((i, place, c) for i, c in zip(lots, costs, strict=True)))


def line_less(problem: Problem, at: int) -> Edit:
    """Return one line less; its place stays, with no room."""
    lots = problem.lot[problem.line == at].tolist()
    return Edit(room={at: 0}, closed=tuple((i, at) for i in lots))


def more_supply(problem: Problem, at: int, kg: int) -> Edit:
    """Return so much more of a lot, or less; raises ValueError in `edited` if that is below nothing."""
    return Edit(supply={at: int(problem.supply[at]) + kg})


def more_room(problem: Problem, at: int, kg: int) -> Edit:
    """Return so much more room of a line, or less."""
    return Edit(room={at: int(problem.capacity[at]) + kg})


def pair_closed(lot: int, line: int) -> Edit:
    """Return one contract declined."""
    return Edit(closed=((lot, line),))


def pair_opened(lot: int, line: int, cost: int) -> Edit:
    """Return one pair more."""
    return Edit(opened=((lot, line, cost),))


def edited(problem: Problem, edit: Edit) -> tuple[Problem, Integers]:
    """
    Return the problem with the edit, and (e',) which arc of the old one each arc was, -1 where it is new.

    Raises ValueError if the edit is about a lot, a line or a pair that there is not, or is one already, or is no problem.
    """
    supply, capacity = _masses(problem.supply, edit.supply), _masses(problem.capacity, edit.room)
    n, m = supply.size, capacity.size
    origin = np.arange(problem.lot.size)
    gone = sorted({_place(problem, i, j, known=True) for i, j in edit.closed})
    lot, line, cost = problem.lot, problem.line, problem.cost
    if gone:
        origin = np.delete(origin, gone)
        lot, line, cost = lot[origin], line[origin], cost[origin]
    if edit.opened:
        kept = replace(problem, lot=lot, line=line, cost=cost)
        opened = sorted(edit.opened)
        _must_be_pairs(opened, n, m)
        places = [_place(kept, i, j, known=False) for i, j, _ in opened]
        new = np.array(opened, dtype=np.int64)
        lot, line, cost = (_put(old, places, new[:, k]) for k, old in enumerate((lot, line, cost)))
        origin = _put(origin, places, np.full(len(places), -1))
    for array in (lot, line, cost):
        array.flags.writeable = False
    carry = problem.carry
    if n > problem.supply.size and carry.tail.size:
        tail, head = (_renumbered(each, problem, n) for each in (carry.tail, carry.head))
        carry = replace(carry, tail=tail, head=head)
    contract = None if problem.contract is None else _contracts(problem.contract, origin)
    return Problem(supply, capacity, lot, line, cost, problem.objective, carry, contract, problem.fewest), origin


def _contracts(old: Integers, origin: Integers) -> Integers:
    """Return the contract of each arc (e',): the one that it had, and one of its own for each that is new."""
    new = np.flatnonzero(origin < 0)
    found = np.zeros(origin.size, dtype=np.int64)
    found[origin >= 0] = old[origin[origin >= 0]]
    found[new] = np.arange(new.size) + 1 + old.max(initial=-1)
    found.flags.writeable = False
    return found


def _masses(old: Integers, given: Mapping[int, int]) -> Integers:
    if not given:
        return old
    size = max(old.size, 1 + max(given))
    if min(given) < 0 or not set(range(old.size, size)) <= set(given):
        raise ValueError("a new lot or line stands just after the last")
    masses = np.zeros(size, dtype=np.int64)
    masses[: old.size] = old
    for place, kg in given.items():
        if not 0 <= kg <= MOST_KG:
            raise ValueError("kilograms are zero or more, and within the limits of a problem")
        masses[place] = kg
    if int(masses.sum(dtype=np.float64)) > MOST_KG:
        raise ValueError(f"kilograms add up to more than {MOST_KG}")
    masses.flags.writeable = False
    return masses


def _must_be_pairs(opened: list[tuple[int, int, int]], n: int, m: int) -> None:
    if len({pair[:2] for pair in opened}) < len(opened):
        raise ValueError("a pair is opened twice")
    for i, j, cost in opened:
        if not (0 <= i < n and 0 <= j < m):
            raise ValueError("a pair begins at no lot or ends at no line")
        if abs(cost) > MOST_COST:
            raise ValueError(f"a cost is beyond {MOST_COST} per tonne")


def _place(problem: Problem, i: int, j: int, *, known: bool) -> int:
    """Return where the pair stands among the arcs, or would."""
    begin, end = np.searchsorted(problem.lot, [i, i + 1])
    place = int(begin + np.searchsorted(problem.line[begin:end], j))
    if (place < end and problem.line[place] == j) != known:
        raise ValueError(f"the pair of lot {i} and line {j} is {'not open' if known else 'open already'}")
    return place


def _put(old: Integers, places: Iterable[int], new: Integers) -> Integers:
    at = np.fromiter(places, dtype=np.int64)
    if at.size and at[0] == old.size:  # a new last lot: no search for where each goes
        return np.concatenate([old, new])
    return np.insert(old, at, new)


def _renumbered(nodes: Integers, problem: Problem, n: int) -> Integers:
    """Return node numbers after lots have come: lines stand after the lots."""
    before = problem.supply.size
    return np.where(nodes < before, nodes, nodes + n - before)
