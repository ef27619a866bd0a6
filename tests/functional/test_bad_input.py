"""
Whatever is sent to any form, from whoever may send it: no fault of the server, a message, and nothing half written.

The forms are read off the pages, so that a new one is tried by itself; what no form shows is sent to the route map.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import pytest
from sqlalchemy import String, Text, select
from werkzeug.test import TestResponse

from marketplace.domain.policy import POLICY
from marketplace.domain.quantities import Month
from marketplace.persistence.tables import Base
from tests.functional.conftest import Site, Tour
from tests.functional.pages import Form
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
TRACES = frozenset({"sign_in_tries", "sign_ins", "audit_log"})
"""What signing in leaves behind, and a try that is refused."""

MOST_ALONE = 12
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
    return [sent for rule, sent in found.items() if rule != "/logout"]


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
    return next(who for who in ROLES if {"administrator": "park_administrator"}.get(who.split()[0], who.split()[0]) in roles)


def _tries(sent: Sent, place: int, *, share: int) -> Iterator[dict[str, list[str]]]:
    """
    Yield what to send: bad values in all fields; bad values in one field; fields missing, nested, and many.

    Of the values each ``share``-th is taken; which ones a field gets alone goes round, so that all meet all kinds.
    """
    yield {}
    if not sent.names:
        return
    for value in BAD[place % share :: share]:
        yield dict.fromkeys(sent.names, [value])
    good = {name: values for name, values in sent.fields.items() if name != "step"}
    for number, name in enumerate(sent.names[:: len(sent.names) // MOST_ALONE + 1]):
        for turn in range(4 // share):
            yield {**good, name: [BAD[(place * 7 + number * 3 + turn * 13) % len(BAD)]]}
    yield {f"{name}[]": ["1"] for name in sent.names}
    yield {f"{name}-0-{name}": ["1"] for name in sent.names}
    yield dict.fromkeys(sent.names, ["1", "2", "\x00"])


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


@pytest.mark.parametrize(("language", "share"), [("zh_Hans_CN", 1), ("en", 4)])
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
                faults += [f"{told} keeps {text}" for text in _unseen(own_site)]
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
