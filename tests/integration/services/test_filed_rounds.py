"""Rounds across provinces: what moves under which filing, over a turn of the year too."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.domain.quantities import Month
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import Filing
from marketplace.persistence.organizations import Site
from marketplace.persistence.rounds import Award, AwardMonth, Leftover, Round
from marketplace.persistence.streams import WasteStream
from marketplace.services.awards import decline_award
from marketplace.services.proposals import rest_of
from marketplace.services.snapshots import read_snapshot
from tests.factories import Make, accept
from tests.integration.services.rounds_world import AFTER, World, published


def test_a_filing_across_provinces_is_reserved_with_the_award(session: Session, make: Make) -> None:
    made = World(make, make.park())
    listing = made.plant()
    far = make.organization(park_id=make.park().id, produces=False)
    abroad = make.site(far, division_code="150902", lat_udeg=40_400_000, lon_udeg=113_300_000)
    make.line(abroad)
    of = made.round()
    assert published(session, made, of) == []
    stream = session.get_one(WasteStream, listing.stream_id)
    session.rollback()
    filed = make.filing(stream, abroad, filed_kg=4_000_000)
    again = made.round(number=50)

    awards = published(session, made, again)

    assert [(award.kg, filings_of(session, award)) for award in awards] == [(4_000_000, {filed.id})]
    assert list(broken(session)) == []


def filings_of(session: Session, award: Award) -> set[int | None]:
    return set(session.scalars(select(AwardMonth.filing_id).where(AwardMonth.award_id == award.id)))


def over_the_year(session: Session, make: Make, *filed_kg: int) -> tuple[World, Round, list[int]]:
    """Return a round for November to February of a plant and a line in the next province, and filings of two years."""
    made = World(make, make.park())
    window = {"first_month": Month(2027, 11), "last_month": Month(2028, 2)}
    listing = made.plant(**window)
    far = make.organization(park_id=made.park.id, produces=False)
    made.recyclers.append(far)
    abroad = make.site(far, division_code="150902", lat_udeg=40_400_000, lon_udeg=113_300_000)
    made.lines.append(make.line(abroad))
    stream = session.get_one(WasteStream, listing.stream_id)
    filings = [
        make.filing(stream, abroad, filed_kg=kg, valid_from=date(2027 + at, 1, 1), valid_to=date(2027 + at, 12, 31)).id
        for at, kg in enumerate(filed_kg)
    ]
    return made, made.round(**window), filings


def test_a_round_over_the_turn_of_the_year_moves_under_the_filings_of_both_years(session: Session, make: Make) -> None:
    made, of, filings = over_the_year(session, make, 4_000_000, 7_000_000)

    (award,) = published(session, made, of)

    rows = select(AwardMonth.filing_id, func.sum(AwardMonth.kg)).group_by(AwardMonth.filing_id)
    assert session.execute(rows.order_by(AwardMonth.filing_id)).all() == [
        (filings[0], 4_000_000),
        (filings[1], 7_000_000),
    ]
    assert session.scalars(select(Filing.reserved_kg).order_by(Filing.id)).all() == [4_000_000, 7_000_000]
    assert [term["valid_from"] for term in (award.terms or {})["filings"]] == ["2027-01-01", "2028-01-01"]
    assert list(broken(session)) == []
    session.rollback()
    for organization in (made.plants[0], made.recyclers[0]):
        accept(session, make.signatory(organization), award.id, now=AFTER)
    filed = session.execute(select(Filing.reserved_kg, Filing.contracted_kg).order_by(Filing.id)).all()
    assert filed == [(0, 4_000_000), (0, 7_000_000)]
    assert list(broken(session)) == []


def test_filings_that_open_no_month_are_read_only_to_say_what_is_wrong(session: Session, make: Make) -> None:
    made, of, filings = over_the_year(session, make, 4_000_000, 7_000_000, 9_000_000)
    assert [each.filing_id for each in read_snapshot(session, of, now=AFTER).filings] == filings[:2]
    session.rollback()
    with transaction(session):
        session.execute(update(Filing).values(contracted_kg=Filing.filed_kg))

    assert [each.filing_id for each in read_snapshot(session, of, now=AFTER).filings] == filings
    session.rollback()
    assert published(session, made, of) == []
    assert set(session.scalars(select(Leftover.reason))) == {"filing_exhausted"}


def test_what_is_allotted_again_knows_under_which_filing_the_rest_stands(session: Session, make: Make) -> None:
    made, of, filings = over_the_year(session, make, 12_000_000)
    listing = made.listings[0]
    session.rollback()
    second = make.filing(
        session.get_one(WasteStream, listing.stream_id),
        session.get_one(Site, made.lines[0].site_id),
        filed_kg=5_000_000,
    )
    near = made.recycler(price=4_000, capacity_kg_per_month=1_000_000)
    awards = published(session, made, of)
    assert {award.line_id for award in awards} == {made.lines[0].id, near.id}
    decline_award(session, make.signatory(made.recyclers[1]), awards[-1].id, "no", now=AFTER)

    rest = rest_of(session, session.get_one(Round, of.id), read_snapshot(session, of, now=AFTER))

    left = {each.filing_id: each.filing.remaining_kg for each in rest.filings}
    reserved_kg = {row.id: row.reserved_kg for row in session.execute(select(Filing.id, Filing.reserved_kg))}
    assert left == {filings[0]: 12_000_000 - reserved_kg[filings[0]], second.id: 5_000_000 - reserved_kg[second.id]}
    assert reserved_kg[filings[0]] > 0
