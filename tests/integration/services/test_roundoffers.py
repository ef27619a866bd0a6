"""What is handed in to a round lies sealed until its first run, and then stands in the place of what is stated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import KeyFile
from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, MarketplaceError, NotAllowed, NotFound
from marketplace.domain.pricesteps import PriceStep
from marketplace.domain.roundoffers import LineOffer, ListingReserve
from marketplace.domain.rounds import Snapshot
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.roundoffers import RoundOffer
from marketplace.persistence.rounds import Round, RoundFile
from marketplace.queries.roundoffers import count_of, offers_page
from marketplace.services import roundoffers
from marketplace.services.rounds import publish_round, run_round
from marketplace.solver.engines import engine
from tests.factories import NOON, SEALER, Make
from tests.integration.services.rounds_world import World, awards_of, sessions, world

HOUR = timedelta(hours=1)
CLOSED = NOON + timedelta(days=3, hours=1)
OFFER = LineOffer(prices=(("fly_ash", 7000),), kg_per_month=3_000_000)
RESERVE = ListingReserve(reserve_fen_per_t=900)


@dataclass
class Trade:
    """A plant and a recycler in a round that collects."""

    session: Session
    made: World
    of: Round
    buyer: Actor
    seller: Actor

    @property
    def line_id(self) -> int:
        return self.made.lines[0].id

    @property
    def listing_id(self) -> int:
        return self.made.listings[0].id

    def offer(self, offer: LineOffer = OFFER, *, confirmed: bool = False, at: timedelta = HOUR) -> int:
        return roundoffers.hand_in_offer(
            self.session, self.buyer, self.of.id, self.line_id, offer,
            sealer=SEALER, confirmed=confirmed, now=NOON + at,
        )  # fmt: skip

    def reserve(self, reserve: ListingReserve = RESERVE, *, at: timedelta = HOUR) -> int:
        return roundoffers.hand_in_reserve(
            self.session, self.seller, self.of.id, self.listing_id, reserve, sealer=SEALER, now=NOON + at
        )

    def run(self, sealer: KeyFile = SEALER) -> None:
        administrator, round_id = self.made.administrator, self.of.id
        self.session.rollback()  # or this session would go on reading what was there before
        run_round(
            sessions(self.session), administrator, round_id,
            engine=engine("scipy"), engine_name="scipy", sealer=sealer, now=lambda: CLOSED,
        )  # fmt: skip

    @property
    def frozen(self) -> Snapshot:
        self.session.rollback()
        content = self.session.scalars(select(RoundFile.content).where(RoundFile.kind == "input")).all()[-1]
        return Snapshot.from_json(content)

    @property
    def rows(self) -> int:
        return self.session.scalar(select(func.count(RoundOffer.id))) or 0


@pytest.fixture
def trade(session: Session, make: Make) -> Trade:
    made = world(make)
    of = made.round(closed_at=None)
    return Trade(session, made, of, make.signatory(made.recyclers[0]), make.signatory(made.plants[0]))


def test_offer_and_reserve_stand_in_the_place_of_what_is_stated(trade: Trade) -> None:
    trade.offer()
    trade.reserve()

    trade.run()

    (line,), (lot,) = trade.frozen.lines, trade.frozen.lots
    assert dict(line.accepting.materials) == {"fly_ash": 7000}
    assert [kg for _, kg in line.months] == [3_000_000] * 3
    assert lot.offered.reserve_fen_per_t == 900
    publish_round(trade.session, trade.made.administrator, trade.of.id, now=CLOSED)
    (award,) = awards_of(trade.session, trade.of)
    assert award.kg == 9_000_000  # of 15,000 t offered: no more than the line takes
    assert award.price_fen_per_t == 900 + (7000 - award.freight_fen_per_t - 900) // 2
    assert [each.invariant.code for each in broken(trade.session)] == []


def test_what_is_beyond_a_step_is_settled_below_the_first_price(trade: Trade) -> None:
    trade.offer(replace(OFFER, steps=(PriceStep(beyond_kg=2_000_000, less_fen_per_t=600),)))
    trade.reserve()

    trade.run()

    (line,) = trade.frozen.lines
    assert line.steps == (PriceStep(beyond_kg=2_000_000, less_fen_per_t=600),)
    publish_round(trade.session, trade.made.administrator, trade.of.id, now=CLOSED)
    (award,) = awards_of(trade.session, trade.of)
    assert award.kg == 9_000_000
    # a third of each month is bid 600 less: 200 on each tonne
    assert award.price_fen_per_t == 900 + (7000 - 200 - award.freight_fen_per_t - 900) // 2
    (row,) = offers_page(trade.session, trade.buyer, trade.of.id, now=CLOSED).lines
    assert row.sent is not None
    assert row.sent.content == replace(OFFER, steps=line.steps)
    assert [each.invariant.code for each in broken(trade.session)] == []


def test_without_any_lines_and_listings_take_part_as_they_state(trade: Trade) -> None:
    trade.run()

    (line,), (lot,) = trade.frozen.lines, trade.frozen.lots
    assert dict(line.accepting.materials) == {"fly_ash": 6000}
    assert [kg for _, kg in line.months] == [20_000_000] * 3
    assert lot.offered.reserve_fen_per_t == 500
    assert trade.session.scalar(select(func.count(AuditRow.id)).where(AuditRow.action == "offer.open")) == 0


def test_it_lies_sealed_until_the_first_run(trade: Trade) -> None:
    trade.offer(replace(OFFER, prices=(("fly_ash", 735791),)), confirmed=True)
    trade.reserve(ListingReserve(reserve_fen_per_t=837539))  # so long that no hash holds it by chance

    held = trade.session.execute(text("select * from round_offers")).all()
    assert not any(word in str(held) for word in ("735791", "837539", "fly_ash", "reserve"))
    page = offers_page(trade.session, trade.buyer, trade.of.id, now=NOON + HOUR)
    sent = page.line(trade.line_id).sent
    assert sent is not None
    assert (sent.content, sent.opened_at) == (None, None)
    assert (page.listings, count_of(trade.session, trade.of.id)) == ((), None)

    trade.run()

    page = offers_page(trade.session, trade.buyer, trade.of.id, now=CLOSED)
    sent = page.line(trade.line_id).sent
    assert sent is not None
    assert (sent.content, sent.opened_at) == (LineOffer(prices=(("fly_ash", 735791),), kg_per_month=3_000_000), CLOSED)
    assert (page.listings, page.may, count_of(trade.session, trade.of.id)) == ((), False, 2)
    audit = trade.session.scalars(select(AuditRow).where(AuditRow.action == "offer.open")).one()
    assert (audit.detail["opened"], audit.detail["invalid"]) == (2, 0)


def test_the_same_again_changes_nothing_another_takes_its_place_and_may_be_taken_back(trade: Trade) -> None:
    first = trade.offer()
    assert trade.offer(at=2 * HOUR) == first
    second = trade.offer(replace(OFFER, kg_per_month=2_000_000), at=3 * HOUR)
    assert second != first
    with pytest.raises(Conflict, match="replaced by a newer"):
        roundoffers.take_back_offer(trade.session, trade.buyer, first, now=NOON + 4 * HOUR)
    for _ in range(2):
        roundoffers.take_back_offer(trade.session, trade.buyer, second, now=NOON + 4 * HOUR)

    rows = trade.session.execute(
        select(RoundOffer.revision, RoundOffer.replaced_at, RoundOffer.withdrawn_at).order_by(RoundOffer.id)
    ).all()
    assert [tuple(row) for row in rows] == [(1, NOON + 3 * HOUR, None), (2, None, NOON + 4 * HOUR)]
    acts = trade.session.scalars(select(AuditRow.action).where(AuditRow.object_kind == "offer").order_by(AuditRow.id))
    assert acts.all() == ["offer.hand_in", "offer.hand_in", "offer.take_back"]
    trade.run()
    assert dict(trade.frozen.lines[0].accepting.materials) == {"fly_ash": 6000}


REFUSED: dict[str, tuple[type[MarketplaceError], str, Callable[[Trade], object]]] = {
    "another material": (Invalid, "does not take", lambda t: t.offer(replace(OFFER, prices=(("gypsum", 100),)))),
    "more than the line": (Invalid, "takes in", lambda t: t.offer(replace(OFFER, kg_per_month=20_000_001))),
    "a last price that is unusual": (
        Invalid,
        "five times",
        lambda t: t.offer(replace(OFFER, steps=(PriceStep(beyond_kg=1_000_000, less_fen_per_t=6500),))),
    ),
    "an unusual price": (Invalid, "five times", lambda t: t.offer(replace(OFFER, prices=(("fly_ash", 70000),)))),
    "after the end": (Conflict, "does not collect", lambda t: t.offer(at=timedelta(days=3))),
    "a reserve after the end": (Conflict, "does not collect", lambda t: t.reserve(at=timedelta(days=3))),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused_and_writes_nothing(trade: Trade, case: str) -> None:
    error, said, act = REFUSED[case]

    with pytest.raises(error, match=said):
        act(trade)

    assert (trade.rows, trade.session.scalar(select(func.count(AuditRow.id)))) == (0, 0)


def test_an_unusual_price_that_is_meant_is_taken(trade: Trade) -> None:
    trade.offer(replace(OFFER, prices=(("fly_ash", 70000),)), confirmed=True)

    assert trade.rows == 1


def test_only_signatories_of_the_own_hand_in(trade: Trade, make: Make) -> None:
    clerk = make.actor(make.person("clerk", organization=trade.made.recyclers[0]))
    for actor, error in ((trade.seller, NotFound), (trade.made.administrator, NotFound), (clerk, NotAllowed)):
        with pytest.raises(error):
            roundoffers.hand_in_offer(
                trade.session, actor, trade.of.id, trade.line_id, OFFER, sealer=SEALER, now=NOON + HOUR
            )
    offer = trade.offer()
    for actor, error in ((trade.seller, NotFound), (clerk, NotAllowed)):
        with pytest.raises(error):
            roundoffers.take_back_offer(trade.session, actor, offer, now=NOON + HOUR)

    assert trade.rows == 1
    assert trade.session.scalars(select(RoundOffer.withdrawn_at)).one() is None
    with pytest.raises(NotFound):
        offers_page(trade.session, trade.made.administrator, trade.of.id, now=NOON + HOUR)


def test_a_planning_round_and_a_round_elsewhere_take_nothing(trade: Trade, make: Make) -> None:
    planning = trade.made.round(closed_at=None, kind="planning")
    far = make.round(make.park())

    for of, said in ((planning, "no prices"), (far, "beyond the radius")):
        with pytest.raises(Conflict, match=said):
            roundoffers.hand_in_offer(
                trade.session, trade.buyer, of.id, trade.line_id, OFFER, sealer=SEALER, now=NOON + HOUR
            )
    with pytest.raises(Conflict, match="another park"):
        roundoffers.hand_in_reserve(
            trade.session, trade.seller, far.id, trade.listing_id, RESERVE, sealer=SEALER, now=NOON + HOUR
        )
    assert trade.rows == 0


def test_a_request_from_before_the_end_that_had_to_wait_for_the_run_is_refused(trade: Trade) -> None:
    trade.offer()
    trade.run()
    with transaction(trade.session):  # as if the run had brought nothing
        trade.session.execute(update(Round).values(solving_at=None, solved_at=None))

    with pytest.raises(Conflict, match="does not collect"):
        trade.offer(replace(OFFER, kg_per_month=1_000_000), at=2 * HOUR)

    assert trade.rows == 1


def test_without_the_key_the_run_says_so_opens_nothing_and_works_once_it_is_back(trade: Trade, tmp_path: Path) -> None:
    trade.offer()

    with pytest.raises(Conflict, match="not on this server"):
        trade.run(KeyFile(tmp_path / "elsewhere.key"))

    trade.session.rollback()
    of = trade.session.get_one(Round, trade.of.id, populate_existing=True)
    assert (of.offers_opened_at, of.solving_at, of.solved_at) == (None, None, None)
    assert of.failed_because is not None
    assert "not on this server" in str(of.failed_because)
    assert trade.session.scalars(select(RoundOffer.opened_at)).one() is None
    trade.run()
    assert dict(trade.frozen.lines[0].accepting.materials) == {"fly_ash": 7000}


@pytest.mark.parametrize("with_the_check", [True, False])
def test_a_box_from_another_row_is_invalid_and_the_others_are_opened(
    trade: Trade, monkeypatch: pytest.MonkeyPatch, with_the_check: bool
) -> None:
    if not with_the_check:
        monkeypatch.setattr(roundoffers, "bound_to", lambda *_: b"")
    first = trade.offer()
    trade.offer(replace(OFFER, prices=(("fly_ash", 6500),)), at=2 * HOUR)
    trade.reserve()
    with transaction(trade.session):  # the bidder's first box put into the row of the second
        sealed = trade.session.get_one(RoundOffer, first).sealed
        trade.session.execute(update(RoundOffer).where(RoundOffer.revision == 2).values(sealed=sealed))

    trade.run()

    rows = trade.session.execute(
        select(RoundOffer.invalid_because, RoundOffer.content)
        .where(RoundOffer.opened_at.is_not(None))
        .order_by(RoundOffer.id)
    ).all()
    price = dict(trade.frozen.lines[0].accepting.materials)["fly_ash"]
    reserve = trade.frozen.lots[0].offered.reserve_fen_per_t
    if with_the_check:
        assert [row.invalid_because for row in rows] == ["changed", ""]
        assert (price, reserve) == (6000, 900)
    else:  # the control: what was replaced comes back
        assert [row.invalid_because for row in rows] == ["", ""]
        assert (price, reserve) == (7000, 900)


def test_a_material_that_is_not_named_is_not_taken(trade: Trade, make: Make) -> None:
    line = make.line(
        make.site(trade.made.recyclers[0], lat_udeg=40_200_000, lon_udeg=113_450_000),
        materials={"gypsum": 100, "fly_ash": 5000},
    )
    roundoffers.hand_in_offer(
        trade.session, trade.buyer, trade.of.id, line.id, LineOffer(prices=(("gypsum", 120),), kg_per_month=1_000_000),
        sealer=SEALER, now=NOON + HOUR,
    )  # fmt: skip

    trade.run()

    taken = {each.line_id: dict(each.accepting.materials) for each in trade.frozen.lines}
    assert taken[line.id] == {"gypsum": 120}
    assert json.dumps(taken[line.id]) == '{"gypsum": 120}'
