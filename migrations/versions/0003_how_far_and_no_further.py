"""Which step a job is at, and since when nobody wants it any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("step", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("cancelled_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("jobs") as jobs:
        jobs.create_check_constraint(op.f("ck_jobs_step_named"), "step <> ''")


def downgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint(op.f("ck_jobs_step_named"), type_="check")
        jobs.drop_column("cancelled_at")
        jobs.drop_column("step")
