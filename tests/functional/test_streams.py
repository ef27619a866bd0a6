"""Waste streams and lab sheets, through the browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from marketplace.persistence.audit import AuditRow
from marketplace.persistence.lines import AcceptanceLimit
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import LabSheet, LabValue, WasteStream
from tests.factories import Make

Browse = Callable[..., FlaskClient]

TODAY = date.today()
GOOD = {
    "residue_45um": "10.2", "water_demand_ratio": "94", "loss_on_ignition": "4.1", "moisture": "0.3", "so3": "1.2",
    "free_cao": "0.6", "sum_si_al_fe_oxides": "82", "density": "2.3", "activity_index_28d": "78", "soundness": "1",
    "caso3_half_h2o": "1.0",
}  # fmt: skip


@pytest.fixture
def own(app_make: Make) -> Organization:
    return app_make.organization(name_zh="云州电厂", name_en="Yunzhou Power")


@pytest.fixture
def site(app_make: Make, own: Organization) -> Site:
    return app_make.site(own)


@pytest.fixture
def clerk(app_make: Make, browse: Browse, own: Organization) -> FlaskClient:
    return browse(app_make.person("clerk", organization=own).id, language="en")


@pytest.fixture
def stream(app_make: Make, site: Site) -> WasteStream:
    return app_make.stream(site, origin_answers={"burns_waste": False}, boiler="pulverized", name="一号灰库")


def ash(site: Site, **given: str) -> dict[str, str]:
    return {
        "site_id": str(site.id),
        "name": "二号灰库",
        "waste_code": "900-001-S02",
        "legal_status": "solid_waste",
        "generation_kg_per_month": "1,200.5",
        "stock_kg": "300",
        "storage_limit_kg": "",
        "burns_waste": "no",
        "mixed_with_hazardous": "no",
        "boiler": "pulverized",
    } | given


def sheet(**given: str) -> dict[str, str]:
    day = TODAY.isoformat()
    return {"sheet_no": "2027-001", "laboratory": "晋北检测", "sampled_on": day, "reported_on": day, **given}


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_page_of_streams(
    language: str, app_make: Make, browse: Browse, own: Organization, stream: WasteStream
) -> None:
    app_make.sheet(stream, {"moisture": "0.4"}, sampled_on=TODAY - timedelta(days=9), reported_on=TODAY)
    app_make.sheet(stream, {"moisture": "0.6", "so3": "9"}, sampled_on=TODAY, reported_on=TODAY, accredited=True)
    app_make.listing(stream)
    app_make.line()
    client = browse(app_make.person("clerk", organization=own).id, language=language)

    pages = [
        client.get(url)
        for url in (
            "/streams", "/streams?state=retired", "/streams?q=粉煤灰&sort=-stock&page=99", f"/streams/{stream.id}",
            f"/streams/{stream.id}?property=so3", f"/streams/{stream.id}/edit", f"/streams/{stream.id}/sheets/new",
            "/streams/new", "/streams/new?q=飞灰", "/streams/new?material=red_mud",
        )
    ]  # fmt: skip

    assert [page.status_code for page in pages] == [200] * 10
    assert "一号灰库" in pages[2].text


def test_a_material_is_found_by_the_word_of_the_trade_and_the_ambiguous_is_told(clerk: FlaskClient, site: Site) -> None:
    page = clerk.get("/streams/new?q=飞灰")

    assert "/streams/new?material=fly_ash" in page.text
    assert "772-002-18" in page.text


def test_a_stream_is_kept(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    answer = clerk.post("/streams/new?material=fly_ash", data=ash(site, waste_code="900-001-s02"))

    stream = app_make.session.scalars(select(WasteStream)).one()
    assert (answer.status_code, answer.location) == (303, f"/streams/{stream.id}")
    assert (stream.waste_code, stream.generation_kg_per_month, stream.stock_kg) == ("900-001-S02", 1_200_500, 300_000)
    assert (stream.origin_answers, stream.boiler) == ({"burns_waste": False}, "pulverized")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"waste_code": "772-002-18"}, "code of the directory of hazardous waste"),
        ({"waste_code": "HW18"}, "code of the directory of hazardous waste"),
        ({"waste_code": "900-001-S08"}, "not a code of general solid waste"),
        ({"waste_code": "900-001-S04"}, "not in the catalogue"),
        ({"waste_code": "060-001-S04"}, "is of the category SW04"),
        ({"burns_waste": "yes"}, "By its origin this is hazardous waste (772-002-18)"),
        ({"burns_waste": ""}, "Choose one"),
        ({"mixed_with_hazardous": "yes"}, "mixed with hazardous waste counts as hazardous"),
        ({"mixed_with_hazardous": ""}, "Choose one"),
        ({"stock_kg": "500", "storage_limit_kg": "400"}, "more than the storage holds"),
        ({"generation_kg_per_month": "NaN"}, "is not a number"),
        ({"generation_kg_per_month": "1e308"}, "is not a number"),
        ({"generation_kg_per_month": "-3"}, "cannot be less than zero"),
        ({"legal_status": "gift"}, "Choose what the material is by law"),
        ({"name": ""}, "This is needed"),
    ],
)
def test_what_is_hazardous_or_senseless_is_refused_and_nothing_is_written(
    app_make: Make, clerk: FlaskClient, site: Site, given: dict[str, str], said: str
) -> None:
    answer = clerk.post("/streams/new?material=fly_ash", data=ash(site, **given))

    assert answer.status_code == 422
    assert said in answer.text
    assert app_make.session.scalar(select(func.count(WasteStream.id))) == 0
    assert app_make.session.scalar(select(func.count(AuditRow.id))) == 0


def test_a_gate_says_where_such_waste_goes_instead(clerk: FlaskClient, site: Site) -> None:
    refused = [
        clerk.post("/streams/new?material=fly_ash", data=ash(site, **given)).text
        for given in ({"waste_code": "772-002-18"}, {"burns_waste": "yes"}, {"mixed_with_hazardous": "yes"})
    ]

    assert all("unit licensed for hazardous waste" in text for text in refused)


def test_edited_the_stream_keeps_site_and_material(
    app_make: Make, clerk: FlaskClient, site: Site, stream: WasteStream
) -> None:
    answer = clerk.post(f"/streams/{stream.id}/edit", data=ash(site, name="一号库", site_id="999"))

    app_make.session.rollback()
    app_make.session.expire_all()
    assert answer.status_code == 303
    assert (stream.name, stream.site_id, stream.material) == ("一号库", site.id, "fly_ash")


def test_a_sheet_gives_the_grade_at_once(app_make: Make, clerk: FlaskClient, stream: WasteStream) -> None:
    app_make.line(limits=(AcceptanceLimit(property="moisture", maximum=Decimal(1)),))
    app_make.line(limits=(AcceptanceLimit(property="chloride", maximum=Decimal(600)),))
    app_make.line(limits=(AcceptanceLimit(property="loss_on_ignition", maximum=Decimal(2)),))

    page = clerk.post(f"/streams/{stream.id}/sheets/new", data=sheet(**GOOD, accredited="y"), follow_redirects=True)

    app_make.session.rollback()
    app_make.session.expire_all()
    kept = app_make.session.scalars(select(LabSheet)).one()
    assert (stream.grade, kept.accredited) == ("I", True)
    assert "Grade I" in page.text
    assert [
        f"<dt>{text}</dt><dd>1</dd>" in page.text for text in ("meets all limits", "needs a test", "fails a limit")
    ] == [True] * 3
    assert "Chloride (1)" in page.text


def test_a_value_beyond_a_grade_is_said_with_how_much(clerk: FlaskClient, stream: WasteStream) -> None:
    page = clerk.post(
        f"/streams/{stream.id}/sheets/new", data=sheet(**{**GOOD, "loss_on_ignition": "6.5"}), follow_redirects=True
    )

    assert "Grade II" in page.text
    assert "Loss on ignition is 6.5 %; at most 5: 1.5 too much" in page.text


def test_a_missing_value_is_never_a_grade(app_make: Make, clerk: FlaskClient, stream: WasteStream) -> None:
    page = clerk.post(f"/streams/{stream.id}/sheets/new", data=sheet(moisture="0.4"), follow_redirects=True)

    app_make.session.rollback()
    app_make.session.expire_all()
    assert "Not determinable" in page.text
    assert stream.grade == ""


def test_moisture_against_the_dry_mass_is_turned_to_the_wet(
    app_make: Make, clerk: FlaskClient, stream: WasteStream
) -> None:
    page = clerk.post(
        f"/streams/{stream.id}/sheets/new", data=sheet(moisture="25", basis_moisture="dry"), follow_redirects=True
    )

    value = app_make.session.scalars(select(LabValue)).one()
    assert (value.value, value.basis) == (Decimal(20), "as_received")
    assert "Moisture of 25 % of the dry mass is kept as 20 % of the wet mass." in page.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"moisture": "140"}, "lies between 0 and 100 %"),
        ({"ph": "15"}, "lies between 0 and 14"),
        ({"so3": "NaN"}, "is not a number"),
        ({"so3": "0.0000001"}, "at most six decimals"),
        ({"leach_acid_pb": "7"}, "By its test value this is hazardous waste"),
        ({"leachate_ph": "12.6"}, "By its test value this is hazardous waste"),
        ({}, "Give at least one value"),
        ({"so3": "1", "sampled_on": (TODAY + timedelta(days=3)).isoformat()}, "before it was reported"),
        (
            {"so3": "1", "sampled_on": (TODAY + timedelta(days=3)).isoformat(),
             "reported_on": (TODAY + timedelta(days=3)).isoformat()},
            "has not come yet",
        ),
        ({"so3": "1", "sampled_on": "yesterday"}, "written as year, month and day"),
        ({"so3": "1", "sheet_no": ""}, "This is needed"),
    ],
)  # fmt: skip
def test_an_implausible_or_hazardous_sheet_is_refused_and_nothing_is_written(
    app_make: Make, clerk: FlaskClient, stream: WasteStream, given: dict[str, str], said: str
) -> None:
    answer = clerk.post(f"/streams/{stream.id}/sheets/new", data=sheet(**given))

    assert answer.status_code == 422
    assert said in answer.text
    assert app_make.session.scalar(select(func.count(LabSheet.id))) == 0


def test_a_void_sheet_stays_and_counts_for_nothing(app_make: Make, clerk: FlaskClient, stream: WasteStream) -> None:
    clerk.post(f"/streams/{stream.id}/sheets/new", data=sheet(**GOOD))
    kept = app_make.session.scalars(select(LabSheet)).one()

    page = clerk.post(f"/streams/{stream.id}/sheets/{kept.id}/void", follow_redirects=True)
    again = clerk.post(f"/streams/{stream.id}/sheets/{kept.id}/void")

    app_make.session.rollback()
    app_make.session.expire_all()
    assert (stream.grade, kept.voided_at is not None) == ("", True)
    assert "2027-001" in page.text
    assert again.status_code == 409
    assert "sheet.void" in app_make.session.scalars(select(AuditRow.action)).all()


def test_a_listed_stream_is_not_retired(app_make: Make, clerk: FlaskClient, stream: WasteStream) -> None:
    listing = app_make.listing(stream)
    app_make.session.rollback()
    app_make.session.expire_all()

    refused = clerk.post(f"/streams/{stream.id}/retire")
    app_make._add(listing)
    listing.withdrawn_at = listing.published_at
    app_make.session.commit()
    retired = clerk.post(f"/streams/{stream.id}/retire")

    assert (refused.status_code, retired.status_code) == (409, 303)
    assert clerk.post(f"/streams/{stream.id}/sheets/new", data=sheet(**GOOD)).status_code == 409


def test_another_organizations_stream_is_not_there(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    other = app_make.stream(name="别家灰库", origin_answers={"burns_waste": False})
    lab = app_make.sheet(other, {"moisture": "1"})

    answers = [
        clerk.get(f"/streams/{other.id}"),
        clerk.get(f"/streams/{other.id}/edit"),
        clerk.post(f"/streams/{other.id}/edit", data=ash(site)),
        clerk.post(f"/streams/{other.id}/retire"),
        clerk.get(f"/streams/{other.id}/sheets/new"),
        clerk.post(f"/streams/{other.id}/sheets/new", data=sheet(so3="1")),
        clerk.post(f"/streams/{other.id}/sheets/{lab.id}/void"),
        clerk.post("/streams/new?material=fly_ash", data=ash(site, site_id=str(other.site_id))),
        clerk.get("/streams/99999999999999999999"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 9
    assert "别家灰库" not in clerk.get("/streams").text


def test_a_sheet_of_another_stream_is_not_voided_from_here(
    app_make: Make, clerk: FlaskClient, stream: WasteStream
) -> None:
    lab = app_make.sheet(app_make.stream(), {"moisture": "1"})

    answer = clerk.post(f"/streams/{stream.id}/sheets/{lab.id}/void")

    app_make.session.rollback()
    app_make.session.expire_all()
    assert (answer.status_code, lab.voided_at) == (404, None)


TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["NaN", "1e999", "-1", "９９", "\x00", "²", "0.00000001", "9" * 60, "yes", "dry"]),
)
STREAM_FIELDS = ["site_id", "name", "waste_code", "legal_status", "generation_kg_per_month", "stock_kg", "storage_limit_kg", "form", "boiler", "ash_class", "burns_waste", "mixed_with_hazardous"]  # fmt: skip


@settings(max_examples=60)
@given(fields=st.dictionaries(st.sampled_from(STREAM_FIELDS), TEXT))
def test_no_text_breaks_the_form_of_a_stream(clerk: FlaskClient, site: Site, fields: dict[str, str]) -> None:
    answer = clerk.post("/streams/new?material=fly_ash", data=ash(site) | fields)

    assert answer.status_code in {303, 404, 409, 422}


@settings(max_examples=60)
@given(
    fields=st.dictionaries(
        st.sampled_from(
            [
                "sheet_no",
                "laboratory",
                "sampled_on",
                "reported_on",
                "moisture",
                "basis_moisture",
                "so3",
                "method_so3",
                "ph",
            ]
        ),
        TEXT,
    )
)
def test_no_text_breaks_the_form_of_a_sheet(clerk: FlaskClient, stream: WasteStream, fields: dict[str, str]) -> None:
    answer = clerk.post(f"/streams/{stream.id}/sheets/new", data=sheet(so3="1") | fields)

    assert answer.status_code in {303, 409, 422}


@settings(max_examples=40)
@given(q=TEXT, sort=TEXT, page=TEXT)
def test_no_address_breaks_a_list(clerk: FlaskClient, stream: WasteStream, q: str, sort: str, page: str) -> None:
    answers = [
        clerk.get(f"/{noun}", query_string={"q": q, "sort": sort, "page": page})
        for noun in ("sites", "streams", "lines", "filings", "places", "streams/new")
    ]

    unseen = any("\0" in text for text in (q, sort, page))
    assert {answer.status_code for answer in answers} == {404 if unseen else 200}
