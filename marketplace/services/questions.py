"""Writes: recyclers ask on a listing that takes bids, and its producer answers, both until the deadline of the bids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, NotFound, TooMany
from marketplace.domain.questions import DAY, MOST_A_DAY, MOST_ANSWER, MOST_VERSIONS, NewQuestion, refuse_text
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.kept import belonging, find_organization, find_stream
from marketplace.persistence.listings import Bid
from marketplace.persistence.questions import Answer, Question
from marketplace.services import outbox
from marketplace.services.addressees import addressees
from marketplace.services.bidding import held_listing, must_be_open, must_be_public
from marketplace.services.verification import must_be_verified


def ask_question(session: Session, actor: Actor, new: NewQuestion, *, now: datetime) -> int:
    """
    Ask on a listing and return the question's id; the same words of the same organization again change nothing.

    Raises NotFound, NotAllowed; Conflict after the deadline, on a listing without bids or an own one, or for who is no
    verified recycler; TooMany if the organization asked ten within a day.
    """
    with transaction(session):
        asker = find_organization(session, new.organization_id, lock=True)
        actor.must("question.ask", belonging(asker))
        listing = held_listing(session, new.listing_id)
        must_be_public(listing, now)
        must_be_verified(session, asker.id)
        stream, _, producer = find_stream(session, listing.stream_id)
        if not asker.recycles:
            raise Conflict("Questions are asked by recyclers. Your organization is registered as a producer only.")
        if producer.id == asker.id:
            raise Conflict("This listing is your own: you answer its questions.")
        must_be_open(listing, now)
        text = new.text.strip()
        known = session.scalar(
            select(Question.id).where(
                Question.listing_id == listing.id, Question.organization_id == asker.id, Question.text == text
            )
        )
        if known is not None:
            return known
        _must_be_few(session, asker.id, now)
        question = Question(
            listing_id=listing.id,
            organization_id=asker.id,
            text=text,
            asked_at=max(now, listing.published_at or now),  # by a clock that runs behind that of the publication
            asked_by=actor.person_id,
        )
        session.add(question)
        session.flush()
        record(
            session, actor, "question.ask", "question", question.id,
            now=now, organization_id=asker.id, park_id=asker.park_id, listing_id=listing.id,
        )  # fmt: skip
        about = {"listing_id": listing.id, "material": stream.material, "question": text}
        _tell(session, "question", [producer.id], about, now)
    return question.id


def answer_question(
    session: Session, actor: Actor, listing_id: int, question_id: int, text: str, *, now: datetime
) -> int:
    """
    Answer a question, or correct the answer, and return the version; the same words again change nothing.

    The organization that asked and all that have a bid standing are told. Raises NotFound; Invalid; Conflict after the
    deadline, since what is said later cannot have been part of any bid, or after many corrections.
    """
    with transaction(session):
        question = session.get(Question, question_id)
        if question is None or question.listing_id != listing_id:
            raise NotFound
        listing = held_listing(session, listing_id)
        stream, site, producer = find_stream(session, listing.stream_id)
        actor.must("question.answer", belonging(producer, site))
        if listing.withdrawn_at is not None:
            raise Conflict("This listing has been withdrawn.")
        must_be_open(listing, now)
        refuse_text(text, most=MOST_ANSWER)
        last = session.scalar(
            select(Answer).where(Answer.question_id == question_id).order_by(Answer.version.desc()).limit(1)
        )
        said = text.strip()
        if last is not None and last.text == said:
            return last.version
        version = 1 if last is None else last.version + 1
        if version > MOST_VERSIONS:
            raise Conflict("This answer has been corrected nine times: it stays as it is.")
        follows = question.asked_at if last is None else last.answered_at
        session.add(
            Answer(
                question_id=question_id,
                version=version,
                text=said,
                answered_at=max(now, follows),  # by a clock that runs behind that of the question
                answered_by=actor.person_id,
            )
        )
        record(
            session, actor, "question.answer", "question", question_id,
            now=now, organization_id=producer.id, park_id=producer.park_id, listing_id=listing_id, version=version,
        )  # fmt: skip
        bidders = session.scalars(
            select(Bid.organization_id)
            .where(Bid.listing_id == listing_id, Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None))
            .distinct()
        )
        about = {
            "listing_id": listing_id,
            "material": stream.material,
            "question": question.text,
            "answer": said,
            "corrected": version > 1,
        }
        _tell(session, "answer", {question.organization_id, *bidders}, about, now)
    return version


def _must_be_few(session: Session, organization_id: int, now: datetime) -> None:
    """Raise TooMany after ten questions within a day; the organization is held, so that none slips by."""
    tenth = session.scalar(
        select(Question.asked_at)
        .where(Question.organization_id == organization_id, Question.asked_at > now - DAY)
        .order_by(Question.asked_at.desc(), Question.id.desc())
        .offset(MOST_A_DAY - 1)
        .limit(1)
    )
    if tenth is not None:
        raise TooMany(
            "Your organization has asked %(most)s questions within a day. It can ask again from %(again_at)s.",
            most=MOST_A_DAY,
            again_at=(tenth + DAY).isoformat(),
        )


def _tell(
    session: Session, kind: str, organization_ids: Iterable[int], about: dict[str, object], now: datetime
) -> None:
    told = addressees(session, organization_ids, "clerk", "signatory")
    outbox.post_each(session, kind, ((email, language, about) for _, email, language in told), now=now)
