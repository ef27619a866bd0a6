"""What it costs to carry a tonne: road distance from the great circle, freight from a tariff of bands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.places import Point, great_circle_m
from marketplace.domain.reference import rows
from marketplace.domain.wastes import material

CIRCUITY_PERMILLE: Final = 1300
"""Road distance over great circle unless a better figure is known: 1.3, between plains (1.2) and hills (1.5)."""

_MOST_CIRCUITY_PERMILLE: Final = 10_000


@dataclass(frozen=True)
class Band:
    """From ``from_m`` on, each further kilometer of a tonne costs ``rate_fen_per_t_km``."""

    from_m: int
    rate_fen_per_t_km: int


@dataclass(frozen=True)
class Tariff:
    """
    A price list of carriage: a fixed part for loading and unloading, and a rate per kilometer that changes by band.

    A rate holds for the kilometers within its band alone, so a longer way never costs less.
    """

    code: str
    name_zh: str
    name_en: str
    fixed_fen_per_t: int
    bands: tuple[Band, ...]
    payload_kg: int
    source: str
    date: str
    confidence: str

    def __post_init__(self) -> None:
        """Refuse bands that do not begin at zero and rise, and anything below zero."""
        if not self.bands or self.bands[0].from_m != 0 or any(a.from_m >= b.from_m for a, b in pairwise(self.bands)):
            raise Invalid("The distance bands of a tariff begin at zero and rise.")
        if self.fixed_fen_per_t < 0 or any(band.rate_fen_per_t_km < 0 for band in self.bands):
            raise Invalid("A tariff has no part below zero.")

    def freight_fen_per_t(self, road_m: int) -> int:
        """
        Return what a tonne costs over so many meters of road, in whole fen, half up.

        Raises Invalid if the distance is below zero.
        """
        if road_m < 0:
            raise Invalid("A distance cannot be less than zero.")
        ends = [*(band.from_m for band in self.bands[1:]), road_m]
        fen_m = sum(
            band.rate_fen_per_t_km * max(0, min(end, road_m) - band.from_m)
            for band, end in zip(self.bands, ends, strict=True)
        )
        return self.fixed_fen_per_t + (fen_m + 500) // 1000


@dataclass(frozen=True)
class Haul:
    """The way between two points: how long, how that is known, and what a tonne costs."""

    great_circle_m: int
    road_m: int
    circuity_permille: int
    origin: str
    """``circuity``: estimated from the great circle; another word if a road server measured it."""
    freight_fen_per_t: int


def road_m(distance_m: int, *, circuity_permille: int = CIRCUITY_PERMILLE) -> int:
    """Return the road distance to expect for a great circle, in whole meters, half up."""
    if not 1000 <= circuity_permille <= _MOST_CIRCUITY_PERMILLE:
        raise Invalid("The road is at least as long as the straight line, and at most ten times as long.")
    return (distance_m * circuity_permille + 500) // 1000


def haul(a: Point, b: Point, *, tariff: Tariff, circuity_permille: int = CIRCUITY_PERMILLE) -> Haul:
    """Return the way from ``a`` to ``b``, its road distance estimated from the great circle."""
    straight_m = great_circle_m(a, b)
    way_m = road_m(straight_m, circuity_permille=circuity_permille)
    return Haul(straight_m, way_m, circuity_permille, "circuity", tariff.freight_fen_per_t(way_m))


def default_tariff() -> Tariff:
    """Return the tariff for what a dump truck carries."""
    return tariff("road-dump")


def tariff_for(code: str) -> Tariff:
    """Return the default tariff for a material: a tanker for powders, a dump truck for the rest; raises Invalid."""
    return tariff("road-tanker" if material(code).is_powder else "road-dump")


def tariff(code: str) -> Tariff:
    """Return the tariff of that code; raises Invalid if there is none."""
    try:
        return tariffs()[code]
    except KeyError as unknown:
        raise Invalid("There is no tariff “%(code)s”.", code=code) from unknown


@cache
def tariffs() -> dict[str, Tariff]:
    """Return the default tariffs by code."""
    codes = dict.fromkeys(row["code"] for row in rows("freight"))
    return {code: _read(code) for code in codes}


def _read(code: str) -> Tariff:
    own = [row for row in rows("freight") if row["code"] == code]
    first = own[0]
    return Tariff(
        code=code,
        name_zh=first["name_zh"],
        name_en=first["name_en"],
        fixed_fen_per_t=int(first["fixed_fen_per_t"]),
        bands=tuple(Band(int(row["from_m"]), int(row["rate_fen_per_t_km"])) for row in own),
        payload_kg=int(first["payload_kg"]),
        source=first["source"],
        date=first["date"],
        confidence=first["confidence"],
    )
