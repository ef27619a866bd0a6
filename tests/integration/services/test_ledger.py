"""Stating months of the ledger, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.ledger import Figures, MonthFigures, NewOpeningStock, Posted, figures_of
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.ledger import OpeningStock, Posting, StatedMonth
from marketplace.persistence.parks import Park
from marketplace.services.ledger import check_months, import_months, open_stock, state_month
from tests.factories import NOON, Make
from tests.unit.domain.test_ledger import figures

DECEMBER = Month(2026, 12)
HEADER = "废物名称,月份,产生量,综合利用量,综合利用往年贮存量,贮存量,处置量,处置往年贮存量,倾倒丢弃量\n"
FULL = Figures(generated_kg=1000, utilized_kg=600, stored_kg=300, disposed_kg=80, discarded_kg=20)


def rows(session: Session) -> list[tuple[str, str, int, int | None, str]]:
    session.rollback()
    return [
        (row.debit, row.credit, row.kg, row.reverses_id, row.note)
        for row in session.execute(
            select(Posting.debit, Posting.credit, Posting.kg, Posting.reverses_id, Posting.note).order_by(Posting.id)
        )
    ]


def written(session: Session) -> tuple[int, int, int, int]:
    session.rollback()
    return tuple(  # type: ignore[return-value]
        session.scalar(select(func.count()).select_from(table))
        for table in (Posting, StatedMonth, OpeningStock, AuditRow)
    )


def test_a_month_becomes_postings_and_twice_the_same_writes_nothing(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    clerk = make.actor(make.person("clerk", organization=organization))
    new = MonthFigures(stream_id=stream.id, month=DECEMBER, figures=FULL)

    first = state_month(session, clerk, new, now=NOON)
    stands = written(session)
    again = state_month(session, clerk, new, now=NOON)

    assert (first, again) == (6, 0)
    assert written(session) == stands == (5, 1, 0, 1)
    assert rows(session) == [
        ("process", "yard", 1000, None, ""),
        ("yard", "utilized", 600, None, ""),
        ("yard", "store", 300, None, ""),
        ("yard", "disposed", 80, None, ""),
        ("yard", "discarded", 20, None, ""),
    ]


def test_a_correction_reverses_and_needs_a_reason(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    signatory = make.signatory(organization)
    state_month(session, signatory, MonthFigures(stream_id=stream.id, month=DECEMBER, figures=FULL), now=NOON)
    stands = written(session)
    changed = Figures(generated_kg=1000, utilized_kg=700, stored_kg=200, disposed_kg=80, discarded_kg=20)

    with pytest.raises(Invalid, match="Say why") as refusal:
        state_month(session, signatory, MonthFigures(stream_id=stream.id, month=DECEMBER, figures=changed), now=NOON)
    assert refusal.value.field == "reason"
    assert written(session) == stands
    new = MonthFigures(stream_id=stream.id, month=DECEMBER, figures=changed, reason="复磅")
    state_month(session, signatory, new, now=NOON)

    assert rows(session)[5:] == [
        ("utilized", "yard", 600, 2, "复磅"),
        ("yard", "utilized", 700, None, "复磅"),
        ("store", "yard", 300, 3, "复磅"),
        ("yard", "store", 200, None, "复磅"),
    ]


def test_a_month_without_anything_is_stated_once(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    actor = make.signatory(organization)
    new = MonthFigures(stream_id=stream.id, month=DECEMBER, figures=Figures())

    assert state_month(session, actor, new, now=NOON) == 1
    assert state_month(session, actor, new, now=NOON) == 0

    assert written(session) == (0, 1, 0, 1)


def test_the_store_never_holds_less_than_nothing(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    actor = make.signatory(organization)
    taken = Figures(utilized_kg=500, utilized_from_stock_kg=500)

    with pytest.raises(Invalid, match="500 t more are taken out"):
        state_month(session, actor, MonthFigures(stream_id=stream.id, month=DECEMBER, figures=taken), now=NOON)
    assert written(session) == (0, 0, 0, 0)
    open_stock(session, actor, NewOpeningStock(stream_id=stream.id, month=DECEMBER, kg=500), now=NOON)
    state_month(session, actor, MonthFigures(stream_id=stream.id, month=DECEMBER, figures=taken), now=NOON)

    assert rows(session) == [("store", "utilized", 500, None, "")]
    with pytest.raises(Invalid, match="begins with its opening stock"):
        state_month(session, actor, MonthFigures(stream_id=stream.id, month=DECEMBER.plus(-1), figures=FULL), now=NOON)
    with pytest.raises(Conflict, match="stated already"):
        open_stock(session, actor, NewOpeningStock(stream_id=stream.id, month=DECEMBER, kg=500), now=NOON)


def test_a_correction_of_an_earlier_month_must_leave_enough_for_the_later(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    actor = make.signatory(organization)
    for month, each in (
        (DECEMBER.plus(-1), Figures(generated_kg=300, stored_kg=300)),
        (DECEMBER, Figures(utilized_kg=300, utilized_from_stock_kg=300)),
    ):
        state_month(session, actor, MonthFigures(stream_id=stream.id, month=month, figures=each), now=NOON)
    stands = written(session)

    with pytest.raises(Invalid, match="1 t more are taken out"):
        state_month(
            session,
            actor,
            MonthFigures(
                stream_id=stream.id,
                month=DECEMBER.plus(-1),
                figures=Figures(generated_kg=299, stored_kg=299),
                reason="复核",
            ),
            now=NOON,
        )

    assert written(session) == stands


def test_opening_stock_comes_before_the_first_figures(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    actor = make.signatory(organization)
    state_month(session, actor, MonthFigures(stream_id=stream.id, month=DECEMBER, figures=FULL), now=NOON)

    with pytest.raises(Invalid, match="There are figures from"):
        open_stock(session, actor, NewOpeningStock(stream_id=stream.id, month=Month(2027, 1), kg=5), now=NOON)
    open_stock(session, actor, NewOpeningStock(stream_id=stream.id, month=DECEMBER, kg=5), now=NOON)

    assert written(session) == (5, 1, 1, 2)


def test_months_to_come_and_streams_of_others_are_refused(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    actor = make.signatory(organization)
    stranger = make.signatory(make.organization())
    park = make.administrator(make.park())
    own_park = make.actor(make.person("park_administrator", park=session.get_one(Park, organization.park_id)))

    with pytest.raises(Invalid, match="not begun"):
        state_month(session, actor, MonthFigures(stream_id=stream.id, month=Month(2027, 2), figures=FULL), now=NOON)
    for who, refusal in ((stranger, NotFound), (park, NotFound), (own_park, NotAllowed)):
        with pytest.raises(refusal):
            state_month(session, who, MonthFigures(stream_id=stream.id, month=DECEMBER, figures=FULL), now=NOON)
        with pytest.raises(refusal):
            open_stock(session, who, NewOpeningStock(stream_id=stream.id, month=DECEMBER, kg=1), now=NOON)
        with pytest.raises(refusal):
            import_months(session, who, organization.id, HEADER, reason="", now=NOON)
    with pytest.raises(NotFound):
        state_month(session, actor, MonthFigures(stream_id=999, month=DECEMBER, figures=FULL), now=NOON)

    assert written(session) == (0, 0, 0, 0)


def test_a_file_is_written_whole_or_not_at_all(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization), name="粉煤灰")
    actor = make.signatory(organization)
    good = HEADER + "粉煤灰,2026-11,1.5,1,,0.5,,,\n粉煤灰,2026-12,2,2.5,0.5,,,,\n"
    bad = good + "粉煤灰,2026-10,2,1,,,,,\n"

    checked = check_months(session, actor, organization.id, bad, reason="", now=NOON)
    assert [fault.line for fault in checked.faults] == [4]
    with pytest.raises(Invalid, match="1 rows are faulty"):
        import_months(session, actor, organization.id, bad, reason="", now=NOON)
    assert written(session) == (0, 0, 0, 0)
    import_months(session, actor, organization.id, good, reason="", now=NOON)
    stands = written(session)
    again = import_months(session, actor, organization.id, good, reason="", now=NOON)

    assert [row.state for row in again.rows] == ["same", "same"]
    assert written(session) == stands == (6, 2, 0, 1)
    assert [kg for _, _, kg, _, _ in rows(session)] == [1500, 1000, 500, 2000, 2000, 500]
    assert session.scalar(select(func.count()).where(Posting.stream_id == stream.id)) == 6


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 3), figures()), max_size=6))
def test_whatever_months_are_stated_the_ledger_says_them_exactly(
    session: Session, make: Make, stated: list[tuple[int, Figures]]
) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    actor = make.signatory(organization)
    open_stock(session, actor, NewOpeningStock(stream_id=stream.id, month=Month(2026, 1), kg=10**11), now=NOON)
    wanted: dict[Month, Figures] = {}

    for number, each in stated:
        month = Month(2026, number)
        state_month(
            session, actor, MonthFigures(stream_id=stream.id, month=month, figures=each, reason="更正"), now=NOON
        )
        wanted[month] = each

    found: dict[Month, list[Posted]] = {}
    for row in session.scalars(select(Posting).where(Posting.stream_id == stream.id)):
        found.setdefault(row.month, []).append(
            Posted(row.id, row.month, row.debit, row.credit, row.kg, row.evidence, row.reverses_id)
        )
    assert {month: figures_of(postings) for month, postings in found.items()} == {
        month: each for month, each in wanted.items() if month in found
    }
    assert all(each.empty for month, each in wanted.items() if month not in found)
    assert all(
        sum(
            posted.kg if posted.credit == "yard" else -posted.kg if posted.debit == "yard" else 0 for posted in postings
        )
        == 0
        for postings in found.values()
    )
