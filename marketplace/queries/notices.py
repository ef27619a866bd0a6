"""Reads: what a person was told, newest first; and of what a person wants mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.notices import SUBJECTS, about
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.notices import MailOff, Notice
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.people import Person
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.streams import WasteStream
from marketplace.queries.listed import Listed, Wish, page_of

About = tuple[str, int]


@dataclass(frozen=True)
class Told:
    """One notice; ``leads_to`` names its object if the reader may still read it: ``board`` is a listing of others."""

    id: int
    kind: str
    values: Mapping[str, Any]
    posted_at: datetime
    read_at: datetime | None
    leads_to: About | None


@dataclass(frozen=True)
class NoticesPage:
    """One page of a person's notices, how many are unread, and the newest there is."""

    list: Listed[Told]
    unread: int
    newest: int


def notices_page(session: Session, actor: Actor, wish: Wish, *, unread: bool = False, now: datetime) -> NoticesPage:
    """Return a page of one's own notices, all or the unread. At most eight SELECTs."""
    actor.must("account.read")
    newest, waiting = session.execute(
        select(func.coalesce(func.max(Notice.id), 0), func.count(Notice.id).filter(Notice.read_at.is_(None))).where(
            Notice.person_id == actor.person_id
        )
    ).one()
    query = select(Notice.id, Notice.kind, Notice.values, Notice.posted_at, Notice.read_at).where(
        Notice.person_id == actor.person_id
    )
    if unread:
        query = query.where(Notice.read_at.is_(None))
    found = page_of(session, query, replace(wish, sort="-at"), sorts={"at": Notice.id}, last=Notice.id)
    objects = [about(kind, values) for _, kind, values, *_ in found.rows]
    open_to = _readable(session, actor, [each for each in objects if each is not None], now=now)
    rows = tuple(
        Told(row[0], row[1], row[2], row[3], row[4], leads_to=open_to.get(of) if of is not None else None)
        for row, of in zip(found.rows, objects, strict=True)
    )
    return NoticesPage(Listed(rows, found.number, found.pages, found.total, found.sort, found.search), waiting, newest)


@dataclass(frozen=True)
class MailPage:
    """To which address mail goes, and about which subjects."""

    email: str
    wanted: tuple[str, ...]


def mail_page(session: Session, actor: Actor) -> MailPage:
    """Return of what one has mail. Two SELECTs."""
    actor.must("account.read")
    email = session.scalars(select(Person.email).where(Person.id == actor.person_id)).one()
    off = set(session.scalars(select(MailOff.subject).where(MailOff.person_id == actor.person_id)))
    return MailPage(email, tuple(subject for subject in SUBJECTS if subject not in off))


def _readable(session: Session, actor: Actor, wanted: Iterable[About], *, now: datetime) -> dict[About, About]:
    """Return where each object is read by this actor now; what is not, is left out. A SELECT for each noun."""
    ids: dict[str, set[int]] = {}
    for noun, object_id in wanted:
        ids.setdefault(noun, set()).add(object_id)
    found: dict[About, About] = {}
    for noun, table in (("award", Award), ("contract", Contract)):
        if noun in ids:
            for row in session.execute(
                select(table.id, table.producer_id, table.recycler_id).where(table.id.in_(ids[noun]))
            ):
                whose = Belonging.to(row.producer_id, parties=(row.recycler_id,))
                _let(found, actor, noun, row.id, whose)
    if "organization" in ids:
        query = select(Organization.id, Organization.park_id).where(Organization.id.in_(ids["organization"]))
        for organization_id, park in session.execute(query):
            _let(found, actor, "organization", organization_id, Belonging.to(organization_id, park))
    if "line" in ids:
        lines = (
            select(IntakeLine.id, Organization.id, Organization.park_id, Site.park_id)
            .join(Site, Site.id == IntakeLine.site_id)
            .join(Organization, Organization.id == Site.organization_id)
            .where(IntakeLine.id.in_(ids["line"]))
        )
        for line_id, owner, park, site_park in session.execute(lines):
            _let(found, actor, "line", line_id, Belonging.to(owner, park, site_park))
    if "listing" in ids:
        listings = (
            select(
                Listing.id, Organization.id, Organization.park_id, Site.park_id,
                Listing.published_at, Listing.withdrawn_at, Listing.expires_at,
            )
            .join(WasteStream, WasteStream.id == Listing.stream_id)
            .join(Site, Site.id == WasteStream.site_id)
            .join(Organization, Organization.id == Site.organization_id)
            .where(Listing.id.in_(ids["listing"]))
        )  # fmt: skip
        for listing_id, owner, park, site_park, published, withdrawn, expires in session.execute(listings):
            _let(found, actor, "listing", listing_id, Belonging.to(owner, park, site_park))
            shown = published is not None and withdrawn is None and expires is not None and expires > now
            if shown and ("listing", listing_id) not in found:
                found["listing", listing_id] = ("board", listing_id)
    return found


def _let(found: dict[About, About], actor: Actor, noun: str, object_id: int, whose: Belonging) -> None:
    if actor.may(f"{noun}.read", whose):
        found[noun, object_id] = (noun, object_id)
