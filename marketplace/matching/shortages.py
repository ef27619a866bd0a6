"""The shortage region of the minimum cut, in words: where there is less room than waste, and by how much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.domain.rounds import Shortage
from marketplace.domain.wording import Sentence, Value
from marketplace.matching.outcome import Outcome
from marketplace.solver.problem import Allocation, Integers, Problem


def shortages(outcome: Outcome) -> Iterator[Shortage]:
    """
    Yield the regions in which lots have more than all lines that fit them can take, the largest first.

    A region is what arcs join among the lots and lines short of room; over a month it reaches only where something can wait.
    """
    last, found = outcome.cleared.last, outcome.cleared.allocation
    inside = np.flatnonzero(found.short_lots[last.lot] & found.short_lines[last.line])
    arcs = np.flatnonzero(outcome.cleared.open)[inside]
    regions = [_region(outcome, lots, lines, arcs[own].tolist()) for lots, lines, own in _regions(last, found, inside)]
    yield from sorted(regions, key=lambda region: (-region.kg, region.month, region.listing_ids))


def _regions(last: Problem, found: Allocation, inside: Integers) -> Iterator[tuple[list[int], list[int], Integers]]:
    """Yield the lots, the lines and the places of the arcs of each region, in order of their first arc."""
    n, m, _ = last.shape
    short, carry = np.concatenate([found.short_lots, found.short_lines]), last.carry
    kept = short[carry.tail] & short[carry.head]
    begin = np.concatenate([last.lot[inside], carry.tail[kept]])
    end = np.concatenate([last.line[inside] + n, carry.head[kept]])
    graph = coo_array((np.ones(begin.size, dtype=np.int8), (begin, end)), shape=(n + m, n + m)).tocsr()
    label = np.asarray(connected_components(graph, directed=False)[1])
    of_arc = label[last.lot[inside]]
    for part in dict.fromkeys(of_arc.tolist()):
        nodes = np.flatnonzero((label == part) & short)
        yield nodes[nodes < n].tolist(), (nodes[nodes >= n] - n).tolist(), np.flatnonzero(of_arc == part)


def _region(outcome: Outcome, lots: list[int], lines: list[int], arcs: list[int]) -> Shortage:
    assembled, last = outcome.assembled, outcome.cleared.last
    listing_ids = tuple(dict.fromkeys(assembled.lot_nodes[place][0] for place in lots))
    line_ids = tuple(dict.fromkeys(assembled.line_nodes[place][0] for place in lines))
    months = sorted({assembled.arcs[arc][2] for arc in arcs} | {assembled.lot_nodes[place][1] for place in lots})
    materials = tuple(sorted({assembled.lots[listing_id].offered.material for listing_id in listing_ids}))
    farthest_m = max(assembled.fits[assembled.arcs[arc][:2]].haul.great_circle_m for arc in arcs)
    radius_km = -(-farthest_m // 1000)
    load_kg = outcome.cleared.load_kg  # in whole truckloads the problem counts loads
    into_room_kg, stored_kg = (kg * load_kg for kg in _leaving(outcome, lots, lines))
    supply_kg, room_kg = (
        int(last.supply[lots].sum()) * load_kg,
        int(last.capacity[lines].sum()) * load_kg + into_room_kg,
    )
    several = len(months) > 1 or stored_kg > 0
    values: dict[str, Value] = {
        "radius_km": radius_km,
        "short_kg": supply_kg - room_kg - stored_kg,
        "short_material": materials,
        "short_month": str(months[0]),
        "supply_kg": supply_kg,
        "room_kg": room_kg,
    }
    sentence = Sentence(
        "Within %(radius_km)s km of these plants, the lines that can take their %(short_material)s have room for"
        " %(short_kg)s t less than there is in %(short_month)s: %(supply_kg)s t against %(room_kg)s t.",
        values,
    )
    if any(outcome.assembled.lines[line_id].steps for line_id in line_ids):
        sentence = Sentence(
            "Within %(radius_km)s km of these plants, the lines that can take their %(short_material)s have room, at prices that"
            " cover it, for %(short_kg)s t less than there is in %(short_month)s: %(supply_kg)s t against %(room_kg)s t.",
            values,
        )
    elif load_kg > 1:
        sentence = Sentence(
            "Within %(radius_km)s km of these plants, counted in whole truckloads, the lines that can take their"
            " %(short_material)s have room for %(short_kg)s t less than there is in %(short_month)s: %(supply_kg)s t"
            " against %(room_kg)s t.",
            values,
        )
    if several:
        sentence = _over_months(values, str(months[-1]), stored_kg)
    return Shortage(
        month=months[0],
        materials=materials,
        listing_ids=listing_ids,
        line_ids=line_ids,
        supply_kg=supply_kg,
        room_kg=room_kg,
        radius_km=radius_km,
        sentence=sentence,
        last_month=months[-1] if several else None,
        stored_kg=stored_kg,
    )


def _over_months(values: dict[str, Value], last_month: str, stored_kg: int) -> Sentence:
    """Say it of a region that storage joins over months, or out of which something can wait for other months."""
    if not stored_kg:
        return Sentence(
            "Within %(radius_km)s km of these plants, the lines that can take their %(short_material)s have room for"
            " %(short_kg)s t less than there is from %(short_month)s to %(last_month)s: %(supply_kg)s t against %(room_kg)s t.",
            values | {"last_month": last_month},
        )
    if last_month == values["short_month"]:
        return Sentence(
            "Within %(radius_km)s km of these plants, the lines that can take their %(short_material)s have room for"
            " %(short_kg)s t less than there is in %(short_month)s: %(supply_kg)s t against %(room_kg)s t, and %(stored_kg)s t"
            " that can wait for other months.",
            values | {"stored_kg": stored_kg},
        )
    return Sentence(
        "Within %(radius_km)s km of these plants, the lines that can take their %(short_material)s have room for"
        " %(short_kg)s t less than there is from %(short_month)s to %(last_month)s: %(supply_kg)s t against %(room_kg)s t,"
        " and %(stored_kg)s t that can wait for other months.",
        values | {"last_month": last_month, "stored_kg": stored_kg},
    )


def _leaving(outcome: Outcome, lots: list[int], lines: list[int]) -> tuple[int, int]:
    """
    Return what may pass out of a region: from price steps that are short to the room of their lines, which is not; and what can
    wait, in yards and at lines, for months that are not short.
    """
    last, found, n = outcome.cleared.last, outcome.cleared.allocation, outcome.cleared.last.supply.size
    short = np.concatenate([found.short_lots, found.short_lines])
    own = np.isin(last.carry.tail, [*lots, *(line + n for line in lines)]) & ~short[last.carry.head]
    nodes = (*outcome.assembled.lot_nodes, *outcome.assembled.line_nodes)
    leaving = {True: 0, False: 0}
    for tail, head, kg in zip(
        *(each[own].tolist() for each in (last.carry.tail, last.carry.head, last.carry.most_kg)), strict=True
    ):
        leaving[nodes[tail] == nodes[head]] += kg
    return leaving[True], leaving[False]
