"""Reads: sites and what is kept at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotAllowed, NotFound
from marketplace.domain.places import division
from marketplace.persistence.kept import belonging, find_site, keeps, readable
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.streams import WasteStream
from marketplace.queries.listed import Listed, Wish, matches, page_of


@dataclass(frozen=True)
class SiteRow:
    """A site in a list."""

    id: int
    name: str
    name_en: str
    organization_zh: str
    organization_en: str
    division_code: str
    park_zh: str | None
    park_en: str | None
    point_origin: str
    lat: float
    lon: float
    streams: int
    lines: int
    closed_at: datetime | None


@dataclass(frozen=True)
class SitesPage:
    """The sites that an actor may see; ``several`` says whether they are of more than one organization."""

    listed: Listed[SiteRow]
    may_keep: bool
    several: bool


@dataclass(frozen=True)
class Kept:
    """A stream or line at a site."""

    id: int
    name: str
    name_en: str
    about: str
    """The material or the route."""
    retired: bool


@dataclass(frozen=True)
class SitePage:
    """A site with all that is kept there."""

    id: int
    organization_id: int
    organization_zh: str
    organization_en: str
    produces: bool
    recycles: bool
    park_zh: str | None
    park_en: str | None
    own_park_zh: str
    own_park_en: str
    in_park: bool
    name: str
    name_en: str
    division_code: str
    address: str
    lat: float
    lon: float
    entered_datum: str
    entered_point: str
    point_origin: str
    approximate: bool
    """The point is that of the division, and that one only stands in for it."""
    closed_at: datetime | None
    streams: tuple[Kept, ...]
    lines: tuple[Kept, ...]
    may_keep: bool


@dataclass(frozen=True)
class Keeper:
    """An organization for which the actor may keep something, with its park."""

    id: int
    name_zh: str
    name_en: str
    park_zh: str
    park_en: str
    points: tuple[tuple[float, float, str], ...]
    """Latitude, longitude and name of its open sites."""


@dataclass(frozen=True)
class SiteChoice:
    """A site at which something can be kept."""

    id: int
    name: str
    name_en: str
    division_code: str


def sites_page(session: Session, actor: Actor, wish: Wish) -> SitesPage:
    """Return the sites that an actor may see. Two SELECTs."""
    streams = (
        select(func.count(WasteStream.id))
        .where(WasteStream.site_id == Site.id, WasteStream.retired_at.is_(None))
        .correlate(Site)
        .scalar_subquery()
    )
    lines = (
        select(func.count(IntakeLine.id))
        .where(IntakeLine.site_id == Site.id, IntakeLine.retired_at.is_(None))
        .correlate(Site)
        .scalar_subquery()
    )
    query = (
        select(
            Site.id,
            Site.name,
            Site.name_en,
            Organization.name_zh.label("organization_zh"),
            Organization.name_en.label("organization_en"),
            Site.division_code,
            Park.name_zh.label("park_zh"),
            Park.name_en.label("park_en"),
            Site.point_origin,
            Site.lat_udeg,
            Site.lon_udeg,
            streams.label("streams"),
            lines.label("lines"),
            Site.closed_at,
        )
        .join(Organization, Site.organization_id == Organization.id)
        .outerjoin(Park, Site.park_id == Park.id)
        .where(readable(actor, "site.read"))
    )
    found = matches(wish.search, Site.name, Site.name_en, Site.address, Organization.name_zh, Organization.name_en)
    if found is not None:
        query = query.where(found)
    page = page_of(
        session,
        query,
        wish,
        sorts={"name": Site.name, "division": Site.division_code, "organization": Organization.name_zh},
        last=Site.id,
    )
    rows = tuple(
        SiteRow(*(*row[:9], row.lat_udeg / 1_000_000, row.lon_udeg / 1_000_000, *row[11:])) for row in page.rows
    )
    listed = Listed(rows, page.number, page.pages, page.total, page.sort, page.search)
    return SitesPage(listed, bool(keeps(actor, "site.keep")), len(actor.organization_ids) != 1)


def site_page(session: Session, actor: Actor, site_id: int) -> SitePage:
    """Return a site; raises NotFound if the actor may not see it. Four SELECTs."""
    site, organization = find_site(session, site_id)
    whose = belonging(organization, site)
    actor.must("site.read", whose)
    parks = {
        park_id: (zh, en)
        for park_id, zh, en in session.execute(
            select(Park.id, Park.name_zh, Park.name_en).where(
                Park.id.in_({site.park_id, organization.park_id} - {None})
            )
        )
    }
    streams = session.execute(
        select(WasteStream.id, WasteStream.name, WasteStream.name_en, WasteStream.material, WasteStream.retired_at)
        .where(WasteStream.site_id == site_id)
        .order_by(WasteStream.retired_at.is_not(None), WasteStream.name, WasteStream.id)
    )
    lines = session.execute(
        select(IntakeLine.id, IntakeLine.name, IntakeLine.name_en, IntakeLine.route, IntakeLine.retired_at)
        .where(IntakeLine.site_id == site_id)
        .order_by(IntakeLine.retired_at.is_not(None), IntakeLine.name, IntakeLine.id)
    )
    here = parks.get(site.park_id or 0, (None, None))
    own = parks[organization.park_id]
    return SitePage(
        id=site.id,
        organization_id=organization.id,
        organization_zh=organization.name_zh,
        organization_en=organization.name_en,
        produces=organization.produces,
        recycles=organization.recycles,
        park_zh=here[0],
        park_en=here[1],
        own_park_zh=own[0],
        own_park_en=own[1],
        in_park=site.park_id is not None,
        name=site.name,
        name_en=site.name_en,
        division_code=site.division_code,
        address=site.address,
        lat=site.lat_udeg / 1_000_000,
        lon=site.lon_udeg / 1_000_000,
        entered_datum=site.entered_datum,
        entered_point=site.entered_point,
        point_origin=site.point_origin,
        approximate=site.point_origin == "division" and division(site.division_code).precision != "own",
        closed_at=site.closed_at,
        streams=tuple(Kept(*row[:4], row.retired_at is not None) for row in streams),
        lines=tuple(Kept(*row[:4], row.retired_at is not None) for row in lines),
        may_keep=site.closed_at is None and actor.may("site.keep", whose),
    )


def site_to_edit(session: Session, actor: Actor, site_id: int) -> SitePage:
    """Return a site that the actor may change; raises NotFound, or NotAllowed if it may only be seen."""
    page = site_page(session, actor, site_id)
    if not keeps(actor, "site.keep") or page.organization_id not in keeps(actor, "site.keep"):
        raise NotAllowed
    return page


def keepers(session: Session, actor: Actor, action: str) -> tuple[Keeper, ...]:
    """Return the organizations for which an actor may do this; raises NotFound if there is none. Two SELECTs."""
    ids = keeps(actor, action)
    if not ids:
        raise (NotAllowed if actor.organization_ids else NotFound)
    points: dict[int, list[tuple[float, float, str]]] = {}
    for owner, lat, lon, name in session.execute(
        select(Site.organization_id, Site.lat_udeg, Site.lon_udeg, Site.name)
        .where(Site.organization_id.in_(ids), Site.closed_at.is_(None))
        .order_by(Site.id)
    ):
        points.setdefault(owner, []).append((lat / 1_000_000, lon / 1_000_000, name))
    rows = session.execute(
        select(Organization.id, Organization.name_zh, Organization.name_en, Park.name_zh, Park.name_en)
        .join(Park, Organization.park_id == Park.id)
        .where(Organization.id.in_(ids))
        .order_by(Organization.id)
    )
    return tuple(Keeper(*row, tuple(points.get(row[0], ()))) for row in rows)


def site_choices(session: Session, actor: Actor, action: str) -> tuple[SiteChoice, ...]:
    """Return the open sites at which an actor may keep something; raises NotAllowed or NotFound. One SELECT."""
    ids = keeps(actor, action)
    if not ids:
        raise (NotAllowed if actor.organization_ids else NotFound)
    rows = session.execute(
        select(Site.id, Site.name, Site.name_en, Site.division_code)
        .where(Site.organization_id.in_(ids), Site.closed_at.is_(None))
        .order_by(Site.name, Site.id)
    )
    return tuple(SiteChoice(*row) for row in rows)
