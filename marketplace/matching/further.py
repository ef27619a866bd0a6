"""The further explanation of a round: its curve of cost, what a tonne is worth, how safe each award is, what was confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np

from marketplace.domain.quantities import Month
from marketplace.domain.results import Curve, Explanation, Leftover, Margin, ProposedAward, RoomWorth
from marketplace.domain.rounds import RoundResult
from marketplace.domain.steps import Tell
from marketplace.domain.wording import Sentence
from marketplace.matching.assembly import Pair
from marketplace.matching.changes import AtMean, MoreRoom
from marketplace.matching.confirm import confirmed
from marketplace.matching.furtherwords import margin_words, room_words, supply_words, waste_words
from marketplace.matching.leftovers import Told
from marketplace.matching.outcome import Outcome, cost
from marketplace.solver import engines
from marketplace.solver.certificate import certify
from marketplace.solver.engines import Engine
from marketplace.solver.meaning.frontier import frontier
from marketplace.solver.meaning.margins import margins, searches_for
from marketplace.solver.meaning.worth import Worth, worth
from marketplace.solver.problem import Allocation, Integers, Problem, SolverFailed

MARGIN_WORK: Final = 60_000_000
"""Steps looked at for margins, about two seconds of one core: in a large round the greatest awards have one."""

_SEARCH: Final = 10_000
"""What a search costs at the least, in steps."""


def explained(outcome: Outcome, result: RoundResult, told: list[Told], tell: Tell) -> RoundResult:
    """
    Return the result with its further explanation; awards, tonnes and reasons stay as they are.

    ``told`` are the leftovers of the result with what their flips ask for. Worth and margins are told in a round for the
    most tonnes without costs of contracts, truckloads and means (`Outcome.tells_worth`), where they are freight and deductions, which everybody may know; those of the greatest surplus would
    betray reserves and bids. What is solved again is solved by the quickest engine, since the answer is the same by each.

    Raises SolverFailed if the engine does, or if what it found is not proved, and whatever ``tell`` does on the way.
    """
    quick = engines.engine()
    proved = confirmed(outcome, told, quick, _prove, tell)
    leftovers = [_confirmed(left, cause, proved.get(place)) for place, (left, cause) in enumerate(told)]
    tell("explaining", 0, 0)
    result = replace(result, curve=_curve(outcome, quick), leftovers=tuple(leftovers))
    tell("explaining", 0, 0)
    if result.objective == "surplus" or not outcome.tells_worth:
        return result
    further = _Further(outcome)
    return replace(
        result,
        awards=tuple(further.awards(result.awards)),
        leftovers=tuple(replace(left, worth=further.worth_of(left)) for left in leftovers),
        rooms=tuple(further.rooms()),
    )


def _prove(problem: Problem, allocation: Allocation) -> None:
    certificate = certify(problem, allocation)
    if not certificate.valid:
        raise SolverFailed("; ".join(certificate.violations) or "the plan is not proved")


def _confirmed(left: Leftover, cause: object, proved_kg: int | None) -> Leftover:
    """
    Return the leftover with what was proved of its flip.

    That a tonne of room would take just this waste is told only if it was tried: where more waste is left over, another
    lot's may be cheaper to bring. What the room is worth in all is told anyhow. Nor is it told without trying that a value
    at the limit of a mean would do: it may matter to other means too.
    """
    if isinstance(cause, AtMean) and proved_kg is None:
        return replace(left, flip=None)
    if isinstance(cause, MoreRoom):
        tried = Sentence("A further tonne of room at the cheapest of these lines would take one more tonne of it.")
        return replace(left, flip=None if proved_kg is None else tried, proved_kg=proved_kg)
    return replace(left, proved_kg=proved_kg)


def _curve(outcome: Outcome, engine: Engine) -> Curve:
    """Return the curve of freight and deductions, whatever the round is for."""
    assembled = outcome.assembled
    asked = assembled.problem
    if asked.objective == "surplus":
        costs = [cost(assembled.fits[arc[:2]]) for arc in assembled.arcs]
        asked = replace(asked, objective="utilization", cost=np.array(costs, dtype=np.int64))
    found = frontier(asked, engine, prove=_prove)
    return Curve(kg=found.kg, cost=found.cost, slack=found.slack)


class _Further:
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.assembled = outcome.assembled
        self.last, self.allocation = outcome.cleared.last, outcome.cleared.allocation

    @cached_property
    def stored(self) -> bool:
        """Whether storage costs are among those that the round adds up."""
        return bool(self.assembled.problem.carry.cost.any())

    @cached_property
    def worth(self) -> Worth:
        return worth(self.last, self.allocation)

    @cached_property
    def lot_node(self) -> dict[tuple[int, Month], int]:
        return {node: place for place, node in enumerate(self.assembled.lot_nodes)}

    def rooms(self) -> Iterator[RoomWorth]:
        """Yield each full line and month at which room is worth something, first where it moves more, then the dearest."""
        more, less = self.worth.more, self.worth.less
        found = []
        for (line_id, month), place in self.outcome.line_node.items():
            here = [int(each[place]) for each in (more.line_kg, more.line_cost, less.line_kg, less.line_cost)]
            full = self.outcome.month_room_kg.get((line_id, month)) == 0 and self.outcome.permit_kg(line_id, month) != 0
            if any(here[:2]) and full:
                found.append(RoomWorth(line_id=line_id, month=month, more_kg=here[0], more_fen_per_t=here[1],
                                       less_kg=here[2], less_fen_per_t=here[3]))  # fmt: skip
        yield from sorted(found, key=lambda each: (-each.more_kg, each.more_fen_per_t, each.line_id, each.month))

    def worth_of(self, left: Leftover) -> Sentence | None:
        """Say what would put one more tonne to use, where what is left over is short of room, or the room of waste."""
        more, outcome = self.worth.more, self.outcome
        if left.code == "capacity_full" and left.listing_id is not None:
            pairs = [(left.listing_id, line_id) for line_id in outcome.lines_of.get(left.listing_id, ())]
            places = [outcome.line_node[pair[1], left.month] for pair in self._open(pairs, left.month)]
            fen = _least(more.line_kg, more.line_cost, places)
            return None if fen is None else room_words(fen, stored=self.stored)
        if left.code == "supply_placed" and left.line_id is not None:
            pairs = [(listing_id, left.line_id) for listing_id in outcome.lots_of.get(left.line_id, ())]
            places = [self.lot_node[pair[0], left.month] for pair in self._open(pairs, left.month)]
            fen = _least(more.lot_kg, more.lot_cost, places)
            return None if fen is None else waste_words(fen, stored=self.stored)
        return None

    def _open(self, pairs: list[Pair], month: Month) -> Iterator[Pair]:
        lines = self.outcome.line_node
        return (pair for pair in pairs if month in self.assembled.fits[pair].months and (pair[1], month) in lines)

    def awards(self, awards: tuple[ProposedAward, ...]) -> Iterator[ProposedAward]:
        """Yield the awards, with margins where one was found, and what one more tonne of a lot placed whole would do."""
        margin_of = self._margins(awards)
        for award in awards:
            margin = margin_of.get((award.listing_id, award.line_id))
            producer, recycler = list(self._supply(award)), list[Sentence]()
            park = producer.copy()
            if margin is not None:
                ranked = self.outcome.lines_of[award.listing_id]
                rank = None if margin.next_line_id not in ranked else ranked.index(margin.next_line_id) + 1
                producer.append(margin_words(margin, rank, stored=self.stored))
                park.append(margin_words(margin, rank, stored=self.stored))
                recycler.append(margin_words(margin, None, stored=self.stored))
            told = award.explanation
            further = Explanation(
                producer=(*told.producer, *producer), recycler=(*told.recycler, *recycler), park=(*told.park, *park)
            )
            yield replace(award, explanation=further, margin=margin)

    def _supply(self, award: ProposedAward) -> Iterator[Sentence]:
        """Say of the first month in which the lot is placed whole what one more tonne of it would do."""
        more = self.worth.more
        for month, _ in award.months:
            place, left = self.lot_node[award.listing_id, month], self.outcome.left_kg.get((award.listing_id, month))
            if more.lot_kg[place] and left == 0:
                yield supply_words(str(month), int(more.lot_cost[place]), stored=self.stored)
                return

    def _margins(self, awards: tuple[ProposedAward, ...]) -> dict[Pair, Margin]:
        """Return the margins of the greatest awards, of each that of its least safe month."""
        n = self.last.supply.size
        places: dict[tuple[int, int, Month], list[int]] = {}  # several where a line has price steps
        pairs: dict[int, Pair] = {}
        for at, arc in enumerate(np.flatnonzero(self.outcome.cleared.open).tolist()):
            places.setdefault(self.assembled.arcs[arc], []).append(at)
            pairs[at] = self.assembled.arcs[arc][:2]
        asked: list[int] = []
        steps = searches_for(self.last, np.arange(self.last.lot.size)) + _SEARCH
        spent = 0
        for award in sorted(awards, key=lambda each: (-each.kg, each.listing_id, each.line_id)):
            months = (places.get((award.listing_id, award.line_id, month), ()) for month, _ in award.months)
            used = [at for arcs in months for at in arcs if self.allocation.kg[at]]
            spent += int(steps[used].sum())
            if spent > MARGIN_WORK:
                break
            asked += used  # what stands by a rule of contracts is not asked about
        found: dict[Pair, Margin] = {}
        for each in margins(self.last, self.allocation, np.array(asked, dtype=np.int64)):
            pair = pairs[each.arc]
            following = None if each.next_node is None or each.next_node < n else each.next_node - n
            line_id = None if following is None else self.assembled.line_nodes[following][0]
            waits = each.next_node is not None and each.next_node < n
            margin = Margin(fen_per_t=each.cost, next_line_id=line_id, waits=waits)
            if pair not in found or _rise(margin) < _rise(found[pair]):
                found[pair] = margin
        return found


def _rise(margin: Margin) -> float:
    return float("inf") if margin.fen_per_t is None else margin.fen_per_t


def _least(kg: Integers, fen: Integers, places: list[int]) -> int | None:
    """Return the least cost at which one of these places puts one more tonne to use, none if none does."""
    return min((int(fen[place]) for place in places if kg[place]), default=None)
