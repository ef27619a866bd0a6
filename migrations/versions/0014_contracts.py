"""Every contract is signed by both sides: how one was concluded stands with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

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
    for side in ("producer", "recycler"):  # what was accepted by a click, and is no contract yet, is to be signed
        op.execute(UNSIGNED.format(side=side))


def downgrade() -> None:
    with op.batch_alter_table("contracts") as contracts:
        contracts.drop_constraint(op.f("ck_contracts_concluded_by_known"), type_="check")
        contracts.drop_column("concluded_by")
