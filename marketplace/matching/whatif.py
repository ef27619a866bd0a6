"""What if: a frozen round with one thing otherwise, and what its plan would then be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from marketplace.domain.errors import Invalid
from marketplace.domain.fit import Accepting, Fit, last_day
from marketplace.domain.quantities import Month, payable_fen
from marketplace.domain.rounds import RoundResult, Snapshot, SnapshotLine, SnapshotLot
from marketplace.domain.whatif import (
    Drier,
    LineMore,
    ListingMore,
    Moved,
    PairDeclined,
    Question,
    RadiusWider,
    RoomMore,
    TooLarge,
    WhatIf,
)
from marketplace.matching.assembly import COUNTED, Assembled, Checker, Pair, joined, within_reach
from marketplace.matching.changes import with_one
from marketplace.matching.contracts import Prove, allocate
from marketplace.matching.storage import stored_of, waits_of, without_storage
from marketplace.solver.engines import Engine, Progress
from marketplace.solver.problem import Allocation, Problem

MOST_PAIRS: Final = 40_000
"""Pairs that a page holds against each other again, a second and a half; what touches more is for no page."""

MOST_ARCS: Final = 250_000
"""Pairs and months that a page solves at once, in about as long again."""

MOST_SOLVED: Final = 1_000_000
"""Pairs and months that it solves over and over for the sake of least lots, about two seconds."""

T = TypeVar("T", SnapshotLot, SnapshotLine)


@dataclass(frozen=True)
class Asked:
    """
    A round with what is asked in it, and the listings and lines that this is about, by their ids.

    ``snapshot`` is that of the round, with the lines ``beyond`` its radius that were read for a wider one; ``changed`` has
    the one thing otherwise.
    """

    snapshot: Snapshot
    changed: Snapshot
    lots: frozenset[int] = frozenset()
    lines: frozenset[int] = frozenset()


def what_if(snapshot: Snapshot, result: RoundResult, question: Question, engine: Engine, prove: Prove) -> WhatIf:
    """
    Return what a question changes in what a round answered.

    The snapshot is changed by that one thing. What hangs together with it, by material, distance and filings, before or
    after, is joined and solved again as the round was, with its least lots, filings, caps and permits; the rest stays.

    No price is tried at other figures than the round tried it, since whoever may vary those would find reserves and bids:
    of two that the round held against each other the price stands in the way if it did alone then, and of others not at
    all. For the same reason there is no answer for a round for the greatest surplus, where the plan follows the prices.

    Raises Invalid with the field of a question that makes no sense, TooLarge, and SolverFailed if the engine does.
    """
    if snapshot.objective == "surplus":
        raise Invalid(
            "The plan of a round for the greatest surplus follows reserves and bids: what it would be otherwise would betray"
            " them."
        )
    snapshot = without_storage(snapshot, result.unstored_listings, result.unstored_lines)
    of = asked(snapshot, question)
    again, pairs = _joined(of)
    if again.problem.lot.size > MOST_ARCS:
        raise _too_large(pairs)
    flows: dict[Pair, dict[Month, int]] = {}
    if again.arcs:
        for arc, mass in zip(again.arcs, allocate(again, _within(engine, pairs), prove).kg.tolist(), strict=True):
            if mass:
                months = flows.setdefault(arc[:2], {})
                months[arc[2]] = months.get(arc[2], 0) + mass
    kg = {pair: sum(months.values()) for pair, months in flows.items()}
    inside = {lot.listing_id for lot in again.snapshot.lots}
    had = {(award.listing_id, award.line_id): award for award in result.awards if award.listing_id in inside}
    spent = sum(_fen(award.kg, award.freight_fen_per_t, award.deduction_fen_per_t) for award in had.values())
    fits = again.fits
    spends = sum(_fen(m, fits[pair].haul.freight_fen_per_t, fits[pair].deduction_fen_per_t) for pair, m in kg.items())
    spent += sum(each.cost_fen for each in result.stored if each.listing_id in inside or each.line_id in again.lines)
    waits = waits_of(again.lots, again.lines, flows)
    spends += sum(each.cost_fen for each in stored_of(again.lots, again.lines, waits))
    before_fen = result.report.freight_fen + result.report.deduction_fen + result.report.storage_fen
    before_kg = result.report.allocated_kg
    return WhatIf(
        before_kg=before_kg,
        after_kg=before_kg + sum(kg.values()) - sum(award.kg for award in had.values()),
        offered_kg=result.report.offered_kg,
        offered_after_kg=sum(lot.offered.kg for lot in of.changed.lots),
        before_fen=before_fen,
        after_fen=before_fen + spends - spent,
        moved=_moved(snapshot, {pair: award.kg for pair, award in had.items()}, kg),
        pairs=pairs,
        stores=result.stores,
    )


def asked(snapshot: Snapshot, question: Question) -> Asked:
    """Return the round with what is asked; raises Invalid for what takes no part in it."""
    lots = {lot.listing_id: lot for lot in snapshot.lots}
    lines = {line.line_id: line for line in snapshot.lines}
    match question:
        case LineMore():
            return _with_line(snapshot, question)
        case RoomMore(line_id, kg):
            line = _known(lines, line_id, "line")
            more = replace(line, months=tuple((month, had + kg) for month, had in line.months))
            return Asked(snapshot, with_one(snapshot, line=more), lines=frozenset({line_id}))
        case RadiusWider(km, None):
            changed = replace(snapshot, max_km=snapshot.max_km + km)
            return Asked(snapshot, changed, frozenset(lots), frozenset(lines))
        case RadiusWider(km, line_id):
            line = _known(lines, line_id, "line")
            if line.accepting.radius_m is None:
                raise Invalid("This line has no radius of its own: only the round's bounds it.", field="km")
            wider = replace(line, accepting=replace(line.accepting, radius_m=line.accepting.radius_m + km * 1000))
            return Asked(snapshot, with_one(snapshot, line=wider), lines=frozenset({line.line_id}))
        case Drier(listing_id, moisture):
            lot = _known(lots, listing_id, "listing")
            values = {**lot.offered.properties, "moisture": moisture}
            drier = replace(lot, offered=replace(lot.offered, properties=values))
            return Asked(snapshot, with_one(snapshot, lot=drier), lots=frozenset({listing_id}))
        case ListingMore(like_id, kg):
            return _with_listing(snapshot, _known(lots, like_id, "listing"), kg)
        case PairDeclined(listing_id, line_id):
            _known(lots, listing_id, "contract")
            _known(lines, line_id, "contract")
            changed = replace(snapshot, declined=tuple({*snapshot.declined, (listing_id, line_id)}))
            return Asked(snapshot, changed, frozenset({listing_id}), frozenset({line_id}))


def _with_line(snapshot: Snapshot, question: LineMore) -> Asked:
    line_id = 1 + max((line.line_id for line in snapshot.lines), default=0)
    line = SnapshotLine(
        months=tuple((month, question.kg) for month in snapshot.months),
        accepting=Accepting(
            line_id=line_id,
            organization_id=1 + max(_organizations(snapshot), default=0),
            point=question.point,
            division_code=question.division_code,
            materials=dict.fromkeys(question.materials, 0),
            permit_valid_until=last_day(snapshot.months[-1]),
            permit_verified=True,
        ),
    )
    return Asked(snapshot, replace(snapshot, lines=(*snapshot.lines, line)), lines=frozenset({line_id}))


def _with_listing(snapshot: Snapshot, like: SnapshotLot, kg: int) -> Asked:
    listing_id = 1 + max(lot.listing_id for lot in snapshot.lots)
    months = tuple((month, kg) for month in snapshot.months)
    offered = replace(like.offered, kg=kg * len(months), least_lot_kg=min(like.offered.least_lot_kg, kg * len(months)))
    lot = SnapshotLot(listing_id=listing_id, months=months, offered=offered)
    return Asked(snapshot, replace(snapshot, lots=(*snapshot.lots, lot)), lots=frozenset({listing_id}))


def _within(engine: Engine, pairs: int) -> Engine:
    """Return an engine that refuses to go on when it has solved enough for a page; what it answers is the same."""
    solved = 0

    def solve(problem: Problem, /, *, progress: Progress | None = None) -> Allocation:
        nonlocal solved
        solved += problem.lot.size
        if solved > MOST_SOLVED:
            raise _too_large(pairs)
        return engine(problem, progress=progress)

    return solve


def _joined(of: Asked) -> tuple[Assembled, int]:
    """Return the part of the changed round that the question touches, joined again, and how many pairs that took."""
    lots, lines, pairs = _touched(of)
    if pairs > MOST_PAIRS:
        raise _too_large(pairs)
    part = replace(
        of.changed,
        lots=tuple(lot for lot in of.changed.lots if lot.listing_id in lots),
        lines=tuple(line for line in of.changed.lines if line.line_id in lines),
    )
    checks = _Checks(of, part)
    fits, filing_of = dict[Pair, Fit](), dict[tuple[int, int, Month], int]()
    for lot, line in within_reach(part, checks.refused):
        months = lot.sends
        if months:
            pair = (lot.listing_id, line.line_id)
            fits[pair], filings = checks.check(lot, line, months)
            filing_of.update(((*pair, month), filing_id) for month, filing_id in filings.items())
    return joined(checks.now, fits, filing_of, {}), pairs


class _Checks:
    """Holds pairs against each other as they would be, with their prices as they were."""

    def __init__(self, of: Asked, part: Snapshot) -> None:
        self.now, self.then = Checker(part), Checker(of.snapshot)
        self.lots = {lot.listing_id: lot for lot in of.snapshot.lots}
        self.lines = {line.line_id: line for line in of.snapshot.lines}
        self.as_far = of.changed.max_km == of.snapshot.max_km
        self.declined = frozenset(of.changed.declined) ^ frozenset(of.snapshot.declined)
        self.refused = {lot.listing_id for lot in part.lots if lot.offered.legal_status not in COUNTED}

    def check(self, lot: SnapshotLot, line: SnapshotLine, months: tuple[Month, ...]) -> tuple[Fit, dict[Month, int]]:
        fit, filings = self.now.check(lot, line, months)
        if any(reason.code != "priced_out" for reason in fit.reasons):
            return fit, filings
        lot_then, line_then = self.lots.get(lot.listing_id), self.lines.get(line.line_id)
        pair = (lot.listing_id, line.line_id)
        if lot is lot_then and line is line_then and self.as_far and pair not in self.declined:
            return fit, filings  # as it was
        if lot_then is not None and line_then is not None:
            then = self.then.check(lot_then, line_then, months)[0]
            if then.reasons and all(reason.code == "priced_out" for reason in then.reasons):
                return then, {}
        return replace(fit, verdict="meets", reasons=()), filings


def _touched(of: Asked) -> tuple[frozenset[int], frozenset[int], int]:
    """Return the listings and lines that material, distance or a filing join to these, and how many pairs lie within reach."""
    partners: tuple[dict[int, set[int]], dict[int, set[int]]] = ({}, {})
    for lot, line in within_reach(of.changed):
        partners[0].setdefault(lot.listing_id, set()).add(line.line_id)
        partners[1].setdefault(line.line_id, set()).add(lot.listing_id)
    filed: dict[tuple[int, str], set[int]] = {}
    under = {(filing.producer_id, filing.waste_code) for filing in of.changed.filings}
    for lot in of.changed.lots:
        key = (lot.offered.organization_id, lot.offered.waste_code)
        if key in under:
            filed.setdefault(key, set()).add(lot.listing_id)
    together = {listing_id: ids for ids in filed.values() for listing_id in ids}
    found: tuple[set[int], set[int]] = (set(), set())
    ahead = [*((0, own) for own in of.lots), *((1, own) for own in of.lines)]
    while ahead:
        side, own = ahead.pop()
        if own in found[side]:
            continue
        found[side].add(own)
        ahead += [(1 - side, other) for other in partners[side].get(own, ())]
        ahead += [(0, other) for other in (together.get(own, ()) if side == 0 else ())]
    return frozenset(found[0]), frozenset(found[1]), sum(len(partners[0].get(own, ())) for own in found[0])


def _moved(snapshot: Snapshot, before: Mapping[Pair, int], after: Mapping[Pair, int]) -> tuple[Moved, ...]:
    lots = {lot.listing_id for lot in snapshot.lots}
    lines = {line.line_id for line in snapshot.lines}
    rows = (
        Moved(
            pair[0] if pair[0] in lots else None,
            pair[1] if pair[1] in lines else None,
            before.get(pair, 0),
            after.get(pair, 0),
        )
        for pair in sorted({*before, *after})
    )
    otherwise = (row for row in rows if row.before_kg != row.after_kg)
    return tuple(sorted(otherwise, key=lambda row: -abs(row.after_kg - row.before_kg)))


def _fen(kg: int, freight: int, deduction: int) -> int:
    return payable_fen(kg, freight) + payable_fen(kg, deduction)


def _organizations(snapshot: Snapshot) -> Iterable[int]:
    yield from (lot.offered.organization_id for lot in snapshot.lots)
    yield from (line.accepting.organization_id for line in snapshot.lines)


def _too_large(count: int) -> TooLarge:
    return TooLarge(
        "What this touches is too large to be solved while a page waits: %(count)s pairs of waste and line hang together.",
        count=count,
    )


def _known(rows: Mapping[int, T], key: int | None, field: str) -> T:
    if key is None or key not in rows:
        raise Invalid("This takes no part in the round.", field=field)
    return rows[key]
