"""Whether a waste may go to a line: each filter, its figure, and their order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.deductions import Limit, judge
from marketplace.domain.errors import Invalid
from marketplace.domain.fit import FILTERS, Accepting, Filing, Fit, Offered, check
from marketplace.domain.quantities import Month
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, TARIFF, accepting, filing, north, offered, snapshots

MOISTURE = Limit(property="moisture", maximum=Decimal("1.0"), deduction_fen_per_unit=300, stop_maximum=Decimal("2.0"))


def look(waste: Offered, line: Accepting, *, months: tuple[Month, ...] = (JANUARY,), **asked: object) -> Fit:
    return check(waste, line, months=months, circuity_permille=1300, tariff=TARIFF, **asked)


def codes(fit: Fit) -> list[str]:
    return [reason.code for reason in fit.reasons]


def test_a_pair_that_fits_says_what_a_tonne_costs_and_nets() -> None:
    waste = offered(properties={"moisture": Decimal("1.4")})

    fit = look(waste, accepting(limits=(MOISTURE,)), with_prices=True)

    assert fit.verdict == "meets"
    assert fit.reasons == ()
    assert fit.months == (JANUARY,)
    assert (fit.haul.great_circle_m, fit.haul.road_m, fit.haul.freight_fen_per_t) == (20_000, 26_000, 2300)
    assert fit.deduction_fen_per_t == 120
    assert (fit.delivered_fen_per_t, fit.net_fen_per_t) == (7000, 7000 - 2300 - 120)


@pytest.mark.parametrize(
    ("waste", "line", "code", "by"),
    [
        ({}, {"organization_id": 1}, "same_organization", None),
        ({"related_organization_ids": frozenset({101})}, {}, "related", None),
        ({}, {"materials": {"coal_gangue": 100}}, "material", None),
        ({"legal_status": "by_product"}, {"legal_statuses": frozenset({"solid_waste"})}, "legal_status", None),
        ({"properties": {"moisture": Decimal("2.3")}}, {"limits": (MOISTURE,)}, "limit", Decimal("0.3")),
        ({}, {"limits": (MOISTURE,)}, "missing_value", None),
        ({}, {"radius_m": 19_000}, "line_radius", 1000),
        ({}, {"permit_valid_until": None}, "permit_missing", None),
        ({}, {"permit_verified": False}, "permit_unverified", None),
        ({}, {"permit_valid_until": date(2027, 1, 30)}, "permit_expired", None),
        ({}, {"closed_months": frozenset({1})}, "closed_months", None),
        ({}, {"division_code": "150602"}, "filing_needed", None),
        ({}, {"least_lot_kg": 100_001}, "line_least_lot", 1),
        ({"least_lot_kg": 60_000}, {"room_kg": 59_000}, "listing_least_lot", 1000),
        ({}, {"materials": {"fly_ash": None}}, "no_price", None),
        ({}, {"materials": {"fly_ash": 4299}}, "priced_out", 1),
    ],
)
def test_each_filter_fails_alone_with_its_figure(
    waste: dict[str, object], line: dict[str, object], code: str, by: Decimal | int | None
) -> None:
    fit = look(offered(**waste), accepting(**line), with_prices=True)

    assert codes(fit) == [code]
    assert fit.reasons[0].by == by
    assert fit.verdict == ("needs_test" if code == "missing_value" else "fails")


def test_the_round_has_a_radius_of_its_own() -> None:
    fit = look(offered(), accepting(point=north(150_000)), max_km=149)

    assert codes(fit) == ["round_radius"]
    assert str(fit.reasons[0].sentence) == (
        "150000 km away in a straight line; the search goes up to 149000 km: 1000 km too far."
    )


def test_all_reasons_are_told_in_the_order_of_the_filters() -> None:
    waste = offered(properties={"moisture": Decimal("2.3")}, least_lot_kg=60_000)
    line = accepting(
        organization_id=1,
        materials={"coal_gangue": 1},
        limits=(Limit(property="so3", maximum=Decimal(3)), MOISTURE),
        radius_m=1,
        permit_verified=False,
        closed_months=frozenset({1}),
        division_code="150602",
        room_kg=1,
    )

    fit = look(waste, line, max_km=10, with_prices=True, declined=True)

    assert codes(fit) == [
        "same_organization",
        "declined",
        "material",
        "limit",
        "missing_value",
        "line_radius",
        "round_radius",
        "permit_unverified",
        "closed_months",
        "filing_needed",
        "listing_least_lot",
    ]


@given(snapshots())
def test_the_reasons_always_follow_the_stated_order(snapshot) -> None:
    for each in snapshot.lots:
        for line in snapshot.lines:
            fit = look(each.offered, line.accepting, months=snapshot.months, max_km=100, with_prices=True)

            places = [FILTERS.index(code) for code in codes(fit)]
            assert places == sorted(places)
            assert (fit.verdict == "meets") == (not places)
            assert bool(places) or bool(fit.months)


def test_a_monthly_filter_fails_only_if_no_month_is_open() -> None:
    line = accepting(closed_months=frozenset({1}))

    fit = look(offered(), line, months=(JANUARY, FEBRUARY))

    assert fit.verdict == "meets"
    assert fit.months == (FEBRUARY,)


@pytest.mark.parametrize(
    ("left", "code"),
    [
        ({"remaining_kg": 0}, "filing_exhausted"),
        ({"valid_to": date(2027, 1, 30)}, "filing_expired"),
        ({"valid_from": date(2027, 2, 1)}, "filing_expired"),
        ({}, None),
    ],
)
def test_a_filing_must_be_in_force_at_the_end_of_the_month_and_have_tonnes(
    left: dict[str, object], code: str | None
) -> None:
    usual = {"remaining_kg": 1, "valid_from": date(2027, 1, 1), "valid_to": date(2027, 12, 31)}

    fit = look(offered(), accepting(division_code="150602"), filing=Filing(**{**usual, **left}))

    assert codes(fit) == ([code] if code else [])


def test_what_is_no_waste_needs_no_filing() -> None:
    fit = look(offered(legal_status="by_product"), accepting(division_code="150602"))

    assert fit.verdict == "meets"
    assert filing().filing.remaining_kg == 50_000


@pytest.mark.parametrize(
    ("value", "outcome", "deduction"),
    [("1.0", "met", 0), ("1.005", "deducted", 2), ("2.0", "deducted", 300), ("2.001", "stop", 0), (None, "missing", 0)],
)
def test_a_limit_deducts_up_to_the_stop_value(value: str | None, outcome: str, deduction: int) -> None:
    found = judge(MOISTURE, None if value is None else Decimal(value))

    assert (found.outcome, found.deduction_fen_per_t) == (outcome, deduction)


def test_a_limit_without_a_deduction_is_hard_on_both_sides() -> None:
    silica = Limit(property="sio2", minimum=Decimal(40), maximum=Decimal(60))

    under, over = judge(silica, Decimal(38)), judge(silica, Decimal(63))

    assert (under.outcome, under.against, under.by, under.by_permille) == ("limit", Decimal(40), Decimal(2), 50)
    assert (over.outcome, over.against, over.by, over.by_permille) == ("limit", Decimal(60), Decimal(3), 50)


def test_a_limit_of_another_material_is_not_asked() -> None:
    gangue_only = Limit(property="moisture", maximum=Decimal(1), material="coal_gangue")

    fit = look(offered(properties={"moisture": Decimal(9)}), accepting(limits=(gangue_only,)))

    assert fit.verdict == "meets"


@pytest.mark.parametrize(
    "contradiction",
    [
        {},
        {"minimum": Decimal(2), "maximum": Decimal(1)},
        {"maximum": Decimal(2), "stop_maximum": Decimal(1)},
        {"minimum": Decimal(2), "stop_minimum": Decimal(3)},
        {"maximum": Decimal("NaN")},
        {"maximum": Decimal(1), "deduction_fen_per_unit": -1},
    ],
)
def test_refuses_a_limit_that_contradicts_itself(contradiction: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        Limit(property="moisture", **contradiction)


@given(st.decimals(0, 5, places=3), st.decimals(0, 5, places=3))
def test_a_worse_value_never_costs_less(one: Decimal, other: Decimal) -> None:
    better, worse = sorted((one, other))

    first, second = judge(MOISTURE, better), judge(MOISTURE, worse)

    assert second.outcome == "stop" or first.deduction_fen_per_t <= second.deduction_fen_per_t


MEAN = Limit(property="moisture", maximum=Decimal("1.0"), stop_maximum=Decimal("2.0"), monthly_mean=True)


def test_a_value_beyond_a_monthly_mean_fits_and_says_that_other_loads_have_to_balance_it() -> None:
    fit = look(offered(properties={"moisture": Decimal("1.4")}), accepting(limits=(MEAN,)))

    assert (fit.verdict, fit.deduction_fen_per_t) == ("meets", 0)
    (told,) = fit.told
    assert told.values == {"mean_property": "moisture", "value": "1.4 %", "limit": "1 %"}
    assert "takes at most" in told.text


def test_a_value_below_a_least_mean_is_told_as_that() -> None:
    least = Limit(property="moisture", minimum=Decimal("1.0"), monthly_mean=True)

    (told,) = look(offered(properties={"moisture": Decimal("0.4")}), accepting(limits=(least,))).told

    assert "asks at least" in told.text


@pytest.mark.parametrize(
    ("value", "outcome", "deduction"),
    [("1.0", "met", 0), ("1.4", "balanced", 0), ("2.0", "balanced", 0), ("2.1", "stop", 0)],
)
def test_a_monthly_mean_is_judged_by_its_stop_value_alone(value: str, outcome: str, deduction: int) -> None:
    found = judge(MEAN, Decimal(value))

    assert (found.outcome, found.deduction_fen_per_t) == (outcome, deduction)


def test_a_monthly_mean_with_a_deduction_takes_it_off_each_lot_by_its_own_value() -> None:
    fit = look(
        offered(properties={"moisture": Decimal("1.4")}), accepting(limits=(replace(MEAN, deduction_fen_per_unit=300),))
    )

    assert (fit.verdict, fit.deduction_fen_per_t, len(fit.balanced)) == ("meets", 120, 1)


def test_what_a_mean_needs_and_nobody_measured_needs_a_test() -> None:
    assert codes(look(offered(), accepting(limits=(MEAN,)))) == ["missing_value"]
