"""When bidders may inspect the goods of a sale, and where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

RULES = {
    "inspection_whole": "(inspect_from is null) = (inspect_until is null) and (inspect_from is null) = (inspect_how = '')",
    "inspection_in_order": "inspect_from is null or inspect_from <= inspect_until",
    "inspection_for_bidders": "inspect_from is null or bids_close_at is not null",
}


def upgrade() -> None:
    with op.batch_alter_table("listings") as listings:
        listings.add_column(sa.Column("inspect_from", sa.Date(), nullable=True))
        listings.add_column(sa.Column("inspect_until", sa.Date(), nullable=True))
        listings.add_column(sa.Column("inspect_how", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("listings") as listings:
        listings.alter_column("inspect_how", existing_type=sa.String(), server_default=None)
        for name, rule in RULES.items():
            listings.create_check_constraint(op.f(f"ck_listings_{name}"), rule)


def downgrade() -> None:
    with op.batch_alter_table("listings") as listings:
        for name in RULES:
            listings.drop_constraint(op.f(f"ck_listings_{name}"), type_="check")
        for name in ("inspect_how", "inspect_until", "inspect_from"):
            listings.drop_column(name)
