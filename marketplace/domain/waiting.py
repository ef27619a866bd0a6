"""What waits over the end of a month, in a plant's yard or in front of a line: which kilograms, until when, at what cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import MOST_KG, Month

Side: TypeAlias = Literal["producer", "recycler"]

MOST_STORAGE_FEN_PER_T: Final = 100_000
"""A thousand yuan per tonne and month; what is above is a typing error."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """
    Kilograms of an award that wait.

    With the producer they are ready in the month ``since`` and fetched in ``until``; with the recycler they arrive in
    ``since`` and are used in ``until``.
    """

    side: Side
    since: Month
    until: Month
    kg: int

    def __post_init__(self) -> None:
        """Refuse what does not wait."""
        if self.side not in ("producer", "recycler") or self.since >= self.until or self.kg <= 0:
            raise ValueError("what waits is more than nothing, and waits for a later month")

    @property
    def month_ends(self) -> tuple[Month, ...]:
        """The months over whose end it waits."""
        return tuple(self.since.until(self.until.plus(-1)))


def refuse_storage(kg: int, fen_per_t: int) -> None:
    """Raise Invalid unless so much room to store, at so much per tonne and month, makes sense."""
    if not 0 <= kg <= MOST_KG:
        raise Invalid("What may wait is zero or more.", field="storage")
    if not 0 <= fen_per_t <= MOST_STORAGE_FEN_PER_T:
        raise Invalid("Waiting costs between 0 and 1,000 yuan per tonne and month.", field="storage_cost")
    if fen_per_t and not kg:
        raise Invalid("Say how much may wait, or leave its cost empty.", field="storage")


def fetched_later(ready: Mapping[Month, int], fetched: Mapping[tuple[Month, int], int]) -> dict[int, tuple[Wait, ...]]:
    """
    Return what waits in a yard, by whom it is fetched for: what was ready first is fetched first.

    ``ready`` are the kilograms that a plant has in each month. No way of fetching the same leaves less waiting over the end
    of any month. Raises ValueError if more is fetched than was ready by then.
    """
    found: dict[int, list[Wait]] = {}
    for until, since, key, kg in _served(ready, fetched, forwards=False):
        if since != until:
            found.setdefault(key, []).append(Wait(side="producer", since=since, until=until, kg=kg))
    return {key: _sorted(waits) for key, waits in found.items()}


def used_later(capacity: Mapping[Month, int], arriving: Mapping[tuple[Month, int], int]) -> dict[int, tuple[Wait, ...]]:
    """
    Return what waits in front of a line, by whom it came from: what arrived first is used first.

    ``capacity`` are the kilograms that the line can use in each month. No way of using the same leaves less waiting over
    the end of any month. Raises ValueError if more arrives than can be used from then on.
    """
    found: dict[int, list[Wait]] = {}
    for since, until, key, kg in _served(capacity, arriving, forwards=True):
        if since != until:
            found.setdefault(key, []).append(Wait(side="recycler", since=since, until=until, kg=kg))
    return {key: _sorted(waits) for key, waits in found.items()}


def _served(
    room: Mapping[Month, int], moved: Mapping[tuple[Month, int], int], *, forwards: bool
) -> Iterator[tuple[Month, Month, int, int]]:
    """
    Serve what is moved with the room of its own month, and what that leaves with the room of the next ones, in order.

    Forwards in time that is a line that uses what came first; backwards it is a yard from which goes what was first there.
    """
    asked: dict[Month, list[tuple[int, int]]] = {}
    for (month, key), kg in moved.items():
        asked.setdefault(month, []).append((key, kg))
    waiting: deque[tuple[Month, int, int]] = deque()
    for month in sorted({*room, *asked}, reverse=not forwards):
        waiting.extend((month, key, kg) for key, kg in sorted(asked.get(month, [])))
        free = room.get(month, 0)
        while free and waiting:
            asked_in, key, kg = waiting.popleft()
            served = min(free, kg)
            free -= served
            if served:
                yield asked_in, month, key, served
            if served < kg:
                waiting.appendleft((asked_in, key, kg - served))
    if any(kg for _, _, kg in waiting):
        raise ValueError("more moves than there is")


def _sorted(waits: list[Wait]) -> tuple[Wait, ...]:
    return tuple(sorted(waits, key=lambda wait: (wait.since, wait.until)))


def over_month_ends(waits: Iterable[Wait]) -> dict[Month, int]:
    """Return how many kilograms wait over the end of each month, in order."""
    held: dict[Month, int] = {}
    for wait in waits:
        for month in wait.month_ends:
            held[month] = held.get(month, 0) + wait.kg
    return dict(sorted(held.items()))


def shifted(months: Mapping[Month, int], waits: Iterable[Wait], side: Side) -> dict[Month, int]:
    """
    Return the kilograms of an award by the month in which one side counts them, what waits with the other side left aside.

    ``months`` are those in which they travel. The producer counts them when they are ready, the recycler when they are used.
    """
    counted = dict(months)
    for wait in waits:
        if wait.side != side:
            continue
        travels, counts = (wait.until, wait.since) if side == "producer" else (wait.since, wait.until)
        counted[travels] = counted.get(travels, 0) - wait.kg
        counted[counts] = counted.get(counts, 0) + wait.kg
    return {month: kg for month, kg in sorted(counted.items()) if kg}
