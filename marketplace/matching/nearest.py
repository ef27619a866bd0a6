"""Of all that does not fit, what comes closest, and what would let it in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from marketplace.domain.fit import Fit, Reason
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.matching.assembly import Pair

_CLASSES: Final = {
    "missing_value": 0,
    "limit": 1,
    "priced_out": 2,
    "no_price": 3,
    "permit_unverified": 3,
    "filing_needed": 3,
    "filing_expired": 3,
    "filing_exhausted": 3,
    "line_least_lot": 3,
    "listing_least_lot": 3,
    "permit_missing": 3,
    "permit_expired": 3,
    "closed_months": 3,
    "line_radius": 4,
    "round_radius": 4,
}
_HOPELESS: Final = 5
"""Same or related parties, another material or legal status, a declined award: nothing that a figure would change."""


@dataclass(frozen=True)
class Miss:
    """
    A pair that does not fit in a month, and how many kilograms could move at once if it did.

    That is what is left of the lot and of the line's room; 0 if it is below a least lot.
    """

    pair: Pair
    month: Month
    fit: Fit
    gain_kg: int

    @property
    def first(self) -> Reason:
        """The first failing filter."""
        return self.fit.reasons[0]


def nearest(misses: Iterable[Miss]) -> Miss | None:
    """
    Return the miss that comes closest to fitting, none if there are none.

    Before all, that something would move; then fewer failing filters; then a missing value, a limit by the least
    share, a price by the least gap, papers and least lots, a radius by the least distance; of equals the nearer.
    """
    return min(misses, key=_distance_to_fit, default=None)


def _distance_to_fit(miss: Miss) -> tuple[bool, bool, int, int, int, int, Pair]:
    reasons = miss.fit.reasons
    worst = max(_CLASSES.get(reason.code, _HOPELESS) for reason in reasons)
    return (
        worst == _HOPELESS,
        miss.gain_kg == 0,
        len(reasons) if worst else 1,  # several missing values are one visit to the laboratory
        worst,
        sum(_amount(reason) for reason in reasons),
        miss.fit.haul.great_circle_m,
        miss.pair,
    )


def _amount(reason: Reason) -> int:
    if reason.code == "limit":
        return reason.by_permille or 0
    return int(reason.by or 0)


def flip(miss: Miss) -> Sentence | None:
    """
    Say what would change it, if one thing would and kilograms would then move.

    No re-solve is needed to prove it: the lot has them left and the line has the room, so that the new pair by itself
    moves as many more, whatever the other pairs do.
    """
    codes = {reason.code for reason in miss.fit.reasons}
    if len(codes) != 1 or not miss.gain_kg:
        return None
    condition = _condition(miss)
    if condition is None or (len(miss.fit.reasons) > 1 and "missing_value" not in codes):
        return None
    return Sentence(
        "%(condition)s could move %(gain_kg)s t in %(gain_month)s.",
        {"condition": condition, "gain_kg": miss.gain_kg, "gain_month": str(miss.month)},
    )


def _condition(miss: Miss) -> Sentence | None:
    first = miss.first
    match first.code:
        case "missing_value":
            missing = tuple(reason.subject for reason in miss.fit.reasons if reason.subject)
            return Sentence("A test of %(missing_property)s that meets the limits", {"missing_property": missing})
        case "limit":
            values = first.sentence.values or {}
            return Sentence(
                "%(limit_property)s at %(limit)s instead of %(value)s",
                {"limit_property": first.subject, "limit": values.get("limit"), "value": values.get("value")},
            )
        case "priced_out":
            return Sentence(
                "Reserve and price %(gap_fen_per_t)s yuan per tonne closer together",
                {"gap_fen_per_t": int(first.by or 0)},
            )
        case "no_price":
            return Sentence("A price for the material at this line")
        case "permit_unverified" | "permit_missing" | "permit_expired":
            return Sentence("A verified permit that is in force")
        case "filing_needed" | "filing_expired" | "filing_exhausted":
            return Sentence("A filing for utilization across provinces")
        case "line_least_lot" | "listing_least_lot":
            return Sentence("A smaller least lot")
        case "closed_months":
            return Sentence("Keeping the line open")
        case "line_radius" | "round_radius":
            needed_km = -(-miss.fit.haul.great_circle_m // 1000)
            return Sentence("A radius of %(needed_km)s km", {"needed_km": needed_km})
        case _:
            return None
