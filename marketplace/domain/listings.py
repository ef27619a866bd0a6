"""Listings: what a producer asks to put on the board, when that makes sense, and who may see how much of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Literal, TypeAlias

from marketplace.domain.ascending import LEAST_STEP_FEN, Ascending
from marketplace.domain.errors import Invalid
from marketplace.domain.holds import USUAL_HOURS, FixedPrice
from marketplace.domain.inspections import inspection_must_lie_ahead, refuse_inspection
from marketplace.domain.quantities import MOST_KG, Month
from marketplace.domain.waiting import refuse_storage

State: TypeAlias = Literal["draft", "published", "sold", "expired", "withdrawn"]
SaleKind: TypeAlias = Literal["sealed", "ascending", "fixed"]
Bidding: TypeAlias = Literal["none", "open", "to_open", "to_decide", "decided"]

DISCLOSURES: Final = ("open", "members", "masked")
"""Who reads the producer's name: everybody; verified organizations; nobody but the park until an award."""

SALE_KINDS: Final[tuple[SaleKind, ...]] = ("sealed", "ascending", "fixed")
"""
Bids that nobody reads before the deadline; bids that everybody reads, each better than the one before; or no bids: the
asking price, for who comes first.
"""

LOADING_MODES: Final = ("", "silo", "loader", "belt", "crane", "bags")
"""How trucks are loaded; empty where it is not said."""

MOST_MONTHS: Final = 24
LIFE: Final = timedelta(days=60)
"""How long a listing stands before its producer must say again that it holds."""

EXPIRES_SOON: Final = timedelta(days=7)
AFTER_BIDS: Final = timedelta(days=14)
"""A listing outlives the deadline of its bids by so much, so that there is time to award."""

CLOSING_TIME: Final = timezone(timedelta(hours=8))
"""The months of a listing are those of China, whatever the server's zone."""

CLOSING_HOUR: Final = 17
"""Bidding, and the time to answer an award, end at this hour of a day."""

BANDS: Final = (1_000_000, 5_000_000, 20_000_000)
"""Between these kilograms a month lie the bands in which a masked quantity is told."""


@dataclass(frozen=True, kw_only=True)
class NewListing:
    """
    A listing as its producer asks for it; raises Invalid where that makes no sense by itself.

    ``kg_per_month`` is offered in each month of the window; ``least_lot_kg`` and ``cap_per_buyer_kg`` are the least and
    the most that one recycler gets over the whole window. ``storage_kg`` may wait in the plant's yard over the end of a month,
    which costs the plant ``storage_fen_per_t`` for each tonne and month. ``bids_close_at`` None: it waits for a matching round alone.
    ``least_step_fen_per_t`` and ``soft_close_minutes`` count in an open sale alone, ``hold_hours`` at a fixed price.
    """

    first_month: Month
    last_month: Month
    kg_per_month: int
    asking_fen_per_t: int
    reserve_fen_per_t: int | None = None
    least_lot_kg: int = 0
    cap_per_buyer_kg: int | None = None
    small_works_share_percent: int = 0
    disclosure: str = "members"
    loading_hours: str = ""
    loading_mode: str = ""
    storage_kg: int = 0
    storage_fen_per_t: int = 0
    note: str = ""
    bids_close_at: datetime | None = None
    sale_kind: SaleKind = "sealed"
    least_step_fen_per_t: int = LEAST_STEP_FEN
    soft_close_minutes: int = 5
    hold_hours: int = USUAL_HOURS
    inspect_from: date | None = None
    inspect_until: date | None = None
    inspect_how: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.last_month < self.first_month:
            raise Invalid("The last month is before the first.", field="last_month")
        if self.first_month.plus(MOST_MONTHS - 1) < self.last_month:
            raise Invalid("A listing covers at most two years.", field="last_month")
        if not 0 < self.kg_per_month <= MOST_KG:
            raise Invalid("The quantity per month must be more than zero.", field="kg_per_month")
        if self.reserve_fen_per_t is not None and self.reserve_fen_per_t > self.asking_fen_per_t:
            raise Invalid(
                "The reserve is the least you would take: it cannot be above the asking price.", field="reserve"
            )
        if not 0 <= self.least_lot_kg <= self.kg:
            raise Invalid("The least lot is more than the whole listing.", field="least_lot")
        cap = self.cap_per_buyer_kg
        if cap is not None and cap <= 0:
            raise Invalid("The cap per buyer must be more than zero.", field="cap_per_buyer")
        if cap is not None and cap < self.least_lot_kg:
            raise Invalid("The cap per buyer is below the least lot: nobody could buy.", field="cap_per_buyer")
        if not 0 <= self.small_works_share_percent <= 100:
            raise Invalid("The share for small works is between 0 and 100 %%.", field="small_works_share")
        refuse_storage(self.storage_kg, self.storage_fen_per_t)
        if self.disclosure not in DISCLOSURES:
            raise Invalid("Say who may read your name.", field="disclosure")
        if self.loading_mode not in LOADING_MODES:
            raise Invalid("This way of loading is not known.", field="loading_mode")
        if self.sale_kind not in SALE_KINDS:
            raise Invalid("Say how bids are made.", field="sale_kind")
        Ascending(least_step_fen_per_t=self.least_step_fen_per_t, soft_close_minutes=self.soft_close_minutes)
        if self.sale_kind == "ascending" and self.bids_close_at is None:
            raise Invalid("An open sale needs a day until which bids are taken.", field="bids_close_on")
        FixedPrice(hold_hours=self.hold_hours)
        if self.sale_kind == "fixed" and self.bids_close_at is not None:
            raise Invalid("At a fixed price nobody bids: leave the day of the bids empty.", field="bids_close_on")
        if self.sale_kind == "fixed" and self.reserve_fen_per_t is not None:
            raise Invalid("At a fixed price the asking price is the price: leave the reserve empty.", field="reserve")
        closes_on = self.bids_close_at.astimezone(CLOSING_TIME).date() if self.bids_close_at is not None else None
        refuse_inspection(self.inspect_from, self.inspect_until, self.inspect_how, closes_on)

    @property
    def kg(self) -> int:
        """All that is offered over the window."""
        return self.kg_per_month * len(list(self.first_month.until(self.last_month)))

    def must_lie_ahead(self, now: datetime) -> None:
        """Raise Invalid if a month or the deadline of the bids is past, or the deadline lies after the window."""
        must_lie_ahead(self.first_month, self.last_month, self.bids_close_at, now)
        inspection_must_lie_ahead(self.inspect_until, now.astimezone(CLOSING_TIME).date())


def must_lie_ahead(first: Month, last: Month, bids_close_at: datetime | None, now: datetime) -> None:
    """Raise Invalid if a month or the deadline of the bids is past, or the deadline lies after the window."""
    if first < month_at(now):
        raise Invalid("The first month is past.", field="first_month")
    if bids_close_at is None:
        return
    if bids_close_at <= now:
        raise Invalid("The deadline of the bids must lie ahead.", field="bids_close_on")
    if month_at(bids_close_at) > last:
        raise Invalid("The deadline of the bids lies after the last month.", field="bids_close_on")


RULE_FIELDS: Final = (
    "first_month",
    "last_month",
    "asking_fen_per_t",
    "reserve_fen_per_t",
    "least_lot_kg",
    "cap_per_buyer_kg",
    "small_works_share_percent",
    "disclosure",
    "bids_close_at",
    "sale_kind",
    "least_step_fen_per_t",
    "soft_close_minutes",
    "hold_hours",
    "inspect_from",
    "inspect_until",
    "inspect_how",
)
"""The rules of a sale: fixed from its publication on, so before the first bid, whether one was made or not."""

GOODS_FIELDS: Final = ("kg_per_month", "loading_mode", "note")
"""What a listing says of the goods: it may turn out otherwise while bids are taken, which voids them."""

MATERIAL_FIELDS: Final = tuple(each.name for each in fields(NewListing) if each.name != "loading_hours")
"""What bidders rely on, or what is spoken for: rules and goods. The loading hours alone change at any time."""


def month_at(now: datetime) -> Month:
    """Return the month that an instant lies in, in China."""
    return Month.of(now.astimezone(CLOSING_TIME).date())


def sells_until(last_month: Month) -> datetime:
    """Return the instant at which the last month of a listing ends, in China: nothing is held after it."""
    first = last_month.plus(1).first_day
    return datetime(first.year, first.month, first.day, tzinfo=CLOSING_TIME).astimezone(UTC)


def expiry(now: datetime, bids_close_at: datetime | None) -> datetime:
    """Return until when a listing stands that is published or renewed now."""
    return max(now + LIFE, bids_close_at + AFTER_BIDS) if bids_close_at is not None else now + LIFE


def state_of(
    now: datetime,
    *,
    published_at: datetime | None,
    withdrawn_at: datetime | None,
    expires_at: datetime | None,
    remaining_kg: int,
) -> State:
    """Read the state of a listing off its timestamps and what is left of it."""
    if withdrawn_at is not None:
        return "withdrawn"
    if published_at is None:
        return "draft"
    if remaining_kg == 0:
        return "sold"
    return "expired" if expires_at is not None and expires_at <= now else "published"


def bidding_of(
    now: datetime,
    *,
    bids_close_at: datetime | None,
    bids_opened_at: datetime | None,
    bids_decided_at: datetime | None,
) -> Bidding:
    """
    Read how far the bidding is; at the very instant of the deadline it is over.

    From then on the sealed bids are ``to_open``. Once they are opened nothing is taken any more, also from a request that
    came in before the deadline and had to wait.
    """
    if bids_close_at is None:
        return "none"
    if bids_decided_at is not None:
        return "decided"
    if bids_opened_at is not None:
        return "to_decide"
    return "open" if now < bids_close_at else "to_open"


def rules_stay(*, bids_close_at: datetime | None, bids_opened_at: datetime | None, has_bids: bool) -> bool:
    """
    Say whether what a published listing says stays as it is.

    Until its bids are opened it does in any case: could it be changed while there is none, the producer would learn of
    the first one by trying. `GOODS_FIELDS` alone may change while bids are taken, which voids them.
    """
    return has_bids or (bids_close_at is not None and bids_opened_at is None)


@dataclass(frozen=True)
class Sight:
    """
    How much of a listing somebody sees.

    ``figures``: quantity, price, lab values, terms. ``names``: the producer, its site and point. Without either there
    are the material, the prefecture, a band of the quantity, the grade and the months.
    """

    figures: bool
    names: bool


ALL: Final = Sight(figures=True, names=True)


def sight(disclosure: str, *, own: bool = False, awarded: bool = False, member: bool = False) -> Sight:
    """
    Return what a reader sees of a listing of this disclosure level.

    ``own``: its producer, the park that oversees it, or an auditor. ``awarded``: a recycler that was awarded some of
    it. ``member``: acts for a verified organization.
    """
    if own or awarded or disclosure == "open":
        return ALL
    return Sight(figures=member, names=member and disclosure == "members")


def band_of(kg: int) -> tuple[int, int | None]:
    """Return the band that a quantity lies in: from (with) and to (without); none for no upper end."""
    least = max((edge for edge in BANDS if edge <= kg), default=0)
    return least, min((edge for edge in BANDS if edge > kg), default=None)
