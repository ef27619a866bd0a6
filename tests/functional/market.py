"""A plant with a listing, a recycler with a line and a stranger, for tests of the market in the browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient
from hypothesis import strategies as some
from sqlalchemy import update

from marketplace.domain.hazards import questions
from marketplace.domain.listings import month_at
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization
from tests.factories import Make
from tests.functional.pages import read

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

    def close(self) -> datetime:
        """Let the deadline be an hour past and the bids opened; return when they were."""
        self.set_listing(bids_close_at=NOW - timedelta(hours=1))
        self.make.opened(self.listing, at=NOW)
        return NOW

    def set_listing(self, **values: object) -> None:
        with transaction(self.make.session):
            self.make.session.execute(update(Listing).where(Listing.id == self.listing.id).values(**values))


def text(client: FlaskClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.text[:2000]
    return answer.text


def words(client: FlaskClient, url: str) -> str:
    """Return what a reader meets on a page: an instant in an attribute may hold any digits."""
    return read(text(client, url)).text


LISTING_FORM = {
    "kg_per_month": "１，２００．5",
    "first_month": str(THIS.plus(5)),
    "last_month": str(THIS.plus(6)),
    "asking": "-12.50",
    "disclosure": "masked",
    "reserve": "-20",
}


TYPED = some.one_of(
    some.text(max_size=30),
    some.sampled_from(["NaN", "1e308", "-0", "１２", "", " ", "٣", "9" * 40, "2027-02", "<b>", "%s %(x)s", "\u202e1"]),
)
