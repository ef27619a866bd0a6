"""The shortage region of the minimum cut, in words: where there is less room than waste, and by how much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from marketplace.domain.rounds import Shortage
from marketplace.domain.wording import Sentence, Value
from marketplace.matching.outcome import Outcome
from marketplace.solver.components import parts


def shortages(outcome: Outcome) -> Iterator[Shortage]:
    """
    Yield the regions in which lots have more than all lines that fit them can take, the largest first.

    A region is what arcs join among the lots and lines short of room; it never reaches over a month.
    """
    last, found = outcome.cleared.last, outcome.cleared.allocation
    n, m, _ = last.shape
    inside = np.flatnonzero(found.short_lots[last.lot] & found.short_lines[last.line])
    arcs = np.flatnonzero(outcome.cleared.open)[inside]
    regions = [
        _region(outcome, part.lots.tolist(), part.lines.tolist(), arcs[part.arcs].tolist())
        for part in parts(n, m, last.lot[inside], last.line[inside])
    ]
    yield from sorted(regions, key=lambda region: (-region.kg, region.month, region.listing_ids))


def _region(outcome: Outcome, lots: list[int], lines: list[int], arcs: list[int]) -> Shortage:
    assembled, last = outcome.assembled, outcome.cleared.last
    listing_ids = tuple(assembled.lot_nodes[place][0] for place in lots)
    line_ids = tuple(assembled.line_nodes[place][0] for place in lines)
    month = assembled.lot_nodes[lots[0]][1]
    materials = tuple(sorted({assembled.lots[listing_id].offered.material for listing_id in listing_ids}))
    farthest_m = max(assembled.fits[assembled.arcs[arc][:2]].haul.great_circle_m for arc in arcs)
    radius_km = -(-farthest_m // 1000)
    load_kg = outcome.cleared.load_kg  # in whole truckloads the problem counts loads
    supply_kg, room_kg = int(last.supply[lots].sum()) * load_kg, int(last.capacity[lines].sum()) * load_kg
    values: dict[str, Value] = {
        "radius_km": radius_km,
        "short_kg": supply_kg - room_kg,
        "short_material": materials,
        "short_month": str(month),
        "supply_kg": supply_kg,
        "room_kg": room_kg,
    }
    sentence = Sentence(
        "Within %(radius_km)s km of these plants, the lines that can take their %(short_material)s have room for"
        " %(short_kg)s t less than there is in %(short_month)s: %(supply_kg)s t against %(room_kg)s t.",
        values,
    )
    if load_kg > 1:
        sentence = Sentence(
            "Within %(radius_km)s km of these plants, counted in whole truckloads, the lines that can take their"
            " %(short_material)s have room for %(short_kg)s t less than there is in %(short_month)s: %(supply_kg)s t"
            " against %(room_kg)s t.",
            values,
        )
    return Shortage(
        month=month,
        materials=materials,
        listing_ids=listing_ids,
        line_ids=line_ids,
        supply_kg=supply_kg,
        room_kg=room_kg,
        radius_km=radius_km,
        sentence=sentence,
    )
