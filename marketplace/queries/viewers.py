"""Reads: who looks at the market, and how much of each listing they see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.grades import grades
from marketplace.domain.listings import Sight, sight
from marketplace.domain.places import Point, division
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.rounds import Award


@dataclass(frozen=True)
class Viewer:
    """
    Somebody who looks at the market.

    ``member``: acts for an organization that is verified and not suspended. ``everything``: an auditor.
    """

    organization_ids: frozenset[int]
    park_ids: frozenset[int]
    member: bool
    everything: bool

    def oversees(self, organization_id: int, *parks: int | None) -> bool:
        """Say whether it is the own organization's, lies in the own park, or is read by an auditor."""
        return self.everything or organization_id in self.organization_ids or bool(self.park_ids & set(parks))

    def sees(self, disclosure: str, organization_id: int, *parks: int | None, awarded: bool = False) -> Sight:
        """Return how much of a listing this viewer sees."""
        return sight(disclosure, own=self.oversees(organization_id, *parks), awarded=awarded, member=self.member)

    def reads_names(self) -> ColumnElement[bool]:
        """Return the condition that a listing's names are seen; awards are left out of it."""
        return self._one_of("open", "members" if self.member else "")

    def reads_figures(self) -> ColumnElement[bool]:
        """Return the condition that a listing's figures are seen; awards are left out of it."""
        return true() if self.member else self._one_of("open")

    def _one_of(self, *levels: str) -> ColumnElement[bool]:
        if self.everything:
            return true()
        told = [Listing.disclosure.in_([level for level in levels if level])]
        if self.organization_ids:
            told.append(Organization.id.in_(self.organization_ids))
        if self.park_ids:
            told += [Organization.park_id.in_(self.park_ids), Site.park_id.in_(self.park_ids)]
        return or_(*told)


def viewer_of(session: Session, actor: Actor) -> Viewer:
    """Return who looks. At most one SELECT."""
    mine = actor.organization_ids
    member = bool(mine) and (
        session.scalar(
            select(Organization.id)
            .where(
                Organization.id.in_(mine),
                Organization.verified_at.is_not(None),
                Organization.suspended_at.is_(None),
            )
            .limit(1)
        )
        is not None
    )
    return Viewer(mine, actor.park_ids, member, "auditor" in actor.roles)


def awarded_to(session: Session, viewer: Viewer, listing_ids: Collection[int]) -> frozenset[int]:
    """Return those of these listings of which the viewer's organization was awarded some. One SELECT."""
    if not viewer.organization_ids or not listing_ids:
        return frozenset()
    return frozenset(
        session.scalars(
            select(Award.listing_id).where(
                Award.recycler_id.in_(viewer.organization_ids), Award.listing_id.in_(listing_ids)
            )
        )
    )


@cache
def prefecture_of(division_code: str) -> str:
    """Return the code of the prefecture that a division lies in; its own where it has none."""
    found = division(division_code)
    return found.prefecture_code or found.code


@cache
def hidden_point(division_code: str) -> Point:
    """Return the point that stands for a site whose place is not told: that of its prefecture."""
    return division(prefecture_of(division_code)).point


@cache
def grade_names(material: str, code: str) -> tuple[str, str]:
    """Return the name of a grade in both languages; the code where the standards do not know it."""
    found = next((grade for grade in grades(material) if grade.code == code), None)
    return (found.name_zh, found.name_en) if found else (code, code)
