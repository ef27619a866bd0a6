"""A contract after it was made: new versions that one side proposes and both sign, and its end before its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

from marketplace.domain.contracts import FilingTerm, Terms
from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.quantities import MOST_FEN_PER_T, MOST_KG, Month
from marketplace.domain.waiting import Wait

AmendmentState: TypeAlias = Literal["open", "half", "in_force", "declined", "withdrawn"]
ContractState: TypeAlias = Literal["in_force", "ended", "terminated"]

MOST_REASON: Final = 500

CAUSES: Final = (
    "not_delivered",
    "not_taken",
    "quality",
    "unpaid",
    "permit",
    "stopped",
    "force_majeure",
    "agreed",
    "other",
)
"""Why a side ends a contract; what it says beside it is its own."""


@dataclass(frozen=True)
class NewAmendment:
    """What one side proposes: a price at the producer's gate, the plan of the months that are not past, and why."""

    price_fen_per_t: int
    months: Mapping[Month, int]
    reason: str

    def __post_init__(self) -> None:
        if not -MOST_FEN_PER_T <= self.price_fen_per_t <= MOST_FEN_PER_T:
            raise Invalid("That is more than a million yuan per tonne. Is the unit right?", field="price_fen_per_t")
        if any(not 0 <= kg <= MOST_KG for kg in self.months.values()):
            raise Invalid("That is more than a thousand million tonnes. Is the unit right?")
        said(self.reason)


@dataclass(frozen=True)
class NewTermination:
    """That a side ends a contract: the cause, in its own words, and what has been delivered this month so far."""

    cause: str
    reason: str
    delivered_kg: int

    def __post_init__(self) -> None:
        if self.cause not in CAUSES:
            raise Invalid("Choose one of the causes.", field="cause")
        said(self.reason)


@dataclass(frozen=True)
class MonthChange:
    """The plan of one month, before and after."""

    month: Month
    before_kg: int
    after_kg: int


@dataclass(frozen=True)
class Difference:
    """What a new version changes."""

    price_before_fen_per_t: int
    price_after_fen_per_t: int
    before_kg: int
    after_kg: int
    last_before: Month
    last_after: Month
    months: tuple[MonthChange, ...]
    """Those whose plan changes."""


def said(text: str) -> str:
    """Return why somebody changes or ends a contract. Raises Invalid without a word, or with too many."""
    reason = text.strip()
    if not reason:
        raise Invalid("Say why; the other side reads it.", field="reason")
    if len(reason) > MOST_REASON:
        raise Invalid("At most %(most)s characters.", field="reason", most=MOST_REASON)
    return reason


def amendment_state(
    *, signatures: int, made_at: datetime | None, declined_at: datetime | None, withdrawn_at: datetime | None
) -> AmendmentState:
    """Read how far a proposal is off its timestamps and the number of its signatures."""
    if made_at is not None:
        return "in_force"
    if declined_at is not None:
        return "declined"
    if withdrawn_at is not None:
        return "withdrawn"
    return "half" if signatures else "open"


def contract_state(this_month: Month, *, last_month: Month | None, terminated_at: datetime | None) -> ContractState:
    """Read how a contract stands; it has ended when its last month is over."""
    if terminated_at is not None:
        return "terminated"
    return "ended" if last_month is None or last_month < this_month else "in_force"


def must_be_in_force(state: ContractState) -> None:
    """Raise Conflict, with the reason, unless a contract can be changed or ended."""
    if state == "terminated":
        raise Conflict("This contract has been terminated.")
    if state == "ended":
        raise Conflict("The last month of this contract is over: there is nothing left to change.")


def amended(
    before: Terms, new: NewAmendment, *, version: int, since: Month, filings: Iterable[FilingTerm] | None = None
) -> Terms:
    """
    Return the text of the next version; months before ``since`` and whatever is not proposed stay as they are.

    ``filings`` are those under which the months move now. Raises Invalid if it changes nothing, a month is past, or nothing
    would be left.
    """
    if any(month < since for month in new.months):
        raise Invalid("What is past cannot be planned anew.")
    months = {month: kg for month, kg in before.months if month < since}
    months |= {month: kg for month, kg in new.months.items() if kg > 0}
    if not any(month >= since for month in months):
        raise Invalid("Nothing would be left to deliver. To end the contract, terminate it.")
    after = replace(
        before,
        months=tuple(sorted(months.items())),
        price_fen_per_t=new.price_fen_per_t,
        delivered_fen_per_t=new.price_fen_per_t + before.freight_fen_per_t + before.deduction_fen_per_t,
        filings=before.filings if filings is None else tuple(filings),
    )
    if after == before:
        raise Invalid("This is what the contract says already. Change the price or a month.")
    return replace(after, version=version, since=since, replaces_sha256=before.sha256)


def difference(before: Terms, after: Terms) -> Difference:
    """Return what one version changes of another."""
    old, new = dict(before.months), dict(after.months)
    return Difference(
        before.price_fen_per_t,
        after.price_fen_per_t,
        before.kg,
        after.kg,
        max(old),
        max(new),
        tuple(
            MonthChange(month, old.get(month, 0), new.get(month, 0))
            for month in sorted(old.keys() | new.keys())
            if old.get(month, 0) != new.get(month, 0)
        ),
    )


def shortfall(before: Terms, after: Terms) -> dict[Month, int]:
    """
    Return by how much a new version takes less in each month, if it does nothing else; else nothing.

    Tonnes that are moved to another month, or for which another price is agreed, fall short of no plan.
    """
    told = difference(before, after)
    if told.price_before_fen_per_t != told.price_after_fen_per_t:
        return {}
    if any(each.after_kg > each.before_kg for each in told.months):
        return {}
    return {each.month: each.before_kg - each.after_kg for each in told.months}


def left_after(
    months: Mapping[Month, int], this_month: Month, delivered_kg: int
) -> tuple[dict[Month, int], dict[Month, int]]:
    """
    Return the months that a terminated contract keeps, and what it frees: all that was not delivered.

    A month that is past counts as delivered as planned. Raises Invalid if more was delivered this month than was planned,
    Conflict if nothing is left to end.
    """
    planned = months.get(this_month, 0)
    if not 0 <= delivered_kg <= planned:
        raise Invalid(
            "For this month %(planned_kg)s t are planned; say how much of that was delivered.",
            field="delivered_kg",
            planned_kg=planned,
        )
    kept = {month: kg for month, kg in months.items() if month < this_month}
    if delivered_kg:
        kept[this_month] = delivered_kg
    freed = {month: kg - kept.get(month, 0) for month, kg in months.items() if kg > kept.get(month, 0)}
    if not freed:
        raise Conflict("All of this contract has been delivered: there is nothing left to terminate.")
    return kept, freed


def waits_left(waits: Iterable[Wait], kept: Mapping[Month, int]) -> tuple[Wait, ...]:
    """Return what still waits of a contract whose months were reduced: no more than travels in its month."""
    room: dict[tuple[str, Month], int] = {}
    left = []
    for wait in waits:
        travels = wait.until if wait.side == "producer" else wait.since
        free = room.get((wait.side, travels), kept.get(travels, 0))
        kg = min(wait.kg, free)
        room[wait.side, travels] = free - kg
        if kg:
            left.append(replace(wait, kg=kg))
    return tuple(left)
