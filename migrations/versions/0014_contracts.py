"""Contracts: signed by both sides, changed by versions that both sign, ended by one side with a cause."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

ONLY_GROW = ("amendment_signatures", "terminations", "termination_months")
SIDES = "in ('producer', 'recycler')"
CAUSES = (
    "cause in ('not_delivered', 'not_taken', 'quality', 'unpaid', 'permit', 'stopped', 'force_majeure', 'agreed', 'other')"
)
OPEN = "made_at is null and declined_at is null and withdrawn_at is null"
SIGNED = """
    exists (select 1 from contract_signatures s where s.award_id = contracts.award_id and s.side = 'producer'
            and s.sha256 = contracts.terms_sha256)
    and exists (select 1 from contract_signatures s where s.award_id = contracts.award_id and s.side = 'recycler'
                and s.sha256 = contracts.terms_sha256)
"""
UNSIGNED = """
    update awards set {side}_accepted_at = null
    where {side}_accepted_at is not null and declined_at is null and lapsed_at is null
      and not exists (select 1 from contracts c where c.award_id = awards.id)
      and not exists (select 1 from contract_signatures s where s.award_id = awards.id and s.side = '{side}')
"""


def upgrade() -> None:
    with op.batch_alter_table("contracts") as contracts:
        contracts.add_column(sa.Column("concluded_by", sa.String(), nullable=False, server_default="acceptances"))
    op.execute(f"update contracts set concluded_by = 'signatures' where {SIGNED}")
    with op.batch_alter_table("contracts") as contracts:
        contracts.alter_column("concluded_by", existing_type=sa.String(), server_default=None)
        contracts.create_check_constraint(
            op.f("ck_contracts_concluded_by_known"), "concluded_by in ('signatures', 'acceptances')"
        )
    _amendments()
    _terminations()
    _guard()
    for side in ("producer", "recycler"):  # what was accepted by a click, and is no contract yet, is to be signed
        op.execute(UNSIGNED.format(side=side))


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def _amendments() -> None:
    op.create_table(
        "amendments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("terms_sha256", sa.String(), nullable=False),
        sa.Column("kg", sa.BigInteger(), nullable=False),
        sa.Column("price_fen_per_t", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=True),
        sa.Column("declined_at", sa.BigInteger(), nullable=True),
        sa.Column("decline_reason", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        _check("amendments", "version_after_the_first", "version > 1"),
        _check("amendments", "proposed_by_known", f"proposed_by {SIDES}"),
        _check("amendments", "has_a_reason", "reason <> ''"),
        _check("amendments", "kg_positive", "kg > 0"),
        _check(
            "amendments",
            "ends_once",
            "(case when made_at is null then 0 else 1 end) + (case when declined_at is null then 0 else 1 end)"
            " + (case when withdrawn_at is null then 0 else 1 end) <= 1",
        ),
        _key("amendments", "contract_id", "contracts"),
        _key("amendments", "person_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendments")),
    )
    with op.batch_alter_table("amendments") as amendments:
        amendments.create_index(op.f("ix_amendments_contract_id"), ["contract_id"])
        for name, columns, where in (
            ("uq_amendments_open", ["contract_id"], OPEN),
            ("uq_amendments_in_force", ["contract_id", "version"], "made_at is not null"),
        ):
            amendments.create_index(
                name, columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
            )
    table = "amendment_signatures"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("amendment_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.String(), nullable=False),
        _check(table, "side_known", f"side {SIDES}"),
        _check(table, "checked_known", "checked in ('password')"),
        _check(table, "sha256_whole", "length(sha256) = 64"),
        _key(table, "amendment_id", "amendments"),
        _key(table, "person_id", "people"),
        _key(table, "organization_id", "organizations"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("amendment_id", "side", name=op.f(f"uq_{table}_amendment_id_side")),
    )


def _terminations() -> None:
    table = "terminations"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("delivered_kg", sa.BigInteger(), nullable=False),
        sa.Column("freed_kg", sa.BigInteger(), nullable=False),
        sa.Column("terminated_at", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.String(), nullable=False),
        _check(table, "side_known", f"side {SIDES}"),
        _check(table, "cause_known", CAUSES),
        _check(table, "has_a_reason", "reason <> ''"),
        _check(table, "delivered_not_negative", "delivered_kg >= 0"),
        _check(table, "freed_positive", "freed_kg > 0"),
        _check(table, "checked_known", "checked in ('password')"),
        _check(table, "sha256_whole", "length(sha256) = 64"),
        _key(table, "contract_id", "contracts"),
        _key(table, "person_id", "people"),
        _key(table, "organization_id", "organizations"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("contract_id", name=op.f(f"uq_{table}_contract_id")),
    )
    months = "termination_months"
    op.create_table(
        months,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("termination_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("kg", sa.BigInteger(), nullable=False),
        _check(months, "kg_positive", "kg > 0"),
        _key(months, "termination_id", table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{months}")),
        sa.UniqueConstraint("termination_id", "month", name=op.f(f"uq_{months}_termination_id_month")),
    )


def _guard() -> None:
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
    for table in ("termination_months", "terminations", "amendment_signatures", "amendments"):
        op.drop_table(table)
    with op.batch_alter_table("contracts") as contracts:
        contracts.drop_constraint(op.f("ck_contracts_concluded_by_known"), type_="check")
        contracts.drop_column("concluded_by")
