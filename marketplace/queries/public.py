"""Reads: one listing that stands on the board, as a reader sees it, and what it is to the reader's own lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.canonical import sha256
from marketplace.domain.errors import NotFound
from marketplace.domain.fit import Verdict
from marketplace.domain.wording import Sentence
from marketplace.persistence.fit import latest_values
from marketplace.persistence.kept import belonging
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.pairs import fits, lots
from marketplace.persistence.salerules import rules_text
from marketplace.persistence.streams import WasteStream
from marketplace.queries.board import Card, cards_of
from marketplace.queries.opensales import OpenSale, open_sale
from marketplace.queries.questions import Asker, QuestionRow, askers, questions_of
from marketplace.queries.takers import ORDER
from marketplace.queries.viewers import viewer_of


@dataclass(frozen=True)
class OwnLine:
    """What a listing is to one of the reader's own intake lines."""

    line_id: int
    line_zh: str
    line_en: str
    organization_id: int
    verdict: Verdict
    reasons: tuple[Sentence, ...]
    road_m: int
    freight_fen_per_t: int
    deduction_fen_per_t: int
    line_price_fen_per_t: int | None
    bid_id: int | None
    may_bid: bool


@dataclass(frozen=True)
class PublicListing:
    """A listing as one reader sees it, with its values where they are told, and what it is to the own lines."""

    card: Card
    legal_status: str
    waste_code: str
    values: tuple[tuple[str, Decimal], ...]
    least_lot_kg: int | None
    cap_per_buyer_kg: int | None
    small_works_share_percent: int | None
    loading_hours: str
    loading_mode: str
    note: str
    inspect_from: date | None
    inspect_until: date | None
    inspect_how: str
    """Where and with whom; empty where the name is not told."""
    lines: tuple[OwnLine, ...]
    verified: bool
    rules_sha256: str | None
    """Of the rules of the sale in force; none where the figures are not told, or no bids are taken."""
    questions: tuple[QuestionRow, ...]
    askers: tuple[Asker, ...]
    """The own organizations that may ask; none once the bidding is over."""
    sale: OpenSale | None
    """How it stands, if it is an open one."""


def public_listing(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> PublicListing:
    """Return a listing that stands on the board. Raises NotFound for all others. A fixed number of SELECTs."""
    row = session.execute(
        select(Listing, WasteStream, Site, Organization)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(
            Listing.id == listing_id,
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    listing, stream, site, producer = row
    viewer = viewer_of(session, actor)
    card = cards_of(session, viewer, [listing_id], now=now)[0]
    told = card.sight.figures
    values = latest_values(session, [stream.id], now=now).get(stream.id, {}) if told else {}
    rules = rules_text(session, listing, stream) if told else None
    return PublicListing(
        card=card,
        legal_status=stream.legal_status,
        waste_code=stream.waste_code,
        values=tuple(sorted(values.items())),
        least_lot_kg=listing.least_lot_kg if told else None,
        cap_per_buyer_kg=listing.cap_per_buyer_kg if told else None,
        small_works_share_percent=listing.small_works_share_percent if told else None,
        loading_hours=listing.loading_hours if told else "",
        loading_mode=listing.loading_mode if told else "",
        note=listing.note if card.sight.names else "",
        inspect_from=listing.inspect_from if told else None,
        inspect_until=listing.inspect_until if told else None,
        inspect_how=listing.inspect_how if card.sight.names else "",
        lines=_own_lines(session, actor, listing_id, now=now) if told else (),
        verified=viewer.member,
        rules_sha256=sha256(rules) if rules is not None else None,
        questions=questions_of(
            session, actor, listing_id, named=actor.may("question.oversee", belonging(producer, site))
        )
        if told
        else (),
        askers=askers(session, actor, producer_id=producer.id) if told and card.bidding == "open" else (),
        sale=open_sale(session, actor, listing_id, now=now) if told and card.sale_kind == "ascending" else None,
    )


def _own_lines(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> tuple[OwnLine, ...]:
    if not actor.recycles:
        return ()
    mine = session.execute(
        select(IntakeLine.id, IntakeLine.name, IntakeLine.name_en, Site.organization_id, Bid.id.label("bid_id"))
        .join(Site, IntakeLine.site_id == Site.id)
        .outerjoin(
            Bid,
            and_(
                Bid.line_id == IntakeLine.id,
                Bid.listing_id == listing_id,
                Bid.replaced_at.is_(None),
                Bid.withdrawn_at.is_(None),
            ),
        )
        .where(Site.organization_id.in_(actor.organization_ids), IntakeLine.retired_at.is_(None))
        .order_by(IntakeLine.id)
    ).all()
    found = fits(session, lots(session, [listing_id], now=now), [row.id for row in mine])
    lines = [
        OwnLine(
            line_id=row.id,
            line_zh=row.name,
            line_en=row.name_en or row.name,
            organization_id=row.organization_id,
            verdict=fit.verdict,
            reasons=fit.told,
            road_m=fit.haul.road_m,
            freight_fen_per_t=fit.haul.freight_fen_per_t,
            deduction_fen_per_t=fit.deduction_fen_per_t,
            line_price_fen_per_t=fit.delivered_fen_per_t,
            bid_id=row.bid_id,
            may_bid=actor.may("bid.submit", Belonging.to(row.organization_id)),
        )
        for row in mine
        for fit in [found[listing_id, row.id]]
    ]
    return tuple(sorted(lines, key=lambda line: (ORDER[line.verdict], line.road_m, line.line_id)))
