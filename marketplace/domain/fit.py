"""
Whether a waste may go to an intake line: one truth for pages, bids and rounds.

Every filter that fails is named, in the order of `FILTERS`; the first of them is the one that counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Final, Literal, TypeAlias

from marketplace.domain.acceptance import Balanced, Deduction, Reason, by_limits
from marketplace.domain.deductions import Limit
from marketplace.domain.haulage import Haul, Tariff, haul, tariff_for
from marketplace.domain.places import Point, province_of
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence

Verdict: TypeAlias = Literal["meets", "needs_test", "fails"]

FILTERS: Final = (
    "same_organization",
    "related",
    "declined",
    "material",
    "legal_status",
    "limit",
    "missing_value",
    "line_radius",
    "round_radius",
    "permit_missing",
    "permit_unverified",
    "permit_expired",
    "closed_months",
    "filing_needed",
    "filing_expired",
    "filing_exhausted",
    "line_least_lot",
    "listing_least_lot",
    "no_price",
    "priced_out",
)
"""The codes of the reasons, in the order in which the filters are asked."""

MONTHLY: Final = frozenset(
    {
        "permit_missing",
        "permit_unverified",
        "permit_expired",
        "closed_months",
        "filing_needed",
        "filing_expired",
        "filing_exhausted",
    }
)
"""The filters that are asked month by month; all others say the same in every month."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """
    What a producer offers: so many kilograms of a waste with these values, lying at this point.

    ``properties`` are the values of the latest lab sheets, in the units of the property; ``least_lot_kg`` is the least
    the producer gives to one recycler; ``reserve_fen_per_t`` the least it nets at its gate, None where none is stated.
    """

    organization_id: int
    point: Point
    division_code: str
    material: str
    waste_code: str
    legal_status: str
    kg: int
    properties: Mapping[str, Decimal] = field(default_factory=dict)
    least_lot_kg: int = 0
    reserve_fen_per_t: int | None = None
    related_organization_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Accepting:
    """
    What an intake line takes.

    ``materials`` names what it takes and what it pays for a tonne delivered, in fen, below zero if it is paid for
    taking it, None where no price is stated. ``room_kg`` is its free capacity in the months that are asked about, None
    where that is not known. ``closed_months`` are numbers of months, 1 to 12.
    """

    line_id: int
    organization_id: int
    point: Point
    division_code: str
    materials: Mapping[str, int | None]
    limits: tuple[Limit, ...] = ()
    radius_m: int | None = None
    permit_valid_until: date | None = None
    permit_verified: bool = False
    closed_months: frozenset[int] = frozenset()
    least_lot_kg: int = 0
    legal_statuses: frozenset[str] = frozenset({"solid_waste", "by_product", "secondary_raw_material"})
    room_kg: int | None = None


@dataclass(frozen=True, kw_only=True)
class Filing:
    """What is left of a filing for utilization across provinces, and from when to when it holds."""

    remaining_kg: int
    valid_from: date
    valid_to: date


@dataclass(frozen=True, kw_only=True)
class Fit:
    """
    What `check` found.

    ``months`` are those, of the months asked about, in which no monthly filter stands in the way. Delivered price and
    net (delivered less freight less deductions) are None where the line states no price for the material. ``balanced`` are
    values beyond limits of a month's mean, which no pair can be held against alone.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    months: tuple[Month, ...]
    haul: Haul
    deduction_fen_per_t: int
    deductions: tuple[Deduction, ...]
    delivered_fen_per_t: int | None
    net_fen_per_t: int | None
    balanced: tuple[Balanced, ...] = ()

    @property
    def first(self) -> Reason | None:
        """The first failing filter."""
        return self.reasons[0] if self.reasons else None

    @property
    def told(self) -> tuple[Sentence, ...]:
        """What stands in the way, and what other loads have to balance."""
        return (*(reason.sentence for reason in self.reasons), *(each.sentence for each in self.balanced))


def check(
    offered: Offered,
    accepting: Accepting,
    *,
    months: Sequence[Month],
    circuity_permille: int,
    filing: Filing | None = None,
    max_km: int | None = None,
    with_prices: bool = False,
    declined: bool = False,
    tariff: Tariff | None = None,
    subsidy_fen_per_t: int = 0,
) -> Fit:
    """
    Hold what is offered against what a line takes, in the months asked about (at least one).

    A monthly filter fails only if it stands in the way in every month. Permits and filings must be in force on the
    last day of a month. Distances are held against radii as great circles. ``with_prices`` also asks that the
    delivered price covers reserve, freight and deductions, less a subsidy that the producer is paid beside the price.
    ``tariff`` is that of the material unless given.
    """
    haul_ = haul(
        offered.point,
        accepting.point,
        tariff=tariff or tariff_for(offered.material),
        circuity_permille=circuity_permille,
    )
    refused, deductions, balanced = by_limits(offered.material, offered.properties, accepting.limits)
    monthly, open_months = _monthly(offered, accepting, months, filing)
    deduction = sum(each.fen_per_t for each in deductions)
    delivered = accepting.materials.get(offered.material)
    net = None if delivered is None else delivered - haul_.freight_fen_per_t - deduction
    reasons = (
        *_parties(offered, accepting, declined=declined),
        *_kind(offered, accepting),
        *refused,
        *_distance(accepting, haul_.great_circle_m, max_km),
        *monthly,
        *_least_lots(offered, accepting),
        *(_price(offered, accepting, net, subsidy_fen_per_t) if with_prices else ()),
    )
    return Fit(
        verdict=_verdict(reasons),
        reasons=reasons,
        months=open_months,
        haul=haul_,
        deduction_fen_per_t=deduction,
        deductions=deductions,
        delivered_fen_per_t=delivered,
        net_fen_per_t=net,
        balanced=balanced,
    )


def in_month(fit: Fit, offered: Offered, accepting: Accepting, month: Month, filing: Filing | None = None) -> Fit:
    """
    Return what `check` would find in this month alone, from what it found for the same pair in others.

    A reason that holds in another month only is not told of this one.
    """
    monthly, open_months = _monthly(offered, accepting, (month,), filing)
    lasting = (reason for reason in fit.reasons if reason.code not in MONTHLY)
    reasons = tuple(sorted((*lasting, *monthly), key=lambda reason: FILTERS.index(reason.code)))
    return replace(fit, verdict=_verdict(reasons), reasons=reasons, months=open_months)


def _verdict(reasons: tuple[Reason, ...]) -> Verdict:
    only_missing = all(reason.code == "missing_value" for reason in reasons)
    return "meets" if not reasons else "needs_test" if only_missing else "fails"


@cache
def last_day(month: Month) -> date:
    """Return the last day of a month, on which permits and filings must be in force."""
    return month.plus(1).first_day - timedelta(days=1)


def filing_needed(offered: Offered, accepting: Accepting) -> bool:
    """Return whether solid waste would leave its province: the first two digits of the two sites decide."""
    return offered.legal_status == "solid_waste" and province_of(offered.division_code) != province_of(
        accepting.division_code
    )


def _parties(offered: Offered, accepting: Accepting, *, declined: bool) -> Iterator[Reason]:
    if accepting.organization_id == offered.organization_id:
        yield Reason("same_organization", Sentence("Waste and line belong to the same organization."))
    elif accepting.organization_id in offered.related_organization_ids:
        yield Reason("related", Sentence("The two organizations are related parties."))
    if declined:
        yield Reason("declined", Sentence("This award was declined before and is not proposed again."))


def _kind(offered: Offered, accepting: Accepting) -> Iterator[Reason]:
    if offered.material not in accepting.materials:
        values = {"offered_material": offered.material}
        yield Reason("material", Sentence("The line does not take %(offered_material)s.", values))
    if offered.legal_status not in accepting.legal_statuses:
        status = {"offered_legal_status": offered.legal_status}
        yield Reason(
            "legal_status", Sentence("The line does not take what is declared as %(offered_legal_status)s.", status)
        )


def _distance(accepting: Accepting, great_circle_m: int, max_km: int | None) -> Iterator[Reason]:
    for code, most_m in (("line_radius", accepting.radius_m), ("round_radius", max_km and max_km * 1000)):
        if most_m is None or great_circle_m <= most_m:
            continue
        values = {"distance_m": great_circle_m, "most_m": most_m, "by_m": great_circle_m - most_m}
        if code == "line_radius":
            text = Sentence(
                "%(distance_m)s km away in a straight line; the line takes up to %(most_m)s km: %(by_m)s km too far.",
                values,
            )
        else:
            text = Sentence(
                "%(distance_m)s km away in a straight line; the search goes up to %(most_m)s km: %(by_m)s km too far.",
                values,
            )
        yield Reason(code, text, great_circle_m - most_m, (great_circle_m - most_m) * 1000 // max(most_m, 1))


def _monthly(
    offered: Offered, accepting: Accepting, months: Sequence[Month], filing: Filing | None
) -> tuple[tuple[Reason, ...], tuple[Month, ...]]:
    """Return why no month is open, if none is, and the months that are."""
    always = []
    if accepting.permit_valid_until is None:
        always.append(Reason("permit_missing", Sentence("The line has no permit on record.")))
    elif not accepting.permit_verified:
        always.append(Reason("permit_unverified", Sentence("The permit of the line has not been verified yet.")))
    elsewhere = filing_needed(offered, accepting)
    found: dict[str, Reason] = {}
    open_months = []
    ends, closed = accepting.permit_valid_until, accepting.closed_months
    for month in months:
        if not elsewhere and month.number not in closed and (ends is None or ends >= last_day(month)):
            open_months.append(month)  # as it mostly is
            continue
        against = tuple(_in_month(accepting, month, filing if elsewhere else None, filing_needed=elsewhere))
        if not against:
            open_months.append(month)
        for reason in against:
            found.setdefault(reason.code, reason)
    if open_months and not always:
        return (), tuple(open_months)
    barred = [] if open_months else [found[code] for code in FILTERS if code in found]
    return (*always, *barred), ()


def _in_month(accepting: Accepting, month: Month, filing: Filing | None, *, filing_needed: bool) -> Iterator[Reason]:
    ends = accepting.permit_valid_until
    if ends is not None and ends < last_day(month):
        values = {"asked_month": str(month), "until_date": ends.isoformat()}
        yield Reason(
            "permit_expired",
            Sentence("The permit of the line ends on %(until_date)s, before %(asked_month)s is over.", values),
        )
    if month.number in accepting.closed_months:
        closed = Sentence("The line stands still in %(asked_month)s.", {"asked_month": str(month)})
        yield Reason("closed_months", closed)
    if not filing_needed:
        return
    if filing is None:
        yield Reason("filing_needed", Sentence("The two sites lie in different provinces: a filing is needed."))
    elif not filing.valid_from <= last_day(month) <= filing.valid_to:
        span = {
            "asked_month": str(month),
            "from_date": filing.valid_from.isoformat(),
            "until_date": filing.valid_to.isoformat(),
        }
        yield Reason(
            "filing_expired",
            Sentence("The filing holds from %(from_date)s to %(until_date)s, not at the end of %(asked_month)s.", span),
        )
    elif filing.remaining_kg <= 0:
        yield Reason("filing_exhausted", Sentence("The tonnes of the filing across provinces are used up."))


def _least_lots(offered: Offered, accepting: Accepting) -> Iterator[Reason]:
    if offered.kg < accepting.least_lot_kg:
        by = accepting.least_lot_kg - offered.kg
        values = {"offered_kg": offered.kg, "least_kg": accepting.least_lot_kg}
        yield Reason(
            "line_least_lot",
            Sentence("%(offered_kg)s t are offered; the line takes no less than %(least_kg)s t.", values),
            by,
            by * 1000 // accepting.least_lot_kg,
        )
    least = min(offered.least_lot_kg, offered.kg)
    if accepting.room_kg is not None and accepting.room_kg < least:
        by = least - accepting.room_kg
        values = {"room_kg": accepting.room_kg, "least_kg": least}
        yield Reason(
            "listing_least_lot",
            Sentence(
                "The line has room for %(room_kg)s t; the producer gives no less than %(least_kg)s t to one recycler.",
                values,
            ),
            by,
            by * 1000 // least,
        )


def _price(offered: Offered, accepting: Accepting, net: int | None, subsidy: int) -> Iterator[Reason]:
    if offered.material not in accepting.materials:
        return
    if net is None:
        yield Reason("no_price", Sentence("The line states no price for this material."))
    elif offered.reserve_fen_per_t is not None and net + subsidy < offered.reserve_fen_per_t:
        by = offered.reserve_fen_per_t - net - subsidy
        why = Sentence(
            "Priced out by %(gap_fen_per_t)s yuan per tonne: the price does not cover reserve, freight and deductions.",
            {"gap_fen_per_t": by},
        )
        if subsidy:
            why = Sentence(
                "Priced out by %(gap_fen_per_t)s yuan per tonne: even with the round's subsidy of %(subsidy_fen_per_t)s"
                " the price does not cover reserve, freight and deductions.",
                {"gap_fen_per_t": by, "subsidy_fen_per_t": subsidy},
            )
        yield Reason("priced_out", why, by)
