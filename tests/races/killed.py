"""Processes that bid and sign until they are killed, and tell each act that was acknowledged to them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from random import Random
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import NewBid
from marketplace.domain.errors import MarketplaceError
from marketplace.domain.sealing import Sealer
from marketplace.persistence import database
from marketplace.persistence.listings import Bid
from marketplace.services import bids
from tests.factories import accept

OPEN_SECONDS: Final = 0.02
"""For how long a control leaves open the gap that the protection closes."""


@dataclass(frozen=True)
class Work:
    """What one process does: bids on these listings with these lines, over and over, and between them signs these awards."""

    seed: int
    bidders: tuple[tuple[Actor, int], ...]
    listings: tuple[int, ...]
    awards: tuple[tuple[Actor, int, str], ...]
    sealer: Sealer
    now: datetime


def bid_and_sign(url: str, work: Work, told: Connection, without: str) -> None:
    """Bid and sign until killed; what was acknowledged is told at once."""
    rng, to_sign = Random(work.seed), list(work.awards)
    wanted: dict[str, Any] = {}

    def tell(about: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):
            told.send_bytes(json.dumps(about).encode())

    if without:
        CONTROLS[without](tell, wanted)
    engine = database.connect(url)
    with database.sessions_of(engine)() as session:
        while True:
            if to_sign and rng.random() < 0.3:
                actor, award_id, side = to_sign.pop()
                made = accept(session, actor, award_id, now=work.now)
                tell({"award": award_id, "side": side, "contract": made})
                continue
            actor, line_id = rng.choice(work.bidders)
            new = NewBid(
                listing_id=rng.choice(work.listings),
                line_id=line_id,
                price_fen_per_t=rng.randrange(1000, 9000),
                kg_per_month=rng.randrange(1, 5) * 1_000_000,
                note=f"第{rng.randrange(10**9)}次",
                confirmed=True,
            )
            wanted.update(price=new.price_fen_per_t, kg=new.kg_per_month, note=new.note)
            try:
                bid_id = bids.submit_bid(session, actor, new, sealer=work.sealer, now=work.now)
            except MarketplaceError as refusal:
                tell({"refused": str(refusal)})
                continue
            if without != "acknowledged first":
                receipt = session.scalar(select(Bid.receipt).where(Bid.id == bid_id))
                tell({"bid": bid_id, "receipt": receipt, **wanted})


Tell = Callable[[dict[str, Any]], None]


def _acknowledged_first(tell: Tell, wanted: dict[str, Any]) -> None:
    """Tell the bidder before the commit."""
    note = bids._note

    def tell_and_note(session: Session, actor: Actor, action: str, bid: Bid, park_id: int, now: datetime) -> None:
        note(session, actor, action, bid, park_id, now)
        tell({"bid": bid.id, "receipt": bid.receipt, **wanted})
        time.sleep(OPEN_SECONDS)

    bids._note = tell_and_note


def _in_two_halves(tell: Tell, wanted: dict[str, Any]) -> None:
    """Commit the bid, and its audit row after it."""
    note = bids._note

    def commit_and_note(session: Session, *given: Any) -> None:
        session.commit()
        time.sleep(OPEN_SECONDS)
        note(session, *given)

    bids._note = commit_and_note


CONTROLS: Final[dict[str, Callable[[Tell, dict[str, Any]], None]]] = {
    "acknowledged first": _acknowledged_first,
    "one transaction": _in_two_halves,
}
