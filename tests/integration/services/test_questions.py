"""Questions are asked and answered until the deadline; who asked is told to the park and the auditor alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from marketplace.domain.actors import VISITOR, Actor, Appointed
from marketplace.domain.errors import Conflict, Invalid, NotFound, TooMany
from marketplace.domain.questions import NewQuestion
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Person
from marketplace.persistence.questions import Answer, Question
from marketplace.queries.listings import listing_page
from marketplace.queries.public import public_listing
from marketplace.services import questions as services
from marketplace.services.listings import withdraw_listing
from marketplace.services.questions import answer_question, ask_question
from tests.factories import NOON, Make

CLOSES = NOON + timedelta(days=14)
MICROSECOND = timedelta(microseconds=1)


class Talk:
    """A plant with a listing, and a recycler that asks."""

    def __init__(self, make: Make, **listing: object) -> None:
        self.make = make
        self.plant = make.organization(recycles=False)
        self.listing = make.listing(make.stream(make.site(self.plant)), **listing)
        self.seller_person = make.person("signatory", organization=self.plant)
        self.seller = make.actor(self.seller_person)
        self.recycler = make.organization(name_zh="提问建材", name_en="Asking Works")
        self.buyer_person = make.person("clerk", organization=self.recycler)
        self.buyer = make.actor(self.buyer_person)

    def question(self, said: str = "能否夜间装车？", **given: int) -> NewQuestion:
        values = {"listing_id": self.listing.id, "organization_id": self.recycler.id}
        return NewQuestion(text=said, **(values | given))


@pytest.fixture
def talk(make: Make) -> Talk:
    return Talk(make)


def mails(session: Session) -> list[tuple[str, str]]:
    return [
        tuple(row) for row in session.execute(select(OutboxMail.kind, OutboxMail.recipient).order_by(OutboxMail.id))
    ]


def written(session: Session) -> tuple[int, int, int, int]:
    """How many questions, answers, mails and audit rows there are."""
    counts = [
        session.scalar(select(func.count()).select_from(each)) or 0 for each in (Question, Answer, OutboxMail, AuditRow)
    ]
    return counts[0], counts[1], counts[2], counts[3]


def test_a_question_is_mailed_to_the_producer_and_its_answer_to_asker_and_bidders(
    session: Session, talk: Talk, make: Make
) -> None:
    bidder = make.organization()
    bidding = make.person("signatory", organization=bidder)
    make.bid(talk.listing, make.line(make.site(bidder)), bidder)
    former = make.organization()
    make.person("signatory", organization=former)
    make.bid(talk.listing, make.line(make.site(former)), former, withdrawn_at=NOON + timedelta(hours=2))
    make.person("weigher", organization=talk.plant)

    question_id = ask_question(session, talk.buyer, talk.question(), now=NOON)
    version = answer_question(session, talk.seller, talk.listing.id, question_id, "可以。", now=NOON + MICROSECOND)

    assert version == 1
    assert mails(session)[0] == ("question", talk.seller_person.email)
    assert sorted(mails(session)[1:]) == sorted([("answer", talk.buyer_person.email), ("answer", bidding.email)])
    values = session.scalars(select(OutboxMail.values).where(OutboxMail.kind == "question")).one()
    assert values == {"listing_id": talk.listing.id, "material": "fly_ash", "question": "能否夜间装车？"}
    acts = session.execute(
        select(AuditRow.action, AuditRow.organization_id, AuditRow.detail).order_by(AuditRow.id)
    ).all()
    assert [tuple(row) for row in acts] == [
        ("question.ask", talk.recycler.id, {"listing_id": talk.listing.id}),
        ("question.answer", talk.plant.id, {"listing_id": talk.listing.id, "version": 1}),
    ]
    assert list(broken(session)) == []


def test_the_same_words_again_change_nothing(session: Session, talk: Talk) -> None:
    first = ask_question(session, talk.buyer, talk.question(), now=NOON)
    answer_question(session, talk.seller, talk.listing.id, first, "可以。", now=NOON)
    before = written(session)

    again = ask_question(session, talk.buyer, talk.question(" 能否夜间装车？ "), now=NOON + MICROSECOND)
    version = answer_question(session, talk.seller, talk.listing.id, first, "可以。\n", now=NOON + MICROSECOND)

    assert (again, version) == (first, 1)
    assert written(session) == before


def test_a_correction_is_a_version_beside_the_first_answer(session: Session, talk: Talk) -> None:
    question_id = ask_question(session, talk.buyer, talk.question(), now=NOON)
    answer_question(session, talk.seller, talk.listing.id, question_id, "22 点前可以。", now=NOON)
    answer_question(session, talk.seller, talk.listing.id, question_id, "20 点前可以。", now=NOON + MICROSECOND)

    found = public_listing(session, talk.buyer, talk.listing.id, now=NOON + MICROSECOND).questions

    assert [(said.text, said.at) for said in found[0].answers] == [
        ("20 点前可以。", NOON + MICROSECOND),
        ("22 点前可以。", NOON),
    ]
    assert session.scalars(select(OutboxMail.values).order_by(OutboxMail.id.desc()).limit(1)).one()["corrected"] is True


def test_answers_are_corrected_nine_times_at_most(session: Session, talk: Talk) -> None:
    question_id = ask_question(session, talk.buyer, talk.question(), now=NOON)
    for number in range(10):
        answer_question(session, talk.seller, talk.listing.id, question_id, f"第 {number} 次", now=NOON)
    before = written(session)

    with pytest.raises(Conflict, match="corrected nine times"):
        answer_question(session, talk.seller, talk.listing.id, question_id, "再改", now=NOON)

    assert written(session) == before


def test_both_end_at_the_deadline(session: Session, talk: Talk) -> None:
    question_id = ask_question(session, talk.buyer, talk.question(), now=CLOSES - MICROSECOND)
    before = written(session)

    with pytest.raises(Conflict, match="Bidding ended"):
        ask_question(session, talk.buyer, talk.question("还有吗？"), now=CLOSES)
    with pytest.raises(Conflict, match="Bidding ended"):
        answer_question(session, talk.seller, talk.listing.id, question_id, "有。", now=CLOSES)

    assert written(session) == before
    answer_question(session, talk.seller, talk.listing.id, question_id, "有。", now=CLOSES - MICROSECOND)
    assert written(session) == (1, 1, 2, 2)


def test_who_may_not_ask(session: Session, talk: Talk, make: Make) -> None:
    waiting = make.organization(verified_at=None)
    plant = make.organization(recycles=False)
    both = make.organization()
    own = make.listing(make.stream(make.site(both)))

    def asks(organization: Organization, **given: int) -> None:
        ask_question(
            session, make.signatory(organization), talk.question(organization_id=organization.id, **given), now=NOON
        )

    with pytest.raises(Conflict, match="awaits verification"):
        asks(waiting)
    with pytest.raises(Conflict, match="producer only"):
        asks(plant)
    with pytest.raises(Conflict, match="your own"):
        asks(both, listing_id=own.id)
    with pytest.raises(NotFound):
        ask_question(
            session, make.signatory(make.organization()), talk.question(), now=NOON
        )  # for another's organization
    with pytest.raises(NotFound):
        ask_question(session, VISITOR, talk.question(), now=NOON)

    assert written(session) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("listing", "refusal"),
    [
        ({"bids_close_at": None}, Conflict),
        ({"published_at": None, "expires_at": None}, NotFound),
        ({"withdrawn_at": NOON}, NotFound),
        ({"expires_at": NOON}, NotFound),
    ],
)
def test_what_takes_no_bids_takes_no_questions(
    session: Session, make: Make, listing: dict[str, object], refusal: type[Exception]
) -> None:
    talk = Talk(make, **listing)

    with pytest.raises(refusal):
        ask_question(session, talk.buyer, talk.question(), now=NOON)

    assert written(session) == (0, 0, 0, 0)


def test_only_the_producer_answers_and_only_while_it_stands(session: Session, talk: Talk, make: Make) -> None:
    question_id = ask_question(session, talk.buyer, talk.question(), now=NOON)
    other = Talk(make)
    before = written(session)

    for actor, listing_id in (
        (talk.buyer, talk.listing.id),
        (other.seller, talk.listing.id),
        (talk.seller, other.listing.id),
    ):
        with pytest.raises(NotFound):
            answer_question(session, actor, listing_id, question_id, "可以。", now=NOON)
    with pytest.raises(Invalid, match="leave out telephone"):
        answer_question(session, talk.seller, talk.listing.id, question_id, "请打 13812345678", now=NOON)
    assert written(session) == before

    withdraw_listing(session, talk.seller, talk.listing.id, now=NOON)
    before = written(session)
    with pytest.raises(Conflict, match="withdrawn"):
        answer_question(session, talk.seller, talk.listing.id, question_id, "可以。", now=NOON)
    assert written(session) == before


def test_an_organization_asks_ten_times_a_day_of_all_listings_together(
    session: Session, talk: Talk, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make.listing(make.stream(make.site(talk.plant)))
    for number in range(10):
        where = (talk.listing, other)[number % 2]
        ask_question(
            session, talk.buyer, talk.question(f"第 {number} 问", listing_id=where.id), now=NOON + number * MICROSECOND
        )
    before = written(session)
    day = timedelta(days=1)

    with pytest.raises(TooMany, match="asked 10 questions within a day") as refused:
        ask_question(session, talk.buyer, talk.question("再问"), now=NOON + day - MICROSECOND)
    assert written(session) == before
    assert (refused.value.sentence.values or {})["again_at"] == (NOON + day).isoformat()

    ask_question(session, talk.buyer, talk.question("再问"), now=NOON + day)
    with pytest.raises(TooMany):
        ask_question(session, talk.buyer, talk.question("又问"), now=NOON + day)
    monkeypatch.setattr(services, "MOST_A_DAY", 1000)  # with the limit off it is taken: the test can fail
    ask_question(session, talk.buyer, talk.question("又问"), now=NOON + day)
    assert written(session)[0] == 12


def test_who_asked_is_named_to_the_park_and_the_auditor_alone(session: Session, talk: Talk, make: Make) -> None:
    ask_question(session, talk.buyer, talk.question(), now=NOON)
    park = make.actor(make.person("park_administrator", park=session.get_one(Park, talk.plant.park_id)))
    auditor = make.actor(make.person("auditor"))
    stranger = make.signatory(make.organization())

    def read(actor: Actor) -> list[tuple[str, bool, str | None]]:
        found = public_listing(session, actor, talk.listing.id, now=NOON).questions
        return [(each.text, each.own, each.asker_en) for each in found]

    assert read(talk.buyer) == [("能否夜间装车？", True, None)]
    assert read(talk.seller) == read(stranger) == [("能否夜间装车？", False, None)]
    assert read(park) == read(auditor) == [("能否夜间装车？", False, "Asking Works")]
    assert read(VISITOR) == []  # the figures of this listing are for members, and so is what is said of them
    own = listing_page(session, talk.seller, talk.listing.id, now=NOON)
    assert [each.asker_en for each in own.questions] == [None]
    assert [each.asker_en for each in listing_page(session, park, talk.listing.id, now=NOON).questions] == [
        "Asking Works"
    ]


def test_an_administrator_that_sells_in_the_own_park_reads_no_name(session: Session, talk: Talk, make: Make) -> None:
    ask_question(session, talk.buyer, talk.question(), now=NOON)
    person: Person = make.person("park_administrator", park=session.get_one(Park, talk.plant.park_id))
    both = make.actor(person)
    sells = Appointed("clerk", organization_id=talk.plant.id, produces=True)

    found = public_listing(session, Actor(both.person_id, "", (*both.appointments, sells)), talk.listing.id, now=NOON)

    assert [each.asker_zh for each in found.questions] == [None]


@pytest.mark.parametrize("table", ["questions", "answers"])
@pytest.mark.parametrize("verb", ["update {} set text = 'x'", "delete from {}"])
def test_nothing_that_was_said_is_changed(session: Session, talk: Talk, make: Make, table: str, verb: str) -> None:
    make.question(talk.listing, talk.recycler, "可以。")

    with pytest.raises(DatabaseError, match=f"{table} only grows"):
        session.execute(text(verb.format(table)))

    session.rollback()
    assert written(session)[:2] == (1, 1)


def test_the_invariants_find_a_gap_and_an_own_question(session: Session, talk: Talk, make: Make) -> None:
    question = make.question(talk.listing, talk.recycler, "可以。")
    assert list(broken(session)) == []

    make._add(Answer(question_id=question.id, version=3, text="漏了一版", answered_at=NOON + timedelta(days=1)))
    make.question(talk.listing, talk.plant)

    assert [(breach.invariant.code, breach.count) for breach in broken(session)] == [("Q1", 1), ("Q2", 1)]
    assert session.scalar(select(func.count(Listing.id))) == 1


def test_a_clock_that_runs_behind_brings_nothing_out_of_order(session: Session, talk: Talk) -> None:
    """Requests of several hosts, or a clock that is set back: what follows is never written down as earlier."""
    asked_id = ask_question(session, talk.buyer, talk.question(), now=NOON - timedelta(seconds=2))
    answer_question(session, talk.seller, talk.listing.id, asked_id, "可以。", now=NOON + timedelta(hours=1))
    answer_question(session, talk.seller, talk.listing.id, asked_id, "不可以。", now=NOON + timedelta(minutes=59))

    question = session.get_one(Question, asked_id)
    answered = session.scalars(select(Answer.answered_at).order_by(Answer.version)).all()
    assert question.asked_at == NOON
    assert list(answered) == [NOON + timedelta(hours=1)] * 2
    assert list(broken(session)) == []
