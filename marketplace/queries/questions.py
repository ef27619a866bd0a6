"""Reads: the questions on a listing with their answers, who may ask one, and which wait."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.persistence.kept import keeps
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.questions import Answer, Question
from marketplace.persistence.streams import WasteStream


@dataclass(frozen=True)
class Said:
    """One version of an answer."""

    text: str
    at: datetime


@dataclass(frozen=True)
class QuestionRow:
    """A question with the versions of its answer, the newest first; the asker is named to who oversees the market."""

    id: int
    text: str
    asked_at: datetime
    own: bool
    asker_zh: str | None
    asker_en: str | None
    answers: tuple[Said, ...]

    @property
    def answer(self) -> Said | None:
        """The answer as it stands; none while the question waits."""
        return self.answers[0] if self.answers else None


@dataclass(frozen=True)
class Asker:
    """An own organization that may ask."""

    id: int
    zh: str
    en: str


def questions_of(session: Session, actor: Actor, listing_id: int, *, named: bool = False) -> tuple[QuestionRow, ...]:
    """Return the questions on a listing, the newest first; ``named``: with who asked. Two SELECTs."""
    answers: dict[int, list[Said]] = defaultdict(list)
    for row in session.execute(
        select(Answer.question_id, Answer.text, Answer.answered_at)
        .join(Question, Answer.question_id == Question.id)
        .where(Question.listing_id == listing_id)
        .order_by(Answer.question_id, Answer.version.desc())
    ):
        answers[row.question_id].append(Said(row.text, row.answered_at))
    rows = session.execute(
        select(
            Question.id,
            Question.text,
            Question.asked_at,
            Question.organization_id,
            Organization.name_zh,
            Organization.name_en,
        )
        .join(Organization, Question.organization_id == Organization.id)
        .where(Question.listing_id == listing_id)
        .order_by(Question.asked_at.desc(), Question.id.desc())
    )
    return tuple(
        QuestionRow(
            id=row.id,
            text=row.text,
            asked_at=row.asked_at,
            own=row.organization_id in actor.organization_ids,
            asker_zh=row.name_zh if named else None,
            asker_en=(row.name_en or row.name_zh) if named else None,
            answers=tuple(answers[row.id]),
        )
        for row in rows
    )


def askers(session: Session, actor: Actor, *, producer_id: int) -> tuple[Asker, ...]:
    """Return the own organizations that may ask on a listing of this producer. One SELECT at most."""
    mine = [each for each in keeps(actor, "question.ask") if each != producer_id]
    if not mine:
        return ()
    rows = session.execute(
        select(Organization.id, Organization.name_zh, Organization.name_en)
        .where(
            Organization.id.in_(mine),
            Organization.recycles.is_(True),
            Organization.verified_at.is_not(None),
            Organization.suspended_at.is_(None),
        )
        .order_by(Organization.id)
    )
    return tuple(Asker(row.id, row.name_zh, row.name_en or row.name_zh) for row in rows)


def waiting(now: datetime) -> Any:
    """Return the SELECT of listings with questions that can still be answered and are not: how many, since when."""
    return (
        select(
            Listing.id,
            Listing.bids_close_at,
            WasteStream.name,
            WasteStream.name_en,
            Organization.name_zh,
            Organization.name_en.label("organization_en"),
            func.count(Question.id).label("asked"),
            func.min(Question.asked_at).label("since"),
        )
        .join(Question, Question.listing_id == Listing.id)
        .join(WasteStream, WasteStream.id == Listing.stream_id)
        .join(Site, Site.id == WasteStream.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(
            Listing.withdrawn_at.is_(None),
            Listing.bids_close_at > now,
            ~select(Answer.id).where(Answer.question_id == Question.id).exists(),
        )
        .group_by(Listing.id, WasteStream.id, Organization.id)
        .order_by(Listing.bids_close_at, Listing.id)
    )
