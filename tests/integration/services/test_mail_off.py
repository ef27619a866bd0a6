"""Mail that its reader switched off is not sent; the notice stays, and keys are always mailed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import VISITOR
from marketplace.domain.errors import Invalid, NotFound
from marketplace.domain.notices import SUBJECTS
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.notices import MailOff, Notice
from marketplace.persistence.outbox import OutboxMail
from marketplace.queries.notices import mail_page
from marketplace.services import notices, outbox
from tests.factories import NOON, Make


def post(session: Session, kind: str, email: str) -> None:
    with transaction(session):
        outbox.post(session, kind, email, "en", {}, now=NOON)


def told(session: Session) -> tuple[list[str], list[str]]:
    """The kinds that were mailed, and those that stand in the site."""
    session.rollback()
    mailed = session.scalars(select(OutboxMail.kind).order_by(OutboxMail.id)).all()
    return list(mailed), list(session.scalars(select(Notice.kind).order_by(Notice.id)))


def off(session: Session) -> list[tuple[int, str]]:
    session.rollback()
    return [tuple(row) for row in session.execute(select(MailOff.person_id, MailOff.subject).order_by(MailOff.id))]


def test_what_is_switched_off_is_not_mailed_and_stands_in_the_site(session: Session, make: Make) -> None:
    person, other = make.person(), make.person()
    email, others, actor = person.email, other.email, make.actor(person)

    notices.choose_mail(session, actor, SUBJECTS.keys() - {"bids"}, now=NOON)
    for kind in ("outbid", "answer", "reset"):
        post(session, kind, email)
    post(session, "outbid", others)

    assert told(session) == (["answer", "reset", "outbid"], ["outbid", "answer", "reset", "outbid"])
    assert mail_page(session, actor).wanted == tuple(each for each in SUBJECTS if each != "bids")


def test_what_is_chosen_again_is_mailed_again(session: Session, make: Make) -> None:
    person = make.person()
    email, actor = person.email, make.actor(person)
    notices.choose_mail(session, actor, [], now=NOON)
    post(session, "outbid", email)

    notices.choose_mail(session, actor, ["bids"], now=NOON + timedelta(hours=1))
    post(session, "outbid", email)
    post(session, "answer", email)

    assert told(session) == (["outbid"], ["outbid", "outbid", "answer"])
    assert {subject for _, subject in off(session)} == SUBJECTS.keys() - {"bids"}
    acts = session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()
    assert acts.count("account.mail") == 2


def test_a_link_switches_one_subject_off_once(session: Session, make: Make) -> None:
    person = make.person()
    person_id, email = person.id, person.email

    for _ in range(2):
        notices.switch_mail_off(session, person_id, "bids", now=NOON)
    post(session, "bids_lost", email)
    post(session, "contract", email)

    assert off(session) == [(person_id, "bids")]
    assert told(session) == (["contract"], ["bids_lost", "contract"])
    assert session.scalars(select(AuditRow.action)).all().count("account.mail_off") == 1


@pytest.mark.parametrize(("person_id", "subject"), [(10_000, "bids"), (0, "bids"), (None, "keys")])
def test_a_link_to_nobody_or_nothing_is_refused(
    session: Session, make: Make, person_id: int | None, subject: str
) -> None:
    known = make.person().id

    with pytest.raises(NotFound):
        notices.switch_mail_off(session, known if person_id is None else person_id, subject, now=NOON)

    assert off(session) == []


def test_strange_choices_and_strangers_change_nothing(session: Session, make: Make) -> None:
    actor = make.actor(make.person())

    with pytest.raises(Invalid):
        notices.choose_mail(session, actor, ["bids", "gossip"], now=NOON)
    with pytest.raises(NotFound):
        notices.choose_mail(session, VISITOR, [], now=NOON)

    assert off(session) == []
