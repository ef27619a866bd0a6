"""The ways in which waste is put to use, what each takes in, and what it usually asks for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from marketplace.domain.errors import Invalid
from marketplace.domain.reference import decimal, rows, several


@dataclass(frozen=True)
class Route:
    """
    A way of putting waste to use.

    ``counts_as_utilization`` says whether its tonnes count towards the rate; where provinces differ, as with backfill,
    ``depends_on_province`` is true too. ``share_min_pct`` and ``share_max_pct`` are what part of the product, or of the
    named mix, the waste usually makes up.
    """

    code: str
    name_zh: str
    name_en: str
    materials: tuple[str, ...]
    counts_as_utilization: bool
    depends_on_province: bool
    replaces_zh: str
    replaces_en: str
    share_min_pct: int
    share_max_pct: int
    source: str
    date: str
    confidence: str


@dataclass(frozen=True)
class SuggestedLimit:
    """An acceptance limit that is usual for a material on a route: a start for a form, never applied by itself."""

    route: str
    material: str
    property: str
    least: Decimal | None
    most: Decimal | None
    source: str
    confidence: str


def routes() -> tuple[Route, ...]:
    """Return all routes in the order in which a person is offered them."""
    return tuple(_routes().values())


def route(code: str, *, field: str | None = None) -> Route:
    """Return the route of that code; raises Invalid if there is none."""
    try:
        return _routes()[code]
    except KeyError as unknown:
        raise Invalid("There is no utilization route “%(code)s”.", field=field, code=code[:40]) from unknown


def routes_for(material: str) -> tuple[Route, ...]:
    """Return the routes that take a material in."""
    return tuple(each for each in routes() if material in each.materials)


def suggested_limits(route_code: str, material: str) -> tuple[SuggestedLimit, ...]:
    """Return the acceptance limits that are usual for a material on a route; none where nothing is known."""
    return tuple(each for each in _limits() if each.route == route_code and each.material == material)


@cache
def _routes() -> dict[str, Route]:
    return {
        row["code"]: Route(
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            materials=several(row["materials"]),
            counts_as_utilization=row["counts"] in {"yes", "province"},
            depends_on_province=row["counts"] == "province",
            replaces_zh=row["replaces_zh"],
            replaces_en=row["replaces_en"],
            share_min_pct=int(row["share_min_pct"]),
            share_max_pct=int(row["share_max_pct"]),
            source=row["source"],
            date=row["date"],
            confidence=row["confidence"],
        )
        for row in rows("routes")
    }


@cache
def _limits() -> tuple[SuggestedLimit, ...]:
    return tuple(
        SuggestedLimit(
            route=row["route"],
            material=row["material"],
            property=row["property"],
            least=decimal(row["min"]),
            most=decimal(row["max"]),
            source=row["source"],
            confidence=row["confidence"],
        )
        for row in rows("route_limits")
    )
