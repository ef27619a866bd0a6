"""Organizations register, are verified, refused and suspended, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import Argon2Passwords
from marketplace.domain.accounts import NewPerson
from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from marketplace.domain.members import OrganizationFacts
from marketplace.domain.organizations import valid_credit_code
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person
from marketplace.queries.accounts import account_of
from marketplace.services import organizations
from marketplace.services.accounts import Origin
from marketplace.services.verification import must_be_verified
from tests.factories import NOON, Make

PASSWORDS = Argon2Passwords(memory_kib=64, rounds=1)
HERE = Origin("10.1.2.3", "a browser")
FACTS = OrganizationFacts(
    credit_code=valid_credit_code("91140200MA0K99999"),
    name_zh="云岗热电",
    name_en="Yungang Power",
    produces=True,
    recycles=False,
    park_id=1,
    contact_name="李伟",
    contact_phone="0352-5550100",
)
PERSON = NewPerson("li@plant.example", "李伟", "干灰比湿灰好卖得多")


@pytest.fixture
def park(make: Make) -> Park:
    return make.park()


def register(session: Session, facts: OrganizationFacts, person: NewPerson = PERSON) -> str:
    return organizations.register(
        session, PASSWORDS, facts, person, HERE, language="en", lasts=timedelta(hours=12), now=NOON
    )


def fresh(session: Session, organization: Organization) -> Organization:
    session.rollback()
    return session.get_one(Organization, organization.id, populate_existing=True)


def acts(session: Session) -> list[str]:
    return list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


def test_the_first_person_is_signatory_and_signed_in(session: Session, make: Make, park: Park) -> None:
    make.person("park_administrator", park=park, email="park@park.example")

    token = register(session, replace(FACTS, park_id=park.id))

    account = account_of(session, token, now=NOON)
    assert account is not None
    held = account.actor.appointments
    assert [(each.role, each.produces, each.recycles) for each in held] == [("signatory", True, False)]
    assert (account.verified, account.language, account.organization_en) == (False, "en", "Yungang Power")
    mails = session.execute(select(OutboxMail.kind, OutboxMail.recipient)).all()
    assert [tuple(mail) for mail in mails] == [("organization_registered", "park@park.example")]
    assert acts(session) == ["organization.register"]


def test_a_known_code_or_address_is_refused_and_counts_as_a_try(session: Session, park: Park) -> None:
    facts = replace(FACTS, park_id=park.id)
    register(session, facts)
    other = replace(facts, credit_code=valid_credit_code("91140200MA0K88888"))

    for new, person, field in (
        (facts, replace(PERSON, email="wang@plant.example"), "credit_code"),
        (other, PERSON, "email"),
    ):
        with pytest.raises(Invalid) as refused:
            register(session, new, person)
        assert refused.value.field == field
    assert session.scalar(select(func.count(Organization.id))) == 1
    assert session.scalar(select(func.count(Person.id))) == 1
    for _ in range(8):
        with pytest.raises(Invalid):
            register(session, facts, replace(PERSON, email="wang@plant.example"))
    with pytest.raises(TooMany):
        register(session, other, replace(PERSON, email="wang@plant.example"))


def test_there_must_be_such_a_park(session: Session) -> None:
    with pytest.raises(Invalid) as refused:
        register(session, replace(FACTS, park_id=77))

    assert refused.value.field == "park_id"
    assert session.scalar(select(func.count(Person.id))) == 0


def test_the_park_verifies_and_the_signatory_is_told(session: Session, make: Make, park: Park) -> None:
    organization = make.organization(park_id=park.id, verified_at=None, refused_at=NOON, refused_because="?")
    make.person("signatory", organization=organization, email="li@plant.example")
    administrator = make.administrator(park)
    with pytest.raises(Conflict, match="did not verify"):
        must_be_verified(session, organization.id)

    organizations.verify(session, administrator, organization.id, now=NOON)

    found = fresh(session, organization)
    assert (found.verified_at, found.verified_by, found.refused_at, found.refused_because) == (
        NOON,
        administrator.person_id,
        None,
        "",
    )
    must_be_verified(session, organization.id)
    mails = session.execute(select(OutboxMail.kind, OutboxMail.recipient)).all()
    assert [tuple(mail) for mail in mails] == [("organization_verified", "li@plant.example")]
    with pytest.raises(Conflict):
        organizations.verify(session, administrator, organization.id, now=NOON)
    assert acts(session) == ["organization.verify"]


def test_a_refusal_has_a_reason_and_an_edit_asks_anew(session: Session, make: Make, park: Park) -> None:
    organization = make.organization(park_id=park.id, verified_at=None, contact_name="李伟", contact_phone="1")
    administrator, signatory = make.administrator(park), make.signatory(organization)
    with pytest.raises(Invalid):
        organizations.refuse(session, administrator, organization.id, "  ", now=NOON)

    organizations.refuse(session, administrator, organization.id, "营业执照名称不同", now=NOON)

    assert fresh(session, organization).refused_because == "营业执照名称不同"
    facts = replace(FACTS, park_id=park.id, credit_code=organization.credit_code)
    assert organizations.edit(session, signatory, organization.id, facts, now=NOON) is True
    found = fresh(session, organization)
    assert (found.refused_at, found.refused_because, found.name_zh) == (None, "", "云岗热电")


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        ({"contact_phone": "2"}, False),
        ({"name_en": "X"}, False),
        ({"name_zh": "云岗热电二厂"}, True),
        ({"recycles": True}, True),
    ],
)
def test_only_what_was_proved_is_verified_anew(
    session: Session, make: Make, park: Park, changed: dict[str, object], anew: bool
) -> None:
    given = {name: value for name, value in vars(FACTS).items() if name != "park_id"}
    organization = make.organization(park_id=park.id, **given)
    facts = replace(FACTS, park_id=park.id, **changed)  # type: ignore[arg-type]

    told = organizations.edit(session, make.signatory(organization), organization.id, facts, now=NOON)

    assert told is anew
    assert (fresh(session, organization).verified_at is None) is anew


def test_a_suspended_organization_has_no_members_until_it_is_resumed(session: Session, make: Make, park: Park) -> None:
    organization = make.organization(park_id=park.id)
    person = make.person("signatory", organization=organization)
    administrator = make.administrator(park)

    organizations.suspend(session, administrator, organization.id, "许可失效", now=NOON)

    assert make.actor(person).appointments == ()
    with pytest.raises(Conflict, match="suspended"):
        must_be_verified(session, organization.id)
    with pytest.raises(Conflict):
        organizations.suspend(session, administrator, organization.id, "again", now=NOON)
    organizations.resume(session, administrator, organization.id, now=NOON)
    assert [held.role for held in make.actor(person).appointments] == ["signatory"]
    must_be_verified(session, organization.id)


@pytest.mark.parametrize("decide", ["verify", "refuse", "suspend", "resume"])
def test_only_the_own_park_decides_and_never_about_the_own_organization(
    session: Session, make: Make, park: Park, decide: str
) -> None:
    organization = make.organization(park_id=park.id, verified_at=None)
    own = make.signatory(organization)
    administers = make.administrator(park)
    both = Actor(own.person_id, "both", own.appointments + administers.appointments)
    arguments = ("because",) if decide in ("refuse", "suspend") else ()

    for actor, refusal in (
        (make.administrator(make.park()), NotFound),
        (make.signatory(make.organization(park_id=park.id)), NotFound),
        (make.actor(make.person("operator")), NotAllowed),
        (make.actor(make.person("auditor")), NotAllowed),
        (own, NotAllowed),
        (both, NotAllowed),
        (Actor(), NotFound),
    ):
        with pytest.raises(refusal):
            getattr(organizations, decide)(session, actor, organization.id, *arguments, now=NOON)
        session.rollback()

    found = fresh(session, organization)
    assert (found.verified_at, found.refused_at, found.suspended_at) == (None, None, None)
    assert acts(session) == []


def test_what_is_not_there_cannot_be_told_from_what_is_anothers(session: Session, make: Make) -> None:
    stranger = make.signatory(make.organization())
    other = make.organization()

    texts = set()
    for organization_id in (other.id, 999):
        with pytest.raises(NotFound) as refused:
            organizations.verify(session, stranger, organization_id, now=NOON)
        texts.add(str(refused.value))

    assert len(texts) == 1
    assert session.scalar(select(func.count(Appointment.id))) == 1
