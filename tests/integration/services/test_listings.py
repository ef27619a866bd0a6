"""Listings are drafted, published, changed, renewed and withdrawn; each refusal leaves nothing written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.hazards import questions
from marketplace.domain.listings import NewListing
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream
from marketplace.services.listings import (
    edit_listing,
    post_listing,
    publish_listing,
    renew_listing,
    withdraw_listing,
)
from tests.factories import NOON, Make

SPRING = NewListing(
    first_month=Month(2027, 2),
    last_month=Month(2027, 4),
    kg_per_month=5_000_000,
    asking_fen_per_t=1000,
    reserve_fen_per_t=500,
    bids_close_at=NOON + timedelta(days=14),
)

HARMLESS = {question.code: not question.hazardous_if for question in questions("fly_ash")}


def owned(make: Make) -> tuple[Organization, WasteStream]:
    organization = make.organization()
    return organization, make.stream(make.site(organization), origin_answers=HARMLESS)


def months(session: Session) -> list[tuple[str, int, int, int]]:
    rows = session.execute(
        select(
            ListingMonth.month, ListingMonth.offered_kg, ListingMonth.reserved_kg, ListingMonth.contracted_kg
        ).order_by(ListingMonth.month)
    )
    return [(str(month), offered, reserved, contracted) for month, offered, reserved, contracted in rows]


def test_publishing_makes_a_counter_for_each_month(session: Session, make: Make) -> None:
    organization, stream = owned(make)

    listing_id = post_listing(session, make.signatory(organization), stream.id, SPRING, publish=True, now=NOON)

    assert months(session) == [(month, 5_000_000, 0, 0) for month in ("2027-02", "2027-03", "2027-04")]
    listing = session.get_one(Listing, listing_id)
    assert (listing.published_at, listing.expires_at) == (NOON, NOON + timedelta(days=60))
    acts = session.scalars(select(AuditRow.action).where(AuditRow.object_kind == "listing").order_by(AuditRow.id))
    assert list(acts) == ["listing.draft", "listing.publish"]


def test_a_clerk_drafts_and_a_signatory_publishes(session: Session, make: Make) -> None:
    organization, stream = owned(make)
    clerk = make.actor(make.person("clerk", organization=organization))

    with pytest.raises(NotAllowed):
        post_listing(session, clerk, stream.id, SPRING, publish=True, now=NOON)
    listing_id = post_listing(session, clerk, stream.id, SPRING, now=NOON)
    with pytest.raises(NotAllowed):
        publish_listing(session, clerk, listing_id, now=NOON)

    assert months(session) == []
    publish_listing(session, make.signatory(organization), listing_id, now=NOON)
    assert len(months(session)) == 3


def test_another_organizations_stream_is_not_there(session: Session, make: Make) -> None:
    _, stream = owned(make)
    stranger = make.signatory(make.organization())

    with pytest.raises(NotFound):
        post_listing(session, stranger, stream.id, SPRING, publish=True, now=NOON)

    assert session.scalar(select(func.count(Listing.id))) == 0


def test_refuses_a_window_that_overlaps_another(session: Session, make: Make) -> None:
    organization, stream = owned(make)
    signatory = make.signatory(organization)
    post_listing(session, signatory, stream.id, SPRING, publish=True, now=NOON)
    later = replace(SPRING, first_month=Month(2027, 4), last_month=Month(2027, 6))

    with pytest.raises(Conflict, match="already listed from 2027-02 to 2027-04"):
        post_listing(session, signatory, stream.id, later, publish=True, now=NOON)

    assert session.scalar(select(func.count(Listing.id))) == 1
    post_listing(session, signatory, stream.id, replace(later, first_month=Month(2027, 5)), publish=True, now=NOON)
    assert len(months(session)) == 5


def test_an_unverified_organization_keeps_drafts_only(session: Session, make: Make) -> None:
    organization = make.organization(verified_at=None)
    stream = make.stream(make.site(organization), origin_answers=HARMLESS)
    signatory = make.signatory(organization)

    with pytest.raises(Conflict, match="awaits verification"):
        post_listing(session, signatory, stream.id, SPRING, publish=True, now=NOON)

    assert session.scalar(select(func.count(Listing.id))) == 0
    post_listing(session, signatory, stream.id, SPRING, now=NOON)
    assert months(session) == []


def test_the_hazard_gates_close_again_when_it_is_published(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization), origin_answers=HARMLESS, mixed_with_hazardous=True)
    signatory = make.signatory(organization)

    with pytest.raises(Invalid, match="mixed with hazardous waste"):
        post_listing(session, signatory, stream.id, SPRING, publish=True, now=NOON)

    assert session.scalar(select(func.count(Listing.id))) == 0


def test_a_window_or_deadline_that_is_past_is_refused(session: Session, make: Make) -> None:
    organization, stream = owned(make)
    signatory = make.signatory(organization)

    with pytest.raises(Invalid, match="first month is past"):
        post_listing(session, signatory, stream.id, replace(SPRING, first_month=Month(2026, 12)), now=NOON)
    with pytest.raises(Invalid, match="must lie ahead"):
        post_listing(session, signatory, stream.id, replace(SPRING, bids_close_at=NOON), now=NOON)

    assert session.scalar(select(func.count(Listing.id))) == 0


@pytest.mark.parametrize("bid", [True, False])
def test_after_the_deadline_all_but_the_hours_stays_in_the_same_words_whether_or_not_one_has_bid(
    session: Session, make: Make, *, bid: bool
) -> None:
    organization, stream = owned(make)
    signatory = make.signatory(organization)
    listing_id = post_listing(session, signatory, stream.id, SPRING, publish=True, now=NOON)
    recycler = make.organization()
    listing = session.get_one(Listing, listing_id)
    if bid:
        make.bid(listing, make.line(make.site(recycler)), recycler)
    over = NOON + timedelta(days=14)

    with pytest.raises(Conflict, match="withdraw the listing and publish a new one") as refused:
        edit_listing(session, signatory, listing_id, replace(SPRING, kg_per_month=7_000_000), confirmed=True, now=over)

    assert str(refused.value).startswith("The bidding has ended, and what bids were asked for on stays as it is.")
    assert [month[1] for month in months(session)] == [5_000_000] * 3
    edit_listing(session, signatory, listing_id, replace(SPRING, loading_hours="06:00-22:00"), now=over)
    assert session.get_one(Listing, listing_id, populate_existing=True).loading_hours == "06:00-22:00"


def test_a_listing_that_takes_no_bids_is_changed_and_its_counters_move(session: Session, make: Make) -> None:
    organization, stream = owned(make)
    signatory = make.signatory(organization)
    waiting = replace(SPRING, bids_close_at=None)
    listing_id = post_listing(session, signatory, stream.id, waiting, publish=True, now=NOON)

    edit_listing(session, signatory, listing_id, replace(waiting, last_month=Month(2027, 2)), now=NOON)

    assert months(session) == [("2027-02", 5_000_000, 0, 0)]


def test_an_expired_listing_is_renewed_unless_its_place_is_taken(session: Session, make: Make) -> None:
    organization, stream = owned(make)
    signatory = make.signatory(organization)
    listing = make.listing(stream, expires_at=NOON - timedelta(days=1), bids_close_at=None)

    renew_listing(session, signatory, listing.id, now=NOON)

    renewed = session.get_one(Listing, listing.id, populate_existing=True)
    assert renewed.expires_at == NOON + timedelta(days=60)
    with pytest.raises(Conflict, match="already listed"):
        post_listing(session, signatory, stream.id, SPRING, publish=True, now=NOON)


def test_nothing_that_is_spoken_for_is_withdrawn(session: Session, make: Make) -> None:
    organization, stream = owned(make)
    signatory = make.signatory(organization)
    listing = make.listing(stream)
    with transaction(session):
        session.execute(
            update(ListingMonth)
            .where(ListingMonth.listing_id == listing.id, ListingMonth.month == Month(2027, 3))
            .values(reserved_kg=1_200_000)
        )

    with pytest.raises(Conflict, match="1200000 t of this listing"):
        withdraw_listing(session, signatory, listing.id, now=NOON)

    assert session.get_one(Listing, listing.id, populate_existing=True).withdrawn_at is None
    free = make.listing(make.stream(session.get_one(Site, stream.site_id)))
    withdraw_listing(session, signatory, free.id, now=NOON)
    assert session.get_one(Listing, free.id, populate_existing=True).withdrawn_at == NOON
