"""Where a recycler takes less than planned, what falls short of each month is offered to who stands by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = "shortfall_months"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("amendment_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("kg", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kg > 0", name=op.f("ck_shortfall_months_kg_positive")),
        sa.ForeignKeyConstraint(["amendment_id"], ["amendments.id"], name=op.f("fk_shortfall_months_amendment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortfall_months")),
        sa.UniqueConstraint("amendment_id", "month", name=op.f("uq_shortfall_months_amendment_id_month")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"create trigger {TABLE}_only_grows_{verb} before {verb} on {TABLE} "
                f"begin select raise(abort, '{TABLE} only grows'); end"
            )
    else:
        op.execute(
            f"create trigger {TABLE}_only_grows before update or delete on {TABLE} "
            "for each row execute function only_grows()"
        )


def downgrade() -> None:
    op.drop_table(TABLE)
