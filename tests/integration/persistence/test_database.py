"""The transaction, on both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM
from marketplace.domain.quantities import Month
from marketplace.persistence import database
from marketplace.persistence.audit import AuditRow, record
from marketplace.persistence.database import connect, sessions_of, transaction
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


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[tuple[Engine, sqlite3.Connection]]:
    """A database, and another connection that is writing on it."""
    engine = connect(f"sqlite:///{tmp_path / 'busy.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("create table t (a integer)")
    other = sqlite3.connect(tmp_path / "busy.db", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    yield engine, other
    other.close()
    engine.dispose()


def test_a_writer_waits_for_its_turn(busy: tuple[Engine, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    engine, other = busy
    asked: list[float] = []

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 3:
            other.execute("commit")

    monkeypatch.setattr(database.time, "sleep", sleep)
    with sessions_of(engine)() as session:
        with transaction(session):
            session.execute(text("insert into t values (7)"))

        assert len(asked) == 3
        assert max(asked) <= 0.003
        assert session.scalar(text("select a from t")) == 7
        assert session.scalar(text("pragma busy_timeout")) == 30_000


def test_a_writer_whose_turn_does_not_come_gives_up(
    busy: tuple[Engine, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, other = busy
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(database.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(database.time, "sleep", lambda _: None)

    with sessions_of(engine)() as session:
        with pytest.raises(OperationalError, match="locked"), transaction(session):
            session.execute(text("insert into t values (7)"))

        other.execute("commit")
        assert session.scalar(text("select count(*) from t")) == 0
        assert session.scalar(text("pragma busy_timeout")) == 30_000
