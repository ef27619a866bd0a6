"""How long a what-if takes while its page waits, by the size of the round and what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from time import process_time

from bench.instances import frozen_round
from marketplace.domain.rounds import RoundResult, Snapshot
from marketplace.domain.whatif import (
    Drier,
    LineMore,
    ListingMore,
    PairDeclined,
    Question,
    RadiusWider,
    RoomMore,
    TooLarge,
)
from marketplace.matching.clearing import clear
from marketplace.matching.whatif import what_if
from marketplace.services.whatif import prove
from marketplace.solver.engines import engine

SIZES = ((50, 20), (200, 80), (500, 200))


def rows(sizes: tuple[tuple[int, int], ...] = SIZES, *, repeats: int = 3) -> list[dict[str, object]]:
    """Return one row per size and question: seconds of the processor, the best of some runs, or that it is too large for a page."""
    return [row for lots, lines in sizes for row in _at(lots, lines, repeats)]


def _at(lots: int, lines: int, repeats: int) -> Iterator[dict[str, object]]:
    snapshot = frozen_round(lots, lines)
    began = process_time()
    result = clear(snapshot, engine())
    whole = process_time() - began
    for question in _questions(snapshot, result):
        runs = [_asked(snapshot, result, question) for _ in range(repeats)]
        asked = [seconds for seconds in runs if seconds is not None]
        yield {
            "lots": lots,
            "lines": lines,
            "what if": type(question).__name__,
            "cpu_seconds": round(min(asked), 3) if asked else "too large for a page",
            "cpu_seconds_round": round(whole, 3),
        }


def _asked(snapshot: Snapshot, result: RoundResult, question: Question) -> float | None:
    began = process_time()
    try:
        what_if(snapshot, result, question, engine(), prove)
    except TooLarge:
        return None
    return process_time() - began


def _questions(snapshot: Snapshot, result: RoundResult) -> Iterator[Question]:
    lot, line = snapshot.lots[0], snapshot.lines[0]
    yield LineMore(
        point=line.accepting.point,
        division_code=line.accepting.division_code,
        materials=(lot.offered.material,),
        kg=1_000_000,
    )
    yield RoomMore(line_id=line.accepting.line_id, kg=1_000_000)
    yield RadiusWider(km=50)
    yield Drier(listing_id=lot.listing_id, moisture=Decimal("0.1"))
    yield ListingMore(like_id=lot.listing_id, kg=1_000_000)
    yield PairDeclined(listing_id=result.awards[0].listing_id, line_id=result.awards[0].line_id)
