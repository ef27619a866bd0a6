"""
Bids are sealed until their deadline.

Where the key is there, bids whose deadline lies ahead are sealed now. All others were never sealed and count as opened
when they were received; a listing whose deadline has passed counts as opened then. On the way back the key is needed to
fill the columns of what is still sealed; what cannot be opened counts as withdrawn.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import context, op

from marketplace.domain.bids import Terms
from marketplace.domain.errors import Conflict
from marketplace.domain.sealing import Box, Unsealable, bound_to, packed, receipt_of, unpacked

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WHOLE = ("price_fen_per_t", "kg_per_month", "freight_fen_per_t", "deduction_fen_per_t")
TEXTS = ("transport", "note")
PLAIN = ("price_fen_per_t", "kg_per_month", "transport", "freight_fen_per_t", "deduction_fen_per_t", "note")
FILLED = " and ".join(f"{name} is not null" for name in PLAIN)
EMPTY = " and ".join(f"{name} is null" for name in PLAIN)


def upgrade() -> None:
    op.add_column("listings", sa.Column("bids_opened_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("bids") as bids:
        bids.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))
        bids.add_column(sa.Column("seal_key_id", sa.String(), nullable=True))
        bids.add_column(sa.Column("receipt", sa.String(), nullable=True))
        bids.add_column(sa.Column("opened_at", sa.BigInteger(), nullable=True))
        bids.add_column(sa.Column("invalid_because", sa.String(), nullable=False, server_default=""))
    _nullable(True)
    now = _now()
    op.execute(
        sa.text(
            "update listings set bids_opened_at = bids_close_at"
            " where bids_close_at is not null and (bids_close_at <= :now or bids_decided_at is not null)"
        ).bindparams(now=now)
    )
    op.execute("update bids set opened_at = received_at")
    _seal(now)
    with op.batch_alter_table("bids") as bids:
        bids.alter_column("invalid_because", existing_type=sa.String(), server_default=None)
        bids.create_check_constraint(
            op.f("ck_bids_plain_once_opened"),
            f"({FILLED} and opened_at is not null and invalid_because = '')"
            f" or ({EMPTY} and (opened_at is null or invalid_because <> ''))",
        )
        bids.create_check_constraint(
            op.f("ck_bids_sealed_or_opened"),
            "(sealed is not null and seal_key_id is not null and receipt is not null)"
            " or (sealed is null and seal_key_id is null and receipt is null and opened_at is not null)",
        )


def downgrade() -> None:
    with op.batch_alter_table("bids") as bids:
        bids.drop_constraint(op.f("ck_bids_sealed_or_opened"), type_="check")
        bids.drop_constraint(op.f("ck_bids_plain_once_opened"), type_="check")
    _unseal(_now())
    _nullable(False)
    with op.batch_alter_table("bids") as bids:
        for name in ("invalid_because", "opened_at", "receipt", "seal_key_id", "sealed"):
            bids.drop_column(name)
    with op.batch_alter_table("listings") as listings:
        listings.drop_column("bids_opened_at")


def _nullable(may_be: bool) -> None:
    with op.batch_alter_table("bids") as bids:
        for name in WHOLE:
            bids.alter_column(name, existing_type=sa.BigInteger(), nullable=may_be)
        for name in TEXTS:
            bids.alter_column(name, existing_type=sa.String(), nullable=may_be)


def _now() -> int:
    return (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _sealer():
    return context.config.attributes.get("sealer")


def _seal(now: int) -> None:
    """Seal what may still be secret; without a key it stays as it was."""
    sealer = _sealer()
    if sealer is None:
        return
    rows = (
        op.get_bind()
        .execute(
            sa.text(
                f"select b.id, b.listing_id, b.line_id, b.revision, {', '.join(f'b.{name}' for name in PLAIN)}"
                " from bids b join listings l on l.id = b.listing_id where l.bids_opened_at is null order by b.id"
            )
        )
        .mappings()
        .all()
    )
    for row in rows:
        bound = bound_to(row["listing_id"], row["line_id"], row["revision"])
        try:
            box = sealer.seal(packed(Terms(**{name: row[name] for name in PLAIN})), bound)
        except Conflict:
            return
        op.execute(
            sa.text(
                f"update bids set {', '.join(f'{name} = null' for name in PLAIN)}, opened_at = null,"
                " sealed = :sealed, seal_key_id = :key_id, receipt = :receipt where id = :id"
            ).bindparams(sealed=box.sealed, key_id=box.key_id, receipt=receipt_of(box, bound), id=row["id"])
        )


def _unseal(now: int) -> None:
    """Fill the columns of what is sealed. Raises RuntimeError without a sealer, Conflict if its key is not there."""
    rows = (
        op.get_bind()
        .execute(
            sa.text(
                "select id, listing_id, line_id, revision, seal_key_id, sealed from bids"
                " where price_fen_per_t is null order by id"
            )
        )
        .mappings()
        .all()
    )
    sealer = _sealer()
    if rows and sealer is None:
        raise RuntimeError("There are sealed bids: the key is needed to go back.")
    for row in rows:
        box = Box(row["seal_key_id"], bytes(row["sealed"]))
        try:
            terms = unpacked(sealer.open(box, bound_to(row["listing_id"], row["line_id"], row["revision"])))
            gone = None
        except Unsealable:
            terms, gone = Terms(
                price_fen_per_t=0, kg_per_month=1, transport="recycler", freight_fen_per_t=0, deduction_fen_per_t=0
            ), now
        op.execute(
            sa.text(
                f"update bids set {', '.join(f'{name} = :{name}' for name in PLAIN)},"
                " withdrawn_at = coalesce(withdrawn_at, :gone) where id = :id"
            ).bindparams(
                sa.bindparam("gone", gone, sa.BigInteger()),
                **{name: getattr(terms, name) for name in PLAIN},
                id=row["id"],
            )
        )
