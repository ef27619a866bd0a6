"""Acts of producers and of the clock: listings are posted, changed, published, renewed and withdrawn; time goes on, and back."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select

from marketplace.domain.actors import SYSTEM
from marketplace.domain.listings import NewListing, month_at
from marketplace.persistence.listings import Bid, Listing
from marketplace.services.listings import (
    edit_listing,
    end_bidding,
    post_listing,
    publish_listing,
    renew_listing,
    withdraw_listing,
)
from marketplace.services.opening import open_due
from tests.factories import SEALER
from tests.machine.base import DAY, Market, Sale

NUMBER = st.integers(0, 9999)


class Selling(Market):
    """What producers do."""

    def _goods(self, kg: int, closes_in: int | None, *, first: int = 1, note: str = "") -> NewListing:
        month = month_at(self.now).plus(first)
        closes = None if closes_in is None else self.now + closes_in * timedelta(hours=12)
        return NewListing(
            first_month=month,
            last_month=month.plus(1),
            kg_per_month=kg * 1_000_000,
            asking_fen_per_t=1000,
            reserve_fen_per_t=500,
            bids_close_at=closes,
            note=note,
        )

    def _open(self, sale: Sale) -> bool:
        return (
            sale.since is not None
            and not sale.withdrawn
            and not sale.opened
            and sale.closes_at is not None
            and self.now < sale.closes_at
        )

    def _due(self, sale: Sale) -> bool:
        return (
            sale.since is not None
            and not sale.withdrawn
            and not sale.opened
            and sale.closes_at is not None
            and sale.closes_at <= self.now
        )

    def look(self, sale: Sale) -> None:
        """Take over what a change of a listing wrote: its deadline, since when its rules hold, which bids are void."""
        row = self.session.get_one(Listing, sale.id, populate_existing=True)
        sale.kg_per_month, sale.closes_at, sale.opened = (
            row.kg_per_month,
            row.bids_close_at,
            row.bids_opened_at is not None,
        )
        if row.published_at is not None and sale.since is None:
            sale.since = row.published_at
        void = set(self.session.scalars(select(Bid.id).where(Bid.voided_at.is_not(None), Bid.listing_id == sale.id)))
        sale.live = {line: bid for line, bid in sale.live.items() if bid not in void}
        self.session.rollback()

    @rule(
        stream=NUMBER,
        kg=st.integers(1, 5),
        closes=st.none() | st.integers(1, 8),
        first=st.integers(1, 9),
        publish=st.sampled_from((True, True, False)),
        stranger=NUMBER,
    )
    def post(self, stream: int, kg: int, closes: int | None, first: int, publish: bool, stranger: int) -> None:
        stream_id = self.pick(6 * stream + 1, self.streams)
        firm = self.streams[stream_id]
        new = self._goods(kg, closes, first=first)
        listing_id = self.act(
            "post listing",
            lambda actor: post_listing(self.session, actor, stream_id, new, publish=publish, now=self.now),
            self.of(firm),
            stranger=stranger,
            expect=False if firm in self.suspended else None,
        )
        if listing_id is not None:
            self.sales[listing_id] = Sale(listing_id, firm, stream_id, new.kg_per_month, new.bids_close_at)
            self.look(self.sales[listing_id])

    @rule(number=NUMBER, stranger=NUMBER)
    def publish(self, number: int, stranger: int) -> None:
        sale = self.pick(number, [each for each in self.sales.values() if each.since is None], self.sales.values())
        if sale is not None:
            self.act(
                "publish listing",
                lambda actor: publish_listing(self.session, actor, sale.id, now=self.now),
                self.of(sale.producer),
                stranger=stranger,
                again=True,
            )
            self.look(sale)

    @rule(
        number=NUMBER,
        kg=st.integers(1, 5),
        note=st.sampled_from(("", "干灰", "湿灰")),
        closes=st.none() | st.integers(1, 8),
        keeps=st.sampled_from((True, True, True, False)),
        confirmed=st.booleans(),
        stranger=NUMBER,
    )
    def edit(
        self, number: int, kg: int, note: str, closes: int | None, keeps: bool, confirmed: bool, stranger: int
    ) -> None:
        """Change a listing: its goods alone, or its rules as well."""
        sale = self.pick(number, [each for each in self.sales.values() if self._open(each)], self.sales.values())
        if sale is None:
            return
        row = self.session.get_one(Listing, sale.id, populate_existing=True)
        if keeps:
            new = NewListing(
                first_month=row.first_month,
                last_month=row.last_month,
                kg_per_month=kg * 1_000_000,
                asking_fen_per_t=row.asking_fen_per_t,
                reserve_fen_per_t=row.reserve_fen_per_t,
                bids_close_at=row.bids_close_at,
                note=note,
            )
        else:
            new = self._goods(kg, closes, note=note)
        self.session.rollback()
        self.act(
            "edit listing",
            lambda actor: edit_listing(self.session, actor, sale.id, new, confirmed=confirmed, now=self.now),
            self.of(sale.producer),
            stranger=stranger,
            again=False,
        )
        self.look(sale)

    @rule(number=NUMBER, stranger=NUMBER)
    def renew(self, number: int, stranger: int) -> None:
        sale = self.pick(number, self.sales.values())
        if sale is not None:
            self.act(
                "renew listing",
                lambda actor: renew_listing(self.session, actor, sale.id, now=self.now),
                self.of(sale.producer),
                stranger=stranger,
                again=True,
            )

    @rule(number=NUMBER, sure=st.integers(0, 3), stranger=NUMBER)
    def withdraw(self, number: int, sure: int, stranger: int) -> None:
        sale = self.pick(number, self.sales.values())
        if sale is None or sure:
            return
        held = any(
            deal.listing == sale.id and not deal.over and any(deal.months.values()) for deal in self.deals.values()
        )
        expect = None if sale.withdrawn else not held and sale.producer not in self.suspended
        done = self.act(
            "withdraw listing",
            lambda actor: withdraw_listing(self.session, actor, sale.id, now=self.now) or True,
            self.of(sale.producer),
            expect=expect,
            stranger=stranger,
            again=True,
        )
        sale.withdrawn = sale.withdrawn or bool(done)

    @rule(number=NUMBER, stranger=NUMBER)
    def end(self, number: int, stranger: int) -> None:
        sale = self.pick(number, [each for each in self.sales.values() if each.opened], self.sales.values())
        if sale is not None and number % 4 == 1:
            self.act(
                "end bidding",
                lambda actor: end_bidding(self.session, actor, sale.id, "本月不再出让。", now=self.now),
                self.of(sale.producer),
                expect=None if sale.opened else False,
                stranger=stranger,
                again=True,
            )

    @precondition(lambda self: any(self._due(sale) for sale in self.sales.values()))
    @rule()
    def open_what_is_due(self) -> None:
        due = [sale for sale in self.sales.values() if self._due(sale)]
        self.act(
            "open bids",
            lambda _: open_due(self.session, self.now, sealer=SEALER) or True,
            SYSTEM,
            expect=True,
            again=True,
        )
        for sale in due:
            sale.opened = True
            row = self.session.get_one(Listing, sale.id, populate_existing=True)
            assert row.bids_opened_at == self.now
            self.session.rollback()

    @precondition(lambda self: any(sale.live and self._open(sale) for sale in self.sales.values()))
    @rule(number=NUMBER)
    def a_deadline_passes(self, number: int) -> None:
        """Let time go on to the deadline of a sale that has bids, and open them."""
        sale = self.pick(6 * number + 1, [each for each in self.sales.values() if each.live and self._open(each)])
        self.move(sale.closes_at - self.now)
        self.open_what_is_due()

    @rule(by=st.sampled_from((timedelta(minutes=1), timedelta(hours=5), timedelta(hours=14), DAY, DAY, 3 * DAY)))
    def time_goes_on(self, by: timedelta) -> None:
        self.move(by)

    @rule(by=st.sampled_from((timedelta(seconds=1), timedelta(minutes=10), timedelta(hours=3), DAY)))
    def clock_is_set_back(self, by: timedelta) -> None:
        self.move(-by)

    @rule()
    def same_again(self) -> None:
        self.repeat()
