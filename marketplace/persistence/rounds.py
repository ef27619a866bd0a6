"""Matching rounds: what they read, what came out, and who was awarded what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.domain.contracts import AwardState, award_state
from marketplace.persistence.base import Base, Fen, Instant, Kilograms, MonthOf


class Round(Base):
    """One clearing of the market; its state is read off its timestamps."""

    __tablename__ = "rounds"
    __table_args__ = (
        UniqueConstraint("park_id", "number"),
        CheckConstraint("first_month <= last_month", name="window_in_order"),
        CheckConstraint("kind in ('market', 'planning')", name="kind_known"),
        CheckConstraint("objective in ('utilization', 'surplus')", name="objective_known"),
        CheckConstraint("subsidy_fen_per_t between 0 and 100000", name="subsidy_sensible"),
        CheckConstraint(
            "kind = 'market' or (objective = 'utilization' and subsidy_fen_per_t = 0)", name="planning_without_prices"
        ),
        CheckConstraint("contract_fee_fen between 0 and 10000000", name="contract_fee_sensible"),
        CheckConstraint("truckload_kg is null or truckload_kg between 1000 and 100000", name="truckload_sensible"),
        CheckConstraint("max_m > 0", name="radius_positive"),
        CheckConstraint("circuity_permille between 1000 and 2000", name="circuity_sensible"),
        CheckConstraint("attempt >= 0", name="attempt_not_negative"),
        CheckConstraint("voided_at is null or void_cause <> ''", name="void_has_a_cause"),
        CheckConstraint("published_at is null or result_sha256 is not null", name="published_with_a_result"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    park_id: Mapped[int] = mapped_column(ForeignKey("parks.id"), index=True)
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(default="market")
    objective: Mapped[str] = mapped_column(default="utilization")
    subsidy_fen_per_t: Mapped[Fen] = mapped_column(default=0)
    """Paid to the producer for each tonne awarded, beside the price."""
    contract_fee_fen: Mapped[Fen] = mapped_column(default=0)
    """What one more contract costs (weighing, sampling, papers): counted in the plan, part of no price."""
    truckload_kg: Mapped[Kilograms | None]
    """Each contract moves whole multiples of it in each month; none: any mass."""
    first_month: Mapped[MonthOf]
    last_month: Mapped[MonthOf]
    max_m: Mapped[int]
    circuity_permille: Mapped[int]
    opened_at: Mapped[Instant]
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    closes_at: Mapped[Instant]
    answer_by: Mapped[Instant]
    closed_at: Mapped[Instant | None]
    solving_at: Mapped[Instant | None]
    """Since when a run holds the round; none: nobody does."""
    attempt: Mapped[int] = mapped_column(default=0)
    """Number of the newest run; what an older one brings is refused."""
    failed_because: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    solved_at: Mapped[Instant | None]
    input_sha256: Mapped[str | None]
    """Of the first answer that was published; those of later runs stand with their files."""
    result_sha256: Mapped[str | None]
    published_at: Mapped[Instant | None]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    recourse_passes: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[Instant | None]
    offers_opened_at: Mapped[Instant | None]
    """When what was handed in sealed was opened, by the first run; then nothing more is taken."""
    voided_at: Mapped[Instant | None]
    void_cause: Mapped[str] = mapped_column(default="")


class RoundFile(Base):
    """What a run read and what it found, to the byte; ``pass_no`` is the number of the run (`Round.attempt`)."""

    __tablename__ = "round_files"
    __table_args__ = (
        UniqueConstraint("round_id", "pass_no", "kind"),
        CheckConstraint("kind in ('input', 'result')", name="kind_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"))
    pass_no: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[str] = mapped_column(Text)
    written_at: Mapped[Instant]


class Award(Base):
    """So many kilograms of a listing for a line at a price, from a round or from bids; both sides answer."""

    __tablename__ = "awards"
    __table_args__ = (
        CheckConstraint("kg > 0", name="kg_positive"),
        CheckConstraint("round_id is not null or bid_id is not null", name="from_round_or_bid"),
        Index(
            "uq_awards_round_pair",
            "round_id",
            "pass_no",
            "listing_id",
            "line_id",
            unique=True,
            sqlite_where=text("round_id is not null"),
            postgresql_where=text("round_id is not null"),
        ),
        Index(
            "uq_awards_bid",
            "bid_id",
            unique=True,
            sqlite_where=text("bid_id is not null"),
            postgresql_where=text("bid_id is not null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int | None] = mapped_column(ForeignKey("rounds.id"), index=True)
    pass_no: Mapped[int] = mapped_column(default=0)
    bid_id: Mapped[int | None] = mapped_column(ForeignKey("bids.id"))
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), index=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("intake_lines.id"), index=True)
    producer_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    recycler_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    kg: Mapped[Kilograms]
    price_fen_per_t: Mapped[Fen | None]
    """At the producer's gate; none in a planning round."""
    transport: Mapped[str] = mapped_column(default="recycler")
    freight_fen_per_t: Mapped[Fen]
    deduction_fen_per_t: Mapped[Fen]
    great_circle_m: Mapped[int]
    road_m: Mapped[int]
    explanation: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Sentences for the producer, the recycler and the park, each list under its name; other lines, unnamed."""
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The text that both sides sign, frozen when it is proposed; none until somebody answers an award of a bid."""
    awarded_at: Mapped[Instant]
    answer_by: Mapped[Instant]
    producer_accepted_at: Mapped[Instant | None]
    recycler_accepted_at: Mapped[Instant | None]
    declined_at: Mapped[Instant | None]
    declined_by: Mapped[str | None]
    decline_reason: Mapped[str] = mapped_column(default="")
    lapsed_at: Mapped[Instant | None]
    """When somebody noticed that its deadline had passed and gave the kilograms back; it counts as lapsed before."""

    def state(self, now: datetime) -> AwardState:
        """Read the state off its timestamps, whether or not anybody noticed a deadline."""
        return award_state(
            now,
            price_fen_per_t=self.price_fen_per_t,
            answer_by=self.answer_by,
            producer_accepted_at=self.producer_accepted_at,
            recycler_accepted_at=self.recycler_accepted_at,
            declined_at=self.declined_at,
            lapsed_at=self.lapsed_at,
        )


class AwardMonth(Base):
    """
    The kilograms of an award in one month, under a filing if they cross a province: none crosses a calendar year.

    Of a contract that was changed or terminated they are those in force; what was agreed at first stands in its text.
    """

    __tablename__ = "award_months"
    __table_args__ = (UniqueConstraint("award_id", "month"), CheckConstraint("kg > 0", name="kg_positive"))

    id: Mapped[int] = mapped_column(primary_key=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("awards.id"))
    month: Mapped[MonthOf] = mapped_column(index=True)
    kg: Mapped[Kilograms]
    filing_id: Mapped[int | None] = mapped_column(ForeignKey("filings.id"), index=True)


class AwardWait(Base):
    """
    Kilograms of an award that wait: with the producer from being ready until they are fetched, with the recycler from
    their arrival until they are used. The counters of both hold them in the month in which they are ready, and used.
    """

    __tablename__ = "award_waits"
    __table_args__ = (
        UniqueConstraint("award_id", "side", "since_month", "until_month"),
        CheckConstraint("side in ('producer', 'recycler')", name="side_known"),
        CheckConstraint("since_month < until_month", name="for_a_later_month"),
        CheckConstraint("kg > 0", name="kg_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("awards.id"))
    side: Mapped[str]
    since_month: Mapped[MonthOf]
    until_month: Mapped[MonthOf]
    kg: Mapped[Kilograms]


class Leftover(Base):
    """What a round left of a listing or a line, with the reason and what would change it."""

    __tablename__ = "leftovers"
    __table_args__ = (
        CheckConstraint("(listing_id is null) <> (line_id is null)", name="of_one_thing"),
        CheckConstraint("kg > 0", name="kg_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"), index=True)
    pass_no: Mapped[int] = mapped_column(default=0)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listings.id"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("intake_lines.id"), index=True)
    kg: Mapped[Kilograms]
    reason: Mapped[str]
    sentence: Mapped[dict[str, Any]] = mapped_column(JSON)
    flip: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Contract(Base):
    """An award that both sides accepted, with the text that both agreed to."""

    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("award_id"),
        UniqueConstraint("number"),
        CheckConstraint("kg > 0", name="kg_positive"),
        CheckConstraint("concluded_by in ('signatures', 'acceptances')", name="concluded_by_known"),
        CheckConstraint("shipped_kg >= 0", name="shipped_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("awards.id"))
    number: Mapped[str]
    producer_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    recycler_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    kg: Mapped[Kilograms]
    price_fen_per_t: Mapped[Fen]
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The facts of the contract as agreed: names, codes, sites, months, limits and deductions."""
    terms_sha256: Mapped[str]
    concluded_by: Mapped[str]
    """``acceptances`` stands only with contracts that were made before every one had to be signed by both sides."""
    shipped_kg: Mapped[Kilograms] = mapped_column(default=0)
    """What has left the plant under it, but for what came back."""
    made_at: Mapped[Instant]
