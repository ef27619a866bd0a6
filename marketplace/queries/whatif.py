"""Reads: what can be asked of a solved round, and an answer with names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.whatif import WhatIf
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.rounds import Round
from marketplace.queries.outcomes import LINE_NAMES, LISTING_NAMES, answer_of
from marketplace.queries.roundrows import RoundRow, rows_of

MOST_CHOICES: Final = 300
"""Listings, lines and contracts that can be chosen, those of the most tonnes."""

MOST_ROWS: Final = 8
"""Changes shown, the greatest first."""


@dataclass(frozen=True)
class Thing:
    """A listing or a line of the round by its names; ``code`` is the material of the one, the route of the other."""

    id: int
    owner_zh: str
    owner_en: str
    name: str
    name_en: str
    code: str


@dataclass(frozen=True)
class Agreed:
    """A contract that the round proposes."""

    lot: Thing
    line: Thing
    kg: int


@dataclass(frozen=True)
class WhatIfPage:
    """A round and what can be asked of it; ``answered`` says whether it has an answer that could be otherwise."""

    of: RoundRow
    answered: bool
    lots: tuple[Thing, ...]
    lines: tuple[Thing, ...]
    contracts: tuple[Agreed, ...]
    materials: tuple[str, ...]

    @property
    def may_be_asked(self) -> bool:
        """Whether there is an answer that could be otherwise, and none that follows reserves and bids."""
        return self.answered and not self.of.for_surplus


@dataclass(frozen=True)
class MovedRow:
    """What a line takes of a listing before and after; the one that was asked about and is not there has no name."""

    lot: Thing | None
    line: Thing | None
    before_kg: int
    after_kg: int


@dataclass(frozen=True)
class Told:
    """An answer with names; ``more`` changes are not shown."""

    found: WhatIf
    rows: tuple[MovedRow, ...]
    more: int

    @property
    def more_kg(self) -> int:
        """How much more is allotted."""
        return self.found.after_kg - self.found.before_kg

    @property
    def before_share(self) -> float | None:
        """The share of the offer that is allotted in the round."""
        return self.found.before_kg / self.found.offered_kg if self.found.offered_kg else None

    @property
    def after_share(self) -> float | None:
        """The share of the offer that would be allotted."""
        return self.found.after_kg / self.found.offered_after_kg if self.found.offered_after_kg else None

    @property
    def points(self) -> float:
        """By how many points of a hundred the share would be greater."""
        return 100 * ((self.after_share or 0) - (self.before_share or 0))

    @property
    def more_fen(self) -> int:
        """How much more freight and deductions there would be."""
        return self.found.after_fen - self.found.before_fen


def whatif_page(session: Session, actor: Actor, round_id: int, *, now: datetime) -> WhatIfPage:
    """Return what can be asked of a round. Raises NotFound, NotAllowed. Five SELECTs at most."""
    rows = rows_of(session, Round.id == round_id, now)
    if not rows:
        raise NotFound
    of = rows[0]
    actor.must("round.ask", Belonging.to_park(of.park_id))
    _, content = answer_of(session, of)
    if content is None or of.for_surplus:
        return WhatIfPage(of, content is not None, (), (), (), ())
    lots, lines = _most(content, "listing_id"), _most(content, "line_id")
    agreed = sorted(content["awards"], key=lambda each: (-_kg(each), each["listing_id"], each["line_id"]))[
        :MOST_CHOICES
    ]
    lot_of = _things(session, LISTING_NAMES, Listing.id, {*lots, *(each["listing_id"] for each in agreed)})
    line_of = _things(session, LINE_NAMES, IntakeLine.id, {*lines, *(each["line_id"] for each in agreed)})
    return WhatIfPage(
        of=of,
        answered=True,
        lots=_by_name(lot_of[own] for own in lots if own in lot_of),
        lines=_by_name(line_of[own] for own in lines if own in line_of),
        contracts=tuple(
            Agreed(lot_of[each["listing_id"]], line_of[each["line_id"]], _kg(each))
            for each in agreed
            if each["listing_id"] in lot_of and each["line_id"] in line_of
        ),
        materials=tuple(sorted({each.code for each in lot_of.values()})),
    )


def told(session: Session, found: WhatIf) -> Told:
    """Return an answer with the names of who would take what. Two SELECTs."""
    shown = found.moved[:MOST_ROWS]
    lots = _things(session, LISTING_NAMES, Listing.id, {row.listing_id for row in shown if row.listing_id is not None})
    lines = _things(session, LINE_NAMES, IntakeLine.id, {row.line_id for row in shown if row.line_id is not None})
    rows = (
        MovedRow(
            None if row.listing_id is None else lots.get(row.listing_id),
            None if row.line_id is None else lines.get(row.line_id),
            row.before_kg,
            row.after_kg,
        )
        for row in shown
    )
    return Told(found, tuple(rows), len(found.moved) - len(shown))


def _most(content: Mapping[str, Any], key: str) -> list[int]:
    """Return the listings or lines of a round, those that offer or take most."""
    kg: Counter[int] = Counter()
    for each in content["awards"]:
        kg[each[key]] += _kg(each)
    for each in content["leftovers"]:
        if each[key] is not None:
            kg[each[key]] += each["kg"]
    return sorted(kg, key=lambda own: (-kg[own], own))[:MOST_CHOICES]


def _kg(award: Mapping[str, Any]) -> int:
    return sum(kg for _, kg in award["months"])


def _things(session: Session, names: Any, column: Any, ids: Iterable[int]) -> dict[int, Thing]:
    rows = session.execute(names.where(column.in_(set(ids))))
    return {row.id: Thing(row.id, row.name_zh, row.name_en, row.name, row.thing_en, row.material) for row in rows}


def _by_name(things: Iterable[Thing]) -> tuple[Thing, ...]:
    return tuple(sorted(things, key=lambda each: (each.owner_zh, each.name, each.id)))
