"""Notices as their reader meets them: in the head of each page, in the reader's language, without keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from marketplace.domain.notices import about
from marketplace.persistence.database import transaction
from marketplace.persistence.notices import Notice
from marketplace.services import outbox
from marketplace.settings import ROOT
from marketplace.web.notices import said
from tests.factories import NOON, Make

Browse = Callable[..., FlaskClient]


def told(make: Make, email: str, kind: str, **values: Any) -> None:
    with transaction(make.session):
        outbox.post(make.session, kind, email, "en", values, now=NOON)


def test_the_head_of_a_page_counts_and_the_list_speaks_the_readers_language(app_make: Make, browse: Browse) -> None:
    plant = app_make.organization(name_zh="青石电厂", name_en="Greenstone Power")
    person = app_make.person("signatory", organization=plant)
    person_id, email = person.id, person.email
    names = {"id": plant.id, "name_zh": "青石电厂", "name_en": "Greenstone Power"}
    told(app_make, email, "organization_refused", **names, because="许可证过期")
    told(app_make, email, "reset", token="a-key-that-nobody-sees", name="李工")

    english = browse(person_id, language="en").get("/notices").text
    chinese = browse(person_id).get("/notices").text

    assert 'Notices <span class="n">2<span class="visually-hidden"> unread</span>' in english
    assert f'<a href="/organizations/{plant.id}">Greenstone Power is not verified yet</a>' in english
    assert "your park did not verify Greenstone Power. It says: 许可证过期 Correct it here" in english
    assert "The link is in the mail that was sent to you." in english
    assert 'lang="zh-Hans-CN"' in chinese
    assert "2 条未读通知" in chinese
    assert "链接见发送给您的邮件。" in chinese
    for page in (english, chinese):
        assert "a-key-that-nobody-sees" not in page
        assert "\x00" not in page


def test_one_and_all_are_marked_as_read_and_one_stays_where_one_was(app_make: Make, browse: Browse) -> None:
    person = app_make.person()
    person_id, email = person.id, person.email
    for _ in range(3):
        told(app_make, email, "organization_resumed", name_zh="甲", name_en="A")
    first, second, third = app_make.session.scalars(select(Notice.id).order_by(Notice.id)).all()
    client = browse(person_id, language="en")

    one = client.post(f"/notices/{first}/read", data={"only": "unread"})
    left = client.get("/notices?only=unread").text
    many = client.post("/notices/read", data={"up_to": str(second)})
    rest = client.get("/notices").text
    client.post("/notices/read", data={"up_to": str(third)})
    none = client.get("/notices?only=unread").text

    assert (one.status_code, one.location) == (303, "/notices?only=unread")
    assert (many.status_code, many.location) == (303, "/notices")
    assert f'action="/notices/{first}/read"' not in left
    assert f'action="/notices/{second}/read"' in left
    assert "1 unread notice<" in rest
    assert "Nothing unread" in none
    assert '<span class="n">' not in none


@pytest.mark.parametrize("sent", ["", "-1", "1e9", "9" * 40, "二"])
def test_what_cannot_be_read_marks_nothing(app_make: Make, browse: Browse, sent: str) -> None:
    person = app_make.person()
    person_id, email = person.id, person.email
    told(app_make, email, "organization_resumed", name_zh="甲", name_en="A")

    answer = browse(person_id).post("/notices/read", data={"up_to": sent})

    assert answer.status_code == 303
    app_make.session.rollback()
    assert app_make.session.scalars(select(Notice.read_at)).all() == [None]


def test_a_reason_is_shown_as_it_was_typed(app_make: Make, browse: Browse) -> None:
    person = app_make.person()
    person_id, email = person.id, person.email
    told(app_make, email, "organization_suspended", name_zh="甲", name_en="A", because="<script>alert(1)</script>")

    page = browse(person_id, language="en").get("/notices").text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("template", sorted((ROOT / "templates" / "mail").glob("*.txt")), ids=lambda file: file.stem)
def test_the_mails_that_name_an_object_lead_to_it(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    named = {"contracts": "contract_id", "awards": "award_id", "lines": "line_id", "board": "listing_id"}
    objects = [name for place, name in named.items() if f"/{place}/{{{{ {name} }}}}" in text]

    for name in objects:
        assert about(template.stem, {name: 7}) == (name.removesuffix("_id"), 7)
    assert objects or template.stem.startswith(("organization_", "question")) or template.stem in {
        "reset", "invitation", "appointment", "awards",
    }  # fmt: skip


def test_a_subject_is_apart_from_what_is_said(app: Flask) -> None:
    values = {"number": "C-1", "other_zh": "甲", "other_en": "A", "kg": 25_000, "contract_id": 4}

    with app.test_request_context("/notices", headers={"Cookie": "language=en"}):
        subject, text = said("contract", values)

    assert subject == "Contract C-1 with A"
    assert text == ("both sides have accepted: contract C-1 with A over 25 t is made. You can read and print it here:")


def test_notices_are_newest_first(app_make: Make, browse: Browse) -> None:
    person = app_make.person()
    with transaction(app_make.session):
        for hours, name in ((0, "Older"), (1, "Newer")):
            at = NOON + timedelta(hours=hours)
            values = {"name_zh": name, "name_en": name}
            outbox.post(app_make.session, "organization_resumed", person.email, "en", values, now=at)

    page = browse(person.id, language="en").get("/notices").text

    assert page.index("Newer is no longer") < page.index("Older is no longer")
