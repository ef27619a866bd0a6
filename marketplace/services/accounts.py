"""Writes: signing in and out, passwords, sessions and what a person chooses for themselves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.domain.accounts import digest, email_address, new_password, one_line
from marketplace.domain.actors import VISITOR, Actor
from marketplace.domain.errors import Invalid, NotFound
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.people import Letter, Person, SignIn
from marketplace.services import outbox
from marketplace.services.letters import dead_link, live_letter, spend
from marketplace.services.tries import count_try, forget_try, must_be_few

RESET_LASTS: Final = timedelta(minutes=30)
LANGUAGES: Final = ("zh_Hans_CN", "en")


class Passwords(Protocol):
    """Hashes passwords and checks them."""

    def hashed(self, password: str) -> str:
        """Return what is kept of a password."""

    def fits(self, kept: str | None, password: str) -> bool:
        """Return whether the password fits; as much work where nothing is kept."""

    def outdated(self, kept: str) -> bool:
        """Return whether a hash should be made anew."""


@dataclass(frozen=True)
class Origin:
    """Where a request comes from."""

    address: str
    agent: str


def sign_in(
    session: Session,
    passwords: Passwords,
    email: str,
    password: str,
    origin: Origin,
    *,
    lasts: timedelta,
    now: datetime,
) -> str:
    """
    Begin a session and return its token.

    Known and unknown addresses are answered alike, after the same work. Raises Invalid if the two do not fit together
    or the person is blocked; TooMany after ten tries that failed within five minutes, by account or by address.
    """
    account = email.strip().lower()[:254]
    tried = count_try(session, account, origin.address, now=now)
    found = session.execute(
        select(Person.id, Person.password_hash, Person.display_name, Person.blocked_at).where(Person.email == account)
    ).one_or_none()
    session.rollback()  # nobody waits for the database while the password is checked
    fits = passwords.fits(found.password_hash if found else None, password)
    if found is None or not fits or found.blocked_at is not None:
        with transaction(session):
            record(
                session, VISITOR, "account.sign_in_failed", "person", None,
                now=now, account=digest(account)[:16], address=origin.address,
            )  # fmt: skip
        raise Invalid("The mail address or the password is not right.")
    with transaction(session):
        forget_try(session, tried)
        if passwords.outdated(found.password_hash):
            session.execute(
                update(Person).where(Person.id == found.id).values(password_hash=passwords.hashed(password))
            )
        token = begin(session, found.id, origin, lasts=lasts, now=now)
        actor = Actor(found.id, found.display_name)
        record(session, actor, "account.sign_in", "person", found.id, now=now, address=origin.address)
    return token


def begin(session: Session, person_id: int, origin: Origin, *, lasts: timedelta, now: datetime) -> str:
    """Add a session to the caller's transaction and return its token, of which only the digest is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            token_digest=digest(token),
            person_id=person_id,
            begun_at=now,
            expires_at=now + lasts,
            address=origin.address[:60],
            agent=origin.agent[:200],
        )
    )
    return token


def sign_out(session: Session, actor: Actor, token: str, *, now: datetime) -> None:
    """End the session of this token; whatever the browser still holds, it is nobody's."""
    with transaction(session):
        session.execute(
            update(SignIn).where(SignIn.token_digest == digest(token), SignIn.ended_at.is_(None)).values(ended_at=now)
        )
        record(session, actor, "account.sign_out", "person", actor.person_id, now=now)


def end_session(session: Session, actor: Actor, sign_in_id: int, *, now: datetime) -> None:
    """End one of one's own sessions. Raises NotFound if it is not there, not one's own, or over."""
    actor.must("account.manage")
    with transaction(session):
        ended = session.execute(
            update(SignIn)
            .where(SignIn.id == sign_in_id, SignIn.person_id == actor.person_id, SignIn.ended_at.is_(None))
            .values(ended_at=now)
            .returning(SignIn.id)
        ).scalar_one_or_none()
        if ended is None:
            raise NotFound
        record(session, actor, "account.end_session", "sign_in", sign_in_id, now=now)


def change_password(
    session: Session,
    passwords: Passwords,
    actor: Actor,
    current: str,
    new: str,
    origin: Origin,
    *,
    token: str,
    now: datetime,
) -> None:
    """
    Change one's own password and end all other sessions.

    Raises Invalid if the current one is not right, which counts as a try, or the new one may not be chosen.
    """
    actor.must("account.manage")
    email, kept = session.execute(select(Person.email, Person.password_hash).where(Person.id == actor.person_id)).one()
    new_password(new, email=email, field="new")
    tried = count_try(session, email, origin.address, now=now)
    if not passwords.fits(kept, current):
        raise Invalid("This is not your present password.", field="current")
    hashed = passwords.hashed(new)
    with transaction(session):
        forget_try(session, tried)
        _set_password(session, actor.person_id, hashed, but=token, now=now)
        record(session, actor, "account.password", "person", actor.person_id, now=now, address=origin.address)


def ask_for_reset(session: Session, email: str, origin: Origin, *, now: datetime) -> None:
    """
    Mail a link with which the password can be set anew, if there is such an account; the caller says the same if not.

    Raises Invalid if this is no mail address, TooMany after ten tries within five minutes.
    """
    asked = email_address(email, field="email")
    count_try(session, asked, origin.address, now=now)
    with transaction(session):
        person = session.execute(
            select(Person.id, Person.language, Person.display_name).where(
                Person.email == asked, Person.blocked_at.is_(None)
            )
        ).one_or_none()
        record(
            session, VISITOR, "account.reset_asked", "person", None,
            now=now, account=digest(asked)[:16], address=origin.address,
        )  # fmt: skip
        if person is not None:
            token = write_letter(session, person.id, asked, lasts=RESET_LASTS, now=now)
            outbox.post(
                session, "reset", asked, person.language, {"token": token, "name": person.display_name}, now=now
            )


def write_letter(
    session: Session, person_id: int, email: str, *, lasts: timedelta, sent_by: int | None = None, now: datetime
) -> str:
    """Add a letter that sets a password to the caller's transaction, make older ones void, and return its token."""
    session.execute(
        update(Letter)
        .where(Letter.person_id == person_id, Letter.used_at.is_(None), Letter.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    token = secrets.token_urlsafe(32)
    session.add(
        Letter(
            kind="reset",
            token_digest=digest(token),
            email=email,
            person_id=person_id,
            sent_by=sent_by,
            sent_at=now,
            expires_at=now + lasts,
        )
    )
    return token


def reset(session: Session, passwords: Passwords, token: str, new: str, *, now: datetime) -> None:
    """
    Set the password that a mailed link is for; the link is spent and all sessions end.

    Raises NotFound if the link is not live, Invalid if the password may not be chosen.
    """
    letter = live_letter(session, token, "reset", now=now)
    new_password(new, email=letter.email, field="new")
    hashed = passwords.hashed(new)
    with transaction(session):
        spend(session, letter.id, now=now)
        person = session.execute(
            select(Person.id, Person.display_name).where(Person.id == letter.person_id, Person.blocked_at.is_(None))
        ).one_or_none()
        if person is None:
            raise dead_link()
        _set_password(session, person.id, hashed, but=None, now=now)
        record(session, Actor(person.id, person.display_name), "account.reset", "person", person.id, now=now)


def change_profile(session: Session, actor: Actor, name: str, language: str, *, now: datetime) -> None:
    """Change the name that others see and the language. Raises Invalid."""
    actor.must("account.manage")
    shown = one_line(name, field="name")
    _known_language(language)
    with transaction(session):
        session.execute(
            update(Person).where(Person.id == actor.person_id).values(display_name=shown, language=language)
        )
        record(session, actor, "account.profile", "person", actor.person_id, now=now)


def choose_language(session: Session, actor: Actor, language: str, *, now: datetime) -> None:
    """Keep the language that a person chose; a visitor's is in a cookie alone. Raises Invalid if we do not speak it."""
    _known_language(language)
    if actor.signed_in:
        with transaction(session):
            session.execute(update(Person).where(Person.id == actor.person_id).values(language=language))
            record(session, actor, "account.language", "person", actor.person_id, now=now)


def must_be_unrushed(session: Session, email: str, origin: Origin, *, now: datetime) -> None:
    """Raise TooMany if this address or account was refused too often of late."""
    must_be_few(session, email, origin.address, now=now)


def _set_password(session: Session, person_id: int | None, hashed: str, *, but: str | None, now: datetime) -> None:
    session.execute(update(Person).where(Person.id == person_id).values(password_hash=hashed, password_changed_at=now))
    others = [SignIn.person_id == person_id, SignIn.ended_at.is_(None)]
    if but is not None:
        others.append(SignIn.token_digest != digest(but))
    session.execute(update(SignIn).where(*others).values(ended_at=now))
    session.execute(
        update(Letter)
        .where(
            Letter.person_id == person_id,
            Letter.kind == "reset",
            Letter.used_at.is_(None),
            Letter.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )


def _known_language(language: str) -> None:
    if language not in LANGUAGES:
        raise Invalid("Choose one of the languages.", field="language")
