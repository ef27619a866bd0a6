"""Why something found no line, and why a line found no waste: the first failing filter of the nearest miss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from marketplace.domain.places import great_circle_m
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Leftover, SnapshotLine, SnapshotLot
from marketplace.domain.wording import Sentence
from marketplace.matching.assembly import Pair
from marketplace.matching.nearest import Miss, flip, nearest
from marketplace.matching.outcome import Outcome

MOST_BEYOND: Final = 5
"""How many lines (or lots) beyond the radius are looked at, the nearest first: the others miss it by more."""


def leftovers(outcome: Outcome) -> Iterator[Leftover]:
    """Yield each lot and each line that is left over in a month, wholly or partly: lots first, by id and month."""
    finder = _Finder(outcome)
    for lot in outcome.assembled.snapshot.lots:
        for month, _ in lot.months:
            kg = outcome.left_kg[lot.listing_id, month]
            if kg:
                yield finder.of_lot(lot, month, kg)
    for line in outcome.assembled.snapshot.lines:
        for month, _ in line.months:
            kg = outcome.room_kg[line.line_id, month]
            if kg:
                yield finder.of_line(line, month, kg)


class _Finder:
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.assembled = outcome.assembled
        self.lines_near: dict[int, tuple[int, ...]] = {}
        self.lots_near: dict[int, tuple[int, ...]] = {}
        self.in_reach: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
        for listing_id, line_id in self.assembled.fits:
            self.in_reach[0].setdefault(listing_id, []).append(line_id)
            self.in_reach[1].setdefault(line_id, []).append(listing_id)

    def of_lot(self, lot: SnapshotLot, month: Month, kg: int) -> Leftover:
        own = lot.listing_id
        refused = self.assembled.refused.get(own)
        if refused is not None:
            return _left(own, None, month, kg, refused.code, refused.sentence)
        if own not in self.lines_near:
            self.lines_near[own] = self._lines_near(lot)
        near = nearest(self._misses(((own, line_id) for line_id in self.lines_near[own]), month))
        fitting = [
            line_id
            for line_id in self.outcome.lines_of.get(own, ())
            if month in self.assembled.fits[own, line_id].months
        ]
        if not fitting:
            return self._missed(own, None, month, kg, near)
        nearest_id = near.pair[1] if near else None
        with_room = [line_id for line_id in fitting if self.outcome.room_kg.get((line_id, month), 0)]
        if with_room:
            code, sentence = self._kept_apart((own, with_room[0]))
            return _left(own, None, month, kg, code, sentence, _change(near), with_room[0])
        sentence = Sentence(
            "Every line that fits is full in %(asked_month)s (lines: %(fitting)s, room in all: %(room_kg)s t).",
            {
                "asked_month": str(month),
                "fitting": len(fitting),
                "room_kg": sum(dict(self.assembled.lines[line_id].months).get(month, 0) for line_id in fitting),
            },
        )
        return _left(
            own, None, month, kg, "capacity_full", sentence, _change(near) or self._more_room(own, fitting), nearest_id
        )

    def of_line(self, line: SnapshotLine, month: Month, kg: int) -> Leftover:
        own = line.line_id
        if own not in self.lots_near:
            self.lots_near[own] = self._lots_near(line)
        near = nearest(self._misses(((listing_id, own) for listing_id in self.lots_near[own]), month))
        fitting = [
            listing_id
            for listing_id in self.outcome.lots_of.get(own, ())
            if month in self.assembled.fits[listing_id, own].months
        ]
        if not fitting:
            return self._missed(None, own, month, kg, near)
        nearest_id = near.pair[0] if near else None
        with_kg = [listing_id for listing_id in fitting if self.outcome.left_kg.get((listing_id, month), 0)]
        if with_kg:
            code, sentence = self._kept_apart((with_kg[0], own))
            return _left(None, own, month, kg, code, sentence, _change(near), with_kg[0])
        sentence = Sentence(
            "All waste that fits the line is placed in %(asked_month)s (lots: %(fitting)s).",
            {"asked_month": str(month), "fitting": len(fitting)},
        )
        return _left(None, own, month, kg, "supply_placed", sentence, _change(near), nearest_id)

    def _missed(
        self, listing_id: int | None, line_id: int | None, month: Month, kg: int, near: Miss | None
    ) -> Leftover:
        """Tell the nearest miss, or that nobody asks for the material at all."""
        if near is not None:
            nearest_id = near.pair[1] if line_id is None else near.pair[0]
            return _left(listing_id, line_id, month, kg, near.first.code, near.first.sentence, flip(near), nearest_id)
        if listing_id is not None:
            material = self.assembled.lots[listing_id].offered.material
            nobody = Sentence("No line in this round takes %(offered_material)s.", {"offered_material": material})
            return _left(listing_id, line_id, month, kg, "material", nobody)
        nothing = Sentence("Nothing that the line takes is offered in %(asked_month)s.", {"asked_month": str(month)})
        return _left(listing_id, line_id, month, kg, "material", nothing)

    def _kept_apart(self, pair: Pair) -> tuple[str, Sentence]:
        """Say why a lot and a line that fit both have something left: only a contract can stand between."""
        if pair in self.outcome.cleared.filed_out:
            return "filing_exhausted", Sentence("The filing across provinces has no more tonnes.")
        offered, accepting = self.assembled.lots[pair[0]].offered, self.assembled.lines[pair[1]].accepting
        least = max(min(offered.least_lot_kg, offered.kg), accepting.least_lot_kg)
        sentence = Sentence(
            "What could still go there lies below the least lot of %(least_kg)s t for one contract.",
            {"least_kg": least},
        )
        return "least_lot", sentence

    def _more_room(self, listing_id: int, fitting: list[int]) -> Sentence | None:
        """Say what the minimum cut proves: a lot that is left over is short of room at every line that it may go to."""
        kept = self.outcome.cleared.too_small | self.outcome.cleared.filed_out
        if any((listing_id, line_id) in kept for line_id in fitting):
            return None
        return Sentence("Each further tonne of room at one of these lines would take one more tonne of it.")

    def _misses(self, pairs: Iterator[Pair], month: Month) -> Iterator[Miss]:
        for pair in pairs:
            fit = self.outcome.fit(pair, month)
            if fit.verdict == "meets":
                continue
            left = self.outcome.left_kg.get((pair[0], month), 0)
            room = self.outcome.room_kg.get((pair[1], month), 0)
            offered, accepting = self.assembled.lots[pair[0]].offered, self.assembled.lines[pair[1]].accepting
            filed = self.outcome.filed_kg(pair)
            gain = min(left, room) if filed is None else min(left, room, filed)
            small = gain < max(min(offered.least_lot_kg, offered.kg), accepting.least_lot_kg)
            yield Miss(pair, month, fit, 0 if small else gain)

    def _lines_near(self, lot: SnapshotLot) -> tuple[int, ...]:
        within = self.in_reach[0].get(lot.listing_id, [])
        known = set(within)
        beyond = sorted(
            (great_circle_m(lot.offered.point, line.accepting.point), line.line_id)
            for line in self.assembled.snapshot.lines
            if lot.offered.material in line.accepting.materials and line.line_id not in known
        )
        return (*within, *(line_id for _, line_id in beyond[:MOST_BEYOND]))

    def _lots_near(self, line: SnapshotLine) -> tuple[int, ...]:
        within = self.in_reach[1].get(line.line_id, [])
        known = set(within)
        beyond = sorted(
            (great_circle_m(lot.offered.point, line.accepting.point), lot.listing_id)
            for lot in self.assembled.snapshot.lots
            if lot.offered.material in line.accepting.materials
            and lot.listing_id not in known
            and lot.listing_id not in self.assembled.refused
        )
        return (*within, *(listing_id for _, listing_id in beyond[:MOST_BEYOND]))


def _change(near: Miss | None) -> Sentence | None:
    return flip(near) if near else None


def _left(
    listing_id: int | None,
    line_id: int | None,
    month: Month,
    kg: int,
    code: str,
    sentence: Sentence,
    change: Sentence | None = None,
    nearest_id: int | None = None,
) -> Leftover:
    return Leftover(
        listing_id=listing_id,
        line_id=line_id,
        month=month,
        kg=kg,
        code=code,
        sentence=sentence,
        flip=change,
        nearest_id=nearest_id,
    )
