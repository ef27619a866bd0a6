"""Bidders are told by mail that they were outbid, once for each bid, and that they lost or won."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.bids import NewBid
from marketplace.domain.errors import Conflict
from marketplace.persistence.listings import Listing
from marketplace.persistence.outbox import OutboxMail
from marketplace.services.awarding import award_bid, end_bidding
from marketplace.services.bids import submit_bid
from marketplace.services.opening import open_bids
from tests.factories import NOON, SEALER, Make

CLOSES = NOON + timedelta(days=14)


class Sale:
    """A listing of 5,000 t a month, and three recyclers."""

    def __init__(self, session: Session, make: Make, kind: str) -> None:
        self.session, self.plant = session, make.organization(recycles=False)
        self.seller_person = make.person("signatory", organization=self.plant)
        self.seller = make.actor(self.seller_person)
        stream = make.stream(make.site(self.plant), values={"moisture": "0.4"})
        self.listing: Listing = make.listing(stream, sale_kind=kind)
        self.buyers = []
        for _ in range(3):
            firm = make.organization(produces=False)
            person = make.person("signatory", organization=firm)
            self.buyers.append((person, make.actor(person), make.line(make.site(firm)).id))

    def bid(self, who: int, yuan: int, tonnes: int, minute: int) -> int:
        _, actor, line_id = self.buyers[who]
        new = NewBid(
            listing_id=self.listing.id, line_id=line_id, price_fen_per_t=yuan * 100, kg_per_month=tonnes * 1000
        )
        return submit_bid(self.session, actor, new, sealer=SEALER, now=NOON + timedelta(minutes=minute))

    def told(self, kind: str) -> list[tuple[str, dict[str, object]]]:
        rows = self.session.scalars(select(OutboxMail).where(OutboxMail.kind == kind).order_by(OutboxMail.id))
        return [(mail.recipient, mail.values) for mail in rows]


def test_who_would_get_less_than_the_whole_bid_is_told_once(session: Session, make: Make) -> None:
    sale = Sale(session, make, "ascending")
    sale.bid(0, 20, 3000, 1)
    sale.bid(1, 21, 2000, 2)  # there is enough for both
    assert sale.told("outbid") == []

    sale.bid(2, 23, 1000, 3)
    sale.bid(2, 24, 2000, 4)

    about = {"listing_id": sale.listing.id, "material": "fly_ash", "asked_kg": 3_000_000, "gets_kg": 2_000_000}
    assert sale.told("outbid") == [(sale.buyers[0][0].email, about)]
    sale.bid(0, 25, 3000, 5)
    assert [who for who, _ in sale.told("outbid")] == [sale.buyers[0][0].email, sale.buyers[1][0].email]


def test_a_bid_that_is_refused_tells_nobody(session: Session, make: Make) -> None:
    sale = Sale(session, make, "ascending")
    sale.bid(0, 20, 5000, 1)

    with pytest.raises(Conflict, match="Better bids"):
        sale.bid(1, 20, 5000, 2)

    assert sale.told("outbid") == []


def test_in_a_sealed_sale_nobody_is_told_before_the_end_and_then_winner_and_losers_are(
    session: Session, make: Make
) -> None:
    sale = Sale(session, make, "sealed")
    won = sale.bid(0, 25, 3000, 1)
    sale.bid(1, 21, 3000, 2)
    sale.bid(2, 23, 3000, 3)
    open_bids(session, sale.seller, sale.listing.id, sealer=SEALER, now=CLOSES)
    assert session.scalars(select(OutboxMail)).all() == []

    award = award_bid(session, sale.seller, won, 3_000_000, now=CLOSES)
    end_bidding(session, sale.seller, sale.listing.id, "余量留作自用。", now=CLOSES)

    assert [(who, about["award_id"], about["side"], about["kg"]) for who, about in sale.told("awarded")] == [
        (sale.seller_person.email, award, "producer", 9_000_000),
        (sale.buyers[0][0].email, award, "recycler", 9_000_000),
    ]
    lost = {"listing_id": sale.listing.id, "material": "fly_ash", "reason": "余量留作自用。"}
    assert sale.told("bids_lost") == [(sale.buyers[1][0].email, lost), (sale.buyers[2][0].email, lost)]
