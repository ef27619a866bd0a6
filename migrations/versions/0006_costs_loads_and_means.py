"""What a round counts for each contract, whole truckloads of a round, and limits of the month's mean at a line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("rounds") as rounds:  # until now a contract cost nothing and was of any mass
        rounds.add_column(sa.Column("contract_fee_fen", sa.BigInteger(), nullable=False, server_default="0"))
        rounds.add_column(sa.Column("truckload_kg", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("rounds") as rounds:
        rounds.alter_column("contract_fee_fen", existing_type=sa.BigInteger(), server_default=None)
        rounds.create_check_constraint(
            op.f("ck_rounds_contract_fee_sensible"), "contract_fee_fen between 0 and 10000000"
        )
        rounds.create_check_constraint(
            op.f("ck_rounds_truckload_sensible"), "truckload_kg is null or truckload_kg between 1000 and 100000"
        )
    with op.batch_alter_table("acceptance_limits") as limits:  # every limit was one of each truck
        limits.add_column(sa.Column("monthly_mean", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("acceptance_limits") as limits:
        limits.alter_column("monthly_mean", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("acceptance_limits") as limits:
        limits.drop_column("monthly_mean")
    with op.batch_alter_table("rounds") as rounds:
        rounds.drop_constraint(op.f("ck_rounds_truckload_sensible"), type_="check")
        rounds.drop_constraint(op.f("ck_rounds_contract_fee_sensible"), type_="check")
        rounds.drop_column("truckload_kg")
        rounds.drop_column("contract_fee_fen")
