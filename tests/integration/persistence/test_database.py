"""The transaction, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow, record
from marketplace.persistence.database import transaction
from marketplace.persistence.ledger import Posting
from marketplace.persistence.parks import Park
from tests.factories import NOON, Make


def test_a_transaction_keeps_all_or_nothing(session: Session, make: Make) -> None:
    make.park()

    with pytest.raises(ZeroDivisionError), transaction(session):
        session.add(Park(name_zh="园区", division_code="140200", created_at=NOON))
        session.flush()
        1 / 0  # noqa: B018

    assert session.scalar(select(func.count(Park.id))) == 1


def test_a_transaction_within_another_is_refused(session: Session) -> None:
    with pytest.raises(RuntimeError, match="one use case"), transaction(session), transaction(session):
        pass


def test_a_change_outside_a_transaction_is_refused(session: Session) -> None:
    session.add(Park(name_zh="园区", division_code="140200", created_at=NOON))

    with pytest.raises(RuntimeError, match="no change outside"), transaction(session):
        pass


@pytest.mark.parametrize("verb", ["update postings set kg = 2", "delete from postings"])
def test_the_ledger_only_grows(session: Session, make: Make, verb: str) -> None:
    organization = make.organization()
    make.posting(make.stream(make.site(organization)), organization)

    with pytest.raises(DBAPIError, match="only grows"), transaction(session):
        session.execute(text(verb))

    assert session.scalars(select(Posting.kg)).all() == [1_000_000]


@pytest.mark.parametrize("verb", ["update audit_log set action = 'x'", "delete from audit_log"])
def test_the_audit_log_only_grows(session: Session, verb: str) -> None:
    with transaction(session):
        record(session, SYSTEM, "tested", "nothing", None, now=NOON)

    with pytest.raises(DBAPIError, match="only grows"), transaction(session):
        session.execute(text(verb))

    assert session.scalars(select(AuditRow.action)).all() == ["tested"]


def test_months_instants_and_measures_come_back_as_they_went(session: Session, make: Make) -> None:
    listing = make.listing()
    sheet = make.sheet(make.stream(), {"loss_on_ignition": "4.125"})

    session.expire_all()

    assert session.get_one(type(listing), listing.id).first_month == Month(2027, 2)
    assert session.get_one(type(listing), listing.id).drafted_at == NOON
    session.refresh(sheet, ["values"])
    assert [str(value.value) for value in sheet.values] == ["4.125"]
