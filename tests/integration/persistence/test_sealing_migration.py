"""Bids that were there before there were seals: sealed if they may still be secret, else opened; and back again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import KeyFile
from marketplace.domain.errors import Conflict
from marketplace.domain.sealing import Sealer
from marketplace.persistence import migration
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid, Listing
from marketplace.services.seals import unsealed
from marketplace.settings import ROOT
from tests.factories import SEALER, Make
from tests.integration.persistence.test_migrations import bare_url

__all__ = ["bare_url"]

MIGRATIONS = ROOT / "migrations"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PLAIN = {
    "price_fen_per_t": 4000,
    "kg_per_month": 5_000_000,
    "transport": "recycler",
    "freight_fen_per_t": 1500,
    "deduction_fen_per_t": 0,
    "note": "旧报价",
}


def unsealed_world(url: str) -> None:
    """Make one listing that takes bids and one whose deadline has passed, each with a bid, as they were before."""
    migration.upgrade(MIGRATIONS, url)
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        recycler = make.organization()
        line = make.line(make.site(recycler))
        for closes in (NOW + DAY, NOW - DAY):
            listing = make.listing(bids_close_at=closes)
            make.bid(listing, line, recycler, received_at=NOW - 2 * DAY, note="旧报价")
    engine.dispose()
    migration.downgrade(MIGRATIONS, url, "0007", sealer=SEALER)


def rows(url: str) -> list[Mapping[str, Any]]:
    engine = connect(url)
    with engine.connect() as connection:
        found = connection.execute(text("select * from bids order by id")).mappings().all()
    engine.dispose()
    return list(found)


def bids(session: Session) -> list[Bid]:
    return list(session.scalars(select(Bid).order_by(Bid.id)))


def test_on_the_way_back_the_columns_are_filled(bare_url: str) -> None:
    unsealed_world(bare_url)

    before = rows(bare_url)

    assert [{name: row[name] for name in PLAIN} for row in before] == [PLAIN, PLAIN]
    assert "sealed" not in before[0]


def test_what_may_still_be_secret_is_sealed_and_the_rest_is_opened(bare_url: str) -> None:
    unsealed_world(bare_url)

    migration.upgrade(MIGRATIONS, bare_url, sealer=SEALER)

    engine = connect(bare_url)
    with sessions_of(engine)() as session:
        ahead, past = bids(session)
        assert [getattr(ahead, name) for name in PLAIN] == [None] * len(PLAIN)
        assert vars(unsealed(SEALER, ahead)) == PLAIN
        assert (ahead.opened_at, len(ahead.receipt or "")) == (None, 64)
        assert vars(past.terms) == PLAIN
        assert (past.sealed, past.opened_at) == (None, past.received_at)
        closes = [(listing.bids_close_at, listing.bids_opened_at) for listing in session.scalars(select(Listing))]
        assert closes == [(NOW + DAY, None), (NOW - DAY, NOW - DAY)]
        assert list(broken(session)) == []
    engine.dispose()


@pytest.mark.parametrize("bare_url", ["sqlite"], indirect=True)
def test_what_was_sealed_leaves_no_trace_in_free_pages(bare_url: str) -> None:
    file = Path(bare_url.removeprefix("sqlite:///"))
    unsealed_world(bare_url)
    engine = connect(bare_url)
    with engine.begin() as connection:
        connection.execute(text("delete from bids where listing_id <> (select min(listing_id) from bids)"))
    engine.dispose()
    assert "旧报价".encode() in file.read_bytes()

    migration.upgrade(MIGRATIONS, bare_url, sealer=SEALER)

    assert "旧报价".encode() not in file.read_bytes()


@pytest.mark.parametrize("lost", [False, True])
def test_without_a_key_bids_stay_as_they_were_and_are_opened_with_the_others(
    bare_url: str,
    tmp_path: Path,
    *,
    lost: bool,
) -> None:
    sealer: Sealer | None = KeyFile(tmp_path / "seal.key") if lost else None
    unsealed_world(bare_url)

    migration.upgrade(MIGRATIONS, bare_url, sealer=sealer)

    engine = connect(bare_url)
    with sessions_of(engine)() as session:
        ahead, _ = bids(session)
        assert vars(ahead.terms) == PLAIN
        assert (ahead.sealed, ahead.opened_at) == (None, ahead.received_at)
        listing = session.get_one(Listing, ahead.listing_id)
        assert listing.bids_opened_at is None
        assert list(broken(session)) == []
        Make(session).opened(listing)
        assert vars(ahead.terms) == PLAIN
        assert list(broken(session)) == []
    engine.dispose()


def test_sealed_bids_do_not_go_back_without_the_key(bare_url: str, tmp_path: Path) -> None:
    unsealed_world(bare_url)
    migration.upgrade(MIGRATIONS, bare_url, "0008", sealer=SEALER)
    before = rows(bare_url)

    with pytest.raises(RuntimeError, match="the key is needed"):
        migration.downgrade(MIGRATIONS, bare_url, "0007")
    with pytest.raises(Conflict, match="is not on this server"):
        migration.downgrade(MIGRATIONS, bare_url, "0007", sealer=KeyFile(tmp_path / "seal.key"))

    assert rows(bare_url) == before


def test_what_cannot_be_opened_counts_as_withdrawn_on_the_way_back(bare_url: str) -> None:
    unsealed_world(bare_url)
    migration.upgrade(MIGRATIONS, bare_url, sealer=SEALER)
    engine = connect(bare_url)
    with engine.begin() as connection:
        connection.execute(text("update bids set sealed = :sealed where sealed is not null"), {"sealed": b"x" * 99})
    engine.dispose()

    migration.downgrade(MIGRATIONS, bare_url, "0007", sealer=SEALER)

    gone, kept = rows(bare_url)
    assert (gone["price_fen_per_t"], gone["withdrawn_at"] is not None) == (0, True)
    assert (kept["price_fen_per_t"], kept["withdrawn_at"]) == (4000, None)
