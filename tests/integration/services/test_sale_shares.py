"""The share for small works in sales: awards of bids keep it, by hand and down the ladder."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.rounds import Award
from marketplace.queries.bidding import award_page
from marketplace.services.awarding import award_bid
from marketplace.services.awards import decline_award
from marketplace.services.bids import submit_bid
from marketplace.services.opening import open_bids
from tests.factories import NOON, SEALER, Make
from tests.integration.services.market import CLOSES, Market


class Shared(Market):
    """A listing of three times 5,000 t that keeps 40 % for small works, with opened bids of two that are none."""

    def __init__(self, session: Session, make: Make, percent: int = 40) -> None:
        super().__init__(make, kg_per_month=5_000_000, small_works_share_percent=percent)
        self.rival, line, other = self.another()
        given = {"kg_per_month": 5_000_000}
        self.first = submit_bid(session, self.buyer, self.bid(**given), sealer=SEALER, now=NOON)
        self.second = submit_bid(
            session, other, self.bid(line_id=line.id, price_fen_per_t=1100, **given), sealer=SEALER, now=NOON
        )
        open_bids(session, self.seller, self.listing.id, sealer=SEALER, now=CLOSES)


def reserved(session: Session) -> list[int]:
    return list(session.scalars(select(ListingMonth.reserved_kg).order_by(ListingMonth.month)))


def written(session: Session) -> tuple[int | None, int | None]:
    return session.scalar(select(func.count(Award.id))), session.scalar(select(func.count(AuditRow.id)))


def test_beyond_the_share_nothing_goes_to_others_and_nothing_is_written(session: Session, make: Make) -> None:
    market = Shared(session, make)
    before = written(session)

    with pytest.raises(
        Conflict, match=r"40 % of this listing is kept .* may get 9000000 t more .* 9000003 t is too much"
    ):
        award_bid(session, market.seller, market.first, 3_000_001, now=CLOSES)

    assert written(session) == before
    assert reserved(session) == [0, 0, 0]
    award_bid(session, market.seller, market.first, 3_000_000, now=CLOSES)
    assert reserved(session) == [3_000_000] * 3


def test_others_share_what_is_not_kept(session: Session, make: Make) -> None:
    market = Shared(session, make)
    award_bid(session, market.seller, market.first, 2_000_000, now=CLOSES)

    with pytest.raises(Conflict, match="may get 3000000 t more"):
        award_bid(session, market.seller, market.second, 1_000_001, now=CLOSES)

    award_bid(session, market.seller, market.second, 1_000_000, now=CLOSES)
    assert reserved(session) == [3_000_000] * 3


def test_a_small_work_may_get_all_and_takes_nothing_from_the_others(session: Session, make: Make) -> None:
    market = Shared(session, make)
    with transaction(session):
        session.merge(market.recycler).small_works = True

    award_bid(session, market.seller, market.first, 2_000_000, now=CLOSES)
    award_bid(session, market.seller, market.second, 3_000_000, now=CLOSES)

    assert reserved(session) == [5_000_000] * 3


def test_without_a_share_nothing_is_kept(session: Session, make: Make) -> None:
    market = Shared(session, make, percent=0)

    award_bid(session, market.seller, market.first, 5_000_000, now=CLOSES)

    assert reserved(session) == [5_000_000] * 3


def test_the_page_of_awards_says_how_much_others_may_get_and_offers_no_more(session: Session, make: Make) -> None:
    market = Shared(session, make)
    with transaction(session):
        session.merge(market.rival).small_works = True

    page = award_page(session, market.seller, market.listing.id, now=CLOSES)

    assert page.others_kg == 9_000_000
    assert [(row.small_works, row.most_kg) for row in page.rows] == [(False, 3_000_000), (True, 5_000_000)]
    award_bid(session, market.seller, market.first, 3_000_000, now=CLOSES)
    assert award_page(session, market.seller, market.listing.id, now=CLOSES).others_kg == 0


def test_what_comes_free_is_free_for_others_again(session: Session, make: Make) -> None:
    market = Shared(session, make)
    award_id = award_bid(session, market.seller, market.first, 3_000_000, now=CLOSES)

    decline_award(session, market.buyer, award_id, "检修停窑。", now=CLOSES)

    awards = session.execute(
        select(Award.bid_id, Award.kg).where(Award.declined_at.is_(None), Award.lapsed_at.is_(None))
    ).all()
    assert awards == [(market.second, 9_000_000)], "the next on standby is called, for what others may get"
