"""Reads: awards with the names of both sides, as rounds, awards and contracts show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import aliased

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.contracts import WAITING, AwardState, Side, award_state
from marketplace.domain.listings import SaleKind
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.rounds import Award, Contract, Round
from marketplace.persistence.streams import WasteStream

Producer, Recycler = aliased(Organization), aliased(Organization)
From, To = aliased(Site), aliased(Site)


@dataclass(frozen=True)
class Deal:
    """An award: who, what, how much, at which price, and how far the answers are."""

    id: int
    round_id: int | None
    round_number: int | None
    pass_no: int
    listing_id: int
    line_id: int
    producer_id: int
    producer_zh: str
    producer_en: str
    recycler_id: int
    recycler_zh: str
    recycler_en: str
    stream: str
    stream_en: str
    line: str
    line_en: str
    material: str
    kg: int
    price_fen_per_t: int | None
    freight_fen_per_t: int
    deduction_fen_per_t: int
    great_circle_m: int
    road_m: int
    awarded_at: datetime
    answer_by: datetime
    producer_accepted_at: datetime | None
    recycler_accepted_at: datetime | None
    declined_at: datetime | None
    declined_by: str | None
    decline_reason: str
    lapsed_at: datetime | None
    contract_id: int | None
    contract_number: str | None
    sale_kind: SaleKind
    parks: tuple[int | None, ...]
    now: datetime

    @property
    def state(self) -> AwardState:
        """How far it is."""
        return award_state(
            self.now,
            price_fen_per_t=self.price_fen_per_t,
            answer_by=self.answer_by,
            producer_accepted_at=self.producer_accepted_at,
            recycler_accepted_at=self.recycler_accepted_at,
            declined_at=self.declined_at,
            lapsed_at=self.lapsed_at,
        )

    @property
    def held(self) -> bool:
        """Whether it is a hold at a fixed price, and not an award of bids or of a round."""
        return self.round_id is None and self.sale_kind == "fixed"

    @property
    def delivered_fen_per_t(self) -> int | None:
        """The price at the recycler's gate, before deductions."""
        if self.price_fen_per_t is None:
            return None
        return self.price_fen_per_t + self.freight_fen_per_t + self.deduction_fen_per_t

    @property
    def days_left(self) -> int:
        """Whole days until the deadline; 0 on the last day."""
        return max(0, (self.answer_by - self.now).days)

    @property
    def hours_left(self) -> int:
        """Whole hours until the deadline."""
        return max(0, int((self.answer_by - self.now).total_seconds() // 3600))

    def belonging(self) -> Belonging:
        """Whom it belongs to: the producer, the recycler as party, and the parks that oversee one of them."""
        return Belonging.to(self.producer_id, *self.parks, parties=(self.recycler_id,))

    def side_of(self, actor: Actor) -> Side | None:
        """The side that an actor belongs to; none for a park or an auditor."""
        if self.producer_id in actor.organization_ids:
            return "producer"
        return "recycler" if self.recycler_id in actor.organization_ids else None

    def accepted_at(self, side: Side | None) -> datetime | None:
        """When a side accepted."""
        if side is None:
            return None
        return self.producer_accepted_at if side == "producer" else self.recycler_accepted_at

    def waits_for(self, side: Side | None) -> bool:
        """Whether this side has to answer."""
        return side is not None and self.state in WAITING and self.accepted_at(side) is None


def deals() -> Select[Any]:
    """Return the query of all awards with their names; `deal` reads its rows."""
    query: Any = (
        select(
            Award.id, Award.round_id, Round.number.label("round_number"), Award.pass_no, Award.listing_id,
            Award.line_id, Award.producer_id, Producer.name_zh.label("producer_zh"),
            Producer.name_en.label("producer_en"), Award.recycler_id, Recycler.name_zh.label("recycler_zh"),
            Recycler.name_en.label("recycler_en"), WasteStream.name.label("stream"),
            WasteStream.name_en.label("stream_en"), IntakeLine.name.label("line"),
            IntakeLine.name_en.label("line_en"), WasteStream.material, Award.kg, Award.price_fen_per_t,
            Award.freight_fen_per_t, Award.deduction_fen_per_t, Award.great_circle_m, Award.road_m, Award.awarded_at,
            Award.answer_by, Award.producer_accepted_at, Award.recycler_accepted_at, Award.declined_at,
            Award.declined_by, Award.decline_reason, Award.lapsed_at, Contract.id.label("contract_id"),
            Contract.number.label("contract_number"), Listing.sale_kind, Producer.park_id.label("park_1"), From.park_id.label("park_2"),
            Recycler.park_id.label("park_3"), To.park_id.label("park_4"), Round.park_id.label("park_5"),
        )
        .join(Listing, Award.listing_id == Listing.id)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(From, WasteStream.site_id == From.id)
        .join(Producer, Award.producer_id == Producer.id)
        .join(IntakeLine, Award.line_id == IntakeLine.id)
        .join(To, IntakeLine.site_id == To.id)
        .join(Recycler, Award.recycler_id == Recycler.id)
        .outerjoin(Round, Award.round_id == Round.id)
        .outerjoin(Contract, Contract.award_id == Award.id)
    )  # fmt: skip
    return cast("Select[Any]", query)


def deal(row: Any, now: datetime) -> Deal:
    """Read a row of `deals`."""
    values: list[Any] = [*row[:34], tuple(row[34:39]), now]
    return Deal(*values)


def read_deals(rows: Iterable[Any], now: datetime) -> tuple[Deal, ...]:
    """Read rows of `deals`."""
    return tuple(deal(row, now) for row in rows)


def readable(actor: Actor, action: str) -> ColumnElement[bool]:
    """Return the condition on `deals` under which an actor may see a deal."""
    if actor.may(action):
        return true()
    own = [each for each in actor.organization_ids if actor.may(action, Belonging.to(each))]
    parks = [each for each in actor.park_ids if actor.may(action, Belonging.to_park(each))]
    overseen = and_(
        or_(*(column.in_(parks) for column in (Producer.park_id, From.park_id, Recycler.park_id, To.park_id,
                                               Round.park_id))),
        Award.producer_id.not_in(actor.organization_ids),  # nobody judges in the own cause
        Award.recycler_id.not_in(actor.organization_ids),
    )  # fmt: skip
    return or_(Award.producer_id.in_(own), Award.recycler_id.in_(own), overseen if parks else false())
