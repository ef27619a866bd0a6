"""Reads: what came out of a round: totals and proof, what is left over and why, and awards before they are published."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import false, func, select, true
from sqlalchemy.orm import Session

from marketplace.domain.canonical import from_json
from marketplace.domain.quantities import Month
from marketplace.domain.results import Leftover as LeftoverTold
from marketplace.domain.results import Proof, Report, Stored
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.rounds import Leftover, RoundFile
from marketplace.persistence.streams import WasteStream
from marketplace.queries.roundrows import RoundRow
from marketplace.queries.roundworth import CurveShown, RoomsShown, curve_of, rooms_of, was_proved

PER_PAGE: Final = 25
MOST_LEFT: Final = 100
"""Leftovers shown of each kind, the largest first; the file of the result has all."""


@dataclass(frozen=True)
class Preview:
    """An award that was solved and is not published: the same facts, without answers."""

    producer_zh: str
    producer_en: str
    stream: str
    stream_en: str
    recycler_zh: str
    recycler_en: str
    line: str
    line_en: str
    material: str
    kg: int
    price_fen_per_t: int | None
    freight_fen_per_t: int
    deduction_fen_per_t: int
    road_m: int


@dataclass(frozen=True)
class Left:
    """What a round left of a listing or a line: how much, why, and what would change it."""

    listing_id: int | None
    line_id: int | None
    owner_zh: str
    owner_en: str
    name: str
    name_en: str
    material: str
    kg: int
    reason: str
    sentence: Mapping[str, object]
    flip: Mapping[str, object] | None

    @property
    def proved(self) -> bool:
        """Whether what would change it was confirmed by solving again."""
        return was_proved(self.flip)


@dataclass(frozen=True)
class Waiting:
    """What waits in a yard or in front of a line over the end of a month, how much could, and what that costs its owner."""

    of_line: bool
    owner_zh: str
    owner_en: str
    name: str
    name_en: str
    month: Month
    kg: int
    room_kg: int
    cost_fen: int


@dataclass(frozen=True)
class Unstored:
    """A listing or a line at which nothing waits, since that would cost its owner more than the round brings."""

    owner_zh: str
    owner_en: str
    name: str
    name_en: str


@dataclass(frozen=True)
class Answered:
    """What a run found: totals, proof, regions of shortage, what waits, the curve and worth of room, and the hashes."""

    pass_no: int
    engine: str
    report: Report
    proof: Proof
    shortages: tuple[Mapping[str, object], ...]
    curve: CurveShown | None
    rooms: RoomsShown
    stores: bool
    stored: tuple[Waiting, ...]
    unstored: tuple[Unstored, ...]
    input_sha256: str
    result_sha256: str


def answer_of(session: Session, of: RoundRow) -> tuple[Answered | None, dict[str, Any] | None]:
    """Return the newest answer that is shown: the published one, or that of the run which waits to be published."""
    if of.result_sha256 is None:
        return None, None
    row = session.execute(
        select(RoundFile.pass_no, RoundFile.sha256, RoundFile.content)
        .where(RoundFile.round_id == of.id, RoundFile.kind == "result", RoundFile.sha256 == of.result_sha256)
        .order_by(RoundFile.pass_no.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None, None
    content = json.loads(row.content)
    stored, unstored = _waits(session, content)
    answered = Answered(
        pass_no=row.pass_no,
        engine=content["engine"],
        report=from_json(Report, json.dumps(content["report"])),
        proof=from_json(Proof, json.dumps(content["proof"])),
        shortages=tuple(each["sentence"] for each in content["shortages"]),
        curve=curve_of(content),
        rooms=rooms_of(session, content),
        stores=bool(content.get("stores")),
        stored=stored,
        unstored=unstored,
        input_sha256=content["snapshot_sha256"],
        result_sha256=row.sha256,
    )
    return answered, content


def _change(left: dict[str, Any]) -> Mapping[str, object] | None:
    change = from_json(LeftoverTold, json.dumps(left)).change
    return change.plain() if change else None


LISTING_NAMES = select(
    Listing.id, Organization.id.label("owner"), Organization.name_zh, Organization.name_en, WasteStream.name,
    WasteStream.name_en.label("thing_en"), WasteStream.material,
).join(WasteStream, Listing.stream_id == WasteStream.id).join(Site, WasteStream.site_id == Site.id).join(
    Organization, Site.organization_id == Organization.id
)  # fmt: skip
LINE_NAMES = select(
    IntakeLine.id, Organization.id.label("owner"), Organization.name_zh, Organization.name_en, IntakeLine.name,
    IntakeLine.name_en.label("thing_en"), IntakeLine.route.label("material"),
).join(Site, IntakeLine.site_id == Site.id).join(Organization, Site.organization_id == Organization.id)  # fmt: skip


def _waits(session: Session, content: Mapping[str, Any]) -> tuple[tuple[Waiting, ...], tuple[Unstored, ...]]:
    """Return what waits and whose storage was left out, with names. Two SELECTs where there is any."""
    stored = [from_json(Stored, json.dumps(each)) for each in content.get("stored", ())]
    left_out = (content.get("unstored_listings", ()), content.get("unstored_lines", ()))
    if not stored and not any(left_out):
        return (), ()
    asked = (
        {*left_out[0], *(each.listing_id for each in stored if each.listing_id is not None)},
        {*left_out[1], *(each.line_id for each in stored if each.line_id is not None)},
    )
    names = tuple(
        {row.id: row for row in session.execute(query.where(model.id.in_(ids)))}
        for query, model, ids in ((LISTING_NAMES, Listing, asked[0]), (LINE_NAMES, IntakeLine, asked[1]))
    )

    def told(of_line: bool, own: int) -> tuple[str, str, str, str]:
        row = names[of_line][own]
        return row.name_zh, row.name_en, row.name, row.thing_en or row.name

    waits = (
        Waiting(
            each.line_id is not None,
            *told(each.line_id is not None, each.listing_id or each.line_id or 0),
            each.month,
            each.kg,
            each.room_kg,
            each.cost_fen,
        )
        for each in stored
    )
    unstored = (Unstored(*told(bool(side), own)) for side in (0, 1) for own in left_out[side])
    return tuple(waits), tuple(unstored)


Lefts: TypeAlias = tuple[tuple[Left, ...], tuple[Left, ...]]


def left_over(session: Session, of: RoundRow, own: Collection[int] | None) -> Lefts:
    """Return what the newest published run left over, the largest first; of the own organizations alone if told."""
    newest = (
        select(func.max(RoundFile.pass_no))
        .where(RoundFile.round_id == of.id, RoundFile.kind == "result")
        .scalar_subquery()
    )
    found = []
    for column, names in ((Leftover.listing_id, LISTING_NAMES.subquery()), (Leftover.line_id, LINE_NAMES.subquery())):
        rows = session.execute(
            select(
                Leftover.listing_id, Leftover.line_id, names.c.name_zh, names.c.name_en.label("owner_en"), names.c.name,
                names.c.thing_en, names.c.material, Leftover.kg, Leftover.reason, Leftover.sentence, Leftover.flip,
            )
            .join(names, names.c.id == column)
            .where(
                Leftover.round_id == of.id,
                Leftover.pass_no == newest,
                true() if own is None else names.c.owner.in_(own) if own else false(),
            )
            .order_by(Leftover.kg.desc(), Leftover.id)
            .limit(MOST_LEFT)
        )  # fmt: skip
        found.append(tuple(Left(*row) for row in rows))
    return found[0], found[1]


def preview(session: Session, content: dict[str, Any], number: int) -> tuple[tuple[Preview, ...], Lefts]:
    """Return a page of the solved awards and the leftovers, with names. Two SELECTs."""
    awards = sorted(
        content["awards"], key=lambda each: (-sum(kg for _, kg in each["months"]), each["listing_id"], each["line_id"])
    )[(number - 1) * PER_PAGE : number * PER_PAGE]
    left: dict[tuple[int | None, int | None, str], list[dict[str, Any]]] = {}
    for each in content["leftovers"]:
        left.setdefault((each["listing_id"], each["line_id"], each["code"]), []).append(each)
    kept = sorted(left.items(), key=lambda item: (-sum(row["kg"] for row in item[1]), str(item[0])))
    of_listings = [item for item in kept if item[0][0] is not None][:MOST_LEFT]
    of_lines = [item for item in kept if item[0][1] is not None][:MOST_LEFT]
    listing_ids = {each["listing_id"] for each in awards} | {key[0] for key, _ in of_listings}
    line_ids = {each["line_id"] for each in awards} | {key[1] for key, _ in of_lines}
    listings = {row.id: row for row in session.execute(LISTING_NAMES.where(Listing.id.in_(listing_ids)))}
    lines = {row.id: row for row in session.execute(LINE_NAMES.where(IntakeLine.id.in_(line_ids)))}
    previews = []
    for each in awards:
        listing, line = listings[each["listing_id"]], lines[each["line_id"]]
        previews.append(
            Preview(
                *(listing.name_zh, listing.name_en, listing.name, listing.thing_en),
                *(line.name_zh, line.name_en, line.name, line.thing_en),
                material=each["material"],
                kg=sum(kg for _, kg in each["months"]),
                price_fen_per_t=each["price_fen_per_t"],
                freight_fen_per_t=each["freight_fen_per_t"],
                deduction_fen_per_t=each["deduction_fen_per_t"],
                road_m=each["road_m"],
            )
        )

    def told(items: list[Any], names: Mapping[int, Any], own: int) -> tuple[Left, ...]:
        rows = []
        for key, group in items:
            name, most = names[key[own]], max(group, key=lambda row: row["kg"])
            rows.append(
                Left(
                    key[0], key[1], name.name_zh, name.name_en, name.name, name.thing_en, name.material,
                    sum(row["kg"] for row in group), key[2], most["sentence"], _change(most),
                )
            )  # fmt: skip
        return tuple(rows)

    return tuple(previews), (told(of_listings, listings, 0), told(of_lines, lines, 1))
