"""When an award of a bid comes to nothing the next on standby is called by itself, once, whoever notices it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.listings import CLOSING_TIME
from marketplace.domain.wording import sentence
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.base import EPOCH, MICROSECOND
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.standby import StandbyCall
from marketplace.queries.bidding import award_page
from marketplace.queries.bids import bid_page
from marketplace.services.awards import decline_award, lapse_due
from marketplace.services.listings import award_bid, end_bidding
from tests.factories import NOON, Make, accept
from tests.integration.services.market import CLOSES, Market

HOUR = timedelta(hours=1)
LATER = CLOSES + HOUR
ANSWER_BY = datetime(2027, 2, 3, 17, tzinfo=CLOSING_TIME)
STANDBY_ENDS = datetime(2027, 2, 12, 17, tzinfo=CLOSING_TIME)
ALL = 5_000_000


class Ladder(Market):
    """A listing of 5,000 t a month with bids, best first; all of it is awarded to the first."""

    def __init__(self, make: Make, *kg_per_month: int, awarded: int = ALL, **listing: object) -> None:
        super().__init__(make, **listing)
        self.bidders: list[tuple[Organization, IntakeLine, Actor]] = []
        self.bids: list[int] = []
        for place, kg in enumerate(kg_per_month):
            bidder = self.another()
            bid = make.bid(
                self.listing,
                bidder[1],
                bidder[0],
                kg_per_month=kg,
                price_fen_per_t=4000 - 100 * place,
                received_at=NOON,
            )
            self.bidders.append(bidder)
            self.bids.append(bid.id)
        self.spoil()
        make.opened(self.listing)
        self.award_id = award_bid(make.session, self.seller, self.bids[0], awarded, now=CLOSES)

    def spoil(self) -> None:
        """Do to the bids, before they are opened, what keeps some from being called; here nothing."""

    def decline(self, *, now: datetime = LATER) -> None:
        decline_award(self.make.session, self.bidders[0][2], self.award_id, "检修停窑。", now=now)

    def states(self, *, now: datetime) -> list[str]:
        session = self.make.session
        return [
            bid_page(session, who, bid_id, now=now).row.state
            for (_, _, who), bid_id in zip(self.bidders, self.bids, strict=True)
        ]


def awarded(session: Session) -> list[tuple[int | None, int]]:
    session.rollback()
    rows = session.execute(select(Award.bid_id, Award.kg).order_by(Award.id)).all()
    session.rollback()
    return [(row.bid_id, row.kg) for row in rows]


def reserved(session: Session) -> list[int]:
    return list(session.scalars(select(ListingMonth.reserved_kg).order_by(ListingMonth.month)))


def passed_over(session: Session) -> list[tuple[int, str]]:
    rows = session.execute(
        select(StandbyCall.rank, StandbyCall.passed_over)
        .where(StandbyCall.passed_over.is_not(None))
        .order_by(StandbyCall.id)
    )
    return [(rank, str(sentence(why))) for rank, why in rows if why]


def acts(session: Session, action: str) -> list[dict[str, object]]:
    return list(session.scalars(select(AuditRow.detail).where(AuditRow.action == action).order_by(AuditRow.id)))


def whole(session: Session) -> bool:
    session.rollback()
    return list(broken(session)) == []


def test_a_decline_calls_the_runner_up_in_the_same_act(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL, ALL)
    assert of.states(now=CLOSES) == ["won", "standby", "standby"]

    of.decline()

    assert awarded(session) == [(of.bids[0], 3 * ALL), (of.bids[1], 3 * ALL)]
    called = session.scalars(select(Award).where(Award.bid_id == of.bids[1])).one()
    assert (called.awarded_at, called.answer_by) == (LATER, ANSWER_BY)
    assert (called.producer_accepted_at, called.recycler_accepted_at) == (None, None)
    assert called.price_fen_per_t == 3900
    call = session.scalars(select(StandbyCall)).one()
    assert (call.after_award_id, call.bid_id, call.rank, call.award_id) == (of.award_id, of.bids[1], 2, called.id)
    assert reserved(session) == [ALL] * 3
    assert of.states(now=LATER) == ["forfeited", "won", "standby"]
    assert whole(session)


def test_each_side_is_told_who_called_and_why_it_is_now_and_no_other_bidder(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL, ALL)

    of.decline()

    called = session.scalars(select(Award).where(Award.bid_id == of.bids[1])).one()
    told = {side: [str(sentence(each)) for each in said] for side, said in called.explanation.items()}
    first = of.bidders[0][0].name_zh
    assert first in told["producer"][0]
    assert "declined its award" in told["producer"][0]
    assert told["recycler"][0].startswith("An award before yours was declined on")
    assert "You stood by as number 2" in told["recycler"][1]
    assert not [each for each in told["recycler"] + told["park"] if first in each]
    called_or_declined = OutboxMail.kind.in_(("called", "declined"))
    mails = session.execute(select(OutboxMail.kind, OutboxMail.values).where(called_or_declined)).all()
    sides = [(kind, values["side"], values["other_zh"]) for kind, values in mails]
    assert sorted(sides) == [
        ("called", "producer", of.bidders[1][0].name_zh),
        ("called", "recycler", of.plant.name_zh),
        ("declined", "producer", first),
    ]
    assert acts(session, "award.call") == [
        {
            "listing_id": of.listing.id,
            "after_award_id": of.award_id,
            "bid_id": of.bids[1],
            "kg": 3 * ALL,
            "passed_over": [],
        }
    ]


def test_a_lapse_calls_the_runner_up_once_however_often_the_sweep_comes(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL, ALL)
    lapse_due(session, ANSWER_BY - timedelta(microseconds=1))
    assert len(awarded(session)) == 1

    for _ in range(3):
        lapse_due(session, ANSWER_BY)

    assert awarded(session) == [(of.bids[0], 3 * ALL), (of.bids[1], 3 * ALL)]
    fresh = session.scalars(select(Award.answer_by).where(Award.bid_id == of.bids[1])).one()
    assert fresh == datetime(2027, 2, 8, 17, tzinfo=CLOSING_TIME)
    assert [len(acts(session, act)) for act in ("award.lapse", "award.call")] == [1, 1]
    assert whole(session)


def late_answer(of: Ladder, act: Callable[..., object], *given: str) -> None:
    with pytest.raises(Conflict, match="has lapsed"):
        act(of.make.session, of.bidders[0][2], of.award_id, *given, now=ANSWER_BY)


@pytest.mark.parametrize(
    "notice",
    [
        lambda of: late_answer(of, accept),
        lambda of: late_answer(of, decline_award, "检修停窑。"),
        lambda of: end_bidding(of.make.session, of.seller, of.listing.id, "", now=ANSWER_BY),
    ],
    ids=["who accepts too late", "who declines too late", "who ends the bidding"],
)
def test_without_a_worker_whoever_meets_the_lapse_calls_the_runner_up(
    session: Session, make: Make, notice: Callable[[Ladder], None]
) -> None:
    of = Ladder(make, ALL, ALL)

    notice(of)

    assert awarded(session) == [(of.bids[0], 3 * ALL), (of.bids[1], 3 * ALL)]
    lapse_due(session, ANSWER_BY)
    assert len(awarded(session)) == 2
    assert whole(session)


def test_an_award_by_hand_comes_after_the_call_that_was_due(session: Session, make: Make) -> None:
    of = Ladder(make, 3_000_000, 3_000_000, 3_000_000, awarded=3_000_000)

    award_bid(session, of.seller, of.bids[2], 2_000_000, now=ANSWER_BY)

    assert awarded(session) == [(of.bids[0], 9_000_000), (of.bids[1], 9_000_000), (of.bids[2], 6_000_000)]
    assert whole(session)


def test_who_awards_to_the_runner_up_after_the_lapse_finds_it_called(session: Session, make: Make) -> None:
    of = Ladder(make, 3_000_000, 3_000_000, awarded=3_000_000)

    for _ in range(2):
        with pytest.raises(Conflict, match="awarded already"):
            award_bid(session, of.seller, of.bids[1], 1_000_000, now=ANSWER_BY)

    assert awarded(session) == [(of.bids[0], 9_000_000), (of.bids[1], 9_000_000)]
    assert [len(acts(session, act)) for act in ("award.lapse", "award.call")] == [1, 1]
    assert whole(session)


def test_a_stranger_who_comes_too_late_moves_nothing(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL)

    for stranger in (make.signatory(make.organization()), of.bidders[1][2]):
        with pytest.raises(NotFound):
            accept(session, stranger, of.award_id, now=ANSWER_BY)

    assert len(awarded(session)) == 1
    assert acts(session, "award.lapse") == []


def test_what_came_free_is_placed_down_the_ladder(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, 3_000_000, 3_000_000, 3_000_000)

    of.decline()

    assert awarded(session)[1:] == [(of.bids[1], 9_000_000), (of.bids[2], 6_000_000)]
    assert of.states(now=LATER) == ["forfeited", "won", "partly", "standby"]
    assert whole(session)


def test_no_more_is_called_than_came_free(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL, awarded=2_000_000)

    of.decline()

    assert awarded(session)[1:] == [(of.bids[1], 6_000_000)]
    assert reserved(session) == [2_000_000] * 3
    assert award_page(session, of.seller, of.listing.id, now=LATER).bidding == "to_decide"


def test_the_ladder_ends_with_its_last_rung_and_the_rest_is_awarded_by_hand(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, 3_000_000)
    of.decline()
    second = session.scalars(select(Award.id).where(Award.bid_id == of.bids[1])).one()

    decline_award(session, of.bidders[1][2], second, "库满。", now=LATER + HOUR)

    assert reserved(session) == [0, 0, 0]
    assert session.get_one(Listing, of.listing.id, populate_existing=True).bids_decided_at is None
    assert whole(session)


def test_what_the_producer_declines_itself_calls_nobody_and_can_be_awarded_by_hand(
    session: Session, make: Make
) -> None:
    of = Ladder(make, ALL, ALL)

    decline_award(session, of.seller, of.award_id, "另有安排。", now=LATER)

    assert len(awarded(session)) == 1
    assert reserved(session) == [0, 0, 0]
    award_bid(session, of.seller, of.bids[1], ALL, now=LATER + HOUR)
    assert reserved(session) == [ALL] * 3
    assert whole(session)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("update listings set reserve_fen_per_t = 3950", "below it but by you"),
        ("update listings set reserve_fen_per_t = null, asking_fen_per_t = 3950", "below it but by you"),
        ("update intake_lines set retired_at = 1 where id = :line", "no longer kept"),
        ("update intake_lines set permit_verified_at = null where id = :line", "permit"),
        ("update intake_lines set permit_valid_until = '2027-01-28' where id = :line", "permit"),
        ("update organizations set suspended_at = 1 where id = :bidder", "is suspended"),
        ("update line_materials set material = 'slag' where line_id = :line", "cannot go to this line"),
        ("update listings set cap_per_buyer_kg = 14999999", "one buyer gets at most 14999999 t"),
        ("update listings set small_works_share_percent = 1", "kept for small works"),
        ("update listings set least_lot_kg = 15000001", "nobody gets less than 15000001 t"),
        (
            "update intake_lines set capacity_kg_per_year = 14999999, capacity_kg_per_month = 5000000 where id = :line",
            "permit of this intake line leaves",
        ),
    ],
)
def test_who_does_not_fit_any_more_is_passed_over_with_the_reason(
    session: Session, make: Make, damage: str, why: str
) -> None:
    of = Ladder(make, ALL, ALL, ALL)
    with transaction(session):
        values = {"line": of.bidders[1][1].id, "bidder": of.bidders[1][0].id}
        session.execute(text(damage), {name: value for name, value in values.items() if f":{name}" in damage})

    of.decline()

    over = passed_over(session)
    assert (over[0][0], why in over[0][1]) == (2, True), over
    third = ":line" in damage or ":bidder" in damage
    assert awarded(session)[1:] == ([(of.bids[2], 3 * ALL)] if third else [])
    assert len(over) == (1 if third else 2)
    noted = acts(session, "award.call" if third else "award.nobody_called")
    assert [each["passed_over"] for each in noted] == [[of.bids[1]] if third else of.bids[1:]]
    assert whole(session)


class Spoilt(Ladder):
    """As `Ladder`; the seal of the second bid does not open, and the third was made void before the deadline."""

    def spoil(self) -> None:
        with transaction(self.make.session):
            self.make.session.execute(
                text("update bids set receipt = receipt, sealed = :box where id = :id"),
                {"box": b"changed", "id": self.bids[1]},
            )
            self.make.session.execute(
                text("update bids set withdrawn_at = :at, voided_at = :at, voided_because = 'listing' where id = :id"),
                {"at": (NOON + HOUR - EPOCH) // MICROSECOND, "id": self.bids[2]},
            )


def test_an_invalid_or_void_bid_is_neither_ranked_nor_called(session: Session, make: Make) -> None:
    of = Spoilt(make, ALL, ALL, ALL, ALL)
    assert of.states(now=CLOSES) == ["won", "invalid", "void", "standby"]

    of.decline()

    assert awarded(session) == [(of.bids[0], 3 * ALL), (of.bids[3], 3 * ALL)]
    assert [(each.bid_id, each.rank) for each in session.scalars(select(StandbyCall))] == [(of.bids[3], 2)]
    assert of.states(now=LATER) == ["forfeited", "invalid", "void", "won"]
    assert whole(session)


def test_a_line_without_a_filing_is_passed_over(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL)
    with transaction(session):
        session.execute(
            text("update sites set division_code = '150902' where id = :site"), {"site": of.bidders[1][1].site_id}
        )

    of.decline()

    assert "filing" in passed_over(session)[0][1]
    assert reserved(session) == [0, 0, 0]


def test_nobody_is_called_after_the_bidding_was_ended_for_good(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL)
    end_bidding(session, of.seller, of.listing.id, "谢谢各位。", now=CLOSES + HOUR / 2)
    assert of.states(now=LATER) == ["won", "lost"]

    of.decline()

    assert len(awarded(session)) == 1
    assert reserved(session) == [0, 0, 0]
    with pytest.raises(Conflict, match="has been ended"):
        end_bidding(session, of.seller, of.listing.id, "再次。", now=LATER)
    with pytest.raises(Conflict, match="has been ended"):
        award_bid(session, of.seller, of.bids[1], 1_000_000, now=LATER)


def test_the_standby_ends_at_the_instant_that_was_told(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL)
    page = bid_page(session, of.bidders[1][2], of.bids[1], now=STANDBY_ENDS - timedelta(microseconds=1))
    assert (page.row.state, page.row.standby_until) == ("standby", STANDBY_ENDS)

    lapse_due(session, STANDBY_ENDS)

    assert len(awarded(session)) == 1
    assert of.states(now=STANDBY_ENDS) == ["forfeited", "lost"]


def test_a_refused_decline_calls_nobody(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL)

    with pytest.raises(Invalid):
        decline_award(session, of.bidders[0][2], of.award_id, " ", now=LATER)

    assert len(awarded(session)) == 1
    assert session.scalar(select(func.count(StandbyCall.id))) == 0
    assert session.scalars(select(OutboxMail.kind)).all() == ["awarded"] * 2


def test_once_all_is_under_contract_nobody_stands_by(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL)

    for side in (of.bidders[0][2], of.seller):
        accept(session, side, of.award_id, now=LATER)

    assert session.scalar(select(func.count(Contract.id))) == 1
    assert of.states(now=LATER) == ["won", "lost"]
    page = award_page(session, of.seller, of.listing.id, now=LATER)
    assert (page.standby_until, page.next_up, page.may_end) == (None, None, False)


def test_the_producer_sees_who_is_next_and_who_was_called(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL, ALL)
    before = award_page(session, of.seller, of.listing.id, now=CLOSES)
    assert before.next_up is not None
    assert (before.next_up.rank, before.standby_until, before.may_end) == (2, STANDBY_ENDS, True)

    of.decline()

    page = award_page(session, of.seller, of.listing.id, now=LATER)
    assert page.next_up is not None
    assert page.next_up.rank == 3
    assert [(each.rank, each.kg, each.passed_over) for each in page.calls] == [(2, 3 * ALL, None)]
    assert [row.award_over for row in page.rows] == [True, False, False]


def test_each_bidder_reads_only_its_own_standing(session: Session, make: Make) -> None:
    of = Ladder(make, ALL, ALL, ALL)

    third = bid_page(session, of.bidders[2][2], of.bids[2], now=CLOSES).row

    assert third.standing is not None
    assert (third.standing.rank, third.standing.ahead) == (3, 1)
    with pytest.raises(NotFound):
        bid_page(session, of.bidders[1][2], of.bids[2], now=CLOSES)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update standby_calls set after_award_id = award_id", "I4d"),
        ("update awards set declined_by = 'producer' where declined_at is not null", "I4d"),
        (
            "update awards set declined_at = null, declined_by = null, lapsed_at = answer_by,"
            " recycler_accepted_at = awarded_at where declined_at is not null",
            "I4d",
        ),
        ("update award_months set kg = kg - 1 where award_id = (select min(id) from awards)", "I4e"),
    ],
)
def test_a_broken_ladder_is_named(session: Session, make: Make, damage: str, code: str) -> None:
    Ladder(make, ALL, ALL).decline()

    with transaction(session):
        session.execute(text(damage))

    assert code in {breach.invariant.code for breach in broken(session)}
