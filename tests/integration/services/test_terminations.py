"""One side ends a contract with a cause: what was not delivered is free, and who stands by is called."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from marketplace.domain.amendments import NewTermination
from marketplace.domain.errors import Conflict, Invalid, NotAllowed
from marketplace.domain.wording import sentence
from marketplace.persistence.amendments import Amendment, Termination, TerminationMonth
from marketplace.persistence.caps import held_by_buyers
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Award, AwardWait, Contract
from marketplace.persistence.standby import StandbyCall
from marketplace.queries.bidding import award_page
from marketplace.queries.contracts import contract_page, contracts_index
from marketplace.queries.listed import Wish
from marketplace.services import terminations
from marketplace.services.terminations import terminate_contract
from tests.factories import Make, accept, proof
from tests.integration.services.deeds import APRIL, FEBRUARY, IN_MARCH, KG, MADE, MARCH, Deed, held
from tests.integration.services.rounds_world import AFTER
from tests.integration.services.test_amendments import WAS, whole
from tests.integration.services.test_storage_rounds import bridged, published


def test_before_it_begins_all_of_it_is_free_again(session: Session, make: Make) -> None:
    deed = Deed(make)

    deed.terminate(deed.taker)

    assert held(session, deed) == ([(0, 0)] * 3, [0] * 3)
    row = session.scalars(select(Termination)).one()
    assert (row.side, row.cause, row.reason, row.delivered_kg, row.freed_kg) == (
        "recycler", "stopped", "窑线停产。", 0, 3 * KG,
    )  # fmt: skip
    assert row.sha256 == session.scalars(select(Contract.terms_sha256)).one()
    kinds = session.execute(select(OutboxMail.values).where(OutboxMail.kind == "terminated")).scalars().all()
    assert sorted(values["side"] for values in kinds) == ["producer", "recycler"]
    assert whole(session) == []


def test_the_producer_reads_among_the_bids_that_it_was_ended(session: Session, make: Make) -> None:
    deed = Deed(make)
    before = award_page(session, deed.seller, deed.listing.id, now=IN_MARCH).rows
    assert [(row.terminated, row.award_over) for row in before] == [(False, False)]

    deed.terminate(deed.taker)

    after = award_page(session, deed.seller, deed.listing.id, now=IN_MARCH).rows
    assert [(row.terminated, row.award_over) for row in after] == [(True, False)]


def test_what_was_delivered_stays_and_the_rest_is_free(session: Session, make: Make) -> None:
    deed = Deed(make)

    deed.terminate(deed.seller, 300_000, now=IN_MARCH)

    assert held(session, deed) == ([(0, KG), (0, 300_000), (0, 0)], [KG, 300_000, 0])
    freed = session.execute(select(TerminationMonth.month, TerminationMonth.kg).order_by(TerminationMonth.month)).all()
    assert [tuple(row) for row in freed] == [(MARCH, 700_000), (APRIL, KG)]
    assert whole(session) == []


def test_a_version_in_force_is_ended_by_its_own_months(session: Session, make: Make) -> None:
    deed = Deed(make)
    deed.change({FEBRUARY: KG, MARCH: 2 * KG, APRIL: 0})

    deed.terminate(deed.seller, 1_500_000, now=IN_MARCH)

    assert held(session, deed)[1] == [KG, 1_500_000, 0]
    assert whole(session) == []


@pytest.mark.parametrize(
    ("given", "refusal", "why"),
    [
        (("stopped", "停产。", KG + 1), Invalid, "For this month"),
        (("stopped", " ", 0), Invalid, "Say why"),
        (("bored", "停产。", 0), Invalid, "Choose one"),
    ],
)
def test_a_termination_that_makes_no_sense_changes_nothing(
    session: Session, make: Make, given: tuple[str, str, int], refusal: type[Exception], why: str
) -> None:
    deed = Deed(make)
    digest = deed.text().sha256

    with pytest.raises(refusal, match=why):
        terminate_contract(
            session, deed.taker, deed.contract_id, NewTermination(*given), proof=proof(deed.taker),
            terms_sha256=digest, now=IN_MARCH,
        )  # fmt: skip

    assert (held(session, deed), session.scalar(select(func.count(Termination.id)))) == (WAS, 0)


def test_it_is_ended_once_by_its_own_signatory_over_the_version_in_force(session: Session, make: Make) -> None:
    deed = Deed(make)
    new, old = NewTermination("other", "另有安排。", 0), deed.text().sha256
    with pytest.raises(NotAllowed):
        terminate_contract(
            session, deed.taker, deed.contract_id, new, proof=proof(deed.seller), terms_sha256=old, now=MADE
        )
    deed.change({FEBRUARY: KG, MARCH: KG, APRIL: 0})
    with pytest.raises(Conflict, match="Another version"):
        terminate_contract(
            session, deed.taker, deed.contract_id, new, proof=proof(deed.taker), terms_sha256=old, now=MADE
        )

    deed.terminate(deed.taker)

    for who in (deed.taker, deed.seller):
        with pytest.raises(Conflict, match="has been terminated"):
            deed.terminate(who)
    with pytest.raises(Conflict, match="has been terminated"):
        deed.propose({FEBRUARY: KG})
    for act in ("update terminations set reason = 'x'", "delete from termination_months"):
        session.rollback()
        with pytest.raises(DatabaseError, match="only grows"):
            session.execute(text(act))


def test_after_all_is_delivered_there_is_nothing_to_end(session: Session, make: Make) -> None:
    deed = Deed(make)
    end = IN_MARCH.replace(month=4)

    with pytest.raises(Conflict, match="nothing left to terminate"):
        deed.terminate(deed.taker, KG, now=end)
    with pytest.raises(Conflict, match="is over"):
        deed.terminate(deed.taker, now=end.replace(month=5))

    assert held(session, deed) == WAS


@pytest.mark.parametrize("by", ["producer", "recycler"])
def test_a_proposal_ends_with_its_contract(session: Session, make: Make, by: str) -> None:
    deed = Deed(make)
    made = deed.propose({FEBRUARY: KG, MARCH: KG, APRIL: 0})
    deed.sign(made, deed.seller)

    deed.terminate(deed.seller if by == "producer" else deed.taker)

    row = session.get_one(Amendment, made, populate_existing=True)
    assert ((row.withdrawn_at is not None), (row.declined_at is not None)) == (by == "producer", by == "recycler")
    with pytest.raises(Conflict):
        deed.sign(made, deed.taker)
    assert whole(session) == []


def test_who_stands_by_is_called_when_the_recycler_ends_it(session: Session, make: Make) -> None:
    deed = Deed(make, others=1, kg_per_month=KG + 1)

    deed.terminate(deed.taker)

    called = session.scalars(select(Award).where(Award.bid_id == deed.bids[1])).one()
    assert (called.kg, called.producer_accepted_at) == (3 * KG, None)
    told = [str(sentence(each)) for each in called.explanation["recycler"]]
    assert told[0].startswith("A contract before yours was terminated on")
    assert session.scalars(select(StandbyCall.after_award_id)).one() == deed.award_id
    assert held(session, deed) == ([(KG, 0)] * 3, [0] * 3)
    assert whole(session) == []


def test_nobody_is_called_when_the_producer_ends_it(session: Session, make: Make) -> None:
    deed = Deed(make, others=1, kg_per_month=KG + 1)

    deed.terminate(deed.seller)

    assert session.scalar(select(func.count(StandbyCall.id))) == 0
    assert held(session, deed) == ([(0, 0)] * 3, [0] * 3)
    assert whole(session) == []


def test_what_waits_in_a_yard_is_free_with_it(session: Session, make: Make) -> None:
    made = bridged(make)
    award = next(each for each in published(session, made, made.round()) if each.kg)
    actors = (make.signatory(made.plants[0]), make.signatory(made.recyclers[0]))
    contract_ids = [accept(session, who, award.id, now=AFTER) for who in actors]
    assert session.scalar(select(func.count(AwardWait.id))) != 0
    digest = session.scalars(select(Contract.terms_sha256)).one()
    session.rollback()

    terminate_contract(
        session, actors[1], contract_ids[1] or 0, NewTermination("stopped", "停窑。", 0), proof=proof(actors[1]),
        terms_sha256=digest, now=AFTER,
    )  # fmt: skip

    assert session.scalar(select(func.count(AwardWait.id))) == 0
    assert whole(session) == []


def test_pages_say_that_and_why_it_ended(session: Session, make: Make) -> None:
    deed = Deed(make)
    deed.terminate(deed.taker)

    page = contract_page(session, deed.seller, deed.contract_id, now=MADE)

    assert (page.state, page.ended and (page.ended.side, page.ended.cause, page.ended.freed_kg)) == (
        "terminated", ("recycler", "stopped", 3 * KG),
    )  # fmt: skip
    assert contracts_index(session, deed.seller, Wish("", "", 1), now=MADE).listed.rows[0].terminated


def test_with_nothing_given_back_the_counters_are_named(
    session: Session, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of what is free again."""
    deed = Deed(make)
    monkeypatch.setattr(terminations, "free", lambda *_given, **_named: None)

    deed.terminate(deed.taker)

    assert [each.split()[0] for each in whole(session)] == ["I4a"]


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        ("update terminations set freed_kg = freed_kg + 1", "I20e I4a"),
        ("update terminations set organization_id = (select min(id) from organizations)", "I20e"),
    ],
)
def test_a_broken_termination_is_named(session: Session, make: Make, damage: str, codes: str) -> None:
    deed = Deed(make)
    deed.terminate(deed.taker)
    with transaction(session):
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("set local session_replication_role = replica"))
        else:
            session.execute(text("drop trigger if exists terminations_only_grows_update"))
        session.execute(text(damage))

    assert {each.split()[0] for each in whole(session)} == set(codes.split())


def test_what_was_freed_counts_no_more_against_the_cap_of_a_buyer(session: Session, make: Make) -> None:
    deed = Deed(make)
    buyer_id = next(iter(deed.taker.organization_ids))
    assert held_by_buyers(session, [deed.listing.id]) == {deed.listing.id: {buyer_id: 3 * KG}}

    deed.terminate(deed.taker, 400_000, now=IN_MARCH)

    assert held_by_buyers(session, [deed.listing.id]) == {deed.listing.id: {buyer_id: KG + 400_000}}
