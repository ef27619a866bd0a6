"""Acts at a fixed price: a listing is posted so, and recyclers hold tonnes of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from marketplace.domain.holds import HOLD_HOURS, PAUSE, NewHold
from marketplace.persistence.listings import Listing
from marketplace.services.holds import hold_tonnes
from marketplace.services.listings import post_listing
from tests.machine.base import Sale
from tests.machine.selling import NUMBER, Selling


class Holding(Selling):
    """What both sides do without bids."""

    @rule(stream=NUMBER, kg=st.integers(1, 5), first=st.integers(1, 9), hours=st.sampled_from(HOLD_HOURS))
    def post_at_a_fixed_price(self, stream: int, kg: int, first: int, hours: int) -> None:
        stream_id = self.pick(6 * stream + 1, self.streams)
        firm = self.streams[stream_id]
        goods = replace(self._goods(kg, None, first=first), reserve_fen_per_t=None, sale_kind="fixed", hold_hours=hours)
        listing_id = self.act(
            "post at a fixed price",
            lambda actor: post_listing(self.session, actor, stream_id, goods, publish=True, now=self.now),
            self.of(firm),
            expect=False if firm in self.suspended else None,
        )
        if listing_id is not None:
            self.sales[listing_id] = Sale(listing_id, firm, stream_id, goods.kg_per_month, None)
            self.look(self.sales[listing_id])

    def _fixed(self, sale: Sale) -> bool:
        row = self.session.get_one(Listing, sale.id, populate_existing=True)
        fixed = row.sale_kind == "fixed" and row.published_at is not None and row.withdrawn_at is None
        stands = fixed and row.expires_at is not None and self.now < row.expires_at
        self.session.rollback()
        return stands

    @precondition(lambda self: any(self._fixed(sale) for sale in self.sales.values()))
    @rule(number=NUMBER, line=NUMBER, kg=st.integers(1, 5), stranger=NUMBER)
    def hold(self, number: int, line: int, kg: int, stranger: int) -> None:
        fixed = [each for each in self.sales.values() if self._fixed(each)]
        sale = self.pick(number, fixed, self.sales.values())
        line_id = self.pick(6 * line + 1, self.lines)
        firm = self.lines[line_id]
        mine = [deal for deal in self.deals.values() if (deal.listing, deal.recycler) == (sale.id, firm)]
        same = any(deal.waits(self.now) and deal.line == line_id and deal.kg_bid == kg * 1_000_000 for deal in mine)
        never = sale not in fixed or {firm, sale.producer} & self.suspended or any(d.waits(self.now) for d in mine)
        award_id = self.act(
            "hold",
            lambda actor: hold_tonnes(
                self.session,
                actor,
                NewHold(listing_id=sale.id, line_id=line_id, kg_per_month=kg * 1_000_000),
                now=self.now,
            ),
            self.of(firm),
            expect=False if never and not same else None,
            stranger=stranger,
            again=True,
        )
        if award_id is None or same:
            return
        deal = self.deals[award_id]
        deal.kg_bid = kg * 1_000_000
        assert (deal.listing, deal.line, deal.accepted) == (sale.id, line_id, set())
        assert all(0 < most <= kg * 1_000_000 for most in deal.months.values())
        assert all(each.ended_at is None or each.ended_at + PAUSE <= self.now for each in mine), "no pause was kept"
