"""A round in which one thing is otherwise: a waste drier, a radius wider, a reserve lower, a tonne of room more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marketplace.domain.fit import Filing, last_day
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Snapshot, SnapshotFiling, SnapshotLine, SnapshotLot
from marketplace.matching.assembly import Assembled, Pair

if TYPE_CHECKING:
    from marketplace.matching.nearest import Miss

TONNE_KG: Final = 1000


@dataclass(frozen=True)
class MoreRoom:
    """One more tonne of room at a line in a month, for a lot that is left over."""

    listing_id: int
    line_id: int
    month: Month


@dataclass(frozen=True)
class SmallerLot:
    """A contract of so few kilograms between two that fit."""

    pair: Pair
    month: Month
    kg: int


@dataclass(frozen=True)
class FullTruck:
    """So much more of a lot offered, or of room at a line, in a month, that it makes whole truckloads between two."""

    pair: Pair
    month: Month
    more_offered_kg: int = 0
    more_room_kg: int = 0


@dataclass(frozen=True)
class AtMean:
    """A property of a lot at the limit of a mean that a line keeps, instead of beyond it."""

    pair: Pair
    property: str
    value: Decimal


@dataclass(frozen=True)
class Change:
    """
    What is otherwise: the snapshot with that one thing changed, the ``pair`` it is about, and all that it may join.

    A property is another for the lot wherever it goes, a radius, a permit or a closed month for the line whoever sends.
    Prices, filings and the radius of the round are asked of one pair alone: that the others may be joined too could only add.
    """

    snapshot: Snapshot
    pair: Pair
    pairs: tuple[Pair, ...]


def change_of(assembled: Assembled, cause: Miss | MoreRoom | SmallerLot | FullTruck | AtMean) -> Change | None:
    """Return what a flip asks for, none where no one thing does."""
    match cause:
        case MoreRoom():
            line = assembled.lines[cause.line_id]
            room = _more(line.months, cause.month, TONNE_KG)
            pair = (cause.listing_id, cause.line_id)
            return Change(with_one(assembled.snapshot, line=replace(line, months=room)), pair, ())
        case FullTruck():
            lot, line = assembled.lots[cause.pair[0]], assembled.lines[cause.pair[1]]
            there = replace(
                lot,
                months=_more(lot.months, cause.month, cause.more_offered_kg),
                offered=replace(lot.offered, kg=lot.offered.kg + cause.more_offered_kg),
            )
            room = _more(line.months, cause.month, cause.more_room_kg)
            return Change(with_one(assembled.snapshot, there, replace(line, months=room)), cause.pair, ())
        case AtMean():
            lot = assembled.lots[cause.pair[0]]
            values = {**lot.offered.properties, cause.property: cause.value}
            changed = with_one(assembled.snapshot, _offering(lot, properties=values))
            return Change(changed, cause.pair, _of_lot(assembled, cause.pair))
        case SmallerLot():
            lot, line = assembled.lots[cause.pair[0]], assembled.lines[cause.pair[1]]
            smaller = with_one(assembled.snapshot, _least(lot, cause.kg), _least_taken(line, cause.kg))
            return Change(smaller, cause.pair, ())
        case _:
            return _that_fits(assembled, cause)


def _that_fits(assembled: Assembled, miss: Miss) -> Change | None:
    snapshot, first = assembled.snapshot, miss.first
    lot, line = assembled.lots[miss.pair[0]], assembled.lines[miss.pair[1]]
    pair_only, of_lot, of_line = (miss.pair,), _of_lot(assembled, miss.pair), _of_line(assembled, miss.pair)
    match first.code:
        case "missing_value" | "limit":
            values = _at_limits(lot, line, miss)
            return Change(
                with_one(snapshot, _offering(lot, properties={**lot.offered.properties, **values})), miss.pair, of_lot
            )
        case "priced_out":
            reserve = (lot.offered.reserve_fen_per_t or 0) - int(first.by or 0)
            return Change(with_one(snapshot, _offering(lot, reserve_fen_per_t=reserve)), miss.pair, pair_only)
        case "no_price":
            needed = miss.fit.haul.freight_fen_per_t + miss.fit.deduction_fen_per_t
            paid = {**line.accepting.materials, lot.offered.material: needed + (lot.offered.reserve_fen_per_t or 0)}
            return Change(with_one(snapshot, line=_accepting(line, materials=paid)), miss.pair, pair_only)
        case "permit_unverified" | "permit_missing" | "permit_expired":
            ends = last_day(snapshot.months[-1])
            valid = _accepting(line, permit_verified=True, permit_valid_until=ends)
            return Change(with_one(snapshot, line=valid), miss.pair, of_line)
        case "filing_needed" | "filing_expired" | "filing_exhausted":
            return Change(
                replace(snapshot, filings=(*snapshot.filings, _filing(snapshot, lot, line))), miss.pair, pair_only
            )
        case "listing_least_lot":
            return Change(with_one(snapshot, _least(lot, miss.gain_kg)), miss.pair, of_lot)
        case "line_least_lot":
            return Change(with_one(snapshot, line=_least_taken(line, miss.gain_kg)), miss.pair, of_line)
        case "closed_months":
            opened = line.accepting.closed_months - {miss.month.number}
            return Change(with_one(snapshot, line=_accepting(line, closed_months=opened)), miss.pair, of_line)
        case "line_radius":
            return Change(
                with_one(snapshot, line=_accepting(line, radius_m=_kilometers(miss) * 1000)), miss.pair, of_line
            )
        case "round_radius":
            return Change(replace(snapshot, max_km=_kilometers(miss)), miss.pair, pair_only)
        case _:
            return None


def with_one(snapshot: Snapshot, lot: SnapshotLot | None = None, line: SnapshotLine | None = None) -> Snapshot:
    """Return the snapshot with this lot or this line in the place of the one of the same id."""
    lots, lines = snapshot.lots, snapshot.lines
    if lot is not None:
        lots = tuple(lot if each.listing_id == lot.listing_id else each for each in lots)
    if line is not None:
        lines = tuple(line if each.line_id == line.line_id else each for each in lines)
    return replace(snapshot, lots=lots, lines=lines)


def _more(months: Iterable[tuple[Month, int]], in_month: Month, more_kg: int) -> tuple[tuple[Month, int], ...]:
    return tuple((month, kg + more_kg * (month == in_month)) for month, kg in months)


def _offering(lot: SnapshotLot, **changed: object) -> SnapshotLot:
    return replace(lot, offered=replace(lot.offered, **changed))  # type: ignore[arg-type]


def _accepting(line: SnapshotLine, **changed: object) -> SnapshotLine:
    return replace(line, accepting=replace(line.accepting, **changed))  # type: ignore[arg-type]


def _least(lot: SnapshotLot, kg: int) -> SnapshotLot:
    return _offering(lot, least_lot_kg=min(lot.offered.least_lot_kg, kg))


def _least_taken(line: SnapshotLine, kg: int) -> SnapshotLine:
    return _accepting(line, least_lot_kg=min(line.accepting.least_lot_kg, kg))


def _kilometers(miss: Miss) -> int:
    return -(-miss.fit.haul.great_circle_m // 1000)


def _at_limits(lot: SnapshotLot, line: SnapshotLine, miss: Miss) -> Mapping[str, Decimal]:
    """Return the values that would just do: of what nobody measured those of the line's own limits."""
    values: dict[str, Decimal] = {}
    for reason in miss.fit.reasons:
        if reason.subject is None:
            continue
        limits = (each for each in line.accepting.limits if each.property == reason.subject)
        own = (each for each in limits if each.holds_for(lot.offered.material))
        bounds = (bound for each in own for bound in (each.maximum, each.minimum, each.stop_maximum, each.stop_minimum))
        value = (
            reason.against if reason.against is not None else next((each for each in bounds if each is not None), None)
        )
        if value is not None:
            values[reason.subject] = value
    return values


def _filing(snapshot: Snapshot, lot: SnapshotLot, line: SnapshotLine) -> SnapshotFiling:
    """Return a further filing of this pair for all that is offered, over the whole window."""
    return SnapshotFiling(
        filing_id=1 + max((each.filing_id for each in snapshot.filings), default=0),
        producer_id=lot.offered.organization_id,
        recycler_id=line.accepting.organization_id,
        waste_code=lot.offered.waste_code,
        filing=Filing(
            remaining_kg=lot.offered.kg,
            valid_from=last_day(snapshot.months[0]).replace(day=1),
            valid_to=last_day(snapshot.months[-1]),
        ),
        listing_ids=(lot.listing_id,),
        line_ids=(line.line_id,),
    )


def _of_lot(assembled: Assembled, pair: Pair) -> tuple[Pair, ...]:
    """Return every pair of the lot that was held against each other, and this one."""
    return tuple(sorted({pair, *(each for each in assembled.fits if each[0] == pair[0])}))


def _of_line(assembled: Assembled, pair: Pair) -> tuple[Pair, ...]:
    """Return every pair of the line with a lot of a material that it takes, however far."""
    line = assembled.lines[pair[1]]
    lots: Iterable[SnapshotLot] = assembled.snapshot.lots
    takes = (lot.listing_id for lot in lots if lot.offered.material in line.accepting.materials)
    return tuple((listing_id, pair[1]) for listing_id in takes if listing_id not in assembled.refused)
