"""Acceptances against expiry, and withdrawals against the opening: whatever wins, one thing happened and all of it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM, Actor
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.standby import StandbyCall
from marketplace.services.awarding import award_bid
from tests.factories import NOON, SEALER, Make, accept
from tests.races.acts import accept_or_lapse, withdraw_or_open
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, asked, at_once

pytestmark = pytest.mark.races

CLOSES = NOON + timedelta(days=14)
KG = 5_000_000


def _sale(url: str, *, awarded: bool) -> tuple[Actor, list[Actor], list[int], int, datetime]:
    """Return seller, bidders, their bids, what is acted on (the award of the first, or the listing), and a deadline."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        plant = make.organization(recycles=False)
        listing = make.listing(make.stream(make.site(plant)), kg_per_month=KG)
        firms = [make.organization(produces=False) for _ in range(4)]
        bids = [
            make.bid(listing, make.line(make.site(firm)), firm, price_fen_per_t=4000 - place)
            for place, firm in enumerate(firms)
        ]
        seller, buyers = make.signatory(plant), [make.signatory(firm) for firm in firms]
        acted_on, until = listing.id, CLOSES
        if awarded:
            make.opened(listing, at=CLOSES)
            acted_on = award_bid(session, seller, bids[0].id, KG, now=CLOSES)
            accept(session, seller, acted_on, now=CLOSES)
            until = session.get_one(Award, acted_on).answer_by
        ids = [bid.id for bid in bids]
    engine.dispose()
    return seller, buyers, ids, acted_on, until


def _ends(session: Session) -> tuple[int, int, int, list[str]]:
    """Return contracts, awards that lapsed, calls, and what is broken."""
    return (
        session.scalar(select(func.count(Contract.id))) or 0,
        session.scalar(select(func.count(Award.id)).where(Award.lapsed_at.is_not(None))) or 0,
        session.scalar(select(func.count(StandbyCall.id))) or 0,
        [each.invariant.code for each in broken(session)],
    )


def _accept_and_sweep(url: str) -> list[tuple[Actor | None, int, datetime]]:
    _, buyers, _, award_id, until = _sale(url, awarded=True)
    in_time = [(buyers[0], award_id, until - timedelta(microseconds=1))] * (AT_ONCE // 2)
    return [*in_time, *[(None, award_id, until)] * (AT_ONCE // 2)]


def test_an_award_is_accepted_or_lapses_but_never_both(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(accept_or_lapse, url, _accept_and_sweep(url))

    assert {each.how for each in met} <= {"done", "refused"}, met
    assert asked(url, _ends) in ((1, 0, 0, []), (0, 1, 1, []))


def test_without_the_lock_it_is_both_or_neither_can_go_on(new_database: NewDatabase) -> None:
    url = new_database(checks=False)

    met = at_once(accept_or_lapse, url, _accept_and_sweep(url)[3:5], without=frozenset({"ladder", "counter"}))

    faults = asked(url, _ends)[3]
    deadlock = [each.said for each in met if each.how == "failed"]  # or PostgreSQL sees that each waits for the other
    assert {"I3a", "I4"} & set(faults) or any("deadlock" in said for said in deadlock), (faults, met)


def test_a_bid_is_withdrawn_or_opened_but_never_both(new_database: NewDatabase) -> None:
    url = new_database()
    _, buyers, bids, listing_id, until = _sale(url, awarded=False)
    early = until - timedelta(microseconds=1)
    withdrawals = [(actor, bid, None, early) for actor, bid in zip(buyers, bids, strict=True)]
    openings = [(SYSTEM, listing_id, SEALER, until)] * (AT_ONCE - len(bids))

    met = at_once(withdraw_or_open, url, [*withdrawals, *openings])

    assert {each.how for each in met} <= {"done", "refused"}, met
    told = Counter(asked(url, lambda session: session.execute(select(Bid.opened_at, Bid.withdrawn_at)).all()))
    assert sum(told.values()) == len(bids)
    assert all((opened is None) != (withdrawn is None) for opened, withdrawn in told)
    assert asked(url, lambda session: session.scalar(select(Listing.bids_opened_at))) == until
    assert asked(url, lambda session: [each.invariant.code for each in broken(session)]) == []


def test_by_the_clock_alone_a_bid_that_is_opened_is_withdrawn(new_database: NewDatabase) -> None:
    url = new_database()
    _, buyers, bids, listing_id, until = _sale(url, awarded=False)
    at_once(withdraw_or_open, url, [(SYSTEM, listing_id, SEALER, until)])
    late = (buyers[0], bids[0], None, until - timedelta(microseconds=1))

    met = at_once(withdraw_or_open, url, [late], without=frozenset({"end"}))

    assert [each.how for each in met] == ["done"]
    assert "I14a" in asked(url, lambda session: [each.invariant.code for each in broken(session)])
