"""Reads: the awards of an organization, and one of them with its reasons, its money and its proof."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, and_, case, or_, select, type_coerce
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.canonical import from_json
from marketplace.domain.contracts import Side, Terms, terms
from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import Month, payable_fen
from marketplace.domain.results import Proof
from marketplace.persistence.listings import Listing
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award, AwardMonth, Round, RoundFile
from marketplace.persistence.terms import Deal as Draft
from marketplace.persistence.terms import terms_of
from marketplace.queries.calls import Call, calls_after
from marketplace.queries.deals import Deal, deal, deals, read_deals, readable
from marketplace.queries.listed import Listed, Wish, page_of

FAR = 1 << 62
"""Beyond every instant, so that what does not wait comes after what does."""


@dataclass(frozen=True)
class Line:
    """A row of the list: the award, and whether it waits for the reader."""

    deal: Deal
    side: Side | None
    waits: bool


@dataclass(frozen=True)
class IndexPage:
    """Awards, those that wait for the reader first."""

    listed: Listed[Line]
    own: bool
    """Whether the reader is a side of deals, and not a park or an auditor."""


@dataclass(frozen=True)
class Alternative:
    """Another line for the same waste, without its name or price, and why it takes no more of it."""

    rank: int | None
    code: str
    sentence: Mapping[str, object]
    kg: int
    road_m: int
    freight_fen_per_t: int
    deduction_fen_per_t: int


@dataclass(frozen=True)
class Evidence:
    """What proves a round's answer: the certificate, and the hashes of what it read and what it found."""

    round_id: int
    number: int
    planning: bool
    for_surplus: bool
    park_zh: str
    park_en: str
    first_month: Month
    last_month: Month
    pass_no: int
    input_sha256: str
    result_sha256: str
    proof: Proof
    readable: bool
    """Whether the reader may read the round's files."""


@dataclass(frozen=True)
class Part:
    """A part of what moves for each tonne."""

    name: Literal["net", "freight", "deduction", "freight_by_producer", "freight_by_recycler", "to_recycler"]
    fen_per_t: int
    kind: str


@dataclass(frozen=True)
class AwardPage:
    """One award as its reader may see it."""

    deal: Deal
    side: Side | None
    why: tuple[Mapping[str, object], ...]
    alternatives: tuple[Alternative, ...]
    beside: tuple[Deal, ...]
    """The other awards of the same waste in this round; for a recycler those of the same line."""
    months: tuple[tuple[Month, int], ...]
    parts: tuple[Part, ...]
    reserve_fen_per_t: int | None
    """The reader's own; none for everybody but the producer."""
    terms: Terms | None
    evidence: Evidence | None
    may_answer: bool
    calls: tuple[Call, ...]
    """Who was called from standby after it, and who was passed over; for the producer alone."""

    @property
    def waits(self) -> bool:
        """Whether the reader's side has to answer."""
        return self.deal.waits_for(self.side)

    @property
    def total_fen(self) -> int | None:
        """What the waste costs over all months."""
        price = self.deal.price_fen_per_t
        return None if price is None else payable_fen(self.deal.kg, price)


def awards_index(session: Session, actor: Actor, wish: Wish, *, now: datetime) -> IndexPage:
    """Return the awards that an actor may see, those that wait for an answer of theirs first. Two SELECTs."""
    own = sorted(actor.organization_ids)
    open_ = and_(
        Award.price_fen_per_t.is_not(None),
        Award.declined_at.is_(None),
        Award.lapsed_at.is_(None),
        Award.answer_by > now,
    )
    mine = or_(
        and_(Award.producer_id.in_(own), Award.producer_accepted_at.is_(None)),
        and_(Award.recycler_id.in_(own), Award.recycler_accepted_at.is_(None)),
    )
    order = case(
        (and_(open_, mine), type_coerce(Award.answer_by, BigInteger)),
        else_=FAR - type_coerce(Award.awarded_at, BigInteger),
    )
    listed = page_of(
        session,
        deals().where(readable(actor, "award.read")),
        wish,
        sorts={"waiting": order, "kg": Award.kg, "price": Award.price_fen_per_t},
        last=Award.id.desc(),
    )
    rows = []
    for each in read_deals(listed.rows, now):
        side = each.side_of(actor)
        rows.append(Line(each, side, each.waits_for(side)))
    shown: Listed[Line] = Listed(tuple(rows), listed.number, listed.pages, listed.total, listed.sort, listed.search)
    return IndexPage(shown, own=bool(own))


def award_page(session: Session, actor: Actor, award_id: int, *, now: datetime) -> AwardPage:
    """Return one award as the actor may see it. Raises NotFound. A constant number of SELECTs."""
    row = session.execute(deals().where(Award.id == award_id)).one_or_none()
    if row is None:
        raise NotFound
    found = deal(row, now)
    actor.must("award.read", found.belonging())
    side = found.side_of(actor)
    told = session.execute(select(Award.explanation, Award.terms, Award.transport).where(Award.id == award_id)).one()
    months = session.execute(
        select(AwardMonth.month, AwardMonth.kg, AwardMonth.filing_id)
        .where(AwardMonth.award_id == award_id)
        .order_by(AwardMonth.month)
    ).all()
    return AwardPage(
        deal=found,
        side=side,
        why=tuple(told.explanation.get(side or "park", ())),
        alternatives=() if side == "recycler" else _alternatives(told.explanation),
        beside=_beside(session, found, side, now),
        months=tuple((each.month, each.kg) for each in months),
        parts=_parts(found),
        reserve_fen_per_t=_reserve(session, found.listing_id) if side == "producer" else None,
        terms=_terms(session, found, told, months, now),
        evidence=_evidence(session, actor, found),
        may_answer=side is not None and actor.may("award.answer", found.belonging()),
        calls=calls_after(session, award_id) if side == "producer" and found.round_id is None else (),
    )


def _alternatives(explanation: Mapping[str, Any]) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(**{name: each[name] for name in Alternative.__dataclass_fields__})
        for each in explanation.get("alternatives", ())
    )


def _beside(session: Session, found: Deal, side: Side | None, now: datetime) -> tuple[Deal, ...]:
    if found.round_id is None:
        return ()
    same = Award.line_id == found.line_id if side == "recycler" else Award.listing_id == found.listing_id
    rows = session.execute(
        deals()
        .where(Award.round_id == found.round_id, same, Award.id != found.id)
        .order_by(Award.kg.desc(), Award.id)
        .limit(25)
    )
    return read_deals(rows, now)


def _parts(found: Deal) -> tuple[Part, ...]:
    """Say where each tonne's money goes; a producer that pays covers freight first, the rest is the recycler's."""
    price, freight = found.price_fen_per_t, found.freight_fen_per_t
    deduction = Part("deduction", found.deduction_fen_per_t, "wait")
    if price is None:
        return (Part("freight", freight, "info"), deduction)
    if price >= 0:
        return (Part("net", price, "use"), Part("freight", freight, "info"), deduction)
    covered = min(-price, freight)
    return (
        Part("freight_by_producer", covered, "wait"),
        Part("freight_by_recycler", freight - covered, "info"),
        Part("to_recycler", -price - covered, "use"),
    )


def _reserve(session: Session, listing_id: int) -> int | None:
    reserve, asking = session.execute(
        select(Listing.reserve_fen_per_t, Listing.asking_fen_per_t).where(Listing.id == listing_id)
    ).one()
    return asking if reserve is None else reserve


def _terms(session: Session, found: Deal, told: Any, months: Sequence[Any], now: datetime) -> Terms | None:
    """Return the text that is signed: as frozen, else (an award of a bid that nobody answered) as it is now."""
    if told.terms is not None:
        return terms(told.terms)
    if found.price_fen_per_t is None:
        return None
    draft = Draft(
        listing_id=found.listing_id,
        line_id=found.line_id,
        months={each.month: each.kg for each in months},
        price_fen_per_t=found.price_fen_per_t,
        freight_fen_per_t=found.freight_fen_per_t,
        deduction_fen_per_t=found.deduction_fen_per_t,
        transport=told.transport,
        great_circle_m=found.great_circle_m,
        road_m=found.road_m,
        filing_ids=tuple(each.filing_id for each in months if each.filing_id is not None),
        round_id=found.round_id,
    )
    return terms_of(session, [draft], now=now)[0]


def _evidence(session: Session, actor: Actor, found: Deal) -> Evidence | None:
    if found.round_id is None:
        return None
    of = session.execute(
        select(
            Round.number,
            Round.kind,
            Round.objective,
            Round.park_id,
            Round.first_month,
            Round.last_month,
            Park.name_zh,
            Park.name_en,
        )
        .join(Park, Round.park_id == Park.id)
        .where(Round.id == found.round_id)
    ).one()
    files = {
        row.kind: row
        for row in session.execute(
            select(RoundFile.kind, RoundFile.sha256, RoundFile.content).where(
                RoundFile.round_id == found.round_id, RoundFile.pass_no == found.pass_no, RoundFile.kind == "result"
            )
        )
    }
    if "result" not in files:
        return None
    answer = json.loads(files["result"].content)
    return Evidence(
        round_id=found.round_id,
        number=of.number,
        planning=of.kind == "planning",
        for_surplus=of.objective == "surplus",
        park_zh=of.name_zh,
        park_en=of.name_en,
        first_month=of.first_month,
        last_month=of.last_month,
        pass_no=found.pass_no,
        input_sha256=answer["snapshot_sha256"],
        result_sha256=files["result"].sha256,
        proof=from_json(Proof, json.dumps(answer["proof"])),
        readable=actor.may("round.read", Belonging.to_park(of.park_id)),
    )
