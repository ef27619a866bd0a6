"""Writes: a signatory proves afresh who they are, under the same throttle as at signing in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Invalid, NotAllowed
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.people import Person
from marketplace.services.accounts import Origin, Passwords
from marketplace.services.tries import count_try, forget_try


@dataclass(frozen=True)
class FreshProof:
    """That a person has just shown who they are, and by what."""

    person_id: int
    name: str
    checked: Literal["password"]


def prove(
    session: Session, passwords: Passwords, actor: Actor, password: str, origin: Origin, *, now: datetime
) -> FreshProof:
    """
    Return the proof that the actor has just typed their own password.

    Raises Invalid if it is not right, which counts as a try and stands in the audit log, and TooMany after ten of them
    within five minutes, by account or by address; nothing else is written.
    """
    found = session.execute(
        select(Person.id, Person.email, Person.display_name, Person.password_hash).where(
            Person.id == actor.person_id, Person.blocked_at.is_(None)
        )
    ).one_or_none()
    if found is None:
        raise NotAllowed
    tried = count_try(session, found.email, origin.address, now=now)
    session.rollback()  # nobody waits for the database while the password is checked
    if not passwords.fits(found.password_hash, password):
        with transaction(session):
            record(session, actor, "account.proof_failed", "person", found.id, now=now, address=origin.address)
        raise Invalid("This is not your present password.", field="password")
    with transaction(session):
        forget_try(session, tried)
    return FreshProof(found.id, found.display_name, "password")
