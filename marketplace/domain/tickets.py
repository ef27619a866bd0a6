"""
Weighbridge tickets: what a scale said of a vehicle, and what about it makes one look twice.

Gross and tare are entered, net is computed and never typed. What cannot be true is refused; what is unlikely is kept and
marked, since the truck stands on the scale and has to go on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from marketplace.domain.errors import Invalid
from marketplace.domain.places import Point, great_circle_m
from marketplace.domain.plates import LEGAL_GROSS_KG, MOST_GROSS_KG
from marketplace.domain.wording import Sentence

End: TypeAlias = Literal["origin", "destination"]
ENDS: Final[tuple[End, ...]] = ("origin", "destination")

TARE_AGE: Final = timedelta(hours=24)
"""A tare older than this may be of a fuller tank, a wetter body, or another trailer."""

TARE_SPREAD_PERMILLE: Final = 50
"""By how much a tare may lie off the mean of the plate's last ones."""

LAST_TARES: Final = 5

FASTEST_M_PER_S: Final = 33
"""120 km/h over the great circle: no loaded truck is on two scales sooner than that."""

AHEAD: Final = timedelta(minutes=10)
"""How far the clock of a scale may be ahead of the server's."""

MOST_TEXT: Final = 40


@dataclass(frozen=True, kw_only=True)
class NewTicket:
    """
    A ticket as a scale printed it: its number, and gross and tare with their instants. Raises Invalid if it cannot be true.

    ``key`` is made by the page that sends it, so that a request which a bad link repeats has one effect.
    """

    number: str
    scale: str
    gross_kg: int
    tare_kg: int
    gross_at: datetime
    tare_at: datetime
    key: str
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what no scale says."""
        for name in ("number", "scale"):
            text = unicodedata.normalize("NFKC", getattr(self, name)).strip()
            if not text:
                raise Invalid("This is needed.", field=name)
            if len(text) > MOST_TEXT:
                raise Invalid("At most %(most)s characters.", field=name, most=MOST_TEXT)
            object.__setattr__(self, name, text)
        if not 8 <= len(self.key) <= 64:
            raise Invalid("This page is too old. Load it again.", field="key")
        if self.tare_kg <= 0:
            raise Invalid("An empty vehicle weighs more than nothing.", field="tare_kg")
        if self.gross_kg > MOST_GROSS_KG:
            raise Invalid("No vehicle weighs more than 200 t. Is the unit right?", field="gross_kg")
        if self.gross_kg <= self.tare_kg:
            raise Invalid(
                "Gross %(gross_kg)s t is not above tare %(tare_kg)s t. Are the two swapped?",
                field="gross_kg",
                gross_kg=self.gross_kg,
                tare_kg=self.tare_kg,
            )

    @property
    def net_kg(self) -> int:
        """Gross less tare."""
        return self.gross_kg - self.tare_kg

    @property
    def at(self) -> datetime:
        """When the vehicle was weighed for the second time."""
        return max(self.gross_at, self.tare_at)

    def must_have_been(self, now: datetime) -> None:
        """Raise Invalid for a weighing that is still to come, or long past."""
        for name in ("gross_at", "tare_at"):
            at: datetime = getattr(self, name)
            if at > now + AHEAD:
                raise Invalid("This time has not come yet. Is the clock of the scale right?", field=name)
            if at < now - timedelta(days=366):
                raise Invalid("This is more than a year past. Is the year right?", field=name)


Mark: TypeAlias = Literal["overload", "tare_old", "tare_differs", "too_fast"]


@dataclass(frozen=True)
class Weighed:
    """Where and when a plate was weighed before."""

    at: datetime
    point: Point
    tare_kg: int


def marks(new: NewTicket, point: Point, before: Sequence[Weighed]) -> tuple[Mark, ...]:
    """Return what about a ticket makes one look twice; ``before`` are the plate's last weighings elsewhere and here, newest first."""
    return tuple(_marks(new, point, before))


def _marks(new: NewTicket, point: Point, before: Sequence[Weighed]) -> Iterator[Mark]:
    if new.gross_kg > LEGAL_GROSS_KG:
        yield "overload"
    if abs(new.gross_at - new.tare_at) > TARE_AGE:
        yield "tare_old"
    tares = [each.tare_kg for each in before[:LAST_TARES]]
    if tares and abs(new.tare_kg * len(tares) - sum(tares)) * 1000 > TARE_SPREAD_PERMILLE * sum(tares):
        yield "tare_differs"
    if any(_too_fast(new, point, each) for each in before):
        yield "too_fast"


def _too_fast(new: NewTicket, point: Point, other: Weighed) -> bool:
    seconds = min(abs(at - other.at) for at in (new.gross_at, new.tare_at)).total_seconds()
    return great_circle_m(point, other.point) > seconds * FASTEST_M_PER_S


MARK_SENTENCES: Final[dict[Mark, Sentence]] = {
    "overload": Sentence(
        "Above %(legal_kg)s t with its load: more than a vehicle of six axles may weigh.", {"legal_kg": LEGAL_GROSS_KG}
    ),
    "tare_old": Sentence("More than a day lies between gross and tare."),
    "tare_differs": Sentence("The tare lies more than a twentieth off the plate's last ones."),
    "too_fast": Sentence(
        "The same plate was on another scale so shortly before or after that it could not have driven there."
    ),
}


def far_apart(out_kg: int, in_kg: int, tolerance_permille: int) -> bool:
    """
    Return whether two scales differ by more than they may, as a part of what was sent.

    >>> far_apart(33_780, 33_680, 3), far_apart(33_780, 33_678, 3)
    (False, True)
    """
    return abs(out_kg - in_kg) * 1000 > tolerance_permille * out_kg
