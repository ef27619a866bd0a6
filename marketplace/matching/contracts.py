"""What joins arcs to contracts: least lots, filings and caps, kept by solving again without what breaks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.matching.assembly import Assembled, Pair
from marketplace.solver.components import labels
from marketplace.solver.engines import Engine, Progress
from marketplace.solver.problem import Allocation, Flags, Integers, Problem

GENTLE_PASSES: Final = 4
"""In the first passes a lot or line loses at most one small contract, so that what is freed can join another."""

Prove = Callable[[Problem, Allocation], None]
"""Raises SolverFailed unless the allocation is certified."""


@dataclass(frozen=True, eq=False)
class Cleared:
    """
    An allocation in which every contract holds its least lot, every filing its tonnes and every buyer its cap.

    ``kg`` (e,) by arc of the assembled problem; ``last`` and ``allocation`` are the problem solved last, over the arcs
    in ``open``; ``bound_kg`` is what the first solve moved, which nothing that keeps all these exceeds. ``too_small``
    are the pairs given up for their least lot, ``limited`` those kept from more by their filing or a cap: of neither
    could what is left on both sides be added as it stands.
    """

    kg: Integers
    last: Problem
    allocation: Allocation
    open: Flags
    bound_kg: int
    dropped_kg: int
    passes: int
    too_small: frozenset[Pair]
    limited: frozenset[Pair]


def allocate(assembled: Assembled, engine: Engine, prove: Prove, progress: Progress | None = None) -> Cleared:
    """
    Solve, and solve again, until no contract is below a least lot and no filing and no cap per buyer is exceeded.

    A filing or cap that is exceeded keeps its cheapest kilograms, which are fixed, and its arcs are closed. A contract over
    the whole window that is below the least lot of either side is dropped, the smallest first. What is then left on both
    sides of a closed pair is given to it after all if that makes a contract, the cheapest pair first. In between only
    the parts are solved in which something that moved was closed; the first answer and the last are of the whole, and
    proved. Each step closes arcs or fixes kilograms for good, so this ends; it is repeatable, and `Cleared.bound_kg`
    says what it may have cost.
    """
    return _Passes(assembled).run(engine, prove, progress)


class _Passes:
    def __init__(self, assembled: Assembled) -> None:
        self.assembled = assembled
        self.base = assembled.problem
        n, m, e = self.base.shape
        self.open = np.ones(e, dtype=np.bool_)
        self.fixed = np.zeros(e, dtype=np.int64)
        self.kg = np.zeros(e, dtype=np.int64)
        self.arcs_of: dict[Pair, list[int]] = {}
        for arc, (listing_id, line_id, _) in enumerate(assembled.arcs):
            self.arcs_of.setdefault((listing_id, line_id), []).append(arc)
        self.pairs = list(self.arcs_of)
        place = {pair: at for at, pair in enumerate(self.pairs)}
        self.pair_of = np.array([place[arc[:2]] for arc in assembled.arcs], dtype=np.int64)
        self.least = np.array([least_kg(assembled, pair) for pair in self.pairs], dtype=np.int64)
        self.groups = _limited(assembled)
        self.groups_of: dict[int, list[int]] = {}
        for at, group in enumerate(self.groups):
            for arc in group.arcs:
                self.groups_of.setdefault(arc, []).append(at)
        parts, label = labels(n, m, self.base.lot, self.base.line)
        self.part_of_lot, self.part_of_line = label[:n], label[n:]
        self.everything = np.ones(parts, dtype=np.bool_)
        self.touched = np.zeros(parts, dtype=np.bool_)
        self.too_small: set[Pair] = set()
        self.limited: set[Pair] = set()
        self.dropped_kg = 0
        self.small_passes = 0

    def run(self, engine: Engine, prove: Prove, progress: Progress | None) -> Cleared:
        problem, allocation = self._solve(self.everything, engine, progress)
        prove(problem, allocation)
        bound_kg, passes, whole = int(self.kg.sum()), 1, True
        while (changed := self._change()) or not whole:
            whole = not changed or self._touches_most()
            problem, allocation = self._solve(self.everything if whole else self.touched, engine, progress)
            passes += 1
        if passes > 1:
            prove(problem, allocation)
        return Cleared(
            kg=self.kg,
            last=problem,
            allocation=allocation,
            open=self.open,
            bound_kg=bound_kg,
            dropped_kg=self.dropped_kg,
            passes=passes,
            too_small=frozenset(self.too_small),
            limited=frozenset(self.limited),
        )

    def _solve(self, parts: Flags, engine: Engine, progress: Progress | None) -> tuple[Problem, Allocation]:
        """Solve these parts over the open arcs for what is not fixed, and write down what moves."""
        lots, lines = np.flatnonzero(parts[self.part_of_lot]), np.flatnonzero(parts[self.part_of_line])
        arcs = np.flatnonzero(self.open & parts[self.part_of_lot[self.base.lot]])
        left, room = self._left(self.fixed)
        problem = Problem.of(
            supply=left[lots],
            capacity=room[lines],
            lot=np.searchsorted(lots, self.base.lot[arcs]),
            line=np.searchsorted(lines, self.base.line[arcs]),
            cost=self.base.cost[arcs],
            objective=self.base.objective,
        )
        allocation = engine(problem, progress=progress)
        self.kg[arcs] = allocation.kg
        self.touched = np.zeros_like(self.everything)
        return problem, allocation

    def _left(self, kg: Integers) -> tuple[Integers, Integers]:
        """Return what a plan leaves of each lot and each line."""
        left, room = self.base.supply.copy(), self.base.capacity.copy()
        np.subtract.at(left, self.base.lot, kg)
        np.subtract.at(room, self.base.line, kg)
        return left, room

    def _touches_most(self) -> bool:
        """Return whether solving the touched parts is hardly less than solving everything, or there are none."""
        touched = int(self.touched[self.part_of_lot[self.base.lot]].sum())
        return touched == 0 or 2 * touched > self.base.lot.size

    def _change(self) -> bool:
        """Close or fix what breaks a filing, a cap or a least lot; return whether there was anything."""
        return self._fix_exceeded() or self._drop_small() or self._add_what_is_left()

    def _close(self, arcs: list[int], kg: list[int]) -> None:
        """Close arcs at so many kilograms, which are fixed."""
        at, fixed = np.array(arcs), np.array(kg, dtype=np.int64)
        changed = at[self.kg[at] != fixed]
        self.touched[self.part_of_lot[self.base.lot[changed]]] = True
        self.open[at] = False
        self.fixed[at] = self.kg[at] = fixed

    def _fix_exceeded(self) -> bool:
        """
        Fix what the cheapest arcs of each exceeded filing or cap take of its tonnes, and close the rest.

        An arc may lie under both: what the one leaves to it, the other may take away, never the other way round.
        """
        exceeded = False
        for group in self.groups:
            left = group.most_kg
            if int(self.kg[group.arcs].sum()) <= left:
                continue
            exceeded = True
            arcs = sorted(group.arcs, key=lambda arc: (int(self.base.cost[arc]), arc))
            kept = []
            for kg in self.kg[arcs].tolist():
                kept.append(min(kg, left))
                left -= kept[-1]
            self._close(arcs, kept)
            self.limited.update(self.assembled.arcs[arc][:2] for arc in arcs)
        return exceeded

    def _drop_small(self) -> bool:
        """Drop the contracts below their least lot, the smallest first; in gentle passes few at once."""
        mass = np.zeros_like(self.least)
        np.add.at(mass, self.pair_of, self.kg)
        small = sorted((int(mass[at]), self.pairs[at]) for at in np.flatnonzero((mass > 0) & (mass < self.least)))
        if not small:
            return False
        self.small_passes += 1
        for kg, pair in small if self.small_passes > GENTLE_PASSES else self._apart(small):
            arcs = self.arcs_of[pair]
            self._close(arcs, [0] * len(arcs))
            self.too_small.add(pair)
            self.dropped_kg += kg
        return True

    @staticmethod
    def _apart(small: list[tuple[int, Pair]]) -> Iterator[tuple[int, Pair]]:
        """Yield at most one of each lot and each line."""
        lots, lines = set[int](), set[int]()
        for kg, (listing_id, line_id) in small:
            if listing_id not in lots and line_id not in lines:
                lots.add(listing_id)
                lines.add(line_id)
                yield kg, (listing_id, line_id)

    def _add_what_is_left(self) -> bool:
        """Give closed pairs what is left on both sides, where that makes a contract: room may have come free since."""
        added = False
        left, room = self._left(self.kg)
        spare = [group.most_kg - int(self.kg[group.arcs].sum()) for group in self.groups]
        cost = self.base.cost
        closed = sorted((int(cost[self.arcs_of[pair]].min()), pair) for pair in self.too_small | self.limited)
        for _, pair in closed:
            arcs = [arc for arc in self.arcs_of[pair] if not self.open[arc]]
            still, more = list(spare), []
            for arc in arcs:
                under = self.groups_of.get(arc, [])
                kg = min(int(left[self.base.lot[arc]]), int(room[self.base.line[arc]]), *(still[at] for at in under))
                for at in under:
                    still[at] -= kg
                more.append(kg)
            held = int(self.kg[self.arcs_of[pair]].sum())
            if not sum(more) or sum(more) + held < int(self.least[self.pair_of[arcs[0]]]):
                continue
            added, spare = True, still
            np.subtract.at(left, self.base.lot[arcs], more)
            np.subtract.at(room, self.base.line[arcs], more)
            self.fixed[arcs] = self.kg[arcs] = self.kg[arcs] + more
            self.too_small.discard(pair)
        return added


@dataclass(frozen=True)
class _Group:
    """Arcs that may carry only so much together."""

    arcs: list[int]
    most_kg: int


def _limited(assembled: Assembled) -> list[_Group]:
    """Return the arcs under each filing, then those by which an organization gets of each listing that has a cap."""
    filed: dict[int, list[int]] = {}
    capped: dict[tuple[int, int], list[int]] = {}
    for arc, key in enumerate(assembled.arcs):
        if key in assembled.filing_of:
            filed.setdefault(assembled.filing_of[key], []).append(arc)
        if assembled.lots[key[0]].cap_per_buyer_kg is not None:
            buyer_id = assembled.lines[key[1]].accepting.organization_id
            capped.setdefault((key[0], buyer_id), []).append(arc)
    left = {filing.filing_id: filing.filing.remaining_kg for filing in assembled.snapshot.filings}
    return [
        *(_Group(arcs, left[filing_id]) for filing_id, arcs in sorted(filed.items())),
        *(
            _Group(arcs, assembled.lots[listing_id].left_for(buyer_id) or 0)
            for (listing_id, buyer_id), arcs in sorted(capped.items())
        ),
    ]


def least_kg(assembled: Assembled, pair: Pair) -> int:
    """Return the least that a contract between the two may be about, over the whole window."""
    offered, accepting = assembled.lots[pair[0]].offered, assembled.lines[pair[1]].accepting
    return max(min(offered.least_lot_kg, offered.kg), accepting.least_lot_kg)
