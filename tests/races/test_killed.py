"""
Two processes that bid and sign are killed at a random instant, again and again: no acknowledged act is lost, none is half.

``HUIYONG_KILLS`` says how often on each database; a run of the suite kills 20 times.
"""

from __future__ import annotations

import json
import multiprocessing.connection
import os
import time
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.sealing import Box, bound_to, receipt_of
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid
from marketplace.persistence.rounds import Award, Contract
from marketplace.services.awarding import award_bid
from marketplace.services.seals import unsealed
from tests.factories import NOON, SEALER, Make, accept
from tests.races.conftest import NewDatabase
from tests.races.contest import PRELOADED
from tests.races.killed import Work, bid_and_sign

pytestmark = pytest.mark.races

KILLS = int(os.environ.get("HUIYONG_KILLS", "20"))
WRITERS = 2
AWARDED = 3
"""Awards to be signed that each killing begins with."""
LATER = NOON + timedelta(days=14)
START_SECONDS = 60.0
LEAST_ACTS = 3
"""So many acts are acknowledged before the instant of each killing is drawn."""


@dataclass
class Market:
    """Where it is bid: the bidders of each writer, open listings, awards to sign."""

    make: Make
    listings: list[int] = field(default_factory=list)
    bidders: list[Any] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)
    """All that was ever acknowledged."""

    def settle(self) -> None:
        producer = self.make.organization(recycles=False)
        self.producer, self.seller = producer, self.make.signatory(producer)
        self.site = self.make.site(producer)
        for _ in range(3):
            closes = {"bids_close_at": LATER + timedelta(days=30), "expires_at": LATER + timedelta(days=60)}
            self.listings.append(self.make.listing(self.make.stream(self.site), **closes).id)
        for _ in range(WRITERS * 2):
            recycler = self.make.organization(produces=False)
            line = self.make.line(self.make.site(recycler), capacity_kg_per_month=10**9, capacity_kg_per_year=10**10)
            self.bidders.append((self.make.signatory(recycler), line, recycler))

    def work(self, seed: int) -> list[Work]:
        """Return what each writer does until it is killed: awards are made for each of its lines."""
        listing = self.make.listing(self.make.stream(self.site))
        made = [self.make.bid(listing, line, firm, kg_per_month=1_000_000) for _, line, firm in self.bidders]
        self.make.opened(listing, at=LATER)
        awarded = [
            (actor, award_bid(self.make.session, self.seller, bid.id, 1_000_000, now=LATER), "recycler")
            for (actor, _, _), bid in zip(self.bidders, made, strict=True)
        ]
        for _, award_id, _ in awarded:
            accept(self.make.session, self.seller, award_id, now=LATER)
        return [
            Work(
                seed * WRITERS + number,
                tuple((actor, line.id) for actor, line, _ in self.bidders[number::WRITERS]),
                tuple(self.listings),
                tuple(awarded[number::WRITERS]),
                SEALER,
                LATER,
            )
            for number in range(WRITERS)
        ]


def _killed(url: str, works: list[Work], wait: float, without: str) -> list[dict[str, Any]]:
    """Let them work, kill all of them, and return what was acknowledged to them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, "tests.races.killed"])
    heard: list[dict[str, Any]] = []
    ends, processes = [], []
    for work in works:
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=bid_and_sign, args=(url, work, theirs, without), daemon=True)
        process.start()
        theirs.close()
        ends.append(mine)
        processes.append(process)
    while _acts(heard) < LEAST_ACTS:  # however slow the machine is, there is something to lose
        ready = multiprocessing.connection.wait(ends, START_SECONDS)
        assert ready, "nobody does anything"
        heard.extend(json.loads(end.recv_bytes()) for end in ready if isinstance(end, Connection))
    until = time.monotonic() + wait
    while (left := until - time.monotonic()) > 0:
        ready = multiprocessing.connection.wait(ends, left)
        heard.extend(json.loads(end.recv_bytes()) for end in ready if isinstance(end, Connection))
    for process in processes:
        process.kill()
    for process in processes:
        process.join()
    for end in ends:
        try:
            while end.poll(0):
                heard.append(json.loads(end.recv_bytes()))
        except (EOFError, OSError):
            pass
        end.close()
    return heard


def _acts(heard: list[dict[str, Any]]) -> int:
    """Count the acts that were acknowledged, without those that were refused."""
    return sum("bid" in said or "award" in said for said in heard)


def _lost(session: Session, heard: list[dict[str, Any]]) -> list[str]:
    """Return what was acknowledged and is not there, or not to the byte what was acknowledged."""
    lost = []
    for said in heard:
        if "bid" in said:
            bid = session.get(Bid, said["bid"])
            if bid is None or bid.sealed is None or bid.seal_key_id is None:
                lost.append(f"bid {said['bid']}")
                continue
            bound = bound_to(bid.listing_id, bid.line_id, bid.revision)
            terms = unsealed(SEALER, bid)
            there = (receipt_of(Box(bid.seal_key_id, bid.sealed), bound), terms.price_fen_per_t, terms.kg_per_month)
            if (*there, terms.note) != (said["receipt"], said["price"], said["kg"], said["note"]):
                lost.append(f"bid {said['bid']} is another")
        elif "award" in said:
            award = session.get(Award, said["award"])
            if award is None or getattr(award, f"{said['side']}_accepted_at") is None:
                lost.append(f"signature of award {said['award']}")
            if said["contract"] is not None and session.get(Contract, said["contract"]) is None:
                lost.append(f"contract {said['contract']}")
    return lost


def _half(session: Session) -> list[str]:
    """Return what is there by half: an invariant that does not hold, a signature without its audit row or contract."""
    found = [f"{each.invariant.code} {each.places}" for each in broken(session)]
    signed = session.scalar(select(func.count(Award.id)).where(Award.recycler_accepted_at.is_not(None)))
    made = session.scalar(select(func.count(Contract.id)))
    noted = session.scalar(select(func.count(AuditRow.id)).where(AuditRow.action == "award.accept"))
    before = session.scalar(select(func.count(Award.id)).where(Award.producer_accepted_at.is_not(None)))
    if signed == made == (noted or 0) - (before or 0):
        return found
    return [*found, f"{signed} signed, {made} contracts, {noted} noted, {before} of them by the producer"]


def _round_of_killing(
    url: str, kills: int, *, without: str = "", seed: int = 1
) -> tuple[int, int, list[str], list[str]]:
    """Kill so often; return the acts that were acknowledged, the others that were written, what is lost and what is half."""
    engine = connect(url)
    rng = Random(seed)
    lost: list[str] = []
    half: list[str] = []
    with sessions_of(engine)() as session:
        market = Market(Make(session))
        market.settle()
        for number in range(kills):
            works = market.work(number)
            session.rollback()
            engine.dispose()
            heard = _killed(url, works, rng.uniform(0.0, 0.2), without)
            market.kept += heard
            session.expire_all()
            lost += _lost(session, heard)
            half += _half(session)
            session.rollback()
            if without and (lost or half):
                break
        lost += [] if without else _lost(session, market.kept)  # what was there stays there
        written = session.scalar(select(func.count(Bid.id)).where(Bid.received_from.is_not(None))) or 0
        session.rollback()
    engine.dispose()
    acknowledged = _acts(market.kept)
    told = sum("bid" in said for said in market.kept)
    return acknowledged, written - told, lost, half


def test_no_acknowledged_act_is_lost_and_none_is_half(new_database: NewDatabase) -> None:
    acknowledged, more, lost, half = _round_of_killing(new_database(), KILLS)

    print(f"{KILLS} kills, {acknowledged} acts acknowledged, {more} written that nobody was told of")
    assert (lost, half) == ([], [])
    assert acknowledged >= LEAST_ACTS * KILLS
    assert 0 <= more <= KILLS * WRITERS


def test_acknowledged_before_it_is_written_an_act_is_lost(new_database: NewDatabase) -> None:
    _, _, lost, half = _round_of_killing(new_database(), 40, without="acknowledged first")

    assert lost
    assert half == []


def test_written_in_two_transactions_an_act_is_there_by_half(new_database: NewDatabase) -> None:
    _, _, _, half = _round_of_killing(new_database(), 40, without="one transaction")

    assert any(each.startswith("I21a") for each in half)
