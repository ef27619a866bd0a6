"""
What is handed in sealed to a matching round: what an intake line pays and takes, and the least that a listing nets.

Until the round is run both lie sealed, as bids do; then they stand in the frozen input in the place of what the line and
the listing state otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from marketplace.domain.errors import Invalid
from marketplace.domain.pricesteps import PriceStep, must_fall
from marketplace.domain.quantities import MOST_FEN_PER_T, MOST_KG
from marketplace.domain.rounds import Snapshot, SnapshotLine, SnapshotLot
from marketplace.domain.sealing import LENGTH, Unsealable


@dataclass(frozen=True, kw_only=True)
class LineOffer:
    """
    What a line pays for a tonne delivered, by material, in fen; below zero it is paid. And the most it takes in a month.

    A material that is not named is not taken in this round. What arrives in a month beyond the first of ``steps`` is bid less
    for, of whichever material. Raises Invalid where that makes no sense by itself.
    """

    prices: tuple[tuple[str, int], ...]
    kg_per_month: int
    steps: tuple[PriceStep, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no sense, and put the materials in order."""
        object.__setattr__(self, "prices", tuple(sorted(self.prices)))
        if not self.prices:
            raise Invalid("Name a price for at least one material.", field="prices")
        if any(abs(price) > MOST_FEN_PER_T for _, price in self.prices):
            raise Invalid("That is more than a million yuan per tonne. Is the unit right?", field="prices")
        if not 0 < self.kg_per_month <= MOST_KG:
            raise Invalid("The quantity per month must be more than zero.", field="kg_per_month")
        must_fall(self.steps, self.kg_per_month)

    @property
    def lowest(self) -> tuple[tuple[str, int], ...]:
        """What is bid for each material on the last step."""
        less = self.steps[-1].less_fen_per_t if self.steps else 0
        return tuple((code, price - less) for code, price in self.prices)


@dataclass(frozen=True, kw_only=True)
class ListingReserve:
    """The least that the producer of a listing nets for a tonne at its gate, in fen; below zero it pays at most that."""

    reserve_fen_per_t: int

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if abs(self.reserve_fen_per_t) > MOST_FEN_PER_T:
            raise Invalid("That is more than a million yuan per tonne. Is the unit right?", field="reserve")


Content: TypeAlias = LineOffer | ListingReserve


def bound_to(round_id: int, line_id: int | None, listing_id: int | None, revision: int) -> bytes:
    """Return what a seal is bound to: a box that is put into another row does not open there."""
    what = f"line {line_id}" if line_id is not None else f"listing {listing_id}"
    return f"huiyong round offer 1 round {round_id} {what} revision {revision}".encode()


def plain_of(content: Content) -> dict[str, Any]:
    """Return an offer as JSON has it."""
    if isinstance(content, ListingReserve):
        return {"reserve_fen_per_t": content.reserve_fen_per_t}
    return {
        "prices": dict(content.prices),
        "kg_per_month": content.kg_per_month,
        "steps": [[step.beyond_kg, step.less_fen_per_t] for step in content.steps],
    }


def content_of(plain: Mapping[str, Any]) -> Content:
    """Return the offer that JSON tells. Raises Unsealable if it tells none."""
    try:
        if plain.keys() == {"reserve_fen_per_t"}:
            numbers = [plain["reserve_fen_per_t"]]
            made: Content = ListingReserve(reserve_fen_per_t=plain["reserve_fen_per_t"])
        else:
            steps = plain.get("steps", [])  # offers of the first rounds had one price for each material
            numbers = [plain["kg_per_month"], *plain["prices"].values(), *(number for step in steps for number in step)]
            made = LineOffer(
                prices=tuple(plain["prices"].items()),
                kg_per_month=plain["kg_per_month"],
                steps=tuple(PriceStep(beyond_kg=beyond, less_fen_per_t=less) for beyond, less in steps),
            )
    except (Invalid, KeyError, TypeError, ValueError, AttributeError):
        raise Unsealable("unreadable") from None  # the cause would tell what was read
    if not all(type(number) is int for number in numbers):
        raise Unsealable("unreadable")
    return made


def packed(content: Content) -> bytes:
    """Return what is sealed of an offer: as many bytes as of any bid."""
    return json.dumps(plain_of(content), sort_keys=True, separators=(",", ":")).encode().ljust(LENGTH)


def unpacked(plain: bytes) -> Content:
    """Return the offer that was sealed. Raises Unsealable if the bytes are none."""
    try:
        found = json.loads(plain)
    except ValueError:
        raise Unsealable("unreadable") from None
    if not isinstance(found, dict):
        raise Unsealable("unreadable")
    return content_of(found)


def with_offers(snapshot: Snapshot, lines: Mapping[int, LineOffer], listings: Mapping[int, ListingReserve]) -> Snapshot:
    """
    Return a snapshot in which lines pay and take what was offered, and listings net no less than was reserved.

    An offer opens nothing: a line takes no material that it does not take otherwise, and no more than is free of it.
    """
    return replace(
        snapshot,
        lines=tuple(
            _line(line, lines[line.line_id]) if line.line_id in lines else line
            for line in snapshot.lines
            if line.line_id not in lines or _takes(line, lines[line.line_id])
        ),
        lots=tuple(_lot(lot, listings.get(lot.listing_id)) for lot in snapshot.lots),
    )


def _takes(line: SnapshotLine, offer: LineOffer) -> bool:
    return not line.accepting.materials.keys().isdisjoint(dict(offer.prices))


def _line(line: SnapshotLine, offer: LineOffer) -> SnapshotLine:
    prices = dict(offer.prices)
    return replace(
        line,
        accepting=replace(
            line.accepting, materials={code: prices[code] for code in line.accepting.materials if code in prices}
        ),
        months=tuple((month, min(kg, offer.kg_per_month)) for month, kg in line.months),
        steps=offer.steps,
    )


def _lot(lot: SnapshotLot, reserve: ListingReserve | None) -> SnapshotLot:
    if reserve is None:
        return lot
    return replace(lot, offered=replace(lot.offered, reserve_fen_per_t=reserve.reserve_fen_per_t))
