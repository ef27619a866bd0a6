"""While the database does not answer, everybody is told to come back: in words, and never with the inside of a fault."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError  # noqa: A004

from tests.functional.conftest import Site
from tests.functional.world import LANGUAGES


class Down:
    """A session to a database that does not answer."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def __getattr__(self, name: str) -> object:
        def fail(*_: object, **__: object) -> NoReturn:
            raise self._fault

        return fail

    def close(self) -> None:
        """Let go of nothing."""


FAULTS = (
    OperationalError("select secret", {}, Exception("no connection")),
    InterfaceError("select secret", {}, Exception("closed")),
    TimeoutError("the pool is empty"),
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_without_a_database_everybody_is_told_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch, language: str, fault: Exception
) -> None:
    browsers = [site.browser(who, language) for who in ("visitor", "clerk of the producer")]
    parts = site.app.extensions["marketplace"]
    monkeypatch.setitem(site.app.extensions, "marketplace", replace(parts, sessions=lambda: Down(fault)))

    answers = [browser.get(path) for browser in browsers for path in ("/board", "/public/parks")]
    answers += [browser.post("/login", data={"email": "a@b.example", "password": "x" * 9}) for browser in browsers]

    assert {(answer.status_code, answer.headers["Retry-After"]) for answer in answers} == {(503, "5")}
    assert not [answer.text for answer in answers if "secret" in answer.text or "Traceback" in answer.text]


def test_the_process_still_says_that_it_lives(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = site.app.extensions["marketplace"]
    monkeypatch.setitem(site.app.extensions, "marketplace", replace(parts, sessions=lambda: Down(FAULTS[0])))
    browser = site.app.test_client()

    alive, ready = browser.get("/healthz"), browser.get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 503)
