"""How much of a pair's surplus is the lot's: the midpoint of the dual prices of a round for the greatest surplus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marketplace.domain.quantities import Month
from marketplace.matching.assembly import Assembled, Pair
from marketplace.matching.contracts import Cleared
from marketplace.matching.linenodes import Node
from marketplace.solver.meaning.ends import NO_END, price_ends
from marketplace.solver.problem import Integers


@dataclass(frozen=True)
class Shares:
    """
    Twice what a tonne is worth at each lot and line in each month, in fen, midway between its least and its greatest worth.

    Twice, since the midpoint of two whole numbers need not be whole. ``of_line`` is by the place of a node, of which a line
    with price steps has several in a month: ``stands`` is the last on which a pair does, and ``less`` what is bid less there.
    """

    of_lot: Mapping[Node, int]
    of_line: list[int]
    stands: Mapping[tuple[int, int, Month], int]
    less: tuple[int, ...]

    @classmethod
    def of(cls, assembled: Assembled, cleared: Cleared) -> Shares:
        """Return the shares of a round, from the problem that was solved last; raises SolverFailed without a proof."""
        ends = price_ends(cleared.last, cleared.allocation)
        used = np.flatnonzero(cleared.kg)
        return cls(
            of_lot=dict(zip(assembled.lot_nodes, _doubled(ends.lots_least, ends.lots_most), strict=True)),
            of_line=_doubled(ends.lines_least, ends.lines_most),
            stands={
                assembled.arcs[arc]: int(assembled.problem.line[arc]) for arc in used.tolist()
            },  # the last of several
            less=assembled.less_fen_per_t,
        )

    def fen_per_t(self, pair: Pair, month: Month, surplus_fen_per_t: int) -> int:
        """
        Return what the producer gets of the surplus of a pair in a month; a half fen goes to the recycler.

        Where no rule beyond the problem binds, the worth of the lot and that of the line make up the surplus, and the
        lot's is the share. A least lot, a filing or a cap can keep more or less between the two than that: what is over,
        or missing, is shared evenly, and nobody gets less than nothing.
        """
        stands = self.stands[*pair, month]
        lot, line, less = self.of_lot[pair[0], month], self.of_line[stands], self.less[stands]
        return min(max((lot + 2 * (surplus_fen_per_t - less) - line) // 4, 0), surplus_fen_per_t)


def _doubled(least: Integers, most: Integers) -> list[int]:
    """Return least + most, and twice the least where nothing bounds the worth from above."""
    return [low + (low if high == NO_END else high) for low, high in zip(least.tolist(), most.tolist(), strict=True)]
