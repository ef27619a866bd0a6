"""Bids: a recycler's price and quantity for a listing, what it comes to on both sides, and why it wins or loses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median_low
from typing import Final, Literal, TypeAlias

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import MOST_FEN_PER_T, MOST_KG

Transport: TypeAlias = Literal["recycler", "producer"]
State: TypeAlias = Literal[
    "live",
    "waiting",
    "won",
    "partly",
    "forfeited",
    "standby",
    "lost",
    "withdrawn",
    "replaced",
    "void",
    "invalid",
]

TRANSPORTS: Final = ("recycler", "producer")
"""Who carries: the bidder fetches it, and the price holds at the seller's gate; or the seller brings it, and it holds
at the bidder's gate."""

UNUSUAL: Final = 5
"""A price so many times above or below the usual one is asked about once."""

ANSWER_DAYS: Final = 3
"""Business days in which the recycler answers the award of a bid."""

STANDBY_DAYS: Final = 10
"""Business days, from the first award on, for which the other bids of a listing stand by: time to call three of them."""


@dataclass(frozen=True, kw_only=True)
class NewBid:
    """
    A bid as a recycler makes it; raises Invalid where that makes no sense by itself.

    ``price_fen_per_t`` below zero: the producer pays. ``confirmed``: the bidder was asked about an unusual price and
    means it. ``rules_sha256``: of the rules that the bidder has read; empty: those in force, whatever they are.
    """

    listing_id: int
    line_id: int
    price_fen_per_t: int
    kg_per_month: int
    transport: str = "recycler"
    note: str = ""
    confirmed: bool = False
    rules_sha256: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if abs(self.price_fen_per_t) > MOST_FEN_PER_T:
            raise Invalid("That is more than a million yuan per tonne. Is the unit right?", field="price")
        if not 0 < self.kg_per_month <= MOST_KG:
            raise Invalid("The quantity per month must be more than zero.", field="kg_per_month")
        if self.transport not in TRANSPORTS:
            raise Invalid("Say who carries it.", field="transport")


@dataclass(frozen=True)
class Outcome:
    """
    What a bid comes to, in fen per tonne.

    ``delivered``: what the tonne costs the bidder at its gate, after expected deductions. ``net``: what the seller is
    left with at its own gate, after freight (if it carries) and expected deductions.
    """

    delivered_fen_per_t: int
    net_fen_per_t: int


def outcome(price: int, *, transport: str, freight: int, deduction: int) -> Outcome:
    """
    Return what a bid comes to on both sides.

    >>> outcome(4000, transport="recycler", freight=1500, deduction=100)
    Outcome(delivered_fen_per_t=5400, net_fen_per_t=3900)
    """
    paid = price - deduction
    if transport == "producer":
        return Outcome(paid, paid - freight)
    return Outcome(paid + freight, paid)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """
    What is sealed of a bid until its deadline: all that tells what it is worth.

    ``freight_fen_per_t`` and ``deduction_fen_per_t`` are those estimated when it was received.
    """

    price_fen_per_t: int
    kg_per_month: int
    transport: str
    freight_fen_per_t: int
    deduction_fen_per_t: int
    note: str = ""

    @property
    def outcome(self) -> Outcome:
        """What the bid comes to on both sides."""
        return outcome(
            self.price_fen_per_t,
            transport=self.transport,
            freight=self.freight_fen_per_t,
            deduction=self.deduction_fen_per_t,
        )


def usual(prices: Iterable[int]) -> int | None:
    """Return the price that a bid is held against for typing errors: the median; none if it says nothing."""
    known = sorted(prices)
    found = median_low(known) if known else 0
    return found or None


def is_unusual(price: int, usual_price: int | None) -> bool:
    """Say whether a price is more than five times the usual one or less than a fifth of it; zero is never asked about."""
    if usual_price is None or price == 0:
        return False
    return abs(price) > UNUSUAL * abs(usual_price) or abs(price) * UNUSUAL < abs(usual_price)


@dataclass(frozen=True)
class Ranked:
    """A bid in the order of what the seller nets."""

    bid_id: int
    rank: int
    net_fen_per_t: int


def ranked(nets: Iterable[tuple[int, int, int]]) -> tuple[Ranked, ...]:
    """
    Return bids from the one that nets the seller most; equal ones by time of receipt, then by number.

    ``nets`` are (bid, net in fen per tonne, time of receipt as a whole number).
    """
    order = sorted(nets, key=lambda each: (-each[1], each[2], each[0]))
    return tuple(Ranked(bid_id, place, net) for place, (bid_id, net, _) in enumerate(order, start=1))


def stands_by(now: datetime, *, standby_until: datetime | None, uncontracted_kg: int) -> bool:
    """
    Say whether bids without an award may still be called: until the standby ends, and while not all is under contract.

    ``standby_until`` None: nothing was awarded yet. At the very instant of its end it is over.
    """
    return standby_until is not None and now < standby_until and uncontracted_kg > 0


def state_of(
    *,
    replaced: bool,
    voided: bool,
    withdrawn: bool,
    listing_withdrawn: bool,
    bidding_open: bool,
    decided: bool,
    invalid: bool,
    standby: bool,
    awarded_kg_per_month: int,
    award_over: bool,
    kg_per_month: int | None,
) -> State:
    """
    Read the state of a bid off its own timestamps and those of its listing.

    ``kg_per_month`` is None while it is sealed; ``invalid``: its seal could not be opened. ``standby``: whether bids
    without an award may still be called. ``award_over``: its award was declined or has lapsed.
    """
    if voided:
        return "void"
    if withdrawn:
        return "withdrawn"
    if replaced:
        return "replaced"
    if awarded_kg_per_month and kg_per_month is not None:
        if award_over:
            return "forfeited"
        return "won" if awarded_kg_per_month >= kg_per_month else "partly"
    if listing_withdrawn:
        return "void"
    if invalid:
        return "invalid"
    if bidding_open:
        return "live"
    if standby:
        return "standby"
    return "lost" if decided else "waiting"
