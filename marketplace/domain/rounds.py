"""A matching round: what is asked of it, what it reads and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final, Literal

from marketplace.domain.canonical import LATER, from_json, sha256, to_json
from marketplace.domain.errors import Invalid
from marketplace.domain.fit import Accepting, Filing, Offered
from marketplace.domain.haulage import Tariff
from marketplace.domain.pricesteps import PriceStep
from marketplace.domain.quantities import Month
from marketplace.domain.results import (
    Alternative,
    Explanation,
    Kind,
    Leftover,
    Objective,
    PriceProof,
    Proof,
    ProposedAward,
    Report,
    RoundResult,
    Shortage,
    Stored,
    Surplus,
)
from marketplace.domain.roundstates import (
    LEASE,
    MOST_RECOURSES,
    TRANSITIONS,
    State,
    Transition,
    must_go,
    state_of,
)

__all__ = [
    "KINDS",
    "LEASE",
    "MOST_CONTRACT_FEE_FEN",
    "MOST_KM",
    "MOST_MONTHS",
    "MOST_RECOURSES",
    "MOST_SUBSIDY_FEN_PER_T",
    "OBJECTIVES",
    "TRANSITIONS",
    "TRUCKLOADS_KG",
    "Alternative",
    "Arriving",
    "Explanation",
    "Kind",
    "Leftover",
    "NewRound",
    "Objective",
    "PriceProof",
    "Proof",
    "ProposedAward",
    "Report",
    "RoundResult",
    "Shortage",
    "Snapshot",
    "SnapshotFiling",
    "SnapshotLine",
    "SnapshotLot",
    "State",
    "Stored",
    "Surplus",
    "Transition",
    "must_go",
    "state_of",
]

KINDS: Final[tuple[Kind, ...]] = ("market", "planning")
"""A market round asks for prices and makes contracts; a planning round leaves them out and recommends only."""

OBJECTIVES: Final[tuple[Objective, ...]] = ("utilization", "surplus")
"""What a round is solved for; ``surplus`` needs prices, which a planning round leaves out."""

MOST_MONTHS: Final = 12
MOST_KM: Final = 2000
MOST_SUBSIDY_FEN_PER_T: Final = 100_000
MOST_CONTRACT_FEE_FEN: Final = 10_000_000
TRUCKLOADS_KG: Final = (1_000, 100_000)
"""The least and the most that a truckload weighs."""


@dataclass(frozen=True, kw_only=True)
class NewRound:
    """
    A round as an administrator asks for it: for which months, until when, and how far.

    ``subsidy_fen_per_t`` is paid to the producer for each tonne awarded, all of which count towards the rate.
    ``contract_fee_fen`` is what one more contract costs, counted beside the freight and part of no price; with
    ``truckload_kg`` each contract moves whole multiples of it in each month.

    Raises Invalid where that makes no sense by itself; `must_lie_ahead` asks what depends on the clock.
    """

    park_id: int
    kind: Kind
    objective: Objective
    first_month: Month
    last_month: Month
    opens_at: datetime
    closes_at: datetime
    answers_until: datetime
    max_km: int
    circuity: Decimal
    subsidy_fen_per_t: int = 0
    contract_fee_fen: int = 0
    truckload_kg: int | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.kind not in KINDS:
            raise Invalid("A round either makes contracts or plans only.", field="kind")
        if self.objective not in OBJECTIVES:
            raise Invalid("This objective is not known.", field="objective")
        if self.kind == "planning" and self.objective == "surplus":
            raise Invalid("A planning round leaves prices out, so there is no surplus to count.", field="objective")
        if self.kind == "planning" and self.subsidy_fen_per_t:
            raise Invalid("A planning round leaves prices out, so a subsidy would change nothing.", field="subsidy")
        if not 0 <= self.subsidy_fen_per_t <= MOST_SUBSIDY_FEN_PER_T:
            raise Invalid("A subsidy is between 0 and 1,000 yuan per tonne.", field="subsidy")
        if not 0 <= self.contract_fee_fen <= MOST_CONTRACT_FEE_FEN:
            raise Invalid("The cost of a contract is between 0 and 100,000 yuan.", field="contract_fee")
        if self.truckload_kg is not None and not TRUCKLOADS_KG[0] <= self.truckload_kg <= TRUCKLOADS_KG[1]:
            raise Invalid("A truckload is between 1 and 100 tonnes.", field="truckload")
        if self.last_month < self.first_month:
            raise Invalid("The last month is before the first.", field="last_month")
        if len(self.months) > MOST_MONTHS:
            raise Invalid("A round covers at most twelve months.", field="last_month")
        if self.closes_at <= self.opens_at:
            raise Invalid("A round closes after it opens.", field="closes_at")
        if self.answers_until <= self.closes_at:
            raise Invalid("Answers are due after the round closes.", field="answers_until")
        if not 1 <= self.max_km <= MOST_KM:
            raise Invalid("The greatest distance is between 1 and 2,000 km.", field="max_km")
        if not (self.circuity.is_finite() and 1 <= self.circuity <= 2):
            raise Invalid("Road over straight line is between 1.0 and 2.0.", field="circuity")
        if self.circuity * 1000 != int(self.circuity * 1000):
            raise Invalid("Road over straight line has at most three decimals.", field="circuity")

    @property
    def months(self) -> tuple[Month, ...]:
        """The months of the window, in order."""
        return tuple(self.first_month.until(self.last_month))

    @property
    def circuity_permille(self) -> int:
        """Road over straight line, in thousandths."""
        return int(self.circuity * 1000)

    def must_lie_ahead(self, *, now: datetime) -> None:
        """Raise Invalid if the round would close in the past or its window has begun to run out."""
        if self.closes_at <= now:
            raise Invalid("A round closes in the future.", field="closes_at")
        if self.last_month < Month.of(now.date()):
            raise Invalid("These months are over.", field="last_month")


@dataclass(frozen=True, kw_only=True)
class SnapshotLot:
    """
    What a listing brings to a round: what is offered, and how many kilograms of it in which month.

    ``baseline_kg`` would be utilized without the round too and so do not lift the rate; ``from_stock`` says that it is
    old stock, which lifts the rate less (it adds to the denominator as well). ``cap_per_buyer_kg`` is the most of the
    listing that one recycler organization gets, and ``had`` what each has of it already, by the organization's id.
    ``others_kg`` is what organizations that are no small works may still get together, where the listing keeps a share
    for those; None where it keeps nothing. ``storage_kg`` is how much may wait in the plant's yard over the end of which month,
    at ``storage_fen_per_t`` for each tonne and month.
    """

    listing_id: int
    offered: Offered
    months: tuple[tuple[Month, int], ...]
    baseline_kg: int = 0
    from_stock: bool = False
    cap_per_buyer_kg: int | None = None
    had: tuple[tuple[int, int], ...] = ()
    others_kg: int | None = field(default=None, metadata=LATER)
    storage_kg: tuple[tuple[Month, int], ...] = field(default=(), metadata=LATER)
    storage_fen_per_t: int = field(default=0, metadata=LATER)

    def __post_init__(self) -> None:
        """Put the months and the buyers in order; refuse kilograms that do not add up."""
        object.__setattr__(self, "months", _in_order(self.months))
        object.__setattr__(self, "storage_kg", _in_order(self.storage_kg))
        if self.storage_fen_per_t < 0:
            raise ValueError("storage costs nothing or more")
        object.__setattr__(self, "had", tuple(sorted(self.had)))
        _must_differ("buyer", tuple(buyer for buyer, _ in self.had))
        if sum(kg for _, kg in self.months) != self.offered.kg:
            raise ValueError(f"listing {self.listing_id}: the months do not add up to what is offered")

    @cached_property
    def sends(self) -> tuple[Month, ...]:
        """The months in which something of it can be fetched: what is ready then, or has waited since."""
        return _reached((month for month, kg in self.months if kg), self.storage_kg, 1)

    def left_for(self, organization_id: int) -> int | None:
        """Return how much more a recycler organization may get by the listing's cap; None without one."""
        if self.cap_per_buyer_kg is None:
            return None
        return max(0, self.cap_per_buyer_kg - dict(self.had).get(organization_id, 0))


@dataclass(frozen=True, kw_only=True)
class Arriving:
    """What arrives at a line in a month beside the round, and counts in the mean of a property: so much of such a value."""

    month: Month
    material: str
    property: str
    kg: int
    value: Decimal


@dataclass(frozen=True, kw_only=True)
class SnapshotLine:
    """
    What an intake line brings to a round: what it takes, and its free capacity in kilograms by month.

    ``year_left_kg`` is what its permit leaves for a calendar year, where that is less than the months of the year together;
    in a round frozen before there was such a thing, each month holds its share of the permit at most. ``small_works`` says
    that its organization is one for which a listing may keep a share. ``arriving`` is what was promised to the line
    before, where a limit of it is one of a month's mean. ``months`` are what it can use; ``storage_kg`` is how much may wait
    in front of it over the end of which month, at ``storage_fen_per_t`` for each tonne and month. Of what arrives in a month
    ``steps`` say what is bid less for; ``stood_kg`` stands on the first of them already, by month, where a round is run again.
    """

    accepting: Accepting
    months: tuple[tuple[Month, int], ...]
    year_left_kg: tuple[tuple[int, int], ...] = field(default=(), metadata=LATER)
    small_works: bool = field(default=False, metadata=LATER)
    arriving: tuple[Arriving, ...] = field(default=(), metadata=LATER)
    storage_kg: tuple[tuple[Month, int], ...] = field(default=(), metadata=LATER)
    storage_fen_per_t: int = field(default=0, metadata=LATER)
    steps: tuple[PriceStep, ...] = field(default=(), metadata=LATER)
    stood_kg: tuple[tuple[Month, int], ...] = field(default=(), metadata=LATER)

    def __post_init__(self) -> None:
        """Put months and years in order; the room of the line is that of all months, as far as the permit goes."""
        object.__setattr__(self, "months", _in_order(self.months))
        object.__setattr__(self, "storage_kg", _in_order(self.storage_kg))
        if self.storage_fen_per_t < 0:
            raise ValueError("storage costs nothing or more")
        object.__setattr__(self, "year_left_kg", tuple(sorted(self.year_left_kg)))
        object.__setattr__(self, "stood_kg", _in_order(self.stood_kg))
        arriving = sorted(
            self.arriving, key=lambda each: (each.month, each.property, each.material, each.value, each.kg)
        )
        object.__setattr__(self, "arriving", tuple(arriving))
        _must_differ("year", tuple(year for year, _ in self.year_left_kg))
        room = self.room_in(month for month, _ in self.months)
        if self.accepting.room_kg != room:
            object.__setattr__(self, "accepting", replace(self.accepting, room_kg=room))

    @property
    def line_id(self) -> int:
        """The id of the line."""
        return self.accepting.line_id

    def left_in(self, year: int) -> int | None:
        """Return what the permit leaves for a calendar year; None where the months alone say it."""
        return dict(self.year_left_kg).get(year)

    def room_in(self, months: Iterable[Month]) -> int:
        """Return the room of these months together, as far as the permit of each year goes."""
        of_month, by_year = dict(self.months), dict[int, int]()
        for month in months:
            by_year[month.year] = by_year.get(month.year, 0) + of_month.get(month, 0)
        left = dict(self.year_left_kg)
        room = sum(min(kg, left.get(year, kg)) for year, kg in by_year.items())
        if not self.storage_kg:
            return room
        over_years = sum(
            kg for month, kg in self.storage_kg if month.number == 12
        )  # arrives under the permit of the year before
        return min(sum(by_year.values()), room + over_years)

    @cached_property
    def receives(self) -> tuple[Month, ...]:
        """The months in which the line has a use for something, at once or later: where closed it only keeps what is there."""
        return _reached((month for month, kg in self.months if kg), self.storage_kg, -1)


@dataclass(frozen=True, kw_only=True)
class SnapshotFiling:
    """
    A filing for utilization across provinces: from one producer to one recycler, for one waste code.

    ``listing_ids`` and ``line_ids`` are those that it covers, where it names stream and site; empty: all of them.
    """

    filing_id: int
    producer_id: int
    recycler_id: int
    waste_code: str
    filing: Filing
    listing_ids: tuple[int, ...] = ()
    line_ids: tuple[int, ...] = ()

    def covers(self, listing_id: int, line_id: int) -> bool:
        """Return whether this pair moves under the filing, if the parties and the code agree."""
        return (not self.listing_ids or listing_id in self.listing_ids) and (
            not self.line_ids or line_id in self.line_ids
        )


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """
    Everything a round needs to be solved, frozen when it closes.

    Rows come in any order and are kept sorted by id, so that equal rounds are equal bytes. ``declined`` are pairs of
    listing and line that were declined and are not joined again. Freight is counted by ``tariffs``, one a material.
    ``subsidy_fen_per_t`` is paid to the producer for each tonne awarded, so that its price may lie so much below reserve.
    ``contract_fee_fen`` is counted once for each contract, and is part of no price; with ``truckload_kg`` whole multiples
    of it move between two in each month.
    ``explains`` says how much the answer explains: 0 as the first rounds did, which are repeated to the byte, 1 also the
    curve of cost, what a tonne is worth, margins, and which changes were confirmed by solving again.

    Raises ValueError if the rows contradict each other.
    """

    round_id: int
    kind: Kind
    objective: Objective
    months: tuple[Month, ...]
    max_km: int
    circuity_permille: int
    tariffs: tuple[tuple[str, Tariff], ...]
    lots: tuple[SnapshotLot, ...]
    lines: tuple[SnapshotLine, ...]
    filings: tuple[SnapshotFiling, ...] = ()
    declined: tuple[tuple[int, int], ...] = ()
    subsidy_fen_per_t: int = field(default=0, metadata=LATER)
    explains: int = field(default=0, metadata=LATER)
    contract_fee_fen: int = field(default=0, metadata=LATER)
    truckload_kg: int | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        """Sort the rows, and refuse what no round can mean."""
        for name, rows in (
            ("months", sorted(self.months)),
            ("tariffs", sorted(self.tariffs, key=lambda pair: pair[0])),
            ("lots", sorted(self.lots, key=lambda lot: lot.listing_id)),
            ("lines", sorted(self.lines, key=lambda line: line.line_id)),
            ("filings", sorted(self.filings, key=lambda filing: filing.filing_id)),
            ("declined", sorted(self.declined)),
        ):
            object.__setattr__(self, name, tuple(rows))
        _must_differ("month", self.months)
        _must_differ("listing", tuple(lot.listing_id for lot in self.lots))
        _must_differ("line", tuple(line.line_id for line in self.lines))
        _must_differ("filing", tuple(filing.filing_id for filing in self.filings))
        if not self.months:
            raise ValueError("a round is about at least one month")
        if self.kind == "planning" and (self.objective == "surplus" or self.subsidy_fen_per_t):
            raise ValueError("a planning round has no prices")
        if self.subsidy_fen_per_t < 0:
            raise ValueError("a subsidy is not less than nothing")
        if self.contract_fee_fen < 0 or (self.truckload_kg is not None and self.truckload_kg < 1):
            raise ValueError("a contract costs nothing or more, and a truckload is at least one kilogram")
        window, priced = set(self.months), {material for material, _ in self.tariffs}
        for months in (*(lot.months for lot in self.lots), *(line.months for line in self.lines)):
            if not window.issuperset(month for month, _ in months):
                raise ValueError("a lot or a line reaches beyond the window")
        for storage in (*(lot.storage_kg for lot in self.lots), *(line.storage_kg for line in self.lines)):
            if not all({month, month.plus(1)} <= window for month, _ in storage):
                raise ValueError("what waits, waits for a month of the window")
        for lot in self.lots:
            if lot.offered.material not in priced:
                raise ValueError(f"there is no tariff for {lot.offered.material}")
            if self.kind == "market" and lot.offered.reserve_fen_per_t is None:
                raise ValueError(f"listing {lot.listing_id} has no reserve")

    def to_json(self) -> str:
        """Return the canonical JSON: equal snapshots give equal bytes."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        """Read back what `to_json` wrote."""
        return from_json(cls, text)

    @property
    def sha256(self) -> str:
        """The hash of the canonical JSON."""
        return sha256(self.to_json())


def _in_order(months: Sequence[tuple[Month, int]]) -> tuple[tuple[Month, int], ...]:
    """Sort by month; raise ValueError for a month that stands twice or a mass below zero."""
    _must_differ("month", tuple(month for month, _ in months))
    if any(kg < 0 for _, kg in months):
        raise ValueError("kilograms cannot be less than zero")
    return tuple(sorted(months))


def _reached(
    months: Iterable[Month], storage_kg: Sequence[tuple[Month, int]], step: Literal[1, -1]
) -> tuple[Month, ...]:
    """Return the months, and those that storage joins to them: the following ones, or with a step of -1 those before."""
    reached = set(months)
    for month, kg in storage_kg if step == 1 else reversed(storage_kg):
        begin, end = (month, month.plus(1)) if step == 1 else (month.plus(1), month)
        if kg and begin in reached:
            reached.add(end)
    return tuple(sorted(reached))


def _must_differ(what: str, ids: Sequence[object]) -> None:
    if len(set(ids)) != len(ids):
        raise ValueError(f"a {what} stands twice")
