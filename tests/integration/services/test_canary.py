"""A canary in a sealed bid is nowhere in the database, its log, its dump or ours; with the seal off it is found."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from marketplace.domain.sealing import Sealer
from marketplace.services.bids import submit_bid, withdraw_bid
from marketplace.services.opening import open_bids
from tests.canary import KG, NOTE, PRICE_FEN, Bare, found, position, stores
from tests.factories import NOON, SEALER, Make
from tests.integration.services.market import CLOSES, Market


@pytest.fixture
def market(make: Make) -> Market:
    return Market(make)


def bid_and_change(session: Session, market: Market, sealer: Sealer) -> None:
    """Bid, bid the same again, change it, withdraw it, bid again: whatever a bidder does before the deadline."""
    canary = market.bid(price_fen_per_t=PRICE_FEN, kg_per_month=KG, note=NOTE, confirmed=True)
    more = market.bid(price_fen_per_t=PRICE_FEN, kg_per_month=KG, note=NOTE + "!", confirmed=True)
    for new in (canary, canary, more):
        bid_id = submit_bid(session, market.buyer, new, sealer=sealer, now=NOON)
    withdraw_bid(session, market.buyer, bid_id, now=NOON)
    submit_bid(session, market.buyer, canary, sealer=sealer, now=NOON)


def where(engine: Engine, since: str | None = None) -> set[str]:
    return {name for name, content in stores(engine, since=since).items() if found(content)}


def test_no_store_and_no_log_holds_it_before_the_opening(
    session: Session, engine: Engine, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    since = position(engine)
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "sqlalchemy.engine"):
        bid_and_change(session, market, SEALER)
    session.close()

    assert where(engine, since) == set()
    assert "INSERT INTO bids" in caplog.text
    assert found(caplog.text.encode()) == []


def test_with_the_seal_off_every_search_finds_it(session: Session, engine: Engine, market: Market) -> None:
    since = position(engine)
    bid_and_change(session, market, Bare())
    session.close()

    if engine.dialect.name == "sqlite":
        assert where(engine) >= {"wal", "dump"}
        checkpoint(engine)
        assert where(engine) >= {"file", "dump"}
    else:
        assert where(engine, since) >= ({"copy of bids"} if since is None else {"copy of bids", "file", "wal"})


def checkpoint(engine: Engine) -> None:
    """Bring what stands in the write-ahead log of SQLite into its file."""
    with engine.connect() as connection:
        connection.exec_driver_sql("pragma wal_checkpoint(full)")


def test_with_its_parameters_told_the_log_would_hold_it(
    session: Session, engine: Engine, market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    engine.hide_parameters = False

    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "sqlalchemy.engine"):
        bid_and_change(session, market, SEALER)
        assert found(caplog.text.encode()) == []  # the seal alone keeps it out of a log that tells too much
        open_bids(session, market.seller, market.listing.id, sealer=SEALER, now=CLOSES)

    assert found(caplog.text.encode()) != []


def test_after_the_opening_it_is_there(session: Session, engine: Engine, market: Market) -> None:
    bid_and_change(session, market, SEALER)

    open_bids(session, market.seller, market.listing.id, sealer=SEALER, now=CLOSES)
    session.close()

    assert where(engine) >= ({"wal", "dump"} if engine.dialect.name == "sqlite" else {"copy of bids"})
