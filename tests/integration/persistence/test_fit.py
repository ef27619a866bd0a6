"""Streams and lines as they are held against each other, on both databases."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from marketplace.domain.deductions import Limit
from marketplace.domain.fit import Filing
from marketplace.domain.quantities import Month
from marketplace.persistence.fit import Filed, a_year_before, accepting, filings, offered
from marketplace.persistence.lines import AcceptanceLimit, LineMonth, LineYear
from marketplace.persistence.pairs import fits_and_filings, lots
from tests.conftest import counted
from tests.factories import NOON, Make


def test_the_newest_sheet_wins_for_each_property(session: Session, make: Make) -> None:
    stream = make.stream()
    make.sheet(stream, {"moisture": "0.9", "so3": "2.1"}, sampled_on=date(2026, 6, 1), reported_on=date(2026, 6, 3))
    make.sheet(stream, {"moisture": "0.4"}, sampled_on=date(2026, 12, 1), reported_on=date(2026, 12, 3))
    make.sheet(stream, {"moisture": "9"}, sampled_on=date(2027, 1, 2), reported_on=date(2027, 1, 3), voided_at=NOON)

    found = offered(session, [stream.id], now=NOON)[stream.id]

    assert found.properties == {"moisture": Decimal("0.4"), "so3": Decimal("2.1")}
    assert found.kg == 10_000_000


def test_a_sheet_older_than_twelve_months_is_no_evidence(session: Session, make: Make) -> None:
    stream = make.stream()
    make.sheet(stream, {"so3": "2.1"}, sampled_on=date(2026, 1, 14), reported_on=date(2026, 1, 16))
    make.sheet(stream, {"moisture": "0.4"}, sampled_on=date(2026, 1, 15), reported_on=date(2026, 1, 16))

    found = offered(session, [stream.id], now=NOON)[stream.id]

    assert found.properties == {"moisture": Decimal("0.4")}
    assert a_year_before(date(2028, 2, 29)) == date(2027, 2, 28)


def test_related_parties_are_those_of_the_same_group(session: Session, make: Make) -> None:
    own = make.organization(related_group="北方能源")
    sister = make.organization(related_group="北方能源")
    make.organization()
    stream = make.stream(make.site(own))

    found = offered(session, [stream.id], now=NOON)[stream.id]

    assert found.related_organization_ids == frozenset({sister.id})


def test_a_line_says_what_it_takes_and_what_is_free(session: Session, make: Make) -> None:
    limit = AcceptanceLimit(property="moisture", maximum=Decimal(1), deduction_fen_per_unit=300, stop_value=Decimal(2))
    line = make.line(limits=(limit,), closed_months="1,3", capacity_kg_per_year=25_000_000)
    with_counters = {"line_id": line.id, "reserved_kg": 1_000_000, "contracted_kg": 2_000_000}
    make._add(LineMonth(month=Month(2027, 2), capacity_kg=20_000_000, **with_counters))
    make._add(LineYear(year=2027, capacity_kg=25_000_000, **with_counters))

    found = accepting(session, [line.id], months=[Month(2027, 1), Month(2027, 2), Month(2027, 4)])[line.id]

    assert found.materials == {"fly_ash": 6000}
    assert found.limits == (
        Limit(property="moisture", maximum=Decimal(1), deduction_fen_per_unit=300, stop_maximum=Decimal(2)),
    )
    assert found.closed_months == frozenset({1, 3})
    assert found.room_kg == 22_000_000  # the year holds less than February's 17 and April's 20 million


def test_without_ids_only_lines_that_may_take_something(session: Session, make: Make) -> None:
    open_line = make.line()
    make.line(retired_at=NOON)
    make.line(make.site(closed_at=NOON))
    make.line(make.site(make.organization(verified_at=None)))
    make.line(make.site(make.organization(suspended_at=NOON)))

    found = accepting(session, None)

    assert list(found) == [open_line.id]
    assert found[open_line.id].room_kg is None


def test_the_number_of_statements_does_not_grow(session: Session, make: Make, engine: Engine) -> None:
    streams = [make.stream(values={"moisture": "0.5"}).id for _ in range(4)]
    for _ in range(4):
        make.line()

    with counted(engine) as few:
        offered(session, streams[:1], now=NOON)
        accepting(session, None, months=[Month(2027, 2)])
    with counted(engine) as many:
        offered(session, streams, now=NOON)
        accepting(session, None, months=[Month(2027, 2)])

    selects = [len([text for text in sent if text.startswith("SELECT")]) for sent in (few, many)]
    assert selects == [8, 8]


def test_all_filings_that_were_not_ended_are_told_with_what_is_left(session: Session, make: Make) -> None:
    stream, line = make.stream(), make.line()
    site = make.session.get_one(type(make.site()), line.site_id)
    first = make.filing(stream, site, valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31), filed_kg=90_000_000)
    second = make.filing(stream, site, filed_kg=10_000_000, reserved_kg=4_000_000)
    make.filing(stream, site, filed_kg=80_000_000, ended_at=NOON)
    make.filing(make.stream(), site)

    found = filings(session, [stream.id])

    assert found == {
        (stream.id, line.id): [
            Filed(first.id, Filing(remaining_kg=90_000_000, valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31))),
            Filed(second.id, Filing(remaining_kg=6_000_000, valid_from=date(2027, 1, 1), valid_to=date(2027, 12, 31))),
        ]
    }


def test_each_month_is_open_under_the_filing_of_its_year(session: Session, make: Make) -> None:
    stream = make.stream(make.site(division_code="140602"))
    abroad = make.site(division_code="150602")
    line = make.line(abroad)
    listing = make.listing(stream, first_month=Month(2027, 11), last_month=Month(2028, 2))
    old = make.filing(stream, abroad)
    make.filing(stream, abroad, filed_kg=49_000_000)
    new = make.filing(stream, abroad, valid_from=date(2028, 1, 1), valid_to=date(2028, 1, 31))

    of = lots(session, [listing.id], now=NOON)
    fit, filing_of = fits_and_filings(session, of, accepting(session, [line.id]))[listing.id, line.id]

    assert fit.verdict == "meets"
    assert fit.months == (Month(2027, 11), Month(2027, 12), Month(2028, 1))
    assert filing_of == {Month(2027, 11): old.id, Month(2027, 12): old.id, Month(2028, 1): new.id}
