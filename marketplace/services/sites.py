"""Use cases of sites."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict
from marketplace.domain.places import province_of
from marketplace.domain.sites import NewSite
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.kept import belonging, find_organization, find_site
from marketplace.persistence.lines import Filing, IntakeLine
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream


def add_site(session: Session, actor: Actor, new: NewSite, *, now: datetime) -> int:
    """
    Keep a site of an organization and return its id.

    Raises NotFound, NotAllowed, and Conflict if the organization has a site of that name.
    """
    with transaction(session):
        organization = find_organization(session, new.organization_id, lock=True)
        actor.must("site.keep", belonging(organization))
        _refuse_namesake(session, organization, new.name)
        site = Site(organization_id=organization.id, created_at=now)
        _write(site, organization, new)
        session.add(site)
        session.flush()
        _note(session, actor, "site.add", site, organization, now=now)
    return site.id


def edit_site(session: Session, actor: Actor, site_id: int, new: NewSite, *, now: datetime) -> None:
    """
    Change a site; its organization stays.

    Raises NotFound, NotAllowed, and Conflict if it is closed or another site has that name, or if it would move to
    another province while a filing names it.
    """
    with transaction(session):
        site, organization = find_site(session, site_id, lock=True)
        actor.must("site.keep", belonging(organization, site))
        if site.closed_at is not None:
            raise Conflict("This site is closed and does not change any more.")
        _refuse_namesake(session, organization, new.name, but=site.id)
        if province_of(site.division_code) != province_of(new.division.code):
            _refuse_filed(session, site)
        before = {"name": site.name, "division_code": site.division_code, "point": [site.lat_udeg, site.lon_udeg]}
        _write(site, organization, new)
        _note(session, actor, "site.edit", site, organization, now=now, before=before)


def close_site(session: Session, actor: Actor, site_id: int, *, now: datetime) -> None:
    """
    Close a site: nothing new is kept there.

    Raises NotFound, NotAllowed, and Conflict while it has streams or intake lines that are not retired.
    """
    with transaction(session):
        site, organization = find_site(session, site_id, lock=True)
        actor.must("site.keep", belonging(organization, site))
        if site.closed_at is not None:
            raise Conflict("This site is closed already.")
        if _holds(session, WasteStream, site):
            raise Conflict("This site still has waste streams. Retire them first.")
        if _holds(session, IntakeLine, site):
            raise Conflict("This site still has intake lines. Retire them first.")
        site.closed_at = now
        _note(session, actor, "site.close", site, organization, now=now)


def _holds(session: Session, table: type[WasteStream | IntakeLine], site: Site) -> bool:
    kept = select(table.id).where(table.site_id == site.id, table.retired_at.is_(None)).limit(1)
    return session.scalar(kept) is not None


def _refuse_namesake(session: Session, organization: Organization, name: str, *, but: int | None = None) -> None:
    known = session.scalar(select(Site.id).where(Site.organization_id == organization.id, Site.name == name.strip()))
    if known is not None and known != but:
        raise Conflict("Your organization already has a site of this name.")


def _refuse_filed(session: Session, site: Site) -> None:
    filed = (
        select(Filing.id)
        .join(WasteStream, Filing.stream_id == WasteStream.id)
        .where(Filing.ended_at.is_(None), or_(WasteStream.site_id == site.id, Filing.receiving_site_id == site.id))
    )
    if session.scalar(filed.limit(1)) is not None:
        raise Conflict("A filing across provinces names this site. End it before the site moves to another province.")


def _write(site: Site, organization: Organization, new: NewSite) -> None:
    site.name = new.name.strip()
    site.name_en = new.name_en.strip()
    site.division_code = new.division.code
    site.address = new.address.strip()
    site.park_id = organization.park_id if new.in_park else None
    site.lat_udeg, site.lon_udeg = new.point.lat_udeg, new.point.lon_udeg
    site.entered_datum = new.datum
    site.entered_point = new.entered_point
    site.point_origin = new.point_origin


def _note(
    session: Session,
    actor: Actor,
    action: str,
    site: Site,
    organization: Organization,
    *,
    now: datetime,
    **detail: object,
) -> None:
    record(
        session,
        actor,
        action,
        "site",
        site.id,
        now=now,
        organization_id=organization.id,
        park_id=site.park_id or organization.park_id,
        name=site.name,
        division_code=site.division_code,
        point=[site.lat_udeg, site.lon_udeg],
        **detail,
    )
