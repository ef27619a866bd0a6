"""Sites, through the browser."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from marketplace.adapters.geocoding import Found
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.organizations import Organization, Site
from tests.factories import Make

Browse = Callable[..., FlaskClient]

DATONG = {"name": "一号厂区", "division_code": "140212", "in_park": "yes", "datum": "wgs84"}


@pytest.fixture
def own(app_make: Make) -> Organization:
    return app_make.organization()


@pytest.fixture
def clerk(app_make: Make, browse: Browse, own: Organization) -> FlaskClient:
    return browse(app_make.person("clerk", organization=own).id, language="en")


def send(client: FlaskClient, url: str, organization: Organization, **given: str):
    return client.post(url, data={"organization_id": str(organization.id), **DATONG, **given})


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_page_of_sites(language: str, app_make: Make, browse: Browse, own: Organization) -> None:
    client = browse(app_make.person("clerk", organization=own).id, language=language)
    empty = client.get("/sites")
    site = app_make.site(own, name="东厂区", name_en="East works")
    app_make.stream(site)
    app_make.line(site)

    pages = [
        client.get(url)
        for url in ("/sites", f"/sites/{site.id}", "/sites/new", f"/sites/{site.id}/edit", "/places?q=datong")
    ]

    assert [page.status_code for page in (empty, *pages)] == [200] * 6
    name = "东厂区" if language == "zh_Hans_CN" else "East works"
    assert all(name in page.text for page in (pages[0], pages[1]))


def test_a_place_is_found_without_a_script_and_nothing_typed_is_lost(
    app_make: Make, clerk: FlaskClient, own: Organization
) -> None:
    page = clerk.post("/sites/new", data={"organization_id": own.id, "name": "新厂", "place": "云冈", "step": "find"})

    assert page.status_code == 200
    assert 'value="140214"' in page.text
    assert 'value="新厂"' in page.text
    assert app_make.session.scalar(select(func.count(Site.id))) == 0


@pytest.mark.parametrize("text", ["大同市", "datong", "1402"])
def test_a_place_is_found_by_name_pinyin_and_code(clerk: FlaskClient, text: str) -> None:
    part = clerk.get(f"/places?q={text}", headers={"HX-Request": "true"})

    assert part.status_code == 200
    assert 'value="140200"' in part.text
    assert "<html" not in part.text


def test_a_site_is_kept_in_the_park_at_its_divisions_point(
    app_make: Make, clerk: FlaskClient, own: Organization
) -> None:
    answer = send(clerk, "/sites/new", own)

    site = app_make.session.scalars(select(Site)).one()
    assert (answer.status_code, answer.location) == (303, f"/sites/{site.id}")
    assert (site.park_id, site.point_origin, site.entered_point) == (own.park_id, "division", "")
    assert app_make.session.scalars(select(AuditRow.action)).all() == ["site.add"]


def test_shifted_coordinates_are_converted_and_kept_as_entered(
    app_make: Make, clerk: FlaskClient, own: Organization
) -> None:
    send(clerk, "/sites/new", own, lat="４０.0765", lon="113.3063", datum="gcj02", in_park="no")

    site = app_make.session.scalars(select(Site)).one()
    assert site.entered_point == "４０.0765, 113.3063"
    assert (site.entered_datum, site.point_origin, site.park_id) == ("gcj02", "coordinates", None)
    assert 300 < abs(site.lon_udeg - 113_306_300) < 12_000
    assert 300 < abs(site.lat_udeg - 40_076_500) < 12_000


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lat": "37.87", "lon": "112.55"}, "km from"),
        ({"lat": "35.68", "lon": "139.69"}, "outside the provinces"),
        ({"lat": "113.3", "lon": "40.08"}, "latitude lies between"),
        ({"lat": "40.08"}, "Give latitude and longitude, or neither"),
        ({"lat": "forty", "lon": "113.3"}, "is not a number"),
        ({"lat": "40.08", "lon": "113.3", "datum": "nad27"}, "WGS-84, GCJ-02 or BD-09"),
        ({"division_code": "999999"}, "no division"),
        ({"division_code": ""}, "choose its division"),
        ({"name": ""}, "This is needed"),
        ({"name": "　"}, "This is needed"),
    ],
)
def test_what_contradicts_itself_is_refused_with_a_way_out(
    app_make: Make, clerk: FlaskClient, own: Organization, given: dict[str, str], said: str
) -> None:
    answer = send(clerk, "/sites/new", own, **given)

    assert answer.status_code == 422
    assert said in answer.text
    assert app_make.session.scalar(select(func.count(Site.id))) == 0
    assert app_make.session.scalar(select(func.count(AuditRow.id))) == 0


def test_an_address_is_looked_up_where_a_geocoder_is_configured(
    app: Flask, app_make: Make, clerk: FlaskClient, own: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = SimpleNamespace(find=lambda address, limit=5: (Found(f"{address}，大同市", 40.08, 113.3),))
    monkeypatch.setitem(app.extensions, "marketplace", _with_geocoder(app, known))

    looked = clerk.post(
        "/sites/new", data={"organization_id": own.id, **DATONG, "address": "迎宾街1号", "step": "find"}
    )
    send(clerk, "/sites/new", own, address="迎宾街1号", found="40.080000,113.300000")

    assert "迎宾街1号，大同市" in looked.text
    site = app_make.session.scalars(select(Site)).one()
    assert (site.point_origin, site.lat_udeg, site.lon_udeg) == ("geocoder", 40_080_000, 113_300_000)


def test_a_second_site_of_the_same_name_is_a_conflict(app_make: Make, clerk: FlaskClient, own: Organization) -> None:
    app_make.site(own, name="一号厂区")

    answer = send(clerk, "/sites/new", own)

    assert answer.status_code == 409
    assert "already has a site of this name" in answer.text
    assert app_make.session.scalar(select(func.count(Site.id))) == 1


def test_a_site_with_streams_is_not_closed(app_make: Make, clerk: FlaskClient, own: Organization) -> None:
    site = app_make.site(own)
    app_make.stream(site)

    answer = clerk.post(f"/sites/{site.id}/close")

    assert answer.status_code == 409
    assert app_make.session.scalar(select(Site.closed_at)) is None


def test_an_empty_site_is_closed_and_changes_no_more(app_make: Make, clerk: FlaskClient, own: Organization) -> None:
    site = app_make.site(own)

    closed = clerk.post(f"/sites/{site.id}/close")
    changed = send(clerk, f"/sites/{site.id}/edit", own)

    assert (closed.status_code, changed.status_code) == (303, 409)


def test_another_organizations_site_is_not_there(app_make: Make, clerk: FlaskClient, own: Organization) -> None:
    other = app_make.site()

    answers = [
        clerk.get(f"/sites/{other.id}"),
        clerk.get(f"/sites/{other.id}/edit"),
        send(clerk, f"/sites/{other.id}/edit", own),
        clerk.post(f"/sites/{other.id}/close"),
        clerk.get("/sites/99999999999999999999"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert other.name not in clerk.get("/sites").text


def test_who_only_weighs_sees_and_changes_nothing(app_make: Make, browse: Browse, own: Organization) -> None:
    site = app_make.site(own)
    weigher = browse(app_make.person("weigher", organization=own).id, language="en")

    statuses = [weigher.get(f"/sites/{site.id}").status_code, weigher.post(f"/sites/{site.id}/close").status_code]

    assert statuses == [200, 404]


def test_the_administrator_sees_the_sites_of_the_own_park_alone(app_make: Make, browse: Browse) -> None:
    park = app_make.park()
    inside = app_make.site(app_make.organization(park_id=park.id), name="园内厂区")
    outside = app_make.site(name="园外厂区")
    administrator = browse(app_make.person("park_administrator", park=park).id)

    listed = administrator.get("/sites")

    assert "园内厂区" in listed.text
    assert "园外厂区" not in listed.text
    assert administrator.get(f"/sites/{inside.id}").status_code == 200
    assert administrator.get(f"/sites/{outside.id}").status_code == 404


TEXT = st.one_of(
    st.text(max_size=60), st.sampled_from(["NaN", "1e999", "-0", "９" * 30, "\x00", "40.08", "140212", "²"])
)


@settings(max_examples=60)
@given(
    fields=st.dictionaries(
        st.sampled_from(
            [
                "organization_id",
                "name",
                "place",
                "division_code",
                "lat",
                "lon",
                "datum",
                "found",
                "address",
                "in_park",
                "origin",
            ]
        ),
        TEXT,
    )
)
def test_no_text_breaks_the_form(clerk: FlaskClient, fields: dict[str, str]) -> None:
    answer = clerk.post("/sites/new", data=fields)

    assert answer.status_code in {303, 404, 409, 422}


def _with_geocoder(app: Flask, geocoder: object) -> object:
    from dataclasses import replace

    parts = app.extensions["marketplace"]
    return replace(parts, geocoder=geocoder, settings=replace(parts.settings, geocoder_url="http://geocoder.invalid"))
