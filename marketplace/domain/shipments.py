"""
Shipments: one vehicle's journey from producer to recycler under a contract, from the plan to the use.

The state is read off timestamps. What counts is the weight at the destination, where two scales differ by no more than the
tolerance; beyond it the two sides agree on a figure first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, TypeAlias

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.plates import plate_of
from marketplace.domain.quantities import MOST_KG, Month
from marketplace.domain.tickets import far_apart

ShipmentState: TypeAlias = Literal[
    "planned", "cancelled", "dispatched", "arrived", "disputed", "received", "rejected", "returned", "utilized"
]

MODES: Final = ("road", "rail", "water")
"""How it travels, in the words of table 3 of the ledger guide (MEE announcement 82 of 2021)."""

TOLERANCE_PERMILLE: Final = 3
"""
By how much two scales may differ, of what was sent: 0.3 %. Usual in contracts, from memory, to be confirmed by whoever
agrees otherwise.
"""

MORE_PERMILLE: Final = 50
"""By how much all shipments of a contract may exceed it: the usual five per cent more or less, to be confirmed as above."""

MOST_NAME: Final = 60
MOST_REASON: Final = 500

STEPS: Final[Mapping[ShipmentState, frozenset[ShipmentState]]] = {
    "planned": frozenset({"dispatched", "cancelled"}),
    "cancelled": frozenset(),
    "dispatched": frozenset({"arrived"}),
    "arrived": frozenset({"received", "disputed", "rejected"}),
    "disputed": frozenset({"received", "arrived"}),
    "received": frozenset({"utilized"}),
    "rejected": frozenset({"returned"}),
    "returned": frozenset(),
    "utilized": frozenset(),
}
"""Every step that there is; what is not here is refused."""


@dataclass(frozen=True, kw_only=True)
class NewShipment:
    """
    A vehicle that is to fetch so much under a contract. Raises Invalid if it makes no sense.

    ``from_stock``: what it fetches lies in the plant's stock from earlier years, and is not of what the plant makes now.
    """

    contract_id: int
    day: date
    planned_kg: int
    plate: str
    driver: str
    driver_phone: str = ""
    carrier: str = ""
    mode: str = "road"
    from_stock: bool = False

    def __post_init__(self) -> None:
        """Write names without blanks around them; refuse what is no vehicle and no load."""
        object.__setattr__(self, "plate", plate_of(self.plate) if self.mode == "road" else self.plate.strip())
        for name in ("plate", "driver", "driver_phone", "carrier"):
            text = getattr(self, name).strip()
            if len(text) > MOST_NAME:
                raise Invalid("At most %(most)s characters.", field=name, most=MOST_NAME)
            object.__setattr__(self, name, text)
        if not self.plate:
            raise Invalid("This is needed.", field="plate")
        if not self.driver:
            raise Invalid("Name the driver: the record of what leaves the plant asks for it.", field="driver")
        if self.mode not in MODES:
            raise Invalid("Choose how it travels.", field="mode")
        if not 0 < self.planned_kg <= MOST_KG:
            raise Invalid("The quantity must be more than zero.", field="planned_kg")


def shipment_state(
    *,
    cancelled_at: datetime | None,
    dispatched_at: datetime | None,
    arrived_at: datetime | None,
    disputed_at: datetime | None,
    received_at: datetime | None,
    rejected_at: datetime | None,
    returned_at: datetime | None,
    utilized_at: datetime | None,
) -> ShipmentState:
    """Read how far a shipment is off its timestamps."""
    reached: tuple[tuple[ShipmentState, datetime | None], ...] = (
        ("utilized", utilized_at),
        ("returned", returned_at),
        ("rejected", rejected_at),
        ("received", received_at),
        ("disputed", disputed_at),
        ("arrived", arrived_at),
        ("dispatched", dispatched_at),
        ("cancelled", cancelled_at),
    )
    return next((state for state, at in reached if at is not None), "planned")


def must_step(source: ShipmentState, target: ShipmentState) -> None:
    """Raise Conflict, with the reason, unless a shipment may go from one state to the other."""
    if target in STEPS[source]:
        return
    match source:
        case "planned":
            raise Conflict("This shipment has not left the plant yet.")
        case "cancelled":
            raise Conflict("This shipment was cancelled.")
        case "dispatched":
            raise Conflict("This shipment has left the plant and has not been weighed at its destination yet.")
        case "arrived":
            raise Conflict("This shipment has been weighed at its destination; it is to be received or rejected.")
        case "disputed":
            raise Conflict("The two scales differ by more than they may: first both sides agree on a weight.")
        case "received":
            raise Conflict("This shipment has been received.")
        case "rejected":
            raise Conflict("This shipment was rejected.")
        case "returned":
            raise Conflict("This shipment was rejected and has returned.")
        case _:
            raise Conflict("What this shipment brought has been used: it does not change any more.")


def most_shipped_kg(contracted_kg: int) -> int:
    """Return the most that all shipments of a contract may weigh together."""
    return contracted_kg * (1000 + MORE_PERMILLE) // 1000


def is_disputed(out_kg: int, in_kg: int) -> bool:
    """Return whether the weights at both ends differ by more than the tolerance."""
    return far_apart(out_kg, in_kg, TOLERANCE_PERMILLE)


def read_weight(kg: int, out_kg: int, in_kg: int) -> int:
    """Return the weight that one side proposes in a dispute. Raises Invalid unless it lies between the two scales."""
    low, high = sorted((out_kg, in_kg))
    if not low <= kg <= high:
        raise Invalid(
            "The two scales say %(low_kg)s and %(high_kg)s t; agree on a weight between the two.",
            field="kg",
            low_kg=low,
            high_kg=high,
        )
    return kg


def month_of_use(month: Month, *, received: Month, this_month: Month) -> Month:
    """Return the month in which a recycler says it used what it received. Raises Invalid before the receipt and after today."""
    if month < received:
        raise Invalid(
            "It was received in %(received_month)s: it cannot have been used before.",
            field="month",
            received_month=str(received),
        )
    if month > this_month:
        raise Invalid("This month has not begun yet.", field="month")
    return month


def record_number(day: date, number: int) -> str:
    """
    Return the number of the record of what leaves a plant, in the form of table 3 of the ledger guide.

    >>> record_number(date(2026, 12, 3), 7)
    'CC20261203007'
    """
    return f"CC{day:%Y%m%d}{number:03d}"
