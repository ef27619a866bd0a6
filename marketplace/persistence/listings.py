"""Listings on the board, the counters of what they offer, and the bids on them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.domain.ascending import LEAST_STEP_FEN, Ascending, Offer
from marketplace.domain.bids import Ranked, Terms, ranked
from marketplace.domain.holds import USUAL_HOURS, FixedPrice
from marketplace.domain.listings import Bidding, SaleKind, bidding_of
from marketplace.persistence.base import EPOCH, MICROSECOND, Base, Fen, Instant, Kilograms, MonthOf


class Listing(Base):
    """What a producer puts on the board: kilograms of one waste stream in each month of one window."""

    __tablename__ = "listings"
    __table_args__ = (
        CheckConstraint("kg_per_month > 0", name="offered_positive"),
        CheckConstraint("first_month <= last_month", name="window_in_order"),
        CheckConstraint("least_lot_kg >= 0", name="least_lot_not_negative"),
        CheckConstraint("disclosure in ('open', 'members', 'masked')", name="disclosure_known"),
        CheckConstraint("cap_per_buyer_kg is null or cap_per_buyer_kg > 0", name="cap_positive"),
        CheckConstraint("published_at is null or expires_at is not null", name="published_with_an_expiry"),
        CheckConstraint("small_works_share_percent between 0 and 100", name="share_is_a_percentage"),
        CheckConstraint("storage_kg >= 0", name="storage_not_negative"),
        CheckConstraint("storage_fen_per_t between 0 and 100000", name="storage_cost_sensible"),
        CheckConstraint("sale_kind in ('sealed', 'ascending', 'fixed')", name="sale_kind_known"),
        CheckConstraint("sale_kind <> 'ascending' or bids_close_at is not null", name="open_sale_with_a_deadline"),
        CheckConstraint(
            "sale_kind <> 'fixed' or (bids_close_at is null and reserve_fen_per_t is null)", name="fixed_without_bids"
        ),
        CheckConstraint("hold_hours > 0", name="hold_hours_positive"),
        CheckConstraint("least_step_fen_per_t > 0", name="least_step_positive"),
        CheckConstraint("soft_close_minutes > 0", name="soft_close_positive"),
        CheckConstraint(
            "planned_close_at is null or (sale_kind = 'ascending' and planned_close_at < bids_close_at)",
            name="moved_later_by_bids",
        ),
        CheckConstraint(
            "(inspect_from is null) = (inspect_until is null) and (inspect_from is null) = (inspect_how = '')",
            name="inspection_whole",
        ),
        CheckConstraint("inspect_from is null or inspect_from <= inspect_until", name="inspection_in_order"),
        CheckConstraint("inspect_from is null or bids_close_at is not null", name="inspection_for_bidders"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("waste_streams.id"), index=True)
    first_month: Mapped[MonthOf]
    last_month: Mapped[MonthOf]
    kg_per_month: Mapped[Kilograms]
    asking_fen_per_t: Mapped[Fen]
    """What the producer asks at its gate; negative where it would pay."""
    reserve_fen_per_t: Mapped[Fen | None]
    """The least it would take; secret, and the asking price where none is given."""
    least_lot_kg: Mapped[Kilograms] = mapped_column(default=0)
    cap_per_buyer_kg: Mapped[Kilograms | None]
    small_works_share_percent: Mapped[int] = mapped_column(default=0)
    storage_kg: Mapped[Kilograms] = mapped_column(default=0)
    """What may wait in the plant's yard over the end of a month; a round counts on it."""
    storage_fen_per_t: Mapped[Fen] = mapped_column(default=0)
    """What waiting costs the plant for each tonne and month."""
    disclosure: Mapped[str] = mapped_column(default="members")
    loading_hours: Mapped[str] = mapped_column(default="")
    loading_mode: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    bids_close_at: Mapped[Instant | None]
    """Until when recyclers may bid; none: the listing waits for a matching round alone. Bids move it in an open sale."""
    sale_kind: Mapped[SaleKind] = mapped_column(String, default="sealed")
    least_step_fen_per_t: Mapped[Fen] = mapped_column(default=LEAST_STEP_FEN)
    soft_close_minutes: Mapped[int] = mapped_column(default=5)
    hold_hours: Mapped[int] = mapped_column(default=USUAL_HOURS)
    """How long a hold lasts that is not confirmed, at a fixed price."""
    planned_close_at: Mapped[Instant | None]
    """The deadline that the rules name, where bids have moved it; none: it is where it was."""
    inspect_from: Mapped[date | None]
    inspect_until: Mapped[date | None]
    """The days, both included, on which bidders may look at the goods."""
    inspect_how: Mapped[str] = mapped_column(default="")
    """Where, and whom one asks."""
    drafted_at: Mapped[Instant]
    published_at: Mapped[Instant | None] = mapped_column(index=True)
    """None while it is a draft that only its producer sees."""
    published_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    expires_at: Mapped[Instant | None] = mapped_column(index=True)
    withdrawn_at: Mapped[Instant | None]
    bids_opened_at: Mapped[Instant | None]
    """When the sealed bids were opened, all at once; from then on none is taken."""
    bids_decided_at: Mapped[Instant | None]
    """When the producer ended the bidding, with or without an award, or all was awarded."""
    bids_decided_because: Mapped[str] = mapped_column(default="")
    """What those without an award are told."""
    standby_until: Mapped[Instant | None]
    """Until when bids without an award stand by; none: nothing was awarded yet. Told once, it is not moved but to end it."""

    months: Mapped[list[ListingMonth]] = relationship(back_populates="listing", lazy="raise")

    @property
    def stated_close_at(self) -> datetime | None:
        """The deadline that the rules name; bids come in until `bids_close_at`."""
        return self.planned_close_at or self.bids_close_at

    @property
    def ascending(self) -> Ascending | None:
        """What is fixed of an open sale; none for a sealed one."""
        if self.sale_kind != "ascending":
            return None
        return Ascending(least_step_fen_per_t=self.least_step_fen_per_t, soft_close_minutes=self.soft_close_minutes)

    @property
    def fixed_price(self) -> FixedPrice | None:
        """What is fixed of a sale at the asking price; none where bids are taken, or a round is waited for."""
        return FixedPrice(hold_hours=self.hold_hours) if self.sale_kind == "fixed" else None

    def bidding(self, now: datetime) -> Bidding:
        """Read how far its bidding is off its timestamps."""
        return bidding_of(
            now,
            bids_close_at=self.bids_close_at,
            bids_opened_at=self.bids_opened_at,
            bids_decided_at=self.bids_decided_at,
        )


class ListingMonth(Base):
    """The counter of what a listing offers in one month; nothing is sold that it does not hold."""

    __tablename__ = "listing_months"
    __table_args__ = (
        UniqueConstraint("listing_id", "month"),
        CheckConstraint("offered_kg > 0", name="offered_positive"),
        CheckConstraint("reserved_kg >= 0 and contracted_kg >= 0", name="counts_not_negative"),
        CheckConstraint("reserved_kg + contracted_kg <= offered_kg", name="not_oversold"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    month: Mapped[MonthOf] = mapped_column(index=True)
    offered_kg: Mapped[Kilograms]
    reserved_kg: Mapped[Kilograms] = mapped_column(default=0)
    contracted_kg: Mapped[Kilograms] = mapped_column(default=0)

    listing: Mapped[Listing] = relationship(back_populates="months", lazy="raise")


SEALED: Final = (
    "price_fen_per_t",
    "kg_per_month",
    "transport",
    "freight_fen_per_t",
    "deduction_fen_per_t",
    "note",
)
"""The columns of a bid that are empty until it is opened."""


def _all(condition: str) -> str:
    return " and ".join(f"{name} {condition}" for name in SEALED)


class Bid(Base):
    """
    A recycler's price and most kilograms a month for a listing, on one line; replaced rather than edited.

    Until the deadline all that tells its worth lies in ``sealed`` alone. The opening fills the columns of those that
    stand; one that could not be opened keeps them empty and says why. What was replaced or withdrawn stays sealed.
    """

    __tablename__ = "bids"
    __table_args__ = (
        UniqueConstraint("listing_id", "line_id", "revision"),
        CheckConstraint("kg_per_month > 0", name="most_positive"),
        CheckConstraint("revision > 0", name="revision_positive"),
        CheckConstraint("transport in ('recycler', 'producer')", name="transport_known"),
        CheckConstraint(
            f"({_all('is not null')} and opened_at is not null and invalid_because = '')"
            f" or ({_all('is null')} and (opened_at is null or invalid_because <> ''))",
            name="plain_once_opened",
        ),
        CheckConstraint(
            "(sealed is not null and seal_key_id is not null and receipt is not null)"
            " or (sealed is null and seal_key_id is null and receipt is null and opened_at is not null)",
            name="sealed_or_opened",
        ),
        CheckConstraint("voided_at is null or withdrawn_at = voided_at", name="void_is_withdrawn"),
        CheckConstraint("voided_because in ('', 'listing', 'stream', 'sheet')", name="void_cause_known"),
        CheckConstraint("(voided_at is null) = (voided_because = '')", name="void_with_a_cause"),
        Index(
            "uq_bids_live",
            "listing_id",
            "line_id",
            unique=True,
            sqlite_where=text("replaced_at is null and withdrawn_at is null"),
            postgresql_where=text("replaced_at is null and withdrawn_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), index=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("intake_lines.id"), index=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    revision: Mapped[int]
    sealed: Mapped[bytes | None]
    """The bid as it was received, encrypted; kept as evidence. None for one that was received before there were seals."""
    seal_key_id: Mapped[str | None]
    """Which key opens it; the key is never in the database."""
    receipt: Mapped[str | None]
    """What the bidder holds: the hash of the box and of what it is bound to."""
    price_fen_per_t: Mapped[Fen | None]
    """At the seller's gate if the recycler fetches it, at the recycler's gate if the producer brings it."""
    kg_per_month: Mapped[Kilograms | None]
    transport: Mapped[str | None]
    freight_fen_per_t: Mapped[Fen | None]
    """As estimated when the bid was received; with it the net to the seller can be told again later."""
    road_m: Mapped[int]
    deduction_fen_per_t: Mapped[Fen | None]
    note: Mapped[str | None]
    opened_at: Mapped[Instant | None]
    """When it was opened; for one that was never sealed, when it was received."""
    invalid_because: Mapped[str] = mapped_column(default="")
    """Why it could not be opened though its key is there: ``changed`` or ``unreadable``."""
    received_at: Mapped[Instant]
    received_from: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    rules_sha256: Mapped[str | None]
    """The hash of the rules of the sale that it was made on; none on bids from before rules were hashed."""
    replaced_at: Mapped[Instant | None]
    withdrawn_at: Mapped[Instant | None]
    """Since when it does not stand any more: taken back by the bidder, or void."""
    voided_at: Mapped[Instant | None]
    """When what it was made on was changed; then it is withdrawn too, so that whatever asks for live bids leaves it out."""
    voided_because: Mapped[str] = mapped_column(default="")

    @property
    def terms(self) -> Terms:
        """What was bid. Raises ValueError while it is sealed, and if it could not be opened."""
        plain = {name: getattr(self, name) for name in SEALED}
        if any(value is None for value in plain.values()):
            raise ValueError("this bid is sealed")
        return Terms(**plain)

    @property
    def net_fen_per_t(self) -> int:
        """What the seller nets. Raises ValueError as `terms` does."""
        return self.terms.outcome.net_fen_per_t


def valid() -> ColumnElement[bool]:
    """Return the condition that a bid stands and was opened; of what could not be opened nothing is reckoned or called."""
    return and_(Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None), Bid.price_fen_per_t.is_not(None))


def in_rank(bids: Iterable[Bid]) -> tuple[Ranked, ...]:
    """Return opened bids from the one that nets the seller most; equal ones by time of receipt."""
    return ranked((bid.id, bid.net_fen_per_t, (bid.received_at - EPOCH) // MICROSECOND) for bid in bids)


def offers(bids: Iterable[Bid]) -> list[Offer]:
    """Return opened bids in the order of `in_rank`, as an open sale reckons with them."""
    by_id = {bid.id: bid for bid in bids}
    return [
        Offer(each.bid_id, each.net_fen_per_t, by_id[each.bid_id].terms.kg_per_month)
        for each in in_rank(by_id.values())
    ]
