"""Mail to both sides of an award."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award
from marketplace.services import outbox
from marketplace.services.addressees import addressees


def tell_parties(
    session: Session, kind: str, award: Award, now: datetime, *, except_for: int | None = None, **values: object
) -> None:
    """Mail the signatories of both sides, or of the side that did not do it, in the caller's transaction."""
    names = session.execute(
        select(Organization.id, Organization.name_zh, Organization.name_en).where(
            Organization.id.in_((award.producer_id, award.recycler_id))
        )
    ).all()
    told = {row.id: (row.name_zh, row.name_en) for row in names}
    mails: list[outbox.Addressed] = []
    for organization_id, email, language in addressees(session, told.keys() - {except_for}, "signatory"):
        sells = organization_id == award.producer_id
        other = told[award.recycler_id if sells else award.producer_id]
        about = {
            "award_id": award.id,
            "kg": award.kg,
            "side": "producer" if sells else "recycler",
            "other_zh": other[0],
            "other_en": other[1],
            **values,
        }
        mails.append((email, language, about))
    outbox.post_each(session, kind, mails, now=now)
