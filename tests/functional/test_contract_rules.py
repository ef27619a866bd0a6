"""Costs of contracts, whole truckloads and monthly means in the browser: asked for, shown, refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from marketplace.persistence.lines import AcceptanceLimit, IntakeLine
from marketplace.persistence.organizations import Site
from marketplace.persistence.rounds import Round
from tests.factories import Make
from tests.functional.test_lines import clerk, mill, own, site
from tests.functional.test_rounds import do_jobs, form, people
from tests.integration.services.rounds_world import published, world
from tests.integration.services.test_contract_rules import blending
from tests.integration.services.test_storage_rounds import bridged

__all__ = ["clerk", "own", "site"]

Browse = Callable[..., FlaskClient]


def test_the_administrator_asks_for_costs_and_whole_trucks_and_reads_them_with_the_result(
    app: Flask, app_make: Make, browse: Browse
) -> None:
    made = world(app_make)
    park = browse(people(made)["park"].id)
    asked = park.get("/rounds/new").text
    assert "每份合同的办理费用" in asked
    assert 'value="31"' in asked  # what a truck of the tariff carries

    opened = park.post(
        "/rounds/new", data=form(park_id=str(made.park.id), contract_fee="８0", whole_trucks="y", truckload="30.5")
    ).headers["Location"]
    for act in ("close", "run"):
        assert park.post(f"{opened}/{act}").status_code == 303
    do_jobs(app)

    of = app_make.session.scalars(select(Round)).one()
    assert (of.contract_fee_fen, of.truckload_kg, of.failed_because) == (8_000, 30_500, None)
    app_make.session.rollback()
    shown = park.get(opened).text
    for text in (
        "每份合同计入的费用（不计入价格）",
        "只按整车运输，每车 30.5 吨",
        "合同办理费用（不计入价格）",
        "80.00",
        "不足一整车",
    ):
        assert text in shown
    assert "增加产能的价值" not in shown


@pytest.mark.parametrize(
    ("sent", "load"), [({}, None), ({"truckload": "25"}, None), ({"whole_trucks": "y", "truckload": ""}, 31_000)]
)
def test_only_who_asks_for_whole_trucks_gets_them(
    app_make: Make, browse: Browse, sent: dict[str, str], load: int | None
) -> None:
    made = world(app_make)

    answer = browse(people(made)["park"].id).post("/rounds/new", data=form(park_id=str(made.park.id), **sent))

    assert answer.status_code == 303
    assert app_make.session.scalars(select(Round.truckload_kg)).one() == load


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"contract_fee": "-1"}, "每份合同的办理费用应在 0 至 100,000 元之间。"),
        ({"contract_fee": "100000.01"}, "每份合同的办理费用应在 0 至 100,000 元之间。"),
        ({"contract_fee": "much"}, "much"),
        ({"whole_trucks": "y", "truckload": "0.5"}, "每车载重应在 1 至 100 吨之间。"),
        ({"whole_trucks": "y", "truckload": "101"}, "每车载重应在 1 至 100 吨之间。"),
    ],
)
def test_what_makes_no_sense_comes_back_and_nothing_is_written(
    app_make: Make, browse: Browse, wrong: dict[str, str], said: str
) -> None:
    made = world(app_make)

    answer = browse(people(made)["park"].id).post("/rounds/new", data=form(park_id=str(made.park.id), **wrong))

    assert answer.status_code == 422
    assert said in answer.text
    assert app_make.session.scalar(select(func.count(Round.id))) == 0


def test_a_limit_of_the_monthly_mean_is_kept_shown_and_filled_in_again(
    app_make: Make, clerk: FlaskClient, site: Site
) -> None:
    answer = clerk.post("/lines/new", data=mill(site, limits__0__counts="mean", limits__0__deduction=""))

    line = app_make.session.scalars(select(IntakeLine)).one()
    limit = app_make.session.scalars(select(AcceptanceLimit)).one()
    assert answer.status_code == 303
    assert (limit.monthly_mean, limit.deduction_fen_per_unit, limit.stop_value) == (True, None, Decimal(2))
    assert "the monthly mean" in clerk.get(f"/lines/{line.id}").text
    assert '<option selected value="mean">' in clerk.get(f"/lines/{line.id}/edit").text
    again = clerk.post(f"/lines/{line.id}/edit", data=mill(site, limits__0__counts=""))
    assert again.status_code == 303
    app_make.session.rollback()
    assert app_make.session.scalars(select(AcceptanceLimit.monthly_mean)).all() == [False]


def test_a_limit_that_holds_for_neither_is_refused_where_it_stands(
    app_make: Make, clerk: FlaskClient, site: Site
) -> None:
    answer = clerk.post("/lines/new", data=mill(site, limits__0__counts="median"))

    assert answer.status_code == 422
    assert "A limit holds for each truck or for the mean of a month." in answer.text
    assert app_make.session.scalar(select(func.count(IntakeLine.id))) == 0


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_reader_finds_the_mean(app_make: Make, browse: Browse, language: str) -> None:
    made = blending(app_make)
    wet, dry = published(app_make.session, made, of := made.round())
    who = people(made)
    said = {"en": "in the mean of a month, so that other loads have to balance it", "zh_Hans_CN": "需与其他来料搭配"}
    binds = {"en": "limits of a monthly mean at lines bind the lots", "zh_Hans_CN": "有 3 项接收线月均值限值"}

    for name in ("park", "recycler", "auditor"):
        reader = browse(who[name].id, language=language)
        assert said[language] in reader.get(f"/awards/{wet.id}").text
        assert said[language] not in reader.get(f"/awards/{dry.id}").text
    assert binds[language] in browse(who["park"].id, language=language).get(f"/rounds/{of.id}").text


@pytest.mark.parametrize(("load", "told"), [(31_000, True), (None, False)])
def test_the_page_says_that_what_waits_is_planned_by_the_truckload(
    app_make: Make, browse: Browse, load: int | None, *, told: bool
) -> None:
    made = bridged(app_make)
    of = made.round(truckload_kg=load)
    published(app_make.session, made, of)

    page = browse(people(made)["park"].id).get(f"/rounds/{of.id}").text

    assert ("暂存也按整车安排：各月不足一车的零头即使合起来够一车" in page) == told
