"""The rules of sales as they were stated, which only grow, and as they follow from the rows of today."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.domain.canonical import sha256, to_json
from marketplace.domain.holds import FIRST_COME
from marketplace.domain.inspections import Inspection
from marketplace.domain.listings import sells_until
from marketplace.domain.salerules import RANKING, FixedRules, Goods, SaleRules, SheetMark
from marketplace.persistence.base import Base, Instant
from marketplace.persistence.listings import Listing
from marketplace.persistence.streams import LabSheet, LabValue, WasteStream


class StatedRules(Base):
    """The rules of a listing's sale from an instant on; a change of the goods is the next version."""

    __tablename__ = "sale_rules"
    __table_args__ = (
        UniqueConstraint("listing_id", "version"),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint("since_at < closes_at", name="stated_before_the_deadline"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    version: Mapped[int]
    text: Mapped[str]
    sha256: Mapped[str]
    """Of the text."""
    fixed_sha256: Mapped[str]
    """Of the part that is the same in all versions."""
    closes_at: Mapped[Instant]
    since_at: Mapped[Instant]


def stated_rules(session: Session, listing_id: int) -> StatedRules | None:
    """Return the newest rules that were stated for a listing; none if none were. One SELECT."""
    return session.scalar(
        select(StatedRules)
        .where(StatedRules.listing_id == listing_id)
        .order_by(StatedRules.version.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def rules_of(session: Session, listing: Listing, stream: WasteStream) -> SaleRules | None:
    """Return the rules that follow from the rows as they are; none for a listing that waits for a round. One SELECT."""
    fixed_price = listing.fixed_price
    closes_at = listing.stated_close_at if fixed_price is None else sells_until(listing.last_month)
    if closes_at is None:
        return None
    return SaleRules(
        listing_id=listing.id,
        fixed=FixedRules(
            kind=listing.sale_kind,
            ranking=RANKING if fixed_price is None else FIRST_COME,
            first_month=listing.first_month,
            last_month=listing.last_month,
            asking_fen_per_t=listing.asking_fen_per_t,
            least_lot_kg=listing.least_lot_kg,
            cap_per_buyer_kg=listing.cap_per_buyer_kg,
            small_works_share_percent=listing.small_works_share_percent,
            disclosure=listing.disclosure,
            ascending=listing.ascending,
            fixed_price=fixed_price,
            inspection=_inspection(listing),
        ),
        bids_close_at=closes_at,
        goods=Goods(
            material=stream.material,
            waste_code=stream.waste_code,
            legal_status=stream.legal_status,
            form=stream.form,
            boiler=stream.boiler,
            ash_class=stream.ash_class,
            described_sha256=sha256(to_json((listing.note, stream.origin_process))),
            kg_per_month=listing.kg_per_month,
            loading_mode=listing.loading_mode,
            sheets=_sheets(session, stream.id),
        ),
    )


def rules_text(session: Session, listing: Listing, stream: WasteStream) -> str | None:
    """Return the text in force: as stated, or as a first bid would state it; none without bids. Two SELECTs at most."""
    stated = stated_rules(session, listing.id)
    if stated is not None:
        return stated.text
    rules = rules_of(session, listing, stream)
    return rules.text if rules is not None else None


def _inspection(listing: Listing) -> Inspection | None:
    if listing.inspect_from is None or listing.inspect_until is None:
        return None
    return Inspection(
        first=listing.inspect_from, last=listing.inspect_until, how_sha256=sha256(to_json((listing.inspect_how,)))
    )


def _sheets(session: Session, stream_id: int) -> tuple[SheetMark, ...]:
    """Return the marks of the sheets that count, however old: what was true does not lapse by itself."""
    found: dict[tuple[int, Any], list[tuple[str, Any, str]]] = defaultdict(list)
    for row in session.execute(
        select(LabSheet.id, LabSheet.sampled_on, LabValue.property, LabValue.value, LabValue.basis)
        .join(LabValue, LabValue.sheet_id == LabSheet.id)
        .where(LabSheet.stream_id == stream_id, LabSheet.voided_at.is_(None))
    ):
        found[row.id, row.sampled_on].append((row.property, row.value, row.basis))
    marks = (
        SheetMark(sampled_on=sampled_on, sha256=sha256(to_json(sorted(values, key=lambda each: each[0]))))
        for (_, sampled_on), values in found.items()
    )
    return tuple(sorted(marks, key=lambda mark: (mark.sampled_on, mark.sha256)))
