"""Reads: waste streams, their lab sheets, and which intake lines they would suit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain import deductions
from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotAllowed
from marketplace.domain.fit import Accepting
from marketplace.domain.grades import Grading, general_gradings, gradings
from marketplace.domain.listings import bidding_of
from marketplace.domain.quantities import Month
from marketplace.domain.wastes import find_material
from marketplace.persistence.fit import accepting, latest_values
from marketplace.persistence.kept import belonging, find_stream, keeps, readable
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import LabSheet, LabValue, WasteStream
from marketplace.queries.listed import Listed, Wish, matches, page_of


@dataclass(frozen=True)
class StreamRow:
    """A stream in a list."""

    id: int
    name: str
    name_en: str
    organization_zh: str
    organization_en: str
    site: str
    site_en: str
    material: str
    waste_code: str
    legal_status: str
    generation_kg_per_month: int
    stock_kg: int
    storage_limit_kg: int | None
    grade: str
    sampled_on: date | None
    listed: int
    retired_at: datetime | None

    @property
    def days_to_full(self) -> int | None:
        """After how many days the storage is full if nothing leaves; none where that cannot be said."""
        return days_to_full(self.generation_kg_per_month, self.stock_kg, self.storage_limit_kg)


@dataclass(frozen=True)
class StreamsPage:
    """The streams that an actor may see."""

    listed: Listed[StreamRow]
    may_keep: bool
    has_site: bool
    several: bool


@dataclass(frozen=True)
class Value:
    """A value on a sheet."""

    property: str
    value: Decimal
    basis: str
    method: str


@dataclass(frozen=True)
class Sheet:
    """A lab sheet; ``void`` ones count for nothing."""

    id: int
    sheet_no: str
    laboratory: str
    accredited: bool
    sampled_on: date
    reported_on: date
    void: bool
    values: tuple[Value, ...]

    def value_of(self, code: str) -> Decimal | None:
        """The value of a property on this sheet."""
        return next((each.value for each in self.values if each.property == code), None)


@dataclass(frozen=True)
class ListingOf:
    """A listing of the stream, as its own organization sees it."""

    id: int
    first_month: Month
    last_month: Month
    kg_per_month: int
    published_at: datetime | None
    expires_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class OwnLine:
    """A line of the own organization against the latest values."""

    line_id: int
    verdict: str
    missing: tuple[str, ...]
    beyond: tuple[str, ...]


@dataclass(frozen=True)
class Suits:
    """
    How many intake lines that take the material the latest values suit, by their acceptance limits alone.

    No line of another organization is named, nor any limit of it. ``missing`` says how many lines ask for a property
    that has no value.
    """

    meets: int
    deducted: int
    needs_test: int
    fails: int
    missing: tuple[tuple[str, int], ...]
    own: tuple[OwnLine, ...]

    @property
    def lines(self) -> int:
        """All lines that take the material."""
        return self.meets + self.deducted + self.needs_test + self.fails


@dataclass(frozen=True)
class StreamPage:
    """A stream with its history; ``gradings`` judge the newest sheet, ``values`` are the latest of each property."""

    id: int
    organization_id: int
    organization_zh: str
    organization_en: str
    site_id: int
    site: str
    site_en: str
    division_code: str
    name: str
    name_en: str
    material: str
    waste_code: str
    legal_status: str
    origin_process: str
    boiler: str
    ash_class: str
    form: str
    generation_kg_per_month: int
    stock_kg: int
    storage_limit_kg: int | None
    origin_answers: dict[str, bool]
    mixed_with_hazardous: bool
    grade: str
    created_at: datetime
    retired_at: datetime | None
    sheets: tuple[Sheet, ...]
    listings: tuple[ListingOf, ...]
    values: dict[str, Decimal]
    gradings: tuple[Grading, ...]
    general: tuple[Grading, ...]
    suits: Suits
    sells: bool
    """A listing of it takes bids: what bidders rely on is changed only with their bids."""
    may_keep: bool
    may_list: bool

    @property
    def days_to_full(self) -> int | None:
        """After how many days the storage is full if nothing leaves; none where that cannot be said."""
        return days_to_full(self.generation_kg_per_month, self.stock_kg, self.storage_limit_kg)

    @property
    def newest(self) -> Sheet | None:
        """The newest sheet that counts."""
        return next((sheet for sheet in self.sheets if not sheet.void), None)


def days_to_full(generation_kg_per_month: int, stock_kg: int, limit_kg: int | None) -> int | None:
    """Return after how many whole days a storage is full, at thirty days a month; none without limit or generation."""
    if limit_kg is None or generation_kg_per_month <= 0:
        return None
    return max(limit_kg - stock_kg, 0) * 30 // generation_kg_per_month


def streams_page(session: Session, actor: Actor, wish: Wish, *, now: datetime, retired: bool = False) -> StreamsPage:
    """Return the streams that an actor may see, those in use or those retired. Three SELECTs."""
    newest = (
        select(func.max(LabSheet.sampled_on))
        .where(LabSheet.stream_id == WasteStream.id, LabSheet.voided_at.is_(None))
        .correlate(WasteStream)
        .scalar_subquery()
    )
    listed = (
        select(func.count(Listing.id))
        .where(
            Listing.stream_id == WasteStream.id,
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
        )
        .correlate(WasteStream)
        .scalar_subquery()
    )
    query = (
        select(
            WasteStream.id,
            WasteStream.name,
            WasteStream.name_en,
            Organization.name_zh,
            Organization.name_en,
            Site.name,
            Site.name_en,
            WasteStream.material,
            WasteStream.waste_code,
            WasteStream.legal_status,
            WasteStream.generation_kg_per_month,
            WasteStream.stock_kg,
            WasteStream.storage_limit_kg,
            WasteStream.grade,
            newest.label("sampled_on"),
            listed.label("listed"),
            WasteStream.retired_at,
        )
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(readable(actor, "stream.read"))
        .where(WasteStream.retired_at.is_not(None) if retired else WasteStream.retired_at.is_(None))
    )
    meant = tuple(each.code for each in find_material(wish.search)) if wish.search else ()
    found = matches(
        wish.search,
        WasteStream.name,
        WasteStream.name_en,
        WasteStream.waste_code,
        Site.name,
        Organization.name_zh,
        Organization.name_en,
        codes=(WasteStream.material, meant),
    )
    if found is not None:
        query = query.where(found)
    page = page_of(
        session,
        query,
        wish,
        sorts={
            "name": WasteStream.name,
            "material": WasteStream.material,
            "generation": WasteStream.generation_kg_per_month,
            "stock": WasteStream.stock_kg,
            "grade": WasteStream.grade,
        },
        last=WasteStream.id,
    )
    rows = tuple(StreamRow(*row) for row in page.rows)
    may_keep = keeps(actor, "stream.keep")
    site = session.scalar(select(Site.id).where(Site.organization_id.in_(may_keep), Site.closed_at.is_(None)).limit(1))
    return StreamsPage(
        Listed(rows, page.number, page.pages, page.total, page.sort, page.search),
        bool(may_keep),
        site is not None,
        len(actor.organization_ids) != 1,
    )


def stream_page(session: Session, actor: Actor, stream_id: int, *, now: datetime) -> StreamPage:
    """Return a stream with sheets, listings and what it suits; raises NotFound if the actor may not see it."""
    stream, site, organization = find_stream(session, stream_id)
    whose = belonging(organization, site)
    actor.must("stream.read", whose)
    sheets = _sheets(session, stream.id)
    listings = session.execute(
        select(
            Listing.id,
            Listing.first_month,
            Listing.last_month,
            Listing.kg_per_month,
            Listing.published_at,
            Listing.expires_at,
            Listing.withdrawn_at,
            Listing.bids_close_at,
            Listing.bids_opened_at,
            Listing.bids_decided_at,
        )
        .where(Listing.stream_id == stream.id)
        .order_by(Listing.drafted_at.desc(), Listing.id.desc())
    ).all()
    values = dict(latest_values(session, [stream.id], now=now).get(stream.id, {}))
    newest = next((sheet for sheet in sheets if not sheet.void), None)
    judged = {each.property: each.value for each in newest.values} if newest else {}
    return StreamPage(
        id=stream.id,
        organization_id=organization.id,
        organization_zh=organization.name_zh,
        organization_en=organization.name_en,
        site_id=site.id,
        site=site.name,
        site_en=site.name_en,
        division_code=site.division_code,
        name=stream.name,
        name_en=stream.name_en,
        material=stream.material,
        waste_code=stream.waste_code,
        legal_status=stream.legal_status,
        origin_process=stream.origin_process,
        boiler=stream.boiler,
        ash_class=stream.ash_class,
        form=stream.form,
        generation_kg_per_month=stream.generation_kg_per_month,
        stock_kg=stream.stock_kg,
        storage_limit_kg=stream.storage_limit_kg,
        origin_answers=dict(stream.origin_answers),
        mixed_with_hazardous=stream.mixed_with_hazardous,
        grade=stream.grade,
        created_at=stream.created_at,
        retired_at=stream.retired_at,
        sheets=sheets,
        listings=tuple(ListingOf(*row[:7]) for row in listings),
        values=values,
        gradings=gradings(stream.material, judged, ash_class=stream.ash_class or None, boiler=stream.boiler or None),
        general=tuple(each for each in general_gradings(judged) if each.outcome in {"met", "failed"}),
        suits=_suits(session, stream.material, values, organization.id),
        sells=any(
            row.published_at is not None
            and row.withdrawn_at is None
            and bidding_of(
                now,
                bids_close_at=row.bids_close_at,
                bids_opened_at=row.bids_opened_at,
                bids_decided_at=row.bids_decided_at,
            )
            == "open"
            for row in listings
        ),
        may_keep=stream.retired_at is None and actor.may("stream.keep", whose),
        may_list=stream.retired_at is None and actor.may("listing.draft", whose),
    )


def stream_to_keep(session: Session, actor: Actor, stream_id: int, *, now: datetime) -> StreamPage:
    """Return a stream that the actor may change; raises NotFound, or NotAllowed if it may only be seen."""
    page = stream_page(session, actor, stream_id, now=now)
    if page.organization_id not in keeps(actor, "stream.keep"):
        raise NotAllowed
    return page


def _sheets(session: Session, stream_id: int) -> tuple[Sheet, ...]:
    """Return the sheets of a stream, the newest first. Two SELECTs."""
    values: dict[int, list[Value]] = {}
    for row in session.execute(
        select(LabValue.sheet_id, LabValue.property, LabValue.value, LabValue.basis, LabValue.method)
        .join(LabSheet, LabValue.sheet_id == LabSheet.id)
        .where(LabSheet.stream_id == stream_id)
        .order_by(LabValue.id)
    ):
        values.setdefault(row[0], []).append(Value(*row[1:]))
    rows = session.execute(
        select(
            LabSheet.id,
            LabSheet.sheet_no,
            LabSheet.laboratory,
            LabSheet.accredited,
            LabSheet.sampled_on,
            LabSheet.reported_on,
            LabSheet.voided_at,
        )
        .where(LabSheet.stream_id == stream_id)
        .order_by(LabSheet.sampled_on.desc(), LabSheet.id.desc())
    )
    return tuple(Sheet(*(*row[:6], row.voided_at is not None, tuple(values.get(row.id, ())))) for row in rows)


def _suits(session: Session, material: str, values: dict[str, Decimal], organization_id: int) -> Suits:
    counts = {"meets": 0, "deducted": 0, "needs_test": 0, "fails": 0}
    asked: dict[str, int] = {}
    own = []
    for line in accepting(session, None).values():
        if material not in line.materials:
            continue
        verdict, missing, beyond = _held(line, material, values)
        if line.organization_id == organization_id:
            own.append(OwnLine(line.line_id, verdict, missing, beyond))
        counts[verdict] += 1
        if verdict == "needs_test":
            for code in missing:
                asked[code] = asked.get(code, 0) + 1
    ranked = tuple(sorted(asked.items(), key=lambda item: (-item[1], item[0])))
    return Suits(**counts, missing=ranked, own=tuple(own))


def _held(line: Accepting, material: str, values: dict[str, Decimal]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return how the values stand against a line's limits: verdict, what is missing, what is beyond."""
    found = [
        (limit.property, deductions.judge(limit, values.get(limit.property)).outcome)
        for limit in line.limits
        if limit.holds_for(material)
    ]
    missing = tuple(code for code, outcome in found if outcome == "missing")
    beyond = tuple(code for code, outcome in found if outcome in {"limit", "stop"})
    if beyond:
        return "fails", missing, beyond
    if missing:
        return "needs_test", missing, ()
    return ("deducted" if any(outcome == "deducted" for _, outcome in found) else "meets"), (), ()
