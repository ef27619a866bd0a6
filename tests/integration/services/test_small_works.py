"""The share for small works in rounds: from what others have already to the moment of publication."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.persistence.caps import left_for_others
from marketplace.persistence.database import transaction
from marketplace.persistence.rounds import Award, Leftover
from marketplace.services.rounds import publish_round
from marketplace.services.snapshots import read_snapshot
from tests.factories import Make
from tests.integration.services.rounds_world import AFTER, World, published, solve
from tests.integration.services.test_caps import bought


def sharing(make: Make, percent: int = 40) -> World:
    """Return a plant that keeps so much of its 15,000 t for small works, and a recycler, not small, with room for all."""
    made = World(make, make.park())
    made.plant(small_works_share_percent=percent)
    made.recycler()
    return made


def small(session: Session, made: World) -> None:
    with transaction(session):
        session.merge(made.recyclers[0]).small_works = True


def test_a_round_keeps_the_share(session: Session, make: Make) -> None:
    made = sharing(make)

    awards = published(session, made, made.round())

    assert [award.kg for award in awards] == [9_000_000]
    left = session.execute(select(Leftover.kg, Leftover.reason).where(Leftover.listing_id.is_not(None))).all()
    assert left == [(6_000_000, "kept_for_small")]
    session.rollback()
    assert published(session, made, made.round(number=50)) == []


def test_a_small_work_gets_the_share_too(session: Session, make: Make) -> None:
    made = sharing(make)
    small(session, made)

    assert [award.kg for award in published(session, made, made.round())] == [15_000_000]


@pytest.mark.parametrize(("is_small", "left"), [(False, 5_000_000), (True, 9_000_000)])
def test_what_others_have_already_counts(session: Session, make: Make, is_small: bool, left: int) -> None:
    made = sharing(make)
    if is_small:
        small(session, made)
    of, award = made.round(), bought(made, 4_000_000)
    with transaction(session):
        session.add(award)

    (lot,) = read_snapshot(session, of, now=AFTER).lots

    assert lot.others_kg == left
    assert left_for_others(session, []) == {}


def test_what_others_got_meanwhile_is_not_published_over(session: Session, make: Make) -> None:
    made = sharing(make)
    of = made.round()
    solve(session, made.administrator, of)
    award = bought(made, 1_000_000)
    with transaction(session):
        session.add(award)

    with pytest.raises(Conflict, match="share for small works"):
        publish_round(session, made.administrator, of.id, now=AFTER)

    session.rollback()
    assert session.scalar(select(func.count(Award.id))) == 1
