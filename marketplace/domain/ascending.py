"""The open ascending sale: what a bid has to reach, who would get how much as bids stand, and how the end moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from marketplace.domain.errors import Conflict, Invalid

LEAST_STEP_FEN: Final = 100
"""By how much, at least, a bid has to net more: one yuan per tonne where the producer names no other."""

MOST_STEP_FEN: Final = 10_000

SOFT_MINUTES: Final = (2, 5, 10, 15)
"""Minutes that are left after each bid, of which the producer chooses."""

LONGEST_EXTENSION: Final = timedelta(hours=2)
"""The end moves no further than so much after the deadline of the rules."""


@dataclass(frozen=True, kw_only=True)
class Ascending:
    """What is fixed, besides the other rules, of a sale in which everybody reads the bids as they come."""

    least_step_fen_per_t: int = LEAST_STEP_FEN
    soft_close_minutes: int = 5
    longest_extension_minutes: int = int(LONGEST_EXTENSION.total_seconds()) // 60

    def __post_init__(self) -> None:
        """Refuse what would stall a sale or never end it."""
        if not 0 < self.least_step_fen_per_t <= MOST_STEP_FEN:
            raise Invalid("The least step is between 0.01 and 100 yuan per tonne.", field="least_step")
        if self.soft_close_minutes not in SOFT_MINUTES:
            raise Invalid("Choose how many minutes are left after a late bid.", field="soft_close")

    @property
    def soft_close(self) -> timedelta:
        """So much time is left after each bid."""
        return timedelta(minutes=self.soft_close_minutes)

    def latest(self, planned: datetime) -> datetime:
        """Return the instant after which no bid is taken, however many have come."""
        return planned + timedelta(minutes=self.longest_extension_minutes)

    def closing(self, closes_at: datetime, planned: datetime, received_at: datetime) -> datetime:
        """
        Return when the sale ends after a bid that came in before its end.

        It never ends earlier by a bid, and never after `latest`.
        """
        return max(closes_at, min(received_at + self.soft_close, self.latest(planned)))


@dataclass(frozen=True)
class Offer:
    """A bid that stands: what the seller nets by it, and how much it takes a month."""

    bid_id: int
    net_fen_per_t: int
    kg_per_month: int


def would_get(ranked: Iterable[Offer], offered_kg: int) -> dict[int, int]:
    """
    Return the kilograms a month that each bid would get if the sale ended now, from the best one down.

    It is what is left by better bids, whether or not the producer's reserve is met: that stays secret.

    >>> would_get([Offer(7, 900, 60), Offer(3, 800, 60), Offer(5, 700, 10)], 100)
    {7: 60, 3: 40, 5: 0}
    """
    left, found = offered_kg, dict[int, int]()
    for offer in ranked:
        found[offer.bid_id] = min(offer.kg_per_month, left)
        left -= found[offer.bid_id]
    return found


def least_net(ranked: Iterable[Offer], offered_kg: int, step_fen_per_t: int) -> int | None:
    """
    Return what a further bid has to net to get anything; None while not all is taken.

    It pushes out the worst of those that would get something, by at least a step.
    """
    left = offered_kg
    for offer in ranked:
        left -= offer.kg_per_month
        if left <= 0:
            return offer.net_fen_per_t + step_fen_per_t
    return None


def must_better(own: Offer | None, others: Iterable[Offer], new: Offer, *, offered_kg: int, rules: Ascending) -> None:
    """
    Raise unless a bid betters the one of the same line that stands, and would get something among the others.

    ``others`` from the best one down, without the own one; ``new.bid_id`` is not looked at. Raises Conflict, with how
    much is needed.
    """
    if own is not None:
        if new.kg_per_month < own.kg_per_month or new.net_fen_per_t < own.net_fen_per_t:
            raise Conflict(
                "In an open sale bids bind: a new one of the same line takes no less and nets the seller no less than the"
                " one that stands, %(kg_per_month)s t per month and %(net_fen_per_t)s yuan per tonne.",
                kg_per_month=own.kg_per_month,
                net_fen_per_t=own.net_fen_per_t,
            )
        if new.kg_per_month == own.kg_per_month and new.net_fen_per_t < own.net_fen_per_t + rules.least_step_fen_per_t:
            raise Conflict(
                "The least step is %(step_fen_per_t)s yuan per tonne: net the seller at least %(least_fen_per_t)s.",
                step_fen_per_t=rules.least_step_fen_per_t,
                least_fen_per_t=own.net_fen_per_t + rules.least_step_fen_per_t,
            )
    least = least_net(others, offered_kg, rules.least_step_fen_per_t)
    if least is not None and new.net_fen_per_t < least:
        raise Conflict(
            "Better bids take all that is offered. From %(least_fen_per_t)s yuan per tonne net to the seller on a bid would"
            " get something; this one nets %(net_fen_per_t)s.",
            least_fen_per_t=least,
            net_fen_per_t=new.net_fen_per_t,
        )
