"""
How many bids a second eight writers get through, each a process of its own, and how long each waits for its answer.

The peer writes the same bytes with the same library on the same database: one bare row, one commit. What lies between is
what a bid costs: rules, fit and limits are read under the hold of the listing, the price is sealed, the audit row is written.
Commits wait for the disk on both databases, as they do in use.
"""

from __future__ import annotations

import multiprocessing
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import Final, Literal

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, select

from marketplace.domain.actors import Actor
from marketplace.domain.bids import NewBid
from marketplace.domain.errors import Conflict
from marketplace.domain.hazards import questions
from marketplace.domain.sealing import LENGTH
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.tables import Base
from marketplace.services.bids import submit_bid
from tests.factories import NOON, SEALER, Make
from tests.postgres import server

WRITERS: Final = 8
SECONDS: Final = 8.0
LISTINGS: Final = 12
Kind = Literal["sealed", "ascending", "bare row"]

BARE = Table(
    "bare_rows",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("writer", Integer),
    Column("sealed", LargeBinary),
)


@dataclass(frozen=True)
class Bidder:
    """One writer: who bids, with which line, on which listings."""

    actor: Actor
    line_id: int
    listing_ids: tuple[int, ...]


def rows() -> list[dict[str, object]]:
    """Return a row for each database and kind: bids a second, and milliseconds of an answer, of eight writers at once."""
    found = []
    for name, database in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with database() as url:
            if url is None:
                continue
            per_second: dict[str, float] = {}
            kinds: tuple[Kind, ...] = ("bare row", "sealed", "ascending")
            for kind in kinds:
                row = _measured(url, kind)
                per_second[kind] = float(row["per_second"])
                found.append(
                    {"database": name, "kind": kind} | row | {"of_bare": per_second[kind] / per_second["bare row"]}
                )
    return [row | {"of_bare": round(float(str(row["of_bare"])), 2)} for row in found]


@contextmanager
def _sqlite() -> Iterator[str | None]:
    with tempfile.TemporaryDirectory(prefix="huiyong-bench-") as folder:
        yield f"sqlite:///{Path(folder) / 'bids.db'}"


@contextmanager
def _postgresql() -> Iterator[str | None]:
    with server(speed="-c max_connections=100") as url:
        yield url


def _stage(url: str, kind: Kind) -> tuple[Bidder, ...]:
    """Make an empty database with twelve listings that are bid on and a recycler for each writer."""
    engine = connect(url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    BARE.metadata.drop_all(engine)
    BARE.metadata.create_all(engine)
    harmless = {question.code: not question.hazardous_if for question in questions("fly_ash")}
    with sessions_of(engine)() as session:
        make = Make(session)
        listings = tuple(
            make.listing(
                make.stream(make.site(make.organization(recycles=False)), origin_answers=harmless),
                sale_kind="sealed" if kind == "bare row" else kind,
                kg_per_month=50_000_000,
            ).id
            for _ in range(LISTINGS)
        )
        bidders = []
        for _ in range(WRITERS):
            firm = make.organization(produces=False)
            line = make.line(make.site(firm), capacity_kg_per_month=9_000_000, capacity_kg_per_year=90_000_000)
            bidders.append(Bidder(make.signatory(firm), line.id, listings))
    engine.dispose()
    return tuple(bidders)


def _measured(url: str, kind: Kind) -> dict[str, float]:
    bidders = _stage(url, kind)
    context = multiprocessing.get_context("spawn")
    start: Barrier = context.Barrier(WRITERS)
    told: Queue[tuple[list[float], int, float]] = context.Queue()
    processes = [
        context.Process(target=_write, args=(url, kind, bidder, number, start, told), daemon=True)
        for number, bidder in enumerate(bidders)
    ]
    for process in processes:
        process.start()
    heard = [told.get(timeout=SECONDS + 120) for _ in processes]
    for process in processes:
        process.join()
    taken = sorted(seconds for each, _, _ in heard for seconds in each)
    longest = max(lasted for _, _, lasted in heard)
    return {
        "bids": len(taken),
        "per_second": round(len(taken) / longest, 1),
        "ms_median": round(1000 * taken[len(taken) // 2], 1),
        "ms_p95": round(1000 * taken[int(0.95 * (len(taken) - 1))], 1),
        "ms_p99": round(1000 * taken[int(0.99 * (len(taken) - 1))], 1),
        "refused": sum(refused for _, refused, _ in heard),
    }


def _write(
    url: str, kind: Kind, bidder: Bidder, number: int, start: Barrier, told: Queue[tuple[list[float], int, float]]
) -> None:
    """Bid for some seconds, and tell how long each answer took, how many were refused, and how long it lasted."""
    engine, rng = connect(url), Random(number)
    taken: list[float] = []
    refused, price = 0, 1000
    with sessions_of(engine)() as session:
        session.execute(select(1))
        session.rollback()
        start.wait(60)
        begun = time.perf_counter()
        while time.perf_counter() < begun + SECONDS:
            at = time.perf_counter()
            price += 100
            if kind == "bare row":
                with transaction(session):
                    session.execute(insert(BARE).values(writer=number, sealed=secrets.token_bytes(LENGTH)))
            else:
                new = NewBid(
                    listing_id=rng.choice(bidder.listing_ids),
                    line_id=bidder.line_id,
                    price_fen_per_t=price,
                    kg_per_month=5_000_000,
                    confirmed=True,
                )
                try:
                    submit_bid(session, bidder.actor, new, sealer=SEALER, now=NOON + timedelta(milliseconds=price))
                except Conflict:  # another netted more meanwhile
                    refused += 1
                session.rollback()
            taken.append(time.perf_counter() - at)
        lasted = time.perf_counter() - begun
    told.put((taken, refused, lasted))
    engine.dispose()
