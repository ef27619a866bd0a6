"""The statutory utilization rate, the gap to a goal, and what awards will add to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from marketplace.domain import wastes
from marketplace.domain.errors import Invalid
from marketplace.domain.ledger import NOTHING, Figures
from marketplace.domain.quantities import Month

Scope: TypeAlias = Literal["bulk", "all"]
SCOPES: Final[tuple[Scope, ...]] = ("bulk", "all")

FEWEST: Final = 5
"""So many organizations must stand behind a figure that everybody may read, or it tells of a single one."""


def rate(figures: Figures) -> Decimal | None:
    """Return U / (G + Up), a ratio; none if there was nothing to utilize."""
    return None if figures.base_kg == 0 else Decimal(figures.utilized_kg) / Decimal(figures.base_kg)


def together(parts: Iterable[Figures]) -> Figures:
    """Return the figures of a group, whose rate is sum over sum and never the mean of rates."""
    return sum(parts, NOTHING)


def in_scope(waste_code: str, scope: Scope) -> bool:
    """Say whether a waste code counts in a scope: all codes, or the classes of bulk industrial solid waste."""
    if scope == "all":
        return True
    try:
        return wastes.is_bulk(wastes.waste_code(waste_code).category)
    except Invalid:
        return False  # a code that the catalogue no longer has


@dataclass(frozen=True)
class Gap:
    """
    Kilograms that are missing to the goal; both zero where it is reached.

    ``from_stock_kg`` is more than ``kg``, since old stock enters the denominator as well; none if it could never do.
    """

    kg: int
    from_stock_kg: int | None


def gap(figures: Figures, goal_permille: int) -> Gap | None:
    """Return what is missing: x = T(G + Up) - U of the own generation, or y = x / (1 - T) of old stock, rounded up."""
    if figures.base_kg == 0:
        return None
    missing = goal_permille * figures.base_kg - 1000 * figures.utilized_kg
    if missing <= 0:
        return Gap(0, 0)
    return Gap(-(-missing // 1000), -(-missing // (1000 - goal_permille)) if goal_permille < 1000 else None)


def with_generation(figures: Figures, kg: int) -> Decimal | None:
    """Return the rate if so much more of the period's own generation were utilized: (U + x) / (G + Up)."""
    if figures.base_kg == 0:
        return None
    return Decimal(figures.utilized_kg + kg) / Decimal(figures.base_kg)


def with_stock(figures: Figures, kg: int) -> Decimal | None:
    """Return the rate if so much old stock were utilized too: (U + y) / (G + Up + y)."""
    if figures.base_kg + kg == 0:
        return None
    return Decimal(figures.utilized_kg + kg) / Decimal(figures.base_kg + kg)


@dataclass(frozen=True)
class Forecast:
    """
    What awards will add in the months that they cover, against the same months one year earlier.

    ``lift_kg`` is the part of ``awarded_kg`` that would otherwise be stored or disposed of. ``base`` are the figures
    of the months one year earlier.
    """

    first: Month
    last: Month
    awarded_kg: int
    lift_kg: int
    base: Figures

    @property
    def base_rate(self) -> Decimal | None:
        """The rate of the same months one year earlier."""
        return rate(self.base)

    @property
    def rate(self) -> Decimal | None:
        """The rate of those months with what the awards add."""
        return with_generation(self.base, self.lift_kg)

    @property
    def lift_points(self) -> Decimal | None:
        """By how much the rate rises, as a ratio."""
        return None if self.rate is None or self.base_rate is None else self.rate - self.base_rate

    def gap(self, goal_permille: int) -> Gap | None:
        """Return what is missing to the goal even with the awards."""
        raised = self.base + Figures(utilized_kg=self.lift_kg)
        return gap(raised, goal_permille)


def lift_kg(awarded_kg: int, otherwise: Figures) -> int:
    """
    Return how much of what is awarded lifts the rate.

    Only tonnes that would otherwise be stored, disposed of or discarded count; what found a use a year ago would find
    one again, and another buyer for it changes nothing.
    """
    idle_kg = otherwise.stored_kg + otherwise.disposed_kg - otherwise.disposed_from_stock_kg + otherwise.discarded_kg
    return max(0, min(awarded_kg, idle_kg))


StreamMonth: TypeAlias = "tuple[int, Month]"


def forecast(
    awarded: Mapping[StreamMonth, int],
    known: Mapping[StreamMonth, Figures],
    by_month: Mapping[Month, Figures],
) -> Forecast | None:
    """
    Return what awards will add, or none where no month lies ahead of the ledger.

    ``awarded`` kilograms and ``known`` figures go by stream and month; a stream's month that has figures already is
    left out, since what was moved stands in them. ``by_month`` are the figures of the whole park.
    """
    ahead = {key: kg for key, kg in awarded.items() if key not in known and kg > 0}
    if not ahead:
        return None
    months = sorted({month for _, month in ahead})
    return Forecast(
        first=months[0],
        last=months[-1],
        awarded_kg=sum(ahead.values()),
        lift_kg=sum(
            lift_kg(kg, known.get((stream_id, month.plus(-12)), NOTHING)) for (stream_id, month), kg in ahead.items()
        ),
        base=together(by_month.get(month.plus(-12), NOTHING) for month in months).over(months[0].plus(-12)),
    )
