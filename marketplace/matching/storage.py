"""What waits in yards and in front of lines: read off what travels, and whether its owner gains what that costs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from marketplace.domain.quantities import Month, payable_fen
from marketplace.domain.results import Stored
from marketplace.domain.rounds import Snapshot, SnapshotLine, SnapshotLot
from marketplace.domain.waiting import Side, Wait, fetched_later, over_month_ends, used_later
from marketplace.matching.assembly import Assembled, Flows, Pair, least_price
from marketplace.matching.settlement import Settled


@dataclass(frozen=True)
class Uncovered:
    """The listings and lines to which waiting costs more than the round brings them beyond reserve or bid."""

    listing_ids: frozenset[int] = frozenset()
    line_ids: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.listing_ids or self.line_ids)

    def __or__(self, other: Uncovered) -> Uncovered:
        """Return those of both."""
        return Uncovered(self.listing_ids | other.listing_ids, self.line_ids | other.line_ids)


def waits_of(
    lots: Mapping[int, SnapshotLot], lines: Mapping[int, SnapshotLine], flows: Flows
) -> dict[Pair, tuple[Wait, ...]]:
    """
    Return what waits of each pair, from what travels in which month alone.

    What was ready first is fetched first, what arrived first is used first. No plan with the same journeys stores less over the end of
    any month, so that the plan of an engine never has room for less. Raises ValueError if the journeys go beyond what there is.
    """
    found: dict[Pair, tuple[Wait, ...]] = {}
    leaving: dict[int, dict[tuple[Month, int], int]] = {}
    coming: dict[int, dict[tuple[Month, int], int]] = {}
    for (listing_id, line_id), months in flows.items():
        for month, kg in months.items():
            if lots[listing_id].storage_kg:
                leaving.setdefault(listing_id, {})[month, line_id] = kg
            if lines[line_id].storage_kg:
                coming.setdefault(line_id, {})[month, listing_id] = kg
    for listing_id, fetched in leaving.items():
        for line_id, waits in fetched_later(dict(lots[listing_id].months), fetched).items():
            found[listing_id, line_id] = waits
    for line_id, arriving in coming.items():
        for listing_id, waits in used_later(dict(lines[line_id].months), arriving).items():
            found[listing_id, line_id] = (*found.get((listing_id, line_id), ()), *waits)
    return dict(sorted(found.items()))


def stored_of(
    lots: Mapping[int, SnapshotLot], lines: Mapping[int, SnapshotLine], waits: Mapping[Pair, tuple[Wait, ...]]
) -> Iterator[Stored]:
    """Yield what waits over the end of each month: in the yards of listings first, by id and month."""
    for listing_id, months in sorted(held(waits, "producer").items()):
        lot = lots[listing_id]
        for month, kg in months.items():
            cost, room = payable_fen(kg, lot.storage_fen_per_t), dict(lot.storage_kg).get(month, 0)
            yield Stored(listing_id=listing_id, line_id=None, month=month, kg=kg, room_kg=room, cost_fen=cost)
    for line_id, months in sorted(held(waits, "recycler").items()):
        line = lines[line_id]
        for month, kg in months.items():
            cost, room = payable_fen(kg, line.storage_fen_per_t), dict(line.storage_kg).get(month, 0)
            yield Stored(listing_id=None, line_id=line_id, month=month, kg=kg, room_kg=room, cost_fen=cost)


def storage_cost(
    lots: Mapping[int, SnapshotLot], lines: Mapping[int, SnapshotLine], waits: Mapping[Pair, tuple[Wait, ...]]
) -> int:
    """Return what waiting costs in all, in thousandths of a fen."""
    return sum(_costs(lots, held(waits, "producer")).values()) + sum(_costs(lines, held(waits, "recycler")).values())


def uncovered(assembled: Assembled, settled: Iterable[Settled], waits: Mapping[Pair, tuple[Wait, ...]]) -> Uncovered:
    """
    Return whose storage costs more than the prices bring them beyond what they ask or bid at the least.

    A price in a round for the greatest surplus is a mean over months, rounded to a fen per tonne, and may miss so much.
    """
    snapshot = assembled.snapshot
    if snapshot.kind == "planning" or not waits:
        return Uncovered()
    of_lots = _costs(assembled.lots, held(waits, "producer"))
    of_lines = _costs(assembled.lines, held(waits, "recycler"))
    stored_lots, stored_lines = frozenset(of_lots), frozenset(of_lines)
    rounded = 1 if snapshot.objective == "surplus" else 0
    for each in settled:
        price, net = each.price_fen_per_t or 0, each.net_bid_fen_per_t or 0
        least = least_price(snapshot, assembled.lots[each.listing_id])
        of_lots[each.listing_id] = of_lots.get(each.listing_id, 0) - (price - least + rounded) * each.kg
        of_lines[each.line_id] = of_lines.get(each.line_id, 0) - (net - price + rounded) * each.kg
    return Uncovered(
        frozenset(own for own in stored_lots if of_lots[own] > 0),
        frozenset(own for own in stored_lines if of_lines[own] > 0),
    )


def without_storage(snapshot: Snapshot, listing_ids: Collection[int], line_ids: Collection[int]) -> Snapshot:
    """Return the snapshot in which nothing waits at these listings and lines."""
    if not listing_ids and not line_ids:
        return snapshot
    lots = (replace(lot, storage_kg=()) if lot.listing_id in listing_ids else lot for lot in snapshot.lots)
    lines = (replace(line, storage_kg=()) if line.line_id in line_ids else line for line in snapshot.lines)
    return replace(snapshot, lots=tuple(lots), lines=tuple(lines))


def held(waits: Mapping[Pair, Iterable[Wait]], side: Side) -> dict[int, dict[Month, int]]:
    """Return the kilograms that wait over the end of each month, by listing for the producer's side, by line for the recycler's."""
    own = 0 if side == "producer" else 1
    of: dict[int, list[Wait]] = {}
    for pair, each in waits.items():
        of.setdefault(pair[own], []).extend(wait for wait in each if wait.side == side)
    return {key: over_month_ends(each) for key, each in of.items() if each}


def _costs(
    owners: Mapping[int, SnapshotLot] | Mapping[int, SnapshotLine], stored: Mapping[int, Mapping[Month, int]]
) -> dict[int, int]:
    """Return what waiting costs each listing or line, in thousandths of a fen."""
    return {own: sum(months.values()) * owners[own].storage_fen_per_t for own, months in stored.items()}
