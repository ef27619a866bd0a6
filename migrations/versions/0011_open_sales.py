"""Open ascending sales: bids that everybody reads, each better by a step, and an end that a late bid moves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = {
    "sale_kind": (sa.String(), "sealed"),
    "least_step_fen_per_t": (sa.BigInteger(), "100"),
    "soft_close_minutes": (sa.Integer(), "5"),
}
RULES = {
    "sale_kind_known": "sale_kind in ('sealed', 'ascending')",
    "open_sale_with_a_deadline": "sale_kind = 'sealed' or bids_close_at is not null",
    "least_step_positive": "least_step_fen_per_t > 0",
    "soft_close_positive": "soft_close_minutes > 0",
    "moved_later_by_bids": "planned_close_at is null or (sale_kind = 'ascending' and planned_close_at < bids_close_at)",
}


def upgrade() -> None:
    with op.batch_alter_table("listings") as listings:  # every sale was sealed until now
        for name, (kind, default) in COLUMNS.items():
            listings.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        listings.add_column(sa.Column("planned_close_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("listings") as listings:
        for name, (kind, _) in COLUMNS.items():
            listings.alter_column(name, existing_type=kind, server_default=None)
        for name, rule in RULES.items():
            listings.create_check_constraint(op.f(f"ck_listings_{name}"), rule)


def downgrade() -> None:
    with op.batch_alter_table("listings") as listings:
        for name in RULES:
            listings.drop_constraint(op.f(f"ck_listings_{name}"), type_="check")
        for name in ("planned_close_at", *COLUMNS):
            listings.drop_column(name)
