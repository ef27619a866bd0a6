"""A contract is changed by a version that both sides sign; the kilograms follow, or nothing does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.persistence.amendments import Amendment, AmendmentSignature, Termination
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Contract
from marketplace.queries.contracts import contract_page, contracts_index
from marketplace.queries.listed import Wish
from marketplace.queries.today import today_page
from marketplace.services import counters
from marketplace.services.amendments import decline_amendment, sign_amendment, withdraw_amendment
from tests.conftest import counted
from tests.factories import Make, proof
from tests.integration.services.deeds import APRIL, DAY, FEBRUARY, IN_MARCH, KG, MADE, MARCH, Deed, held

WAS = ([(0, KG)] * 3, [KG] * 3)


def whole(session: Session) -> list[str]:
    session.rollback()
    found = [f"{each.invariant.code} {each.places}" for each in broken(session)]
    session.rollback()
    return found


def count(session: Session, column: object) -> int | None:
    found = session.scalar(select(func.count(column)))  # type: ignore[arg-type]
    session.rollback()
    return found


def test_until_both_have_signed_the_old_version_stands(session: Session, make: Make) -> None:
    deed = Deed(make)
    before = deed.text()
    plan = {FEBRUARY: KG, MARCH: KG // 2, APRIL: KG // 4}

    made = deed.propose(plan, 3500)
    assert (deed.text(), held(session, deed)) == (before, WAS)
    assert deed.sign(made, deed.taker) is False
    assert (deed.text(), held(session, deed)) == (before, WAS)
    assert deed.sign(made, deed.seller) is True

    after = deed.text()
    assert (after.version, after.price_fen_per_t, dict(after.months)) == (2, 3500, plan)
    assert (after.since, after.replaces_sha256, after.clauses) == (MADE_MONTH, before.sha256, before.clauses)
    assert after.delivered_fen_per_t - before.delivered_fen_per_t == -500
    assert held(session, deed) == ([(0, KG), (0, KG // 2), (0, KG // 4)], [KG, KG // 2, KG // 4])
    signed = session.execute(
        select(AmendmentSignature.side, AmendmentSignature.sha256).order_by(AmendmentSignature.id)
    ).all()
    assert [tuple(row) for row in signed] == [("recycler", after.sha256), ("producer", after.sha256)]
    first = session.scalars(select(Contract)).one()
    assert (first.terms_sha256, first.kg) == (before.sha256, 3 * KG)
    assert whole(session) == []


MADE_MONTH = FEBRUARY.plus(-1)


def test_more_is_taken_under_the_guard_when_it_is_signed(session: Session, make: Make) -> None:
    deed = Deed(make)

    deed.change({FEBRUARY: 2 * KG, MARCH: KG, APRIL: 0})

    assert held(session, deed) == ([(0, 2 * KG), (0, KG), (0, 0)], [2 * KG, KG, 0])
    assert deed.text().months == ((FEBRUARY, 2 * KG), (MARCH, KG))
    deed.change({FEBRUARY: KG, MARCH: KG, APRIL: KG})
    assert held(session, deed) == WAS
    assert whole(session) == []


def test_what_is_not_there_is_refused_at_the_proposal_and_at_the_signature(session: Session, make: Make) -> None:
    deed = Deed(make)
    with pytest.raises(Conflict, match="Of this listing less than"):
        deed.propose({FEBRUARY: 2 * KG + 1, MARCH: KG, APRIL: KG})
    assert count(session, Amendment.id) == 0
    made = deed.propose({FEBRUARY: 2 * KG, MARCH: KG, APRIL: KG})
    deed.sign(made, deed.seller)
    with transaction(session):
        session.execute(text("update listing_months set offered_kg = 1500000 where month = '2027-02'"))

    with pytest.raises(Conflict, match="Of this listing less than"):
        deed.sign(made, deed.taker)

    assert count(session, AmendmentSignature.id) == 1
    assert held(session, deed) == WAS
    assert deed.text().version == 1


def test_without_the_guard_more_is_taken_than_there_is(
    session: Session, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the condition of the UPDATE off, the CHECK of the row is the second fence."""
    deed = Deed(make)
    monkeypatch.setattr(counters, "_room", lambda *_: ())

    with pytest.raises(DatabaseError, match="listing_months"):
        deed.propose({FEBRUARY: 2 * KG + 1, MARCH: KG, APRIL: KG})


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("update organizations set suspended_at = 1 where id = :firm", "is suspended"),
        ("update intake_lines set permit_verified_at = null where id = :line", "permit"),
        ("update intake_lines set retired_at = 1 where id = :line", "no longer kept"),
        ("update listings set cap_per_buyer_kg = 3000000", "one buyer gets at most"),
        ("update line_months set capacity_kg = 1000000 where line_id = :line", "has less than|cannot go to this line"),
    ],
)
def test_what_no_longer_holds_is_not_signed(session: Session, make: Make, damage: str, why: str) -> None:
    deed = Deed(make)
    made = deed.propose({FEBRUARY: 2 * KG, MARCH: KG, APRIL: KG})
    deed.sign(made, deed.seller)
    with transaction(session):
        values = {"line": deed.first_line.id, "firm": next(iter(deed.taker.organization_ids))}
        session.execute(text(damage), {name: value for name, value in values.items() if f":{name}" in damage})

    with pytest.raises(Conflict, match=why):
        deed.sign(made, deed.taker)

    assert (count(session, AmendmentSignature.id), held(session, deed)) == (1, WAS)


@pytest.mark.parametrize(
    ("months", "price", "refusal", "why"),
    [
        ({FEBRUARY: KG, MARCH: KG, APRIL: KG}, 4000, Invalid, "says already"),
        ({FEBRUARY: 0, MARCH: 0, APRIL: 0}, 4000, Invalid, "Nothing would be left"),
        ({APRIL.plus(1): KG}, 4000, Invalid, "does not reach"),
        ({FEBRUARY.plus(-2): KG}, 4000, Invalid, "does not reach"),
    ],
)
def test_what_makes_no_sense_is_not_proposed(
    session: Session, make: Make, months: dict[object, int], price: int, refusal: type[Exception], why: str
) -> None:
    deed = Deed(make)

    with pytest.raises(refusal, match=why):
        deed.propose(months, price)  # type: ignore[arg-type]

    assert (count(session, Amendment.id), count(session, OutboxMail.id)) == (0, count(session, OutboxMail.id))
    assert held(session, deed) == WAS


def test_what_is_past_stays_as_it_was(session: Session, make: Make) -> None:
    deed = Deed(make)
    with pytest.raises(Invalid, match="past"):
        deed.propose({FEBRUARY: 2 * KG, APRIL: KG}, now=IN_MARCH)

    deed.change({MARCH: KG, APRIL: KG // 2}, now=IN_MARCH)

    assert deed.text().months == ((FEBRUARY, KG), (MARCH, KG), (APRIL, KG // 2))
    assert held(session, deed)[1] == [KG, KG, KG // 2]
    assert whole(session) == []


def test_a_proposal_of_an_earlier_month_is_proposed_anew(session: Session, make: Make) -> None:
    deed = Deed(make)
    made = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: KG // 2})

    with pytest.raises(Conflict, match="The month in which this was proposed is over"):
        deed.sign(made, deed.taker, now=IN_MARCH)

    assert count(session, AmendmentSignature.id) == 0


def test_one_proposal_at_a_time_withdrawn_by_its_side_or_declined_by_the_other(session: Session, make: Make) -> None:
    deed = Deed(make)
    first = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 0})
    with pytest.raises(Conflict, match="proposed already"):
        deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 1}, by=deed.taker)
    with pytest.raises(NotAllowed):
        withdraw_amendment(session, deed.taker, deed.contract_id, first, now=MADE)
    with pytest.raises(NotAllowed):
        decline_amendment(session, deed.seller, deed.contract_id, first, "不。", now=MADE)
    with pytest.raises(Invalid):
        decline_amendment(session, deed.taker, deed.contract_id, first, "  ", now=MADE)
    deed.sign(first, deed.seller)

    decline_amendment(session, deed.taker, deed.contract_id, first, "库容不够。", now=MADE)
    second = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 1}, by=deed.taker)
    withdraw_amendment(session, deed.taker, deed.contract_id, second, now=MADE)

    over: list[tuple[int, str, Callable[[], object]]] = [
        (first, "declined", lambda: deed.sign(first, deed.taker)),
        (second, "withdrawn", lambda: deed.sign(second, deed.seller)),
        (second, "withdrawn", lambda: withdraw_amendment(session, deed.taker, deed.contract_id, second, now=MADE)),
    ]
    for _, why, act in over:
        with pytest.raises(Conflict, match=why):
            act()
    kinds = session.execute(select(OutboxMail.kind, OutboxMail.values).order_by(OutboxMail.id)).all()
    told = [(kind, values["side"]) for kind, values in kinds if kind.startswith("amend")]
    assert told == [
        ("amendment", "recycler"), ("amendment_over", "producer"), ("amendment", "producer"), ("amendment_over", "producer"),
    ]  # fmt: skip
    assert (deed.text().version, held(session, deed), whole(session)) == (1, WAS, [])


def test_signed_twice_has_one_effect_and_another_text_none(session: Session, make: Make) -> None:
    deed = Deed(make)
    made = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 0})
    with pytest.raises(Conflict, match="another by now"):
        sign_amendment(
            session, deed.taker, deed.contract_id, made, proof=proof(deed.taker), terms_sha256="0" * 64, now=MADE
        )
    with pytest.raises(NotAllowed):
        sign_amendment(
            session, deed.taker, deed.contract_id, made, proof=proof(deed.seller), terms_sha256="0" * 64, now=MADE
        )

    done = [deed.sign(made, who) for who in (deed.taker, deed.taker, deed.seller, deed.seller)]

    assert done == [False, False, True, True]
    assert count(session, AmendmentSignature.id) == 2
    acts = session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("contract.")).order_by(AuditRow.id))
    assert list(acts) == ["contract.make", "contract.propose", "contract.sign", "contract.sign", "contract.amend"]
    for act in ("update amendment_signatures set person_name = 'x'", "delete from amendment_signatures"):
        session.rollback()
        with pytest.raises(DatabaseError, match="only grows"):
            session.execute(text(act))


def test_strangers_learn_nothing_and_clerks_sign_nothing(session: Session, make: Make) -> None:
    deed = Deed(make)
    made = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 0})
    clerk = make.actor(make.person("clerk", organization=deed.plant))
    for who, refusal in ((make.signatory(make.organization()), NotFound), (clerk, NotAllowed)):
        for act in (
            lambda who=who: deed.propose({FEBRUARY: KG}, by=who),
            lambda who=who: deed.sign(made, who),
            lambda who=who: withdraw_amendment(session, who, deed.contract_id, made, now=MADE),
            lambda who=who: decline_amendment(session, who, deed.contract_id, made, "不。", now=MADE),
            lambda who=who: deed.terminate(who),
        ):
            with pytest.raises(refusal):
                act()

    assert (count(session, Amendment.id), count(session, AmendmentSignature.id)) == (1, 0)


def test_a_proposal_belongs_to_its_contract(session: Session, make: Make) -> None:
    deed, other = Deed(make), Deed(make)
    made = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 0})

    with pytest.raises(NotFound):
        withdraw_amendment(session, other.seller, other.contract_id, made, now=MADE)


def test_after_its_last_month_nothing_is_changed(session: Session, make: Make) -> None:
    deed = Deed(make)

    with pytest.raises(Conflict, match="last month of this contract is over"):
        deed.propose({APRIL: KG}, now=IN_MARCH + 60 * DAY)


def test_pages_show_the_version_in_force_and_each_before(session: Session, make: Make) -> None:
    deed = Deed(make)
    deed.change({FEBRUARY: KG, MARCH: KG, APRIL: 0}, 3500)
    deed.propose({FEBRUARY: KG, MARCH: 0, APRIL: 0})

    with counted(session.get_bind()) as statements:
        page = contract_page(session, deed.seller, deed.contract_id, now=MADE)

    assert sum(each.startswith("SELECT") for each in statements) == 5
    assert (page.version, page.in_force, page.terms.kg, page.terms.price_fen_per_t) == (2, 2, 2 * KG, 3500)
    assert [each.state for each in page.versions] == ["in_force", "open"]
    assert (page.intact, len(page.signatures), page.proposal and page.proposal.version) == (True, 2, 3)
    first = contract_page(session, deed.seller, deed.contract_id, version=1, now=MADE)
    assert (first.version, first.terms.kg, len(first.signatures)) == (1, 3 * KG, 2)
    with pytest.raises(NotFound):
        contract_page(session, deed.seller, deed.contract_id, version=3, now=MADE)
    row = contracts_index(session, deed.seller, Wish("", "", 1), now=MADE).listed.rows[0]
    assert (row.kg, row.price_fen_per_t, row.terminated) == (2 * KG, 3500, False)


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        ("delete from amendment_signatures where side = 'producer'", "I20d"),
        ("update amendments set terms_sha256 = 'x'", "I11b I20d"),
        ("update amendments set kg = kg + 1", "I11b I4a"),
        ("update amendments set version = 3", "I20d"),
    ],
)
def test_a_broken_version_is_named(session: Session, make: Make, damage: str, codes: str) -> None:
    Deed(make).change({FEBRUARY: KG, MARCH: KG, APRIL: 0})
    with transaction(session):
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("set local session_replication_role = replica"))
        else:
            session.execute(text("drop trigger if exists amendment_signatures_only_grows_delete"))
        session.execute(text(damage))

    assert {each.split()[0] for each in whole(session)} == set(codes.split())


def test_a_signature_a_month_early_is_no_fault_of_the_clock(session: Session, make: Make) -> None:
    """Signed at the very end of the month in which it was proposed, by the clock of China."""
    deed = Deed(make)
    end = MADE.replace(day=31, hour=15, minute=59)
    made = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 0}, now=end)

    assert deed.sign(made, deed.taker, now=end) is False
    with pytest.raises(Conflict, match="is over"):
        deed.sign(made, deed.seller, now=end + timedelta(minutes=1))


def test_no_clock_that_was_set_back_signs_before_the_proposal(session: Session, make: Make) -> None:
    deed = Deed(make)
    made = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 0}, now=MADE)
    for who, ago in ((deed.taker, 1), (deed.seller, 2)):
        deed.sign(made, who, now=MADE - timedelta(seconds=ago))
    deed.terminate(deed.taker, now=MADE - timedelta(seconds=3))

    version = session.get_one(Amendment, made)
    ended_at = session.scalars(select(Termination.terminated_at)).one()
    assert (version.made_at, ended_at) == (MADE, MADE)
    assert whole(session) == []


def test_a_proposal_waits_on_the_page_of_the_day_of_who_has_not_signed(session: Session, make: Make) -> None:
    def waiting() -> list[list[str]]:
        pages = [today_page(session, who, month=FEBRUARY, now=MADE) for who in (deed.seller, deed.taker)]
        return [[str(task.text) for task in page.tasks if task.noun == "contracts"] for page in pages]

    deed = Deed(make)
    told = [f"Contract HY-2027-{deed.award_id:06d}: version 2 is proposed."]
    assert waiting() == [[], []]

    made = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 0})
    assert waiting() == [told, told]
    deed.sign(made, deed.seller)
    assert waiting() == [[], told]
    deed.sign(made, deed.taker)

    assert waiting() == [[], []]
