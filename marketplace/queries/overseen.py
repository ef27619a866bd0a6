"""What waits for the administrators of a park and the operator of the platform."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.questions import WAITS_LONG
from marketplace.domain.wording import Sentence, Value
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.outbox import OutboxMail, WorkerPulse
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment
from marketplace.persistence.questions import Question
from marketplace.persistence.rounds import Award, Round
from marketplace.persistence.streams import WasteStream
from marketplace.queries.health import PULSE
from marketplace.queries.owned import PERMIT_WARNING
from marketplace.queries.ownsales import live_bids
from marketplace.queries.questions import waiting
from marketplace.queries.todo import Count, Task, hours_left, left

STALLED: Final = timedelta(days=14)
LAPSING: Final = timedelta(days=2)
LONG: Final = timedelta(days=3)
"""An organization that waits longer to be verified is red."""


def organizations(session: Session, actor: Actor) -> Iterable[Task]:
    """Yield the organizations that wait to be verified. One SELECT."""
    rows = session.execute(
        select(Organization.id, Organization.name_zh, Organization.name_en, Organization.registered_at)
        .where(
            Organization.park_id.in_(actor.park_ids),
            Organization.id.not_in(actor.organization_ids),
            Organization.verified_at.is_(None),
            Organization.refused_at.is_(None),
            Organization.suspended_at.is_(None),
        )
        .order_by(Organization.registered_at, Organization.id)
    )
    for organization_id, name, name_en, registered_at in rows:
        yield Task(
            "wait",
            Sentence("To verify"),
            Sentence(
                "%(organization_named)s registered on %(registered_date)s.",
                {"organization_named": (name, name_en), "registered_date": registered_at.date().isoformat()},
            ),
            Sentence("Verify"),
            "organizations",
            organization_id,
            rank=10,
        )


def permits(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the permits to be verified, running out or over. One SELECT."""
    day = now.date()
    rows = session.execute(
        select(
            IntakeLine.name, IntakeLine.name_en, Organization.id, Organization.name_zh, Organization.name_en,
            IntakeLine.permit_valid_until, IntakeLine.permit_verified_at,
        )
        .join(Site, Site.id == IntakeLine.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(
            or_(Organization.park_id.in_(actor.park_ids), Site.park_id.in_(actor.park_ids)),
            Organization.id.not_in(actor.organization_ids),
            IntakeLine.retired_at.is_(None),
            IntakeLine.permit_no != "",
            IntakeLine.permit_valid_until.is_not(None),
            or_(IntakeLine.permit_verified_at.is_(None), IntakeLine.permit_valid_until <= day + PERMIT_WARNING),
        )
        .order_by(IntakeLine.permit_valid_until, IntakeLine.id)
    )  # fmt: skip
    for line, line_en, organization_id, organization, organization_en, until, verified_at in rows:
        assert until is not None
        values: dict[str, Value] = {
            "organization_named": (organization, organization_en),
            "line_named": (line, line_en),
            "until_date": until.isoformat(),
        }
        if until < day:
            text = Sentence("%(organization_named)s, %(line_named)s: the permit ran out on %(until_date)s.", values)
            kind, rank = "fail", 20
        elif verified_at is None:
            text = Sentence(
                "%(organization_named)s, %(line_named)s: permit valid until %(until_date)s to be verified.", values
            )
            kind, rank = "wait", 20
        else:
            text = Sentence("%(organization_named)s, %(line_named)s: the permit runs out on %(until_date)s.", values)
            kind, rank = "info", (until - day).days * 24
        yield Task(kind, Sentence("Permit"), text, Sentence("Look"), "organizations", organization_id, rank=rank)


def rounds(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the rounds that wait to be closed, run, or published. One SELECT."""
    rows = session.execute(
        select(
            Round.id, Round.number, Round.closes_at, Round.closed_at, Round.solving_at, Round.solved_at,
            Round.failed_because,
        )
        .where(Round.park_id.in_(actor.park_ids), Round.published_at.is_(None), Round.voided_at.is_(None))
        .order_by(Round.closes_at, Round.id)
    )  # fmt: skip
    for row in rows:
        number = {"number": row.number}
        if row.closed_at is None and row.closes_at > now:
            values = number | {"left": left(now, row.closes_at)}
            kind, text, do = "info", Sentence("Round %(number)s is open; %(left)s.", values), Sentence("Look")
        elif row.closed_at is None:
            kind, text, do = (
                "wait",
                Sentence("Round %(number)s has ended and can be closed.", number),
                Sentence("Close"),
            )
        elif row.solved_at is not None:
            kind, text = "wait", Sentence("Round %(number)s is solved and proved, not published yet.", number)
            do = Sentence("Publish")
        elif row.solving_at is not None:
            kind, text, do = "info", Sentence("Round %(number)s is being solved.", number), Sentence("Look")
        elif row.failed_because is not None:
            kind, text, do = "fail", Sentence("Round %(number)s could not be solved.", number), Sentence("Look")
        else:
            kind, text, do = "wait", Sentence("Round %(number)s is closed and can be run.", number), Sentence("Run")
        yield Task(kind, Sentence("Round"), text, do, "rounds", row.id, rank=hours_left(now, row.closes_at))


def stalled(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the listings that nobody has bid on for two weeks and nothing of which is spoken for. One SELECT."""
    taken = (
        select(func.coalesce(func.sum(ListingMonth.reserved_kg + ListingMonth.contracted_kg), 0))
        .where(ListingMonth.listing_id == Listing.id)
        .correlate(Listing)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Listing.id,
            WasteStream.name,
            WasteStream.name_en,
            Organization.name_zh,
            Organization.name_en,
            Listing.published_at,
        )
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .join(Site, Site.id == WasteStream.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(
            or_(Organization.park_id.in_(actor.park_ids), Site.park_id.in_(actor.park_ids)),
            Organization.id.not_in(actor.organization_ids),
            Listing.published_at < now - STALLED,
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
            or_(Listing.bids_close_at.is_(None), Listing.bids_opened_at.is_not(None)),  # that none came is sealed too
            live_bids().scalar_subquery() == 0,
            taken == 0,
        )
        .order_by(Listing.published_at, Listing.id)
    )
    for listing_id, stream, stream_en, organization, organization_en, published_at in rows:
        assert published_at is not None
        days = (now - published_at).days
        yield Task(
            "wait",
            Sentence("Stalled"),
            Sentence(
                "%(organization_named)s, %(stream_named)s: on the board for %(days)s days without a bid.",
                {
                    "organization_named": (organization, organization_en),
                    "stream_named": (stream, stream_en),
                    "days": days,
                },
            ),
            Sentence("Look"),
            "listings",
            listing_id,
            rank=max(100, 2000 - days),
        )


def unanswered(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the listings on which a question has waited for more than three days. One SELECT."""
    overdue = (
        waiting(now)
        .where(
            or_(Organization.park_id.in_(actor.park_ids), Site.park_id.in_(actor.park_ids)),
            Organization.id.not_in(actor.organization_ids),
        )
        .having(func.min(Question.asked_at) < now - WAITS_LONG)
    )
    for row in session.execute(overdue):
        yield Task(
            "wait",
            Sentence("Unanswered"),
            Sentence(
                "%(organization_named)s, %(stream_named)s: a question has waited for an answer for %(days)s days; %(left)s.",
                {
                    "organization_named": (row.name_zh, row.organization_en),
                    "stream_named": (row.name, row.name_en),
                    "days": (now - row.since).days,
                    "left": left(now, row.bids_close_at),
                },
            ),
            Sentence("Look"),
            "listings",
            row.id,
            rank=hours_left(now, row.bids_close_at),
        )


def lapsing(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the awards that lapse within two days because a side has not answered. One SELECT."""
    rows = session.execute(
        select(
            Award.id,
            WasteStream.name,
            WasteStream.name_en,
            Organization.name_zh,
            Organization.name_en,
            Award.kg,
            Award.answer_by,
        )
        .join(Listing, Listing.id == Award.listing_id)
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .join(Organization, Organization.id == Award.producer_id)
        .outerjoin(Round, Round.id == Award.round_id)
        .where(
            Organization.park_id.in_(actor.park_ids),
            or_(Award.producer_accepted_at.is_(None), Award.recycler_accepted_at.is_(None)),
            Award.declined_at.is_(None),
            Award.lapsed_at.is_(None),
            Award.price_fen_per_t.is_not(None),
            Award.answer_by > now,
            Award.answer_by <= now + LAPSING,
            or_(Award.round_id.is_(None), Round.published_at.is_not(None)),
        )
        .order_by(Award.answer_by, Award.id)
    )
    for award_id, stream, stream_en, organization, organization_en, kg, answer_by in rows:
        yield Task(
            "wait",
            Sentence("Lapses soon"),
            Sentence(
                "%(organization_named)s, %(stream_named)s, %(award_kg)s t is not answered by both sides; %(left)s.",
                {
                    "organization_named": (organization, organization_en),
                    "stream_named": (stream, stream_en),
                    "award_kg": kg,
                    "left": left(now, answer_by),
                },
            ),
            Sentence("Look"),
            "awards",
            award_id,
            rank=hours_left(now, answer_by),
        )


def park_counts(session: Session, actor: Actor, *, now: datetime) -> list[Count]:
    """Return the figures of a park's day. One SELECT."""
    own = Organization.park_id.in_(actor.park_ids)
    members, open_listings = session.execute(
        select(
            select(func.count(Organization.id)).where(own, Organization.verified_at.is_not(None)).scalar_subquery(),
            select(func.count(Listing.id))
            .join(WasteStream, WasteStream.id == Listing.stream_id)
            .join(Site, Site.id == WasteStream.site_id)
            .join(Organization, Organization.id == Site.organization_id)
            .where(
                own,
                Listing.published_at.is_not(None),
                Listing.withdrawn_at.is_(None),
                Listing.expires_at > now,
            )
            .scalar_subquery(),
        )
    ).one()
    return [
        Count(Sentence("Verified organizations"), members, "organizations"),
        Count(Sentence("Open listings of the park"), open_listings, "board"),
    ]


def platform(session: Session, *, now: datetime) -> Iterable[Task]:
    """Yield what the operator should see to. Two SELECTs."""
    rows = session.execute(
        select(Park.id, Park.name_zh, Park.name_en)
        .where(~select(Appointment.id).where(Appointment.park_id == Park.id, Appointment.ended_at.is_(None)).exists())
        .order_by(Park.id)
    )
    for park_id, name, name_en in rows:
        yield Task(
            "wait",
            Sentence("Park"),
            Sentence(
                "%(park_named)s has no administrator; nobody verifies its members.", {"park_named": (name, name_en)}
            ),
            Sentence("Appoint"),
            "platform",
            rank=park_id,
        )
    failing, beat = session.execute(
        select(
            select(func.count(OutboxMail.id))
            .where(OutboxMail.sent_at.is_(None), OutboxMail.attempts > 0)
            .scalar_subquery(),
            select(func.max(WorkerPulse.beat_at)).scalar_subquery(),
        )
    ).one()
    if beat is None or now - beat > PULSE:
        yield Task(
            "fail",
            Sentence("Worker"),
            Sentence("No worker is running: mail is not sent and rounds are not solved."),
            Sentence("Look"),
            "platform",
        )
    if failing:
        yield Task(
            "wait",
            Sentence("Mail"),
            Sentence("%(count)s mails could not be sent so far.", {"count": failing}),
            Sentence("Look"),
            "platform",
        )


def platform_counts(session: Session, *, now: datetime, since: datetime) -> list[Count]:
    """Return the figures of the platform's day. One SELECT."""
    parks, members, waiting, rounds_open, acts = session.execute(
        select(
            select(func.count(Park.id)).scalar_subquery(),
            select(func.count(Organization.id)).where(Organization.verified_at.is_not(None)).scalar_subquery(),
            select(func.count(Organization.id))
            .where(Organization.verified_at.is_(None), Organization.refused_at.is_(None))
            .scalar_subquery(),
            select(func.count(Round.id))
            .where(Round.closed_at.is_(None), Round.voided_at.is_(None), Round.closes_at > now)
            .scalar_subquery(),
            select(func.count(AuditRow.id)).where(AuditRow.at > since).scalar_subquery(),
        )
    ).one()
    return [
        Count(Sentence("Parks"), parks, "parks"),
        Count(Sentence("Verified organizations"), members, "organizations"),
        Count(Sentence("Organizations that wait to be verified"), waiting, "organizations"),
        Count(Sentence("Open rounds"), rounds_open, "rounds"),
        Count(Sentence("Acts in the audit log since yesterday"), acts, "audit"),
    ]
