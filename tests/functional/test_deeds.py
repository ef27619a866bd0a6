"""A contract in the browser: changed by a version that both sides sign with their passwords, then ended with a cause."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from marketplace.adapters.documents import NoPrinter
from marketplace.adapters.passwords import Argon2Passwords
from marketplace.persistence.amendments import Amendment, AmendmentSignature, Termination
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.people import Person
from marketplace.web.i18n import speaking
from tests.factories import Make
from tests.functional.test_rounds import PASSWORD, people
from tests.integration.adapters.test_documents import usable, written
from tests.integration.services.rounds_world import published, world

Browse = Callable[..., FlaskClient]


class Both:
    """A contract of a round with a signatory of each side in a browser."""

    def __init__(self, app_make: Make, browse: Browse) -> None:
        made = world(app_make)
        award = published(app_make.session, made, made.round())[0]
        self.session, who = app_make.session, people(made)
        with transaction(self.session):
            self.session.execute(update(Person).values(password_hash=Argon2Passwords().hashed(PASSWORD)))
        self.plant, self.recycler = (browse(who[name].id, language="en") for name in ("plant", "recycler"))
        self.clerk, self.stranger = (browse(who[name].id, language="en") for name in ("clerk", "stranger"))
        digest = award.terms and self.digest(self.plant.get(f"/awards/{award.id}").text)
        for browser in (self.plant, self.recycler):
            signed = browser.post(f"/awards/{award.id}/accept", data={"terms_sha256": digest, "password": PASSWORD})
        self.url = signed.headers["Location"]

    @staticmethod
    def digest(text: str) -> str:
        return text.partition('name="terms_sha256" value="')[2][:64]

    def count(self, table: type[Amendment | AmendmentSignature | Termination]) -> int | None:
        found = self.session.scalar(select(func.count(table.id)))
        self.session.rollback()
        return found


@pytest.fixture
def both(app_make: Make, browse: Browse) -> Both:
    return Both(app_make, browse)


PLAN = {
    "kg-2027-02": "5000",
    "kg-2027-03": "２,500.5",
    "kg-2027-04": "0",
    "price_fen_per_t": "-1.50",
    "reason": "检修。",
}


def test_a_change_is_proposed_read_and_signed_by_both(both: Both, app: Flask) -> None:
    assert "Propose a change" in both.plant.get(both.url).text
    assert "Propose a change" not in both.clerk.get(both.url).text
    form = both.plant.get(f"{both.url}/change").text
    assert 'name="kg-2027-03"' in form
    assert 'value="5000"' in form

    proposed = both.plant.post(f"{both.url}/change", data=PLAN)
    assert proposed.status_code == 303, proposed.text
    page = proposed.headers["Location"]
    shown = both.recycler.get(page).text
    for text in ("2,500.5", "Mar\u00a02027", "-1.50", "检修。", "Last month", "before that, the version before"):
        assert text.replace("-", "−") in shown or text in shown, text
    assert "A change is proposed" in both.recycler.get(both.url).text
    assert "proposed already" in both.plant.get(f"{both.url}/change").text
    digest = both.digest(shown)
    for wrong in ("", "wrong"):
        assert both.recycler.post(f"{page}/sign", data={"terms_sha256": digest, "password": wrong}).status_code == 422
    assert both.recycler.post(f"{page}/sign", data={"terms_sha256": "0" * 64, "password": PASSWORD}).status_code == 409
    assert both.count(AmendmentSignature) == 0

    first = both.recycler.post(f"{page}/sign", data={"terms_sha256": digest, "password": PASSWORD})
    second = both.plant.post(f"{page}/sign", data={"terms_sha256": digest, "password": PASSWORD})

    assert (first.headers["Location"], second.headers["Location"]) == (page, both.url)
    contract = both.plant.get(both.url).text
    assert digest in contract
    assert "7,500.5" in contract
    old = both.plant.get(f"{both.url}?version=1").text
    assert "not in force any more" in old
    assert "15,000" in old
    assert both.plant.get(f"{both.url}?version=9").status_code == 404
    assert "version 2" in both.plant.get(f"{both.url}/print").text
    _mails_are_written(both, app, {"amendment", "amended"})


def test_a_change_is_refused_as_typed_withdrawn_and_declined(both: Both) -> None:
    for typed in ({"kg-2027-03": ""}, {"kg-2027-03": "many"}, {"reason": " "}, {"price_fen_per_t": "NaN"}):
        assert both.plant.post(f"{both.url}/change", data=PLAN | typed).status_code == 422
    assert both.plant.post(f"{both.url}/change", data=PLAN | {"kg-2027-02": "5001"}).status_code == 409
    assert both.count(Amendment) == 0
    page = both.plant.post(f"{both.url}/change", data=PLAN).headers["Location"]
    assert both.recycler.post(f"{page}/withdraw").status_code == 403
    assert both.plant.post(f"{page}/decline", data={"reason": "No."}).status_code == 403
    assert both.recycler.post(f"{page}/decline", data={"reason": ""}).status_code == 422
    for browser in (both.clerk, both.stranger):
        for act in ("sign", "withdraw", "decline"):
            assert browser.post(f"{page}/{act}", data={"reason": "No."}).status_code == 404

    assert both.recycler.post(f"{page}/decline", data={"reason": "Our silo is small."}).status_code == 303
    again = both.plant.post(f"{both.url}/change", data=PLAN).headers["Location"]
    assert both.plant.post(f"{again}/withdraw").status_code == 303

    assert "Our silo is small." in both.plant.get(page).text
    assert "Withdrawn" in both.recycler.get(again).text
    assert both.plant.post(f"{again}/withdraw").status_code == 409


def test_a_contract_is_ended_with_a_cause_and_the_password(both: Both, app: Flask) -> None:
    form = both.recycler.get(f"{both.url}/terminate").text
    given = {
        "terms_sha256": both.digest(form),
        "cause": "stopped",
        "reason": "Our kiln stands still.",
        "delivered_kg": "0",
    }
    right = given | {"password": PASSWORD}
    for wrong in (
        given, given | {"password": "wrong"}, right | {"cause": "bored"}, right | {"cause": ""}, right | {"reason": ""},
        right | {"delivered_kg": "1"}, right | {"delivered_kg": ""},
    ):  # fmt: skip
        assert both.recycler.post(f"{both.url}/terminate", data=wrong).status_code == 422
    assert both.recycler.post(f"{both.url}/terminate", data=right | {"terms_sha256": "0" * 64}).status_code == 409
    assert both.clerk.post(f"{both.url}/terminate", data=right).status_code == 403
    assert both.stranger.post(f"{both.url}/terminate", data=right).status_code == 404
    assert both.count(Termination) == 0

    assert both.recycler.post(f"{both.url}/terminate", data=right).status_code == 303

    page = both.plant.get(both.url).text
    for text in (
        "Terminated by the recycler",
        "Our kiln stands still.",
        "The own plant or line stops",
        "15,000 t were free",
    ):
        assert text in page
    assert "Propose a change" not in page
    assert "terminated" in both.plant.get("/contracts").text
    assert "Our kiln stands still." in both.plant.get(f"{both.url}/print").text
    assert both.recycler.post(f"{both.url}/terminate", data=right).status_code == 409
    _mails_are_written(both, app, {"terminated"})


def _mails_are_written(both: Both, app: Flask, kinds: set[str]) -> None:
    rows = both.session.scalars(select(OutboxMail).where(OutboxMail.kind.in_(kinds))).all()
    assert {row.kind for row in rows} == kinds
    for row in rows:
        for language, word in (("en", "ontract"), ("zh_Hans_CN", "合同")):
            with app.app_context(), speaking(language):
                subject, _, body = (
                    app.jinja_env.get_template(f"mail/{row.kind}.txt")
                    .render(public_url="http://here", **row.values)
                    .strip()
                    .partition("\n")
                )
            assert word in subject
            assert f"http://here/contracts/{row.values['contract_id']}" in body


def test_a_contract_is_a_pdf_with_its_number_and_hash_in_both_languages(both: Both) -> None:
    usable()
    digest = re.findall(r"<code>([0-9a-f]{64})</code>", both.plant.get(both.url).text)[0]

    for language, word in (("zh_Hans_CN", "污染防治"), ("en", "Pollution control")):
        answer = both.plant.get(f"{both.url}/pdf?language={language}")
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.data == both.recycler.get(f"{both.url}/pdf?language={language}").data
        text = written(answer.data)
        number = re.findall(r"HY-\d{4}-\d{6}", text)[0]
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{number}.pdf"'
        assert digest in re.sub(r"\s", "", text)
        assert word in text
    assert both.stranger.get(f"{both.url}/pdf").status_code == 404


def test_where_no_pdf_can_be_written_the_page_to_print_says_so(both: Both, app: Flask) -> None:
    parts = app.extensions["marketplace"]
    app.extensions["marketplace"] = replace(parts, printer=NoPrinter())
    try:
        answer = both.plant.get(f"{both.url}/pdf?language=en")
    finally:
        app.extensions["marketplace"] = parts

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{both.url}/print?no_pdf=1&language=en"
    assert "cannot write PDF files" in both.plant.get(answer.headers["Location"]).text
    assert "cannot write PDF files" not in both.plant.get(f"{both.url}/print").text
