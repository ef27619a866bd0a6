"""Of all that does not fit, what comes closest, and what would let it in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypeAlias

from marketplace.domain.acceptance import Reason
from marketplace.domain.fit import MONTHLY, Fit
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence, Value
from marketplace.matching.assembly import Pair
from marketplace.matching.outcome import Outcome

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

_FILINGS: Final = frozenset({"filing_needed", "filing_expired", "filing_exhausted"})

_Rank: TypeAlias = tuple[bool, int, int, int, int]
"""How far a pair is from fitting, whatever it would move."""

_Place: TypeAlias = tuple[bool, bool, _Rank, Pair]


@dataclass(frozen=True)
class Miss:
    """
    A pair that does not fit in a month, and how many kilograms could move at once if it did.

    That is what is left of the lot, of its cap for the buyer, of the line's room at a price that covers it, of the filing and
    of a mean of the line, in whole truckloads where the round asks for them; 0 if it makes no contract for a least lot.
    """

    pair: Pair
    month: Month
    fit: Fit
    gain_kg: int

    @property
    def first(self) -> Reason:
        """The first failing filter."""
        return self.fit.reasons[0]


class Nearest:
    """Finds among pairs the miss that comes closest to fitting in a month."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._ranks: dict[Pair, _Rank] = {}

    def of(self, pairs: Iterable[Pair], month: Month) -> Miss | None:
        """
        Return the miss that comes closest to fitting, none if there are none.

        Before all, that something would move; then fewer failing filters; then a missing value, a limit by the least
        share, a price by the least gap, papers and least lots, a radius by the least distance; of equals the nearer.
        """
        best: _Place | None = None
        found: Miss | None = None
        left, room = self.outcome.left_kg, self.outcome.room_kg
        for pair in pairs:
            least = self.at_least(pair)
            moves = left.get((pair[0], month), 0) > 0 and room.get((pair[1], month), 0) > 0
            if best is not None and (least[0], not moves, least, pair) > best:
                continue
            fit = self.outcome.fit(pair, month)
            if fit.verdict == "meets":
                continue
            gain_kg = self._gain_kg(pair, month, fit) if moves else 0
            rank = _rank(fit.reasons, fit)
            place = (rank[0], gain_kg == 0, rank, pair)
            if best is None or place < best:
                best, found = place, Miss(pair, month, fit, gain_kg)
        return found

    def at_least(self, pair: Pair) -> _Rank:
        """Return the rank by the filters that say the same in every month: in none does the pair come closer."""
        rank = self._ranks.get(pair)
        if rank is None:
            fit = self.outcome.fit_in_any(pair)
            lasting = tuple(reason for reason in fit.reasons if reason.code not in MONTHLY)
            rank = self._ranks[pair] = _rank(lasting, fit)
        return rank

    def _gain_kg(self, pair: Pair, month: Month, fit: Fit) -> int:
        outcome = self.outcome
        gain = min(outcome.left_kg.get((pair[0], month), 0), outcome.room_kg.get((pair[1], month), 0))
        codes = {reason.code for reason in fit.reasons}
        if gain and codes.isdisjoint(_FILINGS):
            filed = outcome.filed_kg(pair, month)
            gain = gain if filed is None else min(gain, filed)
        limits = (outcome.cap_kg(pair), outcome.share_kg(pair), outcome.step_kg(pair, month) if gain else None)
        gain = min([gain, *(most for most in limits if most is not None)])
        mean = outcome.mean_left(pair, month) if gain else None
        gain = gain if mean is None else min(gain, mean.kg)
        gain -= gain % outcome.load_kg
        if not gain:
            return 0
        offered = outcome.assembled.lots[pair[0]].offered
        least = max(
            0 if "listing_least_lot" in codes else min(offered.least_lot_kg, offered.kg),
            0 if "line_least_lot" in codes else outcome.assembled.lines[pair[1]].accepting.least_lot_kg,
        )
        return gain if gain + outcome.carried_kg(pair) >= least else 0


def _rank(reasons: tuple[Reason, ...], fit: Fit) -> _Rank:
    worst = max((_CLASSES.get(reason.code, _HOPELESS) for reason in reasons), default=0)
    return (
        worst == _HOPELESS,
        len(reasons) if worst else min(1, len(reasons)),  # several missing values are one visit to the laboratory
        worst,
        sum(_amount(reason) for reason in reasons),
        fit.haul.great_circle_m,
    )


def _amount(reason: Reason) -> int:
    if reason.code == "limit":
        return reason.by_permille or 0
    return int(reason.by or 0)


def flip(outcome: Outcome, miss: Miss) -> Sentence | None:
    """
    Say what would change it, if one thing would and kilograms would then move.

    A changed value is checked again. No re-solve is needed to prove the rest: beside all that is awarded the lot has the
    kilograms left, the line the room and the filing the tonnes, and they make a contract.
    """
    codes = {reason.code for reason in miss.fit.reasons}
    if len(codes) != 1 or not miss.gain_kg or (len(miss.fit.reasons) > 1 and "missing_value" not in codes):
        return None
    condition = _condition(outcome, miss)
    if condition is None:
        return None
    return could_move(condition, miss.gain_kg, miss.month)


def could_move(condition: Sentence, gain_kg: int, month: Month) -> Sentence:
    """Say how much more could move in a month under a condition."""
    return Sentence(
        "%(condition)s, %(gain_kg)s t more could go there in %(gain_month)s, beside what is awarded.",
        {"condition": condition, "gain_kg": gain_kg, "gain_month": str(month)},
    )


def _condition(outcome: Outcome, miss: Miss) -> Sentence | None:
    first = miss.first
    match first.code:
        case "missing_value":
            missing = tuple(reason.subject for reason in miss.fit.reasons if reason.subject)
            return Sentence("If a test of %(missing_property)s met the limits", {"missing_property": missing})
        case "limit":
            return _at_the_limit(outcome, miss)
        case "priced_out":
            return Sentence(
                "If the producer's reserve and the recycler's price came %(gap_fen_per_t)s yuan per tonne closer",
                {"gap_fen_per_t": int(first.by or 0)},
            )
        case "no_price":
            return Sentence("If the line stated a price that covers the producer's reserve, freight and deductions")
        case "permit_unverified" | "permit_missing" | "permit_expired":
            return Sentence("If the line had a verified permit that is in force")
        case "filing_needed" | "filing_expired" | "filing_exhausted":
            return Sentence("If a further filing for utilization across provinces covered it")
        case "line_least_lot":
            return Sentence("If the line's least lot were %(least_kg)s t", {"least_kg": miss.gain_kg})
        case "listing_least_lot":
            return Sentence("If the producer's least lot were %(least_kg)s t", {"least_kg": miss.gain_kg})
        case "closed_months":
            return Sentence("If the line were kept open")
        case "line_radius" | "round_radius":
            needed = {"needed_km": -(-miss.fit.haul.great_circle_m // 1000)}
            if first.code == "line_radius":
                return Sentence("If the line took waste from up to %(needed_km)s km", needed)
            return Sentence("If the search went up to %(needed_km)s km", needed)
        case _:
            return None


def _at_the_limit(outcome: Outcome, miss: Miss) -> Sentence | None:
    """Say which value would do, if it does: at a stop value a deduction may price the pair out."""
    first = miss.first
    if first.subject is None or first.against is None:
        return None
    if not would_fit(outcome, miss.pair, miss.month, first.subject, first.against):
        return None
    values = first.sentence.values or {}
    return if_it_were(first.subject, values.get("limit"), values.get("value"))


def would_fit(outcome: Outcome, pair: Pair, month: Month, code: str, value: Decimal) -> bool:
    """Return whether a pair fits in a month if a property of the lot has this value."""
    lot, line = outcome.assembled.lots[pair[0]], outcome.assembled.lines[pair[1]]
    better = replace(lot, offered=replace(lot.offered, properties={**lot.offered.properties, code: value}))
    return outcome.assembled.checker.check(better, line, (month,))[0].verdict == "meets"


def if_it_were(code: str, limit: Value, value: Value) -> Sentence:
    """Say which value of a property would do, instead of the one it has."""
    return Sentence(
        "If %(limit_property)s were %(limit)s instead of %(value)s",
        {"limit_property": code, "limit": limit, "value": value},
    )
