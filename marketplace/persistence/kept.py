"""What an organization keeps, with whom it belongs to: found by services and queries in one way."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.persistence.lines import Filing, IntakeLine
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream

Row = TypeVar("Row")


def belonging(organization: Organization, site: Site | None = None) -> Belonging:
    """Return whom a site, and all that is kept there, belongs to: its organization, overseen by both their parks."""
    return Belonging.to(organization.id, organization.park_id, site.park_id if site else None)


def find_organization(session: Session, organization_id: int, *, lock: bool = False) -> Organization:
    """Return an organization, locked if what it has is to be counted; raises NotFound."""
    held = {"key_share": True} if lock else None
    return _there(session.get(Organization, _possible(organization_id), populate_existing=lock, with_for_update=held))


def find_site(session: Session, site_id: int, *, lock: bool = False) -> tuple[Site, Organization]:
    """Return a site with its organization, locked if it is to be changed; raises NotFound."""
    query = select(Site, Organization).join(Organization).where(Site.id == _possible(site_id))
    if lock:
        query = query.with_for_update(of=Site)
    row = _there(session.execute(query.execution_options(populate_existing=lock)).first())
    return row[0], row[1]


def find_stream(session: Session, stream_id: int, *, lock: bool = False) -> tuple[WasteStream, Site, Organization]:
    """Return a waste stream with its site and organization; raises NotFound."""
    query = (
        select(WasteStream, Site, Organization)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(WasteStream.id == _possible(stream_id))
    )
    if lock:
        query = query.with_for_update(of=WasteStream)
    row = _there(session.execute(query.execution_options(populate_existing=lock)).first())
    return row[0], row[1], row[2]


def find_line(session: Session, line_id: int, *, lock: bool = False) -> tuple[IntakeLine, Site, Organization]:
    """Return an intake line with its site and organization; raises NotFound."""
    query = (
        select(IntakeLine, Site, Organization)
        .join(Site, IntakeLine.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(IntakeLine.id == _possible(line_id))
    )
    if lock:
        query = query.with_for_update(of=IntakeLine)
    row = _there(session.execute(query.execution_options(populate_existing=lock)).first())
    return row[0], row[1], row[2]


def find_filing(session: Session, filing_id: int) -> tuple[Filing, Site, Organization]:
    """Return a filing with the site and the organization that the waste comes from; raises NotFound."""
    query = (
        select(Filing, Site, Organization)
        .join(WasteStream, Filing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(Filing.id == _possible(filing_id))
    )
    row = _there(session.execute(query).first())
    return row[0], row[1], row[2]


def readable(actor: Actor, action: str) -> ColumnElement[bool]:
    """Return the condition on Site and Organization, both joined, under which an actor may see what is kept there."""
    if actor.may(action):
        return true()
    own = [each for each in actor.organization_ids if actor.may(action, Belonging.to(each))]
    parks = [each for each in actor.park_ids if actor.may(action, Belonging.to_park(each))]
    overseen = and_(
        or_(Site.park_id.in_(parks), Organization.park_id.in_(parks)),
        Organization.id.not_in(actor.organization_ids),  # nobody judges in the own cause
    )
    return or_(Organization.id.in_(own), overseen if parks else false())


def keeps(actor: Actor, action: str) -> list[int]:
    """Return the organizations for which an actor may do this."""
    return sorted(each for each in actor.organization_ids if actor.may(action, Belonging.to(each)))


def _there(row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row


def _possible(row_id: int) -> int:
    """Refuse, as not found, a number that no row can have: an address may hold any."""
    if not 0 < row_id < 2**31:
        raise NotFound
    return row_id
