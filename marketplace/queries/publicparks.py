"""What everybody may read of parks: rates and sums behind which at least five organizations stand, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from marketplace.domain import wastes
from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotFound
from marketplace.domain.ledger import NOTHING, Figures, Tally
from marketplace.domain.quantities import Month
from marketplace.domain.utilization import FEWEST, rate, together
from marketplace.persistence.ledger import Posting
from marketplace.persistence.organizations import Site
from marketplace.persistence.parks import Park
from marketplace.persistence.streams import WasteStream
from marketplace.queries.parkrows import in_scope_of
from marketplace.queries.postings import MOVES, add_to, counts, is_solid_waste

LOCAL = timedelta(hours=8)

OTHERS: Final = ""
"""The class of all that may not be told apart."""


@dataclass(frozen=True)
class ClassRow:
    """A class of waste, or all others together, with how many organizations stand behind it."""

    category: str
    figures: Figures
    plants: int

    @property
    def rate(self) -> Decimal | None:
        """The rate of the class."""
        return rate(self.figures)


@dataclass(frozen=True)
class PublicPark:
    """A park as everybody sees it; without figures where fewer than five organizations would stand behind them."""

    park_id: int
    name_zh: str
    name_en: str
    division_code: str
    goal_permille: int
    goal_source: str
    goal_source_en: str
    first: Month
    last: Month
    total: Figures
    months: tuple[tuple[Month, Decimal | None], ...]
    classes: tuple[ClassRow, ...]
    plants: int

    @property
    def shown(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.classes)

    @property
    def rate(self) -> Decimal | None:
        """The rate of the period."""
        return rate(self.total)

    @property
    def goal(self) -> Decimal:
        """The goal as a ratio."""
        return Decimal(self.goal_permille) / 1000


@dataclass(frozen=True)
class ParkLine:
    """A park in the auditor's list."""

    park_id: int
    name_zh: str
    name_en: str
    division_code: str
    goal_permille: int
    figures: Figures
    plants: int

    @property
    def rate(self) -> Decimal | None:
        """The rate of the last twelve months that are over."""
        return rate(self.figures)

    @property
    def goal(self) -> Decimal:
        """The goal as a ratio."""
        return Decimal(self.goal_permille) / 1000


def parks_index(session: Session, actor: Actor, *, now: datetime) -> tuple[Month, Month, tuple[ParkLine, ...]]:
    """Return all parks with the rate of the last twelve months that are over, and which these are. Raises NotFound."""
    actor.must("park.read")
    first, last = _last_year(now)
    lines = []
    rows = _rows(session, [], first, last)
    for park in _parks(session, None):
        mine = [row for row in rows if row.park_id == park.id]
        lines.append(
            ParkLine(
                park.id,
                park.name_zh,
                park.name_en,
                park.division_code,
                park.goal_permille,
                together(_by(mine, "month").values()).over(first),
                len({row.organization_id for row in mine}),
            )
        )
    return first, last, tuple(lines)


def public_parks(session: Session, *, now: datetime) -> tuple[PublicPark, ...]:
    """Return all parks as everybody sees them."""
    first, last = _last_year(now)
    rows = _rows(session, [], first, last)
    return tuple(
        _public(park, [row for row in rows if row.park_id == park.id], first, last) for park in _parks(session, None)
    )


def public_park(session: Session, park_id: int, *, now: datetime) -> PublicPark:
    """Return a park as everybody sees it. Raises NotFound."""
    found = _parks(session, park_id)
    if not found:
        raise NotFound
    first, last = _last_year(now)
    return _public(found[0], _rows(session, [Site.park_id == park_id], first, last), first, last)


def told_apart(plants: dict[str, set[int]]) -> frozenset[str]:
    """
    Return the classes that may be shown by themselves.

    A class needs five organizations, and so do all others together: what is left of a sum would tell of them.
    """
    fewest_first = sorted(plants, key=lambda category: (len(plants[category]), category))
    hidden: set[int] = set()
    shown = list(fewest_first)
    for category in fewest_first:
        if len(plants[category]) >= FEWEST and (not hidden or len(hidden) >= FEWEST):
            break
        hidden |= plants[category]
        shown.remove(category)
    return frozenset(shown)


def _last_year(now: datetime) -> tuple[Month, Month]:
    last = Month.of((now + LOCAL).date()).plus(-1)
    return last.plus(-11), last


def _parks(session: Session, park_id: int | None) -> list[Any]:
    statement = select(
        Park.id,
        Park.name_zh,
        Park.name_en,
        Park.division_code,
        Park.goal_permille,
        Park.goal_source,
        Park.goal_source_en,
    ).order_by(Park.id)
    return list(session.execute(statement if park_id is None else statement.where(Park.id == park_id)).all())


def _rows(session: Session, where: list[ColumnElement[bool]], first: Month, last: Month) -> list[Any]:
    """Return kilograms by park, organization, code, month and pair of accounts: bulk classes of solid waste alone."""
    statement = (
        select(
            Site.park_id,
            Posting.organization_id,
            Posting.waste_code,
            Posting.month,
            *MOVES,
            func.sum(Posting.kg).label("kg"),
        )
        .join(Site, Site.id == Posting.site_id)
        .outerjoin(WasteStream, WasteStream.id == Posting.stream_id)
        .where(
            Site.park_id.is_not(None),
            Posting.month.between(first, last),
            is_solid_waste(),
            counts(),
            *in_scope_of("bulk"),
            *where,
        )
        .group_by(
            Site.park_id,
            Posting.organization_id,
            Posting.waste_code,
            Posting.month,
            *MOVES,
        )
    )
    return list(session.execute(statement).all())


def _by(rows: list[Any], name: str) -> dict[Any, Figures]:
    moved: dict[Any, Tally] = defaultdict(Tally)
    for row in rows:
        add_to(moved[getattr(row, name)], row)
    return {key: Figures.of(each) for key, each in moved.items()}


def _public(park: Any, rows: list[Any], first: Month, last: Month) -> PublicPark:
    """Return what may be shown: only months for which at least five organizations have figures."""
    behind: dict[Month, set[int]] = defaultdict(set)
    for row in rows:
        behind[row.month].add(row.organization_id)
    kept = [row for row in rows if len(behind[row.month]) >= FEWEST]
    by_month = _by(kept, "month")
    plants: dict[str, set[int]] = defaultdict(set)
    for row in kept:
        plants[wastes.waste_code(row.waste_code).category].add(row.organization_id)
    apart = told_apart(plants)
    figures: dict[str, Figures] = defaultdict(lambda: NOTHING)
    for code, each in _by(kept, "waste_code").items():
        category = wastes.waste_code(code).category
        figures[category if category in apart else OTHERS] += each.over(first)
    others = set().union(*(plants[category] for category in plants if category not in apart))
    classes = [ClassRow(category, figures[category], len(plants[category])) for category in sorted(apart)]
    if others:
        classes.append(ClassRow(OTHERS, figures[OTHERS], len(others)))
    return PublicPark(
        park_id=park.id,
        name_zh=park.name_zh,
        name_en=park.name_en,
        division_code=park.division_code,
        goal_permille=park.goal_permille,
        goal_source=park.goal_source,
        goal_source_en=park.goal_source_en,
        first=first,
        last=last,
        total=together(by_month.values()).over(first),
        months=tuple((month, rate(by_month[month]) if month in by_month else None) for month in first.until(last)),
        classes=tuple(classes),
        plants=len({row.organization_id for row in kept}),
    )
