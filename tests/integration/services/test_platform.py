"""Parks, appointments and permits, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import Argon2Passwords
from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.members import ParkFacts
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person
from marketplace.services import accounts, permits, platform
from tests.factories import NOON, Make

FACTS = ParkFacts(
    name_zh="云岗园区",
    name_en="Yungang park",
    kind="estate",
    division_code="140214",
    goal_permille=570,
    goal_source="国家目标 2027",
)


@pytest.fixture
def operator(make: Make) -> Actor:
    return make.actor(make.person("operator"))


def appoint(session: Session, actor: Actor, email: str, role: str, park_id: int | None = None) -> None:
    platform.appoint(session, actor, email, "王芳", role, park_id, language="en", now=NOON)


def test_the_operator_adds_and_changes_parks(session: Session, operator: Actor) -> None:
    park_id = platform.found_park(session, operator, FACTS, now=NOON)

    platform.edit_park(session, operator, park_id, replace(FACTS, goal_permille=600), now=NOON)

    assert session.scalar(select(Park.goal_permille)) == 600
    rows = session.execute(select(AuditRow.action, AuditRow.detail).order_by(AuditRow.id)).all()
    assert [tuple(row) for row in rows] == [
        ("park.found", {}),
        ("park.edit", {"changed": ["goal_permille"], "before": {"goal_permille": 570}}),
    ]


@pytest.mark.parametrize("role", ["auditor", "park_administrator", "signatory", None])
def test_nobody_else_keeps_the_platform(session: Session, make: Make, role: str | None) -> None:
    park = make.park()
    organization = make.organization(park_id=park.id) if role == "signatory" else None
    person = make.person(role, organization=organization, park=park if role == "park_administrator" else None)
    actor = make.actor(person)
    refusal = NotAllowed if role == "auditor" else NotFound

    with pytest.raises(refusal):
        platform.found_park(session, actor, FACTS, now=NOON)
    with pytest.raises(refusal):
        platform.edit_park(session, actor, park.id, FACTS, now=NOON)
    with pytest.raises(refusal):
        appoint(session, actor, "a@b.cn", "operator")
    with pytest.raises(refusal):
        platform.dismiss(session, actor, 1, now=NOON)

    assert session.scalar(select(func.count(AuditRow.id))) == 0


def test_somebody_unknown_is_appointed_and_mailed_a_link_that_sets_the_password(
    session: Session, make: Make, operator: Actor
) -> None:
    park = make.park()
    passwords = Argon2Passwords(memory_kib=64, rounds=1)

    appoint(session, operator, "Wang@Park.Example", "park_administrator", park.id)

    mail = session.scalars(select(OutboxMail)).one()
    person = session.scalars(select(Person).where(Person.email == "wang@park.example")).one()
    assert (mail.kind, mail.recipient, person.password_hash) == ("appointment", "wang@park.example", "")
    assert make.actor(person).park_ids == {park.id}
    accounts.reset(session, passwords, mail.values["token"], "干灰比湿灰好卖得多", now=NOON)
    assert session.scalar(select(Person.password_hash).where(Person.id == person.id)) != ""


def test_somebody_known_is_told_without_a_link(session: Session, make: Make, operator: Actor) -> None:
    make.person(email="wang@park.example")

    appoint(session, operator, "wang@park.example", "auditor")

    assert session.scalars(select(OutboxMail)).one().values["token"] == ""
    with pytest.raises(Conflict, match="already"):
        appoint(session, operator, "wang@park.example", "auditor")


@pytest.mark.parametrize("role", ["auditor", "operator"])
def test_whoever_acts_for_an_organization_neither_runs_nor_examines(
    session: Session, make: Make, operator: Actor, role: str
) -> None:
    make.person("clerk", organization=make.organization(), email="li@plant.example")

    with pytest.raises(Conflict, match="holds no role elsewhere"):
        appoint(session, operator, "li@plant.example", role)

    assert session.scalar(select(func.count(Appointment.id)).where(Appointment.role == role)) == (role == "operator")


@pytest.mark.parametrize(("role", "with_park"), [("park_administrator", False), ("auditor", True), ("clerk", False)])
def test_only_a_park_administrator_has_a_park(
    session: Session, make: Make, operator: Actor, role: str, with_park: bool
) -> None:
    park = make.park()

    with pytest.raises(Invalid):
        appoint(session, operator, "a@b.cn", role, park.id if with_park else None)

    assert session.scalar(select(func.count(Person.id)).where(Person.email == "a@b.cn")) == 0


def test_a_dismissed_administrator_has_no_rights_and_the_last_operator_stays(
    session: Session, make: Make, operator: Actor
) -> None:
    person = make.person("park_administrator", park=make.park())
    held = {row.role: row.id for row in session.scalars(select(Appointment))}

    platform.dismiss(session, operator, held["park_administrator"], now=NOON)

    assert make.actor(person).appointments == ()
    with pytest.raises(Conflict, match="at least one operator"):
        platform.dismiss(session, operator, held["operator"], now=NOON)


def test_members_of_organizations_are_not_dismissed_by_the_operator(
    session: Session, make: Make, operator: Actor
) -> None:
    person = make.person("clerk", organization=make.organization())
    held = session.scalar(select(Appointment.id).where(Appointment.person_id == person.id))
    assert held is not None

    with pytest.raises(NotFound):
        platform.dismiss(session, operator, held, now=NOON)


def test_the_park_verifies_a_permit_and_takes_it_back(session: Session, make: Make) -> None:
    park = make.park()
    site = make.site(make.organization(park_id=park.id))
    line = make.line(site, permit_verified_at=None)
    administrator = make.administrator(park)

    permits.verify_permit(session, administrator, line.id, now=NOON)

    found = session.execute(select(IntakeLine.permit_verified_at, IntakeLine.permit_verified_by)).one()
    assert tuple(found) == (NOON, administrator.person_id)
    with pytest.raises(Conflict):
        permits.verify_permit(session, administrator, line.id, now=NOON)
    permits.withdraw_permit(session, administrator, line.id, now=NOON)
    assert session.scalar(select(IntakeLine.permit_verified_at)) is None
    assert session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all() == ["permit.verify", "permit.withdraw"]


@pytest.mark.parametrize(
    "given", [{"permit_no": ""}, {"permit_valid_until": None}, {"permit_valid_until": date(2027, 1, 14)}]
)
def test_what_is_no_valid_permit_is_not_verified(session: Session, make: Make, given: dict[str, object]) -> None:
    park = make.park()
    line = make.line(make.site(make.organization(park_id=park.id)), permit_verified_at=None, **given)

    with pytest.raises(Conflict):
        permits.verify_permit(session, make.administrator(park), line.id, now=NOON)

    assert session.scalar(select(IntakeLine.permit_verified_at)) is None


def test_nobody_else_verifies_a_permit(session: Session, make: Make) -> None:
    organization = make.organization()
    line = make.line(make.site(organization), permit_verified_at=None)

    for actor, refusal in (
        (make.signatory(organization), NotAllowed),
        (make.actor(make.person("auditor")), NotAllowed),
        (make.actor(make.person("operator")), NotFound),
        (make.administrator(make.park()), NotFound),
        (make.signatory(make.organization()), NotFound),
    ):
        with pytest.raises(refusal):
            permits.verify_permit(session, actor, line.id, now=NOON)
        with pytest.raises(refusal):
            permits.withdraw_permit(session, actor, line.id, now=NOON)

    assert session.scalar(select(IntakeLine.permit_verified_at)) is None
