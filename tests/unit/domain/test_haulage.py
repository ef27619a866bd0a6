"""Freight: monotone, without jumps down, in whole fen."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.haulage import Band, Tariff, default_tariff, haul, road_m, tariff, tariff_for, tariffs
from marketplace.domain.places import Point

SHUOZHOU = Point(39_319_440, 112_428_060)
DATONG = Point(40_093_610, 113_291_390)


@st.composite
def price_lists(draw: st.DrawFn) -> Tariff:
    starts = sorted(draw(st.sets(st.integers(1, 3_000_000), max_size=4)))
    bands = tuple(Band(start, draw(st.integers(0, 300))) for start in [0, *starts])
    return Tariff("x", "x", "x", draw(st.integers(0, 10_000)), bands, 30_000, "test", "2030", "high")


@pytest.mark.parametrize(
    ("road", "fen"),
    [(0, 1100), (1, 1100), (10, 1101), (100_000, 6100), (150_000, 8600), (150_001, 8600), (250_000, 12_000)],
)
def test_a_tanker_costs_the_fixed_part_and_each_band_its_rate(road: int, fen: int) -> None:
    tanker = tariff("road-tanker")

    freight = tanker.freight_fen_per_t(road)

    assert freight == fen


@given(price_lists(), st.integers(0, 5_000_000), st.integers(0, 5_000_000))
def test_a_longer_way_never_costs_less(prices: Tariff, one: int, other: int) -> None:
    near, far = sorted((one, other))

    freight = prices.freight_fen_per_t(near), prices.freight_fen_per_t(far)

    assert freight[0] <= freight[1]


@given(price_lists(), st.integers(0, 5_000_000))
def test_freight_is_the_exact_sum_over_the_bands_half_up(prices: Tariff, road: int) -> None:
    starts = [band.from_m for band in prices.bands]

    exact = Decimal(0)
    for band, end in zip(prices.bands, [*starts[1:], road], strict=True):
        exact += Decimal(max(0, min(end, road) - band.from_m)) * band.rate_fen_per_t_km / 1000

    assert prices.freight_fen_per_t(road) == prices.fixed_fen_per_t + int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def test_powders_travel_in_a_tanker_and_the_rest_on_a_dump_truck() -> None:
    carried = {code: tariff_for(code).code for code in ("fly_ash", "coal_gangue", "fgd_gypsum", "scrap_steel")}

    assert carried == {
        "fly_ash": "road-tanker",
        "coal_gangue": "road-dump",
        "fgd_gypsum": "road-dump",
        "scrap_steel": "road-dump",
    }
    assert default_tariff().code == "road-dump"


def test_a_haul_says_how_its_road_distance_is_known() -> None:
    way = haul(SHUOZHOU, DATONG, tariff=tariff("road-tanker"))

    assert (way.great_circle_m, way.road_m, way.circuity_permille, way.origin) == (113_422, 147_449, 1300, "circuity")
    assert way.freight_fen_per_t == 8472


def test_a_haul_takes_another_circuity() -> None:
    way = haul(SHUOZHOU, DATONG, tariff=tariff("road-dump"), circuity_permille=1500)

    assert (way.road_m, way.freight_fen_per_t) == (170_133, 7044)


@pytest.mark.parametrize("circuity", [0, 999, 10_001, -1300])
def test_refuses_a_road_that_is_no_detour(circuity: int) -> None:
    with pytest.raises(Invalid, match="at least as long as the straight line"):
        road_m(1000, circuity_permille=circuity)


@pytest.mark.parametrize(
    "bands", [(), (Band(1, 50),), (Band(0, 50), Band(0, 40)), (Band(0, 50), Band(9, 4), Band(5, 4))]
)
def test_refuses_bands_that_do_not_rise_from_zero(bands: tuple[Band, ...]) -> None:
    with pytest.raises(Invalid, match="begin at zero and rise"):
        Tariff("x", "x", "x", 0, bands, 30_000, "test", "2030", "high")


def test_refuses_a_tariff_below_zero_and_a_distance_below_zero() -> None:
    with pytest.raises(Invalid, match="no part below zero"):
        Tariff("x", "x", "x", -1, (Band(0, 1),), 30_000, "test", "2030", "high")
    with pytest.raises(Invalid, match="less than zero"):
        default_tariff().freight_fen_per_t(-1)
    with pytest.raises(Invalid, match="no tariff “sledge”"):
        tariff("sledge")


def test_each_tariff_names_its_source_and_date() -> None:
    listed = tariffs().values()

    assert sorted(each.code for each in listed) == ["barge", "rail", "road-dump", "road-tanker"]
    assert all(each.source and each.date and each.confidence in {"high", "medium", "low"} for each in listed)
    assert all(each.name_zh and each.name_en and each.payload_kg > 0 for each in listed)
