"""What a person was told stands in the site too; mail can be switched off by subject; searches are kept and answered daily."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
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
    op.create_table(
        "mail_off",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_mail_off_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_off")),
        sa.UniqueConstraint("person_id", "subject", name=op.f("uq_mail_off_person_id_subject")),
    )
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("sought_sha256", sa.String(), nullable=False),
        sa.Column("sought", sa.String(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("told_until", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("told_until >= saved_at", name=op.f("ck_saved_searches_told_after_saved")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_saved_searches_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
        sa.UniqueConstraint("person_id", "sought_sha256", name=op.f("uq_saved_searches_person_id_sought_sha256")),
    )
    op.create_index("ix_saved_searches_told_until", "saved_searches", ["told_until"])


def downgrade() -> None:
    op.drop_table("saved_searches")
    op.drop_table("mail_off")
    op.drop_table(TABLE)
