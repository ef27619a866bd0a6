"""Reads: what lies near a recycler's own line and fits it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotFound
from marketplace.domain.fit import Fit, Verdict
from marketplace.domain.places import Point, great_circle_m
from marketplace.domain.wording import Sentence
from marketplace.persistence.fit import accepting
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.pairs import fits_with, lots
from marketplace.persistence.streams import WasteStream
from marketplace.queries.board import Card, cards_of, on_the_board
from marketplace.queries.takers import ORDER, REACH_KM, box
from marketplace.queries.viewers import viewer_of

MOST: Final = 300
"""So many listings, the nearest, are held against a line; the page says how many there are."""


@dataclass(frozen=True)
class LineName:
    """An own line to choose from."""

    id: int
    zh: str
    en: str


@dataclass(frozen=True)
class Nearby:
    """A listing and what it is to the line; ``predicted_fen_per_t`` is what a tonne at the asking price costs there."""

    card: Card
    verdict: Verdict
    reasons: tuple[Sentence, ...]
    road_m: int
    freight_fen_per_t: int
    deduction_fen_per_t: int
    predicted_fen_per_t: int | None


@dataclass(frozen=True)
class NearPage:
    """What is near one of the own lines."""

    lines: tuple[LineName, ...]
    line_id: int | None
    point: Point | None
    radius_m: int
    rows: tuple[Nearby, ...]
    found: int
    """How many lie within the radius; more than the rows if only the nearest are shown."""
    verified: bool


def near_page(session: Session, actor: Actor, line_id: int | None, *, now: datetime) -> NearPage:
    """
    Return what stands on the board within reach of an own line, what fits first. A fixed number of SELECTs.

    Raises NotFound for a line of somebody else.
    """
    rows = session.execute(
        select(IntakeLine.id, IntakeLine.name, IntakeLine.name_en)
        .join(Site, IntakeLine.site_id == Site.id)
        .where(Site.organization_id.in_(actor.organization_ids), IntakeLine.retired_at.is_(None))
        .order_by(IntakeLine.id)
    ).all()
    names = tuple(LineName(row.id, row.name, row.name_en or row.name) for row in rows)
    if line_id is not None and all(line_id != name.id for name in names):
        raise NotFound
    viewer = viewer_of(session, actor)
    if not names:
        return NearPage((), None, None, 0, (), 0, viewer.member)
    chosen = line_id if line_id is not None else names[0].id
    line = accepting(session, [chosen])[chosen]
    radius_m = min(line.radius_m or REACH_KM * 1000, REACH_KM * 1000)
    within = [] if not viewer.member else _within(session, line.point, radius_m, tuple(line.materials), actor, now)
    ids = [listing_id for _, listing_id in within[:MOST]]
    of = lots(session, ids, now=now)
    found = fits_with(session, of, {chosen: line})
    cards = {card.id: card for card in cards_of(session, viewer, ids, now=now)}
    nearby = [_nearby(cards[id_], found[id_, chosen]) for id_ in ids]
    nearby.sort(key=lambda each: (ORDER[each.verdict], each.predicted_fen_per_t or 0, each.road_m, each.card.id))
    return NearPage(names, chosen, line.point, radius_m, tuple(nearby), len(within), viewer.member)


def _within(
    session: Session, point: Point, radius_m: int, materials: tuple[str, ...], actor: Actor, now: datetime
) -> list[tuple[int, int]]:
    """Return distance and listing of what lies within the radius, the nearest first."""
    rows = session.execute(
        select(Listing.id, Site.lat_udeg, Site.lon_udeg)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(
            *on_the_board(now),
            WasteStream.material.in_(materials),
            Site.organization_id.not_in(actor.organization_ids),
            box(point, radius_m),
        )
    ).all()
    measured = ((great_circle_m(point, Point(row.lat_udeg, row.lon_udeg)), row.id) for row in rows)
    return sorted(each for each in measured if each[0] <= radius_m)


def _nearby(card: Card, fit: Fit) -> Nearby:
    asking = card.asking_fen_per_t
    return Nearby(
        card=card,
        verdict=fit.verdict,
        reasons=fit.told,
        road_m=fit.haul.road_m,
        freight_fen_per_t=fit.haul.freight_fen_per_t,
        deduction_fen_per_t=fit.deduction_fen_per_t,
        predicted_fen_per_t=None if asking is None else asking + fit.haul.freight_fen_per_t - fit.deduction_fen_per_t,
    )
