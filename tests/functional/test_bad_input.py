"""
Whatever is sent to any form, from whoever may send it: no fault of the server, a message, and nothing half written.

The forms are read off the pages, so that a new one is tried by itself; what no form shows is sent to the route map.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from sqlalchemy import String, Text, select
from werkzeug.test import TestResponse

from marketplace.persistence.tables import Base
from tests.functional.conftest import Site, Tour
from tests.functional.routes import routes
from tests.functional.world import LANGUAGES, ROLES, paths

LONG = "灰" * 34_000  # more than 100 kB
BAD = (
    "",
    " ",
    "1e308",
    "-1e308",
    "NaN",
    "Infinity",
    "-0",
    "-1",
    "0",
    "１２３",  # full-width digits
    "1000000000000000000",
    "9" * 40,
    "0.0001",
    "1,2,3",
    "1²",
    "HW18 772-002-18",
    "900-249-08",
    "a\x00b",
    "a\u202eb",
    "a\u200bb",
    "9999-99",
    "9999-12",
    "0001-01",
    "0001-01-01",
    "9999-12-31",
    "2027-02-30",
    "2100-12-31",
    "48.85, 2.35",
    "2147483648",
    "9223372036854775808",
    "None",
    "<script>alert(1)</script>",
    "%(x)s %s {0}",
    "../../etc/passwd",
    "=1+1",
    "\ud7ff\U0010ffff",
    LONG,
)
HIDDEN = re.compile("[\x00\u202a-\u202e\u2066-\u2069\u200e\u200f\u200b\ufeff]")
SAID = re.compile(r'class="(?:field-error|refusal-what)"[^>]*>(.*?)</p>|role="alert"[^>]*>(.*?)</div>', re.DOTALL)
CHINESE = re.compile("[\u4e00-\u9fff]")
THROTTLED = frozenset({"sign_in_tries", "audit_log"})
"""What a refused try to sign in leaves behind."""

Fields = Mapping[str, list[str]]


@dataclass(frozen=True)
class Sent:
    """A form as somebody is shown it."""

    who: str
    path: str
    fields: Fields
    names: tuple[str, ...]


def _forms(tour: Tour) -> list[Sent]:
    """Return every form that somebody is shown, once, and what no form shows, once for each role."""
    found: dict[str, Sent] = {}
    for route in routes():
        for visit in tour.of(route, LANGUAGES[0]) if route.reads else ():
            for form in visit.page.forms if visit.status == 200 else ():
                path = form.action or visit.path
                if form.method == "post" and path not in found and not path.startswith("/logout"):
                    names = tuple(sorted(form.known - {"csrf_token"}))
                    found[path] = Sent(visit.who, path, form.fields, names)
    shown = {path.partition("?")[0] for path in found}
    for route in routes():
        for path, _ in paths(tour.site.world, route) if route.changes and route.rule != "/logout" else ():
            if path not in shown:
                found.update({f"{who} {path}": Sent(who, path, {}, ("kg", "reason")) for who in ROLES})
    return list(found.values())


def _tries(sent: Sent, place: int) -> Iterator[dict[str, list[str]]]:
    """
    Yield what to send: each bad value in all fields; some in each field alone; fields missing, many, nested.

    Which values a field gets alone goes round, so that all of them meet all kinds of fields.
    """
    for value in BAD:
        yield {name: [value] for name in sent.names}
    for number, name in enumerate(sent.names):
        for turn in range(3):
            yield {**sent.fields, name: [BAD[(place * 7 + number * 3 + turn * 13) % len(BAD)]]}
    yield {}
    yield {f"{name}[]": ["1"] for name in sent.names}
    yield {f"{name}-0-{name}": ["1"] for name in sent.names}
    yield {name: ["1", "2", "\x00"] for name in sent.names}


def _what_is_wrong(answer: TestResponse, language: str) -> str:
    """Return what is wrong with a refusal: not in words, or not in the reader's."""
    said = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", "".join(found))) for found in SAID.findall(answer.text))
    if not said.strip():
        return "says nothing"
    if language == "en":
        return "" if re.search(r"[a-z]{3}", said) else f"says {said[:80]!r}"
    return "" if CHINESE.search(said) else f"says {said[:80]!r}"


class Watch:
    """Tells whether something was written, and what."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._connection = site.engine.connect()
        self._seen = self._version()
        self.contents = site.contents(but=THROTTLED)

    def _version(self) -> int:
        found = self._connection.exec_driver_sql("PRAGMA data_version").scalar()
        self._connection.rollback()
        return int(found or 0)

    def changed(self) -> bool:
        """Return whether anything but a counted try was written since the last asking."""
        version, self._seen = self._seen, self._version()
        if version == self._seen:
            return False
        contents, self.contents = self.contents, self._site.contents(but=THROTTLED)
        return contents != self.contents

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


@pytest.fixture(scope="module")
def forms(tour: Tour) -> list[Sent]:
    """Every form, once."""
    return _forms(tour)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_sent_is_answered(own_site: Site, forms: list[Sent], language: str) -> None:
    browsers = {who: own_site.browser(who, language) for who in ROLES}
    watch, faults = Watch(own_site), []

    for place, sent in enumerate(forms):
        for fields in _tries(sent, place):
            answer = browsers[sent.who].post(sent.path, data=fields)
            told = f"{sent.who}, {sent.path}, {str(fields)[:160]}: {answer.status_code}"
            if answer.status_code >= 500 or (answer.status_code in range(200, 300) and watch.changed()):
                faults.append(told)
            elif answer.status_code >= 400:
                if watch.changed():
                    faults.append(f"{told} and something was written")
                if wrong := _what_is_wrong(answer, language):
                    faults.append(f"{told} {wrong}")
            else:
                watch.changed()
            if sent.path.startswith("/account/sessions"):
                browsers[sent.who] = own_site.browser(sent.who, language)
    watch.close()

    assert faults == [], f"{len(faults)}\n" + "\n".join(faults[:40])
    assert own_site.breaches() == []
    assert _unseen(own_site) == []


def _unseen(site: Site) -> list[str]:
    """Return the texts in the database that hold characters which cannot be seen."""
    with site.engine.connect() as connection:
        return [
            f"{table.name}.{column.name}: {text!r}"
            for table in Base.metadata.tables.values()
            for column in table.columns
            if isinstance(column.type, String | Text)
            for text in connection.scalars(select(column))
            if isinstance(text, str) and HIDDEN.search(text)
        ]
