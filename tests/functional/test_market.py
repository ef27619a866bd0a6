"""The market in the browser: a plant lists, recyclers look, bid and read their results; others see what they may."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import func, select, update

from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import AcceptanceLimit
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Leftover
from tests.conftest import counted
from tests.factories import Make
from tests.functional.market import LISTING_FORM, NOW, THIS, TYPED, Browse, World, text


@pytest.fixture
def world(app_make: Make) -> World:
    return World(app_make)


def test_a_signatory_lists_a_stream_and_it_is_on_the_board(app: Flask, world: World, browse: Browse) -> None:
    seller = browse(world.seller.id, language="en")
    form = text(seller, f"/streams/{world.stream.id}/listings/new")
    assert "Keep as a draft" in form
    assert "Publish the listing" in form

    answer = seller.post(f"/streams/{world.stream.id}/listings/new", data=LISTING_FORM | {"action": "publish"})

    assert answer.status_code == 303
    listing = world.make.session.scalars(select(Listing).order_by(Listing.id.desc())).first()
    assert listing is not None
    assert (listing.kg_per_month, listing.asking_fen_per_t, listing.disclosure) == (1_200_500, -1250, "masked")
    shown = text(seller, answer.headers["Location"])
    assert "Yungang Power pays recycler 12.50 yuan per tonne" in shown
    assert "-20.00" in shown


def test_a_clerk_keeps_a_draft_that_nobody_else_finds(world: World, browse: Browse, client: FlaskClient) -> None:
    clerk = browse(world.clerk.id, language="en")
    answer = clerk.post(f"/streams/{world.stream.id}/listings/new", data=LISTING_FORM | {"action": "keep"})
    listing_id = int(answer.headers["Location"].rsplit("/", 1)[1])

    assert clerk.post(f"/listings/{listing_id}/publish").status_code in {403, 404}
    for path in (f"/board/{listing_id}", f"/listings/{listing_id}"):
        assert browse(world.stranger.id).get(path).status_code == 404
    assert client.get(f"/board/{listing_id}").status_code == 404
    assert "draft" in text(clerk, f"/listings/{listing_id}")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kg_per_month": "NaN"}, "is not a number"),
        ({"kg_per_month": "  "}, "This is needed."),
        ({"asking": "1e308"}, "is not a number"),
        ({"last_month": "2020-13"}, "A month is written as year and month"),
        ({"first_month": "2020-01"}, "A listing covers at most two years."),
        ({"reserve": "5"}, "cannot be above the asking price"),
        ({"least_lot": "1000000"}, "The least lot is more than the whole listing."),
        ({"bids_close_on": "2020-01-01"}, "must lie ahead"),
        ({"disclosure": "x"}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(
    world: World, browse: Browse, wrong: dict[str, str], message: str
) -> None:
    seller = browse(world.seller.id, language="en")

    answer = seller.post(f"/streams/{world.stream.id}/listings/new", data=LISTING_FORM | wrong | {"note": "keep me"})

    assert answer.status_code == 422
    assert message in answer.text
    assert "keep me" in answer.text
    assert world.make.session.scalar(select(func.count(Listing.id))) == 1


def test_the_months_of_another_listing_are_refused_with_409(world: World, browse: Browse) -> None:
    seller = browse(world.seller.id, language="en")

    answer = seller.post(
        f"/streams/{world.stream.id}/listings/new",
        data=LISTING_FORM | {"first_month": str(THIS.plus(2)), "action": "publish"},
    )

    assert answer.status_code == 409
    assert "already listed" in answer.text


@pytest.mark.parametrize(
    ("disclosure", "visitor", "member"), [("open", True, True), ("members", False, True), ("masked", False, False)]
)
def test_names_are_told_by_the_level_of_the_listing(
    world: World, browse: Browse, client: FlaskClient, disclosure: str, visitor: bool, member: bool
) -> None:
    world.set_listing(disclosure=disclosure)
    client.set_cookie("language", "en")
    buyer, seller = browse(world.buyer.id, language="en"), browse(world.seller.id, language="en")

    for path in ("/board", f"/board/{world.listing.id}"):
        assert ("Yungang Power" in text(client, path)) is visitor
        assert ("Yungang Power" in text(buyer, path)) is member
        assert "Yungang Power" in text(seller, path)
        assert "pays" in text(buyer, path)
    assert ("5,000–20,000 t" in text(client, f"/board/{world.listing.id}")) is not visitor


def test_an_award_tells_the_name_of_a_masked_producer(world: World, browse: Browse) -> None:
    world.set_listing(disclosure="masked")
    bid = world.new_bid(world.recycler, world.line, price_fen_per_t=2000)
    world.close()
    buyer, seller = browse(world.buyer.id, language="en"), browse(world.seller.id, language="en")
    assert "Yungang Power" not in text(buyer, f"/bids/{bid.id}")

    answer = seller.post(f"/listings/{world.listing.id}/bids/{bid.id}/award", data={"kg_per_month": "1000"})

    assert answer.status_code == 303
    assert "Yungang Power" in text(buyer, f"/bids/{bid.id}")
    assert "Yungang Power" in text(buyer, f"/board/{world.listing.id}")


def test_the_board_is_searched_by_words_place_band_grade_and_month(world: World, client: FlaskClient) -> None:
    client.set_cookie("language", "en")
    link = f'href="/board/{world.listing.id}"'

    for query in ("q=飞灰", "q=fly+ash", "place=Datong", "place=140200&radius=50", "band=5000000", "grade=II",
                  f"month={THIS.plus(2)}", "sort=-kg", "sort=deadline", "place=Datong&sort=-distance", "place=Datong&sort=-published",
        "place=Datong&sort=kg", "sort=published", "page=9"):  # fmt: skip
        assert link in text(client, f"/board?{query}"), query
    for query in ("q=gangue", "q=xyzzy", "place=Guangzhou", "band=0", "grade=I", "month=2020-01"):
        assert link not in text(client, f"/board?{query}"), query
    assert "within 200 km of Datong" in text(client, "/board?place=Datong")
    assert link in text(client, "/board?month=abc&sort=%27&page=-3&radius=x&band=y")
    assert client.get("/board?place=%00").status_code == 404


def test_distances_of_hidden_sites_are_those_of_the_prefecture(world: World, client: FlaskClient) -> None:
    client.set_cookie("language", "en")
    far = text(client, "/board?place=140202&radius=300").split("<tbody")[1].split("</tbody")[0]

    with transaction(world.make.session):
        world.make.session.execute(
            update(type(world.site)).where(type(world.site).id == world.site.id).values(lat_udeg=39_500_000)
        )

    assert text(client, "/board?place=140202&radius=300").split("<tbody")[1].split("</tbody")[0] == far


def test_what_is_over_is_not_on_the_board(world: World, browse: Browse, client: FlaskClient) -> None:
    for values in ({"expires_at": NOW - timedelta(days=1)}, {"withdrawn_at": NOW}):
        world.set_listing(**{"expires_at": NOW + timedelta(days=9)} | values)

        assert f'href="/board/{world.listing.id}"' not in text(client, "/board")
        assert client.get(f"/board/{world.listing.id}").status_code == 404
        assert browse(world.buyer.id).get(f"/board/{world.listing.id}/bid").status_code == 404


def test_takers_say_fit_distance_and_freight_and_never_a_price(world: World, browse: Browse) -> None:
    world.make.line(world.make.site(world.recycler), materials={"fly_ash": 98765})
    page = text(browse(world.clerk.id, language="en"), f"/streams/{world.stream.id}/takers")

    assert "Beichen Materials" in page
    assert "fits" in page
    assert "987.65" not in page
    assert "60.00" not in page
    assert browse(world.stranger.id).get(f"/streams/{world.stream.id}/takers").status_code == 404


def test_an_unverified_plant_reads_no_names_of_recyclers(world: World, browse: Browse) -> None:
    with transaction(world.make.session):
        world.make.session.execute(
            update(Organization).where(Organization.id == world.plant.id).values(verified_at=None)
        )

    page = text(browse(world.clerk.id, language="en"), f"/streams/{world.stream.id}/takers")

    assert "Beichen Materials" not in page
    assert "A recycler in Datong" in page


def test_near_shows_what_fits_an_own_line_with_its_predicted_price(world: World, browse: Browse) -> None:
    buyer = browse(world.buyer.id, language="en")

    page = text(buyer, "/near")

    assert "Boiler 2 ash" not in page
    assert f'href="/board/{world.listing.id}"' in page
    assert "fits" in page
    assert browse(world.stranger.id).get(f"/near?line={world.line.id}").status_code == 404
    assert "No intake line yet" in text(browse(world.stranger.id, language="en"), "/near")


def test_strangers_change_nothing(world: World, browse: Browse) -> None:
    bid = world.new_bid(world.recycler, world.line)
    world.close()
    stranger = browse(world.stranger.id)
    listing = f"/listings/{world.listing.id}"

    for url in (f"{listing}/publish", f"{listing}/renew", f"{listing}/withdraw", f"{listing}/edit",
                f"{listing}/bids/{bid.id}/award", f"{listing}/bids/end", f"{listing}/bids/open", f"/bids/{bid.id}/withdraw",
                f"/streams/{world.stream.id}/listings/new"):  # fmt: skip
        data = LISTING_FORM | {"kg_per_month": "1", "reason": "x"}
        assert stranger.post(url, data=data).status_code == 404, url
    for url in (listing, f"{listing}/edit", f"{listing}/bids", f"/bids/{bid.id}"):
        assert stranger.get(url).status_code == 404, url


def test_every_page_speaks_chinese(world: World, browse: Browse, client: FlaskClient) -> None:
    bid = world.new_bid(world.recycler, world.line)
    world.close()
    seller, buyer = browse(world.seller.id), browse(world.buyer.id)
    listing = f"/listings/{world.listing.id}"

    for url in ("/listings", listing, f"{listing}/edit", f"{listing}/bids", f"/streams/{world.stream.id}/takers",
                f"/streams/{world.stream.id}/listings/new"):  # fmt: skip
        text(seller, url)
    for url in ("/bids", f"/bids/{bid.id}", "/near", "/board", f"/board/{world.listing.id}"):
        text(buyer, url)
    assert "挂牌大厅" in text(client, "/board")


def test_leftovers_of_rounds_are_told_with_their_reason(world: World, browse: Browse) -> None:
    opened = world.make.round(world.make.park(), published_at=NOW, result_sha256="0" * 64, first_month=Month(2027, 2))
    with transaction(world.make.session):
        world.make.session.add(
            Leftover(
                round_id=opened.id,
                listing_id=world.listing.id,
                kg=1_600_000,
                reason="priced_out",
                sentence=Sentence("Priced out by %(gap_fen_per_t)s.", {"gap_fen_per_t": 1390}).plain(),
            )
        )

    page = text(browse(world.seller.id, language="en"), f"/listings/{world.listing.id}")

    assert "left 1,600 t over." in page
    assert "Priced out by 13.90." in page


def test_pages_ask_the_database_as_often_for_many_as_for_few(app: Flask, world: World, browse: Browse) -> None:
    urls = ("/listings", "/board", "/board?place=Datong", f"/board/{world.listing.id}", f"/listings/{world.listing.id}",
            f"/streams/{world.stream.id}/takers", f"/listings/{world.listing.id}/bids", "/near", "/bids")  # fmt: skip
    clients = {url: browse((world.buyer if url in {"/near", "/bids"} else world.seller).id) for url in urls}
    opened = world.close()
    world.new_bid(world.recycler, world.line, opened_at=opened)

    def asked(url: str) -> int:
        text(clients[url], url)
        with counted(app.extensions["marketplace.engine"]) as sent:
            text(clients[url], url)
        return sum(each.lstrip().upper().startswith("SELECT") for each in sent)

    few = {url: asked(url) for url in urls}
    for _ in range(60):
        organization = world.make.organization()
        world.new_bid(organization, world.make.line(world.make.site(organization)), opened_at=opened)
        world.make.listing(
            world.make.stream(world.site),
            first_month=THIS.plus(1),
            last_month=THIS.plus(2),
            published_at=NOW,
            expires_at=NOW + timedelta(days=9),
            bids_close_at=NOW + timedelta(days=2),
        )

    assert {url: asked(url) for url in urls} == few
    assert max(few.values()) <= 24


def test_a_day_is_a_day_of_the_site(world: World, browse: Browse) -> None:
    seller = browse(world.seller.id)
    day = date.today() + timedelta(days=20)

    answer = seller.post(
        f"/streams/{world.stream.id}/listings/new",
        data=LISTING_FORM | {"bids_close_on": day.isoformat(), "action": "publish"},
    )

    assert answer.status_code == 303
    closes = world.make.session.scalar(select(Listing.bids_close_at).order_by(Listing.id.desc()).limit(1))
    assert closes == datetime(day.year, day.month, day.day, 9, 0, tzinfo=UTC)


@given(some.fixed_dictionaries(dict.fromkeys((*LISTING_FORM, "bids_close_on", "least_lot", "loading_mode"), TYPED)))
@settings(max_examples=30)
def test_whatever_is_typed_into_a_listing_is_answered(world: World, browse: Browse, typed: dict[str, str]) -> None:
    seller = browse(world.seller.id, language="en")

    answer = seller.post(f"/streams/{world.stream.id}/listings/new", data=typed)

    assert answer.status_code in {303, 409, 422}


@given(
    some.fixed_dictionaries(dict.fromkeys(("q", "place", "radius", "band", "grade", "month", "sort", "page"), TYPED))
)
@settings(max_examples=30)
def test_whatever_is_searched_for_is_answered(client: FlaskClient, typed: dict[str, str]) -> None:
    answer = client.get("/board", query_string=typed)

    unseen = any("\0" in text for text in typed.values())
    assert answer.status_code == (404 if unseen else 200)


def test_what_may_wait_in_the_yard_is_kept_and_shown_to_its_producer(world: World, browse: Browse) -> None:
    seller = browse(world.seller.id, language="en")
    storing = {"storage": "800", "storage_cost": "1.5", "action": "publish"}

    answer = seller.post(f"/streams/{world.stream.id}/listings/new", data=LISTING_FORM | storing)

    listing = world.make.session.scalars(select(Listing).order_by(Listing.id.desc())).first()
    assert listing is not None
    assert (answer.status_code, listing.storage_kg, listing.storage_fen_per_t) == (303, 800_000, 150)
    assert "800 t, at 1.50 yuan per tonne and month" in text(seller, f"/listings/{listing.id}")
    assert "May wait in" not in text(browse(world.buyer.id, language="en"), f"/board/{listing.id}")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"storage_cost": "1"}, "Say how much may wait"),
        ({"storage": "1", "storage_cost": "-1"}, "between 0 and 1,000 yuan"),
        ({"storage": "1", "storage_cost": "1000.01"}, "between 0 and 1,000 yuan"),
    ],
)
def test_storage_that_makes_no_sense_lists_nothing(
    world: World, browse: Browse, wrong: dict[str, str], message: str
) -> None:
    seller, before = browse(world.seller.id, language="en"), world.make.session.scalars(select(Listing.id)).all()

    answer = seller.post(f"/streams/{world.stream.id}/listings/new", data=LISTING_FORM | wrong | {"action": "publish"})

    assert answer.status_code == 422
    assert message in answer.text
    assert world.make.session.scalars(select(Listing.id)).all() == before


@pytest.mark.parametrize("language", ["en", "zh_Hans_CN"])
def test_a_value_that_alone_is_missing_is_named_with_the_lines_it_would_win(
    world: World, browse: Browse, language: str
) -> None:
    limit = AcceptanceLimit(property="loss_on_ignition", maximum=Decimal(8))
    world.make.line(world.make.site(world.recycler), limits=(limit,))

    page = text(browse(world.seller.id, language=language), f"/listings/{world.listing.id}")

    said = {"en": "lets 1 more intake line say yes", "zh_Hans_CN": "1 条"}
    assert said[language] in page
