"""Default factors of carbon, generation, radius, price, tax and density: estimates, each with source and date."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.reference import rows

KINDS: Final = ("avoided", "transport", "energy", "generation", "radius", "price", "tax", "density")


@dataclass(frozen=True)
class Factor:
    """
    A default figure and the range that it lies in; what is shown of it names source and date.

    ``material`` and ``route`` are none where it holds for all of them. Carbon per tonne is of dry waste, before
    transport.
    """

    code: str
    kind: str
    material: str | None
    route: str | None
    value: Decimal
    low: Decimal
    high: Decimal
    unit: str
    name_zh: str
    name_en: str
    source: str
    date: str
    confidence: str


def factors(kind: str | None = None) -> tuple[Factor, ...]:
    """Return the factors of a kind, or all."""
    return tuple(each for each in _factors().values() if kind is None or each.kind == kind)


def factor(code: str) -> Factor:
    """Return the factor of that code, such as ``radius.fly_ash``; raises Invalid if there is none."""
    try:
        return _factors()[code]
    except KeyError as unknown:
        raise Invalid("There is no factor “%(code)s”.", code=code[:60]) from unknown


def factor_for(kind: str, *, material: str, route: str | None = None) -> Factor | None:
    """Return the factor of a kind for a material, on a route if given: the most particular there is, or none."""
    fitting = [
        each
        for each in factors(kind)
        if each.material in {None, material} and (each.route is None or each.route == route)
    ]
    return max(fitting, key=lambda each: (each.material is not None, each.route is not None), default=None)


def economic_radius_m(material: str) -> int | None:
    """Return how far a material usually pays to be carried by road, in meters; none where nothing is known."""
    found = factor_for("radius", material=material)
    return int(found.value * 1000) if found else None


@cache
def _factors() -> dict[str, Factor]:
    return {
        row["code"]: Factor(
            code=row["code"],
            kind=row["kind"],
            material=row["material"] or None,
            route=row["route"] or None,
            value=Decimal(row["value"]),
            low=Decimal(row["low"]),
            high=Decimal(row["high"]),
            unit=row["unit"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            source=row["source"],
            date=row["date"],
            confidence=row["confidence"],
        )
        for row in rows("factors")
    }
