"""Intake lines, through the browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from marketplace.domain.quantities import Month
from marketplace.persistence.lines import AcceptanceLimit, IntakeLine, LineMaterial, LineMonth
from marketplace.persistence.organizations import Organization, Site
from tests.factories import Make

Browse = Callable[..., FlaskClient]

TODAY = date.today()


@pytest.fixture
def own(app_make: Make) -> Organization:
    return app_make.organization(name_zh="云州水泥", name_en="Yunzhou Cement")


@pytest.fixture
def site(app_make: Make, own: Organization) -> Site:
    return app_make.site(own)


@pytest.fixture
def clerk(app_make: Make, browse: Browse, own: Organization) -> FlaskClient:
    return browse(app_make.person("clerk", organization=own).id, language="en")


def mill(site: Site, **given: str) -> dict[str, str]:
    """Return what a browser sends; an empty month is not sent, as no unchecked box is."""
    named = {name.replace("__", "-"): value for name, value in given.items()}
    sent = {
        "site_id": str(site.id),
        "name": "二号磨",
        "route": "cement_admixture",
        "materials-0-material": "fly_ash",
        "materials-0-price": "-12.5",
        "limits-0-property": "moisture",
        "limits-0-maximum": "1",
        "limits-0-deduction": "3",
        "limits-0-stop_value": "2",
        "capacity_kg_per_month": "8,000",
        "capacity_kg_per_year": "80000",
        "closed_months": "1",
        "radius_km": "150.5",
        "least_lot_kg": "30",
        "permit_no": "PWX-1",
        "permit_valid_until": "2099-12-31",
    } | named
    return {name: value for name, value in sent.items() if value or name != "closed_months"}


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_page_of_lines(language: str, app_make: Make, browse: Browse, own: Organization, site: Site) -> None:
    limit = AcceptanceLimit(property="moisture", maximum=Decimal(1), deduction_fen_per_unit=300)
    line = app_make.line(
        site, name="二号磨", limits=(limit,), closed_months="1,12", materials={"fly_ash": -1250, "bf_slag": 0}
    )
    app_make._add(LineMonth(line_id=line.id, month=Month.of(TODAY), capacity_kg=20_000_000, contracted_kg=5_000_000))
    client = browse(app_make.person("clerk", organization=own).id, language=language)

    pages = [
        client.get(url)
        for url in (
            "/lines", "/lines?state=retired", "/lines?q=粉煤灰&sort=-capacity", f"/lines/{line.id}", f"/lines/{line.id}/edit",
            "/lines/new", f"/lines/new?copy={line.id}",
        )
    ]  # fmt: skip

    assert [page.status_code for page in pages] == [200] * 7
    assert "二号磨" in pages[2].text
    assert ("the producer pays the line 12.50 yuan per tonne" in pages[3].text) is (language == "en")


def test_a_line_is_kept_with_rows_of_materials_and_limits(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    answer = clerk.post(
        "/lines/new", data=mill(site, materials__2__material="bf_slag", materials__2__price="６0", closed_months="12")
    )

    line = app_make.session.scalars(select(IntakeLine)).one()
    prices = app_make.session.execute(
        select(LineMaterial.material, LineMaterial.price_fen_per_t).order_by(LineMaterial.id)
    ).all()
    limit = app_make.session.scalars(select(AcceptanceLimit)).one()
    assert (answer.status_code, answer.location) == (303, f"/lines/{line.id}")
    assert [tuple(row) for row in prices] == [("fly_ash", -1250), ("bf_slag", 6000)]
    assert (limit.material, limit.maximum, limit.deduction_fen_per_unit, limit.stop_value) == ("", 1, 300, 2)
    assert (line.capacity_kg_per_month, line.capacity_kg_per_year) == (8_000_000, 80_000_000)
    assert (line.closed_months, line.radius_m, line.permit_verified_at) == ("12", 150_500, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"materials__0__material": "", "materials__0__price": ""}, "at least one material"),
        ({"materials__0__price": ""}, "Say what a tonne fetches"),
        ({"materials__0__material": ""}, "Choose the material of this price"),
        ({"materials__0__material": "gold"}, "There is no material"),
        ({"materials__1__material": "fly_ash", "materials__1__price": "1"}, "stands here twice"),
        ({"limits__0__property": ""}, "Choose the property of this limit"),
        ({"limits__0__maximum": ""}, "Give a least value, a greatest value or both"),
        ({"limits__0__maximum": "140"}, "lies between 0 and 100"),
        ({"limits__0__stop_value": "0.5"}, "inside the limit"),
        ({"limits__0__deduction": ""}, "A stop value needs a deduction"),
        ({"limits__0__material": "bf_slag"}, "The line does not take"),
        ({"limits__1__property": "moisture", "limits__1__maximum": "3"}, "two limits"),
        ({"capacity_kg_per_month": "0"}, "above zero"),
        ({"capacity_kg_per_year": "100"}, "at least as much as one month"),
        ({"route": "magic"}, "no utilization route"),
        ({"radius_km": "0"}, "at most 5,000 km"),
        ({"radius_km": "NaN"}, "is not a number"),
        ({"least_lot_kg": "9000"}, "more than the line takes"),
        ({"permit_no": ""}, "Give the number of the permit"),
        ({"permit_valid_until": ""}, "Say until when"),
        ({"closed_months": "13"}, "from 1 to 12"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    app_make: Make, clerk: FlaskClient, site: Site, given: dict[str, str], said: str
) -> None:
    answer = clerk.post("/lines/new", data=mill(site, **given))

    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="二号磨"' in answer.text
    assert app_make.session.scalar(select(func.count(IntakeLine.id))) == 0


def test_a_refusal_stands_in_its_row(clerk: FlaskClient, site: Site) -> None:
    page = clerk.post(
        "/lines/new", data=mill(site, limits__5__property="so3", limits__5__minimum="4", limits__5__maximum="3")
    )

    assert 'id="limits-5-minimum-error"' in page.text


def test_rows_are_added_without_a_script(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    page = clerk.post("/lines/new", data=mill(site, step="rows"))

    assert page.status_code == 200
    assert page.text.count('name="limits-') > 6 * 6
    assert 'value="-12.5"' in page.text
    assert app_make.session.scalar(select(func.count(IntakeLine.id))) == 0


def test_usual_limits_are_filled_in_beside_those_typed(clerk: FlaskClient, site: Site) -> None:
    page = clerk.post("/lines/new", data=mill(site, step="suggest"))

    assert page.status_code == 200
    assert page.text.count('<option selected value="loss_on_ignition">') == 1
    assert page.text.count('<option selected value="moisture">') == 1


def test_a_copy_leaves_out_the_permit(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    line = app_make.line(site, name="二号磨", permit_no="PWX-77")

    page = clerk.get(f"/lines/new?copy={line.id}")

    assert "二号磨 (copy)" in page.text
    assert "PWX-77" not in page.text


def test_a_changed_permit_loses_its_verification(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    line = app_make.line(site, permit_no="PWX-1", permit_valid_until=date(2099, 12, 31))
    app_make.session.rollback()
    app_make.session.expire_all()

    kept = clerk.post(f"/lines/{line.id}/edit", data=mill(site))
    still = line.permit_verified_at
    changed = clerk.post(f"/lines/{line.id}/edit", data=mill(site, permit_no="PWX-2"), follow_redirects=True)

    app_make.session.rollback()
    app_make.session.expire_all()
    assert (kept.status_code, still is not None, line.permit_verified_at) == (303, True, None)
    assert "the park verifies it again" in changed.text


def test_capacity_does_not_go_below_what_is_committed(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    line = app_make.line(site, name="二号磨")
    counter = app_make._add(
        LineMonth(line_id=line.id, month=Month.of(TODAY).plus(1), capacity_kg=20_000_000, contracted_kg=9_000_000)
    )
    app_make.session.rollback()
    app_make.session.expire_all()

    refused = clerk.post(f"/lines/{line.id}/edit", data=mill(site))
    allowed = clerk.post(f"/lines/{line.id}/edit", data=mill(site, capacity_kg_per_month="9000", closed_months=""))

    app_make.session.rollback()
    app_make.session.expire_all()
    assert (refused.status_code, allowed.status_code) == (409, 303)
    assert "9,000 t are already committed in one month" in refused.text or "cannot stand still" in refused.text
    assert (counter.capacity_kg, line.capacity_kg_per_month) == (9_000_000, 9_000_000)


def test_a_month_with_commitments_is_not_closed(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    line = app_make.line(site, name="二号磨")
    month = Month.of(TODAY).plus(1)
    app_make._add(LineMonth(line_id=line.id, month=month, capacity_kg=20_000_000, reserved_kg=1_000))
    app_make.session.rollback()
    app_make.session.expire_all()

    answer = clerk.post(f"/lines/{line.id}/edit", data=mill(site, closed_months=str(month.number)))

    app_make.session.rollback()
    app_make.session.expire_all()
    assert answer.status_code == 409
    assert "cannot stand still then" in answer.text
    assert line.closed_months == ""


def test_another_organizations_line_is_not_there(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    other = app_make.line(name="别家磨")

    answers = [
        clerk.get(f"/lines/{other.id}"),
        clerk.get(f"/lines/{other.id}/edit"),
        clerk.post(f"/lines/{other.id}/edit", data=mill(site)),
        clerk.post(f"/lines/{other.id}/retire"),
        clerk.get(f"/lines/new?copy={other.id}"),
        clerk.post("/lines/new", data=mill(site, site_id=str(other.site_id))),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert "别家磨" not in clerk.get("/lines").text


def test_a_line_is_retired_unless_awards_reserve_it(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    free, held = app_make.line(site), app_make.line(site)
    app_make._add(LineMonth(line_id=held.id, month=Month.of(TODAY), capacity_kg=20_000_000, reserved_kg=1_000))

    statuses = [clerk.post(f"/lines/{line.id}/retire").status_code for line in (free, held, free)]

    assert statuses == [303, 409, 409]


def test_the_card_warns_of_a_permit_that_ends_soon(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    line = app_make.line(site, permit_valid_until=TODAY + timedelta(days=20))

    page = clerk.get(f"/lines/{line.id}")

    assert "days left: 20" in page.text


TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["NaN", "1e999", "-1", "９９", "\x00", "²", "0.00000001", "9" * 60, "fly_ash", "so3"]),
)
FIELDS = ["site_id", "name", "route", "materials-0-material", "materials-0-price", "materials-²-price", "materials-999999999999-price", "limits-0-property", "limits-0-minimum", "limits-0-deduction", "limits-7-stop_value", "capacity_kg_per_month", "capacity_kg_per_year", "closed_months", "radius_km", "least_lot_kg", "permit_no", "permit_valid_until", "step"]  # fmt: skip


@settings(max_examples=60)
@given(fields=st.dictionaries(st.sampled_from(FIELDS), TEXT), step=st.sampled_from(["", "rows", "suggest"]))
def test_no_text_breaks_the_form(clerk: FlaskClient, site: Site, fields: dict[str, str], step: str) -> None:
    answer = clerk.post("/lines/new", data=mill(site) | {"step": step} | fields)

    assert answer.status_code in {200, 303, 404, 409, 422}


def test_what_may_wait_in_front_of_a_line_is_kept_and_shown(app_make: Make, clerk: FlaskClient, site: Site) -> None:
    answer = clerk.post("/lines/new", data=mill(site, storage="1,500", storage_cost="2.5"))

    line = app_make.session.scalars(select(IntakeLine)).one()
    assert (answer.status_code, line.storage_kg, line.storage_fen_per_t) == (303, 1_500_000, 250)
    assert "1,500 t, at 2.50 yuan" in clerk.get(f"/lines/{line.id}").text
    edit = clerk.get(f"/lines/{line.id}/edit").text
    assert 'value="1500"' in edit
    emptied = clerk.post(f"/lines/{line.id}/edit", data=mill(site, storage="", storage_cost=""))
    app_make.session.rollback()
    assert (emptied.status_code, line.storage_kg, line.storage_fen_per_t) == (303, 0, 0)


@pytest.mark.parametrize(
    "wrong", [{"storage": "", "storage_cost": "1"}, {"storage": "-1"}, {"storage": "1", "storage_cost": "1000.01"}]
)
def test_storage_that_makes_no_sense_keeps_no_line(
    app_make: Make, clerk: FlaskClient, site: Site, wrong: dict[str, str]
) -> None:
    answer = clerk.post("/lines/new", data=mill(site, **wrong))

    assert answer.status_code == 422
    assert app_make.session.scalars(select(IntakeLine)).all() == []
