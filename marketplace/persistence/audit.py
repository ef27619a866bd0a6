"""Who did what to what, written in the transaction of the act itself; it only grows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.domain.actors import Actor
from marketplace.persistence.base import Base, Instant


class AuditRow(Base):
    """One act."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_object", "object_kind", "object_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Instant] = mapped_column(index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    park_id: Mapped[int | None] = mapped_column(ForeignKey("parks.id"), index=True)
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[int | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def record(
    session: Session,
    actor: Actor,
    action: str,
    kind: str,
    object_id: int | None,
    *,
    now: datetime,
    organization_id: int | None = None,
    park_id: int | None = None,
    **detail: Any,
) -> None:
    """Add the audit row of an act to the transaction that does it; ``detail`` is plain JSON and holds no secret."""
    session.add(
        AuditRow(
            at=now,
            person_id=actor.person_id,
            organization_id=organization_id,
            park_id=park_id,
            action=action,
            object_kind=kind,
            object_id=object_id,
            detail=detail,
        )
    )
