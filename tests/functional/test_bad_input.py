"""
Whatever is sent to any form, from whoever may send it: no fault of the server, a message, and nothing half written.

The forms are read off the pages, so that a new one is tried by itself; what no form shows is sent to the route map.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import String, Text, select, text
from werkzeug.test import TestResponse

from marketplace.app import create_app
from marketplace.domain.policy import EVERYBODY, POLICY
from marketplace.domain.quantities import Month
from marketplace.persistence.tables import Base
from tests.conftest import settings_for
from tests.functional.conftest import Site, Tour
from tests.functional.pages import Form
from tests.functional.routes import BY_LINK, Route, routes
from tests.functional.world import LANGUAGES, ROLES, build, paths

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
SAID = re.compile(
    r'class="(?:field-error|refusal-what|notice)[ "][^>]*>(.*?)</(?:p|div)>|role="alert"[^>]*>(.*?)</div>', re.DOTALL
)
CHINESE = re.compile("[\u4e00-\u9fff]")
TRACES = frozenset({"sign_in_tries", "sign_ins", "audit_log"})
"""What signing in leaves behind, and a try that is refused."""

MOST_ALONE = 8
"""So many fields of a form are tried alone at most."""

Fields = Mapping[str, list[str]]


@dataclass(frozen=True)
class Sent:
    """A form as somebody is shown it."""

    who: str
    path: str
    fields: Fields
    names: tuple[str, ...]


def _forms(tour: Tour) -> list[Sent]:
    """Return a form for each route, as somebody is shown it; where nobody is, what its owner would send."""
    found: dict[str, Sent] = {}
    for route in routes():
        for visit in tour.of(route, LANGUAGES[0]) if route.reads else ():
            for form in visit.page.forms if visit.status == 200 else ():
                path = form.action or visit.path
                rule = _rule(tour, path) if form.method == "post" else None
                if rule is not None and rule not in found:
                    names = tuple(sorted(form.known - {"csrf_token"}))
                    found[rule] = Sent(visit.who, path, _filled(form), names)
    for route in routes():
        if route.changes and route.rule not in found:
            path, _ = next(paths(tour.site.world, route))
            found[route.rule] = Sent(_holder(route), path, {}, ())
    return [sent for rule, sent in found.items() if rule not in {"/logout", *BY_LINK}]


def _filled(form: Form) -> dict[str, list[str]]:
    """Return the fields of a form as a person might fill them in."""
    month = Month.of(date.today()).plus(1)
    meant = (("month", str(month)), ("_on", f"{month}-15"), ("_from", f"{month}-15"), ("_to", f"{month}-15"))
    blank = {name: next((value for mark, value in meant if mark in name), "2") for name in form.blank}
    return form.fields | {name: [value] for name, value in blank.items()}


def _rule(tour: Tour, path: str) -> str:
    """Return the rule of the route that an address leads to."""
    return str(tour.site.app.url_map.bind("localhost").match(path.partition("?")[0], "POST", return_rule=True)[0].rule)


def _holder(route: Route) -> str:
    """Return somebody who may do what the route changes."""
    roles = POLICY[route.changing].cells
    if EVERYBODY in roles:
        return next(who for who in ROLES if who != "visitor")
    return next(
        who for who in ROLES if {"administrator": "park_administrator"}.get(who.split()[0], who.split()[0]) in roles
    )


def _tries(sent: Sent, place: int, *, share: int) -> Iterator[dict[str, list[str]]]:
    """
    Yield what to send: bad values in all fields; bad values in one field; fields missing, nested, and many.

    Of the values each ``share``-th is taken; which ones a field gets alone goes round, so that all meet all kinds.
    """
    yield {}
    if not sent.names:
        return
    for value in BAD[place % share :: share]:
        yield {name: [value] for name in sent.names}
    good = {name: values for name, values in sent.fields.items() if name != "step"}
    for number, name in enumerate(sent.names[:: len(sent.names) // MOST_ALONE + 1]):
        for turn in range(3):
            yield {**good, name: [BAD[(place * 7 + number * 3 + turn * 13 + share) % len(BAD)]]}
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


@pytest.fixture(scope="module")
def forms(tour: Tour) -> list[Sent]:
    """Every form, once."""
    return _forms(tour)


@pytest.mark.parametrize(("language", "share"), [("zh_Hans_CN", 3), ("en", 8)])
def test_whatever_is_sent_is_answered(own_site: Site, forms: list[Sent], language: str, share: int) -> None:
    kept, before = own_site.keep(), own_site.contents()
    faults, accepted = [], 0

    for place, sent in enumerate(forms):
        browser = own_site.browser(sent.who, language)
        begun = own_site.contents(but=TRACES)
        for fields in _tries(sent, place, share=share):
            answer = browser.post(sent.path, data=fields)
            told = f"{sent.who}, {sent.path}, {str(fields)[:200]}: {answer.status_code}"
            if answer.status_code in range(300, 400):
                accepted += 1
                faults += [f"{told} keeps {kept_text}" for kept_text in _unseen(own_site)]
                own_site.restore(kept)
                browser = own_site.browser(sent.who, language)
            elif answer.status_code >= 500:
                faults.append(told)
            elif answer.status_code >= 400 and (wrong := _what_is_wrong(answer, language)):
                faults.append(f"{told} {wrong}")
        if own_site.contents(but=TRACES) != begun:
            faults.append(f"{sent.who}, {sent.path}: something refused was written")
        own_site.restore(kept)

    assert faults == [], f"{len(faults)}\n" + "\n".join(faults[:60])
    assert accepted > len(forms) // 4
    assert own_site.contents() == before


TOO_MUCH = (
    "a\x00b",
    "1" + "0" * 18,
    "2147483648",
    "9223372036854775808",
    "-1",
    "0001-01-01",
    "9999-12-31",
    "٣",
    LONG[:5000],
)
"""What one database or the other cannot keep or count."""


@pytest.fixture
def postgres_site(postgres_url: str | None, tmp_path: Path) -> Iterator[Site]:
    """The same world on PostgreSQL."""
    if postgres_url is None:
        pytest.skip("no PostgreSQL: install postgresql, or name one in HUIYONG_TEST_POSTGRES")
    app = create_app(settings_for(postgres_url, tmp_path))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    with app.extensions["marketplace.engine"].begin() as connection:
        tables = ", ".join(f'"{name}"' for name in Base.metadata.tables)
        connection.execute(text(f"truncate {tables} restart identity cascade"))
    with app.extensions["marketplace"].sessions() as session:
        world = build(session)
    yield Site(app, world, tmp_path)
    app.extensions["marketplace.engine"].dispose()


def test_the_other_database_refuses_it_too(postgres_site: Site, forms: list[Sent]) -> None:
    faults = []

    for place, sent in enumerate(forms):
        browser = postgres_site.browser(sent.who, LANGUAGES[0])
        tries = [{name: [value] for name in sent.names} for value in TOO_MUCH[place % 3 :: 3]]
        for number, name in enumerate(sent.names[:: len(sent.names) // MOST_ALONE + 1]):
            value = TOO_MUCH[(place + number * 2) % len(TOO_MUCH)]
            tries.append({**{key: kept for key, kept in sent.fields.items() if key != "step"}, name: [value]})
        for fields in tries:
            answer = browser.post(sent.path, data=fields)
            if answer.status_code >= 500:
                faults.append(f"{sent.path}, {str(fields)[:300]}: {answer.status_code}")

    assert faults == []
    assert postgres_site.breaches() == []


def test_whatever_stands_in_an_address_is_answered(site: Site, tour: Tour) -> None:
    assert _asked(site, tour, BAD[:-1]) == []


def test_the_other_database_answers_it_too(postgres_site: Site, tour: Tour) -> None:
    assert _asked(postgres_site, tour, TOO_MUCH) == []


def _asked(site: Site, tour: Tour, values: tuple[str, ...]) -> list[str]:
    """Ask every page for each of its searches, filters and orders with bad values; return what went wrong."""
    asked: dict[str, tuple[str, str, set[str]]] = {}
    for route in routes():
        for visit in tour.of(route, LANGUAGES[0]) if route.reads else ():
            searches = (form for form in visit.page.forms if form.method == "get")
            for link in (*visit.page.links, *(f"{form.action}?{'&'.join(form.known)}" for form in searches)):
                path, _, search = link.partition("#")[0].partition("?")
                names = {name.partition("=")[0] for name in search.split("&") if name}
                if (path or visit.path) == visit.path and visit.status == 200 and names:
                    asked.setdefault(route.rule, (visit.who, visit.path, {"page"}))[2].update(names)
    faults = []
    for place, (who, path, names) in enumerate(asked.values()):
        browser = site.browser(who, LANGUAGES[place % 2])
        for number, name in enumerate(sorted(names)):
            for value in values[(place + number) % 4 :: 4]:
                answer = browser.get(path, query_string={name: value})
                if answer.status_code >= 500:
                    faults.append(f"{who}, {path}?{name}={value!r}: {answer.status_code}")
    return faults


FILES = {
    "binary": (b"\x00\x01\xff\xfe" * 2000, 422),
    "a workbook": (b"PK\x03\x04" + b"\x00" * 500, 422),
    "empty": (b"", 422),
    "no columns": ("一,二,三\n1,2,3\n".encode(), 422),
    "a broken line": ('废物名称,月份,产生量,综合利用量,贮存量,处置量\n"一级粉煤灰,2026-05,1\n'.encode(), 200),
    "formulas": ("废物名称,月份,产生量,综合利用量,贮存量,处置量\n=1+1,=NOW(),=A1,+1,-1,@SUM(A1)\n".encode(), 200),
    "figures": ("废物名称,月份,产生量,综合利用量,贮存量,处置量\n一级粉煤灰,9999-99,1e308,NaN,-0,０\n".encode(), 200),
    "marked": ("\ufeff废物名称,月份,产生量,综合利用量,贮存量,处置量\n没有这种,2026-05,1,1,0,0\n".encode(), 200),
    "of an office": (
        "废物名称,月份,产生量,综合利用量,贮存量,处置量\n没有这种,2026-05,1,1,0,0\n".encode("gb18030"),
        200,
    ),
    "far too long": (b"a,b\n" * 1_300_000, 413),
    "too long": (b"a,b\n" * 50_000, 422),
    "one endless line": (b"a" * 900_000, 422),
    "quotes": (b'"' * 10_000, 422),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("action", ["check", "write"])
def test_a_file_that_is_none_is_told_apart(own_site: Site, language: str, action: str) -> None:
    browser = own_site.browser("clerk of the producer", language)
    before, met, faults = own_site.contents(), {}, []

    for name, (content, _) in FILES.items():
        answer = browser.post("/ledger/import", data={"file": (io.BytesIO(content), "months.csv"), "action": action})
        met[name] = answer.status_code
        if wrong := _what_is_wrong(answer, language):
            faults.append(f"{name}: {wrong}")

    wanted = {name: 422 if action == "write" and status == 200 else status for name, (_, status) in FILES.items()}
    assert met == wanted
    assert faults == []
    assert own_site.contents() == before


def _unseen(site: Site) -> list[str]:
    """Return the texts in the database that hold characters which cannot be seen."""
    with site.engine.connect() as connection:
        return [
            f"{table.name}.{column.name}: {kept!r}"
            for table in Base.metadata.tables.values()
            for column in table.columns
            if isinstance(column.type, String | Text)
            for kept in connection.scalars(select(column))
            if isinstance(kept, str) and HIDDEN.search(kept)
        ]
