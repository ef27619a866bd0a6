"""The letter of a round's result to each organization that took part: what it was awarded, what was left, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.wording import Sentence
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award, Leftover, Round
from marketplace.persistence.streams import WasteStream
from marketplace.services import outbox
from marketplace.services.addressees import addressees

NAMED: Final = 8
"""So many awards and so many leftovers are named in a letter, the largest first; the round's page has all."""

Rows = dict[int, list[dict[str, Any]]]
"""By organization, what its letter names."""


def send_result_letters(
    session: Session, of: Round, pass_no: int, awards: Sequence[Award], *, everybody: bool, now: datetime
) -> None:
    """
    Mail signatories, in the caller's transaction, once awards and leftovers are written.

    ``everybody`` who took part, or only those to whom something was awarded.
    """
    given = _given(session, awards)
    left = _left(session, of.id, pass_no)
    park = session.get_one(Park, of.park_id)
    told = given.keys() | left.keys() if everybody else given.keys()
    letters: dict[str, list[outbox.Addressed]] = {"awards": [], "nothing_awarded": []}
    for organization_id, email, language in addressees(session, told, "signatory"):
        mine, rest = given.get(organization_id, []), left.get(organization_id, [])
        values = {
            "round_id": of.id,
            "number": of.number,
            "park_zh": park.name_zh,
            "park_en": park.name_en,
            "awards": len(mine),
            "kg": sum(each["kg"] for each in mine),
            "given": _largest(mine),
            "left": _largest(rest),
            "lefts": len(rest),
            "deadline": _deadline(of).plain(),
        }
        letters["awards" if mine else "nothing_awarded"].append((email, language, values))
    for kind, mails in letters.items():
        outbox.post_each(session, kind, mails, now=now)


def _deadline(of: Round) -> Sentence:
    if of.kind == "planning":
        return Sentence(
            "It is a planning round: these are recommendations, nothing is reserved and nobody has to answer."
        )
    return Sentence(
        "The tonnes are reserved for you until %(answer_by_at)s. Each side accepts or declines until then; what nobody"
        " answers lapses.",
        {"answer_by_at": of.answer_by.isoformat()},
    )


def _largest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -row["kg"])[:NAMED]


def _given(session: Session, awards: Sequence[Award]) -> Rows:
    """Return the awards as each side reads them. Two SELECTs."""
    sides = {each.producer_id for each in awards} | {each.recycler_id for each in awards}
    names = {
        row.id: (row.name_zh, row.name_en)
        for row in session.execute(
            select(Organization.id, Organization.name_zh, Organization.name_en).where(Organization.id.in_(sides))
        )
    }
    of_listings = select(Listing.id, WasteStream.material).join(WasteStream, Listing.stream_id == WasteStream.id)
    wanted = of_listings.where(Listing.id.in_({each.listing_id for each in awards}))
    materials = {row.id: row.material for row in session.execute(wanted)}
    found: Rows = defaultdict(list)
    for each in awards:
        for own, other in ((each.producer_id, each.recycler_id), (each.recycler_id, each.producer_id)):
            zh, en = names[other]
            found[own].append(
                {
                    "other_zh": zh,
                    "other_en": en,
                    "material": materials[each.listing_id],
                    "kg": each.kg,
                    "price_fen_per_t": each.price_fen_per_t,
                }
            )
    return found


def _left(session: Session, round_id: int, pass_no: int) -> Rows:
    """Return what was left of the listings and lines of each organization, with the reason. One SELECT."""
    rows = session.execute(
        select(
            func.coalesce(WasteStream.name, IntakeLine.name).label("zh"),
            func.coalesce(WasteStream.name_en, IntakeLine.name_en).label("en"),
            Site.organization_id,
            Leftover.kg,
            Leftover.sentence,
        )
        .outerjoin(Listing, Leftover.listing_id == Listing.id)
        .outerjoin(WasteStream, Listing.stream_id == WasteStream.id)
        .outerjoin(IntakeLine, Leftover.line_id == IntakeLine.id)
        .join(Site, Site.id == func.coalesce(WasteStream.site_id, IntakeLine.site_id))
        .where(Leftover.round_id == round_id, Leftover.pass_no == pass_no)
        .order_by(Leftover.id)
    )
    found: Rows = defaultdict(list)
    for row in rows:
        found[row.organization_id].append({"zh": row.zh, "en": row.en or row.zh, "kg": row.kg, "why": row.sentence})
    return found
