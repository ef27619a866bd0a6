"""What only grows is guarded by the database itself: neither UPDATE nor DELETE, whoever tries."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, event, text

from marketplace.persistence.tables import Base

ONLY_GROW: Final = (
    "audit_log",
    "postings",
    "round_files",
    "questions",
    "answers",
    "sale_rules",
    "contract_signatures",
    "amendment_signatures",
    "terminations",
    "termination_months",
    "shortfall_months",
    "tickets",
)


def statements(dialect: str) -> list[str]:
    """Return the statements that set the guards up on a database of this dialect."""
    if dialect == "sqlite":
        return [
            f"create trigger {table}_only_grows_{verb} before {verb} on {table} "
            f"begin select raise(abort, '{table} only grows'); end"
            for table in ONLY_GROW
            for verb in ("update", "delete")
        ]
    return [
        "create or replace function only_grows() returns trigger language plpgsql as "
        "$$ begin raise exception '% only grows', tg_table_name; end $$",
        *(
            f"create trigger {table}_only_grows before update or delete on {table} "
            "for each row execute function only_grows()"
            for table in ONLY_GROW
        ),
    ]


@event.listens_for(Base.metadata, "after_create")
def _guard(_target: object, connection: Connection, **_options: object) -> None:
    for statement in statements(connection.dialect.name):
        connection.execute(text(statement))
