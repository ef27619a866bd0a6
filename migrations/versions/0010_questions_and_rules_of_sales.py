"""Questions on listings with their answers, the rules of sales under a hash, and bids that a change made void."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ONLY_GROW = ("questions", "answers", "sale_rules")
VOID = {
    "void_is_withdrawn": "voided_at is null or withdrawn_at = voided_at",
    "void_cause_known": "voided_because in ('', 'listing', 'stream', 'sheet')",
    "void_with_a_cause": "(voided_at is null) = (voided_because = '')",
}


def upgrade() -> None:
    op.create_table(
        "questions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("text <> ''", name=op.f("ck_questions_says_something")),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_questions_listing_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_questions_organization_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"], name=op.f("fk_questions_asked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
        sa.UniqueConstraint(
            "listing_id", "organization_id", "text", name=op.f("uq_questions_listing_id_organization_id_text")
        ),
    )
    op.create_index(op.f("ix_questions_organization_id"), "questions", ["organization_id"])
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("version > 0", name=op.f("ck_answers_version_positive")),
        sa.CheckConstraint("text <> ''", name=op.f("ck_answers_says_something")),
        sa.ForeignKeyConstraint(["question_id"], ["questions.id"], name=op.f("fk_answers_question_id")),
        sa.ForeignKeyConstraint(["answered_by"], ["people.id"], name=op.f("fk_answers_answered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
        sa.UniqueConstraint("question_id", "version", name=op.f("uq_answers_question_id_version")),
    )
    op.create_table(
        "sale_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("fixed_sha256", sa.String(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_sale_rules_version_positive")),
        sa.CheckConstraint("since_at < closes_at", name=op.f("ck_sale_rules_stated_before_the_deadline")),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_sale_rules_listing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_rules")),
        sa.UniqueConstraint("listing_id", "version", name=op.f("uq_sale_rules_listing_id_version")),
    )
    with op.batch_alter_table("bids") as bids:  # no bid was void until now, and no rules were hashed
        bids.add_column(sa.Column("rules_sha256", sa.String(), nullable=True))
        bids.add_column(sa.Column("voided_at", sa.BigInteger(), nullable=True))
        bids.add_column(sa.Column("voided_because", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("bids") as bids:
        bids.alter_column("voided_because", existing_type=sa.String(), server_default=None)
        for name, rule in VOID.items():
            bids.create_check_constraint(op.f(f"ck_bids_{name}"), rule)
    for table in ONLY_GROW:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("update", "delete"):
                op.execute(
                    f"create trigger {table}_only_grows_{verb} before {verb} on {table} "
                    f"begin select raise(abort, '{table} only grows'); end"
                )
        else:
            op.execute(
                f"create trigger {table}_only_grows before update or delete on {table} "
                "for each row execute function only_grows()"
            )


def downgrade() -> None:
    with op.batch_alter_table("bids") as bids:
        for name in VOID:
            bids.drop_constraint(op.f(f"ck_bids_{name}"), type_="check")
        for name in ("voided_because", "voided_at", "rules_sha256"):
            bids.drop_column(name)
    for table in reversed(ONLY_GROW):
        op.drop_table(table)  # and its guards with it
