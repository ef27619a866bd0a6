"""
Price steps of an intake line in a round: what it takes in a month beyond a quantity, it bids less for.

A month of a line fills its steps in their order, whosever the tonnes are. What the steps take off the first price is
counted on the month as a whole, so that of two that deliver to the same line in the same month neither stands on a step of
its own by chance; see `marketplace.matching.steps` for how it is shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import MOST_FEN_PER_T

MOST_STEPS: Final = 2
"""Further prices beside the first."""


@dataclass(frozen=True, kw_only=True)
class PriceStep:
    """What arrives in a month beyond ``beyond_kg`` is bid ``less_fen_per_t`` below the first price, of any material."""

    beyond_kg: int
    less_fen_per_t: int


def must_fall(steps: Sequence[PriceStep], kg_per_month: int) -> None:
    """Raise Invalid unless each step begins after the one before, within what is taken in a month, and bids less."""
    if len(steps) > MOST_STEPS:
        raise Invalid("An offer has at most three prices for a material.", field="steps")
    begin = less = 0
    for number, step in enumerate(steps, 2):
        if not begin < step.beyond_kg < kg_per_month:
            raise Invalid(
                "Each price begins after more tonnes than the one before, and before the most that is taken in a month.",
                field=f"beyond_{number}",
            )
        if not less < step.less_fen_per_t <= MOST_FEN_PER_T:
            raise Invalid(
                "Each price lies below the one before: a solver would take the higher one first anyway.",
                field=f"less_{number}",
            )
        begin, less = step.beyond_kg, step.less_fen_per_t


def rooms(steps: Sequence[PriceStep], *, stood_kg: int, room_kg: int, load_kg: int = 1) -> Iterator[tuple[int, int]]:
    """
    Yield the kilograms that each step of a month still takes and what it bids less, in fen per tonne; no empty step.

    ``stood_kg`` arrived before and stands on the first steps. A truckload of ``load_kg`` that would stand on two steps stands
    whole on the later one, which bids less, so that no part of a truck is lost between them.
    """
    begins = [0, *(max(0, step.beyond_kg - stood_kg) for step in steps)]
    begins = [begin - begin % load_kg for begin in begins]
    ends = [min(end, room_kg) for end in (*begins[1:], room_kg)]
    less = [0, *(step.less_fen_per_t for step in steps)]
    yield from ((end - begin, each) for begin, end, each in zip(begins, ends, less, strict=True) if end > begin)


def taken_off(steps: Sequence[PriceStep], *, stood_kg: int, kg: int) -> int:
    """
    Return what the steps of a month take off the first price for ``kg`` more kilograms, in thousandths of a fen.

    >>> taken_off([PriceStep(beyond_kg=2000, less_fen_per_t=500)], stood_kg=500, kg=2000)
    250000
    """
    return sum(mass * less for mass, less in rooms(steps, stood_kg=stood_kg, room_kg=kg))
