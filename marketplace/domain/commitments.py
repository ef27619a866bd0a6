"""How much of what a line may take in is spoken for, over all producers, and what of it no permit covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from marketplace.domain.quantities import Month


@dataclass(frozen=True)
class Capacity:
    """A month or year of a line: approved, spoken for and free."""

    capacity_kg: int
    reserved_kg: int
    contracted_kg: int

    @property
    def committed_kg(self) -> int:
        """What is reserved for awards and contracted."""
        return self.reserved_kg + self.contracted_kg

    @property
    def free_kg(self) -> int:
        """What is left."""
        return max(self.capacity_kg - self.committed_kg, 0)

    @property
    def over_kg(self) -> int:
        """What is committed beyond what is approved."""
        return max(self.committed_kg - self.capacity_kg, 0)

    @property
    def load(self) -> Decimal | None:
        """The committed share; none if nothing can be taken."""
        return Decimal(self.committed_kg) / self.capacity_kg if self.capacity_kg else None


@dataclass(frozen=True)
class Committed:
    """
    A line with what is committed of its coming months, and of the years that these lie in.

    ``permit_until`` is the last day of its permit; none if there is none, or it is not verified. What is ``retired``
    takes in what is contracted and nothing new.
    """

    months: tuple[tuple[Month, Capacity], ...]
    years: tuple[tuple[int, Capacity], ...]
    permit_until: date | None
    retired: bool

    @property
    def over_months(self) -> tuple[tuple[Month, int], ...]:
        """The months in which more is committed than is approved, and how much more."""
        return tuple((month, each.over_kg) for month, each in self.months if each.over_kg)

    @property
    def over_years(self) -> tuple[tuple[int, int], ...]:
        """The years in which more is committed than is approved, and how much more."""
        return tuple((year, each.over_kg) for year, each in self.years if each.over_kg)

    @property
    def over_kg(self) -> int:
        """The most by which a month or a year is over-committed."""
        return max((kg for _, kg in (*self.over_months, *self.over_years)), default=0)

    @property
    def uncovered(self) -> tuple[tuple[Month, int], ...]:
        """The months that no verified permit covers to their last day, with what is committed in them nevertheless."""
        return tuple(
            (month, each.committed_kg) for month, each in self.months if each.committed_kg and not self.covers(month)
        )

    def covers(self, month: Month) -> bool:
        """Say whether the permit holds on the last day of a month, as whoever is matched to the line asks for."""
        return self.permit_until is not None and last_day(month) <= self.permit_until

    def free_kg(self, month: Month) -> int:
        """Return what may still be awarded in a month: what month and year leave, and nothing without a permit."""
        if self.retired or not self.covers(month):
            return 0
        return min(dict(self.months)[month].free_kg, dict(self.years)[month.year].free_kg)


def last_day(month: Month) -> date:
    """Return the last day of a month."""
    return (month.first_day + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def total(parts: Iterable[Capacity]) -> Capacity:
    """Return lines taken together: what one of them lacks another does not give, so that nothing is set off."""
    found = list(parts)
    return Capacity(
        sum(each.capacity_kg for each in found),
        sum(each.reserved_kg for each in found),
        sum(each.contracted_kg for each in found),
    )
