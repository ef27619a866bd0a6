"""Tables 2 and 3 of the ledger: a shipment that was typed once stands in both, with the same tonnes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import Month
from marketplace.queries.ledgertables import TablesPage, tables_page
from marketplace.services import shipments
from tests.factories import Make
from tests.integration.services.deeds import APRIL, IN_MARCH, MARCH
from tests.integration.services.lorries import HOUR, KG, Lorries

IN_APRIL = IN_MARCH + timedelta(days=31)


def tables(session: Session, actor: Actor, month: Month) -> TablesPage:
    session.rollback()
    return tables_page(session, actor, organization_id=None, month=month, now=IN_APRIL)


def test_a_shipment_stands_in_both_with_the_weight_that_counts(session: Session, make: Make) -> None:
    lorries = Lorries(make)
    made = lorries.there(net_in=KG - 60)
    shipments.receive(session, lorries.taker, made, now=IN_MARCH + 3 * HOUR)
    lorries.sent(20_000, number="2", at=IN_MARCH + HOUR, plate="晋F22222")

    page = tables(session, lorries.seller, MARCH)

    assert [(row.record_no, row.kg, row.plate, row.flow) for row in page.left] == [
        ("CC20270310001", KG - 60, "晋F12345", "within"),
        ("CC20270310002", 20_000, "晋F22222", "within"),
    ]
    (flow,) = page.flows
    assert (flow.generated_kg, flow.stored_kg, flow.own_use_kg, flow.used_by_others) == (
        KG - 60 + 20_000, KG - 60 + 20_000, 0, (),
    )  # fmt: skip
    assert (flow.stated, flow.stock_kg) == (False, KG - 60 + 20_000)

    shipments.use(session, lorries.taker, made, APRIL, now=IN_APRIL)
    (flow,) = tables(session, lorries.seller, APRIL).flows
    assert [(use.kg, use.recycler_id) for use in flow.used_by_others] == [(KG - 60, lorries.row(made).recycler_id)]
    assert (flow.own_use_kg, flow.stock_kg) == (0, 20_000)


def test_what_came_back_stands_in_neither(session: Session, make: Make) -> None:
    lorries = Lorries(make)
    made = lorries.there()
    shipments.reject(session, lorries.taker, made, "湿。", now=IN_MARCH + 3 * HOUR)
    shipments.take_back(session, lorries.seller, made, now=IN_MARCH + 4 * HOUR)

    page = tables(session, lorries.seller, MARCH)

    assert page.left == ()
    assert [flow.generated_kg for flow in page.flows] == [0]


def test_the_tables_of_others_are_not_there(session: Session, make: Make) -> None:
    lorries = Lorries(make)
    organization_id = next(iter(lorries.seller.organization_ids))
    session.rollback()

    with pytest.raises(NotFound):
        tables_page(session, lorries.taker, organization_id=organization_id, month=MARCH, now=IN_APRIL)
