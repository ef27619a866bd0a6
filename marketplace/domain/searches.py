"""What somebody looks for on the board, kept, and answered once a day with what is new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from marketplace.domain.canonical import from_json, sha256, to_json
from marketplace.domain.errors import Conflict
from marketplace.domain.listings import CLOSING_TIME
from marketplace.domain.places import Point
from marketplace.domain.quantities import Month

MOST_SAVED: Final = 20
TOLD_AT: Final = timedelta(hours=7)
"""The time of day, at `CLOSING_TIME`, at which a day's digest falls due: before the day's work begins."""
TOLD_MOST: Final = 10
"""So many listings of one search are named in a digest; of more it says how many."""


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What somebody looks for. ``materials`` empty: all; ``band`` is the least end of a band of kilograms a month."""

    materials: tuple[str, ...] = ()
    place: Point | None = None
    radius_km: int = 200
    band: int | None = None
    grade: str = ""
    month: Month | None = None

    @classmethod
    def from_json(cls, text: str) -> Sought:
        """Read back what was written."""
        return from_json(cls, text)

    def to_json(self) -> str:
        """Write it so that equal searches are equal bytes."""
        return to_json(self)

    @property
    def sha256(self) -> str:
        """The hash by which the same search is known."""
        return sha256(self.to_json())


def must_have_room(saved: int) -> None:
    """Raise Conflict if somebody keeps as many searches as one can read the answers of."""
    if saved >= MOST_SAVED:
        raise Conflict("You keep %(most)s searches already. Remove one that you do not need any more.", most=MOST_SAVED)


def digest_due(now: datetime) -> datetime:
    """Return when the last digest fell due: whoever was told before that has one coming."""
    here = now.astimezone(CLOSING_TIME)
    today = here.replace(hour=0, minute=0, second=0, microsecond=0) + TOLD_AT
    return today if today <= here else today - timedelta(days=1)
