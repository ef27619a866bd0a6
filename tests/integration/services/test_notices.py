"""What is mailed stands in the site too: in the same transaction, without keys, for its person alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import VISITOR
from marketplace.domain.errors import NotFound
from marketplace.persistence.database import transaction
from marketplace.persistence.listings import Listing
from marketplace.persistence.notices import Notice
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.people import Appointment, Person
from marketplace.queries.accounts import account_of
from marketplace.queries.listed import Wish
from marketplace.queries.notices import notices_page
from marketplace.services import outbox
from marketplace.services.accounts import Origin, ask_for_reset
from marketplace.services.notices import read_notice, read_notices
from tests.conftest import counted
from tests.factories import NOON, Make

HOUR = timedelta(hours=1)


def post(session: Session, person: Person, kind: str = "organization_verified", **values: Any) -> int:
    email = person.email
    with transaction(session):
        outbox.post(session, kind, email, "en", values, now=NOON)
    return session.scalar(select(func.max(Notice.id))) or 0


def read_at(session: Session) -> list[Any]:
    session.rollback()
    return list(session.scalars(select(Notice.read_at).order_by(Notice.id)))


def selects(sent: list[str]) -> int:
    return sum(each.lstrip().lower().startswith("select") for each in sent)


def test_a_mail_becomes_a_notice_of_the_person_who_has_the_address(session: Session, make: Make) -> None:
    person, blocked = make.person(), make.person(blocked_at=NOON)
    addresses = (person.email, blocked.email, "nobody@test.example")

    with transaction(session):
        for email in addresses:
            outbox.post(session, "answer", email, "en", {"listing_id": 3}, now=NOON)

    told = session.execute(select(Notice.person_id, Notice.kind, Notice.values, Notice.posted_at, Notice.read_at)).all()
    assert [tuple(each) for each in told] == [(person.id, "answer", {"listing_id": 3}, NOON, None)]
    assert session.scalar(select(func.count(OutboxMail.id))) == 3


def test_what_is_taken_back_tells_nothing(session: Session, make: Make) -> None:
    email = make.person().email

    with pytest.raises(RuntimeError, match="no"), transaction(session):
        outbox.post(session, "answer", email, "en", {}, now=NOON)
        raise RuntimeError("no")

    assert session.scalar(select(func.count(Notice.id))) == 0
    assert session.scalar(select(func.count(OutboxMail.id))) == 0


def test_the_key_of_a_mail_is_not_in_the_notice(session: Session, make: Make) -> None:
    person = make.person(display_name="李工")

    ask_for_reset(session, person.email, Origin("127.0.0.1", "test"), now=NOON)

    mailed = session.scalars(select(OutboxMail.values)).one()
    assert mailed.keys() == {"token", "name"}  # the control: the mail has it
    assert session.scalars(select(Notice.values)).one() == {"name": "李工"}


def test_one_is_read_once_and_all_up_to_what_was_shown(session: Session, make: Make) -> None:
    person = make.person()
    first, second, third = (post(session, person) for _ in range(3))
    actor = make.actor(person)

    read_notice(session, actor, first, now=NOON + HOUR)
    read_notice(session, actor, first, now=NOON + 2 * HOUR)
    read_notices(session, actor, second, now=NOON + 3 * HOUR)

    assert third > second
    assert read_at(session) == [NOON + HOUR, NOON + 3 * HOUR, None]


def test_a_clock_that_is_behind_marks_no_notice_as_read_before_it_was_posted(session: Session, make: Make) -> None:
    person = make.person()
    first, second = post(session, person), post(session, person)
    actor = make.actor(person)

    read_notice(session, actor, first, now=NOON - HOUR)
    read_notices(session, actor, second, now=NOON - HOUR)

    assert read_at(session) == [NOON, NOON]


def test_nobody_reads_or_marks_what_another_was_told(session: Session, make: Make) -> None:
    person, other = make.person(), make.person()
    told = post(session, person)
    stranger = make.actor(other)

    for actor in (stranger, VISITOR):
        with pytest.raises(NotFound):
            read_notice(session, actor, told, now=NOON + HOUR)
    read_notices(session, stranger, told, now=NOON + HOUR)
    with pytest.raises(NotFound):
        read_notices(session, VISITOR, told, now=NOON + HOUR)

    assert read_at(session) == [None]
    assert notices_page(session, stranger, Wish(), now=NOON).list.rows == ()


def test_the_head_counts_what_is_unread_without_a_select_of_its_own(
    session: Session, make: Make, engine: Engine
) -> None:
    person, other = make.person(), make.person()
    token, today = make.signed_in(person.id), datetime.now(UTC)
    with counted(engine) as before:
        account_of(session, token, now=today)
    for each in (person, person, other):
        post(session, each)

    with counted(engine) as sent:
        account = account_of(session, token, now=today)

    assert account is not None
    assert account.unread == 2
    assert selects(sent) == selects(before) == 2


def test_a_notice_leads_only_where_its_reader_may_still_read(session: Session, make: Make) -> None:
    plant, works = make.organization(), make.organization()
    listing = make.listing(make.stream(make.site(plant)))
    seller, buyer = make.person("signatory", organization=plant), make.person("signatory", organization=works)
    for person in (seller, buyer):
        post(session, person, "question", listing_id=listing.id)
        post(session, person, id=plant.id)
    people = [seller, buyer]

    def led() -> list[list[tuple[str, int] | None]]:
        session.rollback()
        return [
            [row.leads_to for row in notices_page(session, make.actor(person), Wish(), now=NOON).list.rows]
            for person in people
        ]

    shown = led()
    with transaction(session):
        session.get_one(Listing, listing.id).withdrawn_at = NOON
    withdrawn = led()
    with transaction(session):
        for held in session.scalars(select(Appointment).where(Appointment.person_id == seller.id)):
            held.ended_at = NOON
    left = led()

    own = [("organization", plant.id), ("listing", listing.id)]
    assert shown == [own, [None, ("board", listing.id)]]
    assert withdrawn == [own, [None, None]]
    assert left == [[None, None], [None, None]]


def test_pages_and_the_unread_cost_the_same_however_many_there_are(
    session: Session, make: Make, engine: Engine
) -> None:
    person = make.person()
    posted = [post(session, person, "answer", listing_id=number + 1) for number in range(30)]
    actor = make.actor(person)
    read_notice(session, actor, posted[-1], now=NOON + HOUR)

    with counted(engine) as sent:
        first = notices_page(session, actor, Wish(), now=NOON)
    second = notices_page(session, actor, Wish(number=2), now=NOON)
    unread = notices_page(session, actor, Wish(), unread=True, now=NOON)

    assert [row.id for row in first.list.rows + second.list.rows] == posted[::-1]
    assert (first.list.total, first.list.pages, first.unread, first.newest) == (30, 2, 29, posted[-1])
    assert (unread.list.total, unread.list.rows[0].id) == (29, posted[-2])
    assert selects(sent) == 4


def test_however_many_are_told_one_select_finds_them(engine: Engine, session: Session, make: Make) -> None:
    people = [make.person().email for _ in range(5)]

    with counted(engine) as sent, transaction(session):
        outbox.post_each(session, "answer", [(email, "en", {"listing_id": 3}) for email in people], now=NOON)

    assert selects(sent) == 1
    assert session.scalar(select(func.count(Notice.id))) == 5
    assert session.scalar(select(func.count(OutboxMail.id))) == 5
