"""The what-if page: every question in both languages, without JavaScript; what is wrong is said by its field; who may ask."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.matching import whatif
from tests.conftest import counted
from tests.factories import Make
from tests.functional.test_bad_input import BAD, CHINESE
from tests.functional.test_rounds import people
from tests.integration.services.rounds_world import World, published, world

Browse = Callable[..., FlaskClient]

LANGUAGES = ["zh_Hans_CN", "en"]
ERROR = re.compile(r'<p class="field-error" id="([^"]+)-error">([^<]*)</p>')


def full(make: Make) -> World:
    """Return a park whose plants offer 21,000 t a month for a line with room for 20,000."""
    made = world(make)
    made.plant(kg_per_month=16_000_000)
    return made


def asked(made: World, declined: int = 1) -> dict[str, dict[str, str]]:
    """Return each question as its form sends it."""
    line, listing = str(made.lines[0].id), str(made.listings[0].id)
    return {
        "room": {"line": line, "tonnes": "500"},
        "line": {"place": "大同", "materials": "fly_ash", "tonnes": "2,000"},
        "radius": {"line": "0", "km": "50"},
        "drier": {"listing": listing, "moisture": "0.2"},
        "listing": {"listing": listing, "tonnes": "1000"},
        "declined": {"contract": f"{made.listings[declined].id}-{line}"},
    }


def sent(name: str, given: dict[str, str]) -> dict[str, str]:
    return {f"{name}-ask": "1", **{f"{name}-{field}": value for field, value in given.items()}}


SAID = {
    "zh_Hans_CN": {
        "room": ("每月增加产能 500 吨", "+1,500", "+2.4 个百分点"),
        "line": ("山西省大同市", "新增的接收线", "+3,000"),
        "radius": ("本轮半径加大 50 公里", "所有去向都不变"),
        "drier": ("的含水率为 0.2 %", "所有去向都不变"),
        "listing": ("同种、同地的挂牌，每月 1,000 吨", "所有去向都不变"),
        "declined": ("被拒绝：", "−45,000"),
    },
    "en": {
        "room": ("500 t in each month", "+1,500", "+2.4 points"),
        "line": ("Datong, Shanxi", "the line more", "+3,000"),
        "radius": ("The radius of the round wider by 50 km", "Nobody would take anything else"),
        "drier": ("at a moisture of 0.2 %", "Nobody would take anything else"),
        "listing": ("1,000 t in each month", "Nobody would take anything else"),
        "declined": ("Declined: ", "−45,000"),
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["room", "line", "radius", "drier", "listing", "declined"])
def test_a_question_is_answered_on_the_page(app_make: Make, browse: Browse, name: str, language: str) -> None:
    made = full(app_make)
    of = made.round()
    published(app_make.session, made, of)
    park = browse(people(made)["park"].id, language=language)

    answer = park.get(f"/rounds/{of.id}/what-if", query_string=sent(name, asked(made)[name]))

    assert answer.status_code == 200
    for text in SAID[language][name]:
        assert text in html.unescape(answer.text)
    assert park.get(f"/rounds/{of.id}").status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_listing_more_stands_among_those_that_are_taken(app_make: Make, browse: Browse, language: str) -> None:
    made = world(app_make)
    of = made.round()
    published(app_make.session, made, of)
    park = browse(people(made)["park"].id, language=language)

    page = park.get(f"/rounds/{of.id}/what-if", query_string=sent("listing", asked(made, declined=0)["listing"])).text

    assert {"zh_Hans_CN": "新增的挂牌", "en": "the listing more"}[language] in page
    assert page.count("+3,000") == 4  # the figure, offered, allotted, and the row


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "field", "value", "wrong"),
    [
        ("room", "tonnes", "", "tonnes"),
        ("room", "tonnes", "0", "tonnes"),
        ("room", "line", "999", "line"),
        ("line", "place", "nowhere at all", "place"),
        ("line", "place", "48.85, 2.35", "place"),
        ("line", "materials", "gold", "materials"),
        ("radius", "km", "0", "km"),
        ("radius", "km", "1.5", "km"),
        ("drier", "moisture", "101", "moisture"),
        ("drier", "moisture", "wet", "moisture"),
        ("listing", "listing", "", "listing"),
        ("declined", "contract", "1", "contract"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    app_make: Make, browse: Browse, language: str, name: str, field: str, value: str, wrong: str
) -> None:
    made = full(app_make)
    of = made.round()
    published(app_make.session, made, of)
    park = browse(people(made)["park"].id, language=language)

    answer = park.get(f"/rounds/{of.id}/what-if", query_string=sent(name, asked(made)[name] | {field: value}))

    (place, said), *_ = ERROR.findall(answer.text)
    assert answer.status_code == 422
    assert place == f"{name}-{wrong}"
    assert bool(CHINESE.search(said)) == (language == "zh_Hans_CN")
    assert 'id="answer"' not in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_typed_is_answered(app_make: Make, browse: Browse, language: str) -> None:
    made = full(app_make)
    of = made.round()
    published(app_make.session, made, of)
    park = browse(people(made)["park"].id, language=language)
    met = {}

    for name, given in asked(made).items():
        for place, value in enumerate(BAD):
            field = list(given)[place % len(given)]
            status = park.get(
                f"/rounds/{of.id}/what-if", query_string=sent(name, given | {field: value[:2000]})
            ).status_code
            met[name, field, value] = status

    assert {key: status for key, status in met.items() if status not in {200, 404, 422}} == {}


def test_a_place_that_may_be_another_is_told_with_the_others(app_make: Make, browse: Browse) -> None:
    made = full(app_make)
    of = made.round()
    published(app_make.session, made, of)
    park = browse(people(made)["park"].id, language="en")

    page = park.get(f"/rounds/{of.id}/what-if", query_string=sent("line", asked(made)["line"])).text

    others = re.findall(r'<a href="(/rounds/\d+/what-if\?[^"]+)">([^<]+)</a>', page)
    assert others
    assert 'id="answer"' in park.get(html.unescape(others[0][0])).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_part_that_is_too_large_is_said_plainly(
    app_make: Make, browse: Browse, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = full(app_make)
    of = made.round()
    published(app_make.session, made, of)
    park = browse(people(made)["park"].id, language=language)
    monkeypatch.setattr(whatif, "MOST_PAIRS", 1)

    answer = park.get(f"/rounds/{of.id}/what-if", query_string=sent("room", asked(made)["room"]))

    assert answer.status_code == 422
    assert {"zh_Hans_CN": "牵涉的范围太大", "en": "too large to be solved while a page waits"}[language] in answer.text


def test_who_may_ask_is_led_there_and_nobody_else(app_make: Make, browse: Browse) -> None:
    made = full(app_make)
    of = made.round()
    published(app_make.session, made, of)
    address = f"/rounds/{of.id}/what-if"
    who = people(made)

    for name in ("park", "plant", "recycler", "auditor"):
        page = browse(who[name].id).get(f"/rounds/{of.id}")
        assert page.status_code == 200
        assert (address in page.text) == (name == "park")
    for name in ("plant", "clerk", "recycler", "auditor", "stranger", "other_park"):
        for query in ({}, sent("room", asked(made)["room"])):
            assert browse(who[name].id).get(address, query_string=query).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_round_for_the_greatest_surplus_says_why_not(app_make: Make, browse: Browse, language: str) -> None:
    made = full(app_make)
    of = made.round(objective="surplus")
    published(app_make.session, made, of)
    park = browse(people(made)["park"].id, language=language)

    page = park.get(f"/rounds/{of.id}/what-if", query_string=sent("room", asked(made)["room"]))

    assert page.status_code == 200
    assert {"zh_Hans_CN": "都会透露其中一部分", "en": "would betray something of them"}[language] in page.text
    assert 'name="room-ask"' not in page.text
    assert f"/rounds/{of.id}/what-if" not in park.get(f"/rounds/{of.id}").text


def test_a_round_that_is_not_solved_says_so(app_make: Make, browse: Browse) -> None:
    made = full(app_make)
    of = made.round()

    page = browse(people(made)["park"].id, language="en").get(f"/rounds/{of.id}/what-if")

    assert page.status_code == 200
    assert "This round has no answer yet" in page.text


def test_no_reserve_and_no_bid_stands_on_the_page(app_make: Make, browse: Browse) -> None:
    """Given a reserve and a bid of telling figures; neither they nor a price stand in any answer."""
    made = full(app_make)
    made.plant(asking_fen_per_t=4_321, reserve_fen_per_t=4_321)
    made.recycler(price=98_765)
    of = made.round()
    published(app_make.session, made, of)
    park = browse(people(made)["park"].id, language="en")

    for name, given in asked(made).items():
        page = park.get(f"/rounds/{of.id}/what-if", query_string=sent(name, given)).text
        assert not re.search(r"\b43\.21\b|\b987\.65\b|Price at the gate", page)


def test_a_constant_number_of_statements(app: Flask, app_make: Make, browse: Browse) -> None:
    small, large = full(app_make), full(app_make)
    for _ in range(6):
        large.plant()
        large.recycler()
    counts = []

    for made in (small, large):
        of = made.round()
        published(app_make.session, made, of)
        park = browse(people(made)["park"].id)
        park.get(f"/rounds/{of.id}/what-if")
        with counted(app.extensions["marketplace.engine"]) as statements:
            park.get(f"/rounds/{of.id}/what-if", query_string=sent("radius", asked(made)["radius"]))
        counts.append(len(statements))

    assert counts[0] == counts[1]
