"""Bids in the browser: calculated, placed, sealed, awarded, and the loser reads why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import func, select
from sqlalchemy import text as sql

from marketplace.adapters.sealing import KeyFile
from marketplace.persistence.listings import Bid
from marketplace.persistence.rounds import Award
from tests.factories import Make
from tests.functional.market import NOW, TYPED, Browse, World, text, words


@pytest.fixture
def world(app_make: Make) -> World:
    return World(app_make)


def bid_form(world: World, **given: str) -> dict[str, str]:
    return {"line": str(world.line.id), "price": "15", "kg_per_month": "2000", "transport": "recycler"} | given


def test_a_recycler_calculates_bids_changes_and_withdraws(world: World, browse: Browse) -> None:
    buyer = browse(world.buyer.id, language="en")
    url = f"/board/{world.listing.id}/bid"
    assert "Calculate" in text(buyer, url)

    calculated = buyer.post(url, data=bid_form(world, action="calculate"))
    assert calculated.status_code == 200
    assert "Beichen Materials pays Yungang Power 15.00 yuan per tonne" in calculated.text
    assert world.make.session.scalar(select(func.count(Bid.id))) == 0

    placed = buyer.post(url, data=bid_form(world, action="bid"))
    again = buyer.post(url, data=bid_form(world, action="bid"))
    assert placed.headers["Location"] == again.headers["Location"]
    changed = buyer.post(url, data=bid_form(world, price="－3", action="bid"))
    assert changed.status_code == 303
    shown = words(buyer, changed.headers["Location"])
    assert "What this bid says is sealed" in shown
    assert "Earlier bids for this line" in shown
    assert "3.00" not in shown
    assert "A bid of this line stands" in text(buyer, url)

    assert buyer.post(changed.headers["Location"] + "/withdraw").status_code == 303
    assert "withdrawn" in text(buyer, "/bids")


def test_an_unusual_price_is_asked_about_once(world: World, browse: Browse) -> None:
    buyer = browse(world.buyer.id, language="en")
    url = f"/board/{world.listing.id}/bid"

    asked = buyer.post(url, data=bid_form(world, price="1500"))

    assert asked.status_code == 422
    assert "more than five times the usual" in asked.text
    assert 'name="confirmed"' in asked.text
    assert buyer.post(url, data=bid_form(world, price="1500", confirmed="y")).status_code == 303


def test_bids_are_sealed_from_everybody_until_the_deadline(world: World, browse: Browse) -> None:
    bid = world.new_bid(world.recycler, world.line, price_fen_per_t=4321)
    auditor = world.make.person("auditor")

    page = text(browse(world.seller.id, language="en"), f"/listings/{world.listing.id}/bids")

    assert "Sealed until" in page
    for person in (world.seller, world.stranger, auditor):
        assert browse(person.id).get(f"/bids/{bid.id}").status_code == 404
    for url in (f"/listings/{world.listing.id}/bids", f"/listings/{world.listing.id}", "/listings", "/board"):
        page = words(browse(world.seller.id, language="en"), url)
        assert "43.21" not in page
        assert "Bids received" not in page


def test_the_plant_awards_and_the_loser_reads_rank_and_gap_and_no_name(world: World, browse: Browse) -> None:
    loser_of = world.make.organization(name_en="Losing Works")
    loser = world.make.person("signatory", organization=loser_of)
    lost = world.new_bid(loser_of, world.make.line(world.make.site(loser_of)), price_fen_per_t=1000)
    won = world.new_bid(world.recycler, world.line, price_fen_per_t=3000)
    seller = browse(world.seller.id, language="en")
    world.set_listing(bids_close_at=NOW - timedelta(hours=1))
    assert "Open the bids" in text(seller, f"/listings/{world.listing.id}/bids")
    assert "the bids are opened within a minute" in text(browse(loser.id, language="en"), f"/bids/{lost.id}")
    assert seller.post(f"/listings/{world.listing.id}/bids/open").status_code == 303
    page = text(seller, f"/listings/{world.listing.id}/bids")
    assert page.index("Beichen Materials") < page.index("Losing Works")

    refused = seller.post(f"/listings/{world.listing.id}/bids/{won.id}/award", data={"kg_per_month": "9999"})
    assert refused.status_code == 422
    assert (
        seller.post(f"/listings/{world.listing.id}/bids/{won.id}/award", data={"kg_per_month": "2000"}).status_code
        == 303
    )
    assert "On standby until" in text(browse(loser.id, language="en"), f"/bids/{lost.id}")
    assert seller.post(f"/listings/{world.listing.id}/bids/end", data={"reason": ""}).status_code == 303

    result = text(browse(loser.id, language="en"), f"/bids/{lost.id}")
    assert "Number 2 of 2 by what the seller nets." in result
    assert "netted 20.00 yuan per tonne more" in result
    assert "Beichen" not in result
    assert "lost" in text(browse(loser.id, language="en"), "/bids")
    assert "won" in text(browse(world.buyer.id, language="en"), "/bids")
    assert world.make.session.scalar(select(func.count(Award.id))) == 1


def test_the_worker_opens_what_is_due_and_the_page_says_so(app: Flask, world: World, browse: Browse) -> None:
    bid = world.new_bid(world.recycler, world.line, price_fen_per_t=4321)
    world.set_listing(bids_close_at=NOW - timedelta(hours=1))
    buyer = browse(world.buyer.id, language="en")
    assert "43.21" not in words(buyer, f"/bids/{bid.id}")

    app.extensions["marketplace.queue"].sweep()

    assert "Beichen Materials pays Yungang Power 43.21 yuan per tonne" in text(buyer, f"/bids/{bid.id}")
    assert "43.21" in text(browse(world.seller.id, language="en"), f"/listings/{world.listing.id}/bids")


def test_without_the_key_a_bid_and_an_opening_are_refused_in_words(app: Flask, world: World, browse: Browse) -> None:
    world.new_bid(world.recycler, world.line)
    parts = app.extensions["marketplace"]
    app.extensions["marketplace"] = replace(parts, sealer=KeyFile(parts.settings.data_folder / "gone.key"))
    url = f"/board/{world.listing.id}/bid"

    placed = browse(world.buyer.id, language="en").post(url, data=bid_form(world, price="20"))
    world.set_listing(bids_close_at=NOW - timedelta(hours=1))
    seller = browse(world.seller.id, language="en")
    opened = seller.post(f"/listings/{world.listing.id}/bids/open")

    assert (placed.status_code, opened.status_code) == (409, 409)
    assert "is not on this server" in placed.text
    assert "is not on this server" in opened.text
    assert str(parts.settings.data_folder) not in placed.text + opened.text
    assert "Open the bids" in text(seller, f"/listings/{world.listing.id}/bids")
    assert world.make.session.scalar(select(func.count(Bid.id))) == 1


@given(some.fixed_dictionaries(dict.fromkeys(("line", "price", "kg_per_month", "transport", "note"), TYPED)))
@settings(max_examples=30)
def test_whatever_is_typed_into_a_bid_is_answered(world: World, browse: Browse, typed: dict[str, str]) -> None:
    buyer = browse(world.buyer.id, language="en")

    answer = buyer.post(f"/board/{world.listing.id}/bid", data=typed)

    assert answer.status_code in {303, 404, 409, 422}


def test_readiness_tells_that_the_key_of_sealed_bids_is_lost(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parts = app.extensions["marketplace"]
    world.make.session.execute(sql("create table alembic_version (version_num varchar(32))"))
    world.make.session.commit()
    world.new_bid(world.recycler, world.line, price_fen_per_t=4321)
    assert app.test_client().get("/readyz").get_json()["seals"] is True

    monkeypatch.setitem(app.extensions, "marketplace", replace(parts, sealer=KeyFile(tmp_path / "new.key", make=True)))

    assert app.test_client().get("/readyz").get_json()["seals"] is False
