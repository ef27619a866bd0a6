"""Eight lorries leave at once with the last tonnes of a contract, or with one ticket: what left is what there is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.tickets import NewTicket
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.rounds import Contract
from marketplace.persistence.shipments import Shipment, Ticket
from tests.factories import Make
from tests.integration.services.deeds import IN_MARCH
from tests.integration.services.lorries import Lorries, ticket
from tests.races.acts import weigh_out
from tests.races.conftest import NewDatabase
from tests.races.contest import AT_ONCE, asked, at_once

pytestmark = pytest.mark.races

SPELL = timedelta(minutes=10)
THEN = IN_MARCH + timedelta(hours=6)
FULL, LAST = 180_000, 60_000
"""Seventeen full lorries leave 90 t of 3,150 t, which is the contract and five per cent more: enough for one more."""

Wanted = tuple[Actor, int, NewTicket, datetime]


def _leaving(url: str, *, numbers: int, lorries: int = AT_ONCE, full: int = 17) -> list[Wanted]:
    """Let a contract be all but used up, and return eight who weigh out: so many lorries with so many numbers of tickets."""
    engine = connect(url)
    with sessions_of(engine)() as session:
        made = Lorries(Make(session))
        for n in range(full):
            made.sent(FULL, number=f"full-{n}", at=IN_MARCH + n * SPELL)
        ids = [made.plan(now=THEN) for _ in range(lorries)]
        wanted = [
            (
                made.seller,
                ids[place % lorries],
                ticket(f"last-{place % numbers}", LAST, at=THEN, key=f"one-key-{place if lorries > 1 else 0}"),
                THEN,
            )
            for place in range(AT_ONCE)
        ]
    engine.dispose()
    return wanted


def _ends(session: Session) -> tuple[int, int, list[str]]:
    """Return how many of the last have left, what the contract's counter says, and what is broken."""
    return (
        session.scalar(select(func.count(Shipment.id)).where(Shipment.out_kg == LAST)) or 0,
        session.scalars(select(Contract.shipped_kg)).one(),
        [each.invariant.code for each in broken(session)],
    )


def _without_the_index(session: Session) -> None:
    """Lift the second fences: one ticket a number, and, where it can be lifted, one record a number."""
    session.execute(text("drop index uq_tickets_of_a_day"))
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("alter table shipments drop constraint uq_shipments_from_site_id_record_no"))
    session.commit()


def test_of_eight_who_leave_with_the_last_tonnes_one_does(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(weigh_out, url, _leaving(url, numbers=AT_ONCE))

    assert sorted(each.how for each in met) == ["done"] + ["refused"] * (AT_ONCE - 1), met
    assert asked(url, _ends) == (1, 17 * FULL + LAST, [])


def test_without_the_counter_more_leaves_than_there_is(new_database: NewDatabase) -> None:
    url = new_database(checks=False)

    at_once(weigh_out, url, _leaving(url, numbers=AT_ONCE), without=frozenset({"shipped"}))

    assert asked(url, _ends)[0] > 1


def test_of_eight_lorries_with_one_ticket_one_leaves(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(weigh_out, url, _leaving(url, numbers=1, full=0))

    assert sorted(each.how for each in met) == ["done"] + ["refused"] * (AT_ONCE - 1), met
    assert asked(url, _ends) == (1, LAST, [])


def test_without_the_lock_one_ticket_carries_several_lorries(new_database: NewDatabase) -> None:
    url = new_database(checks=False)
    wanted = _leaving(url, numbers=1, full=0)
    asked(url, _without_the_index)

    at_once(weigh_out, url, wanted, without=frozenset({"scale"}))

    left, _, faults = asked(url, _ends)
    assert left > 1
    assert "I9b" in faults


def test_a_request_that_comes_eight_times_at_once_has_one_effect(new_database: NewDatabase) -> None:
    url = new_database()

    met = at_once(weigh_out, url, _leaving(url, numbers=1, lorries=1, full=0))

    assert {(each.how, each.said) for each in met} == {("done", "1")}, met
    assert asked(url, lambda session: session.scalar(select(func.count(Ticket.id)))) == 1
    assert asked(url, _ends) == (1, LAST, [])
