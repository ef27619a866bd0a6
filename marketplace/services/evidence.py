"""
What shipments move in the ledger of who made the waste: a tonne is credited once, to its generator, with its tickets.

It is sent when it leaves, and used in the month in which its receiver says so. What counts is the weight that both ends hold
to: the rest is taken back in the month in which it left.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.domain.ledger import GENERATED, SENT, SENT_FROM_STOCK, USED_SENT, Pair
from marketplace.domain.quantities import Month
from marketplace.persistence.ledger import OpeningStock, Posting
from marketplace.persistence.shipments import Shipment
from marketplace.persistence.streams import WasteStream


def post_sent(
    session: Session, row: Shipment, kg: int, *, by: int | None, now: datetime, evidence: str = "one_end"
) -> None:
    """
    Post that kilograms left the plant in the month of the shipment's ticket; below zero, that they did not.

    What leaves was made, unless it is taken out of the stock of earlier years.
    """
    if row.out_month is None:
        raise ValueError(f"shipment {row.id} has not left")
    pairs = (SENT_FROM_STOCK,) if row.from_stock else (GENERATED, SENT)
    for pair in pairs:
        _post(session, row, pair, kg, row.out_month, evidence=evidence, by=by, now=now)


def post_used(session: Session, row: Shipment, *, by: int | None, now: datetime) -> None:
    """Post that what counts of a shipment was used, in the month that its receiver names."""
    if row.used_month is None or row.counted_kg is None:
        raise ValueError(f"shipment {row.id} has not been used")
    _post(session, row, USED_SENT, row.counted_kg, row.used_month, evidence="both_ends", by=by, now=now)


def _must_lie_there(session: Session, stream_id: int, kg: int) -> None:
    """Raise Conflict if the store holds less; the stream is held, so that nobody else takes it out meanwhile."""
    moved = case((Posting.credit == "store", Posting.kg), (Posting.debit == "store", -Posting.kg), else_=0)
    opening = session.scalar(select(func.sum(OpeningStock.kg)).where(OpeningStock.stream_id == stream_id)) or 0
    lies = opening + (session.scalar(select(func.sum(moved)).where(Posting.stream_id == stream_id)) or 0)
    if lies < kg:
        raise Conflict(
            "In the store lie %(store_kg)s t; %(wanted_kg)s t cannot be taken out of it.",
            store_kg=int(lies),
            wanted_kg=kg,
        )


def _post(
    session: Session, row: Shipment, pair: Pair, kg: int, month: Month, *, evidence: str, by: int | None, now: datetime
) -> None:
    if not kg:
        return
    stream = session.get_one(WasteStream, row.stream_id, populate_existing=True, with_for_update=True)
    if pair == SENT_FROM_STOCK and kg > 0:
        _must_lie_there(session, row.stream_id, kg)
    debit, credit = pair if kg > 0 else (pair[1], pair[0])
    session.add(
        Posting(
            organization_id=row.producer_id,
            site_id=row.from_site_id,
            stream_id=row.stream_id,
            material=stream.material,
            waste_code=stream.waste_code,
            month=month,
            debit=debit,
            credit=credit,
            kg=abs(kg),
            evidence=evidence,
            shipment_id=row.id,
            since=None if row.from_stock else row.out_month,
            posted_at=now,
            posted_by=by,
        )
    )
