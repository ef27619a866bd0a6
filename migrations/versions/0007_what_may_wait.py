"""What may wait over the end of a month, at a plant and in front of a line, and what of an award does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("listings", "intake_lines"):  # until now nothing could wait
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("storage_kg", sa.BigInteger(), nullable=False, server_default="0"))
            table.add_column(sa.Column("storage_fen_per_t", sa.BigInteger(), nullable=False, server_default="0"))
        with op.batch_alter_table(name) as table:
            table.alter_column("storage_kg", existing_type=sa.BigInteger(), server_default=None)
            table.alter_column("storage_fen_per_t", existing_type=sa.BigInteger(), server_default=None)
            table.create_check_constraint(op.f(f"ck_{name}_storage_not_negative"), "storage_kg >= 0")
            table.create_check_constraint(
                op.f(f"ck_{name}_storage_cost_sensible"), "storage_fen_per_t between 0 and 100000"
            )
    op.create_table(
        "award_waits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("since_month", sa.String(length=7), nullable=False),
        sa.Column("until_month", sa.String(length=7), nullable=False),
        sa.Column("kg", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("side in ('producer', 'recycler')", name=op.f("ck_award_waits_side_known")),
        sa.CheckConstraint("since_month < until_month", name=op.f("ck_award_waits_for_a_later_month")),
        sa.CheckConstraint("kg > 0", name=op.f("ck_award_waits_kg_positive")),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_award_waits_award_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_waits")),
        sa.UniqueConstraint(
            "award_id",
            "side",
            "since_month",
            "until_month",
            name=op.f("uq_award_waits_award_id_side_since_month_until_month"),
        ),
    )


def downgrade() -> None:
    op.drop_table("award_waits")
    for name in ("intake_lines", "listings"):
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"ck_{name}_storage_cost_sensible"), type_="check")
            table.drop_constraint(op.f(f"ck_{name}_storage_not_negative"), type_="check")
            table.drop_column("storage_fen_per_t")
            table.drop_column("storage_kg")
