"""The text of contracts to be, read for many deals at once: who, what, where, how much, within which limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.clauses import LATEST, template
from marketplace.domain.contracts import FilingTerm, LimitTerm, Party, Terms
from marketplace.domain.quantities import Month
from marketplace.persistence.fit import latest_values
from marketplace.persistence.lines import AcceptanceLimit, Filing, IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Round
from marketplace.persistence.streams import WasteStream


@dataclass(frozen=True, kw_only=True)
class Deal:
    """What an award says of a deal; the rest of its text stands in other tables."""

    listing_id: int
    line_id: int
    months: Mapping[Month, int]
    price_fen_per_t: int
    freight_fen_per_t: int
    deduction_fen_per_t: int
    transport: str
    great_circle_m: int
    road_m: int
    filing_ids: tuple[int, ...]
    round_id: int | None


def terms_of(session: Session, deals: Sequence[Deal], *, now: datetime) -> list[Terms]:
    """Return the text of each deal as it would be signed now. Six SELECTs, however many deals."""
    from_ = _producers(session, {deal.listing_id for deal in deals})
    to = _recyclers(session, {deal.line_id for deal in deals})
    values = latest_values(session, {row.stream_id for row in from_.values()}, now=now)
    limits = _limits(session, {deal.line_id for deal in deals})
    filed = {
        row.id: FilingTerm(number=row.filing_no, valid_from=row.valid_from, valid_to=row.valid_to)
        for row in session.execute(
            select(Filing.id, Filing.filing_no, Filing.valid_from, Filing.valid_to).where(
                Filing.id.in_({filing_id for deal in deals for filing_id in deal.filing_ids})
            )
        )
    }
    rounds = {
        row.id: row
        for row in session.execute(
            select(Round.id, Round.number, Round.subsidy_fen_per_t, Park.name_zh, Park.name_en)
            .join(Park, Round.park_id == Park.id)
            .where(Round.id.in_({deal.round_id for deal in deals if deal.round_id is not None}))
        )
    }
    found = []
    for deal in deals:
        producer, recycler = from_[deal.listing_id], to[deal.line_id]
        of = rounds.get(deal.round_id)
        under = [filed[filing_id] for filing_id in set(deal.filing_ids)]
        found.append(
            Terms(
                producer=_party(producer),
                recycler=_party(recycler),
                stream=producer.stream,
                stream_en=producer.stream_en,
                material=producer.material,
                waste_code=producer.waste_code,
                legal_status=producer.legal_status,
                form=producer.form,
                values=tuple(sorted(values.get(producer.stream_id, {}).items())),
                line=recycler.line,
                line_en=recycler.line_en,
                route=recycler.route,
                permit_no=recycler.permit_no,
                permit_valid_until=recycler.permit_valid_until,
                months=tuple(sorted(deal.months.items())),
                price_fen_per_t=deal.price_fen_per_t,
                freight_fen_per_t=deal.freight_fen_per_t,
                deduction_fen_per_t=deal.deduction_fen_per_t,
                delivered_fen_per_t=deal.price_fen_per_t + deal.freight_fen_per_t + deal.deduction_fen_per_t,
                transport=deal.transport,
                great_circle_m=deal.great_circle_m,
                road_m=deal.road_m,
                limits=tuple(limit for material, limit in limits[deal.line_id] if material in ("", producer.material)),
                filings=tuple(sorted(under, key=lambda filing: (filing.valid_from, filing.number))),
                loading_mode=producer.loading_mode,
                loading_hours=producer.loading_hours,
                unloading_hours=recycler.unloading_hours,
                park_zh=of.name_zh if of else "",
                park_en=of.name_en if of else "",
                round_number=of.number if of else None,
                subsidy_fen_per_t=of.subsidy_fen_per_t if of else 0,
                template=LATEST,
                clauses=template(
                    waste=producer.legal_status == "solid_waste",
                    crossing=producer.division_code[:2] != recycler.division_code[:2],
                ),
            )
        )
    return found


def _producers(session: Session, listing_ids: set[int]) -> dict[int, Any]:
    rows = session.execute(
        select(
            Listing.id, Listing.loading_mode, Listing.loading_hours, WasteStream.id.label("stream_id"),
            WasteStream.name.label("stream"), WasteStream.name_en.label("stream_en"), WasteStream.material,
            WasteStream.waste_code, WasteStream.legal_status, WasteStream.form, *_WHO,
        )
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(Listing.id.in_(listing_ids))
    )  # fmt: skip
    return {row.id: row for row in rows}


def _recyclers(session: Session, line_ids: set[int]) -> dict[int, Any]:
    rows = session.execute(
        select(
            IntakeLine.id, IntakeLine.name.label("line"), IntakeLine.name_en.label("line_en"), IntakeLine.route,
            IntakeLine.permit_no, IntakeLine.permit_valid_until, IntakeLine.unloading_hours, *_WHO,
        )
        .join(Site, IntakeLine.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(IntakeLine.id.in_(line_ids))
    )  # fmt: skip
    return {row.id: row for row in rows}


_WHO = (
    Organization.name_zh, Organization.name_en, Organization.credit_code, Site.name.label("site"),
    Site.name_en.label("site_en"), Site.division_code, Site.address, Organization.address.label("seat"),
)  # fmt: skip


def _party(row: Any) -> Party:
    return Party(
        name_zh=row.name_zh,
        name_en=row.name_en,
        credit_code=row.credit_code,
        site=row.site,
        site_en=row.site_en,
        division_code=row.division_code,
        address=row.address or row.seat,
    )


def _limits(session: Session, line_ids: set[int]) -> dict[int, list[tuple[str, LimitTerm]]]:
    found: dict[int, list[tuple[str, LimitTerm]]] = defaultdict(list)
    for row in session.scalars(
        select(AcceptanceLimit).where(AcceptanceLimit.line_id.in_(line_ids)).order_by(AcceptanceLimit.id)
    ):
        limit = LimitTerm(
            property=row.property,
            minimum=row.minimum,
            maximum=row.maximum,
            deduction_fen_per_unit=row.deduction_fen_per_unit,
            stop_value=row.stop_value,
            monthly_mean=row.monthly_mean,
        )
        found[row.line_id].append((row.material, limit))
    return found
