"""What a writer of a long contest does: any act of trade on the same few listings as all others, one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from random import Random
from typing import Any, Final

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import NewBid
from marketplace.domain.errors import MarketplaceError
from marketplace.domain.listings import NewListing
from marketplace.domain.quantities import Month
from marketplace.domain.sealing import Sealer
from marketplace.persistence import database
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.rounds import Award
from marketplace.services import awarding, awards, bids, counters, listings, opening
from tests.factories import accept

FIRST_MONTH: Final = Month(2027, 3)
MONTHS: Final = 4
"""Listings of a while are for one of so many months; the window moves on."""
MOVES_AFTER: Final = 160
"""So many acts of all together."""
STEP: Final = timedelta(minutes=4)
"""So much time passes with each act of anybody; the clocks of the writers differ by seconds."""


@dataclass(frozen=True)
class Stage:
    """Who acts on what."""

    sellers: tuple[tuple[Actor, int], ...]
    """With the stream of each."""
    buyers: tuple[tuple[Actor, int], ...]
    """With the line of each."""
    sealer: Sealer
    begins: datetime


@dataclass(frozen=True)
class Told:
    """How it went for one writer: acts by name and outcome, seconds of each, and errors that nobody planned."""

    acts: Counter[tuple[str, str]]
    seconds: tuple[float, ...]
    faults: tuple[str, ...]


class Writer:
    """One writer, with its own clock and its own chances."""

    def __init__(self, session: Session, stage: Stage, seed: int, done: Synchronized[int]) -> None:
        self.session, self.stage, self.rng = session, stage, Random(seed)
        self.ahead, self.all_done = timedelta(seconds=seed), done
        self.now, self.done = stage.begins, 0

    def acts(self) -> tuple[tuple[str, int, Callable[[], object]], ...]:
        """Return what can be done, and how often."""
        return (
            ("post", 3, self.post),
            ("bid", 12, self.bid),
            ("withdraw bid", 1, self.withdraw_bid),
            ("withdraw listing", 1, self.withdraw),
            ("open", 2, self.open),
            ("award", 8, self.award),
            ("accept", 5, self.accept),
            ("decline", 2, self.decline),
            ("lapse", 1, self.lapse),
        )

    def one(self) -> tuple[str, str]:
        """Do one act and return its name and how it went."""
        with self.all_done.get_lock():
            self.all_done.value += 1
            self.done = self.all_done.value
        self.now = self.stage.begins + self.done * STEP + self.ahead
        names, weights, calls = zip(*self.acts(), strict=True)
        chosen = self.rng.choices(range(len(names)), weights)[0]
        try:
            done = calls[chosen]()
        except MarketplaceError as refusal:
            self.session.rollback()
            return names[chosen], type(refusal).__name__
        self.session.rollback()
        return names[chosen], "nothing to do" if done is None else "done"

    def _some(self, query: Any) -> Any:
        found = self.session.execute(query.order_by(func.random()).limit(1)).first()
        self.session.rollback()
        return found

    def post(self) -> object:
        seller, stream_id = self.rng.choice(self.stage.sellers)
        month = FIRST_MONTH.plus(self.done // MOVES_AFTER + self.rng.randrange(MONTHS))
        new = NewListing(
            first_month=month,
            last_month=month,
            kg_per_month=5_000_000,
            asking_fen_per_t=1000,
            reserve_fen_per_t=500,
            bids_close_at=self.now + self.rng.randrange(20, 120) * STEP,
        )
        return listings.post_listing(self.session, seller, stream_id, new, publish=True, now=self.now)

    def bid(self) -> object:
        row = self._some(select(Listing.id).where(Listing.bids_close_at > self.now, Listing.withdrawn_at.is_(None)))
        if row is None:
            return None
        buyer, line_id = self.rng.choice(self.stage.buyers)
        new = NewBid(
            listing_id=row.id,
            line_id=line_id,
            price_fen_per_t=self.rng.randrange(10, 90) * 100,
            kg_per_month=self.rng.randrange(1, 4) * 1_000_000,
            confirmed=True,
        )
        return bids.submit_bid(self.session, buyer, new, sealer=self.stage.sealer, now=self.now)

    def withdraw_bid(self) -> object:
        standing = (Bid.opened_at.is_(None), Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None))
        row = self._some(select(Bid.id, Bid.line_id).where(*standing))
        if row is None:
            return None
        buyer = next(actor for actor, line_id in self.stage.buyers if line_id == row.line_id)
        bids.withdraw_bid(self.session, buyer, row.id, now=self.now)
        return True

    def _seller(self, stream_id: int) -> Actor:
        return next(actor for actor, stream in self.stage.sellers if stream == stream_id)

    def withdraw(self) -> object:
        row = self._some(select(Listing.id, Listing.stream_id).where(Listing.withdrawn_at.is_(None)))
        if row is None:
            return None
        listings.withdraw_listing(self.session, self._seller(row.stream_id), row.id, now=self.now)
        return True

    def open(self) -> object:
        opening.open_due(self.session, self.now, sealer=self.stage.sealer)
        return True

    def award(self) -> object:
        row = self._some(
            select(Bid.id, Listing.stream_id, Bid.kg_per_month)
            .join(Listing, Bid.listing_id == Listing.id)
            .outerjoin(Award, Award.bid_id == Bid.id)
            .where(Bid.price_fen_per_t.is_not(None), Listing.bids_decided_at.is_(None), Award.id.is_(None))
        )
        if row is None:
            return None
        return awarding.award_bid(self.session, self._seller(row.stream_id), row.id, row.kg_per_month, now=self.now)

    def _award(self) -> Any:
        return self._some(
            select(Award.id, Award.line_id, Award.producer_accepted_at, Listing.stream_id)
            .join(Listing, Award.listing_id == Listing.id)
            .where(Award.declined_at.is_(None), Award.lapsed_at.is_(None), Award.recycler_accepted_at.is_(None))
        )

    def accept(self) -> object:
        row = self._award()
        if row is None:
            return None
        if row.producer_accepted_at is None:
            accept(self.session, self._seller(row.stream_id), row.id, now=self.now)
        buyer = next(actor for actor, line_id in self.stage.buyers if line_id == row.line_id)
        return accept(self.session, buyer, row.id, now=self.now)

    def decline(self) -> object:
        row = self._award()
        if row is None:
            return None
        buyer = next(actor for actor, line_id in self.stage.buyers if line_id == row.line_id)
        awards.decline_award(self.session, buyer, row.id, "检修停窑。", now=self.now)
        return True

    def lapse(self) -> object:
        awards.lapse_due(self.session, self.now)
        return True


def write(
    url: str,
    stage: Stage,
    acts: int,
    seed: int,
    without: str,
    done: Synchronized[int],
    start: Barrier,
    told: Queue[Told],
    seconds: float,
) -> None:
    """Do so many acts, or as many as there is time for, as fast as it goes, and tell how they went."""
    if without:
        CONTROLS[without]()
    engine = database.connect(url)
    counted: Counter[tuple[str, str]] = Counter()
    took: list[float] = []
    faults: list[str] = []
    with database.sessions_of(engine)() as session:
        writer = Writer(session, stage, seed, done)
        session.execute(select(1))
        session.rollback()
        start.wait(60)
        ends = time.monotonic() + seconds
        while len(took) < acts and time.monotonic() < ends:
            begun = time.perf_counter()
            try:
                counted[writer.one()] += 1
            except Exception as fault:  # the test says which it expects
                session.rollback()
                faults.append(f"{type(fault).__name__}: {fault}"[:200])
            took.append(time.perf_counter() - begun)
    told.put(Told(counted, tuple(took), tuple(faults)))
    _end(engine)


def _end(engine: Engine) -> None:
    engine.dispose()


def _no_counter() -> None:
    """Take kilograms whether or not the counter holds them."""
    counters._room = lambda *_: ()


def _no_immediate() -> None:
    """Begin as a reader that turns writer later; and wait for nobody longer than a moment."""
    database._begin_sqlite = lambda connection: connection.exec_driver_sql("BEGIN")  # type: ignore[assignment]


CONTROLS: Final[dict[str, Callable[[], None]]] = {"counter": _no_counter, "immediate": _no_immediate}
