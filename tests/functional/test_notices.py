"""Notices as their reader meets them: in the head of each page, in the reader's language, without keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from sqlalchemy import select

from marketplace.domain.notices import SUBJECTS, about
from marketplace.persistence.database import transaction
from marketplace.persistence.notices import MailOff, Notice
from marketplace.persistence.searches import SavedSearch
from marketplace.services import outbox
from marketplace.services.outbox import Waiting
from marketplace.settings import ROOT
from marketplace.web.mailing import off_links
from marketplace.web.notices import LISTS, said
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


@pytest.mark.parametrize(
    "template", sorted((ROOT / "templates" / "mail").glob("[!_]*.txt")), ids=lambda file: file.stem
)
def test_the_mails_that_name_an_object_lead_to_it(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    named = {
        "contracts": "contract_id",
        "awards": "award_id",
        "lines": "line_id",
        "board": "listing_id",
        "shipments": "shipment_id",
    }
    objects = [name for place, name in named.items() if f"/{place}/{{{{ {name} }}}}" in text]

    for name in objects:
        assert about(template.stem, {name: 7}) == (name.removesuffix("_id"), 7)
    assert objects or template.stem.startswith(("organization_", "question")) or template.stem in {
        "reset", "invitation", "appointment", *LISTS, "nothing_awarded",
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


def test_mail_is_ended_by_its_link_without_signing_in_and_not_by_reading(app: Flask, app_make: Make) -> None:
    person_id = app_make.person().id
    address = off_links(app.config["SECRET_KEY"], "")(person_id, "bids")
    app.config["WTF_CSRF_ENABLED"] = True
    browser = app.test_client()
    browser.set_cookie("language", "en")

    asked = browser.get(address)
    assert asked.status_code == 200
    assert "No more mail about “My bids: outbid, void, lost”?" in asked.text
    assert app_make.session.scalars(select(MailOff.subject)).all() == []

    ended = browser.post(address, data={"List-Unsubscribe": "One-Click"})
    assert ended.status_code == 200
    assert "You get no more mail about “My bids: outbid, void, lost”." in ended.text
    app_make.session.rollback()
    assert app_make.session.execute(select(MailOff.person_id, MailOff.subject)).all() == [(person_id, "bids")]


@pytest.mark.parametrize("change", ["x", "", "salt", "subject"])
def test_a_link_that_nobody_wrote_ends_nothing(app: Flask, app_make: Make, change: str) -> None:
    secret, person_id = app.config["SECRET_KEY"], app_make.person().id
    address = {
        "x": off_links(secret, "")(person_id, "bids") + "x",
        "": f"/mail/off/{person_id}",
        "salt": "/mail/off/" + URLSafeSerializer(secret, salt="other").dumps((person_id, "bids")),
        "subject": off_links(secret, "")(person_id, "keys"),
    }[change]

    for answer in (app.test_client().get(address), app.test_client().post(address)):
        assert answer.status_code == 404
    assert app_make.session.scalars(select(MailOff.subject)).all() == []


def test_choices_are_shown_and_kept(app_make: Make, browse: Browse) -> None:
    client = browse(app_make.person().id, language="en")
    assert client.get("/notices/mail").text.count("checked") == len(SUBJECTS)

    kept = client.post("/notices/mail", data={"wanted": ["deals", "rounds"]})

    assert kept.status_code == 303
    assert client.get("/notices/mail").text.count("checked") == 2
    app_make.session.rollback()
    assert set(app_make.session.scalars(select(MailOff.subject))) == SUBJECTS.keys() - {"deals", "rounds"}
    assert client.post("/notices/mail", data={"wanted": ["gossip"]}).status_code == 422


def test_a_search_is_saved_from_the_board_shown_in_words_and_removed(app_make: Make, browse: Browse) -> None:
    client = browse(app_make.person().id, language="en")
    asked = {"q": "fly ash", "place": "Datong", "radius": "100", "band": "", "grade": "", "month": ""}
    assert 'action="/searches"' in client.get("/board", query_string=asked).text

    for _ in range(2):
        assert client.post("/searches", data=asked).headers["Location"] == "/searches"

    page = client.get("/searches").text
    assert "fly ash · within 100 km of Datong" in page
    assert "/board?" in page
    assert page.count("/remove") == 1
    search_id = app_make.session.scalars(select(SavedSearch.id)).one()
    client.post(f"/searches/{search_id}/remove")
    assert "No searches saved" in client.get("/searches").text


def test_a_search_that_never_finds_anything_is_not_kept(app_make: Make, browse: Browse) -> None:
    client = browse(app_make.person().id, language="en")

    refused = client.post("/searches", data={"q": "moonlight"}, follow_redirects=True)

    assert "the board does not know one of its words" in refused.text
    assert app_make.session.scalars(select(SavedSearch.id)).all() == []


def test_a_digest_and_the_letters_of_a_round_are_written_in_both_languages(app: Flask, app_make: Make) -> None:
    person = app_make.person()
    person_id = person.id
    listing = {
        "id": 5, "material": "fly_ash", "place": "140200", "first_month": "2026-12", "last_month": "2027-01",
        "kg_per_month": None, "band": 500_000, "distance_m": 12_400,
    }  # fmt: skip
    search = {"asked": {"q": "ash", "grade": "F-II"}, "materials": ["fly_ash"], "count": 3, "listings": [listing]}
    left = [
        {
            "zh": "干灰",
            "en": "Dry ash",
            "kg": 9_000,
            "why": {"text": "Its organization is suspended by the park and takes no part."},
        }
    ]
    letter = {
        "number": 7, "round_id": 3, "park_zh": "甲园", "park_en": "Park A", "awards": 1, "kg": 25_000,
        "given": [{"other_zh": "乙厂", "other_en": "Works B", "material": "fly_ash", "kg": 25_000, "price_fen_per_t": 1250}],
        "left": left, "lefts": 4, "deadline": {"text": "It is a planning round: these are recommendations, nothing is reserved and nobody has to answer."},
    }  # fmt: skip
    write = app.extensions["marketplace.queue"]._write

    def text(kind: str, language: str, values: dict[str, Any]) -> str:
        written = write(Waiting(1, kind, "a@test.example", language, values, person_id))
        assert f"\n{written.off}\n" in written.text
        return str(written.text)

    digest = text("found", "en", {"searches": [search], "count": 3})
    assert digest.startswith("New on the board: 3 listings in your searches\n")
    assert "- Coal fly ash · Datong · 2026-12–2027-01 · 500–1,000 t · 12 km\n  http" in digest
    assert "and 2 more" in digest
    assert "/board/5\n" in digest
    won = text("awards", "en", letter)
    assert "- Works B · Coal fly ash · 25 t · 12.50 yuan/t\n" in won
    assert "- Dry ash · 9 t\n  Its organization is suspended by the park and takes no part.\n" in won
    assert "and 3 more" in won
    lost = text("nothing_awarded", "zh_Hans_CN", letter | {"awards": 0, "given": []})
    assert lost.startswith("甲园第 7 轮撮合：本次没有贵单位的成交\n")
    assert "- 干灰 · 9 吨\n  所属企业已被园区暂停，不参加本轮。\n" in lost
