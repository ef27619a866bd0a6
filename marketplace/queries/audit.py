"""Reads: the audit log, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Person

PAGE: Final = 50


@dataclass(frozen=True)
class Wanted:
    """Which acts to show; none: all."""

    since: datetime | None = None
    until: datetime | None = None
    organization_id: int | None = None
    action: str = ""
    page: int = 1


@dataclass(frozen=True)
class Act:
    """One row of the log."""

    id: int
    at: datetime
    action: str
    object_kind: str
    object_id: int | None
    who: str
    organization_zh: str
    organization_en: str
    park_zh: str
    park_en: str
    detail: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class AuditPage:
    """One page of the log, and what it can be searched by."""

    rows: tuple[Act, ...]
    actions: tuple[str, ...]
    organizations: tuple[tuple[int, str, str], ...]
    number: int
    pages: int
    total: int


def audit_page(session: Session, actor: Actor, wanted: Wanted) -> AuditPage:
    """Return a page of the log. Raises NotFound for whoever may not read it. Four SELECTs."""
    actor.must("audit.read")
    where = []
    if wanted.since is not None:
        where.append(AuditRow.at >= wanted.since)
    if wanted.until is not None:
        where.append(AuditRow.at < wanted.until)
    if wanted.organization_id is not None:
        where.append(AuditRow.organization_id == wanted.organization_id)
    if wanted.action:
        where.append(AuditRow.action == wanted.action)
    total = session.scalar(select(func.count(AuditRow.id)).where(*where)) or 0
    pages = max(1, -(-total // PAGE))
    number = min(max(1, wanted.page), pages)
    found = session.execute(
        select(
            AuditRow.id, AuditRow.at, AuditRow.action, AuditRow.object_kind, AuditRow.object_id,
            func.coalesce(Person.display_name, ""),
            func.coalesce(Organization.name_zh, ""), func.coalesce(Organization.name_en, ""),
            func.coalesce(Park.name_zh, ""), func.coalesce(Park.name_en, ""),
            AuditRow.detail,
        )
        .outerjoin(Person, Person.id == AuditRow.person_id)
        .outerjoin(Organization, Organization.id == AuditRow.organization_id)
        .outerjoin(Park, Park.id == AuditRow.park_id)
        .where(*where)
        .order_by(AuditRow.at.desc(), AuditRow.id.desc())
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    )  # fmt: skip
    actions = session.scalars(select(AuditRow.action).distinct().order_by(AuditRow.action)).all()
    organizations = session.execute(
        select(Organization.id, Organization.name_zh, Organization.name_en).order_by(
            Organization.name_zh, Organization.id
        )
    )
    return AuditPage(
        rows=tuple(Act(*row[:10], detail=_plain(row[10])) for row in found),
        actions=tuple(actions),
        organizations=tuple((row[0], row[1], row[2]) for row in organizations),
        number=number,
        pages=pages,
        total=total,
    )


def _plain(detail: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _text(value)) for name, value in sorted(detail.items()) if value not in (None, "", [], {}))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_text(one)}" for name, one in sorted(value.items()))
    return str(value)
