"""Reads: what each quantity of a round costs at least, and what room is worth, as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.canonical import from_json
from marketplace.domain.quantities import Month
from marketplace.domain.results import Curve, RoomWorth
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.organizations import Organization, Site

MOST_POINTS: Final = 200
"""Points drawn; the file of the result has all."""

MOST_ROOMS: Final = 25
"""Full lines shown, those of the most worth; the file of the result has all."""

LAST_KG: Final = 100_000
"""The tonnes at the margin that the page names the cost of."""

_TENTHS: Final = 10


@dataclass(frozen=True)
class CurveRow:
    """A quantity, what it costs at least in fen, and the fen per tonne of its last tonnes."""

    kg: int
    fen: int
    last_fen_per_t: int


@dataclass(frozen=True)
class CurveShown:
    """
    The curve of cost as the page shows it: points to draw, in kilograms and fen, and rows to read.

    ``last_kg`` are the tonnes at the end whose cost is told: 100 t, or all where it is less. ``slack_fen`` is by how much
    the least cost may lie below the line between two points, 0 where every breakpoint is known. ``own_kg`` and ``own_fen``
    are what the round came to.
    """

    points: tuple[tuple[int, int], ...]
    rows: tuple[CurveRow, ...]
    last_kg: int
    slack_fen: int
    own_kg: int
    own_fen: int

    @property
    def most_kg(self) -> int:
        """The most that can be moved."""
        return self.points[-1][0]


@dataclass(frozen=True)
class RoomShown:
    """A full line in months that follow on one another, with what one tonne of room more, or less, would change in each."""

    line_id: int
    owner_zh: str
    owner_en: str
    name: str
    name_en: str
    first_month: Month
    last_month: Month
    more_kg: int
    more_fen_per_t: int
    less_kg: int
    less_fen_per_t: int


@dataclass(frozen=True)
class RoomsShown:
    """The full lines at which room is worth most, and how many there are in all."""

    rows: tuple[RoomShown, ...]
    total: int


def curve_of(content: Mapping[str, Any]) -> CurveShown | None:
    """Return the curve of a result, none where it has none or nothing can be moved."""
    if not content.get("curve"):
        return None
    curve = from_json(Curve, json.dumps(content["curve"]))
    if not curve.kg[-1]:
        return None
    last_kg = min(LAST_KG, curve.kg[-1])
    quantities = sorted({last_kg, *(curve.kg[-1] * tenth // _TENTHS for tenth in range(1, _TENTHS + 1))})
    report = content["report"]
    return CurveShown(
        points=tuple((kg, cost // 1000) for kg, cost in _thinned(curve)),
        rows=tuple(
            CurveRow(kg, _cost(curve, kg) // 1000, _last(curve, kg, last_kg)) for kg in quantities if kg >= last_kg
        ),
        last_kg=last_kg,
        slack_fen=-(-max(curve.slack, default=0) // 1000),
        own_kg=report["allocated_kg"],
        own_fen=report["freight_fen"] + report["deduction_fen"] + report.get("storage_fen", 0),
    )


def rooms_of(session: Session, content: Mapping[str, Any]) -> RoomsShown:
    """Return the full lines of a result at which room is worth something, with names. One SELECT if there are any."""
    found = _spans([from_json(RoomWorth, json.dumps(each)) for each in content.get("rooms", ())])
    if not found:
        return RoomsShown((), 0)
    rooms = found[:MOST_ROOMS]
    names = {
        row.id: row
        for row in session.execute(
            select(
                IntakeLine.id,
                Organization.name_zh,
                Organization.name_en.label("owner_en"),
                IntakeLine.name,
                IntakeLine.name_en,
            )
            .join(Site, IntakeLine.site_id == Site.id)
            .join(Organization, Site.organization_id == Organization.id)
            .where(IntakeLine.id.in_({each.line_id for each, _ in rooms}))
        )
    }
    shown = (
        RoomShown(each.line_id, name.name_zh, name.owner_en, name.name, name.name_en, each.month, last, each.more_kg,
                  each.more_fen_per_t, each.less_kg, each.less_fen_per_t)
        for each, last in rooms
        if (name := names.get(each.line_id)) is not None
    )  # fmt: skip
    return RoomsShown(tuple(shown), len(found))


def _spans(rooms: list[RoomWorth]) -> list[tuple[RoomWorth, Month]]:
    """Return the first of each run of months in which a line says the same, with the last month, in the order given."""
    same: dict[RoomWorth, list[Month]] = {}
    for each in rooms:
        same.setdefault(replace(each, month=rooms[0].month), []).append(each.month)
    spans: list[tuple[RoomWorth, Month]] = []
    for each, months in same.items():
        for month in sorted(months):
            if spans and spans[-1][0] == replace(each, month=spans[-1][0].month) and spans[-1][1].plus(1) == month:
                spans[-1] = (spans[-1][0], month)
            else:
                spans.append((replace(each, month=month), month))
    return spans


def was_proved(change: Mapping[str, object] | None) -> bool:
    """Return whether a change, as it is kept, was confirmed by solving again."""
    values = (change or {}).get("values")
    if not isinstance(values, Mapping):
        return False
    return "proved_kg" in values or any(was_proved(each) for each in values.values() if isinstance(each, Mapping))


def _thinned(curve: Curve) -> Iterator[tuple[int, int]]:
    """Yield at most so many of the points, the ends among them: the first at or beyond each equal step of kilograms."""
    points = list(zip(curve.kg, curve.cost, strict=True))
    if len(points) <= MOST_POINTS:
        yield from points
        return
    passed = -1
    for kg, cost in points:
        step = kg * (MOST_POINTS - 1) // curve.kg[-1]
        if step > passed:
            yield kg, cost
            passed = step


def _cost(curve: Curve, kg: int) -> int:
    right = next(place for place, mass in enumerate(curve.kg) if mass >= kg)
    if curve.kg[right] == kg:
        return curve.cost[right]
    left = right - 1
    rise, width = curve.cost[right] - curve.cost[left], curve.kg[right] - curve.kg[left]
    return curve.cost[left] + rise * (kg - curve.kg[left]) // width


def _last(curve: Curve, kg: int, last_kg: int) -> int:
    """Return what the last kilograms up to ``kg`` cost, in fen per tonne, rounded half up."""
    return (2 * (_cost(curve, kg) - _cost(curve, kg - last_kg)) + last_kg) // (2 * last_kg)
