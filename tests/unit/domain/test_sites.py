"""A site as it is declared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.places import division, divisions
from marketplace.domain.sites import NewSite


def new(**given: object) -> NewSite:
    return NewSite(**({"organization_id": 1, "name": "一号厂区", "division_code": "140200"} | given))  # type: ignore[arg-type]


def test_without_coordinates_the_point_is_that_of_the_division() -> None:
    site = new()

    assert (site.point, site.point_origin, site.entered_point) == (division("140200").point, "division", "")


def test_the_entered_text_is_kept_beside_the_point() -> None:
    site = new(lat=" 40.08 ", lon="113.3", datum="wgs84", origin="pin")

    assert (site.point.lat_udeg, site.point.lon_udeg) == (40_080_000, 113_300_000)
    assert (site.entered_point, site.point_origin) == ("40.08, 113.3", "pin")


def test_a_point_elsewhere_says_how_far_and_where() -> None:
    with pytest.raises(Invalid) as refused:
        new(lat="37.87", lon="112.55")

    values = refused.value.sentence.values or {}
    assert refused.value.field == "lat"
    assert values["declared_place"] == "140200"
    assert str(values["nearest_place"]).startswith("1401")
    assert 240_000 < int(str(values["far_m"])) < 270_000


def test_a_large_county_reaches_farther_than_sixty_kilometers() -> None:
    far = new(division_code="152921", lat="39.85", lon="105.0")  # Alxa Left Banner, the size of a province

    assert far.point_origin == "coordinates"


@pytest.mark.parametrize(
    ("given", "field"),
    [({"lat": "40"}, "lon"), ({"lon": "113"}, "lat"), ({"name": "　"}, "name"), ({"origin": "guess"}, "lat")],
)
def test_refuses_half_a_point_and_no_name(given: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        new(**given)

    assert refused.value.field == field


@given(st.sampled_from(divisions()))
def test_every_division_agrees_with_its_own_point(declared: object) -> None:
    code, point = declared.code, declared.point  # type: ignore[attr-defined]

    site = new(division_code=code, lat=f"{point.lat:.6f}", lon=f"{point.lon:.6f}")

    assert site.point == point


@given(lat=st.text(max_size=12), lon=st.text(max_size=12), datum=st.text(max_size=6))
def test_any_text_is_read_or_refused(lat: str, lon: str, datum: str) -> None:
    try:
        site = new(lat=lat, lon=lon, datum=datum)
    except Invalid:
        return

    assert site.point is not None
