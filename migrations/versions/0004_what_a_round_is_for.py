"""What a market round is solved for, and a subsidy per tonne as money."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("rounds") as rounds:  # whatever round there is was held without a subsidy
        rounds.add_column(sa.Column("subsidy_fen_per_t", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("update rounds set objective = 'utilization'")  # it could be nothing else until now
    with op.batch_alter_table("rounds") as rounds:
        rounds.alter_column("subsidy_fen_per_t", existing_type=sa.BigInteger(), server_default=None)
        rounds.create_check_constraint(op.f("ck_rounds_subsidy_sensible"), "subsidy_fen_per_t between 0 and 100000")
        rounds.create_check_constraint(
            op.f("ck_rounds_planning_without_prices"),
            "kind = 'market' or (objective = 'utilization' and subsidy_fen_per_t = 0)",
        )


def downgrade() -> None:
    with op.batch_alter_table("rounds") as rounds:
        rounds.drop_constraint(op.f("ck_rounds_planning_without_prices"), type_="check")
        rounds.drop_constraint(op.f("ck_rounds_subsidy_sensible"), type_="check")
        rounds.drop_column("subsidy_fen_per_t")
