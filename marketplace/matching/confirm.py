"""Would it really? What a flip promises, tried by solving again the part of the round that it touches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Final

from marketplace.domain.fit import Fit
from marketplace.domain.rounds import Leftover
from marketplace.domain.steps import Tell, silent
from marketplace.matching.assembly import Assembled, Checker, Pair, joined
from marketplace.matching.changes import Change, MoreRoom, change_of
from marketplace.matching.contracts import Cleared, Prove, allocate
from marketplace.matching.leftovers import Cause, Told
from marketplace.matching.outcome import Outcome
from marketplace.matching.settlement import settle
from marketplace.matching.shares import Shares
from marketplace.matching.storage import uncovered
from marketplace.solver.engines import Engine
from marketplace.solver.problem import Ended, SolverFailed

MOST_CONFIRMED: Final = 24
"""Flips that a round tries: of the most kilograms left first, a tonne of room last; the others are told without proof."""

MOST_ARCS: Final = 200_000
"""Arcs solved again on the way, about five seconds of one core: in a large round fewer flips are tried."""


def confirmed(
    outcome: Outcome, told: list[Told], engine: Engine, prove: Prove, tell: Tell = silent
) -> Mapping[int, int]:
    """
    Return which leftovers' flips hold, by their place, with how many kilograms more are then put to use in all.

    The change is made, every pair that it concerns is held against each other again, and what hangs together with the two is
    solved as the round was, with its least lots, filings and caps. The flip holds if more of that lot, or at that line,
    is then put to use, and more in all. Of one thing left over in several months for one reason, the month with most is tried.
    """
    tries = _Tries(outcome, engine, prove)
    proved: dict[int, int] = {}
    places = _worth_trying(told)
    for done, place in enumerate(places):
        tell("explaining", done, len(places))
        left, cause = told[place]
        gain_kg = None if cause is None else tries.gain_kg(left, cause)
        if gain_kg is not None:
            proved[place] = gain_kg
    return proved


def _worth_trying(told: list[Told]) -> list[int]:
    most: dict[tuple[int | None, int | None, str], int] = {}
    for place, (left, cause) in enumerate(told):
        key = (left.listing_id, left.line_id, left.code)
        if cause is not None and (key not in most or left.kg > told[most[key]][0].kg):
            most[key] = place

    def order(place: int) -> tuple[bool, int, int]:
        left, cause = told[place]
        return isinstance(cause, MoreRoom), -left.kg, place  # what room is worth is told without trying it

    return sorted(most.values(), key=order)[:MOST_CONFIRMED]


class _Tries:
    def __init__(self, outcome: Outcome, engine: Engine, prove: Prove) -> None:
        self.outcome = outcome
        self.assembled = outcome.assembled
        self.engine = engine
        self.prove = prove
        self.spent = 0

    def gain_kg(self, left: Leftover, cause: Cause) -> int | None:
        """Return how many kilograms more are put to use in all if the change is made, None if it does not hold."""
        change = change_of(self.assembled, cause)
        again = None if change is None else self._joined(change)
        if again is None:
            return None
        try:
            cleared = allocate(again, self.engine, self.prove)
        except Ended:
            raise
        except SolverFailed:
            return None
        if self._leaves_storage_uncovered(again, cleared):
            return None
        kg = cleared.kg.tolist()
        inside = {lot.listing_id for lot in again.snapshot.lots}
        held = ((pair, kg) for pair, kg in self._held.items() if pair[0] in inside)
        now = ((arc[:2], mass) for arc, mass in zip(again.arcs, kg, strict=True))
        (before, own_before), (after, own_after) = _moved(left, held), _moved(left, now)
        return after - before if after > before and own_after > own_before else None

    @staticmethod
    def _leaves_storage_uncovered(again: Assembled, cleared: Cleared) -> bool:
        """Return whether waiting would then cost somebody more than the round brings: the round would leave that storage out."""
        outcome = Outcome(again, cleared)
        if not outcome.waits or again.snapshot.kind == "planning":
            return False
        shares = Shares.of(again, cleared) if again.snapshot.objective == "surplus" else None
        return bool(uncovered(again, settle(again, outcome.flows, shares), outcome.waits))

    def _joined(self, change: Change) -> Assembled | None:
        """Return the part of the changed round that hangs together with what is changed; none if nothing is joined."""
        snapshot, known = change.snapshot, self.assembled
        checker = Checker(snapshot)
        lots = {lot.listing_id: lot for lot in snapshot.lots}
        lines = {line.line_id: line for line in snapshot.lines}
        filing_of, fits = dict(known.filing_of), dict[Pair, Fit]()
        for pair in change.pairs:
            lot = lots[pair[0]]
            fits[pair], filings = checker.check(lot, lines[pair[1]], lot.sends)
            filing_of.update(((*pair, month), filing_id) for month, filing_id in filings.items())
        new = [pair for pair, fit in fits.items() if fit.verdict == "meets"]
        if change.pairs and change.pair not in new:
            return None
        inside = self._hanging_together([change.pair, *new])
        self.spent += sum(self._arcs_of.get(listing_id, 0) for listing_id in inside[0])
        if self.spent > MOST_ARCS:
            return None
        part = replace(
            snapshot,
            lots=tuple(lot for lot in snapshot.lots if lot.listing_id in inside[0]),
            lines=tuple(line for line in snapshot.lines if line.line_id in inside[1]),
        )
        within = {**{pair: fit for pair, fit in known.fits.items() if pair not in fits}, **fits}
        within = {pair: fit for pair, fit in within.items() if pair[0] in inside[0] and pair[1] in inside[1]}
        return joined(Checker(part), within, filing_of, known.refused)

    def _hanging_together(self, pairs: list[Pair]) -> tuple[set[int], set[int]]:
        """Return the listings and lines that pairs which fit, or a filing of several pairs, join to these."""
        partners = (self.outcome.lines_of, self.outcome.lots_of)
        found: tuple[set[int], set[int]] = (set(), set())
        ahead = [(side, pair[side]) for pair in pairs for side in (0, 1)]
        while ahead:
            side, own = ahead.pop()
            if own in found[side]:
                continue
            found[side].add(own)
            ahead += [(1 - side, other) for other in partners[side].get(own, ())]
            ahead += [(0, other) for other in (self._filed_with.get(own, ()) if side == 0 else ())]
        return found

    @cached_property
    def _filed_with(self) -> Mapping[int, tuple[int, ...]]:
        """The listings that share a filing with each."""
        under: dict[int, set[int]] = {}
        for (listing_id, _, _), filing_id in self.assembled.filing_of.items():
            under.setdefault(filing_id, set()).add(listing_id)
        shared: dict[int, set[int]] = {}
        for listing_ids in under.values():
            for listing_id in listing_ids:
                shared.setdefault(listing_id, set()).update(listing_ids)
        return {listing_id: tuple(sorted(others)) for listing_id, others in shared.items()}

    @cached_property
    def _arcs_of(self) -> Mapping[int, int]:
        return Counter(listing_id for listing_id, _, _ in self.assembled.arcs)

    @cached_property
    def _held(self) -> Mapping[Pair, int]:
        return {pair: sum(months.values()) for pair, months in self.outcome.flows.items()}


def _moved(left: Leftover, flows: Iterable[tuple[Pair, int]]) -> tuple[int, int]:
    """Return the kilograms in all, and those of the lot or at the line that is left over."""
    own = (left.listing_id, 0) if left.listing_id is not None else (left.line_id, 1)
    total = mine = 0
    for pair, kg in flows:
        total += kg
        mine += kg * (pair[own[1]] == own[0])
    return total, mine
