"""What of the own sales and bids waits for people: deadlines, questions, results, and bids that are void."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from marketplace.domain.actors import Actor
from marketplace.domain.listings import bidding_of
from marketplace.domain.questions import WAITS_LONG
from marketplace.domain.wording import Sentence, Value
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.rounds import Award
from marketplace.persistence.streams import WasteStream
from marketplace.queries.questions import waiting
from marketplace.queries.todo import Task, hours_left, left

LISTING_WARNING: Final = timedelta(days=7)
NEWS: Final = timedelta(days=14)


def live_bids() -> Select[int]:
    """Return the number of live bids of the listing of an outer SELECT."""
    return (
        select(func.count(Bid.id))
        .where(Bid.listing_id == Listing.id, Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None))
        .correlate(Listing)
    )


def listings(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield listings whose bids wait for a decision, and those that run out. One SELECT."""
    rows = session.execute(
        select(
            Listing.id, WasteStream.name, WasteStream.name_en, Listing.bids_close_at, Listing.bids_opened_at,
            Listing.bids_decided_at, Listing.expires_at,
            live_bids().scalar_subquery().label("bids"),
        )
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .join(Site, Site.id == WasteStream.site_id)
        .where(
            Site.organization_id.in_(actor.organization_ids),
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
        )
        .order_by(Listing.expires_at, Listing.id)
    )  # fmt: skip
    for row in rows:
        left_open = left(now, row.expires_at)
        bidding = bidding_of(
            now,
            bids_close_at=row.bids_close_at,
            bids_opened_at=row.bids_opened_at,
            bids_decided_at=row.bids_decided_at,
        )
        if bidding == "to_open":  # with or without bids: how many there are is told when they are opened
            yield Task(
                "wait",
                Sentence("To open"),
                Sentence(
                    "Bidding on %(stream_named)s has ended; the bids are still sealed.",
                    {"stream_named": (row.name, row.name_en)},
                ),
                Sentence("Open them"),
                "listings",
                row.id,
                rank=hours_left(now, row.expires_at),
            )
        elif bidding == "to_decide" and row.bids:
            yield Task(
                "wait",
                Sentence("To award"),
                Sentence(
                    "Bidding on %(stream_named)s has ended with %(count)s bids.",
                    {"stream_named": (row.name, row.name_en), "count": row.bids},
                ),
                Sentence("Decide"),
                "listings",
                row.id,
                rank=hours_left(now, row.expires_at),
            )
        elif row.expires_at - now <= LISTING_WARNING:
            yield Task(
                "info",
                Sentence("Runs out"),
                Sentence(
                    "The listing of %(stream_named)s: %(left)s.",
                    {"stream_named": (row.name, row.name_en), "left": left_open},
                ),
                Sentence("Renew"),
                "listings",
                row.id,
                rank=hours_left(now, row.expires_at),
            )


def questions(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the listings on which a question waits for an answer. One SELECT."""
    for row in session.execute(waiting(now).where(Organization.id.in_(actor.organization_ids))):
        values: dict[str, Value] = {
            "stream_named": (row.name, row.name_en),
            "count": row.asked,
            "left": left(now, row.bids_close_at),
        }
        yield Task(
            "fail" if row.since <= now - WAITS_LONG else "wait",
            Sentence("Question"),
            Sentence("%(stream_named)s: questions without an answer: %(count)s; %(left)s.", values),
            Sentence("Answer"),
            "listings",
            row.id,
            rank=hours_left(now, row.bids_close_at),
        )


def results(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the bids whose result came out of late. One SELECT."""
    rows = session.execute(
        select(Bid.id, WasteStream.name, WasteStream.name_en, Award.id.label("award_id"), Listing.bids_decided_at)
        .join(Listing, Listing.id == Bid.listing_id)
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .outerjoin(Award, Award.bid_id == Bid.id)
        .where(
            Bid.organization_id.in_(actor.organization_ids),
            Bid.replaced_at.is_(None),
            Bid.withdrawn_at.is_(None),
            Listing.bids_decided_at > now - NEWS,
        )
        .order_by(Listing.bids_decided_at.desc(), Bid.id)
    )
    for row in rows:
        won = row.award_id is not None
        yield Task(
            "info",
            Sentence("Result"),
            Sentence("Your bid on %(stream_named)s was awarded.", {"stream_named": (row.name, row.name_en)})
            if won
            else Sentence(
                "Your bid on %(stream_named)s was not awarded; the page says by how much.",
                {"stream_named": (row.name, row.name_en)},
            ),
            Sentence("Look"),
            "awards" if won else "bids",
            row.award_id if won else row.id,
            rank=1000,
        )


def voided(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the bids that a change of the goods made void, while one may bid again and has not. One SELECT."""
    again = aliased(Bid)
    rows = session.execute(
        select(Bid.id, WasteStream.material, Listing.bids_close_at)
        .join(Listing, Listing.id == Bid.listing_id)
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .where(
            Bid.organization_id.in_(actor.organization_ids),
            Bid.voided_at.is_not(None),
            Listing.bids_close_at > now,
            Listing.withdrawn_at.is_(None),
            ~select(again.id)
            .where(again.listing_id == Bid.listing_id, again.line_id == Bid.line_id, again.revision > Bid.revision)
            .exists(),
        )
        .order_by(Listing.bids_close_at, Bid.id)
    )
    for row in rows:
        yield Task(
            "wait",
            Sentence("Bid void"),
            Sentence(
                "What is sold of %(sold_material)s was changed, so your bid is void. You may bid again; %(left)s.",
                {"sold_material": row.material, "left": left(now, row.bids_close_at)},
            ),
            Sentence("Look"),
            "bids",
            row.id,
            rank=hours_left(now, row.bids_close_at),
        )
