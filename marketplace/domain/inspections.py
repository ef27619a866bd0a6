"""When bidders may look at the goods of a sale before they bid: one of its rules, with words on where and with whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from marketplace.domain.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """
    The days of the inspection as the rules of a sale name them.

    ``how_sha256`` stands for the words on where and with whom, which tell who the producer is.
    """

    first: date
    last: date
    how_sha256: str


def refuse_inspection(first: date | None, last: date | None, how: str, bids_close_on: date | None) -> None:
    """Raise Invalid for days that contradict themselves or the deadline, and for days or words alone."""
    if first is None and last is None:
        if how:
            raise Invalid("Name the days on which the goods may be inspected.", field="inspect_from")
        return
    if first is None:
        raise Invalid("Name the first day of the inspection too.", field="inspect_from")
    if last is None:
        raise Invalid("Name the last day of the inspection too.", field="inspect_until")
    if last < first:
        raise Invalid("The last day of the inspection is before the first.", field="inspect_until")
    if bids_close_on is None:
        raise Invalid("An inspection is for bidders: name the day until which bids are taken.", field="inspect_from")
    if last > bids_close_on:
        raise Invalid("The inspection ends after the deadline of the bids.", field="inspect_until")
    if not how:
        raise Invalid("Say where the goods are inspected, and whom one asks.", field="inspect_how")


def inspection_must_lie_ahead(last: date | None, today: date) -> None:
    """Raise Invalid if the last day of an inspection is past."""
    if last is not None and last < today:
        raise Invalid("The days of the inspection are past.", field="inspect_until")
