"""Signatures of contracts: who signed for which side, over which hash; they only grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "contract_signatures"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.String(), nullable=False),
        sa.CheckConstraint("side in ('producer', 'recycler')", name=op.f("ck_contract_signatures_side_known")),
        sa.CheckConstraint("checked in ('password')", name=op.f("ck_contract_signatures_checked_known")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_contract_signatures_sha256_whole")),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_contract_signatures_award_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_contract_signatures_person_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_contract_signatures_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_signatures")),
        sa.UniqueConstraint("award_id", "side", name=op.f("uq_contract_signatures_award_id_side")),
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
    op.drop_table(TABLE)  # and its guards with it
