"""Who acts for an organization, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import Argon2Passwords
from marketplace.domain.accounts import Invitation
from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.people import Appointment, Letter, Person
from marketplace.queries.accounts import account_of, invitation
from marketplace.services import members
from marketplace.services.accounts import Origin, begin
from tests.factories import NOON, Make

PASSWORDS = Argon2Passwords(memory_kib=64, rounds=1)
HERE = Origin("10.1.2.3", "a browser")


@pytest.fixture
def organization(make: Make) -> Organization:
    return make.organization()


@pytest.fixture
def signatory(make: Make, organization: Organization) -> Actor:
    return make.signatory(organization)


def invite(
    session: Session,
    actor: Actor,
    organization: Organization,
    email: str = "wang@plant.example",
    role: str = "clerk",
    site_id: int | None = None,
) -> str:
    members.invite(session, actor, organization.id, Invitation(email, role, site_id), language="en", now=NOON)
    return str(session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first().values["token"])  # type: ignore[union-attr]


def join_as_new(session: Session, token: str, *, now: object = NOON) -> str:
    return members.join_as_new(
        session,
        PASSWORDS,
        token,
        "王芳",
        "干灰比湿灰好卖得多",
        HERE,
        language="en",
        lasts=timedelta(hours=12),
        now=now,  # type: ignore[arg-type]
    )


def live(session: Session, organization: Organization) -> list[tuple[str, int | None]]:
    rows = session.execute(
        select(Appointment.role, Appointment.site_id)
        .where(Appointment.organization_id == organization.id, Appointment.ended_at.is_(None))
        .order_by(Appointment.id)
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]


def test_somebody_new_joins_with_the_role_and_the_site_of_the_invitation(
    session: Session, make: Make, organization: Organization, signatory: Actor
) -> None:
    site = make.site(organization)
    token = invite(session, signatory, organization, role="weigher", site_id=site.id)

    begun = join_as_new(session, token, now=NOON + timedelta(days=6))

    account = account_of(session, begun, now=NOON + timedelta(days=6))
    assert account is not None
    assert (account.name, account.email, account.language) == ("王芳", "wang@plant.example", "en")
    assert live(session, organization) == [("signatory", None), ("weigher", site.id)]
    assert session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all() == ["member.invite", "member.join"]
    assert token not in str(session.scalars(select(AuditRow.detail)).all())


def test_an_invitation_works_once_for_seven_days_and_only_the_newest(
    session: Session, organization: Organization, signatory: Actor
) -> None:
    older = invite(session, signatory, organization)
    newer = invite(session, signatory, organization)

    for token, at in ((older, timedelta()), (newer, timedelta(days=7)), ("x", timedelta())):
        with pytest.raises(NotFound):
            join_as_new(session, token, now=NOON + at)
    join_as_new(session, newer)
    with pytest.raises(NotFound):
        join_as_new(session, newer)

    assert live(session, organization) == [("signatory", None), ("clerk", None)]


def test_a_revoked_invitation_is_void(session: Session, organization: Organization, signatory: Actor) -> None:
    token = invite(session, signatory, organization)
    letter_id = session.scalar(select(Letter.id))
    assert letter_id is not None

    members.revoke(session, signatory, organization.id, letter_id, now=NOON)

    with pytest.raises(NotFound):
        invitation(session, token, now=NOON)
    with pytest.raises(NotFound):
        members.revoke(session, signatory, organization.id, letter_id, now=NOON)


def test_whoever_has_an_account_joins_signed_in_with_the_invited_address(
    session: Session, make: Make, organization: Organization, signatory: Actor
) -> None:
    known = make.actor(make.person("clerk", organization=make.organization(), email="wang@plant.example"))
    stranger = make.actor(make.person())
    token = invite(session, signatory, organization)
    with pytest.raises(Conflict, match="Sign in"):
        join_as_new(session, token)
    with pytest.raises(Conflict, match="This invitation was sent to wang"):
        members.join(session, stranger, token, now=NOON)

    members.join(session, known, token, now=NOON)

    assert live(session, organization) == [("signatory", None), ("clerk", None)]
    with pytest.raises(Conflict, match="member already"):
        invite(session, signatory, organization)


def test_an_auditor_does_not_join(session: Session, make: Make, organization: Organization, signatory: Actor) -> None:
    auditor = make.actor(make.person("auditor", email="audit@city.example"))
    token = invite(session, signatory, organization, "audit@city.example")

    with pytest.raises(Conflict, match="acts for no organization"):
        members.join(session, auditor, token, now=NOON)

    assert live(session, organization) == [("signatory", None)]
    assert invitation(session, token, now=NOON).email == "audit@city.example"


def test_a_weigher_gets_only_a_site_of_the_organization(
    session: Session, make: Make, organization: Organization, signatory: Actor
) -> None:
    foreign = make.site()

    with pytest.raises(Invalid):
        invite(session, signatory, organization, role="weigher", site_id=foreign.id)

    assert session.scalar(select(func.count(Letter.id))) == 0


def test_removed_is_removed_from_the_next_request_on(
    session: Session, make: Make, organization: Organization, signatory: Actor
) -> None:
    person = make.person("clerk", organization=organization)
    with transaction(session):
        token = begin(session, person.id, HERE, lasts=timedelta(hours=12), now=NOON)
    held = session.scalar(select(Appointment.id).where(Appointment.person_id == person.id))
    assert held is not None

    members.remove(session, signatory, held, now=NOON)

    account = account_of(session, token, now=NOON)
    assert account is not None
    assert account.actor.appointments == ()
    with pytest.raises(NotFound):
        members.remove(session, signatory, held, now=NOON)


def test_another_role_holds_from_the_next_request_on(
    session: Session, make: Make, organization: Organization, signatory: Actor
) -> None:
    person = make.person("clerk", organization=organization)
    held = session.scalar(select(Appointment.id).where(Appointment.person_id == person.id))
    assert held is not None

    members.change_role(session, signatory, held, "signatory", None, now=NOON)

    assert [each.role for each in make.actor(person).appointments] == ["signatory"]
    detail = session.scalars(select(AuditRow.detail)).one()
    assert detail == {"person": person.id, "role": "signatory", "before": "clerk"}


def test_the_last_signatory_stays(session: Session, make: Make, organization: Organization, signatory: Actor) -> None:
    make.person("signatory", organization=organization, blocked_at=NOON)
    held = session.scalar(select(Appointment.id).where(Appointment.person_id == signatory.person_id))
    assert held is not None

    with pytest.raises(Conflict, match="at least one signatory"):
        members.remove(session, signatory, held, now=NOON)
    with pytest.raises(Conflict, match="at least one signatory"):
        members.change_role(session, signatory, held, "clerk", None, now=NOON)

    assert live(session, organization) == [("signatory", None), ("signatory", None)]


def test_others_neither_invite_nor_remove(session: Session, make: Make, organization: Organization) -> None:
    person = make.person("signatory", organization=organization)
    held = session.scalar(select(Appointment.id).where(Appointment.person_id == person.id))
    assert held is not None

    for actor, refusal in (
        (make.actor(make.person("clerk", organization=organization)), NotAllowed),
        (make.actor(make.person("weigher", organization=organization)), NotFound),
        (make.signatory(make.organization()), NotFound),
        (make.administrator(make.park()), NotFound),
        (make.actor(make.person("operator")), NotAllowed),
    ):
        with pytest.raises(refusal):
            members.remove(session, actor, held, now=NOON)
        with pytest.raises(refusal):
            members.invite(session, actor, organization.id, Invitation("a@b.cn", "clerk"), language="en", now=NOON)

    assert session.scalar(select(func.count(AuditRow.id))) == 0
    assert session.scalar(select(func.count(Person.id)).where(Person.email == "a@b.cn")) == 0
