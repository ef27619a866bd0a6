"""A line of the demand file, and how a row of it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month, fen, kilograms
from marketplace.matching.plancells import identity, measured, province_of, storage_fen
from marketplace.matching.planmonths import closed_months, refuse_months
from marketplace.matching.planrows import Row

_MOST_KM: Final = 20_100
_LIMIT: Final = re.compile(r"(?P<name>.+?)(?P<mean>_mean)?_(?P<end>max|min)")
_ANYTHING: Final = (float("-inf"), float("inf"))


@dataclass(frozen=True)
class Line:
    """
    A row of the demand file: a line, or what it uses in a ``month``; limits are (least, most).

    ``max_m`` is none where the radius of the plan holds. ``limits`` hold for each lot alone, ``means`` for the mean of all
    that the line takes, weighted by kilograms. ``organization`` is the line's own id where the file names none.
    ``storage_kg`` may be received for a later month, for ``storage_fen_per_t`` a month; nothing arrives in
    ``closed_months``, written as in the file. ``permit_kg`` is the most that may arrive in a year.
    """

    id: str
    materials: tuple[str, ...]
    point: tuple[int, int]
    kg: int
    max_m: int | None
    bid_fen_per_t: int | None
    min_lot_kg: int
    province: str
    limits: dict[str, tuple[float, float]]
    means: dict[str, tuple[float, float]] = field(default_factory=dict)
    organization: str = ""
    small: bool = False
    month: Month | None = None
    storage_kg: int = 0
    storage_fen_per_t: int = 0
    closed_months: tuple[str, ...] = ()
    permit_kg: int | None = None

    @property
    def closed(self) -> bool:
        """Whether nothing arrives in the month of the row."""
        return bool(self.month and {str(self.month), str(self.month)[5:]} & set(self.closed_months))


def line_of(row: Row, *, provinces: bool) -> Line:
    """Return the line of a row; the row is not sound if it has a fault."""
    refuse_months(row, ("storage_t", "storage_yuan_per_t_month", "closed_months", "permit_t_year"))
    materials = tuple(dict.fromkeys(part.strip() for part in row.text("material").split("|")))
    if row.cells.get("material") and not all(materials):
        row.refuse("material", "Between two “|” a material is missing.")
    own, month = identity(row, "demand_id")
    limits, means = _limits(row)
    return Line(
        id=own,
        materials=materials,
        point=row.point(),
        kg=row.kg(),
        max_m=row.read("max_km", meters),
        bid_fen_per_t=row.read("bid_yuan_per_t", fen),
        min_lot_kg=row.read("min_lot_t", kilograms, 0) or 0,
        province=province_of(row, needed=provinces),
        limits=limits,
        means=means,
        organization=row.cells.get("organization", "") or own,
        small=row.read("small_works", _yes_or_no, default=False) or False,
        month=month,
        storage_kg=row.read("storage_t", kilograms, 0) or 0,
        storage_fen_per_t=row.read("storage_yuan_per_t_month", storage_fen, 0) or 0,
        closed_months=closed_months(row),
        permit_kg=row.read("permit_t_year", kilograms),
    )


DEMAND_SAME: Final[dict[str, Callable[[Line], object]]] = {
    "material": lambda line: line.materials,
    "lat": lambda line: line.point[0],
    "lon": lambda line: line.point[1],
    "province_adcode": lambda line: line.province,
    "organization": lambda line: line.organization,
    "min_lot_t": lambda line: line.min_lot_kg,
    "small_works": lambda line: line.small,
    "closed_months": lambda line: line.closed_months,
    "permit_t_year": lambda line: line.permit_kg,
}
"""What all rows of a line say alike, by column."""


def limit_columns(lines: Iterable[Line]) -> dict[str, Callable[[Line], object]]:
    """Return what any line limits, by column."""

    def limit(kind: str, name: str, end: int) -> Callable[[Line], object]:
        return lambda line: getattr(line, kind).get(name, _ANYTHING)[end]

    return {
        f"{name}{mean}_{('min', 'max')[end]}": limit(kind, name, end)
        for line in lines
        for kind, mean in (("limits", ""), ("means", "_mean"))
        for name in getattr(line, kind)
        for end in (0, 1)
    }


def properties_of(lines: Iterable[Line]) -> frozenset[str]:
    """Return the properties that any line limits, for each lot or in the mean."""
    return frozenset(name for line in lines for name in (*line.limits, *line.means))


def _limits(row: Row) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]:
    """Return (least, most) by property for each lot alone, and for the mean."""
    kinds: tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]] = ({}, {})
    for column in row.cells:
        found = _LIMIT.fullmatch(column)
        limit = row.read(column, measured) if found else None
        if found and limit is not None:
            kind = kinds[bool(found["mean"])]
            least, most = kind.get(found["name"], _ANYTHING)
            kind[found["name"]] = (limit, most) if found["end"] == "min" else (least, limit)
    for kind, mean in zip(kinds, ("", "_mean"), strict=True):
        for name, (least, most) in kind.items():
            if least > most:
                row.refuse(f"{name}{mean}_min", "The least is more than the most.")
    return kinds


def meters(kilometers: Decimal) -> int:
    """Return whole meters; raises Invalid if there are none such on Earth."""
    if not 0 <= kilometers <= _MOST_KM:
        raise Invalid("A radius lies between 0 and %(most)s km.", most=_MOST_KM)
    return round(kilometers * 1000)


def _yes_or_no(value: Decimal) -> bool:
    if value not in {0, 1}:
        raise Invalid("This is 1 for yes or 0 for no.")
    return value == 1
