"""Acts of recyclers before the deadline: they bid, bid anew, withdraw and ask; and of producers, who answer."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import func, select

from marketplace.domain.bids import NewBid
from marketplace.domain.questions import NewQuestion
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.questions import Question
from marketplace.persistence.salerules import StatedRules
from marketplace.services.bids import submit_bid, withdraw_bid
from marketplace.services.questions import answer_question, ask_question
from tests.factories import SEALER
from tests.machine.base import Sale
from tests.machine.selling import NUMBER, Selling


class Bidding(Selling):
    """What recyclers do, until the deadline."""

    def _stands(self, sale: Sale) -> bool:
        """Whether bids are taken on a sale now: it is public, open, and its rules have begun."""
        row = self.session.get_one(Listing, sale.id, populate_existing=True)
        since = self.session.scalar(select(func.max(StatedRules.since_at)).where(StatedRules.listing_id == sale.id))
        self.session.rollback()
        return (
            self._open(sale)
            and row.expires_at is not None
            and self.now < row.expires_at
            and (since or self.now) <= self.now
        )

    @rule(
        number=NUMBER,
        line=NUMBER,
        price=st.integers(-10, 90),
        kg=st.integers(1, 5),
        transport=st.sampled_from(("recycler", "producer")),
        stranger=NUMBER,
    )
    def bid(self, number: int, line: int, price: int, kg: int, transport: str, stranger: int) -> None:
        sale = self.pick(number, [each for each in self.sales.values() if self._open(each)], self.sales.values())
        if sale is None:
            return
        line_id = self.pick(6 * line + 1, self.lines)
        firm = self.lines[line_id]
        new = NewBid(
            listing_id=sale.id,
            line_id=line_id,
            price_fen_per_t=price * 100,
            kg_per_month=kg * 1_000_000,
            transport=transport,
            confirmed=True,
        )
        legal = firm not in self.suspended and self._stands(sale) and new.kg_per_month <= sale.kg_per_month
        fits: bool | None = new.kg_per_month <= self.capacity[line_id]
        if not fits and line_id in sale.live:
            fits = None  # it may be the bid that stands, from before the capacity was lowered; said twice it has one effect
        bid_id = self.act(
            "bid",
            lambda actor: submit_bid(self.session, actor, new, sealer=SEALER, now=self.now),
            self.of(firm),
            expect=legal and fits,
            stranger=stranger,
            again=True,
        )
        if bid_id is not None:
            sale.live[line_id] = bid_id

    @rule(number=NUMBER, stranger=NUMBER)
    def take_back(self, number: int, stranger: int) -> None:
        found = self.session.execute(select(Bid.id, Bid.listing_id, Bid.line_id).order_by(Bid.id)).all()
        self.session.rollback()
        row = self.pick(
            number, [each for each in found if self.sales[each.listing_id].live.get(each.line_id) == each.id], found
        )
        if row is None:
            return
        sale, firm = self.sales[row.listing_id], self.lines[row.line_id]
        lives = sale.live.get(row.line_id) == row.id
        taken = self.act(
            "withdraw bid",
            lambda actor: withdraw_bid(self.session, actor, row.id, now=self.now) or True,
            self.of(firm),
            expect=self._open(sale) and firm not in self.suspended if lives and not sale.withdrawn else None,
            stranger=stranger,
            again=True,
        )
        if taken and lives:
            del sale.live[row.line_id]

    @rule(number=NUMBER, firm=NUMBER, text=st.sampled_from(("能否夜间装车？", "含水率何时测的？")), stranger=NUMBER)
    def ask(self, number: int, firm: int, text: str, stranger: int) -> None:
        sale = self.pick(number, [each for each in self.sales.values() if self._open(each)], self.sales.values())
        if sale is None:
            return
        organization_id = self.pick(6 * firm + 1, self.recyclers)
        self.act(
            "ask",
            lambda actor: ask_question(
                self.session,
                actor,
                NewQuestion(listing_id=sale.id, organization_id=organization_id, text=text),
                now=self.now,
            ),
            self.of(organization_id),
            expect=None if self._stands(sale) else (None if self._open(sale) else False),
            stranger=stranger,
            again=True,
        )

    @rule(number=NUMBER, text=st.sampled_from(("可以。", "上周三。", "不可以。")), stranger=NUMBER)
    def answer(self, number: int, text: str, stranger: int) -> None:
        asked = self.session.execute(select(Question.id, Question.listing_id).order_by(Question.id)).all()
        self.session.rollback()
        row = self.pick(number, [each for each in asked if self._open(self.sales[each.listing_id])], asked)
        if row is None:
            return
        sale = self.sales[row.listing_id]
        self.act(
            "answer",
            lambda actor: answer_question(self.session, actor, sale.id, row.id, text, now=self.now),
            self.of(sale.producer),
            expect=None if self._open(sale) else False,
            stranger=stranger,
            again=True,
        )
