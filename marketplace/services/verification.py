"""Whether an organization may act on the market: its park has verified it, and it is not suspended."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict, NotFound
from marketplace.persistence.organizations import Organization


def must_be_verified(session: Session, organization_id: int) -> None:
    """
    Ask for verification in the caller's transaction, before what binds: to publish, bid, award or answer.

    Raises Conflict, with what is to be done about it, if the organization is not verified or is suspended; NotFound if
    there is none.
    """
    row = session.execute(
        select(
            Organization.name_zh, Organization.verified_at, Organization.refused_at, Organization.suspended_at
        ).where(Organization.id == organization_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    if row.suspended_at is not None:
        raise Conflict(
            "%(organization)s is suspended by its park. Until the park lifts this, it can make no new deals.",
            organization=row.name_zh,
        )
    if row.verified_at is None and row.refused_at is not None:
        raise Conflict(
            "The park did not verify %(organization)s. The page of the organization says why and what to correct.",
            organization=row.name_zh,
        )
    if row.verified_at is None:
        raise Conflict(
            "%(organization)s awaits verification by its park. Until then it can prepare everything, but not publish,"
            " bid, award or answer.",
            organization=row.name_zh,
        )
