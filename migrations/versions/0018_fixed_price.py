"""Sales at a fixed price: no bids, but holds for some hours, for who comes first; and listings that repeat a deal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BEFORE = {
    "sale_kind_known": "sale_kind in ('sealed', 'ascending')",
    "open_sale_with_a_deadline": "sale_kind = 'sealed' or bids_close_at is not null",
}
RULES = {
    "sale_kind_known": "sale_kind in ('sealed', 'ascending', 'fixed')",
    "open_sale_with_a_deadline": "sale_kind <> 'ascending' or bids_close_at is not null",
    "fixed_without_bids": "sale_kind <> 'fixed' or (bids_close_at is null and reserve_fen_per_t is null)",
    "hold_hours_positive": "hold_hours > 0",
}


def upgrade() -> None:
    with op.batch_alter_table("listings") as listings:
        listings.add_column(sa.Column("hold_hours", sa.Integer(), nullable=False, server_default="24"))
    with op.batch_alter_table("listings") as listings:
        listings.alter_column("hold_hours", existing_type=sa.Integer(), server_default=None)
        for name in BEFORE:
            listings.drop_constraint(op.f(f"ck_listings_{name}"), type_="check")
        for name, rule in RULES.items():
            listings.create_check_constraint(op.f(f"ck_listings_{name}"), rule)
    op.create_table(
        "repeats",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_repeats_listing_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_repeats_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repeats")),
        sa.UniqueConstraint("listing_id", name=op.f("uq_repeats_listing_id")),
    )


def downgrade() -> None:
    op.drop_table("repeats")
    # a listing at a fixed price waits for a round again; what was sold of it stays sold
    op.execute("update listings set sale_kind = 'sealed' where sale_kind = 'fixed'")
    with op.batch_alter_table("listings") as listings:
        for name in RULES:
            listings.drop_constraint(op.f(f"ck_listings_{name}"), type_="check")
        for name, rule in BEFORE.items():
            listings.create_check_constraint(op.f(f"ck_listings_{name}"), rule)
        listings.drop_column("hold_hours")
