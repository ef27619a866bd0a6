"""Signing in and out, through the browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.people import Person, SignIn
from tests.factories import Make

PASSWORD = "干灰比湿灰好卖得多"
NEW = "矸石要先破碎再筛分"
EMAIL = "li@plant.example"

STRANGE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example/today",
    "http://localhost/today",
    "javascript:alert(1)",
    "\t//evil.example",
    "/\t/evil.example",
    " /today",
    "/%2fevil.example",
    "/%2F%2Fevil.example",
    "%2F%2Fevil.example",
    "/%5cevil.example",
    "/%255cevil.example",
    "/%09/evil.example",
    "//user@evil.example",
    "https://localhost@evil.example",
    "/today@evil.example",
    "@evil.example",
    "evil.example",
    "/no-such-page",
    "/logout",
    "",
    "/" + "a" * 3000,
    "//[",
]


@pytest.fixture
def person(app: Flask, app_make: Make) -> Person:
    hashed = app.extensions["marketplace"].passwords.hashed(PASSWORD)
    return app_make.person("clerk", organization=app_make.organization(), email=EMAIL, password_hash=hashed)


def plain(text: str) -> str:
    """Return a page without what differs from one answer to the next: the token of the forms, and the time."""
    return re.sub(r"(X-CSRFToken\W+|name=\"csrf_token\" value=\")[^\"]+|<time.*?</time>", "", text)


def sign_in(client: FlaskClient, email: str = EMAIL, password: str = PASSWORD, **more: str) -> object:
    return client.post("/login", data={"email": email, "password": password} | more)


def link(app_make: Make, kind: str) -> str:
    app_make.session.rollback()
    mail = app_make.session.scalars(
        select(OutboxMail).where(OutboxMail.kind == kind).order_by(OutboxMail.id.desc())
    ).first()
    assert mail is not None
    return str(mail.values["token"])


def test_a_visitor_is_led_to_sign_in_and_back(client: FlaskClient, person: Person) -> None:
    asked = client.get("/account?x=1")

    done = sign_in(client, next="/account?x=1")

    assert (asked.status_code, asked.location) == (303, "/login?next=/account?x%3D1")
    assert (done.status_code, done.location) == (303, "/account?x=1")
    assert client.get("/account").status_code == 200
    assert client.get("/login").location == "/"
    assert client.get("/").location == "/today"


@pytest.mark.parametrize("wanted", STRANGE)
def test_a_strange_way_back_leads_home(client: FlaskClient, person: Person, wanted: str) -> None:
    asked = client.get(f"/login?next={quote(wanted)}")

    done = sign_in(client, next=wanted)

    assert (asked.status_code, done.status_code, done.location) == (200, 303, "/")
    assert client.post("/language", data={"language": "en", "next": wanted}).location == "/"


def test_wrong_and_unknown_look_alike(app: Flask, person: Person) -> None:
    answers = []
    for email in (EMAIL, "no@plant.example"):
        answer = app.test_client().post("/login", data={"email": email, "password": "not this one"})
        answers.append((answer.status_code, plain(answer.text).replace(email, ""), len(answer.data) - len(email)))

    assert answers[0] == answers[1]
    assert answers[0][0] == 422
    assert "邮箱或密码不正确" in answers[0][1]


def test_a_forgotten_password_is_answered_alike(app: Flask, person: Person) -> None:
    answers = [app.test_client().post("/forgot", data={"email": email}) for email in (EMAIL, "nobody@x.example")]

    assert {(answer.status_code, plain(answer.text)) for answer in answers} == {(200, plain(answers[0].text))}
    assert len(answers[0].data) == len(answers[1].data)


def test_the_password_is_never_sent_back(client: FlaskClient, person: Person) -> None:
    answer = sign_in(client, password="not this one")

    assert "not this one" not in answer.text


def test_after_ten_tries_the_page_says_when_to_try_again(client: FlaskClient, person: Person) -> None:
    for _ in range(10):
        assert sign_in(client, password="not this one").status_code == 422

    answer = sign_in(client)

    assert answer.status_code == 429
    assert "请在" in answer.text
    assert "之后再试" in answer.text
    assert client.get("/today").status_code == 303


def test_a_forged_forwarding_header_changes_no_limit(client: FlaskClient, person: Person, app_make: Make) -> None:
    for number in range(10):
        client.post(
            "/login",
            data={"email": f"nobody{number}@x.example", "password": "not this one"},
            headers={"X-Forwarded-For": f"10.0.0.{number}"},
        )

    assert sign_in(client).status_code == 429
    assert app_make.session.scalar(select(func.count(SignIn.id))) == 0


def test_the_old_cookie_is_dead_after_signing_out(app: Flask, client: FlaskClient, person: Person) -> None:
    sign_in(client)
    stolen = client.get_cookie("session")
    assert stolen is not None

    answer = client.post("/logout")

    thief = app.test_client()
    thief.set_cookie("session", stolen.value)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert thief.get("/today").status_code == 303


def test_signing_in_begins_a_new_session_and_a_new_token_for_forms(app: Flask, person: Person) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    client.get("/login")
    with client.session_transaction() as cookie:
        planted = cookie["csrf_token"]
        cookie["planted"] = "by somebody else"
    refused = sign_in(client)
    app.config["WTF_CSRF_ENABLED"] = False

    sign_in(client)

    with client.session_transaction() as cookie:
        assert (cookie.get("planted"), cookie.get("csrf_token") == planted) == (None, False)
    assert refused.status_code == 400


def test_a_session_that_was_not_used_ends(app: Flask, client: FlaskClient, person: Person) -> None:
    sign_in(client)
    idle = app.extensions["marketplace"].settings.idle_minutes
    with client.session_transaction() as cookie:
        cookie["seen"] -= idle * 60 + 5

    assert client.get("/today").status_code == 303


def test_a_session_ends_after_its_hours_however_much_it_is_used(
    client: FlaskClient, person: Person, app_make: Make
) -> None:
    sign_in(client)
    with transaction(app_make.session):
        app_make.session.execute(update(SignIn).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))

    assert client.get("/today").status_code == 303


def test_nothing_is_kept_of_pages_of_the_signed_in(client: FlaskClient, person: Person) -> None:
    sign_in(client)

    assert client.get("/account").headers["Cache-Control"] == "no-store"


def test_a_mailed_link_sets_the_password_once(client: FlaskClient, person: Person, app_make: Make) -> None:
    client.post("/forgot", data={"email": EMAIL})
    token = link(app_make, "reset")

    shown = client.get(f"/reset/{token}")
    unequal = client.post(f"/reset/{token}", data={"new": NEW, "repeat": "other"})
    common = client.post(f"/reset/{token}", data={"new": "12345678", "repeat": "12345678"})
    done = client.post(f"/reset/{token}", data={"new": NEW, "repeat": NEW})

    assert (shown.status_code, shown.headers["Cache-Control"], EMAIL in shown.text) == (200, "no-store", True)
    assert [answer.status_code for answer in (unequal, common, done)] == [422, 422, 303]
    assert client.get(f"/reset/{token}").status_code == 404
    assert sign_in(client).status_code == 422
    assert sign_in(client, password=NEW).status_code == 303


def test_dead_and_invented_links_look_alike(client: FlaskClient, person: Person, app_make: Make) -> None:
    client.post("/forgot", data={"email": EMAIL})
    token = link(app_make, "reset")
    client.post(f"/reset/{token}", data={"new": NEW, "repeat": NEW})
    client.get("/login")

    texts = {plain(client.get(f"/reset/{each}").text).replace(each, "") for each in (token, "invented")}

    assert len(texts) == 1


def test_the_account_page_changes_name_password_and_sessions(
    app: Flask, client: FlaskClient, person: Person, app_make: Make
) -> None:
    other = app.test_client()
    sign_in(other)
    sign_in(client)
    first = app_make.session.scalar(select(SignIn.id).order_by(SignIn.id))

    named = client.post("/account", data={"name": "李伟", "language": "en"})
    ended = client.post(f"/account/sessions/{first}/end")
    wrong = client.post("/account/password", data={"current": "no", "new": NEW, "repeat": NEW})
    changed = client.post("/account/password", data={"current": PASSWORD, "new": NEW, "repeat": NEW})

    assert [answer.status_code for answer in (named, ended, wrong, changed)] == [303, 303, 422, 303]
    assert "This is not your present password." in wrong.text
    assert other.get("/today").status_code == 303
    assert 'lang="en"' in client.get("/account").text
    assert client.post("/account", data={"name": "", "language": "en"}).status_code == 422


def test_the_language_of_a_visitor_is_in_a_cookie_and_of_a_person_with_the_person(
    app: Flask, client: FlaskClient, person: Person
) -> None:
    chosen = client.post("/language", data={"language": "en", "next": "/login?"})
    assert (chosen.status_code, chosen.location) == (303, "/login")
    assert 'lang="en"' in client.get("/login").text
    assert client.post("/language", data={"language": "fr"}).status_code == 422

    sign_in(client)
    assert 'lang="zh-Hans-CN"' in client.get("/account").text
    client.post("/language", data={"language": "en", "next": "/account"})

    elsewhere = app.test_client()
    sign_in(elsewhere)
    assert 'lang="en"' in elsewhere.get("/account").text
    elsewhere.post("/logout")
    assert 'lang="en"' in elsewhere.get("/login").text


def test_what_the_browser_asks_for_does_not_choose_the_language(client: FlaskClient) -> None:
    answer = client.get("/login", headers={"Accept-Language": "en-US,en"})

    assert 'lang="zh-Hans-CN"' in answer.text


@pytest.mark.parametrize("path", ["/login", "/forgot", "/register", "/reference"])
@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_pages_of_visitors_in_both_languages(client: FlaskClient, app_make: Make, path: str, language: str) -> None:
    app_make.park()
    client.set_cookie("language", language)

    answer = client.get(path)

    assert answer.status_code == 200
    assert f'lang="{language.replace("_", "-")}"' in answer.text


def test_a_blocked_person_is_out_at_the_next_click(
    browse: Callable[..., FlaskClient], person: Person, app_make: Make
) -> None:
    opened = browse(person.id)
    assert opened.get("/today").status_code == 200

    with transaction(app_make.session):
        app_make.session.execute(update(Person).values(blocked_at=Person.created_at))

    assert opened.get("/today").status_code == 303
