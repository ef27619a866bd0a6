"""A contract of a bid to change and to end: 1,000 t a month for three months, while others stand by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.amendments import NewAmendment, NewTermination
from marketplace.domain.contracts import Terms, terms
from marketplace.domain.quantities import Month
from marketplace.persistence.amendments import Amendment
from marketplace.persistence.lines import LineMonth
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.rounds import Contract
from marketplace.services.amendments import propose_amendment, sign_amendment
from marketplace.services.awarding import award_bid
from marketplace.services.terminations import terminate_contract
from tests.factories import NOON, Make, accept, proof
from tests.integration.services.market import CLOSES, Market

DAY = timedelta(days=1)
MADE = CLOSES + timedelta(hours=2)
FEBRUARY, MARCH, APRIL = Month(2027, 2), Month(2027, 3), Month(2027, 4)
IN_MARCH = datetime(2027, 3, 10, 4, tzinfo=NOON.tzinfo)
KG = 1_000_000


class Deed(Market):
    """A contract between the plant and the first bidder; a second bids as much and got nothing."""

    def __init__(self, make: Make, *, others: int = 0, **listing: object) -> None:
        super().__init__(make, **({"kg_per_month": 2 * KG} | listing))
        self.session = make.session
        bids = []
        self.bidders: list[Actor] = []
        for place in range(1 + others):
            firm, line, actor = self.another()
            self.bidders.append(actor)
            if not place:
                self.first_line = line
            bids.append(
                make.bid(
                    self.listing, line, firm, kg_per_month=KG, price_fen_per_t=4000 - 100 * place, received_at=NOON
                ).id
            )
        self.bids = bids
        make.opened(self.listing)
        self.award_id = award_bid(self.session, self.seller, bids[0], KG, now=CLOSES)
        self.taker = self.bidders[0]
        accept(self.session, self.seller, self.award_id, now=MADE)
        made = accept(self.session, self.taker, self.award_id, now=MADE)
        assert made is not None
        self.contract_id: int = made

    def propose(
        self, months: Mapping[Month, int], price: int = 4000, *, by: Actor | None = None, now: datetime = MADE
    ) -> int:
        new = NewAmendment(price, months, "检修推迟。")
        return propose_amendment(self.session, by or self.seller, self.contract_id, new, now=now)

    def sign(self, amendment_id: int, who: Actor, *, now: datetime = MADE) -> bool:
        digest = self.session.get_one(Amendment, amendment_id).terms_sha256
        self.session.rollback()
        return sign_amendment(
            self.session, who, self.contract_id, amendment_id, proof=proof(who), terms_sha256=digest, now=now
        )

    def change(self, months: Mapping[Month, int], price: int = 4000, *, now: datetime = MADE) -> int:
        """Let both sides sign a new version."""
        made = self.propose(months, price, now=now)
        assert [self.sign(made, who, now=now) for who in (self.seller, self.taker)] == [False, True]
        return made

    def terminate(self, who: Actor, delivered_kg: int = 0, *, now: datetime = MADE) -> None:
        new = NewTermination("stopped", "窑线停产。", delivered_kg)
        digest = self.text().sha256
        terminate_contract(self.session, who, self.contract_id, new, proof=proof(who), terms_sha256=digest, now=now)

    def text(self) -> Terms:
        """Return the text in force."""
        last = self.session.scalars(
            select(Amendment.terms).where(Amendment.made_at.is_not(None)).order_by(Amendment.version.desc()).limit(1)
        ).one_or_none()
        first = self.session.scalars(select(Contract.terms).where(Contract.id == self.contract_id)).one()
        self.session.rollback()
        return terms(last or first)


def held(session: Session, deed: Deed) -> tuple[list[tuple[int, int]], list[int]]:
    """Return what the months of the listing hold (reserved, contracted), and those of the line."""
    session.rollback()
    listing = session.execute(
        select(ListingMonth.reserved_kg, ListingMonth.contracted_kg).order_by(ListingMonth.month)
    ).all()
    line = session.scalars(
        select(LineMonth.contracted_kg).where(LineMonth.line_id == deed.first_line.id).order_by(LineMonth.month)
    ).all()
    session.rollback()
    return [(row[0], row[1]) for row in listing], list(line)
