"""Acts after the opening: awards, answers and lapses."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select

from marketplace.domain.actors import SYSTEM
from marketplace.persistence.listings import Bid
from marketplace.persistence.rounds import Award
from marketplace.services.awarding import award_bid
from marketplace.services.awards import decline_award, lapse_due
from tests.factories import accept
from tests.machine.base import Deal
from tests.machine.selling import NUMBER, Selling


class Awarding(Selling):
    """What both sides do with bids that are opened, and with awards of rounds."""

    @precondition(lambda self: any(sale.live and self._open(sale) for sale in self.sales.values()))
    @rule(number=NUMBER, answers=st.sampled_from(("accept", "decline", "")))
    def a_sale_is_awarded(self, number: int, answers: str) -> None:
        """Let time go on to the deadline of a sale that has bids, open and award them; the recycler may answer at once."""
        self.a_deadline_passes(number)
        for _ in range(2):
            self.award(6 * number + 1, 1, 1)
            if self.deals and answers == "accept":
                self.accept(6 * number + 1, 1, 1)
            elif self.deals and answers == "decline":
                self.decline(6 * number + 1, 1, 1)

    @precondition(lambda self: any(sale.opened and sale.live for sale in self.sales.values()))
    @rule(number=NUMBER, kg=st.integers(1, 5), stranger=NUMBER)
    def award(self, number: int, kg: int, stranger: int) -> None:
        bids = self.session.execute(select(Bid.id, Bid.listing_id, Bid.line_id).order_by(Bid.id)).all()
        self.session.rollback()
        awarded = {row.id for row in bids if self._has_award(row.id)}
        row = self.pick(
            number,
            [
                each
                for each in bids
                if self.sales[each.listing_id].opened
                and each.id not in awarded
                and each.id in self.sales[each.listing_id].live.values()
            ],
            bids,
        )
        if row is None:
            return
        sale = self.sales[row.listing_id]
        lives = row.id in sale.live.values()
        award_id = self.act(
            "award",
            lambda actor: award_bid(self.session, actor, row.id, kg * 1_000_000, now=self.now),
            self.of(sale.producer),
            expect=None
            if sale.opened and lives and row.id not in awarded and sale.producer not in self.suspended
            else False,
            stranger=stranger,
            again=True,
        )
        if award_id is not None:
            deal = self.deals[award_id]
            assert (deal.listing, deal.line, deal.accepted) == (sale.id, row.line_id, set())
            assert all(0 < most <= kg * 1_000_000 for most in deal.months.values())

    def _has_award(self, bid_id: int) -> bool:
        found = self.session.scalar(select(Award.id).where(Award.bid_id == bid_id)) is not None
        self.session.rollback()
        return found

    def _deal(self, number: int) -> Deal | None:
        found: Deal | None = self.pick(
            number, [each for each in self.deals.values() if each.waits(self.now)], self.deals.values()
        )
        return found

    @precondition(lambda self: bool(self.deals))
    @rule(number=NUMBER, seller=st.integers(0, 3), stranger=NUMBER)
    def accept(self, number: int, seller: int, stranger: int) -> None:
        deal = self._deal(number)
        if deal is None:
            return
        side = "producer" if seller == 0 or "producer" not in deal.accepted else "recycler"
        mine, other = (deal.producer, deal.recycler) if side == "producer" else (deal.recycler, deal.producer)
        if side in deal.accepted:
            over = deal.over or (len(deal.accepted) < 2 and self.now >= deal.answer_by)
            expect = not over and mine not in self.suspended
        else:
            expect = deal.waits(self.now) and mine not in self.suspended
            if deal.accepted and (other in self.suspended or deal.line in self.unverified):
                expect = False
        taken = self.act(
            "accept",
            lambda actor: (accept(self.session, actor, deal.id, now=self.now), True),
            self.of(mine),
            expect=expect,
            stranger=stranger,
            again=True,
        )
        if taken:
            deal.accepted.add(side)

    @precondition(lambda self: any(deal.waits(self.now) for deal in self.deals.values()))
    @rule(number=NUMBER)
    def both_sign(self, number: int) -> None:
        """Let each side of an award sign in turn: by chance alone a contract would be rare."""
        for seller in (0, 1):
            self.accept(6 * number + 1, seller, 1)

    @precondition(lambda self: bool(self.deals))
    @rule(number=NUMBER, seller=st.integers(0, 3), stranger=NUMBER)
    def decline(self, number: int, seller: int, stranger: int) -> None:
        deal = self._deal(number)
        if deal is None:
            return
        mine = deal.producer if seller == 0 else deal.recycler
        declined = self.act(
            "decline",
            lambda actor: decline_award(self.session, actor, deal.id, "检修停窑。", now=self.now) or True,
            self.of(mine),
            expect=deal.waits(self.now) and mine not in self.suspended,
            stranger=stranger,
            again=True,
        )
        if declined and not deal.over and mine == deal.recycler:
            deal.ended_at = self.now
        deal.over = deal.over or bool(declined)

    @precondition(lambda self: any(self._overdue(deal) for deal in self.deals.values()))
    @rule()
    def sweep(self) -> None:
        self.act("lapse", lambda _: lapse_due(self.session, self.now) or True, SYSTEM, expect=True, again=True)
        assert not any(self._overdue(deal) for deal in self.deals.values())
