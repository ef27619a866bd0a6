"""The cap per buyer in rounds: what a buyer has already counts, and holds until the round is published."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.domain.quantities import Month
from marketplace.persistence.caps import held_by_buyers
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.rounds import Award, Leftover, Round
from marketplace.services.awards import decline_award
from marketplace.services.proposals import rest_of
from marketplace.services.rounds import publish_round
from marketplace.services.snapshots import read_snapshot
from tests.factories import NOON, Make
from tests.integration.services.rounds_world import AFTER, World, published, solve


def capped(make: Make, cap_kg: int = 9_000_000) -> World:
    """Return a plant that gives one buyer at most so much of its 15,000 t, and a recycler with room for all."""
    made = World(make, make.park())
    made.plant(cap_per_buyer_kg=cap_kg)
    made.recycler()
    return made


def bought(made: World, kg: int, **given: object) -> Award:
    """Return an award of the listing to the recycler, which holds no counter."""
    listing, line = made.listings[0], made.lines[0]
    bid = made.make.bid(listing, line, made.recyclers[0])
    values = {
        "bid_id": bid.id,
        "listing_id": listing.id,
        "line_id": line.id,
        "producer_id": made.plants[0].id,
        "recycler_id": made.recyclers[0].id,
        "kg": kg,
        "price_fen_per_t": 1000,
        "freight_fen_per_t": 0,
        "deduction_fen_per_t": 0,
        "great_circle_m": 1,
        "road_m": 1,
        "explanation": {},
        "awarded_at": NOON,
        "answer_by": AFTER,
    }
    return Award(**(values | given))


def test_a_round_gives_a_buyer_no_more_than_the_cap(session: Session, make: Make) -> None:
    made = capped(make)

    awards = published(session, made, made.round())

    assert [award.kg for award in awards] == [9_000_000]
    left = session.execute(select(Leftover.kg, Leftover.reason).where(Leftover.listing_id.is_not(None))).all()
    assert left == [(6_000_000, "cap_per_buyer")]
    assert list(broken(session)) == []
    session.rollback()
    assert published(session, made, made.round(number=50)) == []


@pytest.mark.parametrize(
    ("given", "had"),
    [
        ({}, 4_000_000),
        ({"declined_at": NOON}, 0),
        ({"lapsed_at": NOON}, 0),
        ({"price_fen_per_t": None}, 0),
    ],
)
def test_what_live_awards_gave_a_buyer_is_read(
    session: Session, make: Make, given: dict[str, object], had: int
) -> None:
    made = capped(make)
    of = made.round()
    award = bought(made, 4_000_000, **given)
    with transaction(session):
        session.add(award)

    (lot,) = read_snapshot(session, of, now=AFTER).lots

    assert lot.cap_per_buyer_kg == 9_000_000
    assert lot.had == (((made.recyclers[0].id, had),) if had else ())
    assert lot.left_for(made.recyclers[0].id) == 9_000_000 - had
    assert held_by_buyers(session, []) == {}


def test_what_a_buyer_got_since_the_round_was_solved_counts_too(session: Session, make: Make) -> None:
    made = capped(make)
    of = made.round()
    solve(session, made.administrator, of)
    award = bought(made, 4_000_000)
    with transaction(session):
        session.add(award)

    with pytest.raises(Conflict, match=r"at most 9000000 t of it\. .* would give it 13000000 t"):
        publish_round(session, made.administrator, of.id, now=AFTER)

    assert session.scalar(select(func.count(Award.id)).where(Award.round_id.is_not(None))) == 0
    assert session.get_one(Round, of.id, populate_existing=True).solved_at is None


def test_what_is_allotted_again_keeps_the_cap(session: Session, make: Make) -> None:
    made = capped(make)
    made.recycler(price=3_000)
    of = made.round()
    awards = published(session, made, of)
    assert sorted(award.kg for award in awards) == [6_000_000, 9_000_000]
    of_second = next(award for award in awards if award.recycler_id == made.recyclers[1].id)
    decline_award(session, make.signatory(made.recyclers[1]), of_second.id, "no", now=AFTER)

    rest = rest_of(session, session.get_one(Round, of.id), read_snapshot(session, of, now=AFTER))

    (lot,) = rest.lots
    first_id = made.recyclers[0].id
    assert dict(lot.had)[first_id] == sum(award.kg for award in awards if award.recycler_id == first_id)
    assert [month for month, kg in lot.months if kg] != []
    assert {month for month, _ in lot.months} <= set(Month(2027, 2).until(Month(2027, 4)))
