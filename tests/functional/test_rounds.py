"""A round through the browser: opened, closed, run, published, answered on both sides, printed; and what strangers see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from marketplace.adapters.passwords import Argon2Passwords
from marketplace.jobs import work
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Person
from marketplace.persistence.rounds import Award, Contract, Leftover, Round
from marketplace.persistence.signatures import ContractSignature
from marketplace.services import jobs
from tests.conftest import counted
from tests.factories import SEALER, Make
from tests.functional.pages import read
from tests.integration.services.rounds_world import World, published, world

Browse = Callable[..., FlaskClient]

PASSWORD = "炉渣也能做砖"


def people(made: World) -> dict[str, Person]:
    """Somebody of each kind."""
    make = made.make
    return {
        "park": make.person("park_administrator", park=made.park),
        "plant": make.person("signatory", organization=made.plants[0]),
        "clerk": make.person("clerk", organization=made.plants[0]),
        "recycler": make.person("signatory", organization=made.recyclers[0]),
        "auditor": make.person("auditor"),
        "stranger": make.person("signatory", organization=_far_away(make)),
        "other_park": make.person("park_administrator", park=make.park()),
    }


def _far_away(make: Make) -> Organization:
    organization = make.organization()
    make.line(make.site(organization, lat_udeg=30_000_000, lon_udeg=104_000_000, division_code="510104"))
    return organization


def do_jobs(app: Flask) -> None:
    """Do what a worker would."""
    sessions = app.extensions["marketplace"].sessions
    with sessions() as session:
        for job_id in jobs.waiting(session, now=datetime.now(UTC)):
            held = jobs.claim(session, job_id, now=datetime.now(UTC))
            assert held is not None
            work.run(sessions, held, work.Tools(SEALER))


def form(**changes: str) -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {
        "kind": "market",
        "first_month": "2027-02",
        "last_month": "2027-04",
        "closes_at": (today + timedelta(days=7)).isoformat(),
        "answers_until": (today + timedelta(days=14)).isoformat(),
        "max_km": "２００",
        "circuity": "1.3",
    } | changes


def test_the_whole_way_of_a_round(app: Flask, app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    made.plant(
        kg_per_month=16_000_000
    )  # a little more than there is room for: both take part, with the fewest contracts
    who = people(made)
    park, plant = browse(who["park"].id), browse(who["plant"].id)
    recycler = browse(who["recycler"].id, language="en")

    opened = park.post("/rounds/new", data=form(park_id=str(made.park.id)))
    url = opened.headers["Location"]
    assert "提前截止" in park.get(url).text
    assert park.post(f"{url}/run").status_code == 409
    assert park.post(f"{url}/close").status_code == 303
    assert "运行本轮" in park.get(url).text
    assert park.post(f"{url}/run").status_code == 303
    waiting = park.get(url).text
    assert 'data-progress data-url="/rounds/1/progress"' in waiting
    assert "data-done" not in park.get(f"{url}/progress").text
    do_jobs(app)
    assert "data-done" in park.get(f"{url}/progress").text
    solved = park.get(url).text
    assert "发布" in solved
    assert plant.get("/awards").status_code == 200
    assert app_make.session.scalar(select(func.count(Award.id))) == 0
    assert park.post(f"{url}/publish").status_code == 303
    assert park.post(f"{url}/publish").status_code == 409
    app_make.session.rollback()
    award = app_make.session.scalars(select(Award).where(Award.producer_id == made.plants[0].id)).one()
    award_url = f"/awards/{award.id}"
    app_make.session.rollback()
    assert "待贵方答复" in plant.get("/awards").text
    shown = plant.get(award_url).text
    digest = shown.partition('name="terms_sha256" value="')[2][:64]
    with transaction(app_make.session):
        app_make.session.execute(update(Person).values(password_hash=Argon2Passwords().hashed(PASSWORD)))
    signing = {"terms_sha256": digest, "password": PASSWORD}
    assert plant.post(f"{award_url}/accept", data=signing | {"terms_sha256": "x" * 64}).status_code == 409
    assert plant.post(f"{award_url}/accept", data={}).status_code == 409
    for wrong in ("", "another"):
        assert plant.post(f"{award_url}/accept", data=signing | {"password": wrong}).status_code == 422
    assert app_make.session.scalar(select(func.count(ContractSignature.id))) == 0
    assert app_make.session.get_one(Award, award.id, populate_existing=True).producer_accepted_at is None
    app_make.session.rollback()
    accepted = plant.post(f"{award_url}/accept", data=signing)
    assert accepted.headers["Location"] == award_url
    made_it = recycler.post(f"{award_url}/accept", data=signing)
    assert made_it.headers["Location"] == "/contracts/1"
    again = recycler.post(f"{award_url}/accept", data=signing)
    assert again.headers["Location"] == "/contracts/1"
    signed = app_make.session.execute(
        select(ContractSignature.side, ContractSignature.sha256, ContractSignature.checked).order_by(
            ContractSignature.id
        )
    ).all()
    assert [tuple(row) for row in signed] == [("producer", digest, "password"), ("recycler", digest, "password")]
    app_make.session.rollback()
    assert recycler.get("/contracts/1").text.count("the password was checked") == 2
    assert recycler.get("/contracts/1/print?language=zh_Hans_CN").text.count("已核验密码") == 2
    paper = recycler.get("/contracts/1/print?language=zh_Hans_CN").text
    assert "污染防治" in paper
    assert "Pollution control" in recycler.get("/contracts/1").text
    assert list(broken(app_make.session)) == []
    assert app_make.session.scalar(select(func.count(Contract.id))) == 1


def test_a_form_that_makes_no_sense_comes_back_with_what_was_typed(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    park = browse(people(made)["park"].id)

    for wrong in (
        {"last_month": "2027-01"},
        {"max_km": "1e9"},
        {"circuity": "NaN"},
        {"circuity": "3"},
        {"first_month": "soon"},
        {"closes_at": "2020-01-01"},
        {"answers_until": ""},
        {"kind": "x"},
    ):
        answer = park.post("/rounds/new", data=form(park_id=str(made.park.id), **wrong))
        assert answer.status_code == 422, wrong
        assert "２００" in answer.text or "max_km" in wrong
    other = app_make.park()
    assert park.post("/rounds/new", data=form(park_id=str(other.id))).status_code == 422

    assert app_make.session.scalar(select(func.count(Round.id))) == 0


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_page_in_both_languages(app_make: Make, browse: Browse, language: str) -> None:
    made = world(app_make)
    made.plant(asking_fen_per_t=50_000, reserve_fen_per_t=40_000)
    made.recycler(price=5000)
    of = made.round()
    planning = made.round(number=70, kind="planning")
    plan = published(app_make.session, made, planning)[0]
    award = published(app_make.session, made, of)[0]
    collecting = app_make.round(made.park, number=71)
    void = made.round(number=72, voided_at=collecting.opened_at, void_cause="Wrong months.")
    who = people(made)
    pages = [
        "/rounds",
        *(f"/rounds/{each.id}" for each in (of, planning, collecting, void)),
        "/awards",
        f"/awards/{award.id}",
        f"/awards/{plan.id}",
        "/contracts",
    ]
    declining = f"/awards/{award.id}/decline"

    for name in ("park", "plant", "clerk", "recycler", "auditor"):
        client = browse(who[name].id, language=language)
        for url in pages:
            answer = client.get(url)
            assert answer.status_code == 200, (name, url)
            assert "%(" not in answer.text, (name, url)
    for url in ("/rounds/new", f"/rounds/{of.id}/void", f"/rounds/{of.id}/progress"):
        assert browse(who["park"].id, language=language).get(url).status_code == 200
    answers = {
        name: browse(who[name].id, language=language).get(declining).status_code for name in ("plant", "recycler")
    }
    watchers = {
        name: browse(who[name].id, language=language).get(declining).status_code for name in ("park", "auditor")
    }
    assert (answers, watchers) == ({"plant": 200, "recycler": 200}, {"park": 403, "auditor": 403})


def test_strangers_find_nothing_on_any_verb(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    of = made.round()
    award = published(app_make.session, made, of)[0]
    who = people(made)
    reads = [
        f"/rounds/{of.id}", f"/rounds/{of.id}/progress", f"/rounds/{of.id}/void", f"/rounds/{of.id}/files/1/result",
        f"/awards/{award.id}", f"/awards/{award.id}/decline", "/contracts/1", "/contracts/1/print",
    ]  # fmt: skip
    writes = [
        *(f"/rounds/{of.id}/{act}" for act in ("close", "run", "publish", "recourse", "void")),
        f"/awards/{award.id}/accept",
        f"/awards/{award.id}/decline",
    ]

    for name in ("stranger", "other_park"):
        client = browse(who[name].id)
        assert f"/rounds/{of.id}" not in client.get("/rounds").text
        assert [url for url in reads if client.get(url).status_code != 404] == []
        assert [url for url in writes if client.post(url, data={"reason": "x", "cause": "x"}).status_code != 404] == []
    plant = browse(who["plant"].id)
    for url in (f"/rounds/{of.id}/progress", f"/rounds/{of.id}/files/1/result", f"/rounds/{of.id}/files/1/input"):
        assert plant.get(url).status_code == 404
    assert plant.post(f"/rounds/{of.id}/publish").status_code == 404
    clerk = browse(who["clerk"].id)
    assert clerk.post(f"/awards/{award.id}/accept", data={"terms_sha256": "0" * 64}).status_code in (403, 404)


def test_only_the_auditor_reads_what_a_run_read(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    of = made.round()
    published(app_make.session, made, of)
    who = people(made)
    park, auditor = browse(who["park"].id), browse(who["auditor"].id)

    files = {kind: auditor.get(f"/rounds/{of.id}/files/1/{kind}") for kind in ("input", "result")}

    assert "reserve_fen_per_t" in files["input"].text
    assert files["input"].headers["Content-Disposition"].endswith('.json"')
    assert park.get(f"/rounds/{of.id}/files/1/input").status_code == 404
    assert park.get(f"/rounds/{of.id}/files/1/result").data == files["result"].data
    assert "reserve_fen_per_t" not in files["result"].text
    assert park.get(f"/rounds/{of.id}/files/1/other").status_code == 404


def test_nobody_but_the_producer_reads_the_reserve(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    made.listings[0].reserve_fen_per_t = 777
    app_make.session.commit()
    award = published(app_make.session, made, made.round())[0]
    who = people(made)

    seen = {
        name: "7.77" in read(browse(who[name].id).get(f"/awards/{award.id}").text).text
        for name in who
        if name[:5] != "other"
    }

    assert seen == {
        "park": False, "plant": True, "clerk": True, "recycler": False, "auditor": False, "stranger": False,
    }  # fmt: skip


def test_a_decline_needs_a_reason_and_offers_recourse_to_the_park(app: Flask, app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    made.recycler(price=5000)
    of = made.round()
    award = published(app_make.session, made, of, now=datetime.now(UTC))[0]
    who = people(made)
    plant, park = browse(who["plant"].id), browse(who["park"].id, language="en")
    assert "Allot again" not in park.get(f"/rounds/{of.id}").text
    assert plant.post(f"/awards/{award.id}/decline", data={"reason": " "}).status_code == 422

    declined = plant.post(f"/awards/{award.id}/decline", data={"reason": "价格"})

    assert declined.status_code == 303
    assert "Allot again what was declined" in park.get(f"/rounds/{of.id}").text
    assert park.post(f"/rounds/{of.id}/recourse").status_code == 303
    assert "data-progress" in park.get(f"/rounds/{of.id}").text
    with app.extensions["marketplace"].sessions() as session:
        assert len(jobs.waiting(session, now=datetime.now(UTC))) == 1


def test_a_leftover_of_ones_own_is_told_with_its_reason(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    made.plant(asking_fen_per_t=50_000, reserve_fen_per_t=40_000)
    of = made.round()
    published(app_make.session, made, of)
    poor = app_make.person("clerk", organization=made.plants[1])

    page = browse(poor.id, language="en").get(f"/rounds/{of.id}").text

    assert (
        app_make.session.scalar(select(Leftover.reason).where(Leftover.listing_id == made.listings[1].id))
        == "priced_out"
    )
    assert "What found no line" in page
    assert "Lines with room left" not in page


def test_pages_ask_the_database_as_often_for_forty_awards_as_for_five(
    app: Flask, app_make: Make, browse: Browse
) -> None:
    counts: dict[int, dict[str, int]] = {}
    for size in (5, 40):
        made = World(app_make, app_make.park())
        plant = app_make.organization(park_id=made.park.id, recycles=False)
        made.plants.append(plant)
        site = app_make.site(plant)
        for _ in range(size):
            app_make.listing(app_make.stream(site), kg_per_month=100_000)
        made.recycler()
        of = made.round()
        awards = published(app_make.session, made, of)
        assert len(awards) == size
        who = {"park": app_make.person("park_administrator", park=made.park)}
        who["plant"] = app_make.person("signatory", organization=plant)
        counts[size] = {}
        for name, person in who.items():
            client = browse(person.id)
            urls = [f"/rounds/{of.id}", "/rounds", f"/awards/{awards[0].id}"] + (["/awards"] if name == "plant" else [])
            for url in urls:
                with counted(app.extensions["marketplace.engine"]) as sent:
                    assert client.get(url).status_code == 200
                path = url.replace(str(of.id), "N") if "rounds" in url else url.rstrip("0123456789")
                counts[size][f"{name} {path}"] = len(sent)

    assert counts[5] == counts[40]


def test_the_command_line_runs_and_repeats_a_round(app: Flask, app_make: Make) -> None:
    made = world(app_make)
    of = made.round()
    runner = app.test_cli_runner()

    run = runner.invoke(args=["rounds", "run", str(of.id)])
    repeated = runner.invoke(args=["replay", str(of.id)])
    missing = runner.invoke(args=["replay", "99"])
    unknown = runner.invoke(args=["rounds", "run", "99"])

    assert run.exit_code == 0, run.output
    assert "1 awards, 15,000.0 t of 15,000.0 t allotted" in run.output
    assert repeated.exit_code == 0
    assert repeated.output.count("same") == 1
    recorded = {line.split()[-1] for line in repeated.output.splitlines() if "result" in line}
    assert len(recorded) == 1
    assert (missing.exit_code, unknown.exit_code) == (1, 1)
    session = app_make.session
    session.rollback()
    session.connection().exec_driver_sql("drop trigger round_files_only_grows_update")
    session.connection().exec_driver_sql(
        "update round_files set content = replace(content, '5000000', '4000000') where kind = 'input'"
    )
    session.commit()
    tampered = runner.invoke(args=["replay", str(of.id)])
    assert tampered.exit_code == 1
    assert "DIFFERENT" in tampered.output
    assert "by rules" not in tampered.output
    session.connection().exec_driver_sql(
        """update round_files set content = replace(content, '"rules":2', '"rules":1') where kind = 'result'"""
    )
    session.commit()
    older = runner.invoke(args=["replay", str(of.id)])
    assert older.exit_code == 1
    assert "it was solved by rules 1; this version solves by rules 2" in older.output


def test_a_park_that_does_not_exist_has_no_rounds(app_make: Make, browse: Browse) -> None:
    made = world(app_make)
    who = people(made)

    assert browse(who["plant"].id).get("/rounds/new").status_code == 404
    assert browse(who["park"].id).get("/rounds/99").status_code == 404
    assert app_make.session.get(Park, 99) is None
