"""Signing in, sessions and passwords, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import Argon2Passwords
from marketplace.domain.errors import Invalid, NotFound, TooMany
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.people import Letter, Person, SignIn, SignInTry
from marketplace.queries.accounts import account_of, own_page
from marketplace.services import accounts
from marketplace.services.accounts import Origin
from tests.factories import NOON, Make

PASSWORD = "干灰比湿灰好卖得多"
NEW = "矸石要先破碎再筛分"
HERE = Origin("10.1.2.3", "a browser")
LASTS = timedelta(hours=12)
PASSWORDS = Argon2Passwords(memory_kib=64, rounds=1)


@pytest.fixture
def person(make: Make) -> Person:
    return make.person(email="li@plant.example", password_hash=PASSWORDS.hashed(PASSWORD))


def sign_in(
    session: Session,
    email: str = "li@plant.example",
    password: str = PASSWORD,
    origin: Origin = HERE,
    *,
    now: datetime = NOON,
) -> str:
    return accounts.sign_in(session, PASSWORDS, email, password, origin, lasts=LASTS, now=now)


def fail(
    session: Session, times: int, *, now: datetime = NOON, origin: Origin = HERE, email: str = "li@plant.example"
) -> None:
    for _ in range(times):
        with pytest.raises(Invalid):
            sign_in(session, email, "not this one", origin, now=now)


def reset_token(session: Session, *, now: datetime = NOON) -> str:
    accounts.ask_for_reset(session, "li@plant.example", HERE, now=now)
    return str(session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first().values["token"])  # type: ignore[union-attr]


def test_a_session_is_known_by_its_token_of_which_only_the_digest_is_kept(session: Session, person: Person) -> None:
    token = sign_in(session, " Li@Plant.Example ")

    account = account_of(session, token, now=NOON)
    assert account is not None
    assert account.person_id == person.id
    assert session.scalar(select(SignIn.token_digest)) != token
    assert session.scalar(select(func.count(SignInTry.id))) == 0
    assert session.scalars(select(AuditRow.action)).all() == ["account.sign_in"]


def test_each_sign_in_has_a_token_of_its_own(session: Session, person: Person) -> None:
    tokens = {sign_in(session) for _ in range(3)}

    assert len(tokens) == 3


def test_a_session_ends_after_its_hours(session: Session, person: Person) -> None:
    token = sign_in(session)

    live = [
        account_of(session, token, now=NOON + LASTS + at) is not None for at in (timedelta(seconds=-1), timedelta())
    ]

    assert live == [True, False]


@pytest.mark.parametrize("email", ["li@plant.example", "nobody@plant.example", "not an address", ""])
def test_wrong_and_unknown_are_told_in_the_same_words(session: Session, person: Person, email: str) -> None:
    with pytest.raises(Invalid) as refused:
        sign_in(session, email, "not this one")

    assert (str(refused.value), refused.value.field) == ("The mail address or the password is not right.", None)
    assert session.scalar(select(func.count(SignIn.id))) == 0
    assert session.scalars(select(AuditRow.action)).all() == ["account.sign_in_failed"]


def test_who_has_no_password_or_is_blocked_cannot_sign_in(session: Session, make: Make) -> None:
    make.person(email="new@plant.example", password_hash="")
    make.person(email="out@plant.example", password_hash=PASSWORDS.hashed(PASSWORD), blocked_at=NOON)

    for email in ("new@plant.example", "out@plant.example"):
        with pytest.raises(Invalid):
            sign_in(session, email)

    assert session.scalar(select(func.count(SignIn.id))) == 0


def test_the_eleventh_try_waits_until_five_minutes_after_the_first(session: Session, person: Person) -> None:
    fail(session, 10)

    with pytest.raises(TooMany) as refused:
        sign_in(session, now=NOON + timedelta(minutes=4))

    assert refused.value.sentence.values == {"again_at": (NOON + timedelta(minutes=5)).isoformat()}
    assert session.scalar(select(func.count(SignInTry.id))) == 10
    assert sign_in(session, now=NOON + timedelta(minutes=5))


def test_an_unknown_account_is_throttled_like_a_known_one(session: Session, person: Person) -> None:
    fail(session, 10, email="nobody@plant.example")

    with pytest.raises(TooMany):
        sign_in(session, "nobody@plant.example", origin=Origin("10.9.9.9", ""))


def test_tries_are_counted_by_account_and_by_address(session: Session, person: Person, make: Make) -> None:
    make.person(email="wang@plant.example", password_hash=PASSWORDS.hashed(PASSWORD))
    elsewhere = Origin("10.9.9.9", "another browser")
    fail(session, 10)

    with pytest.raises(TooMany):
        sign_in(session, origin=elsewhere)
    with pytest.raises(TooMany):
        sign_in(session, "wang@plant.example")

    assert sign_in(session, "wang@plant.example", origin=elsewhere)


def test_tries_that_succeed_do_not_count(session: Session, person: Person) -> None:
    for _ in range(12):
        sign_in(session)

    assert session.scalar(select(func.count(SignIn.id))) == 12


def test_a_hash_of_older_costs_is_made_anew(session: Session, make: Make) -> None:
    older = Argon2Passwords(memory_kib=32, rounds=1).hashed(PASSWORD)
    person = make.person(email="li@plant.example", password_hash=older)

    sign_in(session)

    kept = session.scalar(select(Person.password_hash).where(Person.id == person.id))
    assert kept is not None
    assert (kept != older, PASSWORDS.outdated(kept)) == (True, False)


def test_signing_out_ends_the_session_for_whoever_holds_the_cookie(
    session: Session, person: Person, make: Make
) -> None:
    token, other = sign_in(session), sign_in(session)

    accounts.sign_out(session, make.actor(person), token, now=NOON)

    assert account_of(session, token, now=NOON) is None
    assert account_of(session, other, now=NOON) is not None


def test_changing_the_password_ends_all_other_sessions(session: Session, person: Person, make: Make) -> None:
    own, other = sign_in(session), sign_in(session)

    accounts.change_password(session, PASSWORDS, make.actor(person), PASSWORD, NEW, HERE, token=own, now=NOON)

    assert account_of(session, own, now=NOON) is not None
    assert account_of(session, other, now=NOON) is None
    with pytest.raises(Invalid):
        sign_in(session)
    assert sign_in(session, password=NEW)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("not this one", NEW, "current"), (PASSWORD, "short", "new"), (PASSWORD, "12345678", "new")],
)
def test_a_refused_change_of_the_password_changes_nothing(
    session: Session, person: Person, make: Make, current: str, new: str, field: str
) -> None:
    token = sign_in(session)

    with pytest.raises(Invalid) as refused:
        accounts.change_password(session, PASSWORDS, make.actor(person), current, new, HERE, token=token, now=NOON)

    assert refused.value.field == field
    assert sign_in(session)


def test_one_ends_only_the_own_sessions(session: Session, person: Person, make: Make) -> None:
    token = sign_in(session)
    sign_in_id = session.scalar(select(SignIn.id))
    assert sign_in_id is not None
    stranger = make.actor(make.person())

    with pytest.raises(NotFound):
        accounts.end_session(session, stranger, sign_in_id, now=NOON)
    assert account_of(session, token, now=NOON) is not None
    accounts.end_session(session, make.actor(person), sign_in_id, now=NOON)

    assert account_of(session, token, now=NOON) is None
    with pytest.raises(NotFound):
        accounts.end_session(session, make.actor(person), sign_in_id, now=NOON)


def test_the_account_page_marks_the_session_that_asks(session: Session, person: Person, make: Make) -> None:
    sign_in(session, origin=Origin("10.0.0.1", "old"))
    token = sign_in(session, origin=Origin("10.0.0.2", "new"), now=NOON + timedelta(hours=1))

    page = own_page(session, make.actor(person), token, now=NOON + timedelta(hours=1))

    assert [(held.agent, held.address, held.current) for held in page.sessions] == [
        ("new", "10.0.0.2", True),
        ("old", "10.0.0.1", False),
    ]


def test_a_reset_sets_the_password_once_and_ends_all_sessions(session: Session, person: Person) -> None:
    before = sign_in(session)
    token = reset_token(session)

    accounts.reset(session, PASSWORDS, token, NEW, now=NOON + timedelta(minutes=29))

    assert account_of(session, before, now=NOON) is None
    assert sign_in(session, password=NEW)
    with pytest.raises(NotFound):
        accounts.reset(session, PASSWORDS, token, PASSWORD, now=NOON + timedelta(minutes=29))
    assert sign_in(session, password=NEW)


def test_a_reset_link_lasts_thirty_minutes_and_only_the_newest_works(session: Session, person: Person) -> None:
    older = reset_token(session)
    newer = reset_token(session, now=NOON + timedelta(minutes=1))

    for token, at in ((older, timedelta(minutes=2)), (newer, timedelta(minutes=31)), ("x" * 43, timedelta())):
        with pytest.raises(NotFound):
            accounts.reset(session, PASSWORDS, token, NEW, now=NOON + at)

    assert sign_in(session)
    accounts.reset(session, PASSWORDS, newer, NEW, now=NOON + timedelta(minutes=30))
    assert sign_in(session, password=NEW)


def test_only_the_digest_of_a_reset_link_is_kept(session: Session, person: Person) -> None:
    token = reset_token(session)

    kept = session.scalars(select(Letter)).one()
    assert (kept.token_digest != token, len(kept.token_digest), kept.person_id) == (True, 64, person.id)
    assert token not in str(session.scalars(select(AuditRow.detail)).all())


def test_an_unknown_or_blocked_address_is_mailed_nothing(session: Session, person: Person) -> None:
    with transaction(session):
        session.execute(update(Person).values(blocked_at=NOON))

    for email in ("li@plant.example", "nobody@plant.example"):
        accounts.ask_for_reset(session, email, HERE, now=NOON)

    assert session.scalar(select(func.count(OutboxMail.id))) == 0
    assert session.scalar(select(func.count(Letter.id))) == 0
    assert session.scalars(select(AuditRow.action)).all() == ["account.reset_asked"] * 2


def test_changing_the_password_makes_a_reset_link_void(session: Session, person: Person, make: Make) -> None:
    own, token = sign_in(session), reset_token(session)

    accounts.change_password(session, PASSWORDS, make.actor(person), PASSWORD, NEW, HERE, token=own, now=NOON)

    with pytest.raises(NotFound):
        accounts.reset(session, PASSWORDS, token, PASSWORD, now=NOON)


@pytest.mark.parametrize("language", ["de", "", "zh"])
def test_a_language_that_we_do_not_speak_is_refused(
    session: Session, person: Person, make: Make, language: str
) -> None:
    with pytest.raises(Invalid):
        accounts.choose_language(session, make.actor(person), language, now=NOON)

    assert session.scalar(select(Person.language)) == "zh_Hans_CN"
