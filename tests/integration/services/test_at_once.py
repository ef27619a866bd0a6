"""
Two do the same at the same moment, each over a connection of its own: one of them comes second, and is told so.

On PostgreSQL both have read what they need before either commits; on SQLite they queue, and it must end alike.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, Engine, event, func, select
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import Argon2Passwords
from marketplace.domain.accounts import Invitation, NewPerson
from marketplace.domain.errors import MarketplaceError
from marketplace.domain.hazards import questions
from marketplace.domain.ledger import Figures, MonthFigures
from marketplace.domain.lines import NewFiling
from marketplace.domain.members import OrganizationFacts
from marketplace.domain.organizations import valid_credit_code
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import sessions_of
from marketplace.persistence.ledger import Posting
from marketplace.persistence.lines import Filing, IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.people import Appointment, Person
from marketplace.persistence.rounds import Award, Contract
from marketplace.services import (
    accounts,
    awards,
    filings,
    ledger,
    listings,
    members,
    organizations,
    permits,
    platform,
    rounds,
)
from marketplace.services.accounts import Origin
from tests.factories import NOON, Make, accept
from tests.integration.services.rounds_world import AFTER, published, solve, world

HERE = Origin("10.1.2.3", "a browser")
PASSWORDS = Argon2Passwords(memory_kib=64, rounds=1)
PATIENCE = 0.5
"""Seconds for which the first waits for the second to get where it is; a second that waits for a lock never does."""

DAY = timedelta(days=1)
Act = Callable[[Session], object]


def at_once(session: Session, *acts: Act) -> list[str]:
    """Bring all acts to the point before their commit, as far as the database lets them, and return how each ended."""
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    for known in list(session):
        session.refresh(known)
    session.expunge_all()  # what the acts name belongs to no session: each has its own
    session.rollback()
    there = threading.Barrier(len(acts))
    ended = ["" for _ in acts]

    def run(place: int, act: Act) -> None:
        with sessions_of(engine)() as own:

            @event.listens_for(own, "before_commit")
            def meet(_: Session) -> None:
                if engine.dialect.name == "postgresql":
                    with suppress(threading.BrokenBarrierError):
                        there.wait(PATIENCE)

            try:
                act(own)
                ended[place] = "done"
            except MarketplaceError as refusal:
                ended[place] = type(refusal).__name__
            except Exception as fault:  # the test shows it
                ended[place] = f"fault: {fault!r}"

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


def count(session: Session, *where: ColumnElement[bool]) -> int:
    session.rollback()
    return session.scalar(select(func.count()).where(*where)) or 0


def test_two_signatories_do_not_remove_each_other(make: Make, session: Session) -> None:
    firm = make.organization()
    people = [make.person("signatory", organization=firm) for _ in range(2)]
    held = {row.person_id: row.id for row in session.scalars(select(Appointment))}
    first, second = (make.actor(person) for person in people)

    ended = at_once(
        session,
        lambda own: members.remove(own, first, held[people[1].id], now=NOON),
        lambda own: members.change_role(own, second, held[people[0].id], "clerk", None, now=NOON),
    )

    assert ended == ["Conflict", "done"]
    assert count(session, Appointment.role == "signatory", Appointment.ended_at.is_(None)) == 1


def test_two_operators_do_not_dismiss_each_other(make: Make, session: Session) -> None:
    people = [make.person("operator") for _ in range(2)]
    held = {row.person_id: row.id for row in session.scalars(select(Appointment))}
    first, second = (make.actor(person) for person in people)

    ended = at_once(
        session,
        lambda own: platform.dismiss(own, first, held[people[1].id], now=NOON),
        lambda own: platform.dismiss(own, second, held[people[0].id], now=NOON),
    )

    assert ended == ["Conflict", "done"]
    assert count(session, Appointment.role == "operator", Appointment.ended_at.is_(None)) == 1


def test_somebody_is_appointed_once(make: Make, session: Session) -> None:
    operator, park = make.actor(make.person("operator")), make.park()
    known = make.person("park_administrator", park=make.park())

    def appoint(email: str) -> Act:
        return lambda own: platform.appoint(
            own, operator, email, "王芳", "park_administrator", park.id, language="en", now=NOON
        )

    assert at_once(session, appoint(known.email), appoint(known.email)) == ["Conflict", "done"]
    assert at_once(session, appoint("new@park.example"), appoint("new@park.example")) == ["Conflict", "done"]
    assert count(session, Appointment.park_id == park.id) == 2


def test_a_park_verifies_only_what_it_has_seen_last(make: Make, session: Session) -> None:
    park = make.park()
    firm = make.organization(park_id=park.id, verified_at=None)
    signatory, administrator = make.signatory(firm), make.administrator(park)
    facts = facts_of(firm, name_zh="改名之后的企业")

    ended = at_once(
        session,
        lambda own: organizations.edit(own, signatory, firm.id, facts, now=NOON),
        lambda own: organizations.verify(own, administrator, firm.id, now=NOON),
    )

    assert ended == ["done", "done"]
    newest = session.scalars(select(AuditRow.action).order_by(AuditRow.id.desc())).first()
    verified = count(session, Organization.id == firm.id, Organization.verified_at.is_not(None)) == 1
    assert verified == (newest == "organization.verify")


def test_an_organization_is_suspended_once(make: Make, session: Session) -> None:
    park = make.park()
    firm = make.organization(park_id=park.id)
    make.signatory(firm)
    administrator = make.administrator(park)

    def suspend(own: Session) -> None:
        organizations.suspend(own, administrator, firm.id, "许可证已过期", now=NOON)

    assert at_once(session, suspend, suspend) == ["Conflict", "done"]
    assert count(session, OutboxMail.kind == "organization_suspended") == 1


def test_a_credit_code_is_registered_once(make: Make, session: Session) -> None:
    facts = facts_of(make.organization(), credit_code=valid_credit_code("91140200MA0KX0001"))

    def register(email: str) -> Act:
        person = NewPerson(email, "王芳", "干灰比湿灰好卖得多")
        return lambda own: organizations.register(
            own, PASSWORDS, facts, person, HERE, language="en", lasts=DAY, now=NOON
        )

    ended = at_once(session, register("a@plant.example"), register("b@plant.example"))

    assert ended in (["Conflict", "done"], ["Invalid", "done"])
    assert count(session, Organization.credit_code == facts.credit_code) == 1
    assert count(session, Person.email.in_(("a@plant.example", "b@plant.example"))) == 1


def test_two_invitations_of_one_organization_make_one_member(make: Make, session: Session) -> None:
    firm = make.organization()
    signatory = make.signatory(firm)
    invited = make.person("clerk", organization=make.organization())

    def invite(role: str) -> Act:
        new = Invitation(invited.email, role)
        return lambda own: members.invite(own, signatory, firm.id, new, language="en", now=NOON)

    assert at_once(session, invite("clerk"), invite("signatory")) == ["done", "done"]
    tokens = [str(values["token"]) for values in session.scalars(select(OutboxMail.values))]
    joining = make.actor(invited)
    ended = at_once(session, *[partial(members.join, actor=joining, token=token, now=NOON) for token in tokens])

    assert ended == ["NotFound", "done"]
    assert count(session, Appointment.person_id == invited.id, Appointment.organization_id == firm.id) == 1


def test_a_link_sets_a_password_once(make: Make, session: Session) -> None:
    person = make.person("clerk", organization=make.organization())
    accounts.ask_for_reset(session, person.email, HERE, now=NOON)
    token = str(session.scalars(select(OutboxMail.values)).one()["token"])

    def reset(password: str) -> Act:
        return lambda own: accounts.reset(own, PASSWORDS, token, password, now=NOON)

    assert at_once(session, reset("干灰比湿灰好卖得多"), reset("湿灰比干灰难卖得多")) == ["NotFound", "done"]
    assert count(session, AuditRow.action == "account.reset") == 1


def test_a_filing_is_kept_once(make: Make, session: Session) -> None:
    stream = make.stream(make.site(make.organization(), division_code="140212"))
    receiving = make.site(make.organization(recycles=True), division_code="150600")
    owner = session.scalars(select(Organization).order_by(Organization.id)).first()
    other = make.stream(make.site(owner, division_code="140212"), name="另一股")
    clerk = make.signatory(owner)

    def add(stream_id: int) -> Act:
        new = NewFiling(
            stream_id=stream_id,
            receiving_site_id=receiving.id,
            filing_no="晋蒙备2027001",
            filed_kg=1_000_000,
            filed_trips=40,
            valid_from=NOON.date(),
            valid_to=NOON.date(),
        )
        return lambda own: filings.add_filing(own, clerk, new, now=NOON)

    assert at_once(session, add(stream.id), add(other.id)) == ["Conflict", "done"]
    assert count(session, Filing.filing_no == "晋蒙备2027001") == 1


def test_a_permit_is_verified_only_as_it_stands(make: Make, session: Session) -> None:
    park = make.park()
    line = make.line(make.site(make.organization(park_id=park.id, recycles=True)))
    administrator = make.administrator(park)

    ended = at_once(
        session,
        lambda own: permits.withdraw_permit(own, administrator, line.id, now=NOON),
        lambda own: permits.withdraw_permit(own, administrator, line.id, now=NOON),
    )

    assert ended == ["Conflict", "done"]
    assert count(session, IntakeLine.permit_verified_at.is_(None)) == 1
    assert count(session, AuditRow.action == "permit.withdraw") == 1


def test_a_month_is_listed_once(make: Make, session: Session) -> None:
    harmless = {question.code: not question.hazardous_if for question in questions("fly_ash")}
    stream = make.stream(origin_answers=harmless)
    signatory = make.signatory(session.scalars(select(Organization)).one())
    drafts = [make.listing(stream, published_at=None, expires_at=None, bids_close_at=None) for _ in range(2)]

    ended = at_once(
        session,
        *[partial(listings.publish_listing, actor=signatory, listing_id=each.id, now=NOON) for each in drafts],
    )

    assert ended == ["Conflict", "done"]
    assert count(session, Listing.published_at.is_not(None)) == 1


def test_a_month_is_stated_once(make: Make, session: Session) -> None:
    stream = make.stream()
    clerk = make.signatory(session.scalars(select(Organization)).one())
    figures = Figures(generated_kg=9_000, utilized_kg=9_000)

    def state(own: Session) -> int:
        return ledger.state_month(
            own, clerk, MonthFigures(stream_id=stream.id, month=Month(2026, 12), figures=figures), now=NOON
        )

    assert at_once(session, state, state) == ["done", "done"]
    assert session.scalar(select(func.sum(Posting.kg)).where(Posting.credit == "yard")) in (9_000, None)
    assert count(session, AuditRow.action == "ledger.state") == 1


def test_an_award_ends_once(make: Make, session: Session) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]
    producer, recycler = make.signatory(made.plants[0]), make.signatory(made.recyclers[0])
    accept(session, producer, award.id, now=AFTER)

    ended = at_once(
        session,
        lambda own: accept(own, recycler, award.id, now=AFTER),
        lambda own: awards.decline_award(own, producer, award.id, "检修停窑。", now=AFTER),
        lambda own: awards.lapse_due(own, award.answer_by),
    )

    contracts = count(session, Contract.award_id == award.id)
    declined = count(session, Award.id == award.id, Award.declined_at.is_not(None))
    lapsed = count(session, Award.id == award.id, Award.lapsed_at.is_not(None))
    assert contracts + declined + lapsed == 1
    assert not [each for each in ended if each.startswith("fault")]


def test_an_award_of_a_bid_that_comes_to_nothing_calls_one_runner_up(make: Make, session: Session) -> None:
    plant, firms = make.organization(), [make.organization() for _ in range(3)]
    listing = make.listing(make.stream(make.site(plant), values={"moisture": "0.4"}))
    bids = [make.bid(listing, make.line(make.site(firm)), firm, price_fen_per_t=n) for n, firm in enumerate(firms, 600)]
    seller, winner = make.signatory(plant), make.signatory(firms[2])
    make.opened(listing)
    award_id = listings.award_bid(session, seller, bids[2].id, 5_000_000, now=NOON + 14 * DAY)
    answer_by = session.get_one(Award, award_id).answer_by

    ended = at_once(
        session,
        lambda own: awards.decline_award(own, winner, award_id, "检修停窑。", now=answer_by - DAY),
        lambda own: awards.lapse_due(own, answer_by),
        lambda own: listings.end_bidding(own, seller, listing.id, "", now=answer_by),
    )

    assert not [each for each in ended if each.startswith("fault")]
    assert count(session, Award.bid_id == bids[2].id, Award.declined_at.is_(None), Award.lapsed_at.is_(None)) == 0
    # whoever ended the bidding before the decline came let the award lapse first, and called
    assert count(session, Award.bid_id == bids[1].id) == 1
    assert count(session, Award.bid_id == bids[0].id) == 0


def test_the_last_two_answers_settle_a_round(make: Make, session: Session) -> None:
    made = world(make)
    of = made.round()
    award = published(session, made, of)[0]
    producer, recycler = make.signatory(made.plants[0]), make.signatory(made.recyclers[0])

    ended = at_once(
        session,
        lambda own: accept(own, producer, award.id, now=AFTER),
        lambda own: accept(own, recycler, award.id, now=AFTER),
    )

    assert ended == ["done", "done"]
    assert count(session, Contract.award_id == award.id) == 1


def test_a_listing_is_withdrawn_or_awarded(make: Make, session: Session) -> None:
    made = world(make)
    of = made.round()
    administrator, producer = made.administrator, make.signatory(made.plants[0])
    solve(session, administrator, of)

    ended = at_once(
        session,
        lambda own: rounds.publish_round(own, administrator, of.id, now=AFTER),
        lambda own: listings.withdraw_listing(own, producer, made.listings[0].id, now=AFTER),
    )

    assert ended == ["Conflict", "done"]
    withdrawn = count(session, Listing.withdrawn_at.is_not(None))
    assert withdrawn + count(session, Award.round_id == of.id) == 1


def facts_of(firm: Organization, **given: object) -> OrganizationFacts:
    facts = OrganizationFacts(
        credit_code=firm.credit_code,
        name_zh=firm.name_zh,
        name_en=firm.name_en,
        produces=True,
        recycles=False,
        park_id=firm.park_id,
        contact_name="王芳",
        contact_phone="0352-1234567",
    )
    return replace(facts, **given)  # type: ignore[arg-type]
