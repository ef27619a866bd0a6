"""What the page of the day is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from marketplace.domain.wording import Sentence


@dataclass(frozen=True)
class Task:
    """One thing to be done."""

    kind: str
    """``fail`` if it is overdue or does not add up, ``wait`` if it waits for this person, ``info`` if it is news."""
    state: Sentence
    text: Sentence
    do: Sentence
    noun: str
    """The blueprint where it is done."""
    id: int | None = None
    rank: int = 0
    """Hours until it is too late, or another order among its kind."""

    def softer(self) -> Task:
        """Return the task as one that waits."""
        return replace(self, kind="wait")


@dataclass(frozen=True)
class Storage:
    """How full the store of a stream is."""

    stream_id: int
    name_zh: str
    name_en: str
    material: str
    site: str
    stock_kg: int
    limit_kg: int | None
    generation_kg_per_month: int

    @property
    def share(self) -> float | None:
        """Stock over limit; none without a limit."""
        return None if not self.limit_kg else self.stock_kg / self.limit_kg

    @property
    def days_to_full(self) -> int | None:
        """Whole days until it is full if nothing leaves; none without a limit or without generation."""
        if not self.limit_kg or not self.generation_kg_per_month:
            return None
        return max(0, self.limit_kg - self.stock_kg) * 30 // self.generation_kg_per_month


@dataclass(frozen=True)
class Count:
    """A figure that is good to know."""

    label: Sentence
    count: int
    noun: str
    view: str = "index"


def left(now: datetime, until: datetime) -> Sentence:
    """Return how much time is left, in days and hours."""
    hours = max(0, int((until - now).total_seconds() // 3600))
    if hours < 1:
        return Sentence("less than an hour left")
    if hours < 24:
        return Sentence("%(hours)s h left", {"hours": hours})
    return Sentence("%(days)s d %(hours)s h left", {"days": hours // 24, "hours": hours % 24})


def hours_left(now: datetime, until: datetime) -> int:
    """Return the whole hours that are left, to sort by."""
    return int((until - now).total_seconds() // 3600)
