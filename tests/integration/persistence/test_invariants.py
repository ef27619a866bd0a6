"""Every invariant holds on what use cases write, and is found broken where it is broken."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.domain.quantities import Month
from marketplace.persistence import invariants
from marketplace.persistence.database import transaction
from tests.factories import Make


def codes(session: Session) -> set[str]:
    return {breach.invariant.code for breach in invariants.broken(session)}


def test_an_empty_database_breaks_nothing(session: Session) -> None:
    assert codes(session) == set()


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update listing_months set reserved_kg = 1000", "I3a"),
        ("delete from listing_months where month = '2027-03'", "I24"),
        ("update listings set bids_close_at = 0", "I13"),
        ("update bids set revision = 3", "I12"),
        ("update rounds set published_at = 1, result_sha256 = 'x', input_sha256 = 'y'", "I17"),
    ],
)
def test_what_is_broken_is_named(session: Session, make: Make, damage: str, code: str) -> None:
    organization = make.organization()
    listing = make.listing(make.stream(make.site(organization)))
    make.bid(listing, make.line(), make.organization())
    make.round(make.park())
    assert codes(session) == set()

    with transaction(session):
        session.execute(text(damage))

    assert codes(session) == {code}


def test_a_month_whose_generation_goes_nowhere_is_named(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    make.posting(stream, organization, month=Month(2027, 1), kg=5000)

    assert codes(session) == {"I8"}


def test_a_store_below_nothing_is_named(session: Session, make: Make) -> None:
    organization = make.organization()
    make.posting(make.stream(make.site(organization)), organization, debit="store", credit="utilized")

    assert codes(session) == {"I6"}
