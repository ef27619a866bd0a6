"""What a person was told by mail stands in the site too, until it is read and after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "notices"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("read_at is null or read_at >= posted_at", name=op.f("ck_notices_read_after_posted")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notices_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_person_id", TABLE, ["person_id", "id"])
    where = sa.text("read_at is null")
    op.create_index("ix_notices_unread", TABLE, ["person_id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table(TABLE)
