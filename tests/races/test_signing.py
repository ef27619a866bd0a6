"""Both sides sign at the same moment: one contract and two signatures; with the lock off neither makes it a contract."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from marketplace.domain.actors import Actor
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.rounds import Contract
from marketplace.persistence.signatures import ContractSignature
from marketplace.services.awarding import award_bid
from tests.factories import NOON, Make
from tests.races.acts import sign
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, at_once

pytestmark = pytest.mark.races

CLOSES = NOON + timedelta(days=14)


def _award(url: str) -> tuple[tuple[Actor, int, datetime], tuple[Actor, int, datetime]]:
    """Return what the producer and the recycler of an award want: to sign it."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        plant, firm = make.organization(recycles=False), make.organization(produces=False)
        listing = make.listing(make.stream(make.site(plant)))
        bid = make.bid(listing, make.line(make.site(firm)), firm, kg_per_month=1_000_000)
        make.opened(listing, at=CLOSES)
        seller, buyer = make.signatory(plant), make.signatory(firm)
        award_id = award_bid(session, seller, bid.id, 1_000_000, now=CLOSES)
    engine.dispose()
    return (seller, award_id, CLOSES), (buyer, award_id, CLOSES)


def _after(url: str) -> tuple[int, list[tuple[str, bool]], list[str]]:
    """Return how many contracts there are, whose signatures over the text of one, and what is broken."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        contracts = session.scalars(select(Contract.terms_sha256)).all()
        signed = session.execute(
            select(ContractSignature.side, ContractSignature.sha256).order_by(ContractSignature.side)
        ).all()
        found = (
            len(contracts),
            [(side, digest in contracts) for side, digest in signed],
            [breach.invariant.code for breach in broken(session)],
        )
    engine.dispose()
    return found


def test_both_sides_sign_at_once_and_it_is_one_contract(new_database: NewDatabase) -> None:
    url = new_database()
    producer, recycler = _award(url)

    met = at_once(sign, url, [producer, recycler] * (AT_ONCE // 2))

    assert {each.how for each in met} == {"done"}, met
    assert _after(url) == (1, [("producer", True), ("recycler", True)], [])


def test_without_the_lock_both_have_signed_and_it_is_no_contract(new_database: NewDatabase) -> None:
    url = new_database(checks=False)
    producer, recycler = _award(url)

    at_once(sign, url, [producer, recycler], without=frozenset({"signing"}))

    contracts, signed, faults = _after(url)
    assert (contracts, len(signed)) == (0, 2)
    assert "I20a" in faults
