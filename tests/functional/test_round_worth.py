"""What a round's page says beyond the awards: the curve of cost, the worth of room, changes proved; and to whom."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from marketplace.persistence.rounds import Award, Leftover
from marketplace.services.runs import replay
from marketplace.solver.engines import engine
from tests.factories import Make
from tests.functional.test_rounds import people
from tests.integration.services.rounds_world import World, published, world

Browse = Callable[..., FlaskClient]

CHART = re.compile(r'id="curve-chart".*?<script type="application/json">(.*?)</script>', re.DOTALL)
TOLD = {
    "zh_Hans_CN": ("最后若干吨的成本", "增加产能的价值", "多利用 1 吨", "经重新求解证实"),
    "en": ("What the last tonnes cost", "What room is worth", "puts one more tonne to use", "proved by solving again"),
}


def short(make: Make) -> World:
    """Return a park with more ash than room, and one plant that asks too much."""
    made = world(make)
    made.plant(kg_per_month=60_000_000)
    made.plant(asking_fen_per_t=50_000, reserve_fen_per_t=40_000)
    return made


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_who_oversees_the_round_reads_all_of_it(app_make: Make, browse: Browse, language: str) -> None:
    made = short(app_make)
    of = made.round()
    published(app_make.session, made, of)

    page = browse(people(made)["park"].id, language=language).get(f"/rounds/{of.id}").text

    for text in TOLD[language]:
        assert text in page
    found = CHART.search(page)
    assert found is not None
    data = json.loads(found.group(1))
    assert data["points"][0] == [0, 0]
    assert data["points"][-1][0] == data["marks"][0]["x"] == 60_000
    assert data["points"][-1][1] == data["marks"][0]["y"]


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
@pytest.mark.parametrize("who", ["plant", "recycler"])
def test_a_party_reads_neither_the_curve_nor_what_others_room_is_worth(
    app_make: Make, browse: Browse, who: str, language: str
) -> None:
    made = short(app_make)
    of = made.round()
    published(app_make.session, made, of)

    page = browse(people(made)[who].id, language=language).get(f"/rounds/{of.id}").text

    for text in (*TOLD[language][:2], "curve-chart"):
        assert text not in page


def test_a_change_that_was_proved_is_marked_for_its_owner(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    made.plant(asking_fen_per_t=50_000, reserve_fen_per_t=40_000)
    of = made.round()
    published(app_make.session, made, of)
    owner = app_make.person("clerk", organization=made.plants[1])
    client = browse(owner.id, language="en")

    left = app_make.session.scalars(select(Leftover).where(Leftover.listing_id == made.listings[1].id)).one()

    assert left.flip is not None
    assert left.flip["values"]["proved_kg"] == 15_000_000
    for address in (f"/rounds/{of.id}", f"/listings/{made.listings[1].id}"):
        shown = client.get(address).text
        assert "Solved again with that, the whole round puts 15,000 t more to use." in shown
        assert "proved by solving again" in shown


def test_what_was_not_proved_has_no_mark(app_make: Make, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.matching.confirm.MOST_CONFIRMED", 0)
    made = world(app_make)
    made.plant(asking_fen_per_t=50_000, reserve_fen_per_t=40_000)
    of = made.round()
    published(app_make.session, made, of)
    owner = app_make.person("clerk", organization=made.plants[1])

    shown = browse(owner.id, language="en").get(f"/rounds/{of.id}").text

    assert "yuan per tonne closer" in shown
    assert "proved by solving again" not in shown


def test_an_award_says_how_far_its_cost_could_rise(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    made.recycler(price=9000, capacity_kg_per_month=30_000_000)
    of = made.round()
    published(app_make.session, made, of)
    award_id = app_make.session.scalars(select(Award.id).order_by(Award.kg.desc())).first()
    who = people(made)

    for name in ("plant", "park"):
        page = browse(who[name].id, language="en").get(f"/awards/{award_id}").text
        assert "Another plan costs just as much: by the stated rule for ties the tonnes go here." in page


def test_a_round_that_was_answered_before_is_shown_and_repeated_as_it_was(
    app_make: Make, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.services.runs.EXPLAINS", 0)
    made = short(app_make)
    of = made.round()
    published(app_make.session, made, of)
    monkeypatch.undo()

    shown = browse(people(made)["park"].id, language="en").get(f"/rounds/{of.id}")

    assert shown.status_code == 200
    assert TOLD["en"][0] not in shown.text
    (again,) = replay(app_make.session, of.id, lambda _: engine())
    assert again.same
