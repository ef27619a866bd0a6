"""The goods of a contract are listed again: the form begins with them, and the recycler is told once it is on the board."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import Month
from marketplace.persistence.listings import Listing
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.repeats import Repeat
from marketplace.persistence.rounds import Contract
from marketplace.queries.repeats import deal_again
from marketplace.services.listings import post_listing, publish_listing
from tests.factories import NOON, Make, accept
from tests.integration.services.test_holds import Sale

LATER = NOON + timedelta(days=2)


def contract_of(session: Session, sale: Sale) -> tuple[int, int]:
    """Make a contract of 3,000 t a month, and return it with the stream."""
    award_id = sale.hold(kg=3_000_000)
    accept(session, sale.seller, award_id, now=NOON + timedelta(hours=2))
    made = accept(session, sale.buyers[0], award_id, now=NOON + timedelta(hours=2))
    assert made is not None
    return made, session.get_one(Listing, sale.listing_id).stream_id


def again(session: Session) -> list[tuple[str, int]]:
    session.rollback()
    rows = session.execute(select(OutboxMail.recipient, OutboxMail.values).where(OutboxMail.kind == "again"))
    return [(row[0], row[1]["price_fen_per_t"]) for row in rows]


def test_the_form_begins_with_the_goods_of_the_contract(session: Session, make: Make) -> None:
    sale = Sale(make)
    contract_id, stream_id = contract_of(session, sale)

    begun = deal_again(session, sale.seller, contract_id, stream_id, now=LATER)

    assert (begun.first_month, begun.last_month) == (Month(2027, 5), Month(2027, 7))
    assert (begun.kg_per_month, begun.asking_fen_per_t, begun.sale_kind) == (3_000_000, 1000, "fixed")


def test_the_recycler_is_told_when_it_is_on_the_board_and_not_before(session: Session, make: Make) -> None:
    sale = Sale(make)
    contract_id, stream_id = contract_of(session, sale)
    begun = replace(deal_again(session, sale.seller, contract_id, stream_id, now=LATER), asking_fen_per_t=1100)

    listing_id = post_listing(session, sale.seller, stream_id, begun, again_of=contract_id, now=LATER)
    assert again(session) == []
    for _ in range(2):
        publish_listing(session, sale.seller, listing_id, now=LATER)

    assert [price for _, price in again(session)] == [1100]
    assert session.execute(select(Repeat.listing_id, Repeat.contract_id)).all() == [(listing_id, contract_id)]


def test_nobody_repeats_the_deals_of_others_or_of_another_waste(session: Session, make: Make) -> None:
    sale = Sale(make)
    contract_id, stream_id = contract_of(session, sale)
    begun = deal_again(session, sale.seller, contract_id, stream_id, now=LATER)
    other = make.organization(recycles=False)
    stranger, strangers_stream = make.signatory(other), make.stream(make.site(other)).id

    for actor, stream in ((stranger, stream_id), (stranger, strangers_stream), (sale.buyers[0], stream_id)):
        with pytest.raises(NotFound):
            deal_again(session, actor, contract_id, stream, now=LATER)
        with pytest.raises(NotFound):
            post_listing(session, actor, stream, begun, again_of=contract_id, now=LATER)
    with pytest.raises(NotFound):
        post_listing(session, sale.seller, stream_id, begun, again_of=contract_id + 1, now=LATER)

    session.rollback()
    assert session.scalar(select(func.count(Repeat.id))) == 0
    assert session.scalar(select(func.count(Listing.id))) == 1
    assert session.scalar(select(func.count(Contract.id))) == 1
