"""A plant with a listing that takes bids for two weeks, and a recycler with a line."""

from __future__ import annotations

from datetime import timedelta

from marketplace.domain.actors import Actor
from marketplace.domain.bids import NewBid
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.organizations import Organization
from tests.factories import NOON, Make

CLOSES = NOON + timedelta(days=14)
MICROSECOND = timedelta(microseconds=1)


class Market:
    """A plant with a listing, and a recycler with a line."""

    def __init__(self, make: Make, **listing: object) -> None:
        self.make = make
        self.plant = make.organization()
        self.stream = make.stream(make.site(self.plant), values={"moisture": "0.4"})
        self.listing = make.listing(self.stream, **listing)
        self.seller = make.signatory(self.plant)
        self.recycler, self.line, self.buyer = self.another()

    def another(self, **line: object) -> tuple[Organization, IntakeLine, Actor]:
        recycler = self.make.organization()
        return recycler, self.make.line(self.make.site(recycler), **line), self.make.signatory(recycler)  # type: ignore[arg-type]  # any columns

    def bid(self, **given: object) -> NewBid:
        values = {
            "listing_id": self.listing.id,
            "line_id": self.line.id,
            "price_fen_per_t": 1200,
            "kg_per_month": 3_000_000,
        }
        return NewBid(**(values | given))  # type: ignore[arg-type]
