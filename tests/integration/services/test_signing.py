"""A signature: the password typed afresh, under a throttle; the row only grows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import Argon2Passwords
from marketplace.domain.contracts import terms
from marketplace.domain.errors import Invalid, NotAllowed, TooMany
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.people import SignInTry
from marketplace.persistence.rounds import Award
from marketplace.persistence.signatures import ContractSignature
from marketplace.services.accounts import Origin
from marketplace.services.awards import accept_award
from marketplace.services.signing import prove
from marketplace.services.tries import MOST_TRIES, WINDOW
from tests.factories import Make
from tests.integration.services.rounds_world import AFTER, published, world

PASSWORDS = Argon2Passwords(memory_kib=8, rounds=1)
ORIGIN = Origin("192.0.2.1", "")


def count(session: Session, column: object) -> int | None:
    found = session.scalar(select(func.count(column)))  # type: ignore[arg-type]
    session.rollback()
    return found


def test_ten_wrong_passwords_and_the_right_one_is_refused_for_a_while(session: Session, make: Make) -> None:
    actor = make.actor(
        make.person("signatory", organization=make.organization(), password_hash=PASSWORDS.hashed("right"))
    )

    for _ in range(MOST_TRIES):
        with pytest.raises(Invalid, match="present password"):
            prove(session, PASSWORDS, actor, "wrong", ORIGIN, now=AFTER)
    with pytest.raises(TooMany):
        prove(session, PASSWORDS, actor, "right", ORIGIN, now=AFTER)

    assert count(session, SignInTry.id) == MOST_TRIES
    acts = session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("account.proof"))).all()
    assert acts == ["account.proof_failed"] * MOST_TRIES
    later = AFTER + WINDOW + timedelta(seconds=1)
    assert prove(session, PASSWORDS, actor, "right", ORIGIN, now=later).person_id == actor.person_id
    assert count(session, SignInTry.id) == MOST_TRIES


def test_a_signature_is_kept_over_the_hash_and_cannot_be_changed(session: Session, make: Make) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]
    person = make.person("signatory", organization=made.plants[0], password_hash=PASSWORDS.hashed("right"))
    name = person.display_name
    actor = make.actor(person)
    proof = prove(session, PASSWORDS, actor, "right", ORIGIN, now=AFTER)
    with pytest.raises(NotAllowed):
        accept_award(session, make.signatory(made.plants[0]), award.id, proof=proof, now=AFTER)
    assert count(session, ContractSignature.id) == 0

    for _ in range(2):
        accept_award(session, actor, award.id, proof=proof, now=AFTER)

    row = session.scalars(select(ContractSignature)).one()
    agreed = session.get_one(Award, award.id, populate_existing=True).terms
    assert agreed is not None
    assert (row.side, row.person_id, row.person_name, row.organization_id) == (
        "producer", actor.person_id, name, made.plants[0].id,
    )  # fmt: skip
    assert (row.sha256, row.signed_at, row.checked) == (terms(agreed).sha256, AFTER, "password")
    session.rollback()
    for act in ("update contract_signatures set person_name = 'x'", "delete from contract_signatures"):
        with pytest.raises(DatabaseError, match="only grows"):
            session.execute(text(act))
        session.rollback()
