"""The statutory rate, on published figures and by its own rules."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.ledger import Figures
from marketplace.domain.quantities import Month
from marketplace.domain.utilization import (
    Gap,
    forecast,
    gap,
    in_scope,
    lift_kg,
    rate,
    together,
    with_generation,
    with_stock,
)

from .test_ledger import figures


def percent(ratio: Decimal | None) -> str:
    return f"{ratio * 100:.1f}" if ratio is not None else "—"


@pytest.mark.parametrize(
    ("name", "generated", "utilized", "from_stock", "expected", "naive"),
    [
        # published for 2018, in 100 million tonnes; here in tonnes
        ("tailings", 880_000_000, 240_000_000, 11_516_000, "26.9", "27.3"),
        ("fly ash", 530_000_000, 400_000_000, 3_205_000, "75.0", "75.5"),
        ("gangue", 350_000_000, 190_000_000, 3_808_000, "53.7", "54.3"),
        ("smelting slag", 370_000_000, 330_000_000, 4_919_000, "88.0", "89.2"),
    ],
)
def test_the_rate_is_that_of_the_statistics(
    name: str, generated: int, utilized: int, from_stock: int, expected: str, naive: str
) -> None:
    year = Figures(generated_kg=generated, utilized_kg=utilized, utilized_from_stock_kg=from_stock)

    assert percent(rate(year)) == expected
    assert percent(Decimal(utilized) / generated) == naive


def test_a_city_whose_uses_exceed_its_generation_used_old_stock() -> None:
    dexing = Figures(  # 2019, in kilograms for 10,000 t
        generated_kg=6_323_750, utilized_kg=502_490, disposed_kg=58_970, stored_kg=5_763_870, discarded_kg=8
    )

    assert dexing.difference_kg == 1_588


def test_what_one_more_tonne_does_to_the_rate() -> None:
    year = Figures(generated_kg=1_000_000, utilized_kg=400_000, utilized_from_stock_kg=50_000)

    missing = gap(year, 570)

    assert missing == Gap(198_500, 461_628)
    assert with_generation(year, 198_500) == Decimal("0.57")
    assert (with_stock(year, 461_627) or 0) < Decimal("0.57") <= (with_stock(year, 461_628) or 0)


def test_there_is_no_rate_where_there_is_nothing() -> None:
    assert rate(Figures(discarded_kg=0)) is None
    assert gap(Figures(), 570) is None
    assert with_generation(Figures(), 0) is None
    assert with_stock(Figures(), 0) is None
    assert rate(Figures(generated_kg=5, stored_kg=5)) == 0


def test_a_goal_that_is_reached_leaves_no_gap() -> None:
    assert gap(Figures(generated_kg=100, utilized_kg=57, stored_kg=43), 570) == Gap(0, 0)
    assert gap(Figures(generated_kg=100, utilized_kg=57, stored_kg=43), 1000) == Gap(43, None)


@given(st.lists(figures(), max_size=5))
def test_the_rate_of_a_group_is_sum_over_sum_and_never_above_one(parts: list[Figures]) -> None:
    group = together(parts)

    base = sum(part.generated_kg + part.utilized_from_stock_kg for part in parts)
    assert group.base_kg == base
    assert rate(group) == (None if base == 0 else Decimal(sum(part.utilized_kg for part in parts)) / base)
    assert 0 <= (rate(group) or 0) <= 1


@given(figures(), st.integers(0, 999))
def test_the_gap_is_the_least_that_reaches_the_goal(year: Figures, goal: int) -> None:
    missing = gap(year, goal)

    if missing is None:
        assert year.base_kg == 0
        return
    assert (year.utilized_kg + missing.kg) * 1000 >= goal * year.base_kg
    assert missing.kg == 0 or (year.utilized_kg + missing.kg - 1) * 1000 < goal * year.base_kg
    old = missing.from_stock_kg
    assert old is not None
    assert (year.utilized_kg + old) * 1000 >= goal * (year.base_kg + old)
    assert old >= missing.kg


def test_bulk_is_a_list_of_classes() -> None:
    assert in_scope("900-001-S02", "bulk")
    assert in_scope("SW17", "all")
    assert not in_scope("SW17", "bulk")
    assert not in_scope("999-999-S99", "bulk")


def test_only_what_would_be_stored_or_disposed_of_lifts() -> None:
    a_year_ago = Figures(generated_kg=100, utilized_kg=70, stored_kg=20, disposed_kg=10)

    assert lift_kg(25, a_year_ago) == 25
    assert lift_kg(80, a_year_ago) == 30
    assert lift_kg(80, Figures(generated_kg=100, utilized_kg=100)) == 0
    assert lift_kg(80, Figures(disposed_kg=50, disposed_from_stock_kg=50)) == 0


def test_the_forecast_takes_the_same_months_one_year_earlier() -> None:
    february, march = Month(2027, 2), Month(2027, 3)
    known = {
        (1, Month(2026, 2)): Figures(generated_kg=1000, utilized_kg=400, stored_kg=600),
        (1, Month(2026, 3)): Figures(generated_kg=1000, utilized_kg=900, stored_kg=100),
    }
    park = {month: each for (_, month), each in known.items()}

    found = forecast({(1, february): 500, (1, march): 500}, known, park)

    assert found is not None
    assert (found.first, found.last, found.awarded_kg, found.lift_kg) == (february, march, 1000, 600)
    assert (found.base_rate, found.rate, found.lift_points) == (Decimal("0.65"), Decimal("0.95"), Decimal("0.3"))
    assert found.gap(570) == Gap(0, 0)


def test_a_month_that_is_in_the_ledger_is_not_forecast_again() -> None:
    february = Month(2027, 2)
    known = {(1, february): Figures(generated_kg=1000, utilized_kg=1000)}

    assert forecast({(1, february): 500}, known, {}) is None
    assert forecast({}, known, {}) is None


def test_awards_without_figures_a_year_earlier_have_no_rate() -> None:
    found = forecast({(1, Month(2027, 2)): 500}, {}, {})

    assert found is not None
    assert (found.awarded_kg, found.lift_kg, found.rate, found.lift_points) == (500, 0, None, None)
