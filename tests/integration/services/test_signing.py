"""A signature: the password typed afresh, under a throttle; the row only grows."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import Argon2Passwords
from marketplace.domain.actors import Actor
from marketplace.domain.contracts import terms
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, TooMany
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.organizations import Organization
from marketplace.persistence.people import SignInTry
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.signatures import ContractSignature
from marketplace.services import tries
from marketplace.services.accounts import Origin
from marketplace.services.awards import accept_award
from marketplace.services.signing import prove
from marketplace.services.tries import MOST_TRIES, WINDOW
from tests.factories import Make, accept
from tests.integration.services.rounds_world import AFTER, published, world

PASSWORDS = Argon2Passwords(memory_kib=8, rounds=1)
ORIGIN = Origin("192.0.2.1", "")


def count(session: Session, column: object) -> int | None:
    found = session.scalar(select(func.count(column)))  # type: ignore[arg-type]
    session.rollback()
    return found


def signatory(make: Make, organization: Organization) -> Actor:
    return make.actor(make.person("signatory", organization=organization, password_hash=PASSWORDS.hashed("right")))


def signed_with(session: Session, make: Make, password: str) -> int | None:
    """Try to sign an award with a password, as the page does; return how many signatures are kept."""
    made = world(make)
    award = published(session, made, made.round())[0]
    actor = signatory(make, made.plants[0])
    with suppress(Invalid):
        proof = prove(session, PASSWORDS, actor, password, ORIGIN, now=AFTER)
        accept_award(session, actor, award.id, proof=proof, now=AFTER)
    return count(session, ContractSignature.id)


def test_only_the_right_password_signs(session: Session, make: Make) -> None:
    assert signed_with(session, make, "wrong") == 0
    assert signed_with(session, make, "right") == 1


def test_with_the_check_of_the_password_off_a_wrong_one_signs(
    session: Session, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Argon2Passwords, "fits", lambda *_: True)

    assert signed_with(session, make, "wrong") == 1


def guessed(session: Session, make: Make) -> bool:
    """Say whether the right password is taken after so many wrong ones within one moment."""
    actor = signatory(make, make.organization())
    for _ in range(MOST_TRIES):
        with suppress(Invalid):
            prove(session, PASSWORDS, actor, "wrong", ORIGIN, now=AFTER)
    try:
        prove(session, PASSWORDS, actor, "right", ORIGIN, now=AFTER)
    except TooMany:
        return False
    return True


def test_with_the_throttle_off_a_password_can_be_guessed(
    session: Session, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not guessed(session, make)
    monkeypatch.setattr(tries, "MOST_TRIES", 10**6)

    assert guessed(session, make)


def test_a_contract_is_not_made_over_one_signature(session: Session, make: Make) -> None:
    """As an acceptance without a signature, of before every acceptance was one, would do it."""
    made = world(make)
    award = published(session, made, made.round())[0]
    with transaction(session):
        session.execute(update(Award).where(Award.id == award.id).values(producer_accepted_at=AFTER))

    with pytest.raises(Conflict, match="a signature of each side"):
        accept(session, make.signatory(made.recyclers[0]), award.id, now=AFTER)

    assert (count(session, Contract.id), count(session, ContractSignature.id)) == (0, 0)


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


def test_a_contract_is_made_with_its_later_signature_whichever_clock_wrote_it(session: Session, make: Make) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]
    accept(session, make.signatory(made.plants[0]), award.id, now=AFTER + timedelta(seconds=3))

    contract_id = accept(session, make.signatory(made.recyclers[0]), award.id, now=AFTER)

    assert session.get_one(Contract, contract_id).made_at == AFTER + timedelta(seconds=3)
    assert [each.invariant.code for each in broken(session)] == []
