"""What if: questions to a round that was solved, with one thing otherwise, and what is answered; nothing of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from marketplace.domain.errors import Invalid, MarketplaceError
from marketplace.domain.places import Point
from marketplace.domain.rounds import MOST_KM

MOST_KG: Final = 10**10
MOST_MOISTURE: Final = 100


class TooLarge(MarketplaceError):
    """What the question touches is too large to be solved while a page waits: 422."""


@dataclass(frozen=True)
class LineMore:
    """A line more at this point, which takes these materials, so many kilograms a month, at whatever price it needs."""

    point: Point
    division_code: str
    materials: tuple[str, ...]
    kg: int

    def __post_init__(self) -> None:
        """Refuse a line that takes nothing."""
        if not self.materials:
            raise Invalid("Choose at least one material.", field="materials")
        _must_be_kg(self.kg)


@dataclass(frozen=True)
class RoomMore:
    """So many kilograms of room more at a line in each of its months, as far as its permit of the year goes."""

    line_id: int
    kg: int

    def __post_init__(self) -> None:
        """Refuse no room."""
        _must_be_kg(self.kg)


@dataclass(frozen=True)
class RadiusWider:
    """The round reaches so many kilometers further, or, if one is named, this line does."""

    km: int
    line_id: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no further."""
        if not 1 <= self.km <= MOST_KM:
            raise Invalid("A radius is made wider by 1 to 2,000 km.", field="km")


@dataclass(frozen=True)
class Drier:
    """A listing has this moisture, in percent, instead of what was measured."""

    listing_id: int
    moisture: Decimal

    def __post_init__(self) -> None:
        """Refuse what is no moisture."""
        if not (self.moisture.is_finite() and 0 <= self.moisture <= MOST_MOISTURE):
            raise Invalid("Moisture is between 0 and 100 %.", field="moisture")


@dataclass(frozen=True)
class ListingMore:
    """One listing more: the same waste from the same place as this one, so many kilograms a month, at any price."""

    like_id: int
    kg: int

    def __post_init__(self) -> None:
        """Refuse nothing offered."""
        _must_be_kg(self.kg)


@dataclass(frozen=True)
class PairDeclined:
    """One contract declined."""

    listing_id: int
    line_id: int


Question: TypeAlias = LineMore | RoomMore | RadiusWider | Drier | ListingMore | PairDeclined


@dataclass(frozen=True)
class Moved:
    """What a line takes of a listing before and after; no id where one of the two is what was asked about."""

    listing_id: int | None
    line_id: int | None
    before_kg: int
    after_kg: int


@dataclass(frozen=True)
class WhatIf:
    """
    The totals of the round before and after, and who takes what otherwise, the greatest change first.

    ``fen`` are freight and deductions, and where the round ``stores`` what waiting costs. ``pairs`` were held against each other again.
    """

    before_kg: int
    after_kg: int
    offered_kg: int
    offered_after_kg: int
    before_fen: int
    after_fen: int
    moved: tuple[Moved, ...]
    pairs: int
    stores: bool = False


def _must_be_kg(kg: int) -> None:
    if not 1 <= kg <= MOST_KG:
        raise Invalid("A quantity is above zero and at most ten million tonnes.", field="tonnes")
