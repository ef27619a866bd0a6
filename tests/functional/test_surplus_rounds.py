"""A round for the greatest surplus in the browser: chosen in the form, printed with the result, signed and printed again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from marketplace.persistence.rounds import Award, Round
from tests.factories import Make
from tests.functional.test_rounds import do_jobs, form, people
from tests.integration.services.rounds_world import published, world

Browse = Callable[..., FlaskClient]


def test_the_administrator_chooses_what_it_is_solved_for(app: Flask, app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    park = browse(people(made)["park"].id)
    asked = park.get("/rounds/new").text
    assert "先使计入综合利用率的吨数最大，再使费用最低。" in asked
    assert "使报价扣除底价、运费和扣款后的价差总额最大" in asked

    opened = park.post(
        "/rounds/new", data=form(park_id=str(made.park.id), objective="surplus", subsidy="５.5")
    ).headers["Location"]
    for act in ("close", "run"):
        assert park.post(f"{opened}/{act}").status_code == 303
    do_jobs(app)

    of = app_make.session.scalars(select(Round)).one()
    assert (of.objective, of.subsidy_fen_per_t, of.failed_because) == ("surplus", 550, None)
    app_make.session.rollback()
    shown = park.get(opened).text
    for text in ("价差总额及其归属", "没有方案价差总额更大", "产废单位所得均不低于底价", "利用方所付均不高于报价"):
        assert text in shown
    assert "没有方案能分配更多" not in shown
    assert "价差总额最大" in park.get("/rounds").text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"objective": "surplus", "kind": "planning"}, "规划轮次不计价格，没有价差可算"),
        ({"kind": "planning", "subsidy": "1"}, "规划轮次不计价格，填写补贴不起作用"),
        ({"subsidy": "-1"}, "补贴应在 0 至 1,000 元/吨之间"),
        ({"subsidy": "1000.01"}, "补贴应在 0 至 1,000 元/吨之间"),
        ({"subsidy": "much"}, "much"),
        ({"objective": "profit"}, ""),
    ],
)
def test_what_makes_no_sense_comes_back_with_its_reason(
    app_make: Make, browse: Browse, wrong: dict[str, str], said: str
) -> None:
    made = world(app_make)
    park = browse(people(made)["park"].id)

    answer = park.post("/rounds/new", data=form(park_id=str(made.park.id), **wrong))

    assert answer.status_code == 422
    assert said in answer.text
    assert app_make.session.scalar(select(func.count(Round.id))) == 0


WORDS = {
    "en": {
        "rounds": "Surplus, and who gets it|No plan has a greater surplus|No producer nets less than it asked"
        "|Subsidy to the producer, beside the price|Part of the surplus that comes from the subsidy",
        "awards": "Surplus is the greatest|What is paid is what is received|nobody in this round would gain by dealing"
        "|which the other can then tell from it|the round&#39;s subsidy of 3.00 yuan per tonne",
        "contract": "Subsidy of the round to the producer, beside the price and not paid by the recycler",
    },
    "zh_Hans_CN": {
        "rounds": "价差总额及其归属|没有方案价差总额更大|产废单位所得均不低于底价|成交价之外付给产废单位的补贴|价差总额中来自补贴",
        "awards": "价差总额最大|所付与所收一致|本轮任何一家改与别家成交都不会更有利|对方可由此推知|本轮补贴 3.00 元/吨",
        "contract": "本轮付给产废单位的补贴（成交价之外，不由利用方支付）",
    },
}


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_reader_finds_the_rule_and_the_proof(app_make: Make, browse: Browse, language: str) -> None:
    made = world(app_make)
    made.plant(asking_fen_per_t=3000, reserve_fen_per_t=2900)
    of = made.round(objective="surplus", subsidy_fen_per_t=300)
    award = published(app_make.session, made, of)[0]
    who, words = people(made), WORDS[language]

    for name in ("park", "auditor"):
        shown = browse(who[name].id, language=language).get(f"/rounds/{of.id}").text
        assert [text for text in words["rounds"].split("|") if text not in shown] == []
    for name in ("park", "plant", "recycler", "auditor"):
        shown = browse(who[name].id, language=language).get(f"/awards/{award.id}").text
        assert [text for text in words["awards"].split("|") if text not in shown] == []
        assert words["contract"] in shown
    for name in ("plant", "recycler"):
        own = browse(who[name].id, language=language).get(f"/rounds/{of.id}").text
        assert words["rounds"].partition("|")[0] not in own  # sums of others' reserves and bids are the park's to see


def test_a_round_for_the_tonnes_says_nothing_of_a_surplus(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    of = made.round()
    award = published(app_make.session, made, of)[0]
    park = browse(people(made)["park"].id, language="en")

    for url in (f"/rounds/{of.id}", f"/awards/{award.id}"):
        shown = park.get(url).text
        assert "surplus" not in shown.lower()
        assert "subsidy" not in shown.lower()
    assert "No plan could move more" in park.get(f"/rounds/{of.id}").text


def test_the_file_of_the_result_can_be_read_by_whoever_oversees_the_round(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    of = made.round(objective="surplus", subsidy_fen_per_t=300)
    published(app_make.session, made, of)

    file = json.loads(browse(people(made)["park"].id).get(f"/rounds/{of.id}/files/1/result").text)

    (award,) = app_make.session.scalars(select(Award))
    assert file["objective"] == "surplus"
    assert file["proof"]["prices"] == {"balanced": True, "bids_kept": True, "reserves_kept": True}
    assert file["report"]["subsidy_fen"] == 300 * award.kg // 1000
    told = file["report"]["surplus"]
    assert told["total_fen"] == told["producers_fen"] + told["recyclers_fen"]
