"""The park's board in the browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from marketplace.domain.ledger import Figures
from marketplace.domain.quantities import Month
from marketplace.persistence.parks import Park
from tests.factories import NOON, Make
from tests.functional.pages import read
from tests.integration.queries.test_parks import award, plant, post

Browse = Callable[..., FlaskClient]
SPAN = "from=2025-11&to=2025-12"


def board(make: Make, plants: int = 1) -> Park:
    park = make.park(name_en="River park", goal_source="工信部联规〔2023〕258 号")
    for _ in range(plants):
        organization, ash = plant(make, park)
        post(make.session, make, ash, organization, Month(2025, 12),
             Figures(generated_kg=3_000_000, utilized_kg=1_500_000, stored_kg=1_500_000))  # fmt: skip
    return park


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh_Hans_CN",
            ("综合利用率", "50.0", "57.0", "距目标还差", "210 吨", "大宗工业固体废物", "粉煤灰", "工信部联规"),
        ),
        (
            "en",
            (
                "Utilization rate",
                "50.0",
                "57.0",
                "Missing to the goal",
                "210 t",
                "bulk industrial solid waste",
                "fly ash",
            ),
        ),
    ],
)
def test_the_board_says_rate_goal_gap_and_scope(
    browse: Browse, app_make: Make, language: str, words: tuple[str, ...]
) -> None:
    park = board(app_make)
    administrator = app_make.person("park_administrator", park=park).id

    client = browse(administrator, language=language)
    page = client.get(f"/parks/{park.id}?{SPAN}")

    assert page.status_code == 200
    for word in words:
        assert word in page.text
    assert client.get("/parks/mine").headers["Location"] == f"/parks/{park.id}"
    assert 'style="' not in page.text
    for scope in ("bulk", "all"):
        assert client.get(f"/parks/{park.id}?scope={scope}").status_code == 200


def test_awards_move_the_forecast(browse: Browse, app_make: Make) -> None:
    park = app_make.park()
    organization, ash = plant(app_make, park)
    ahead = Month(2099, 2)
    post(app_make.session, app_make, ash, organization, ahead.plus(-12),
         Figures(generated_kg=3_000_000, utilized_kg=1_500_000, stored_kg=1_500_000))  # fmt: skip
    client = browse(app_make.person("park_administrator", park=park).id)
    address = f"/parks/{park.id}?{SPAN}"

    before = client.get(address).text
    made = award(
        app_make.session, app_make, park, ash, [ahead], 300_000, producer_accepted_at=NOON, recycler_accepted_at=NOON
    )
    after = client.get(address).text

    assert made.kg == 300_000
    assert "加上中选结果" not in before
    assert "加上中选结果" in after
    assert "60.0" in after
    assert "10.0 个百分点" in after


@pytest.mark.parametrize("query", ["from=2025-13", "from=2026-01&to=2025-01", "scope=some", "from=2000-01&to=2025-01"])
def test_a_question_without_sense_gets_a_clear_answer(browse: Browse, app_make: Make, query: str) -> None:
    park = board(app_make)
    administrator = app_make.person("park_administrator", park=park).id

    assert browse(administrator).get(f"/parks/{park.id}?{query}").status_code == 422


def test_an_empty_park_says_what_it_is_for(browse: Browse, app_make: Make) -> None:
    park = app_make.park()

    page = browse(app_make.person("park_administrator", park=park).id).get(f"/parks/{park.id}")

    assert page.status_code == 200
    assert "还没有数据" in page.text


def test_another_park_is_not_there(browse: Browse, app_make: Make, client: FlaskClient) -> None:
    park = board(app_make)
    other = browse(app_make.person("park_administrator", park=app_make.park()).id)
    plant_clerk = browse(app_make.person("clerk", organization=app_make.organization()).id)
    auditor = browse(app_make.person("auditor").id)

    assert {other.get(f"/parks/{park.id}").status_code, other.get("/parks").status_code} == {404}
    assert {plant_clerk.get(path).status_code for path in (f"/parks/{park.id}", "/parks", "/parks/mine")} == {404}
    assert client.get(f"/parks/{park.id}").status_code == 303
    assert {auditor.get(f"/parks/{park.id}").status_code, auditor.get("/parks").status_code} == {200}
    assert park.name_zh in auditor.get("/parks").text


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_everybody_reads_only_what_five_stand_behind(client: FlaskClient, app_make: Make, language: str) -> None:
    park = board(app_make, plants=4)
    client.set_cookie("language", language)

    page, listed = client.get(f"/public/parks/{park.id}"), client.get("/public/parks")

    assert page.status_code == listed.status_code == 200
    assert "50.0" not in read(page.text).text
    assert client.get("/public/parks/999").status_code == 404
