"""The market in the browser: a plant lists, recyclers look, bid and read their results; others see what they may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import func, select, update

from marketplace.domain.hazards import questions
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award, Leftover
from tests.conftest import counted
from tests.factories import Make

Browse = Callable[..., FlaskClient]
NOW = datetime.now(UTC)
THIS = month_at(NOW)


class World:
    """A plant with a listing, a recycler with a line, a stranger; all around this month."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.plant = make.organization(name_zh="云岗热电", name_en="Yungang Power")
        self.seller = make.person("signatory", organization=self.plant)
        self.clerk = make.person("clerk", organization=self.plant)
        self.site = make.site(self.plant)
        self.stream = self.new_stream(name="二号炉灰", name_en="Boiler 2 ash", grade="II")
        self.listing = self.new_listing()
        self.recycler = make.organization(name_zh="北辰建材", name_en="Beichen Materials")
        self.buyer = make.person("signatory", organization=self.recycler)
        self.line: IntakeLine = make.line(make.site(self.recycler), name="粉磨线", name_en="Grinding line")
        self.stranger = make.person("signatory", organization=make.organization())

    def new_stream(self, **given: object) -> object:
        harmless = {question.code: not question.hazardous_if for question in questions("fly_ash")}
        today = NOW.date()
        stream = self.make.stream(self.site, origin_answers=harmless, **given)
        self.make.sheet(stream, {"moisture": "0.4", "fineness_45um": "18"}, sampled_on=today, reported_on=today)
        return stream

    def new_listing(self, **given: object) -> Listing:
        values = {
            "first_month": THIS.plus(1),
            "last_month": THIS.plus(3),
            "bids_close_at": NOW + timedelta(days=5),
            "published_at": NOW - timedelta(days=1),
            "expires_at": NOW + timedelta(days=59),
            "disclosure": "members",
        }
        return self.make.listing(self.stream, **(values | given))  # type: ignore[arg-type]

    def new_bid(self, organization: Organization, line: IntakeLine, **given: object) -> Bid:
        values = {"received_at": NOW - timedelta(hours=2), "kg_per_month": 2_000_000}
        return self.make.bid(self.listing, line, organization, **(values | given))

    def set_listing(self, **values: object) -> None:
        with transaction(self.make.session):
            self.make.session.execute(update(Listing).where(Listing.id == self.listing.id).values(**values))


@pytest.fixture
def world(app_make: Make) -> World:
    return World(app_make)


def text(client: FlaskClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.text[:2000]
    return answer.text


LISTING_FORM = {
    "kg_per_month": "１，２００．5",
    "first_month": str(THIS.plus(5)),
    "last_month": str(THIS.plus(6)),
    "asking": "-12.50",
    "disclosure": "masked",
    "reserve": "-20",
}


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
    world.set_listing(disclosure="masked", bids_close_at=NOW - timedelta(hours=1))
    bid = world.new_bid(world.recycler, world.line, price_fen_per_t=2000)
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
    assert link in text(client, "/board?month=abc&sort=%27&page=-3&radius=x&band=y&place=%00")


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


def bid_form(world: World, **given: str) -> dict[str, str]:
    return {"line": str(world.line.id), "price": "15", "kg_per_month": "2000", "transport": "recycler"} | given


def test_a_recycler_calculates_bids_changes_and_withdraws(world: World, browse: Browse) -> None:
    buyer = browse(world.buyer.id, language="en")
    url = f"/board/{world.listing.id}/bid"
    assert "Calculate" in text(buyer, url)

    calculated = buyer.post(url, data=bid_form(world, action="calculate"))
    assert calculated.status_code == 200
    assert "As calculated" in calculated.text
    assert "Beichen Materials pays Yungang Power 15.00 yuan per tonne" in calculated.text
    assert world.make.session.scalar(select(func.count(Bid.id))) == 0

    placed = buyer.post(url, data=bid_form(world, action="bid"))
    again = buyer.post(url, data=bid_form(world, action="bid"))
    assert placed.headers["Location"] == again.headers["Location"]
    changed = buyer.post(url, data=bid_form(world, price="－3", action="bid"))
    assert changed.status_code == 303
    shown = text(buyer, changed.headers["Location"])
    assert "Yungang Power pays Beichen Materials 3.00 yuan per tonne" in shown
    assert "Earlier bids for this line" in shown

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
        page = text(browse(world.seller.id, language="en"), url)
        assert "43.21" not in page
        assert "Bids received" not in page


def test_the_plant_awards_and_the_loser_reads_rank_and_gap_and_no_name(world: World, browse: Browse) -> None:
    world.set_listing(bids_close_at=NOW - timedelta(hours=1))
    loser_of = world.make.organization(name_en="Losing Works")
    loser = world.make.person("signatory", organization=loser_of)
    lost = world.new_bid(loser_of, world.make.line(world.make.site(loser_of)), price_fen_per_t=1000)
    won = world.new_bid(world.recycler, world.line, price_fen_per_t=3000)
    seller = browse(world.seller.id, language="en")
    page = text(seller, f"/listings/{world.listing.id}/bids")
    assert page.index("Beichen Materials") < page.index("Losing Works")

    refused = seller.post(f"/listings/{world.listing.id}/bids/{won.id}/award", data={"kg_per_month": "9999"})
    assert refused.status_code == 422
    assert (
        seller.post(f"/listings/{world.listing.id}/bids/{won.id}/award", data={"kg_per_month": "2000"}).status_code
        == 303
    )
    assert "The deadline has passed" in text(browse(loser.id, language="en"), f"/bids/{lost.id}")
    assert seller.post(f"/listings/{world.listing.id}/bids/end", data={"reason": ""}).status_code == 303

    result = text(browse(loser.id, language="en"), f"/bids/{lost.id}")
    assert "Number 2 of 2 by what the seller nets." in result
    assert "netted 20.00 yuan per tonne more" in result
    assert "Beichen" not in result
    assert "lost" in text(browse(loser.id, language="en"), "/bids")
    assert "won" in text(browse(world.buyer.id, language="en"), "/bids")
    assert world.make.session.scalar(select(func.count(Award.id))) == 1


def test_strangers_change_nothing(world: World, browse: Browse) -> None:
    world.set_listing(bids_close_at=NOW - timedelta(hours=1))
    bid = world.new_bid(world.recycler, world.line)
    stranger = browse(world.stranger.id)
    listing = f"/listings/{world.listing.id}"

    for url in (f"{listing}/publish", f"{listing}/renew", f"{listing}/withdraw", f"{listing}/edit",
                f"{listing}/bids/{bid.id}/award", f"{listing}/bids/end", f"/bids/{bid.id}/withdraw",
                f"/streams/{world.stream.id}/listings/new"):  # fmt: skip
        data = LISTING_FORM | {"kg_per_month": "1", "reason": "x"}
        assert stranger.post(url, data=data).status_code == 404, url
    for url in (listing, f"{listing}/edit", f"{listing}/bids", f"/bids/{bid.id}"):
        assert stranger.get(url).status_code == 404, url


def test_every_page_speaks_chinese(world: World, browse: Browse, client: FlaskClient) -> None:
    world.set_listing(bids_close_at=NOW - timedelta(hours=1))
    bid = world.new_bid(world.recycler, world.line)
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
    world.set_listing(bids_close_at=NOW - timedelta(hours=1))
    world.new_bid(world.recycler, world.line)

    def asked(url: str) -> int:
        text(clients[url], url)
        with counted(app.extensions["marketplace.engine"]) as sent:
            text(clients[url], url)
        return sum(each.lstrip().upper().startswith("SELECT") for each in sent)

    few = {url: asked(url) for url in urls}
    for _ in range(60):
        organization = world.make.organization()
        world.new_bid(organization, world.make.line(world.make.site(organization)))
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


TYPED = some.one_of(
    some.text(max_size=30),
    some.sampled_from(["NaN", "1e308", "-0", "１２", "", " ", "٣", "9" * 40, "2027-02", "<b>", "%s %(x)s", "\u202e1"]),
)


@given(some.fixed_dictionaries(dict.fromkeys((*LISTING_FORM, "bids_close_on", "least_lot", "loading_mode"), TYPED)))
@settings(max_examples=30)
def test_whatever_is_typed_into_a_listing_is_answered(world: World, browse: Browse, typed: dict[str, str]) -> None:
    seller = browse(world.seller.id, language="en")

    answer = seller.post(f"/streams/{world.stream.id}/listings/new", data=typed)

    assert answer.status_code in {303, 409, 422}


@given(some.fixed_dictionaries(dict.fromkeys(("line", "price", "kg_per_month", "transport", "note"), TYPED)))
@settings(max_examples=30)
def test_whatever_is_typed_into_a_bid_is_answered(world: World, browse: Browse, typed: dict[str, str]) -> None:
    buyer = browse(world.buyer.id, language="en")

    answer = buyer.post(f"/board/{world.listing.id}/bid", data=typed)

    assert answer.status_code in {303, 404, 409, 422}


@given(
    some.fixed_dictionaries(dict.fromkeys(("q", "place", "radius", "band", "grade", "month", "sort", "page"), TYPED))
)
@settings(max_examples=30)
def test_whatever_is_searched_for_is_answered(client: FlaskClient, typed: dict[str, str]) -> None:
    assert client.get("/board", query_string=typed).status_code == 200
