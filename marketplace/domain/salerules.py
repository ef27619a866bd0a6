"""What a sale goes by: rules that are fixed from its publication on, and the goods that they are about, under one hash."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from marketplace.domain.ascending import Ascending
from marketplace.domain.bids import ANSWER_DAYS, STANDBY_DAYS
from marketplace.domain.canonical import LATER, sha256, to_json
from marketplace.domain.holds import FixedPrice
from marketplace.domain.inspections import Inspection
from marketplace.domain.quantities import Month

RANKING: Final = "net_fen_per_t descending, then received_at, then number of the bid"
"""Bids are ranked by what the seller nets, equal ones by time of receipt."""

NOTICE: Final = timedelta(hours=24)
"""Between a change of the goods and the deadline of the bids lies at least so much time."""

CAUSES: Final = ("listing", "stream", "sheet")
"""Where the goods were changed: in the listing, in the description of the waste, in its lab sheets."""


@dataclass(frozen=True, kw_only=True)
class FixedRules:
    """
    What nobody changes once the sale is published.

    The reserve is fixed as well and does not stand here: it is secret, and whoever has the hash could try all prices.
    """

    kind: str = "sealed"
    ranking: str = RANKING
    answer_business_days: int = ANSWER_DAYS
    standby_business_days: int = STANDBY_DAYS
    first_month: Month
    last_month: Month
    asking_fen_per_t: int
    least_lot_kg: int
    cap_per_buyer_kg: int | None
    small_works_share_percent: int
    disclosure: str
    ascending: Ascending | None = field(default=None, metadata=LATER)
    """Of an open sale."""
    fixed_price: FixedPrice | None = field(default=None, metadata=LATER)
    """Of a sale without bids, at the asking price."""
    inspection: Inspection | None = field(default=None, metadata=LATER)
    """Where bidders may look at the goods before."""


@dataclass(frozen=True, kw_only=True)
class SheetMark:
    """A lab sheet that counts, with the hash of its values."""

    sampled_on: date
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Goods:
    """
    What is sold, as far as every bidder is told; a change of it voids bids.

    ``described_sha256`` stands for the words that may tell who the producer is: the note and the process.
    """

    material: str
    waste_code: str
    legal_status: str
    form: str
    boiler: str
    ash_class: str
    described_sha256: str
    kg_per_month: int
    loading_mode: str
    sheets: tuple[SheetMark, ...]


@dataclass(frozen=True, kw_only=True)
class SaleRules:
    """
    The rules of one sale. ``bids_close_at`` is fixed too, but for the notice after a change of the goods.

    Bids move the end of an open sale; the deadline that the rules name stays. At a fixed price it is the end of the last month.
    """

    listing_id: int
    fixed: FixedRules
    bids_close_at: datetime
    goods: Goods

    @property
    def text(self) -> str:
        """The one way to write them, which is hashed."""
        return to_json(self)

    @property
    def fixed_sha256(self) -> str:
        """The hash of what never changes."""
        return sha256(to_json(self.fixed))


def moved_deadline(bids_close_at: datetime, now: datetime) -> datetime:
    """Return the deadline after a change of the goods: the same, or a day from now where that is later."""
    return max(bids_close_at, now + NOTICE)
