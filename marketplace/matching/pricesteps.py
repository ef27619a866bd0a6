"""What the price steps of lines take off the first price, and who bears it: all that arrives in the month, evenly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marketplace.domain.pricesteps import taken_off
from marketplace.domain.quantities import Month
from marketplace.matching.assembly import Assembled, Flows, Pair


def less_of(assembled: Assembled, flows: Flows) -> dict[Pair, dict[Month, int]]:
    """
    Return by how many fen per tonne the bid for each pair and month lies below the line's first price; pairs at 0 are left out.

    What the steps of a month take off in all is borne by everything that arrives in it, by the same amount a tonne, but by no
    pair more than its reserve leaves: then the others bear the rest. A part of a fen goes to the recycler. A pair is joined
    only at steps that cover it, so that there is always such an amount; ValueError says that flows are of another round.
    """
    found: dict[Pair, dict[Month, int]] = {}
    for (line_id, month), arriving in sorted(_at_steps(assembled, flows).items()):
        line = assembled.lines[line_id]
        kg = sum(mass for _, mass in arriving)
        total = taken_off(line.steps, stood_kg=dict(line.stood_kg).get(month, 0), kg=kg)
        spare = {pair: assembled.spare_fen_per_t(pair) for pair, _ in arriving}
        level = evenly(total, ((mass, spare[pair]) for pair, mass in arriving))
        for pair, _ in arriving:
            if min(level, spare[pair]):
                found.setdefault(pair, {})[month] = min(level, spare[pair])
    return found


def evenly(total: int, parts: Iterable[tuple[int, int]]) -> int:
    """
    Return the least whole rate at which parts of (kilograms, most rate) bear ``total`` kilograms times rate, none more than its most.

    Raises ValueError if even the most of all is too little.

    >>> evenly(9000, [(1000, 2), (1000, 50)]), evenly(9001, [(1000, 2), (1000, 50)])
    (7, 8)
    """
    by_most = sorted(parts, key=lambda part: part[1])
    left = sum(kg for kg, _ in by_most)
    for kg, most in by_most:
        rate = -(-total // left)
        if rate <= most:
            return max(0, rate)
        total -= kg * most
        left -= kg
    if total > 0:
        raise ValueError("the steps take off more than the reserves leave")
    return 0


def _at_steps(assembled: Assembled, flows: Flows) -> Mapping[tuple[int, Month], list[tuple[Pair, int]]]:
    arriving: dict[tuple[int, Month], list[tuple[Pair, int]]] = {}
    for pair, months in flows.items():
        if assembled.lines[pair[1]].steps:
            for month, kg in months.items():
                arriving.setdefault((pair[1], month), []).append((pair, kg))
    return arriving
