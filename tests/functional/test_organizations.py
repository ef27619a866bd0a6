"""Organizations, members and the platform, through the browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from marketplace.domain.notices import ALWAYS_MAILED
from marketplace.domain.organizations import valid_credit_code
from marketplace.jobs import mail
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person
from marketplace.services.outbox import Waiting
from tests.factories import Make

PASSWORD = "干灰比湿灰好卖得多"
ROLES = ("clerk", "signatory", "weigher", "park_administrator", "operator", "auditor", None)
VARYING = r"/organizations/\d+|<time.*?</time>|(X-CSRFToken\W+|name=\"csrf_token\" value=\")[^\"]+"
Browse = Callable[..., FlaskClient]


@dataclass
class World:
    park: Park
    organization: Organization
    people: dict[str | None, Person]
    member: int
    line: int


@pytest.fixture
def world(app_make: Make) -> World:
    park = app_make.park()
    organization = app_make.organization(park_id=park.id)
    site = app_make.site(organization)
    stream = app_make.stream(site, stock_kg=9_000_000, storage_limit_kg=10_000_000)
    app_make.listing(stream)
    people = {
        role: app_make.person(
            role,
            organization=organization if role in ("clerk", "signatory", "weigher") else None,
            park=park if role == "park_administrator" else None,
        )
        for role in ROLES
    }
    line = app_make.line(site, permit_verified_at=None)
    member = app_make.session.scalar(select(Appointment.id).where(Appointment.role == "clerk"))
    assert member is not None
    return World(park, organization, people, member, line.id)


def pages(world: World) -> dict[str, tuple[str | None, ...]]:
    """Return each page and who may open it; everybody else gets the page of what is not there, or is not allowed."""
    of, member, park = world.organization.id, world.member, world.park.id
    insiders: tuple[str | None, ...] = ("clerk", "signatory", "weigher")
    return {
        "/today": ROLES,
        "/account": ROLES,
        "/reference?table=grades": ROLES,
        "/organization": insiders,
        "/organizations": ("park_administrator", "operator", "auditor"),
        f"/organizations/{of}": (*insiders, "park_administrator", "operator", "auditor"),
        f"/organizations/{of}/edit": ("signatory",),
        f"/organizations/{of}/invite": ("signatory",),
        f"/members/{member}": ("signatory",),
        f"/organizations/{of}/refuse": ("park_administrator",),
        f"/organizations/{of}/suspend": ("park_administrator",),
        "/platform": ("operator", "auditor"),
        "/platform/parks/new": ("operator",),
        f"/platform/parks/{park}": ("operator",),
        "/platform/appoint": ("operator",),
        "/audit": ("auditor",),
    }


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
@pytest.mark.parametrize("role", ROLES)
def test_each_page_opens_for_whom_it_is(world: World, browse: Browse, role: str | None, language: str) -> None:
    client = browse(world.people[role].id, language=language)

    opened = {path: client.get(path).status_code for path in pages(world)}

    assert {path for path, status in opened.items() if status == 200} == {
        path for path, allowed in pages(world).items() if role in allowed
    }
    assert set(opened.values()) <= {200, 403, 404}


def test_a_visitor_is_asked_to_sign_in(world: World, client: FlaskClient) -> None:
    opened = {path: client.get(path).status_code for path in pages(world) if not path.startswith("/reference")}

    assert set(opened.values()) == {303}


@pytest.mark.parametrize("table", ["waste_codes", "materials", "grades", "routes", "freight", "factors", "nonsense"])
@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_the_tables_of_the_field_open_to_everybody(client: FlaskClient, table: str, language: str) -> None:
    client.set_cookie("language", language)

    answer = client.get(f"/reference?table={table}&page=1")

    assert answer.status_code == 200
    assert ("待确认" if language != "en" else "to be confirmed") in answer.text or table in (
        "waste_codes",
        "materials",
        "nonsense",
    )


def test_a_synonym_finds_its_material(client: FlaskClient) -> None:
    found = client.get("/reference?table=materials&q=煤灰").text
    nothing = client.get("/reference?table=materials&q=xyzzy").text

    assert "粉煤灰" in found
    assert "没有符合的条目" in nothing


def test_another_organization_answers_like_none_on_every_verb(world: World, app_make: Make, browse: Browse) -> None:
    other = app_make.organization()
    stranger = browse(world.people["signatory"].id)
    stranger.get("/today")
    suffixes = ("", "/edit", "/invite", "/verify", "/refuse", "/suspend", "/resume", "/invitations/1/revoke")

    for suffix in suffixes:
        for verb in ("get", "post", "put", "delete", "patch"):
            answers = [getattr(stranger, verb)(f"/organizations/{of}{suffix}") for of in (other.id, 99999)]
            texts = [re.sub(VARYING, "", answer.text) for answer in answers]
            assert answers[0].status_code == answers[1].status_code
            assert texts[0] == texts[1]
            assert answers[0].status_code in (404, 405)


def form_of_an_organization(park: Park, **given: str) -> dict[str, str]:
    return {
        "name_zh": "云岗热电",
        "name_en": "Yungang Power",
        "credit_code": valid_credit_code("91140200MA0K99999"),
        "produces": "y",
        "park_id": str(park.id),
        "contact_name": "李伟",
        "contact_phone": "0352-5550100",
        "email": "li@plant.example",
        "name": "李伟",
        "password": PASSWORD,
        "repeat": PASSWORD,
    } | given


def test_registering_signs_in_and_awaits_verification(client: FlaskClient, world: World, browse: Browse) -> None:
    done = client.post("/register", data=form_of_an_organization(world.park))

    mine = client.get("/organization")
    assert (done.status_code, done.location, mine.status_code) == (303, "/organization", 200)
    assert "待园区核验" in mine.text
    park = browse(world.people["park_administrator"].id)
    found = re.search(r"/organizations/(\d+)\">云岗热电", park.get("/organizations?state=waiting").text)
    assert found is not None
    assert park.post(f"/organizations/{found[1]}/verify").status_code == 303
    assert "待园区核验" not in client.get("/organization").text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"credit_code": "91140200MA0K999990"}, "credit_code"),
        ({"produces": ""}, "produces"),
        ({"password": "12345678", "repeat": "12345678"}, "password"),
        ({"repeat": "another one"}, "repeat"),
        ({"email": "li"}, "email"),
        ({"park_id": "999"}, "park_id"),
        ({"name_zh": ""}, "name_zh"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
    client: FlaskClient, world: World, given: dict[str, str], field: str
) -> None:
    values = {
        name: value
        for name, value in form_of_an_organization(world.park, **given).items()
        if value or name != "produces"
    }

    answer = client.post("/register", data=values)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert 'value="0352-5550100"' in answer.text
    assert PASSWORD not in answer.text


def test_who_is_signed_in_does_not_register(world: World, browse: Browse) -> None:
    assert browse(world.people["clerk"].id).get("/register").status_code == 409


def test_an_invitation_from_the_mail_to_the_role(
    app: Flask, world: World, app_make: Make, browse: Browse, client: FlaskClient
) -> None:
    signatory = browse(world.people["signatory"].id)
    of = world.organization.id

    sent = signatory.post(f"/organizations/{of}/invite", data={"email": "wang@plant.example", "role": "clerk"})
    token = last_mail(app_make, "invitation")
    shown = client.get(f"/join/{token}")
    joined = client.post(f"/join/{token}", data={"name": "王芳", "password": PASSWORD, "repeat": PASSWORD})

    assert [answer.status_code for answer in (sent, shown, joined)] == [303, 200, 303]
    assert "wang@plant.example" in shown.text
    assert client.get("/organization").status_code == 200
    assert client.get(f"/organizations/{of}/invite").status_code == 404
    app_make.session.rollback()
    held = app_make.session.scalar(select(Appointment.id).order_by(Appointment.id.desc()))
    assert signatory.post(f"/members/{held}/remove").status_code == 303
    assert client.get("/organization").status_code == 404
    assert app.test_client().get(f"/join/{token}").status_code == 404


def test_who_has_an_account_signs_in_first(world: World, app_make: Make, browse: Browse, client: FlaskClient) -> None:
    known = app_make.person(email="wang@plant.example")
    browse(world.people["signatory"].id).post(
        f"/organizations/{world.organization.id}/invite", data={"email": "wang@plant.example", "role": "clerk"}
    )
    token = last_mail(app_make, "invitation")

    visitor, stranger, invited = client, browse(world.people[None].id), browse(known.id)

    assert f"/login?next=/join/{token}" in visitor.get(f"/join/{token}").text
    assert visitor.post(f"/join/{token}").status_code == 409
    assert stranger.post(f"/join/{token}").status_code == 409
    assert invited.get(f"/join/{token}").status_code == 200
    assert invited.post(f"/join/{token}").status_code == 303
    assert invited.get("/organization").status_code == 200


def test_a_role_changes_and_the_last_signatory_stays(world: World, app_make: Make, browse: Browse) -> None:
    signatory, clerk = browse(world.people["signatory"].id), browse(world.people["clerk"].id)
    own = app_make.session.scalar(select(Appointment.id).where(Appointment.person_id == world.people["signatory"].id))

    refused = signatory.post(f"/members/{own}", data={"role": "clerk", "site_id": ""})
    without_site = signatory.post(f"/members/{world.member}", data={"role": "weigher"})
    changed = signatory.post(f"/members/{world.member}", data={"role": "signatory"})

    assert [answer.status_code for answer in (refused, without_site, changed)] == [409, 422, 303]
    assert clerk.get(f"/organizations/{world.organization.id}/edit").status_code == 200


def test_the_park_refuses_suspends_and_verifies_permits(world: World, browse: Browse) -> None:
    park, clerk = browse(world.people["park_administrator"].id), browse(world.people["clerk"].id)
    of = world.organization.id

    without = park.post(f"/organizations/{of}/suspend", data={"because": " "})
    suspended = park.post(f"/organizations/{of}/suspend", data={"because": "许可失效"})
    resting = clerk.get("/organization").status_code, clerk.get("/today")
    resumed = park.post(f"/organizations/{of}/resume")
    permit = park.post(f"/permits/{world.line}/verify")

    assert [answer.status_code for answer in (without, suspended, resumed, permit)] == [422, 303, 303, 303]
    assert (resting[0], resting[1].status_code) == (404, 200)
    assert "已被园区暂停" in resting[1].text
    assert clerk.get("/organization").status_code == 200
    assert "许可失效" in clerk.get("/organization").text
    assert clerk.post(f"/permits/{world.line}/withdraw").status_code in (403, 404)


def test_the_operator_adds_a_park_and_appoints_its_administrator(
    world: World, app_make: Make, browse: Browse, client: FlaskClient
) -> None:
    operator = browse(world.people["operator"].id)
    form = {
        "name_zh": "云岗园区",
        "kind": "estate",
        "division": "云冈区",
        "goal": "５７．５",
        "goal_source": "国家目标",
    }

    added = operator.post("/platform/parks/new", data=form)
    wrong = [
        operator.post("/platform/parks/new", data=form | change).status_code
        for change in (
            {"goal": "101"},
            {"goal": "NaN"},
            {"goal": "57.55"},
            {"division": "亚特兰蒂斯"},
            {"kind": "city"},
            {"goal_source": ""},
        )
    ]
    park = app_make.session.scalars(select(Park).where(Park.name_zh == "云岗园区")).one()
    who = {"email": "wang@park.example", "name": "王芳", "role": "park_administrator", "park_id": str(park.id)}
    appointed = operator.post("/platform/appoint", data=who)
    again = operator.post("/platform/appoint", data=who)

    assert (added.status_code, wrong, appointed.status_code, again.status_code) == (303, [422] * 6, 303, 409)
    assert (park.goal_permille, park.division_code) == (575, "140214")
    token = last_mail(app_make, "appointment")
    client.post(f"/reset/{token}", data={"new": PASSWORD, "repeat": PASSWORD})
    client.post("/login", data={"email": "wang@park.example", "password": PASSWORD})
    assert client.get("/organizations").status_code == 200
    app_make.session.rollback()
    held = app_make.session.scalar(select(Appointment.id).where(Appointment.park_id == park.id))
    assert operator.post(f"/platform/appointments/{held}/end").status_code == 303
    assert client.get("/organizations").status_code == 404


def test_the_auditor_reads_the_log_and_finds_an_act(world: World, browse: Browse) -> None:
    park, auditor = browse(world.people["park_administrator"].id), browse(world.people["auditor"].id)
    park.post(f"/organizations/{world.organization.id}/suspend", data={"because": "许可失效"})

    found = auditor.get(f"/audit?action=organization.suspend&organization={world.organization.id}").text
    elsewhere = auditor.get("/audit?from=2001-01-01&to=2001-12-31").text
    nonsense = auditor.get("/audit?from=x&to=9999-99-99&page=-3&organization=y&action=z")
    unseen = auditor.get("/audit?action=%00")

    assert "许可失效" in found
    assert "此期间没有记录" in elsewhere
    assert (nonsense.status_code, unseen.status_code) == (200, 404)


def test_no_secret_stands_in_the_log(world: World, app_make: Make, browse: Browse, client: FlaskClient) -> None:
    signatory = browse(world.people["signatory"].id)
    signatory.post(f"/organizations/{world.organization.id}/invite", data={"email": "w@plant.example", "role": "clerk"})
    token = last_mail(app_make, "invitation")
    client.post(f"/join/{token}", data={"name": "王芳", "password": PASSWORD, "repeat": PASSWORD})
    client.post("/login", data={"email": "w@plant.example", "password": "not this one"})

    app_make.session.rollback()
    log = str([vars(row) for row in app_make.session.scalars(select(AuditRow))])

    assert [secret for secret in (token, PASSWORD, "not this one", "argon2") if secret in log] == []


KINDS = {
    "reset": {"token": "T0KEN", "name": "李伟"},
    "invitation": {"token": "T0KEN", "name_zh": "云岗", "name_en": "Yungang", "role": "clerk", "by": "王芳"},
    "appointment": {"token": "T0KEN", "name": "李伟", "role": "auditor"},
    "organization_registered": {"id": 7, "name_zh": "云岗", "name_en": "Yungang"},
    "organization_verified": {"id": 7, "name_zh": "云岗", "name_en": "Yungang"},
    "organization_refused": {"id": 7, "name_zh": "云岗", "name_en": "Yungang", "because": "许可失效"},
    "organization_suspended": {"id": 7, "name_zh": "云岗", "name_en": "Yungang", "because": "许可失效"},
    "organization_resumed": {"id": 7, "name_zh": "云岗", "name_en": "Yungang"},
}


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_mails_have_a_subject_and_links_to_the_configured_address(app: Flask, kind: str, language: str) -> None:
    write: mail.Write = app.extensions["marketplace.queue"]._write

    written = write(Waiting(1, kind, "li@test.example", language, KINDS[kind], 7))
    subject, _, text = written.text.strip().partition("\n")

    address = app.extensions["marketplace"].settings.public_url
    assert subject.strip()
    assert (written.off is None) == (kind in ALWAYS_MAILED)
    assert written.off is None or written.off in text
    assert all(link.startswith(f"{address}/") for link in links(text))
    assert ("T0KEN" in KINDS[kind].values()) == ("T0KEN" in text)
    assert bool(re.search(r"[\u4e00-\u9fff]", subject)) is (language != "en") or "李伟" in subject


def links(text: str) -> Iterator[str]:
    yield from re.findall(r"https?://\S+", text)


def last_mail(make: Make, kind: str) -> str:
    make.session.rollback()
    found = make.session.scalars(
        select(OutboxMail)
        .where(OutboxMail.kind == kind)
        .order_by(OutboxMail.id.desc())
        .execution_options(populate_existing=True)
    ).first()
    assert found is not None
    return str(found.values["token"])
