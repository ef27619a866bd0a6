"""A sale at a fixed price: who comes first holds tonnes for some hours, and confirms by signing, or they are free again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from marketplace.domain.errors import Conflict, Invalid

HOLD_HOURS: Final = (4, 8, 24, 48, 72)
"""Hours that a hold lasts, of which the producer chooses: from a shift to three days, enough to look at the goods."""

USUAL_HOURS: Final = 24

PAUSE: Final = timedelta(hours=24)
"""So long after a hold that came to nothing by its recycler, the same recycler holds nothing of that listing again."""

FIRST_COME: Final = "received_at, then number of the hold"
"""At a fixed price nobody is ranked: who comes first gets it."""


@dataclass(frozen=True, kw_only=True)
class FixedPrice:
    """What is fixed, besides the other rules, of a sale at the asking price, fetched at the producer's gate."""

    hold_hours: int = USUAL_HOURS
    pause_hours: int = int(PAUSE.total_seconds()) // 3600

    def __post_init__(self) -> None:
        """Refuse a hold that nobody could confirm, or that takes the goods out of the market."""
        if self.hold_hours not in HOLD_HOURS:
            raise Invalid("Choose how long a hold lasts.", field="hold_hours")

    def ends(self, held_at: datetime) -> datetime:
        """Return when a hold ends that begins now and is not confirmed."""
        return held_at + timedelta(hours=self.hold_hours)


@dataclass(frozen=True, kw_only=True)
class NewHold:
    """What a recycler wants to hold for one of its lines: so much in each month in which the line is open."""

    listing_id: int
    line_id: int
    kg_per_month: int
    rules_sha256: str = ""

    def __post_init__(self) -> None:
        """Refuse what holds nothing."""
        if self.kg_per_month <= 0:
            raise Invalid("The quantity per month must be more than zero.", field="kg_per_month")


@dataclass(frozen=True)
class Held:
    """A hold that a recycler had of a listing: whether it stands, and since when it came to nothing by that recycler."""

    stands: bool
    failed_at: datetime | None


def must_hold_nothing(own: tuple[Held, ...], *, now: datetime) -> None:
    """
    Raise Conflict if a recycler holds some of a listing already, or let a hold of it go not long ago.

    So nobody keeps goods out of the market by holding them again and again.
    """
    if any(each.stands for each in own):
        raise Conflict("You hold some of this listing already. Sign it or decline it before you hold more.")
    last = max((each.failed_at for each in own if each.failed_at is not None), default=None)
    if last is not None and now < last + PAUSE:
        raise Conflict(
            "You let a hold of this listing go. From %(again_at)s on you may hold some of it again.",
            again_at=(last + PAUSE).isoformat(),
        )
