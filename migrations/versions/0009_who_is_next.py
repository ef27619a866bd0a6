"""The calendar of business days, until when bids stand by, and who was called when an award came to nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_days",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("confidence in ('high', 'medium', 'low')", name=op.f("ck_calendar_days_confidence_known")),
        sa.CheckConstraint("name <> '' and source <> ''", name=op.f("ck_calendar_days_with_a_source")),
        sa.ForeignKeyConstraint(["entered_by"], ["people.id"], name=op.f("fk_calendar_days_entered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_days")),
        sa.UniqueConstraint("day", name=op.f("uq_calendar_days_day")),
    )
    with op.batch_alter_table("listings") as listings:  # who has lost was told so: nobody stands by from before
        listings.add_column(sa.Column("standby_until", sa.BigInteger(), nullable=True))
    op.create_table(
        "standby_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("after_award_id", sa.Integer(), nullable=False),
        sa.Column("bid_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=True),
        sa.Column("passed_over", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("called_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(award_id is null) <> (passed_over is null)", name=op.f("ck_standby_calls_called_or_passed_over")
        ),
        sa.CheckConstraint("rank > 0", name=op.f("ck_standby_calls_rank_positive")),
        sa.ForeignKeyConstraint(["after_award_id"], ["awards.id"], name=op.f("fk_standby_calls_after_award_id")),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_standby_calls_award_id")),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_standby_calls_bid_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standby_calls")),
        sa.UniqueConstraint("after_award_id", "bid_id", name=op.f("uq_standby_calls_after_award_id_bid_id")),
        sa.UniqueConstraint("award_id", name=op.f("uq_standby_calls_award_id")),
    )
    with op.batch_alter_table("standby_calls") as calls:
        calls.create_index(op.f("ix_standby_calls_bid_id"), ["bid_id"])


def downgrade() -> None:
    op.drop_table("standby_calls")
    with op.batch_alter_table("listings") as listings:
        listings.drop_column("standby_until")
    op.drop_table("calendar_days")
