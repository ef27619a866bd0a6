"""Guard what only grows: neither UPDATE nor DELETE, whoever tries."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ONLY_GROW = ("audit_log", "postings", "round_files")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ONLY_GROW:
            for verb in ("update", "delete"):
                op.execute(
                    f"create trigger {table}_only_grows_{verb} before {verb} on {table} "
                    f"begin select raise(abort, '{table} only grows'); end"
                )
        return
    op.execute(
        "create or replace function only_grows() returns trigger language plpgsql as "
        "$$ begin raise exception '% only grows', tg_table_name; end $$"
    )
    for table in ONLY_GROW:
        op.execute(
            f"create trigger {table}_only_grows before update or delete on {table} "
            "for each row execute function only_grows()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ONLY_GROW:
            for verb in ("update", "delete"):
                op.execute(f"drop trigger {table}_only_grows_{verb}")
        return
    for table in ONLY_GROW:
        op.execute(f"drop trigger {table}_only_grows on {table}")
    op.execute("drop function only_grows()")
