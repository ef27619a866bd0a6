"""Offers and reserves that are handed in sealed to a round, and when they were opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "round_offers"
STANDS = "replaced_at is null and withdrawn_at is null"


def upgrade() -> None:
    with op.batch_alter_table("rounds") as rounds:
        rounds.add_column(sa.Column("offers_opened_at", sa.BigInteger(), nullable=True))
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=True),
        sa.Column("listing_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("seal_key_id", sa.String(), nullable=False),
        sa.Column("receipt", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("invalid_because", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("received_from", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(line_id is null) <> (listing_id is null)", name=op.f("ck_round_offers_of_line_or_listing")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_round_offers_revision_positive")),
        sa.CheckConstraint(
            "(content is null and (opened_at is null or invalid_because <> ''))"
            " or (content is not null and opened_at is not null and invalid_because = '')",
            name=op.f("ck_round_offers_plain_once_opened"),
        ),
        sa.CheckConstraint(f"opened_at is null or ({STANDS})", name=op.f("ck_round_offers_opened_if_it_stands")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_round_offers_round_id")),
        sa.ForeignKeyConstraint(["line_id"], ["intake_lines.id"], name=op.f("fk_round_offers_line_id")),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_round_offers_listing_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_round_offers_organization_id")),
        sa.ForeignKeyConstraint(["received_from"], ["people.id"], name=op.f("fk_round_offers_received_from")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_offers")),
    )
    op.create_index("ix_round_offers_round_id", TABLE, ["round_id"])
    op.create_index("ix_round_offers_organization_id", TABLE, ["organization_id"])
    for column in ("line_id", "listing_id"):
        where = sa.text(f"{column} is not null and {STANDS}")
        op.create_index(
            f"uq_round_offers_{column.removesuffix('_id')}",
            TABLE,
            ["round_id", column],
            unique=True,
            sqlite_where=where,
            postgresql_where=where,
        )


def downgrade() -> None:
    op.drop_table(TABLE)
    with op.batch_alter_table("rounds") as rounds:
        rounds.drop_column("offers_opened_at")
