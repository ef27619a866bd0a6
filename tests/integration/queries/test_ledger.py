"""The ledger of a plant as it reads it, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from marketplace.domain.errors import NotAllowed, NotFound
from marketplace.domain.ledger import Figures, MonthFigures, NewOpeningStock
from marketplace.domain.quantities import Month
from marketplace.persistence.parks import Park
from marketplace.queries.ledger import ledger_index, month_page, stream_ledger
from marketplace.services.ledger import open_stock, state_month
from tests.conftest import counted
from tests.factories import NOON, Make


def test_the_year_says_what_is_stated_missing_and_to_come(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    actor = make.signatory(organization)
    open_stock(session, actor, NewOpeningStock(stream_id=stream.id, month=Month(2026, 2), kg=500), now=NOON)
    for number, each in (
        (2, Figures(generated_kg=300, utilized_kg=100, stored_kg=200)),
        (4, Figures(utilized_kg=600, utilized_from_stock_kg=600)),
        (5, Figures()),
    ):
        state_month(
            session, actor, MonthFigures(stream_id=stream.id, month=Month(2026, number), figures=each), now=NOON
        )

    page = ledger_index(session, actor, organization_id=None, year=2026, now=NOON)
    running = ledger_index(session, actor, organization_id=organization.id, year=None, now=NOON)

    shown = page.streams[0]
    assert [row.state for row in shown.months] == [
        "before", "stated", "missing", "stated", "stated", *["missing"] * 7,
    ]  # fmt: skip
    assert [(row.begin_kg, row.end_kg) for row in shown.months[:5]] == [
        (500, 500),
        (500, 700),
        (700, 700),
        (700, 100),
        (100, 100),
    ]
    assert shown.total == Figures(generated_kg=300, utilized_kg=700, utilized_from_stock_kg=600, stored_kg=200)
    assert str(page.missing[0][1]) == "2026-03"
    assert page.may_keep
    assert page.years == (2026, 2027)
    assert [row.state for row in running.streams[0].months[:2]] == ["running", "ahead"]
    assert running.streams[0].months[0].begin_kg == 100


def test_the_ledger_is_read_by_its_owner_its_park_and_auditors(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    park = session.get_one(Park, organization.park_id)
    administrator, auditor = make.administrator(park), make.actor(make.person("auditor"))

    for reader in (make.signatory(organization), administrator, auditor):
        assert stream_ledger(session, reader, stream.id, 2026, now=NOON).stream.stream_id == stream.id
        assert ledger_index(session, reader, organization_id=organization.id, year=2026, now=NOON).streams
    assert not stream_ledger(session, administrator, stream.id, 2026, now=NOON).may_keep
    for reader in (administrator, auditor):
        with pytest.raises(NotAllowed):
            month_page(session, reader, stream.id, Month(2026, 5), now=NOON)
    for stranger in (
        make.signatory(make.organization()),
        make.administrator(make.park()),
        make.actor(make.person("operator")),
    ):
        with pytest.raises(NotFound):
            stream_ledger(session, stranger, stream.id, 2026, now=NOON)
        with pytest.raises(NotFound):
            ledger_index(session, stranger, organization_id=organization.id, year=2026, now=NOON)
        with pytest.raises(NotFound):
            month_page(session, stranger, stream.id, Month(2026, 5), now=NOON)
    with pytest.raises(NotFound):
        stream_ledger(session, administrator, 999, 2026, now=NOON)
    with pytest.raises(NotFound):
        stream_ledger(session, administrator, stream.id, 1999, now=NOON)


def test_the_list_takes_four_selects_whatever_the_number_of_streams(
    session: Session, engine: Engine, make: Make
) -> None:
    organization = make.organization()
    actor = make.signatory(organization)
    site = make.site(organization)
    counts = []
    for _ in range(2):
        for _ in range(10):
            make.stream(site)
        session.rollback()
        with counted(engine) as sent:
            ledger_index(session, actor, organization_id=None, year=2026, now=NOON)
        counts.append(len([each for each in sent if each.lstrip().upper().startswith("SELECT")]))

    assert counts == [4, 4]
