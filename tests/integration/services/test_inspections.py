"""The days of an inspection: a rule of the sale, hashed, told with the figures; where and with whom, with the name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import VISITOR
from marketplace.domain.canonical import from_json, sha256, to_json
from marketplace.domain.errors import Invalid
from marketplace.domain.hazards import questions
from marketplace.domain.inspections import Inspection
from marketplace.domain.listings import NewListing
from marketplace.domain.quantities import Month
from marketplace.domain.salerules import SaleRules
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.salerules import StatedRules
from marketplace.persistence.streams import WasteStream
from marketplace.queries.public import public_listing
from marketplace.services.listings import post_listing, publish_listing
from tests.factories import NOON, Make
from tests.integration.services.market import CLOSES

HOW = "北门过磅房，找值班长"
FIRST = (NOON + timedelta(days=2)).date()
LAST = FIRST + timedelta(days=3)
SALE = NewListing(
    first_month=Month(2027, 2),
    last_month=Month(2027, 4),
    kg_per_month=5_000_000,
    asking_fen_per_t=1000,
    bids_close_at=CLOSES,
    inspect_from=FIRST,
    inspect_until=LAST,
    inspect_how=HOW,
)


def answered(make: Make, plant: Organization) -> WasteStream:
    return make.stream(make.site(plant), origin_answers={question.code: False for question in questions("fly_ash")})


def test_it_stands_in_the_rules_without_the_words_that_tell_who_sells(session: Session, make: Make) -> None:
    plant = make.organization()
    stream = answered(make, plant)

    post_listing(session, make.signatory(plant), stream.id, SALE, publish=True, now=NOON)

    text = session.scalars(select(StatedRules.text)).one()
    found = from_json(SaleRules, text).fixed.inspection
    assert found == Inspection(first=FIRST, last=LAST, how_sha256=sha256(to_json((HOW,))))
    assert HOW not in text
    assert list(broken(session)) == []


@pytest.mark.parametrize(
    ("disclosure", "visitor", "member"),
    [
        ("open", (FIRST, LAST, HOW), (FIRST, LAST, HOW)),
        ("members", (None, None, ""), (FIRST, LAST, HOW)),
        ("masked", (None, None, ""), (FIRST, LAST, "")),
    ],
)
def test_the_days_are_told_with_the_figures_and_the_place_with_the_name(
    session: Session,
    make: Make,
    disclosure: str,
    visitor: tuple[date | None, date | None, str],
    member: tuple[date | None, date | None, str],
) -> None:
    plant, buyer = make.organization(), make.signatory(make.organization())
    stream = answered(make, plant)
    asked = replace(SALE, disclosure=disclosure)
    listing_id = post_listing(session, make.signatory(plant), stream.id, asked, publish=True, now=NOON)

    for actor, told in ((VISITOR, visitor), (buyer, member)):
        page = public_listing(session, actor, listing_id, now=NOON)
        assert (page.inspect_from, page.inspect_until, page.inspect_how) == told


def test_a_draft_whose_inspection_is_past_is_not_published(session: Session, make: Make) -> None:
    plant = make.organization()
    seller = make.signatory(plant)
    listing_id = post_listing(session, seller, answered(make, plant).id, SALE, now=NOON)

    with pytest.raises(Invalid, match="inspection are past"):
        publish_listing(session, seller, listing_id, now=NOON + timedelta(days=7))

    assert session.scalar(select(func.count(Listing.id)).where(Listing.published_at.is_not(None))) == 0
    publish_listing(session, seller, listing_id, now=NOON + timedelta(days=5))
    assert session.scalar(select(func.count(Listing.id)).where(Listing.published_at.is_not(None))) == 1
