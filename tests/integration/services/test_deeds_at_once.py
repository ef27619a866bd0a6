"""What two sides do to one contract at the same moment: one thing happens, and all of it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from marketplace.domain.amendments import NewAmendment, NewTermination
from marketplace.persistence.amendments import Amendment, AmendmentSignature, Termination
from marketplace.persistence.invariants import broken
from marketplace.services.amendments import propose_amendment, sign_amendment, withdraw_amendment
from marketplace.services.terminations import terminate_contract
from tests.factories import Make, proof
from tests.integration.services.deeds import APRIL, FEBRUARY, KG, MADE, MARCH, Deed, held
from tests.integration.services.test_at_once import at_once, count

LESS = {FEBRUARY: KG, MARCH: KG, APRIL: 0}


def test_both_sides_sign_a_version_at_once(make: Make, session: Session) -> None:
    deed = Deed(make)
    made = deed.propose(LESS)
    digest = session.get_one(Amendment, made).terms_sha256
    session.rollback()

    ended = at_once(
        session,
        *[
            lambda own, who=who: sign_amendment(
                own, who, deed.contract_id, made, proof=proof(who), terms_sha256=digest, now=MADE
            )
            for who in (deed.seller, deed.taker)
        ],
    )

    assert ended == ["done", "done"]
    assert count(session, Amendment.made_at.is_not(None)) == 1
    assert count(session, AmendmentSignature.amendment_id == made) == 2
    assert held(session, deed)[1] == [KG, KG, 0]
    assert list(broken(session)) == []


def test_a_contract_has_one_proposal_whoever_comes_at_once(make: Make, session: Session) -> None:
    deed = Deed(make)
    new = NewAmendment(4000, LESS, "检修。")

    ended = at_once(
        session,
        *[
            lambda own, who=who: propose_amendment(own, who, deed.contract_id, new, now=MADE)
            for who in (deed.seller, deed.taker)
        ],
    )

    assert ended == ["Conflict", "done"]
    assert count(session, Amendment.contract_id == deed.contract_id) == 1


def test_a_version_is_signed_or_withdrawn_or_ends_with_its_contract(make: Make, session: Session) -> None:
    deed = Deed(make)
    made = deed.propose(LESS)
    deed.sign(made, deed.taker)
    digest, first = session.get_one(Amendment, made).terms_sha256, deed.text().sha256
    session.rollback()
    new = NewTermination("stopped", "停窑。", 0)

    ended = at_once(
        session,
        lambda own: sign_amendment(
            own, deed.seller, deed.contract_id, made, proof=proof(deed.seller), terms_sha256=digest, now=MADE
        ),
        lambda own: withdraw_amendment(own, deed.seller, deed.contract_id, made, now=MADE),
        lambda own: terminate_contract(
            own, deed.taker, deed.contract_id, new, proof=proof(deed.taker), terms_sha256=first, now=MADE
        ),
    )

    assert not [each for each in ended if each.startswith("fault")], ended
    signed = count(session, Amendment.made_at.is_not(None))
    over = count(session, Amendment.withdrawn_at.is_not(None)) + count(session, Amendment.declined_at.is_not(None))
    assert signed + over == 1
    assert signed + count(session, Termination.contract_id == deed.contract_id) == 1
    assert list(broken(session)) == []
