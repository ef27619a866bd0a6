"""From award to contract: how far the answers are, and the text that both sides sign."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from marketplace.domain.canonical import LATER, from_json, sha256, to_json
from marketplace.domain.clauses import Clause
from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.listings import CLOSING_TIME
from marketplace.domain.quantities import Month

AwardState: TypeAlias = Literal["recommended", "open", "half", "contracted", "declined", "lapsed"]
Side: TypeAlias = Literal["producer", "recycler"]

WAITING: Final = frozenset({"open", "half"})
"""States in which somebody has to answer."""

MOST_REASON: Final = 500


def award_state(
    now: datetime,
    *,
    price_fen_per_t: int | None,
    answer_by: datetime,
    producer_accepted_at: datetime | None,
    recycler_accepted_at: datetime | None,
    declined_at: datetime | None,
    lapsed_at: datetime | None,
) -> AwardState:
    """
    Read how far an award is off its timestamps; at the very instant of the deadline it has lapsed.

    An award of a planning round has no price and is a recommendation, which nobody answers.
    """
    if declined_at is not None:
        return "declined"
    if price_fen_per_t is None:
        return "recommended"
    if producer_accepted_at is not None and recycler_accepted_at is not None:
        return "contracted"
    if lapsed_at is not None or now >= answer_by:
        return "lapsed"
    return "open" if producer_accepted_at is None and recycler_accepted_at is None else "half"


def must_wait_for_answers(state: AwardState) -> None:
    """Raise Conflict, with the reason, unless an award still waits for an answer."""
    match state:
        case "recommended":
            raise Conflict("A planning round only recommends: there is nothing to accept or decline.")
        case "contracted":
            raise Conflict("Both sides have accepted: this is a contract now.")
        case "declined":
            raise Conflict("This award has been declined.")
        case "lapsed":
            raise Conflict("The deadline for answers has passed, and this award has lapsed.")


def read_reason(text: str) -> str:
    """Return why an award is declined. Raises Invalid without a word, or with too many."""
    said = text.strip()
    if not said:
        raise Invalid("Say why, so that the next proposal can be better.", field="reason")
    if len(said) > MOST_REASON:
        raise Invalid("At most %(most)s characters.", field="reason", most=MOST_REASON)
    return said


def contract_number(award_id: int, made_at: datetime) -> str:
    """
    Return the number of the contract of an award: the year in which it was made, and the award's own number.

    An award becomes at most one contract, so no two have the same number.

    >>> from datetime import UTC
    >>> contract_number(123, datetime(2026, 12, 31, 16, tzinfo=UTC))
    'HY-2027-000123'
    """
    return f"HY-{made_at.astimezone(CLOSING_TIME).year}-{award_id:06d}"


@dataclass(frozen=True, kw_only=True)
class Party:
    """One side of a contract, with the site that the waste leaves or enters."""

    name_zh: str
    name_en: str
    credit_code: str
    site: str
    site_en: str
    division_code: str
    address: str


@dataclass(frozen=True, kw_only=True)
class LimitTerm:
    """
    An acceptance limit as agreed; each unit beyond it takes so much off the price of a tonne, up to the stop value.

    With ``monthly_mean`` the mean of what the line takes in a month keeps it, and each load the stop value.
    """

    property: str
    minimum: Decimal | None
    maximum: Decimal | None
    deduction_fen_per_unit: int | None
    stop_value: Decimal | None
    monthly_mean: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, kw_only=True)
class FilingTerm:
    """A filing across provinces under which a part of the months moves."""

    number: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, kw_only=True)
class Terms:
    """
    The facts of a contract, frozen when it is proposed: both sides sign the same bytes.

    ``price_fen_per_t`` holds at the producer's gate, ``delivered_fen_per_t`` at the recycler's, before deductions.
    ``values`` are what the latest lab sheets say; ``round_number`` is None for an award of a bid. ``subsidy_fen_per_t`` is
    what the round pays the producer beside the price; the recycler pays none of it. ``clauses`` are those of the version
    ``template``, word for word; what was signed before there were any has none.
    """

    producer: Party
    recycler: Party
    stream: str
    stream_en: str
    material: str
    waste_code: str
    legal_status: str
    form: str
    values: tuple[tuple[str, Decimal], ...]
    line: str
    line_en: str
    route: str
    permit_no: str
    permit_valid_until: date | None
    months: tuple[tuple[Month, int], ...]
    price_fen_per_t: int
    freight_fen_per_t: int
    deduction_fen_per_t: int
    delivered_fen_per_t: int
    transport: str
    great_circle_m: int
    road_m: int
    limits: tuple[LimitTerm, ...]
    filings: tuple[FilingTerm, ...]
    loading_mode: str
    loading_hours: str
    unloading_hours: str
    park_zh: str
    park_en: str
    round_number: int | None
    subsidy_fen_per_t: int = field(default=0, metadata=LATER)
    template: str = field(default="", metadata=LATER)
    clauses: tuple[Clause, ...] = field(default=(), metadata=LATER)

    @property
    def kg(self) -> int:
        """Kilograms over all months."""
        return sum(kg for _, kg in self.months)

    @property
    def sha256(self) -> str:
        """The hash of the canonical JSON, which both sides sign."""
        return sha256(to_json(self))

    def plain(self) -> dict[str, Any]:
        """Return what a JSON column can hold; `terms` reads it back."""
        return dict(json.loads(to_json(self)))


def terms(plain: Mapping[str, Any]) -> Terms:
    """Read back what `Terms.plain` wrote."""
    return from_json(Terms, json.dumps(plain))
