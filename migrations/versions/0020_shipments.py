"""Shipments under contracts, with the weighbridge tickets at both ends, and what has left under a contract and a filing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

COUNTERS = {
    "contracts": (("shipped_kg", sa.BigInteger()),),
    "filings": (("shipped_kg", sa.BigInteger()), ("shipped_trips", sa.Integer())),
}
RULES = {
    "contracts": {"shipped_not_negative": "shipped_kg >= 0"},
    "filings": {
        "shipped_within_filed": "shipped_kg between 0 and filed_kg",
        "trips_within_filed": "shipped_trips between 0 and filed_trips",
    },
}
CHECKS = {
    "planned_positive": "planned_kg > 0",
    "mode_known": "mode in ('road', 'rail', 'water')",
    "cancelled_before_it_left": "cancelled_at is null or dispatched_at is null",
    "left_with_a_ticket": (
        "(dispatched_at is null) = (out_kg is null) and (dispatched_at is null) = (record_no is null)"
        " and (dispatched_at is null) = (out_month is null)"
    ),
    "arrived_with_a_ticket": "(arrived_at is null) = (in_kg is null) and (arrived_at is null or dispatched_at is not null)",
    "received_after_it_arrived": (
        "(received_at is null) = (counted_kg is null) and (received_at is null) = (in_month is null)"
        " and (received_at is null or (arrived_at is not null and rejected_at is null))"
    ),
    "rejected_after_it_arrived": "rejected_at is null or arrived_at is not null",
    "returned_after_it_was_rejected": "returned_at is null or rejected_at is not null",
    "used_after_it_was_received": (
        "(utilized_at is null) = (used_month is null) and (utilized_at is null or received_at is not null)"
    ),
    "proposed_by_a_side": "(proposed_kg is null) = (proposed_by is null)",
    "side_known": "proposed_by is null or proposed_by in ('producer', 'recycler')",
}
ENDS = {
    "contract_id": "contracts",
    "producer_id": "organizations",
    "recycler_id": "organizations",
    "from_site_id": "sites",
    "to_site_id": "sites",
    "stream_id": "waste_streams",
    "line_id": "intake_lines",
}

KNOWN_BEFORE = "'process', 'yard', 'store', 'utilized', 'disposed', 'discarded'"
KNOWN = "'process', 'yard', 'store', 'sent', 'utilized', 'disposed', 'discarded'"
SENT = "(debit <> 'sent' and credit <> 'sent') or shipment_id is not null"


def upgrade() -> None:
    for table, columns in COUNTERS.items():
        with op.batch_alter_table(table) as changed:
            for name, kind in columns:
                changed.add_column(sa.Column(name, kind, nullable=False, server_default="0"))
        with op.batch_alter_table(table) as changed:
            for name, kind in columns:
                changed.alter_column(name, existing_type=kind, server_default=None)
            for name, rule in RULES[table].items():
                changed.create_check_constraint(op.f(f"ck_{table}_{name}"), rule)
    _shipments()
    _tickets()
    _postings()


def _shipments() -> None:
    def instant(name: str) -> sa.Column[int]:
        return sa.Column(name, sa.BigInteger())

    op.create_table(
        "shipments",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ENDS),
        sa.Column("filing_id", sa.Integer()),
        sa.Column("record_no", sa.String()),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("planned_kg", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plate", "driver", "driver_phone", "carrier", "mode")),
        sa.Column("from_stock", sa.Boolean(), nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("planned_by", sa.Integer()),
        instant("cancelled_at"),
        sa.Column("cancel_reason", sa.String(), nullable=False),
        instant("dispatched_at"),
        sa.Column("out_month", sa.String(length=7)),
        sa.Column("out_kg", sa.BigInteger()),
        instant("arrived_at"),
        sa.Column("in_kg", sa.BigInteger()),
        instant("disputed_at"),
        sa.Column("proposed_kg", sa.BigInteger()),
        sa.Column("proposed_by", sa.String()),
        instant("received_at"),
        sa.Column("in_month", sa.String(length=7)),
        sa.Column("counted_kg", sa.BigInteger()),
        instant("rejected_at"),
        sa.Column("reject_reason", sa.String(), nullable=False),
        instant("returned_at"),
        instant("utilized_at"),
        sa.Column("used_month", sa.String(length=7)),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_shipments_{name}")) for name, rule in CHECKS.items()),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_shipments_{name}"))
            for name, table in {**ENDS, "filing_id": "filings", "planned_by": "people"}.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint("from_site_id", "record_no", name=op.f("uq_shipments_from_site_id_record_no")),
    )
    for column in ("contract_id", "producer_id", "recycler_id", "plate"):
        op.create_index(op.f(f"ix_shipments_{column}"), "shipments", [column])
    op.create_index("ix_shipments_from_site_day", "shipments", ["from_site_id", "day"])
    op.create_index("ix_shipments_to_site_day", "shipments", ["to_site_id", "day"])


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("scale", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("gross_kg", "tare_kg", "gross_at", "tare_at")),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("captured_at", sa.BigInteger(), nullable=False),
        sa.Column("captured_by", sa.Integer()),
        sa.CheckConstraint("place in ('origin', 'destination')", name=op.f("ck_tickets_place_known")),
        sa.CheckConstraint("tare_kg > 0 and gross_kg > tare_kg", name=op.f("ck_tickets_net_positive")),
        sa.CheckConstraint("version = 1 or reason <> ''", name=op.f("ck_tickets_corrected_with_a_reason")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_tickets_shipment_id")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_tickets_site_id")),
        sa.ForeignKeyConstraint(["captured_by"], ["people.id"], name=op.f("fk_tickets_captured_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("shipment_id", "place", "version", name=op.f("uq_tickets_shipment_id_place_version")),
        sa.UniqueConstraint("key", name=op.f("uq_tickets_key")),
    )
    first = sa.text("version = 1")
    op.create_index(
        "uq_tickets_of_a_day", "tickets", ["site_id", "scale", "day", "number"],
        unique=True, sqlite_where=first, postgresql_where=first,
    )  # fmt: skip
    op.create_index("ix_tickets_site_day", "tickets", ["site_id", "day"])
    _only_grows("tickets")


def _postings() -> None:
    """What is sent out stands between the yard and its use; the table is copied on SQLite, and so are its guards."""
    with op.batch_alter_table("postings") as postings:
        postings.add_column(sa.Column("shipment_id", sa.Integer()))
        postings.add_column(sa.Column("since", sa.String(length=7)))
    with op.batch_alter_table("postings") as postings:
        for side in ("debit", "credit"):
            postings.drop_constraint(op.f(f"ck_postings_{side}_known"), type_="check")
            postings.create_check_constraint(op.f(f"ck_postings_{side}_known"), f"{side} in ({KNOWN})")
        postings.create_check_constraint(op.f("ck_postings_sent_with_a_shipment"), SENT)
        postings.create_foreign_key(op.f("fk_postings_shipment_id"), "shipments", ["shipment_id"], ["id"])
    op.create_index("ix_postings_shipment_id", "postings", ["shipment_id"])
    if op.get_bind().dialect.name == "sqlite":
        _only_grows("postings")


def _only_grows(table: str) -> None:
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
    sqlite = op.get_bind().dialect.name == "sqlite"
    # what shipments moved goes with them; the guards of the ledger are lifted for it, and set again
    for verb in ("_update", "_delete") if sqlite else ("",):
        op.execute(f"drop trigger postings_only_grows{verb}" + ("" if sqlite else " on postings"))
    op.execute("delete from postings where shipment_id is not null")
    op.drop_index("ix_postings_shipment_id", "postings")
    with op.batch_alter_table("postings") as postings:
        postings.drop_constraint(op.f("fk_postings_shipment_id"), type_="foreignkey")
        postings.drop_constraint(op.f("ck_postings_sent_with_a_shipment"), type_="check")
        for side in ("debit", "credit"):
            postings.drop_constraint(op.f(f"ck_postings_{side}_known"), type_="check")
            postings.create_check_constraint(op.f(f"ck_postings_{side}_known"), f"{side} in ({KNOWN_BEFORE})")
    with op.batch_alter_table("postings") as postings:
        postings.drop_column("since")
        postings.drop_column("shipment_id")
    _only_grows("postings")
    op.drop_table("tickets")
    op.drop_table("shipments")
    for table, columns in COUNTERS.items():
        with op.batch_alter_table(table) as changed:
            for name in RULES[table]:
                changed.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
            for name, _ in columns:
                changed.drop_column(name)
