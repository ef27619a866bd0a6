"""What a round answers: awards, what is left over and why, the totals and the proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from marketplace.domain.canonical import LATER, from_json, sha256, to_json
from marketplace.domain.quantities import Month
from marketplace.domain.waiting import Wait
from marketplace.domain.wording import Sentence

Kind: TypeAlias = Literal["market", "planning"]
Objective: TypeAlias = Literal["utilization", "surplus"]
"""
``utilization``: the most tonnes that count towards the rate, then the least delivered cost. ``surplus``: the greatest
surplus of net bids over reserves, for which both sides have to name a price.
"""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why an award is as it is, for each of its readers; none of them reads another's bid or reserve."""

    producer: tuple[Sentence, ...]
    recycler: tuple[Sentence, ...]
    park: tuple[Sentence, ...]


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """
    Another line for the same lot: its place by freight and deductions, and why it takes no more of it.

    ``rank`` counts from 1 among the lines that fit, None for one that does not fit; ``kg`` is what it was awarded.
    """

    line_id: int
    rank: int | None
    code: str
    sentence: Sentence
    kg: int
    road_m: int
    freight_fen_per_t: int
    deduction_fen_per_t: int


@dataclass(frozen=True, kw_only=True)
class Margin:
    """
    How safe an award is where it is, in the month in which it is least safe.

    ``fen_per_t`` is by how much the cost of its tonnes could rise before some of them go elsewhere, None where no rise moves
    them: there is no other way to put as much to use. ``next_line_id`` is the line that would get them, None if the lot
    would keep them and another be taken in its place, or, with ``waits``, if they would be fetched in a later month. What a
    rule of contracts holds there, such as a least lot, is left out.
    """

    fen_per_t: int | None
    next_line_id: int | None
    waits: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, kw_only=True)
class ProposedAward:
    """
    So many kilograms of a listing for a line, as the round proposes it.

    ``price_fen_per_t`` is what the producer nets at its gate, ``delivered_fen_per_t`` the contract's price at the
    recycler's gate before deductions: price + freight + deduction. Both are None in a planning round. ``filings`` are
    the ids of those under which the months move, where the two sites lie in different provinces. ``margin`` is told in
    rounds for the most tonnes; least lots, filings, caps and permits aside. ``months`` are those in which it travels;
    ``waits`` what of it was ready before, or is used after. ``less_fen_per_t`` is by how much the bid for it lies below the
    first price of the line, by the line's price steps.
    """

    listing_id: int
    line_id: int
    producer_id: int
    recycler_id: int
    material: str
    months: tuple[tuple[Month, int], ...]
    price_fen_per_t: int | None
    freight_fen_per_t: int
    deduction_fen_per_t: int
    delivered_fen_per_t: int | None
    great_circle_m: int
    road_m: int
    rank: int
    explanation: Explanation
    alternatives: tuple[Alternative, ...]
    filings: tuple[tuple[Month, int], ...] = ()
    margin: Margin | None = field(default=None, metadata=LATER)
    waits: tuple[Wait, ...] = field(default=(), metadata=LATER)
    less_fen_per_t: int = field(default=0, metadata=LATER)

    @property
    def kg(self) -> int:
        """Kilograms over all months."""
        return sum(kg for _, kg in self.months)


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """
    What was offered and found no line, or room that found no waste, in one month: one of the two ids is set.

    ``code`` and ``sentence`` say why, ``flip`` what would change it; ``nearest_id`` is the line (or listing) of the
    nearest miss. ``proved_kg`` is set where the flip was confirmed by solving again: so many kilograms more are then put
    to use in all. ``worth`` says what would place one more tonne of it.
    """

    listing_id: int | None
    line_id: int | None
    month: Month
    kg: int
    code: str
    sentence: Sentence
    flip: Sentence | None
    nearest_id: int | None
    proved_kg: int | None = field(default=None, metadata=LATER)
    worth: Sentence | None = field(default=None, metadata=LATER)

    @property
    def change(self) -> Sentence | None:
        """What would change it, with what came of trying it, and what one more tonne is worth."""
        change = self.flip
        if change is not None and self.proved_kg is not None:
            change = Sentence(
                "%(change)s Solved again with that, the whole round puts %(proved_kg)s t more to use.",
                {"change": change, "proved_kg": self.proved_kg},
            )
        if change is None or self.worth is None:
            return change or self.worth
        return Sentence("%(change)s %(worth)s", {"change": change, "worth": self.worth})


@dataclass(frozen=True, kw_only=True)
class RoomWorth:
    """
    What one tonne of room more, or less, at a full line would change in a month, exactly and at first.

    ``more_kg`` and ``less_kg``: how many kilograms more are put to use for each kilogram, 1 or 0, -1 or 0.
    ``more_fen_per_t`` and ``less_fen_per_t``: by how much freight and deductions of the whole round change.
    """

    line_id: int
    month: Month
    more_kg: int
    more_fen_per_t: int
    less_kg: int
    less_fen_per_t: int


@dataclass(frozen=True, kw_only=True)
class Curve:
    """
    The least freight and deductions for each quantity, from nothing to the most; least lots, filings, caps
    and permits aside.

    ``kg`` and ``cost`` are points of it, each exact, the cost in thousandths of a fen; between two of them the curve lies on
    the straight line or below it, by at most ``slack``, and on it where that is 0.
    """

    kg: tuple[int, ...]
    cost: tuple[int, ...]
    slack: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """
    A region of the minimum cut: these lots have ``kg`` more than these lines, the only ones that fit, can take.

    Where storage joins months, it lasts to ``last_month``, and ``stored_kg`` can wait for months in which nothing is short.
    """

    month: Month
    materials: tuple[str, ...]
    listing_ids: tuple[int, ...]
    line_ids: tuple[int, ...]
    supply_kg: int
    room_kg: int
    radius_km: int
    sentence: Sentence
    last_month: Month | None = field(default=None, metadata=LATER)
    stored_kg: int = field(default=0, metadata=LATER)

    @property
    def kg(self) -> int:
        """How many kilograms of room are missing."""
        return self.supply_kg - self.room_kg - self.stored_kg


@dataclass(frozen=True, kw_only=True)
class Stored:
    """
    What waits over the end of a month, in the yard of a listing's plant or in front of a line: one of the two ids is set.

    ``room_kg`` could wait there in this round, and ``cost_fen`` is what a month of it costs its owner, rounded.
    """

    listing_id: int | None
    line_id: int | None
    month: Month
    kg: int
    room_kg: int
    cost_fen: int


@dataclass(frozen=True, kw_only=True)
class PriceProof:
    """
    What was found of the prices by code that shares nothing with the settlement: all of it to the fen.

    ``storage_covered``: what waits costs nobody more than the listing, or the line, gains beyond reserve or bid. In a round for
    the greatest surplus, where the price of several months is rounded, that is up to a fen per tonne.
    """

    reserves_kept: bool
    bids_kept: bool
    balanced: bool
    storage_covered: bool = field(default=True, metadata=LATER)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """
    What the certificate found, by code that shares nothing with the engine.

    ``moved_kg`` moved, and no plan that keeps the least lots, filings, caps and permits of the round could move more than ``most_kg``;
    ``cost`` was spent and ``bound`` is the least that so many tonnes cost, both in thousandths of a fen (kilograms times
    fen per tonne), the cost of contracts among it. The two flags say that nothing is left between; where contracts had to be chosen, something may be. In a ``surplus`` round the cost is
    minus the surplus, the bound holds for every plan, and the tonnes are not the question. ``prices`` is told where the
    round is one for the greatest surplus or carries a subsidy.
    """

    feasible: bool
    tonnes_maximal: bool
    cost_minimal: bool
    moved_kg: int
    most_kg: int
    cost: int
    bound: int
    prices: PriceProof | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, kw_only=True)
class Surplus:
    """
    What all awards together leave between reserves and net bids, in fen, and who gets it.

    ``producers_fen`` is what producers receive beyond their reserves, the subsidy among it; ``recyclers_fen`` what
    recyclers keep of their bids. The two make up ``total_fen``, of which the subsidy brought `Report.subsidy_fen`.
    ``gap_fen``: had no contract a least lot, no filing an end and no buyer a cap, the total could be greater by at most
    so much.
    """

    total_fen: int
    producers_fen: int
    recyclers_fen: int
    gap_fen: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    The totals of a round.

    ``lift_kg`` counts towards the rate and would not be utilized without the round, ``lift_from_stock_kg`` is the part
    of it that is old stock. ``bound_kg`` is the most that could be moved if no contract had a least lot, no filing
    ran out and no buyer had a cap: ``gap_kg`` below it were given up for these, in ``passes`` solves; ``dropped_kg``
    stood in contracts below their least lot that were dropped on the way. In a ``surplus`` round, where the tonnes follow
    from the surplus, ``bound_kg`` is ``allocated_kg`` and what the rules cost stands in `Surplus.gap_fen`. ``paid_fen`` is what recyclers pay and producers receive for the
    waste, below zero if the producers pay; None without prices. ``transport_t_km`` is tonnes times road kilometers,
    rounded down. ``surplus`` is counted in a ``surplus`` round alone; ``subsidy_fen`` is what is paid to the producers
    beside ``paid_fen``, by whoever pays the round's subsidy. ``fees_fen`` is what the contracts cost that were counted
    beside the freight, in no price; ``truckload_kg`` the load of which whole multiples move, if the round has one; ``means``
    how many limits of a month's mean bind several lots together, a line and month each. ``gap_kg`` counts what was given up for truckloads and means too.
    ``storage_fen`` is what waiting costs those whose yards and lines it is, in no price.
    """

    offered_kg: int
    counted_kg: int
    capacity_kg: int
    allocated_kg: int
    lift_kg: int
    lift_from_stock_kg: int
    awards: int
    freight_fen: int
    deduction_fen: int
    paid_fen: int | None
    transport_t_km: int
    bound_kg: int
    gap_kg: int
    dropped_kg: int
    passes: int
    surplus: Surplus | None = field(default=None, metadata=LATER)
    subsidy_fen: int = field(default=0, metadata=LATER)
    fees_fen: int = field(default=0, metadata=LATER)
    truckload_kg: int | None = field(default=None, metadata=LATER)
    means: int = field(default=0, metadata=LATER)
    storage_fen: int = field(default=0, metadata=LATER)


RULES: Final = 2
"""
Counted up with every change by which the same frozen input may get another answer, so that a replay can say why it differs.

2: fewest contracts over all months, rules with a proved gap, storage. 1: all before; such results do not say it.
"""


@dataclass(frozen=True, kw_only=True)
class RoundResult:
    """
    What a round answers: awards, what is left over and why, the totals and the proof.

    ``curve``, ``rooms`` and what is told of margins and worth are the further explanation that newer rounds ask for.
    ``stores`` says that something could wait, so that costs of storage are among those of the plan; ``stored`` is what waits, where and how long. The storage of ``unstored_listings`` and ``unstored_lines`` was left out, because
    at the prices of the round it would have cost its owner more than the round brings it: the plan, and all that is proved of it, is without.
    ``rules`` says by which `RULES` the answer was chosen.
    """

    round_id: int
    kind: Kind
    objective: Objective
    snapshot_sha256: str
    engine: str
    awards: tuple[ProposedAward, ...]
    leftovers: tuple[Leftover, ...]
    shortages: tuple[Shortage, ...]
    report: Report
    proof: Proof
    curve: Curve | None = field(default=None, metadata=LATER)
    rooms: tuple[RoomWorth, ...] = field(default=(), metadata=LATER)
    stores: bool = field(default=False, metadata=LATER)
    stored: tuple[Stored, ...] = field(default=(), metadata=LATER)
    unstored_listings: tuple[int, ...] = field(default=(), metadata=LATER)
    unstored_lines: tuple[int, ...] = field(default=(), metadata=LATER)
    rules: int = field(default=1, metadata=LATER)

    def to_json(self) -> str:
        """Return the canonical JSON: equal results give equal bytes."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> RoundResult:
        """Read back what `to_json` wrote."""
        return from_json(cls, text)

    @property
    def sha256(self) -> str:
        """The hash of the canonical JSON."""
        return sha256(self.to_json())
