"""
What belongs to another organization answers exactly like what is not there, on every verb of every route.

The routes, and which of them show their object to everybody, are read off the route map and the policy table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marketplace.domain.policy import POLICY
from tests.functional.conftest import Site, Tour
from tests.functional.routes import BY_LINK, VERBS, Route, guarded, public, routes
from tests.functional.world import LANGUAGES, ROLES, STRANGERS, paths

WITH_OBJECT = [route for route in routes() if route.arguments]
GUARDED = [route for route in WITH_OBJECT if any(guarded(route, verb) for verb in route.verbs)]
SHOWN_TO_ALL = [route for route in WITH_OBJECT if not any(guarded(route, verb) for verb in route.verbs)]
ABSENT = 2_000_000_011

Fields = dict[str, list[str]]


@pytest.fixture(scope="module")
def filled(tour: Tour) -> dict[str, Fields]:
    """Return the fields of every form of the site by the address it is sent to, as those see it who may send it."""
    found: dict[str, Fields] = {}
    for route in routes():
        for visit in tour.of(route, LANGUAGES[0]) if route.reads else ():
            for form in visit.page.forms:
                if form.method == "post":
                    fields = form.fields | {name: ["2"] for name in form.blank}
                    found.setdefault(form.action.partition("?")[0] or visit.path, fields)
    return found


@pytest.fixture(scope="module")
def strangers(site: Site) -> dict[str, FlaskClient]:
    return {who: site.browser(who, LANGUAGES[0]) for who in STRANGERS}


def _same(answer: TestResponse, path: str) -> tuple[int, str]:
    """Return an answer without what is said of the address and of the time."""
    body = answer.text.replace(path, "PATH")
    body = re.sub(r"<time[^>]*>[^<]*</time>", "", body)
    return answer.status_code, re.sub(r'value="/[^"]*"|name="csrf_token"[^>]*|"X-CSRFToken": "[^"]*"', "", body)


def _tries(site: Site, route: Route, filled: dict[str, Fields]) -> Iterator[tuple[str, str, str, Fields]]:
    """Yield each verb with the address of an object, the same of no object, and what to send."""
    for path, values in paths(site.world, route):
        nowhere = re.sub(r"<[^>]*>", lambda found: _absent(found[0]), route.rule)
        for verb in VERBS:
            yield verb, path, nowhere, {}
            if verb in route.verbs and route.changes and path in filled and values:
                yield verb, path, nowhere, filled[path]


def _absent(argument: str) -> str:
    if argument.endswith("month>"):
        return "2026-01"
    return "2026" if argument.endswith("year>") else str(ABSENT)


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_a_strangers_object_is_not_there(
    site: Site, strangers: dict[str, FlaskClient], filled: dict[str, Fields], route: Route
) -> None:
    before = site.contents()
    faults = []

    for who, browser in strangers.items():
        for verb, path, nowhere, fields in _tries(site, route, filled):
            met = _same(browser.open(path, method=verb, data=fields), path)
            absent = _same(browser.open(nowhere, method=verb, data=fields), nowhere)
            wanted = 404 if guarded(route, verb) else 405
            if verb in route.verbs and not guarded(route, verb):
                continue
            if met[0] != wanted:
                faults.append(f"{who}: {verb} {path} answers {met[0]}, not {wanted}")
            elif met != absent:
                faults.append(f"{who}: {verb} {path} reads otherwise than {nowhere}")

    assert faults == []
    assert site.contents() == before


def test_what_everybody_is_shown_is_what_the_table_says(site: Site) -> None:
    actions = {route.of(verb) for route in SHOWN_TO_ALL for verb in route.verbs}

    bound = {action for action in actions if not public(action)}

    assert GUARDED
    assert bound <= {
        "bid.submit",
        "question.ask",
        "offer.read",
        "offer.hand_in",
    }  # one's own, on or of a listing that everybody sees


@pytest.mark.parametrize("route", [route for route in routes() if route.changes], ids=str)
def test_a_visitor_changes_nothing_but_what_the_table_gives_to_visitors(
    site: Site, filled: dict[str, Fields], route: Route
) -> None:
    if "visitor" in _roles(route.changing):
        pytest.skip("the table gives it to visitors")
    before = site.contents()
    browser = site.browser("visitor", LANGUAGES[0])

    met = {
        browser.open(path, method=verb, data=filled.get(path, {})).headers.get("Location", "").partition("?")[0]
        for path, _ in paths(site.world, route)
        for verb in route.verbs & {"POST", "PUT", "PATCH", "DELETE"}
    }

    assert met == {"/login"}
    assert site.contents() == before


@pytest.mark.parametrize("route", [route for route in routes() if route.changes], ids=str)
def test_whom_the_table_does_not_name_changes_nothing(site: Site, filled: dict[str, Fields], route: Route) -> None:
    named = _roles(route.changing)
    outside = [who for who in ROLES[1:] if not named & {"person", "visitor", _role_of(who)}]
    browsers = {who: site.browser(who, LANGUAGES[0]) for who in outside}
    before = site.contents()

    met = {
        (who, path): browser.open(path, method="POST", data=filled.get(path, {})).status_code
        for who, browser in browsers.items()
        for path, _ in paths(site.world, route)
    }

    assert {place: status for place, status in met.items() if status not in {403, 404}} == {}
    assert site.contents() == before


def test_no_form_is_sent_from_elsewhere(site: Site, filled: dict[str, Fields]) -> None:
    site.app.config["WTF_CSRF_ENABLED"] = True
    browsers = [site.browser(who, LANGUAGES[0]) for who in ROLES]
    before = site.contents()

    try:
        met = {
            (route.rule, path): browser.post(path, data={**filled.get(path, {}), "csrf_token": ""}).status_code
            for route in routes()
            if route.changes and route.rule not in BY_LINK
            for path, _ in paths(site.world, route)
            for browser in browsers
        }
    finally:
        site.app.config["WTF_CSRF_ENABLED"] = False

    assert {place: status for place, status in met.items() if status != 400} == {}
    assert site.contents() == before


def _roles(action: str) -> set[str]:
    return set(POLICY[action].cells)


def _role_of(who: str) -> str:
    return {"administrator": "park_administrator"}.get(who.split()[0], who.split()[0])
