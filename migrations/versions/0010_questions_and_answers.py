"""Questions on listings and their answers; both only grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

ONLY_GROW = ("questions", "answers")


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
    for table in reversed(ONLY_GROW):
        op.drop_table(table)  # and its guards with it
