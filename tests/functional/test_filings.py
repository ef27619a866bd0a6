"""Filings across provinces, through the browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from marketplace.persistence.lines import Filing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream
from tests.factories import NOON, Make

Browse = Callable[..., FlaskClient]


@pytest.fixture
def own(app_make: Make) -> Organization:
    return app_make.organization()


@pytest.fixture
def stream(app_make: Make, own: Organization) -> WasteStream:
    return app_make.stream(app_make.site(own))


@pytest.fixture
def receiver(app_make: Make) -> Organization:
    return app_make.organization(name_zh="张家口建材", name_en="Zhangjiakou Materials")


@pytest.fixture
def receiving(app_make: Make, receiver: Organization) -> Site:
    return app_make.site(receiver, division_code="130700", lat_udeg=40_820_000, lon_udeg=114_880_000)


@pytest.fixture
def clerk(app_make: Make, browse: Browse, own: Organization) -> FlaskClient:
    return browse(app_make.person("clerk", organization=own).id, language="en")


def filed(stream: WasteStream, receiver: Organization, receiving: Site, **given: str) -> dict[str, str]:
    return {
        "stream_id": str(stream.id),
        "credit_code": receiver.credit_code,
        "receiving_site_id": str(receiving.id),
        "filing_no": "晋固备2027-018",
        "filed_kg": "50,000",
        "filed_trips": "1700",
        "valid_from": "2027-01-01",
        "valid_to": "2027-12-31",
    } | given


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_page_of_filings(
    language: str, app_make: Make, browse: Browse, own: Organization, stream: WasteStream, receiving: Site
) -> None:
    client = browse(app_make.person("clerk", organization=own).id, language=language)
    empty = client.get("/filings")
    app_make.filing(stream, receiving, filed_kg=50_000_000, contracted_kg=12_000_000, filing_no="晋固备2027-018")

    pages = [
        client.get(url)
        for url in ("/filings", "/filings?q=018&sort=-filed", "/filings/new", f"/filings/new?stream={stream.id}")
    ]

    assert [page.status_code for page in (empty, *pages)] == [200] * 5
    assert "38,000" in pages[1].text


def test_the_receiver_is_found_by_its_credit_code_alone(
    app_make: Make, clerk: FlaskClient, stream: WasteStream, receiver: Organization, receiving: Site
) -> None:
    app_make.site(receiver, name="本省厂区")

    before = clerk.get("/filings/new")
    found = clerk.post(
        "/filings/new", data={"stream_id": stream.id, "credit_code": receiver.credit_code.lower(), "step": "find"}
    )

    assert "Zhangjiakou" not in before.text
    assert f'value="{receiving.id}"' in found.text
    assert "Zhangjiakou Materials" in found.text
    assert "本省厂区" not in found.text


def test_a_filing_is_kept(
    app_make: Make, clerk: FlaskClient, stream: WasteStream, receiver: Organization, receiving: Site
) -> None:
    answer = clerk.post("/filings/new", data=filed(stream, receiver, receiving))

    kept = app_make.session.scalars(select(Filing)).one()
    assert (answer.status_code, answer.location) == (303, "/filings")
    assert (kept.filed_kg, kept.filed_trips, kept.receiving_site_id) == (50_000_000, 1700, receiving.id)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"valid_to": "2028-01-31"}, "does not cross the end of a calendar year"),
        ({"valid_from": "2027-12-31", "valid_to": "2027-01-01"}, "lies before the first"),
        ({"filed_kg": "0"}, "above zero"),
        ({"filed_trips": "0"}, "number above zero"),
        ({"filed_trips": "1.5"}, "whole number"),
        ({"filing_no": ""}, "This is needed"),
        ({"receiving_site_id": "999"}, "choose its site"),
        ({"credit_code": "123"}, "credit code"),
        ({"valid_from": "soon"}, "written as year, month and day"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    app_make: Make, clerk: FlaskClient, stream: WasteStream, receiver: Organization, receiving: Site,
    given: dict[str, str], said: str,
) -> None:  # fmt: skip
    answer = clerk.post("/filings/new", data=filed(stream, receiver, receiving, **given))

    assert answer.status_code == 422
    assert said in answer.text
    assert app_make.session.scalar(select(func.count(Filing.id))) == 0


def test_a_number_is_kept_once(
    app_make: Make, clerk: FlaskClient, stream: WasteStream, receiver: Organization, receiving: Site
) -> None:
    app_make.filing(stream, receiving, filing_no="晋固备2027-018")

    answer = clerk.post("/filings/new", data=filed(stream, receiver, receiving))

    assert answer.status_code == 409
    assert app_make.session.scalar(select(func.count(Filing.id))) == 1


def test_a_filing_is_ended_once_nothing_is_reserved(
    app_make: Make, clerk: FlaskClient, stream: WasteStream, receiving: Site
) -> None:
    free = app_make.filing(stream, receiving)
    held = app_make.filing(stream, receiving, reserved_kg=1)

    statuses = [clerk.post(f"/filings/{each.id}/end").status_code for each in (free, held, free)]

    assert statuses == [303, 409, 409]


def test_the_receiver_sees_the_filing_and_does_not_end_it(
    app_make: Make, browse: Browse, stream: WasteStream, receiver: Organization, receiving: Site
) -> None:
    filing = app_make.filing(stream, receiving, filing_no="晋固备2027-018")
    clerk = browse(app_make.person("clerk", organization=receiver).id)

    assert "晋固备2027-018" in clerk.get("/filings").text
    assert clerk.post(f"/filings/{filing.id}/end").status_code == 403


def test_another_organizations_filing_is_not_there(app_make: Make, clerk: FlaskClient, receiving: Site) -> None:
    other = app_make.stream()
    filing = app_make.filing(other, receiving, filing_no="晋固备2027-099")

    answer = clerk.post(f"/filings/{filing.id}/end")
    taken = clerk.post("/filings/new", data={"stream_id": other.id, "credit_code": "x", "filing_no": "1"})

    app_make.session.rollback()
    app_make.session.expire_all()
    assert (answer.status_code, taken.status_code, filing.ended_at) == (404, 422, None)
    assert "晋固备2027-099" not in clerk.get("/filings").text


def test_a_closed_site_is_not_offered(
    app_make: Make, clerk: FlaskClient, stream: WasteStream, receiver: Organization
) -> None:
    app_make.site(receiver, division_code="130700", closed_at=NOON)

    page = clerk.post(
        "/filings/new", data={"stream_id": stream.id, "credit_code": receiver.credit_code, "step": "find"}
    )

    assert page.status_code == 422
    assert "No recycler with this credit code" in page.text


TEXT = st.one_of(st.text(max_size=30), st.sampled_from(["NaN", "1e999", "-1", "\x00", "²", "9" * 60, "2027-02-30"]))
FIELDS = ["stream_id", "credit_code", "receiving_site_id", "filing_no", "filed_kg", "filed_trips", "valid_from", "valid_to", "step"]  # fmt: skip


@settings(max_examples=60)
@given(fields=st.dictionaries(st.sampled_from(FIELDS), TEXT))
def test_no_text_breaks_the_form(
    clerk: FlaskClient, stream: WasteStream, receiver: Organization, receiving: Site, fields: dict[str, str]
) -> None:
    answer = clerk.post("/filings/new", data=filed(stream, receiver, receiving) | fields)

    assert answer.status_code in {200, 303, 404, 409, 422}
