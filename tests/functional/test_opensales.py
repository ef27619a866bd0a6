"""An open sale in the browser: what each reads, what a bid meets, and a page that asks only for what is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.persistence.listings import Bid
from marketplace.web.watching import Hub
from tests.factories import Make
from tests.functional.market import LISTING_FORM, NOW, Browse, World, text, words


@pytest.fixture
def world(app_make: Make) -> World:
    made = World(app_make)
    made.set_listing(sale_kind="ascending", bids_close_at=NOW + timedelta(days=1), kg_per_month=5_000_000)
    app_make.session.refresh(made.listing)
    return made


def bid_form(world: World, **given: str) -> dict[str, str]:
    return {"line": str(world.line.id), "price": "15", "kg_per_month": "2000", "transport": "recycler"} | given


def test_bids_are_read_by_all_and_names_by_nobody(app: Flask, world: World, browse: Browse) -> None:
    rival = world.make.organization(name_zh="大同建材", name_en="Datong Blocks")
    world.new_bid(rival, world.make.line(world.make.site(rival)), price_fen_per_t=1700, kg_per_month=5_000_000)
    buyer = browse(world.buyer.id, language="en")
    url = f"/board/{world.listing.id}"

    assert "Bidder 1" in words(buyer, url)
    refused = buyer.post(f"{url}/bid", data=bid_form(world, action="bid"))
    assert refused.status_code == 409
    assert "From 18.00 yuan per tonne net to the seller on" in refused.text
    assert world.make.session.scalar(select(func.count(Bid.id))) == 1
    placed = buyer.post(f"{url}/bid", data=bid_form(world, price="18", action="bid"), follow_redirects=True)

    assert "It stands and binds until the sale ends." in placed.text
    assert "Withdraw" not in placed.text
    for person in (world.buyer, world.seller, world.clerk):
        for page in (url, f"{url}/sale"):
            shown = words(browse(person.id, language="en"), page)
            assert "Bidder 2" in shown
            assert "18.00" in shown
            assert "Datong" not in shown
    assert "you" in words(buyer, f"{url}/sale").split("\n")
    assert "18.00" in words(browse(world.seller.id, language="en"), f"/listings/{world.listing.id}/bids")
    visitor = app.test_client()
    assert "18.00" not in words(visitor, url)
    assert visitor.get(f"{url}/sale").status_code == 404
    assert visitor.get(f"{url}/watch").status_code == 404


def test_the_own_bid_stands_in_the_form_and_in_its_page(world: World, browse: Browse) -> None:
    bid = world.new_bid(world.recycler, world.line, price_fen_per_t=1700)
    buyer = browse(world.buyer.id, language="zh_Hans_CN")

    form = text(buyer, f"/board/{world.listing.id}/bid")
    own = words(buyer, f"/bids/{bid.id}")

    assert 'value="17.00"' in form or 'value="17"' in form
    assert "有约束力" in form
    assert "17.00" in own
    assert "密封" not in own


def test_a_page_that_has_it_already_is_told_so(world: World, browse: Browse) -> None:
    buyer = browse(world.buyer.id, language="en")
    url = f"/board/{world.listing.id}/sale"
    first = buyer.get(url)
    etag = first.headers["ETag"]

    same = buyer.get(url, headers={"If-None-Match": etag})
    world.new_bid(world.recycler, world.line, price_fen_per_t=1700)
    other = buyer.get(url, headers={"If-None-Match": etag})

    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert same.data == b""
    assert other.headers["ETag"] != etag
    assert "17.00" in other.text


def test_a_stream_is_given_to_so_many_and_only_while_bids_are_taken(
    app: Flask, world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = app.extensions["marketplace"]
    hub = Hub(lambda wanted, _: dict.fromkeys(wanted, "new"), 1, period=0.01)
    buyer, url = browse(world.buyer.id), f"/board/{world.listing.id}/watch"
    assert buyer.get(url).status_code == 204  # the tests' site gives none

    monkeypatch.setitem(app.extensions, "marketplace", replace(parts, hub=hub))
    first = buyer.get(f"{url}?version=old")
    assert first.mimetype == "text/event-stream"
    assert buyer.get(url).status_code == 204
    said = iter(first.response)
    assert [next(said), next(said)] == [b"retry: 3000\n\n", b"event: changed\ndata: new\n\n"]
    first.close()
    assert hub.watching == 0

    world.set_listing(bids_close_at=NOW - timedelta(seconds=1))
    assert buyer.get(url).status_code == 204
    assert hub.watching == 0


def test_a_plant_lists_an_open_sale_and_its_rules_say_so(world: World, browse: Browse) -> None:
    world.set_listing(withdrawn_at=NOW)
    seller, url = browse(world.seller.id, language="en"), f"/streams/{world.stream.id}/listings/new"
    asked = LISTING_FORM | {"sale_kind": "ascending", "least_step": "2.5", "soft_close": "10", "action": "publish"}

    without_a_day = seller.post(url, data=asked | {"bids_close_on": ""})
    assert without_a_day.status_code == 422
    assert "An open sale needs a day" in without_a_day.text
    day = (NOW + timedelta(days=3)).date().isoformat()
    stalls = seller.post(url, data=asked | {"bids_close_on": day, "least_step": "0"})
    assert stalls.status_code == 422
    made = seller.post(url, data=asked | {"bids_close_on": day})
    assert made.status_code == 303

    number = made.headers["Location"].rpartition("/")[2]
    rules = browse(world.buyer.id).get(f"/board/{number}/rules").get_json()
    assert rules["fixed"]["kind"] == "ascending"
    assert rules["fixed"]["ascending"] == {
        "least_step_fen_per_t": 250, "longest_extension_minutes": 120, "soft_close_minutes": 10,
    }  # fmt: skip
