"""Which organizations are small works, for which a listing may keep a share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("organizations") as organizations:  # nobody has said so until now
        organizations.add_column(sa.Column("small_works", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("organizations") as organizations:
        organizations.alter_column("small_works", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("organizations") as organizations:
        organizations.drop_column("small_works")
