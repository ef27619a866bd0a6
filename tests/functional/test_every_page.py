"""Every page of the route map, for every role, in both languages: it answers, is titled, is whole, changes nothing."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.functional.conftest import Tour
from tests.functional.routes import Route, routes
from tests.functional.world import LANGUAGES, ROLES, paths

READ = [route for route in routes() if route.reads]
HTML_LANG = {"zh_Hans_CN": "zh-Hans-CN", "en": "en"}
DEMO_MARK = {"zh_Hans_CN": "演示数据", "en": "Demo data"}
NOT_A_TITLE = {"再用起来", "Put to use again", ""}
LEFT_OPEN = re.compile(r"\bNone\b|\bundefined\b|\bnan\b|%\(\w+\)|\{\{|\}\}|\bMonth\(|datetime\.|<built-in|object at 0x")
TOO_LARGE = "9" * 20


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("route", READ, ids=str)
def test_a_page_answers_every_role(tour: Tour, route: Route, language: str) -> None:
    assert list(paths(tour.site.world, route)), f"the world has nothing for {route.arguments}"

    met = {(visit.who, visit.path): visit.status for visit in tour.of(route, language)}

    if route.rule != "/readyz":  # no migration has run in a database that the tests made
        assert not (failed := [f"{who}: {path}" for (who, path), status in met.items() if status >= 500]), "\n".join(
            failed
        )
    assert {status for status in met.values() if status < 400 or status == 503}, (
        f"nobody gets anything but {set(met.values())}"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("route", READ, ids=str)
def test_a_page_is_whole(tour: Tour, route: Route, language: str) -> None:
    faults = defaultdict(list)

    for visit in tour.of(route, language):
        if visit.kind != "text/html" or visit.status in range(300, 400) or visit.status >= 500:
            continue
        page, place = visit.page, f"{visit.who}, {visit.path}, {visit.status}"
        if "<!doctype html>" not in visit.body[:100].lower():
            continue  # a part that a script puts into a page
        if page.lang != HTML_LANG[language]:
            faults[place].append(f"says that it is written in {page.lang!r}")
        if page.title.partition(" · ")[0] in NOT_A_TITLE and route.rule != "/":
            faults[place].append(f"is titled {page.title!r}")
        if page.levels.count("h1") != 1:
            faults[place].append(f"has the headings {page.levels}")
        if DEMO_MARK[language] not in page.text:
            faults[place].append("does not say that it shows a demo")
        if found := LEFT_OPEN.search(page.text):
            faults[place].append(f"shows {found[0]!r}")

    assert not faults, "\n".join(f"{place}: {'; '.join(said)}" for place, said in faults.items())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_pages_share_a_title(tour: Tour, language: str) -> None:
    titles = defaultdict(set)

    for route in READ:
        for visit in tour.of(route, language):
            if visit.status == 200 and visit.page.title and not route.arguments:
                titles[visit.page.title].add(route.rule)

    assert {title: rules for title, rules in titles.items() if len(rules) > 1} == {}


def test_every_link_of_ours_leads_somewhere(tour: Tour) -> None:
    dead = set()

    for route in READ:
        for visit in list(tour.of(route, "en")):
            for link in visit.page.links if visit.status == 200 else []:
                target = link.partition("#")[0]
                if target.startswith("/") and not target.startswith("/static"):
                    met = tour.visit(visit.who, "en", target)
                    if met.status >= 400:
                        dead.add((visit.who, visit.path, target, met.status))

    assert not dead, "\n".join(
        f"{who}, {path}: {target} answers {status}" for who, path, target, status in sorted(dead)
    )


@pytest.mark.parametrize("route", [route for route in READ if route.arguments], ids=str)
def test_a_number_too_large_for_any_row_is_not_there(tour: Tour, route: Route) -> None:
    path = re.sub(r"<[^>]*>", TOO_LARGE, route.rule)

    met = {who: tour.visit(who, "en", path).status for who in ROLES}

    assert {who: status for who, status in met.items() if status >= 500} == {}


def test_looking_at_everything_has_changed_nothing(tour: Tour) -> None:
    for route in READ:
        for language in LANGUAGES:
            for _ in tour.of(route, language):
                pass

    assert tour.site.contents() == tour.before
