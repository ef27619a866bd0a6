"""The capacity of an intake line as its park finds it, where that is less than what the line states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from marketplace.domain.accounts import one_line
from marketplace.domain.errors import Invalid

MOST_REASON: Final = 500


@dataclass(frozen=True, kw_only=True)
class LoweredCapacity:
    """
    What a park finds that a line may take in from this month on, and why: an inspection, a permit that was cut.

    Raises Invalid if it makes no sense.
    """

    capacity_kg_per_month: int
    capacity_kg_per_year: int
    because: str

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.capacity_kg_per_month <= 0:
            raise Invalid(
                "The capacity of a month is above zero. If the line may take in nothing, take the permit back.",
                field="capacity_kg_per_month",
            )
        if self.capacity_kg_per_year < self.capacity_kg_per_month:
            raise Invalid("A year holds at least as much as one month.", field="capacity_kg_per_year")
        object.__setattr__(self, "because", one_line(self.because, most=MOST_REASON, field="because"))

    def refuse_more_than(self, kg_per_month: int, kg_per_year: int) -> None:
        """Raise Invalid if it is more than what stands, of a month or a year, or nothing else than that."""
        if self.capacity_kg_per_month > kg_per_month:
            raise Invalid(
                "The line states %(stated_kg)s t a month; only its recycler can raise that.",
                field="capacity_kg_per_month",
                stated_kg=kg_per_month,
            )
        if self.capacity_kg_per_year > kg_per_year:
            raise Invalid(
                "The line states %(stated_kg)s t a year; only its recycler can raise that.",
                field="capacity_kg_per_year",
                stated_kg=kg_per_year,
            )
        if (self.capacity_kg_per_month, self.capacity_kg_per_year) == (kg_per_month, kg_per_year):
            raise Invalid("This is what the line states already.", field="capacity_kg_per_month")
