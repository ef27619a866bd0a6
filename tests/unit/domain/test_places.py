"""Points, datums, distance and the gazetteer."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketplace.domain import datums
from marketplace.domain.errors import Invalid
from marketplace.domain.places import (
    EARTH_RADIUS_M,
    Point,
    division,
    divisions,
    find_divisions,
    great_circle_m,
    nearest_division,
    province_of,
)

latitudes, longitudes = st.floats(18.5, 53.0), st.floats(74.0, 134.5)
settled = st.sampled_from(divisions("county")).map(lambda each: each.point)


@pytest.mark.parametrize(
    ("wgs84", "gcj02", "places"),
    [((40.0, 120.0), (40.0013047896019, 120.00567568355486), 12), ((39.90105, 116.42079), (39.90245, 116.42702), 5)],
)
def test_gcj02_shifts_as_published(wgs84: tuple[float, float], gcj02: tuple[float, float], places: int) -> None:
    shifted = datums.from_wgs84(wgs84, "gcj02")

    assert shifted == pytest.approx(gcj02, abs=0.5 * 10**-places)


def test_bd09_shifts_gcj02_once_more() -> None:
    shifted = datums.gcj02_to_bd09((39.915, 116.404))

    assert shifted == pytest.approx((39.92133699351021, 116.41036949371029), abs=1e-9)


@given(latitudes, longitudes, st.sampled_from(datums.DATUMS))
def test_there_and_back_is_less_than_a_meter(lat: float, lon: float, datum: str) -> None:
    # at an edge of the unshifted outlines two points, one shifted and one not, are drawn at the same place
    around = {datums.is_shifted((lat + up, lon + east)) for up in (-0.01, 0, 0.01) for east in (-0.01, 0, 0.01)}
    assume(len(around) == 1)
    there = datums.from_wgs84((lat, lon), datum)

    back = datums.to_wgs84(there, datum)

    assert great_circle_m(_point(lat, lon), _point(*back)) < 1


@given(settled, st.sampled_from(datums.DATUMS))
def test_a_point_of_a_county_survives_every_datum(point: Point, datum: str) -> None:
    shown = point.in_datum(datum)

    read = Point.of_degrees(*shown, datum=datum)

    assert great_circle_m(point, read) <= 1


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("Hong Kong", (22.28, 114.16)),
        ("Sha Tin", (22.38, 114.19)),
        ("Macao", (22.195, 113.545)),
        ("Taipei", (25.04, 121.56)),
        ("Tokyo", (35.68, 139.69)),
    ],
)
def test_nothing_is_shifted_where_maps_are_not(name: str, point: tuple[float, float]) -> None:
    shifted = datums.from_wgs84(point, "gcj02")

    assert shifted == point, name
    assert datums.to_wgs84(point, "gcj02") == point, name


@pytest.mark.parametrize(
    "point", [(22.53, 114.05), (22.49, 113.91), (22.60, 114.24), (22.27, 113.56), (22.12, 113.50), (25.50, 119.79)]
)
def test_the_other_side_of_those_borders_is_shifted(point: tuple[float, float]) -> None:
    shifted = datums.from_wgs84(point, "gcj02")

    assert 100 < great_circle_m(_point(*point), _point(*shifted)) < 800


def test_a_point_is_read_as_a_person_types_it() -> None:
    typed = Point.of_degrees("３９．３２", " 112.43 ")

    assert typed == Point(39_320_000, 112_430_000) == Point.of_degrees(39.32, Decimal("112.43"))
    assert (typed.lat, typed.lon) == (39.32, 112.43)


def test_a_point_of_a_map_is_turned_into_wgs84() -> None:
    read = Point.of_degrees("39.90244630785103", "116.42702207613664", datum="gcj02")

    assert read == Point(39_901_050, 116_420_790)


@pytest.mark.parametrize(
    ("lat", "lon", "message"),
    [
        ("35.68", "139.69", "outside the provinces"),
        ("37.57", "126.98", "outside the provinces"),
        ("47.9", "106.9", "outside the provinces"),
        ("25.04", "121.56", "outside the provinces"),
        ("30", "125", "outside the provinces"),
        ("0", "0", "outside the provinces"),
        ("112.43", "39.32", "latitude lies between"),
        ("91", "112", "latitude lies between"),
        ("north", "112", "not a number"),
        ("nan", "112", "not a number"),
    ],
)
def test_refuses_a_point_elsewhere(lat: str, lon: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as refused:
        Point.of_degrees(lat, lon, field="point")

    assert refused.value.field == "point"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e308])
def test_refuses_numbers_that_are_none(value: float) -> None:
    with pytest.raises(Invalid):
        Point.of_degrees(value, 112)


def test_notices_latitude_and_longitude_exchanged() -> None:
    with pytest.raises(Invalid, match="exchanged"):
        Point.of_degrees("80.5", "30.2")


def test_refuses_an_unknown_datum() -> None:
    with pytest.raises(Invalid, match="WGS-84, GCJ-02 or BD-09"):
        Point.of_degrees(39, 112, datum="nad27")


@given(st.text(), st.text(), st.sampled_from(datums.DATUMS))
def test_arbitrary_text_is_read_or_refused(lat: str, lon: str, datum: str) -> None:
    try:
        read = Point.of_degrees(lat, lon, datum=datum)
    except Invalid:
        return

    assert isinstance(read, Point)


@given(latitudes, longitudes, latitudes, longitudes)
def test_the_distance_is_what_numpy_computes(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> None:
    a, b = _point(lat_a, lon_a), _point(lat_b, lon_b)

    lat, lon = np.radians([a.lat, b.lat]), np.radians([a.lon, b.lon])
    half = np.sin((lat[1] - lat[0]) / 2) ** 2 + np.cos(lat[0]) * np.cos(lat[1]) * np.sin((lon[1] - lon[0]) / 2) ** 2
    expected = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half))

    assert abs(great_circle_m(a, b) - expected) <= 0.5 + 1e-6
    assert great_circle_m(a, b) == great_circle_m(b, a)


def test_known_distances() -> None:
    beijing, shanghai = Point(39_907_500, 116_397_230), Point(31_222_220, 121_458_060)

    distance = great_circle_m(beijing, shanghai)

    assert distance == 1_068_259
    assert great_circle_m(beijing, beijing) == 0


def test_the_gazetteer_has_every_division_once() -> None:
    count = Counter(each.level for each in divisions())

    assert count == {"province": 31, "prefecture": 333, "county": 2851}
    assert len({each.code for each in divisions()}) == 3215
    assert Counter(each.precision for each in divisions("county")) == {"own": 1813, "prefecture": 1016, "province": 22}


def test_every_division_hangs_under_those_above_it() -> None:
    for each in divisions():
        assert each.province_code == province_of(each.code)
        assert division(each.province_code).level == "province"
        if each.prefecture_code:
            assert each.level == "county"
            assert division(each.prefecture_code).level == "prefecture"
            assert each.code.startswith(each.prefecture_code[:4])
        assert each.name_zh
        assert each.name_en
        assert each.pinyin


def test_a_division_names_itself_in_both_languages() -> None:
    pinglu = division("140603")

    assert (pinglu.full_name_zh, pinglu.full_name_en) == ("山西省朔州市平鲁区", "Pinglu, Shuozhou, Shanxi")
    assert division("110105").full_name_zh == "北京市朝阳区"
    assert division("110105").prefecture_code is None


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("朔州", "140600"),
        ("朔州市", "140600"),
        ("shuozhou", "140600"),
        ("Shuo Zhou", "140600"),
        ("１４０６", "140600"),
        ("140603", "140603"),
        ("山西平鲁", "140603"),
        ("平鲁", "140603"),
        ("陕西", "610000"),
        ("lvliang", "141100"),
        ("LÜLIANG", "141100"),
        ("luliang", "141100"),
        ("Ordos", "150600"),
        ("eerduosi", "150600"),
        ("朝阳", "211300"),
        ("北京朝阳", "110105"),
        ("重庆", "500000"),
        ("长治", "140400"),
        ("changzhi", "140400"),
        ("六安", "341500"),
    ],
)
def test_finds_a_place_by_what_people_type(typed: str, first: str) -> None:
    found = find_divisions(typed)

    assert found[0].code == first


def test_finds_at_most_so_many_and_nothing_for_nonsense() -> None:
    many = find_divisions("an", limit=5)

    assert len(many) == 5
    assert find_divisions("zzzz") == find_divisions("") == find_divisions("！？") == ()
    assert find_divisions("朔州", limit=0) == ()


@given(st.text())
def test_any_text_may_be_looked_for(typed: str) -> None:
    found = find_divisions(typed, limit=3)

    assert len(found) <= 3


@pytest.mark.parametrize("code", ["", "999999", "140600 or 1=1", "abcdef", "一四〇六〇〇"])
def test_refuses_a_code_that_is_none(code: str) -> None:
    with pytest.raises(Invalid, match="no division"):
        division(code)


@pytest.mark.parametrize("code", ["", "14", "14060x", "１４０６００", "1406000"])
def test_a_province_is_read_off_six_digits_alone(code: str) -> None:
    with pytest.raises(Invalid, match="six digits"):
        province_of(code)


def test_the_nearest_division_has_a_point_of_its_own() -> None:
    near = nearest_division(Point(39_330_000, 112_430_000))

    assert near.code.startswith("1406")
    assert near.precision == "own"


@given(st.sampled_from([each for each in divisions("county") if each.precision == "own"]))
def test_a_county_with_a_point_of_its_own_is_nearest_to_itself(county: object) -> None:
    point = county.point  # type: ignore[attr-defined]

    near = nearest_division(point)

    assert great_circle_m(near.point, point) == 0


def _point(lat: float, lon: float) -> Point:
    return Point(round(lat * 1_000_000), round(lon * 1_000_000))
