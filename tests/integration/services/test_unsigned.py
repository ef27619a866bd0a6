"""An award of a bid that one side signed and the other did not: who is called then, and who is not."""

from __future__ import annotations

from sqlalchemy.orm import Session

from marketplace.services.awards import lapse_due
from marketplace.services.listings import award_bid
from tests.factories import Make, accept
from tests.integration.services.test_ladder import ALL, ANSWER_BY, LATER, Ladder, acts, awarded, reserved, whole


def test_what_the_producer_leaves_unsigned_though_the_recycler_signed_calls_nobody(
    session: Session, make: Make
) -> None:
    of = Ladder(make, ALL, ALL)
    accept(session, of.bidders[0][2], of.award_id, now=LATER)

    lapse_due(session, ANSWER_BY)

    assert len(awarded(session)) == 1
    assert reserved(session) == [0, 0, 0]
    assert acts(session, "award.call") == []
    award_bid(session, of.seller, of.bids[1], ALL, now=ANSWER_BY)
    assert whole(session)


def test_what_the_recycler_leaves_unsigned_calls_the_next_though_the_producer_signed(
    session: Session, make: Make
) -> None:
    of = Ladder(make, ALL, ALL)
    accept(session, of.seller, of.award_id, now=LATER)

    lapse_due(session, ANSWER_BY)

    assert awarded(session) == [(of.bids[0], 3 * ALL), (of.bids[1], 3 * ALL)]
    assert whole(session)
