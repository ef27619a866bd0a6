"""What waits for the people of a producer or a recycler."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence, Value
from marketplace.persistence.ledger import Posting
from marketplace.persistence.lines import IntakeLine, LineMaterial
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.rounds import Award, Round
from marketplace.persistence.streams import LabSheet, WasteStream
from marketplace.queries.todo import Count, Storage, Task, hours_left, left

SHEET_GOOD_FOR: Final = timedelta(days=183)
PERMIT_WARNING: Final = timedelta(days=60)
FULL_SOON: Final = 7
"""Days to a full store below which it is red."""


def standing(session: Session, actor: Actor) -> Iterable[Task]:
    """Yield what an organization still lacks before it may make deals. One SELECT."""
    rows = session.execute(
        select(Organization.name_zh, Organization.name_en, Organization.verified_at, Organization.refused_at)
        .where(Organization.id.in_(actor.organization_ids))
        .order_by(Organization.id)
    )
    for name, name_en, verified_at, refused_at in rows:
        if verified_at is not None:
            continue
        if refused_at is not None:
            yield Task(
                "fail",
                Sentence("Not verified"),
                Sentence(
                    "The park did not verify %(organization_named)s and says why.",
                    {"organization_named": (name, name_en)},
                ),
                Sentence("Correct"),
                "organizations.mine",
            )
        else:
            yield Task(
                "info",
                Sentence("Awaits verification"),
                Sentence(
                    "%(organization_named)s awaits verification by its park. Sites, streams and intake lines can be entered"
                    " meanwhile.",
                    {"organization_named": (name, name_en)},
                ),
                Sentence("Look"),
                "organizations.mine",
            )


def streams(session: Session, actor: Actor, *, month: Month, now: datetime) -> tuple[tuple[Storage, ...], list[Task]]:
    """Return how full the stores are, and what the streams lack. Two SELECTs."""
    newest = (
        select(func.max(LabSheet.sampled_on))
        .where(LabSheet.stream_id == WasteStream.id, LabSheet.voided_at.is_(None))
        .correlate(WasteStream)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            WasteStream.id, WasteStream.name, WasteStream.name_en, WasteStream.material, Site.name,
            WasteStream.stock_kg, WasteStream.storage_limit_kg, WasteStream.generation_kg_per_month,
            newest.label("sampled_on"), WasteStream.created_at,
        )
        .join(Site, Site.id == WasteStream.site_id)
        .where(Site.organization_id.in_(actor.organization_ids), WasteStream.retired_at.is_(None))
        .order_by(WasteStream.id)
    ).all()  # fmt: skip
    first = Month(month.year, 1)
    entered = {
        (stream_id, posted)
        for stream_id, posted in session.execute(
            select(Posting.stream_id, Posting.month)
            .where(
                Posting.organization_id.in_(actor.organization_ids),
                Posting.month >= first,
                Posting.shipment_id.is_(None),  # what lorries move is no statement of the plant
            )
            .distinct()
        )
    }
    tasks: list[Task] = []
    stores = [Storage(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]) for row in rows]
    missing: list[Month] = []
    for row, store in zip(rows, stores, strict=True):
        tasks += _filling(store)
        tasks += _sheet(store, row.sampled_on, now.date())
        since = max(first, Month.of(row.created_at.date()))
        missing += [each for each in since.until(month.plus(-1)) if (store.stream_id, each) not in entered]
    if missing:
        wanted = sorted(set(missing))
        tasks.append(
            Task(
                "wait",
                Sentence("Ledger"),
                Sentence(
                    "%(count)s months of the ledger are not complete; the first is %(first_month)s.",
                    {"count": len(wanted), "first_month": str(wanted[0])},
                ),
                Sentence("Enter"),
                "ledger",
                rank=500,
            )
        )
    return tuple(store for store in stores if store.limit_kg), tasks


def _filling(store: Storage) -> Iterable[Task]:
    days = store.days_to_full
    if days is None or days >= 2 * FULL_SOON:
        return
    full = store.stock_kg >= (store.limit_kg or 0)
    values: dict[str, Value] = {"stream_named": (store.name_zh, store.name_en), "days": days}
    yield Task(
        "fail" if days < FULL_SOON else "wait",
        Sentence("Store is full") if full else Sentence("Store fills up"),
        Sentence("%(stream_named)s: the store is full.", values)
        if full
        else Sentence("%(stream_named)s: the store is full in %(days)s days if nothing leaves.", values),
        Sentence("List it"),
        "streams",
        store.stream_id,
        rank=days * 24,
    )


def _sheet(store: Storage, sampled_on: date | None, day: date) -> Iterable[Task]:
    if sampled_on is not None and day - sampled_on <= SHEET_GOOD_FOR:
        return
    yield Task(
        "wait",
        Sentence("Lab sheet"),
        Sentence(
            "%(stream_named)s has no lab sheet; buyers with limits cannot be matched.",
            {"stream_named": (store.name_zh, store.name_en)},
        )
        if sampled_on is None
        else Sentence(
            "The newest lab sheet of %(stream_named)s was sampled on %(sampled_date)s, more than six months ago.",
            {"stream_named": (store.name_zh, store.name_en), "sampled_date": sampled_on.isoformat()},
        ),
        Sentence("Enter"),
        "streams",
        store.stream_id,
        rank=600,
    )


def awards(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the awards that wait for an answer. One SELECT."""
    own = actor.organization_ids
    rows = session.execute(
        select(Award.id, Award.kg, Award.answer_by, WasteStream.name, WasteStream.name_en, Round.number)
        .join(Listing, Listing.id == Award.listing_id)
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .outerjoin(Round, Round.id == Award.round_id)
        .where(
            or_(
                Award.producer_id.in_(own) & Award.producer_accepted_at.is_(None),
                Award.recycler_id.in_(own) & Award.recycler_accepted_at.is_(None),
            ),
            *_answerable(now),
        )
        .order_by(Award.answer_by, Award.id)
    )
    for award_id, kg, answer_by, stream, stream_en, number in rows:
        values: dict[str, Value] = {"stream_named": (stream, stream_en), "award_kg": kg, "left": left(now, answer_by)}
        soon = answer_by - now < timedelta(days=1)
        yield Task(
            "fail" if soon else "wait",
            Sentence("Answer soon") if soon else Sentence("To answer"),
            Sentence("Award: %(stream_named)s, %(award_kg)s t; %(left)s.", values)
            if number is None
            else Sentence(
                "Award of round %(number)s: %(stream_named)s, %(award_kg)s t; %(left)s.", values | {"number": number}
            ),
            Sentence("Answer"),
            "awards",
            award_id,
            rank=hours_left(now, answer_by),
        )


def _answerable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Award.declined_at.is_(None),
        Award.lapsed_at.is_(None),
        Award.answer_by > now,
        Award.price_fen_per_t.is_not(None),
        or_(Award.round_id.is_(None), Round.published_at.is_not(None) & Round.voided_at.is_(None)),
    )


def permits(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the intake lines whose permit is missing, not verified, running out or over. One SELECT."""
    rows = session.execute(
        select(
            IntakeLine.id, IntakeLine.name, IntakeLine.name_en, IntakeLine.permit_no, IntakeLine.permit_valid_until,
            IntakeLine.permit_verified_at,
        )
        .join(Site, Site.id == IntakeLine.site_id)
        .where(Site.organization_id.in_(actor.organization_ids), IntakeLine.retired_at.is_(None))
        .order_by(IntakeLine.permit_valid_until, IntakeLine.id)
    )  # fmt: skip
    for row in rows:
        yield from _permit(
            row.id, (row.name, row.name_en), row.permit_no, row.permit_valid_until, row.permit_verified_at, now.date()
        )


def _permit(
    line_id: int, name: tuple[str, str], number: str, until: date | None, verified_at: datetime | None, day: date
) -> Iterable[Task]:
    if not number or until is None:
        text = Sentence("%(line_named)s names no permit and cannot take part in rounds.", {"line_named": name})
        kind, rank = "wait", 300
    elif until < day:
        values: dict[str, Value] = {"line_named": name, "until_date": until.isoformat()}
        text = Sentence("The permit of %(line_named)s ran out on %(until_date)s; nothing is allocated to it.", values)
        kind, rank = "fail", 0
    elif until - day <= PERMIT_WARNING:
        text = Sentence(
            "The permit of %(line_named)s runs out on %(until_date)s, in %(days)s days.",
            {"line_named": name, "until_date": until.isoformat(), "days": (until - day).days},
        )
        kind, rank = "wait", (until - day).days * 24
    elif verified_at is None:
        text = Sentence("The permit of %(line_named)s awaits verification by the park.", {"line_named": name})
        kind, rank = "info", 900
    else:
        return
    yield Task(kind, Sentence("Permit"), text, Sentence("Look"), "lines", line_id, rank=rank)


def fitting(session: Session, actor: Actor, *, now: datetime) -> list[Count]:
    """Return how many open listings of others hold what the own lines take in. One SELECT."""
    own = actor.organization_ids
    wanted = (
        select(LineMaterial.material)
        .join(IntakeLine, IntakeLine.id == LineMaterial.line_id)
        .join(Site, Site.id == IntakeLine.site_id)
        .where(Site.organization_id.in_(own), IntakeLine.retired_at.is_(None))
    )
    count = session.scalar(
        select(func.count(Listing.id))
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .join(Site, Site.id == WasteStream.site_id)
        .where(
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
            Site.organization_id.not_in(own),
            WasteStream.material.in_(wanted),
        )
    )
    return [Count(Sentence("Open listings of what your lines take in"), count or 0, "board", "near")]


def open_rounds(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the rounds of the own park that still collect. One SELECT."""
    parks = select(Organization.park_id).where(Organization.id.in_(actor.organization_ids))
    rows = session.execute(
        select(Round.id, Round.number, Round.closes_at, Round.first_month, Round.last_month)
        .where(
            Round.park_id.in_(parks),
            Round.opened_at <= now,
            Round.closes_at > now,
            Round.closed_at.is_(None),
            Round.voided_at.is_(None),
        )
        .order_by(Round.closes_at, Round.id)
    )
    for round_id, number, closes_at, first, last in rows:
        yield Task(
            "info",
            Sentence("Round open"),
            Sentence(
                "Round %(number)s for %(first_month)s to %(last_month)s collects listings and intake lines; %(left)s.",
                {
                    "number": number,
                    "first_month": str(first),
                    "last_month": str(last),
                    "left": left(now, closes_at),
                },
            ),
            Sentence("Look"),
            "rounds",
            round_id,
            rank=hours_left(now, closes_at),
        )
