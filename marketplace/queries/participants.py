"""Reads: which rounds are open to an organization: plants in the park, and lines within the round's radius."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.domain.places import Point, great_circle_m
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.organizations import Site
from marketplace.persistence.rounds import Award


def rounds_open_to(
    session: Session, organization_ids: Collection[int], rounds: Sequence[tuple[int, int, int]]
) -> frozenset[int]:
    """
    Return those of these rounds (id, park, radius in meters) that are open to one of the organizations.

    A round is open to who has a site in its park, who has an intake line within its radius around a site of the park,
    and who was awarded something in it. Four SELECTs.
    """
    if not organization_ids or not rounds:
        return frozenset()
    own_parks = set(
        session.scalars(
            select(Site.park_id).where(Site.organization_id.in_(organization_ids), Site.closed_at.is_(None))
        )
    )
    awarded = set(
        session.scalars(
            select(Award.round_id).where(
                Award.round_id.in_([round_id for round_id, _, _ in rounds]),
                or_(Award.producer_id.in_(organization_ids), Award.recycler_id.in_(organization_ids)),
            )
        )
    )
    lines = [
        Point(row.lat_udeg, row.lon_udeg)
        for row in session.execute(
            select(Site.lat_udeg, Site.lon_udeg)
            .join(IntakeLine, IntakeLine.site_id == Site.id)
            .where(
                Site.organization_id.in_(organization_ids), IntakeLine.retired_at.is_(None), Site.closed_at.is_(None)
            )
            .distinct()
        )
    ]
    sites: dict[int, list[Point]] = defaultdict(list)
    for row in session.execute(
        select(Site.park_id, Site.lat_udeg, Site.lon_udeg).where(
            Site.park_id.in_({park_id for _, park_id, _ in rounds}), Site.closed_at.is_(None)
        )
    ):
        sites[row.park_id].append(Point(row.lat_udeg, row.lon_udeg))
    nearest = {
        park_id: min((great_circle_m(line, site) for line in lines for site in points), default=None)
        for park_id, points in sites.items()
    }
    open_to = set()
    for round_id, park_id, radius_m in rounds:
        distance = nearest.get(park_id)
        if park_id in own_parks or round_id in awarded or (distance is not None and distance <= radius_m):
            open_to.add(round_id)
    return frozenset(open_to)
