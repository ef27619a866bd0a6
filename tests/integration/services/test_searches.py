"""Saved searches: kept once, answered once a day with what is new, with the eyes of whoever keeps them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import VISITOR, Actor
from marketplace.domain.errors import Conflict, NotFound
from marketplace.domain.searches import MOST_SAVED, TOLD_MOST, Sought, digest_due
from marketplace.jobs.digests import tell_searchers
from marketplace.persistence.database import transaction
from marketplace.persistence.listings import Listing
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.people import Person
from marketplace.persistence.searches import SavedSearch
from marketplace.queries.searches import new_in_searches, people_to_tell, searches_page
from marketplace.services.searches import NewListings, remove_search, save_search, tell_of_new
from tests.factories import NOON, Make

DAY = timedelta(days=1)
ASH = Sought(materials=("fly_ash",))
ASKED = {"q": "粉煤灰"}


@pytest.fixture
def buyer(make: Make) -> Actor:
    return make.signatory(make.organization(produces=False, verified_at=NOON))


def published(make: Make, at: datetime, *, producer: Any = None, **given: Any) -> int:
    site = make.site(producer or make.organization(recycles=False))
    return make.listing(make.stream(site), published_at=at, expires_at=at + 30 * DAY, **given).id


def mails(session: Session) -> list[dict[str, Any]]:
    session.rollback()
    return list(session.scalars(select(OutboxMail.values).where(OutboxMail.kind == "found").order_by(OutboxMail.id)))


def kept(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count(SavedSearch.id))) or 0


def test_the_same_search_is_kept_once(session: Session, buyer: Actor) -> None:
    assert save_search(session, buyer, ASH, ASKED, now=NOON)
    assert not save_search(session, buyer, ASH, {"q": "飞灰"}, now=NOON + DAY)

    [row] = searches_page(session, buyer).rows
    assert (row.asked, row.materials, row.saved_at, row.told_until) == (ASKED, ("fly_ash",), NOON, NOON)


def test_too_many_and_strangers_are_refused(session: Session, make: Make, buyer: Actor) -> None:
    for km in range(MOST_SAVED):
        save_search(session, buyer, Sought(radius_km=km + 1), {}, now=NOON)
    search_id = searches_page(session, buyer).rows[0].id

    with pytest.raises(Conflict, match="20"):
        save_search(session, buyer, ASH, ASKED, now=NOON)
    for nobody in (VISITOR, make.actor(make.person())):
        with pytest.raises(NotFound):
            remove_search(session, nobody, search_id)
    assert kept(session) == MOST_SAVED

    remove_search(session, buyer, search_id)
    assert kept(session) == MOST_SAVED - 1


def test_new_listings_are_told_once_on_the_next_morning(session: Session, make: Make, buyer: Actor) -> None:
    published(make, NOON - DAY)
    save_search(session, buyer, ASH, ASKED, now=NOON)
    new = published(make, NOON + timedelta(hours=2))
    morning = digest_due(NOON + DAY)

    tell_searchers(session, morning - timedelta(seconds=1))
    assert mails(session) == []
    for minutes in (0, 1, 2):
        tell_searchers(session, morning + timedelta(minutes=minutes))

    [mail] = mails(session)
    assert mail["count"] == 1
    [search] = mail["searches"]
    assert (search["asked"], search["count"]) == (ASKED, 1)
    assert [each["id"] for each in search["listings"]] == [new]
    assert session.scalars(select(SavedSearch.told_until)).one() == morning


def test_a_morning_without_news_sends_nothing_and_loses_nothing(session: Session, make: Make, buyer: Actor) -> None:
    save_search(session, buyer, ASH, ASKED, now=NOON)
    first = digest_due(NOON + DAY)
    tell_searchers(session, first)
    later = published(make, first + timedelta(hours=1))

    tell_searchers(session, first + DAY)

    [mail] = mails(session)
    assert [each["id"] for each in mail["searches"][0]["listings"]] == [later]


def test_own_other_and_ended_listings_are_not_news(session: Session, make: Make) -> None:
    firm = make.organization(verified_at=NOON)
    actor = make.signatory(firm)
    save_search(session, actor, ASH, ASKED, now=NOON)
    save_search(session, actor, Sought(materials=("coal_gangue",)), {"q": "煤矸石"}, now=NOON)
    published(make, NOON + timedelta(hours=1), producer=firm)
    ended = published(make, NOON + timedelta(hours=1))
    with transaction(session):
        session.execute(update(Listing).where(Listing.id == ended).values(withdrawn_at=NOON + timedelta(hours=2)))

    found = new_in_searches(session, actor.person_id or 0, now=digest_due(NOON + DAY))

    assert [each.count for each in found] == [0, 0]


def test_a_digest_tells_no_more_than_the_board(session: Session, make: Make) -> None:
    outsider = make.actor(make.person())
    save_search(session, outsider, ASH, ASKED, now=NOON)
    published(make, NOON + timedelta(hours=1), disclosure="members", kg_per_month=700_000)

    tell_searchers(session, digest_due(NOON + DAY))

    [mail] = mails(session)
    [listing] = mail["searches"][0]["listings"]
    assert listing["kg_per_month"] is None
    assert listing["place"].endswith("00")


def test_of_many_the_newest_are_named_and_the_rest_counted(session: Session, make: Make, buyer: Actor) -> None:
    save_search(session, buyer, ASH, ASKED, now=NOON)
    new = [published(make, NOON + timedelta(minutes=each + 1)) for each in range(TOLD_MOST + 2)]

    tell_searchers(session, digest_due(NOON + DAY))

    [mail] = mails(session)
    assert mail["searches"][0]["count"] == TOLD_MOST + 2
    assert [each["id"] for each in mail["searches"][0]["listings"]] == new[:1:-1]


def test_of_two_workers_one_tells(session: Session, make: Make, buyer: Actor) -> None:
    save_search(session, buyer, ASH, ASKED, now=NOON)
    published(make, NOON + timedelta(hours=1))
    morning = digest_due(NOON + DAY)
    person_id = buyer.person_id or 0
    news = [
        NewListings(each.search_id, each.told_until, each.asked, each.materials, each.count, ())
        for each in new_in_searches(session, person_id, now=morning)
    ]

    assert tell_of_new(session, person_id, news, now=morning)
    assert not tell_of_new(session, person_id, news, now=morning)

    assert len(mails(session)) == 1


def test_one_that_fails_does_not_stop_the_others_and_blocked_people_are_not_told(
    session: Session, make: Make, buyer: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    broken, blocked = (make.signatory(make.organization(produces=False, verified_at=NOON)) for _ in range(2))
    for actor in (broken, blocked, buyer):
        save_search(session, actor, ASH, ASKED, now=NOON)
    with transaction(session):
        session.execute(update(Person).where(Person.id == blocked.person_id).values(blocked_at=NOON))
        session.execute(
            update(SavedSearch).where(SavedSearch.person_id == broken.person_id).values(sought='{"strange": 1}')
        )
    published(make, NOON + timedelta(hours=1))
    morning = digest_due(NOON + DAY)

    assert set(people_to_tell(session, now=morning)) == {broken.person_id, buyer.person_id}
    tell_searchers(session, morning)

    assert len(mails(session)) == 1
    assert f"digest of person {broken.person_id}" in caplog.text
    assert people_to_tell(session, now=morning) == [broken.person_id]
