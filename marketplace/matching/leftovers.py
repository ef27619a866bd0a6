"""Why something found no line, and why a line found no waste: the first failing filter of the nearest miss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, TypeAlias

from marketplace.domain.places import great_circle_m
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Leftover, SnapshotLine, SnapshotLot
from marketplace.domain.wording import Sentence, Value
from marketplace.matching.apart import why_apart
from marketplace.matching.assembly import Pair
from marketplace.matching.changes import AtMean, FullTruck, MoreRoom, SmallerLot
from marketplace.matching.contracts import least_kg
from marketplace.matching.linenodes import Node
from marketplace.matching.nearest import Miss, Nearest, could_move, flip
from marketplace.matching.outcome import Outcome

TONNE_KG: Final = 1000

Cause: TypeAlias = "Miss | MoreRoom | SmallerLot | FullTruck | AtMean"
"""What a flip asks for: that a pair fits, more room, a smaller contract, a full truck, or a value at the limit of a mean."""

Told: TypeAlias = "tuple[Leftover, Cause | None]"

_Flip: TypeAlias = "tuple[Sentence, Cause] | None"

MOST_BEYOND: Final = 5
"""How many lines (or lots) beyond the radius are looked at, the nearest first: the others miss it by more."""


def leftovers(outcome: Outcome) -> Iterator[Leftover]:
    """Yield each lot and each line that is left over in a month, wholly or partly: lots first, by id and month."""
    for left, _ in with_causes(outcome):
        yield left


def with_causes(outcome: Outcome) -> Iterator[Told]:
    """Yield what `leftovers` does, each with what its ``flip`` would change."""
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
        self.nearest = Nearest(outcome)
        self.near: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
        self.offered = {(lot.listing_id, month) for lot in self.assembled.snapshot.lots for month in lot.sends}
        self.stored = {(each.listing_id, each.month): each.kg for each in outcome.stored}
        self.in_reach: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
        for listing_id, line_id in self.assembled.fits:
            self.in_reach[0].setdefault(listing_id, []).append(line_id)
            self.in_reach[1].setdefault(line_id, []).append(listing_id)

    def of_lot(self, lot: SnapshotLot, month: Month, kg: int) -> Told:
        own = lot.listing_id
        refused = self.assembled.refused.get(own)
        if refused is not None:
            return _left(own, None, month, kg, refused.code, refused.sentence)
        near = self.nearest.of(((own, line_id) for line_id in self._lines_near(lot)), month)
        fitting = self._fitting(own, month)
        if not fitting:
            return self._could_wait(lot, month, kg, near) or self._missed(own, None, month, kg, near)
        nearest_id = near.pair[1] if near else None
        with_room = [line_id for line_id in fitting if self.outcome.room_kg.get((line_id, month), 0)]
        if with_room:
            line_id = self._first_with_a_load(with_room, self.outcome.room_kg, month)
            code, sentence, change = self._kept_apart((own, line_id), month)
            if code == "part_truckload" and self.outcome.room_kg[line_id, month] < self.outcome.load_kg <= kg:
                code, sentence = "capacity_full", self._full(fitting, month, but_for_a_load=True)
            return _left(own, None, month, kg, code, sentence, change, line_id)
        if any(self.outcome.month_room_kg.get((line_id, month), 0) for line_id in fitting):
            sentence = Sentence(
                "What their permits leave the lines that fit for %(asked_year)s is used up.",
                {"asked_year": str(month.year)},
            )
            return _left(own, None, month, kg, "permit_used_up", sentence, self._change(near), nearest_id)
        change = self._change(near) or self._more_room(own, month, kg, fitting)
        return _left(own, None, month, kg, "capacity_full", self._full(fitting, month), change, nearest_id)

    def _fitting(self, listing_id: int, month: Month) -> list[int]:
        fits, lines = self.assembled.fits, self.outcome.lines_of.get(listing_id, ())
        return [line_id for line_id in lines if month in fits[listing_id, line_id].months]

    def _full(self, fitting: list[int], month: Month, *, but_for_a_load: bool = False) -> Sentence:
        """Say that every line that fits is full, or holds less than a truckload more."""
        room = sum(dict(self.assembled.lines[line_id].months).get(month, 0) for line_id in fitting)
        values: dict[str, Value] = {"asked_month": str(month), "fitting": len(fitting), "room_kg": room}
        if but_for_a_load:
            return Sentence(
                "Every line that fits is full in %(asked_month)s but for less than a truckload (lines: %(fitting)s, room in"
                " all: %(room_kg)s t).",
                values,
            )
        return Sentence(
            "Every line that fits is full in %(asked_month)s (lines: %(fitting)s, room in all: %(room_kg)s t).", values
        )

    def _could_wait(self, lot: SnapshotLot, ready: Month, kg: int, near: Miss | None) -> Told | None:
        """
        Say why what no line takes in its month does not wait for the next in which one is open: the yard or the lines are full.

        None where nothing may wait, or only a rule of contracts stands between: that no line is open now is as true then.
        """
        own, month, rooms = lot.listing_id, ready, dict(lot.storage_kg)
        full: Month | None = None  # over whose end no more can wait
        while rooms.get(month) and month.plus(1) in lot.sends:
            later = self._fitting(own, month.plus(1))
            if full is None and self.stored.get((own, month), 0) >= rooms[month]:
                full = month
            if later and full is not None:
                held = self.stored[own, full]
                sentence = Sentence(
                    "No line that fits is open before %(later_month)s, and no more can wait so long: %(stored_kg)s t wait in the"
                    " yard over the end of %(asked_month)s.",
                    {"asked_month": str(full), "later_month": str(month.plus(1)), "stored_kg": held},
                )
                return _left(own, None, ready, kg, "storage_full", sentence, self._change(near), later[0])
            month = month.plus(1)
            if any(self.outcome.room_kg.get((line_id, month), 0) for line_id in later):
                return None
            if later:
                change = self._change(near) or self._more_room(own, month, kg, later)
                return _left(own, None, ready, kg, "capacity_full", self._full(later, month), change, later[0])
        return None

    def of_line(self, line: SnapshotLine, month: Month, kg: int) -> Told:
        own = line.line_id
        near = self.nearest.of(((listing_id, own) for listing_id in self._lots_near(line, month)), month)
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
            listing_id = self._first_with_a_load(with_kg, self.outcome.left_kg, month)
            code, sentence, change = self._kept_apart((listing_id, own), month)
            if code == "part_truckload" and self.outcome.left_kg[listing_id, month] < self.outcome.load_kg <= kg:
                values: dict[str, Value] = {"asked_month": str(month), "fitting": len(fitting)}
                sentence = Sentence(
                    "All waste that fits the line is placed in %(asked_month)s but for less than a truckload of each lot"
                    " (lots: %(fitting)s).",
                    values,
                )
                code = "supply_placed"
            return _left(None, own, month, kg, code, sentence, change, listing_id)
        sentence = Sentence(
            "All waste that fits the line is placed in %(asked_month)s (lots: %(fitting)s).",
            {"asked_month": str(month), "fitting": len(fitting)},
        )
        return _left(None, own, month, kg, "supply_placed", sentence, self._change(near), nearest_id)

    def _missed(self, listing_id: int | None, line_id: int | None, month: Month, kg: int, near: Miss | None) -> Told:
        """Tell the nearest miss, or that nobody asks for the material at all."""
        if near is not None:
            nearest_id = near.pair[1] if line_id is None else near.pair[0]
            return _left(
                listing_id, line_id, month, kg, near.first.code, near.first.sentence, self._change(near), nearest_id
            )
        if listing_id is not None:
            material = self.assembled.lots[listing_id].offered.material
            nobody = Sentence("No line in this round takes %(offered_material)s.", {"offered_material": material})
            return _left(listing_id, line_id, month, kg, "material", nobody)
        nothing = Sentence(
            "No waste that the line takes, and that counts towards the rate, is offered in %(asked_month)s.",
            {"asked_month": str(month)},
        )
        return _left(listing_id, line_id, month, kg, "material", nothing)

    def _first_with_a_load(self, ids: list[int], left_kg: Mapping[Node, int], month: Month) -> int:
        """Return the first that has a whole truckload left in a month; without one, or without truckloads, the first."""
        return next((own for own in ids if left_kg[own, month] >= self.outcome.load_kg), ids[0])

    def _kept_apart(self, pair: Pair, month: Month) -> tuple[str, Sentence, _Flip]:
        """Say why a lot and a line that fit both have something left: only a contract can stand between."""
        filed = self.outcome.filed_kg(pair, month)
        if filed == 0:
            return "filing_exhausted", Sentence("The filing across provinces has no more tonnes."), None
        capped = self.outcome.cap_kg(pair)
        if capped == 0:
            sentence = Sentence(
                "By the listing's own rule one buyer gets at most %(cap_kg)s t of it; this one gets no more.",
                {"cap_kg": self.assembled.lots[pair[0]].cap_per_buyer_kg},
            )
            return "cap_per_buyer", sentence, None
        shared = self.outcome.share_kg(pair)
        if shared == 0:
            return "kept_for_small", Sentence("What is left is the share that the listing keeps for small works."), None
        if self.outcome.step_kg(pair, month) == 0:
            sentence = Sentence(
                "What the line still takes in %(asked_month)s it takes for less, and that does not cover reserve, freight and"
                " deductions.",
                {"asked_month": str(month)},
            )
            return "price_step", sentence, None
        limits = self.outcome.limits(pair, month)
        apart = why_apart(self.outcome, pair, month, limits)
        if apart is not None:
            return apart
        gain = min(self.outcome.left_kg[pair[0], month], self.outcome.room_kg[pair[1], month])
        gain = min([gain, *limits])
        gain -= gain % self.outcome.load_kg
        sentence = Sentence(
            "What could still go there lies below the least lot of %(least_kg)s t for one contract.",
            {"least_kg": least_kg(self.assembled, pair)},
        )
        change = could_move(Sentence("If a contract might be as small as that"), gain, month)
        return "least_lot", sentence, (change, SmallerLot(pair, month, gain))

    def _more_room(self, listing_id: int, month: Month, kg: int, fitting: list[int]) -> _Flip:
        """Say what is plain where no least lot, filing or cap stands between: what is left would fill further room."""
        if self.assembled.snapshot.objective == "surplus":
            return None  # whose tonne it would be depends on prices
        if self.outcome.load_kg > 1:
            return None  # a tonne is no truckload
        for line_id in fitting:
            pair = (listing_id, line_id)
            limits = self.outcome.limits(pair, month)
            enough = self.outcome.carried_kg(pair) + TONNE_KG >= least_kg(self.assembled, pair)
            if kg < TONNE_KG or not enough or any(most < TONNE_KG for most in limits):
                return None
        change = Sentence("A further tonne of room at any of these lines would take one more tonne of it.")
        return change, MoreRoom(listing_id, fitting[0], month)

    def _change(self, near: Miss | None) -> _Flip:
        change = flip(self.outcome, near) if near else None
        return (change, near) if change and near else None

    def _lines_near(self, lot: SnapshotLot) -> tuple[int, ...]:
        """Return the lines within reach that take the material, and the nearest beyond."""
        key = ("lot", lot.listing_id)
        if key not in self.near:
            within = self.in_reach[0].get(lot.listing_id, [])
            known = set(within)
            beyond = sorted(
                (great_circle_m(lot.offered.point, line.accepting.point), line.line_id)
                for line in self.assembled.snapshot.lines
                if lot.offered.material in line.accepting.materials and line.line_id not in known
            )
            near = [*within, *(line_id for _, line_id in beyond[:MOST_BEYOND])]
            near.sort(key=lambda line_id: self.nearest.at_least((lot.listing_id, line_id)))  # fewer are looked at
            self.near[key] = near, []
        return tuple(self.near[key][0])

    def _lots_near(self, line: SnapshotLine, month: Month) -> tuple[int, ...]:
        """Return the lots within reach of a material that the line takes, and the nearest beyond, that have any then."""
        key = ("line", line.line_id)
        if key not in self.near:
            within = self.in_reach[1].get(line.line_id, [])
            known = set(within)
            beyond = sorted(
                (great_circle_m(lot.offered.point, line.accepting.point), lot.listing_id)
                for lot in self.assembled.snapshot.lots
                if lot.offered.material in line.accepting.materials
                and lot.listing_id not in known
                and lot.listing_id not in self.assembled.refused
            )
            within = sorted(within, key=lambda listing_id: self.nearest.at_least((listing_id, line.line_id)))
            self.near[key] = within, [listing_id for _, listing_id in beyond]
        here, there = ((own for own in ids if (own, month) in self.offered) for ids in self.near[key])
        return (*here, *islice(there, MOST_BEYOND))


def _left(
    listing_id: int | None,
    line_id: int | None,
    month: Month,
    kg: int,
    code: str,
    sentence: Sentence,
    change: _Flip = None,
    nearest_id: int | None = None,
) -> Told:
    left = Leftover(
        listing_id=listing_id,
        line_id=line_id,
        month=month,
        kg=kg,
        code=code,
        sentence=sentence,
        flip=change[0] if change else None,
        nearest_id=nearest_id,
    )
    return left, change[1] if change else None
