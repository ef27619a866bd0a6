"""
Can it wait as a result says? By code that shares nothing with the assembly, the engines or what reads waits off a plan.

Nothing is believed but what travels in which month and what is said to wait; all of it is counted again, over the end of each month,
in whole kilograms.
"""

from __future__ import annotations

from collections.abc import Iterator

from marketplace.domain.quantities import Month
from marketplace.domain.rounds import ProposedAward, RoundResult, Snapshot, SnapshotLine, SnapshotLot


def storage_faults(snapshot: Snapshot, result: RoundResult) -> tuple[str, ...]:
    """Return in words what is wrong with what waits: with each award, in each yard, at each line, and in the totals."""
    return (*_of_awards(result), *_of_yards(snapshot, result), *_of_lines(snapshot, result), *_totals(snapshot, result))


def _of_awards(result: RoundResult) -> Iterator[str]:
    for award in result.awards:
        travels = dict(award.months)
        waiting: dict[tuple[str, Month], int] = {}
        for wait in award.waits:
            month = wait.until if wait.side == "producer" else wait.since
            waiting[wait.side, month] = waiting.get((wait.side, month), 0) + wait.kg
        for (side, month), kg in waiting.items():
            if kg > travels.get(month, 0):
                yield f"{_name(award)}: {kg} kg wait with the {side}, of {travels.get(month, 0)} kg that travel in {month}"


def _of_yards(snapshot: Snapshot, result: RoundResult) -> Iterator[str]:
    awards: dict[int, list[ProposedAward]] = {}
    for award in result.awards:
        awards.setdefault(award.listing_id, []).append(award)
    for lot in snapshot.lots:
        own = awards.get(lot.listing_id, [])
        ready, stored = dict(lot.months), _storage(lot, result)
        for month in snapshot.months:
            sent = sum(_counted(award, "producer", month) for award in own)
            if sent > ready.get(month, 0):
                yield f"listing {lot.listing_id} sends {sent} kg of {ready.get(month, 0)} kg that are ready in {month}"
            held = sum(_over(award, "producer", month) for award in own)
            if held > stored.get(month, 0):
                yield f"listing {lot.listing_id} stores {held} kg over the end of {month}, of {stored.get(month, 0)} kg"


def _of_lines(snapshot: Snapshot, result: RoundResult) -> Iterator[str]:
    awards: dict[int, list[ProposedAward]] = {}
    for award in result.awards:
        awards.setdefault(award.line_id, []).append(award)
    for line in snapshot.lines:
        own = awards.get(line.line_id, [])
        room, stored = dict(line.months), _storage(line, result)
        for month in snapshot.months:
            used = sum(_counted(award, "recycler", month) for award in own)
            if used > room.get(month, 0):
                yield f"line {line.line_id} uses {used} kg of a capacity of {room.get(month, 0)} kg in {month}"
            held = sum(_over(award, "recycler", month) for award in own)
            if held > stored.get(month, 0):
                yield f"line {line.line_id} stores {held} kg over the end of {month}, of {stored.get(month, 0)} kg"


def _totals(snapshot: Snapshot, result: RoundResult) -> Iterator[str]:
    lots = {lot.listing_id: lot.storage_fen_per_t for lot in snapshot.lots}
    lines = {line.line_id: line.storage_fen_per_t for line in snapshot.lines}
    told = {(each.listing_id, each.line_id, each.month): (each.kg, each.cost_fen) for each in result.stored}
    counted: dict[tuple[int | None, int | None, Month], int] = {}
    for award in result.awards:
        for month in snapshot.months:
            for side, key in (
                ("producer", (award.listing_id, None, month)),
                ("recycler", (None, award.line_id, month)),
            ):
                kg = _over(award, side, month)
                if kg:
                    counted[key] = counted.get(key, 0) + kg
    rates = {key: lots[key[0]] if key[0] is not None else lines[key[1] or 0] for key in counted}
    paid = {key: (kg, _fen(kg, rates[key])) for key, kg in counted.items()}
    if told != paid:
        yield f"{sum(kg for kg, _ in told.values())} kg are told as waiting over ends of months, and {sum(counted.values())} do"
    if result.report.storage_fen != sum(fen for _, fen in paid.values()):
        yield f"{result.report.storage_fen} fen are reported for storage, and it is {sum(fen for _, fen in paid.values())}"


def _storage(of: SnapshotLot | SnapshotLine, result: RoundResult) -> dict[Month, int]:
    left_out = (
        of.listing_id in result.unstored_listings
        if isinstance(of, SnapshotLot)
        else of.line_id in result.unstored_lines
    )
    return {} if left_out else dict(of.storage_kg)


def _counted(award: ProposedAward, side: str, month: Month) -> int:
    """Return what of an award is ready with the producer in a month, or used by the recycler."""
    kg = dict(award.months).get(month, 0)
    for wait in award.waits:
        if wait.side == side:
            travels, counts = (wait.until, wait.since) if side == "producer" else (wait.since, wait.until)
            kg += wait.kg * ((counts == month) - (travels == month))
    return kg


def _over(award: ProposedAward, side: str, month: Month) -> int:
    return sum(wait.kg for wait in award.waits if wait.side == side and wait.since <= month < wait.until)


def _fen(kg: int, fen_per_t: int) -> int:
    """Return whole fen, half to even."""
    whole, rest = divmod(kg * fen_per_t, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2))


def _name(award: ProposedAward) -> str:
    return f"listing {award.listing_id} to line {award.line_id}"
