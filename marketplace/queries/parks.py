"""The page of a park: how much of its waste is put to use, by whom, since when, and what will add to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

from sqlalchemy import Row
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Invalid, NotFound
from marketplace.domain.ledger import NOTHING, Figures, Tally
from marketplace.domain.quantities import Month
from marketplace.domain.utilization import SCOPES, Forecast, Gap, Scope, forecast, gap, in_scope, rate, together
from marketplace.queries.parkrows import (
    AwardFlow,
    SitePoint,
    award_flows,
    park_row,
    site_points,
    sums_by_month,
    sums_by_site,
    sums_by_stream,
)
from marketplace.queries.postings import add_to

LOCAL = timedelta(hours=8)
MOST_MONTHS: Final = 60

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Period:
    """The months and the scope that a page speaks of; ``chosen`` says whether the reader asked for them."""

    first: Month
    last: Month
    scope: Scope
    chosen: bool = False


@dataclass(frozen=True)
class MaterialRow:
    """One material over the period."""

    material: str
    figures: Figures
    plants: int

    @property
    def rate(self) -> Decimal | None:
        """The rate of the material."""
        return rate(self.figures)


@dataclass(frozen=True)
class PlantRow:
    """
    One organization over the period, with its materials, the largest first.

    ``latest`` is the last month of the period that it has figures for; none if it has none at all.
    """

    organization_id: int
    name_zh: str
    name_en: str
    figures: Figures
    materials: tuple[MaterialRow, ...]
    latest: Month | None

    @property
    def rate(self) -> Decimal | None:
        """The rate of the plant."""
        return rate(self.figures)


@dataclass(frozen=True)
class MonthFigures:
    """One month of the park."""

    month: Month
    figures: Figures

    @property
    def rate(self) -> Decimal | None:
        """The rate of the month."""
        return rate(self.figures)


@dataclass(frozen=True)
class Tasks:
    """How much waits for the administrator: figures of last month, members, permits, rounds, listings."""

    over: Month
    plants: int
    late: int
    to_verify: int
    permits: int
    expiring: int
    rounds: int
    stalled: int


@dataclass(frozen=True)
class ParkPage:
    """A park over one period and scope."""

    park_id: int
    name_zh: str
    name_en: str
    division_code: str
    goal_permille: int
    goal_source: str
    goal_source_en: str
    period: Period
    earliest: Month | None
    latest: Month | None
    latest_over: Month | None
    """The last month with figures that is over."""
    total: Figures
    materials: tuple[MaterialRow, ...]
    plants: tuple[PlantRow, ...]
    months: tuple[MonthFigures, ...]
    evidence: tuple[tuple[str, int], ...]
    """Kilograms utilized by the grade of their evidence."""
    forecast: Forecast | None
    flows: tuple[AwardFlow, ...]
    """What awards move in the months of the period."""
    ahead: tuple[AwardFlow, ...]
    """What awards move in the months of the forecast."""
    sites: tuple[SitePoint, ...]
    generated_by_site: dict[int, int]
    tasks: Tasks

    @property
    def rate(self) -> Decimal | None:
        """The statutory rate of the period."""
        return rate(self.total)

    @property
    def goal(self) -> Decimal:
        """The goal as a ratio."""
        return Decimal(self.goal_permille) / 1000

    @property
    def gap(self) -> Gap | None:
        """What is missing to the goal."""
        return gap(self.total, self.goal_permille)

    @property
    def unbalanced(self) -> tuple[PlantRow, ...]:
        """The plants whose figures do not close."""
        return tuple(plant for plant in self.plants if not plant.figures.closes)

    @property
    def contracted_kg(self) -> int:
        """What of the awarded kilograms of the forecast stands in contracts."""
        return sum(flow.kg for flow in self.ahead if flow.contract_id is not None)


def park_page(
    session: Session,
    actor: Actor,
    park_id: int,
    *,
    first: Month | None = None,
    last: Month | None = None,
    scope: str = "bulk",
    now: datetime,
) -> ParkPage:
    """
    Return the page of a park; by default the last twelve months with figures of the bulk classes.

    Raises NotFound if it is not the actor's to see, Invalid for a period or scope that makes no sense.
    """
    this_month = Month.of((now + LOCAL).date())
    park = park_row(session, park_id, this_month=this_month, now=now)
    if park is None:
        raise NotFound
    actor.must("park.read", Belonging.to_park(park_id))
    period = _period(first, last, scope, latest=park.latest_over or park.latest or this_month.plus(-1))
    flows = [
        flow
        for flow in award_flows(session, park_id, since=period.first, now=now)
        if in_scope(flow.waste_code, period.scope)
    ]
    awarded: dict[tuple[int, Month], int] = defaultdict(int)
    for flow in flows:
        if flow.month >= this_month:
            awarded[flow.stream_id, flow.month] += flow.kg
    earlier = {month.plus(-12) for _, month in awarded}
    monthly = sums_by_month(session, park_id, period.scope, period.first, period.last, earlier)
    sites = sums_by_site(session, park_id, period.scope, period.first, period.last)
    points = site_points(session, park_id)
    known: dict[tuple[int, Month], Figures] = {}
    if awarded:
        streams = sums_by_stream(session, {key for key, _ in awarded}, earlier | {month for _, month in awarded})
        known = _figures(streams, lambda row: (row.stream_id, row.month))
    by_month = _figures(monthly, lambda row: row.month)
    found = forecast(awarded, known, by_month)
    generated = {site: each.generated_kg for site, each in _figures(sites, lambda row: row.site_id).items()}
    evidence = {grade: each.utilized_kg for grade, each in _figures(sites, lambda row: row.evidence).items()}
    return ParkPage(
        park_id=park.id,
        name_zh=park.name_zh,
        name_en=park.name_en,
        division_code=park.division_code,
        goal_permille=park.goal_permille,
        goal_source=park.goal_source,
        goal_source_en=park.goal_source_en,
        period=period,
        earliest=park.earliest,
        latest=park.latest,
        latest_over=park.latest_over,
        total=together(by_month.get(month, NOTHING) for month in period.first.until(period.last)).over(period.first),
        materials=_materials(sites, period.first),
        plants=_plants(sites, points, period.first),
        months=tuple(MonthFigures(month, by_month.get(month, NOTHING)) for month in period.first.until(period.last)),
        evidence=tuple(sorted((grade, kg) for grade, kg in evidence.items() if kg)),
        forecast=found,
        flows=tuple(flow for flow in flows if flow.month <= period.last),
        ahead=tuple(flow for flow in flows if flow.month >= this_month and (flow.stream_id, flow.month) not in known),
        sites=tuple(points),
        generated_by_site=generated,
        tasks=Tasks(
            over=this_month.plus(-1),
            plants=park.plants,
            late=park.late,
            to_verify=park.to_verify,
            permits=park.permits,
            expiring=park.expiring,
            rounds=park.rounds,
            stalled=park.stalled,
        ),
    )


def _period(first: Month | None, last: Month | None, scope: str, *, latest: Month) -> Period:
    if scope not in SCOPES:
        raise Invalid("The scope is either the bulk classes or all codes.", field="scope")
    chosen = first is not None or last is not None
    end = last if last is not None else max(latest, first) if first is not None else latest
    begin = first if first is not None else end.plus(-11)
    if begin > end:
        raise Invalid("The last month is before the first.", field="to")
    if begin.plus(MOST_MONTHS) <= end:
        raise Invalid("A period has at most %(most)s months.", field="from", most=MOST_MONTHS)
    return Period(begin, end, "all" if scope == "all" else "bulk", chosen)


def _figures(rows: Iterable[Row[Any]], key: Callable[[Row[Any]], Key]) -> dict[Key, Figures]:
    """Return the figures of rows by a key."""
    moved: dict[Key, Tally] = defaultdict(Tally)
    for row in rows:
        add_to(moved[key(row)], row)
    return {each: Figures.of(sums) for each, sums in moved.items()}


def _materials(rows: Sequence[Row[Any]], first: Month) -> tuple[MaterialRow, ...]:
    plants: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        plants[row.material].add(row.organization_id)
    made = [
        MaterialRow(material, figures.over(first), len(plants[material]))
        for material, figures in _figures(rows, lambda row: str(row.material)).items()
    ]
    return tuple(sorted(made, key=lambda row: (-row.figures.generated_kg, row.material)))


def _plants(rows: Sequence[Row[Any]], points: Sequence[SitePoint], first: Month) -> tuple[PlantRow, ...]:
    """Return the plants with figures, the largest first, and then the producers that have none."""
    names = {point.organization_id: (point.organization_zh, point.organization_en) for point in points}
    latest: dict[int, Month] = {}
    materials: dict[int, list[MaterialRow]] = {point.organization_id: [] for point in points if point.produces}
    for row in rows:
        latest[row.organization_id] = max(row.latest, latest.get(row.organization_id, row.latest))
    for (organization_id, material), figures in _figures(rows, lambda row: (row.organization_id, row.material)).items():
        materials.setdefault(organization_id, []).append(MaterialRow(material, figures.over(first), 1))
    made = [
        PlantRow(
            organization_id,
            *names[organization_id],
            together(each.figures for each in kept),
            tuple(sorted(kept, key=lambda each: (-each.figures.generated_kg, each.material))),
            latest.get(organization_id),
        )
        for organization_id, kept in materials.items()
    ]
    return tuple(sorted(made, key=lambda row: (-row.figures.generated_kg, row.organization_id)))
