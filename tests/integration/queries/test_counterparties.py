"""The file of a counterparty: facts with counts, for whoever reads the deal, and no price of anybody."""

from __future__ import annotations

from dataclasses import astuple
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from marketplace.domain.actors import VISITOR
from marketplace.domain.errors import NotFound
from marketplace.queries.counterparties import counterparty_page
from marketplace.services.awards import decline_award
from tests.factories import Make, accept
from tests.integration.services.rounds_world import AFTER, World, published, world

LATER = AFTER + timedelta(hours=1)


def _four_awards(session: Session, made: World) -> list[int]:
    """Awards of four plants to one line: a contract, one declined by it, one by its producer, one unanswered."""
    for _ in range(3):
        made.plant()
    awards = [award.id for award in published(session, made, made.round())]
    make, buyer = made.make, made.make.signatory(made.recyclers[0])
    seller = {award: make.signatory(plant) for award, plant in zip(awards, made.plants, strict=True)}
    accept(session, seller[awards[0]], awards[0], now=LATER)
    accept(session, buyer, awards[0], now=LATER)
    decline_award(session, buyer, awards[1], "检修停窑。", now=LATER)
    decline_award(session, seller[awards[2]], awards[2], "自用。", now=LATER)
    return awards


def test_a_recycler_is_told_in_counts(session: Session, make: Make) -> None:
    made = world(make)
    awards = _four_awards(session, made)
    seller = make.signatory(made.plants[0])

    before = counterparty_page(session, seller, awards[0], "recycler", now=LATER)
    after = counterparty_page(session, seller, awards[0], "recycler", now=AFTER + timedelta(days=40))

    kg = 3 * 5_000_000
    assert astuple(before.record) == (AFTER, 4, 1, 2, 1, 1, 0, 1, 0, 0, 0, 1, kg)
    assert astuple(after.record) == (AFTER, 4, 0, 3, 1, 1, 1, 1, 0, 0, 0, 1, kg)
    (line,) = before.lines
    assert (line.permit_no, line.capacity_kg_per_month, line.permit_holds(before.today)) == (
        "PWX-TEST",
        20_000_000,
        True,
    )
    assert (before.id, before.name_zh) == (made.recyclers[0].id, made.recyclers[0].name_zh)


def test_a_producer_is_told_in_counts_and_has_no_lines(session: Session, make: Make) -> None:
    made = world(make)
    awards = _four_awards(session, made)
    buyer = make.signatory(made.recyclers[0])

    signed, declined, unanswered = (
        counterparty_page(session, buyer, awards[place], "producer", now=AFTER + timedelta(days=40))
        for place in (0, 2, 3)
    )

    assert (signed.record.signed, signed.record.answered, signed.record.contracts) == (1, 1, 1)
    assert (declined.record.declined, declined.record.answered, declined.record.contracts) == (1, 1, 0)
    assert (unanswered.record.unanswered, unanswered.record.answered) == (1, 1)
    assert signed.lines == ()


def test_what_the_other_side_declined_is_no_answer_of_this_one(session: Session, make: Make) -> None:
    made = world(make)
    awards = _four_awards(session, made)

    page = counterparty_page(session, make.signatory(made.recyclers[0]), awards[1], "producer", now=LATER)

    assert (page.record.awards, page.record.answered, page.record.waiting) == (1, 0, 0)


def test_only_who_reads_the_deal_reads_the_file(session: Session, make: Make) -> None:
    made = world(make)
    awards = _four_awards(session, made)
    strangers = (
        VISITOR,
        make.signatory(made.plants[1]),
        make.signatory(make.organization()),
        make.administrator(make.park()),
    )

    for stranger in strangers:
        with pytest.raises(NotFound):
            counterparty_page(session, stranger, awards[0], "recycler", now=LATER)
    assert counterparty_page(session, made.administrator, awards[0], "producer", now=LATER).id == made.plants[0].id
