"""What joins arcs to contracts: least lots and filings, kept by solving again without what breaks them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.matching.assembly import Assembled, Pair
from marketplace.solver.engines import Engine, Progress
from marketplace.solver.problem import Allocation, Flags, Integers, Problem

GENTLE_PASSES: Final = 4
"""In the first passes a lot or line loses at most one small contract, so that what is freed can join another."""

MOST_PASSES: Final = 12
"""Passes that drop small contracts; what is still too small after them is given back to both sides."""

Prove = Callable[[Problem, Allocation], None]
"""Raises SolverFailed unless the allocation is certified."""


@dataclass(frozen=True, eq=False)
class Cleared:
    """
    An allocation in which every contract holds its least lot and every filing its tonnes.

    ``kg`` (e,) by arc of the assembled problem; ``last`` and ``allocation`` are the problem solved last, over the arcs
    in ``open``; ``bound_kg`` is what the first solve moved, which nothing that keeps least lots and filings exceeds.
    ``too_small`` are the pairs dropped for their least lot, ``filed_out`` those kept from more by their filing.
    """

    kg: Integers
    last: Problem
    allocation: Allocation
    open: Flags
    bound_kg: int
    dropped_kg: int
    passes: int
    too_small: frozenset[Pair]
    filed_out: frozenset[Pair]


def allocate(assembled: Assembled, engine: Engine, prove: Prove, progress: Progress | None = None) -> Cleared:
    """
    Solve, and solve again, until no contract is below a least lot and no filing is exceeded.

    A filing that is exceeded keeps its cheapest kilograms, which are fixed, and its arcs are closed. A contract over
    the whole window that is below the least lot of either side is dropped, the smallest first. Both only ever close
    arcs, so this ends; it is repeatable, and `Cleared.bound_kg` says what it may have cost.
    """
    return _Passes(assembled).run(engine, prove, progress)


class _Passes:
    def __init__(self, assembled: Assembled) -> None:
        self.assembled = assembled
        self.base = assembled.problem
        e = self.base.lot.size
        self.open = np.ones(e, dtype=np.bool_)
        self.fixed = np.zeros(e, dtype=np.int64)
        self.arcs_of: dict[Pair, list[int]] = {}
        for arc, (listing_id, line_id, _) in enumerate(assembled.arcs):
            self.arcs_of.setdefault((listing_id, line_id), []).append(arc)
        self.least = {pair: self._least(pair) for pair in self.arcs_of}
        self.arcs_under: dict[int, list[int]] = {}
        for arc, key in enumerate(assembled.arcs):
            if key in assembled.filing_of:
                self.arcs_under.setdefault(assembled.filing_of[key], []).append(arc)
        self.left_of = {filing.filing_id: filing.filing.remaining_kg for filing in assembled.snapshot.filings}
        self.too_small: set[Pair] = set()
        self.filed_out: set[Pair] = set()
        self.dropped_kg = 0

    def run(self, engine: Engine, prove: Prove, progress: Progress | None) -> Cleared:
        passes, small_passes, bound_kg = 0, 0, -1
        while True:
            problem = self._remaining()
            allocation = engine(problem, progress=progress)
            prove(problem, allocation)
            passes += 1
            kg = self.fixed.copy()
            kg[self.open] += allocation.kg
            bound_kg = int(kg.sum()) if bound_kg < 0 else bound_kg
            solved_over = self.open.copy()
            if self._fix_exceeded_filings(kg):
                continue
            small = self._too_small(kg)
            if small:
                small_passes += 1
                given_up = small_passes > MOST_PASSES
                self._drop(small if given_up or small_passes > GENTLE_PASSES else self._apart(small))
                if not given_up:
                    continue
                for pair in small:
                    kg[self.arcs_of[pair]] = 0
            return Cleared(
                kg=kg,
                last=problem,
                allocation=allocation,
                open=solved_over,
                bound_kg=bound_kg,
                dropped_kg=self.dropped_kg,
                passes=passes,
                too_small=frozenset(self.too_small),
                filed_out=frozenset(self.filed_out),
            )

    def _remaining(self) -> Problem:
        base, fixed = self.base, self.fixed
        supply, capacity = base.supply.copy(), base.capacity.copy()
        np.subtract.at(supply, base.lot, fixed)
        np.subtract.at(capacity, base.line, fixed)
        return Problem.of(
            supply=supply,
            capacity=capacity,
            lot=base.lot[self.open],
            line=base.line[self.open],
            cost=base.cost[self.open],
        )

    def _least(self, pair: Pair) -> int:
        offered, accepting = self.assembled.lots[pair[0]].offered, self.assembled.lines[pair[1]].accepting
        return max(min(offered.least_lot_kg, offered.kg), accepting.least_lot_kg)

    def _fix_exceeded_filings(self, kg: Integers) -> bool:
        """Fix what the cheapest arcs of each exceeded filing take of its tonnes, and close the rest."""
        exceeded = False
        for filing_id, arcs in sorted(self.arcs_under.items()):
            left = self.left_of[filing_id]
            if not self.open[arcs].any() or int(kg[arcs].sum()) <= left:
                continue
            exceeded = True
            for arc in sorted(arcs, key=lambda arc: (int(self.base.cost[arc]), arc)):
                self.fixed[arc] = min(int(kg[arc]), left)
                left -= int(self.fixed[arc])
                self.open[arc] = False
                self.filed_out.add(self.assembled.arcs[arc][:2])
        return exceeded

    def _too_small(self, kg: Integers) -> dict[Pair, int]:
        """Return the contracts below their least lot, the smallest first."""
        masses = ((pair, int(kg[arcs].sum())) for pair, arcs in self.arcs_of.items())
        small = [(mass, pair) for pair, mass in masses if 0 < mass < self.least[pair]]
        return {pair: mass for mass, pair in sorted(small)}

    @staticmethod
    def _apart(small: dict[Pair, int]) -> dict[Pair, int]:
        """Keep at most one of each lot and each line."""
        lots, lines, apart = set[int](), set[int](), dict[Pair, int]()
        for (listing_id, line_id), mass in small.items():
            if listing_id not in lots and line_id not in lines:
                apart[listing_id, line_id] = mass
                lots.add(listing_id)
                lines.add(line_id)
        return apart

    def _drop(self, small: dict[Pair, int]) -> None:
        for pair, mass in small.items():
            arcs = self.arcs_of[pair]
            self.open[arcs] = False
            self.fixed[arcs] = 0
            self.too_small.add(pair)
            self.dropped_kg += mass
