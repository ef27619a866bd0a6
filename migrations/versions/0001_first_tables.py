"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('jobs',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('arguments', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('created_by', sa.Integer(), nullable=True),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('lease_until', sa.BigInteger(), nullable=True),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('of', sa.Integer(), nullable=False),
    sa.Column('note', sa.JSON(), nullable=True),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('failed_because', sa.JSON(), nullable=True),
    sa.CheckConstraint('attempt >= 0', name=op.f('ck_jobs_attempt_not_negative')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_jobs')),
    sa.UniqueConstraint('key', name=op.f('uq_jobs_key'))
    )
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.create_index('ix_jobs_waiting', ['created_at'], unique=False, sqlite_where=sa.text('ended_at is null'), postgresql_where=sa.text('ended_at is null'))

    op.create_table('outbox',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('values', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('sent_at', sa.BigInteger(), nullable=True),
    sa.Column('last_error', sa.String(), nullable=False),
    sa.CheckConstraint('attempts >= 0', name=op.f('ck_outbox_attempts_not_negative')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index('ix_outbox_waiting', ['created_at'], unique=False, sqlite_where=sa.text('sent_at is null'), postgresql_where=sa.text('sent_at is null'))

    op.create_table('parks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('division_code', sa.String(), nullable=False),
    sa.Column('goal_permille', sa.Integer(), nullable=False),
    sa.Column('goal_source', sa.String(), nullable=False),
    sa.Column('goal_source_en', sa.String(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('demo', sa.Boolean(), nullable=False),
    sa.CheckConstraint("kind in ('estate', 'virtual')", name=op.f('ck_parks_kind_known')),
    sa.CheckConstraint('goal_permille between 0 and 1000', name=op.f('ck_parks_goal_is_a_share')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parks'))
    )
    op.create_table('people',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('display_name', sa.String(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('password_changed_at', sa.BigInteger(), nullable=False),
    sa.Column('blocked_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("language in ('zh_Hans_CN', 'en')", name=op.f('ck_people_language_known')),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_people_email_in_lower_case')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_people')),
    sa.UniqueConstraint('email', name=op.f('uq_people_email'))
    )
    op.create_table('sign_in_tries',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_digest', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('tried_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_tries'))
    )
    with op.batch_alter_table('sign_in_tries', schema=None) as batch_op:
        batch_op.create_index('ix_sign_in_tries_account', ['account_digest', 'tried_at'], unique=False)
        batch_op.create_index('ix_sign_in_tries_address', ['address', 'tried_at'], unique=False)

    op.create_table('worker_pulses',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('beat_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_worker_pulses')),
    sa.UniqueConstraint('name', name=op.f('uq_worker_pulses_name'))
    )
    op.create_table('organizations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('credit_code', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('produces', sa.Boolean(), nullable=False),
    sa.Column('recycles', sa.Boolean(), nullable=False),
    sa.Column('park_id', sa.Integer(), nullable=False),
    sa.Column('contact_name', sa.String(), nullable=False),
    sa.Column('contact_phone', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('related_group', sa.String(), nullable=False),
    sa.Column('registered_at', sa.BigInteger(), nullable=False),
    sa.Column('verified_at', sa.BigInteger(), nullable=True),
    sa.Column('verified_by', sa.Integer(), nullable=True),
    sa.Column('refused_at', sa.BigInteger(), nullable=True),
    sa.Column('refused_because', sa.String(), nullable=False),
    sa.Column('suspended_at', sa.BigInteger(), nullable=True),
    sa.Column('demo', sa.Boolean(), nullable=False),
    sa.CheckConstraint('length(credit_code) = 18', name=op.f('ck_organizations_credit_code_whole')),
    sa.CheckConstraint('produces or recycles', name=op.f('ck_organizations_produces_or_recycles')),
    sa.ForeignKeyConstraint(['park_id'], ['parks.id'], name=op.f('fk_organizations_park_id')),
    sa.ForeignKeyConstraint(['verified_by'], ['people.id'], name=op.f('fk_organizations_verified_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organizations')),
    sa.UniqueConstraint('credit_code', name=op.f('uq_organizations_credit_code'))
    )
    with op.batch_alter_table('organizations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_organizations_park_id'), ['park_id'], unique=False)

    op.create_table('rounds',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('park_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('objective', sa.String(), nullable=False),
    sa.Column('first_month', sa.String(length=7), nullable=False),
    sa.Column('last_month', sa.String(length=7), nullable=False),
    sa.Column('max_m', sa.Integer(), nullable=False),
    sa.Column('circuity_permille', sa.Integer(), nullable=False),
    sa.Column('opened_at', sa.BigInteger(), nullable=False),
    sa.Column('opened_by', sa.Integer(), nullable=True),
    sa.Column('closes_at', sa.BigInteger(), nullable=False),
    sa.Column('answer_by', sa.BigInteger(), nullable=False),
    sa.Column('closed_at', sa.BigInteger(), nullable=True),
    sa.Column('solving_at', sa.BigInteger(), nullable=True),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('failed_because', sa.JSON(), nullable=True),
    sa.Column('solved_at', sa.BigInteger(), nullable=True),
    sa.Column('input_sha256', sa.String(), nullable=True),
    sa.Column('result_sha256', sa.String(), nullable=True),
    sa.Column('published_at', sa.BigInteger(), nullable=True),
    sa.Column('published_by', sa.Integer(), nullable=True),
    sa.Column('recourse_passes', sa.Integer(), nullable=False),
    sa.Column('settled_at', sa.BigInteger(), nullable=True),
    sa.Column('voided_at', sa.BigInteger(), nullable=True),
    sa.Column('void_cause', sa.String(), nullable=False),
    sa.CheckConstraint("kind in ('market', 'planning')", name=op.f('ck_rounds_kind_known')),
    sa.CheckConstraint("objective in ('utilization', 'surplus')", name=op.f('ck_rounds_objective_known')),
    sa.CheckConstraint("voided_at is null or void_cause <> ''", name=op.f('ck_rounds_void_has_a_cause')),
    sa.CheckConstraint('attempt >= 0', name=op.f('ck_rounds_attempt_not_negative')),
    sa.CheckConstraint('circuity_permille between 1000 and 2000', name=op.f('ck_rounds_circuity_sensible')),
    sa.CheckConstraint('first_month <= last_month', name=op.f('ck_rounds_window_in_order')),
    sa.CheckConstraint('max_m > 0', name=op.f('ck_rounds_radius_positive')),
    sa.CheckConstraint('published_at is null or result_sha256 is not null', name=op.f('ck_rounds_published_with_a_result')),
    sa.ForeignKeyConstraint(['opened_by'], ['people.id'], name=op.f('fk_rounds_opened_by')),
    sa.ForeignKeyConstraint(['park_id'], ['parks.id'], name=op.f('fk_rounds_park_id')),
    sa.ForeignKeyConstraint(['published_by'], ['people.id'], name=op.f('fk_rounds_published_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rounds')),
    sa.UniqueConstraint('park_id', 'number', name=op.f('uq_rounds_park_id_number'))
    )
    with op.batch_alter_table('rounds', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rounds_park_id'), ['park_id'], unique=False)

    op.create_table('sign_ins',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_digest', sa.String(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('begun_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('agent', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_sign_ins_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_ins')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_sign_ins_token_digest'))
    )
    with op.batch_alter_table('sign_ins', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sign_ins_person_id'), ['person_id'], unique=False)

    op.create_table('audit_log',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('park_id', sa.Integer(), nullable=True),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('object_kind', sa.String(), nullable=False),
    sa.Column('object_id', sa.Integer(), nullable=True),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_audit_log_organization_id')),
    sa.ForeignKeyConstraint(['park_id'], ['parks.id'], name=op.f('fk_audit_log_park_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_audit_log_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_log'))
    )
    with op.batch_alter_table('audit_log', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_log_at'), ['at'], unique=False)
        batch_op.create_index('ix_audit_log_object', ['object_kind', 'object_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_log_organization_id'), ['organization_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_log_park_id'), ['park_id'], unique=False)

    op.create_table('round_files',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('pass_no', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('written_at', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("kind in ('input', 'result')", name=op.f('ck_round_files_kind_known')),
    sa.ForeignKeyConstraint(['round_id'], ['rounds.id'], name=op.f('fk_round_files_round_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_round_files')),
    sa.UniqueConstraint('round_id', 'pass_no', 'kind', name=op.f('uq_round_files_round_id_pass_no_kind'))
    )
    op.create_table('sites',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=False),
    sa.Column('park_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('division_code', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('lat_udeg', sa.BigInteger(), nullable=False),
    sa.Column('lon_udeg', sa.BigInteger(), nullable=False),
    sa.Column('entered_datum', sa.String(), nullable=False),
    sa.Column('entered_point', sa.String(), nullable=False),
    sa.Column('point_origin', sa.String(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('closed_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("entered_datum in ('wgs84', 'gcj02', 'bd09')", name=op.f('ck_sites_datum_known')),
    sa.CheckConstraint("point_origin in ('pin', 'division', 'geocoder', 'coordinates')", name=op.f('ck_sites_point_origin_known')),
    sa.CheckConstraint('lat_udeg between 3000000 and 54000000', name=op.f('ck_sites_lat_in_china')),
    sa.CheckConstraint('lon_udeg between 73000000 and 136000000', name=op.f('ck_sites_lon_in_china')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_sites_organization_id')),
    sa.ForeignKeyConstraint(['park_id'], ['parks.id'], name=op.f('fk_sites_park_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sites')),
    sa.UniqueConstraint('organization_id', 'name', name=op.f('uq_sites_organization_id_name'))
    )
    with op.batch_alter_table('sites', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sites_organization_id'), ['organization_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_sites_park_id'), ['park_id'], unique=False)

    op.create_table('appointments',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('site_id', sa.Integer(), nullable=True),
    sa.Column('park_id', sa.Integer(), nullable=True),
    sa.Column('granted_at', sa.BigInteger(), nullable=False),
    sa.Column('granted_by', sa.Integer(), nullable=True),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("(role in ('clerk', 'signatory', 'weigher') and organization_id is not null and park_id is null) or (role = 'park_administrator' and park_id is not null and organization_id is null) or (role in ('operator', 'auditor') and organization_id is null and park_id is null)", name=op.f('ck_appointments_role_has_its_place')),
    sa.CheckConstraint("site_id is null or role = 'weigher'", name=op.f('ck_appointments_only_weighers_have_a_site')),
    sa.ForeignKeyConstraint(['granted_by'], ['people.id'], name=op.f('fk_appointments_granted_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_appointments_organization_id')),
    sa.ForeignKeyConstraint(['park_id'], ['parks.id'], name=op.f('fk_appointments_park_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_appointments_person_id')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_appointments_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appointments'))
    )
    with op.batch_alter_table('appointments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appointments_organization_id'), ['organization_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_appointments_park_id'), ['park_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_appointments_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_appointments_live_organization', ['person_id', 'role', 'organization_id'], unique=True, sqlite_where=sa.text('ended_at is null'), postgresql_where=sa.text('ended_at is null'))
        batch_op.create_index('uq_appointments_live_park', ['person_id', 'role', 'park_id'], unique=True, sqlite_where=sa.text('ended_at is null'), postgresql_where=sa.text('ended_at is null'))
        batch_op.create_index('uq_appointments_live_platform', ['person_id', 'role'], unique=True, sqlite_where=sa.text('ended_at is null and organization_id is null and park_id is null'), postgresql_where=sa.text('ended_at is null and organization_id is null and park_id is null'))

    op.create_table('intake_lines',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('route', sa.String(), nullable=False),
    sa.Column('capacity_kg_per_month', sa.BigInteger(), nullable=False),
    sa.Column('capacity_kg_per_year', sa.BigInteger(), nullable=False),
    sa.Column('closed_months', sa.String(), nullable=False),
    sa.Column('radius_m', sa.Integer(), nullable=True),
    sa.Column('least_lot_kg', sa.BigInteger(), nullable=False),
    sa.Column('unloading_hours', sa.String(), nullable=False),
    sa.Column('permit_no', sa.String(), nullable=False),
    sa.Column('permit_valid_until', sa.Date(), nullable=True),
    sa.Column('permit_verified_at', sa.BigInteger(), nullable=True),
    sa.Column('permit_verified_by', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('retired_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('capacity_kg_per_month > 0', name=op.f('ck_intake_lines_capacity_positive')),
    sa.CheckConstraint('capacity_kg_per_year >= capacity_kg_per_month', name=op.f('ck_intake_lines_year_not_below_month')),
    sa.CheckConstraint('least_lot_kg >= 0', name=op.f('ck_intake_lines_least_lot_not_negative')),
    sa.CheckConstraint('radius_m is null or radius_m > 0', name=op.f('ck_intake_lines_radius_positive')),
    sa.ForeignKeyConstraint(['permit_verified_by'], ['people.id'], name=op.f('fk_intake_lines_permit_verified_by')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_intake_lines_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_intake_lines')),
    sa.UniqueConstraint('site_id', 'name', name=op.f('uq_intake_lines_site_id_name'))
    )
    with op.batch_alter_table('intake_lines', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_intake_lines_site_id'), ['site_id'], unique=False)

    op.create_table('letters',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('token_digest', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('organization_id', sa.Integer(), nullable=True),
    sa.Column('site_id', sa.Integer(), nullable=True),
    sa.Column('role', sa.String(), nullable=True),
    sa.Column('sent_by', sa.Integer(), nullable=True),
    sa.Column('sent_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.BigInteger(), nullable=True),
    sa.Column('revoked_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("(kind = 'reset' and person_id is not null) or (kind = 'invitation' and organization_id is not null and role is not null)", name=op.f('ck_letters_kind_has_its_object')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_letters_organization_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_letters_person_id')),
    sa.ForeignKeyConstraint(['sent_by'], ['people.id'], name=op.f('fk_letters_sent_by')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_letters_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letters')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_letters_token_digest'))
    )
    with op.batch_alter_table('letters', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_letters_organization_id'), ['organization_id'], unique=False)

    op.create_table('waste_streams',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('material', sa.String(), nullable=False),
    sa.Column('waste_code', sa.String(), nullable=False),
    sa.Column('legal_status', sa.String(), nullable=False),
    sa.Column('origin_process', sa.String(), nullable=False),
    sa.Column('boiler', sa.String(), nullable=False),
    sa.Column('form', sa.String(), nullable=False),
    sa.Column('ash_class', sa.String(), nullable=False),
    sa.Column('generation_kg_per_month', sa.BigInteger(), nullable=False),
    sa.Column('stock_kg', sa.BigInteger(), nullable=False),
    sa.Column('storage_limit_kg', sa.BigInteger(), nullable=True),
    sa.Column('origin_answers', sa.JSON(), nullable=False),
    sa.Column('mixed_with_hazardous', sa.Boolean(), nullable=False),
    sa.Column('grade', sa.String(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('retired_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("legal_status in ('solid_waste', 'by_product', 'secondary_raw_material')", name=op.f('ck_waste_streams_legal_status_known')),
    sa.CheckConstraint('generation_kg_per_month >= 0', name=op.f('ck_waste_streams_generation_not_negative')),
    sa.CheckConstraint('stock_kg >= 0', name=op.f('ck_waste_streams_stock_not_negative')),
    sa.CheckConstraint('storage_limit_kg is null or storage_limit_kg > 0', name=op.f('ck_waste_streams_storage_limit_positive')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_waste_streams_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_waste_streams')),
    sa.UniqueConstraint('site_id', 'name', name=op.f('uq_waste_streams_site_id_name'))
    )
    with op.batch_alter_table('waste_streams', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_waste_streams_grade'), ['grade'], unique=False)
        batch_op.create_index(batch_op.f('ix_waste_streams_material'), ['material'], unique=False)
        batch_op.create_index(batch_op.f('ix_waste_streams_site_id'), ['site_id'], unique=False)

    op.create_table('acceptance_limits',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('material', sa.String(), nullable=False),
    sa.Column('property', sa.String(), nullable=False),
    sa.Column('minimum', sa.BigInteger(), nullable=True),
    sa.Column('maximum', sa.BigInteger(), nullable=True),
    sa.Column('deduction_fen_per_unit', sa.BigInteger(), nullable=True),
    sa.Column('stop_value', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('deduction_fen_per_unit is null or deduction_fen_per_unit > 0', name=op.f('ck_acceptance_limits_deduction_positive')),
    sa.CheckConstraint('minimum is not null or maximum is not null', name=op.f('ck_acceptance_limits_limits_something')),
    sa.ForeignKeyConstraint(['line_id'], ['intake_lines.id'], name=op.f('fk_acceptance_limits_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_acceptance_limits')),
    sa.UniqueConstraint('line_id', 'material', 'property', name=op.f('uq_acceptance_limits_line_id_material_property'))
    )
    with op.batch_alter_table('acceptance_limits', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_acceptance_limits_line_id'), ['line_id'], unique=False)

    op.create_table('filings',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=False),
    sa.Column('receiving_site_id', sa.Integer(), nullable=False),
    sa.Column('filing_no', sa.String(), nullable=False),
    sa.Column('filed_kg', sa.BigInteger(), nullable=False),
    sa.Column('filed_trips', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('reserved_kg', sa.BigInteger(), nullable=False),
    sa.Column('contracted_kg', sa.BigInteger(), nullable=False),
    sa.Column('entered_at', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('filed_kg > 0', name=op.f('ck_filings_filed_positive')),
    sa.CheckConstraint('filed_trips > 0', name=op.f('ck_filings_trips_positive')),
    sa.CheckConstraint('reserved_kg + contracted_kg <= filed_kg', name=op.f('ck_filings_not_over_filed')),
    sa.CheckConstraint('reserved_kg >= 0 and contracted_kg >= 0', name=op.f('ck_filings_counts_not_negative')),
    sa.CheckConstraint('valid_from <= valid_to', name=op.f('ck_filings_validity_in_order')),
    sa.ForeignKeyConstraint(['receiving_site_id'], ['sites.id'], name=op.f('fk_filings_receiving_site_id')),
    sa.ForeignKeyConstraint(['stream_id'], ['waste_streams.id'], name=op.f('fk_filings_stream_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_filings')),
    sa.UniqueConstraint('filing_no', name=op.f('uq_filings_filing_no'))
    )
    with op.batch_alter_table('filings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_filings_receiving_site_id'), ['receiving_site_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_filings_stream_id'), ['stream_id'], unique=False)

    op.create_table('lab_sheets',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=False),
    sa.Column('sheet_no', sa.String(), nullable=False),
    sa.Column('laboratory', sa.String(), nullable=False),
    sa.Column('accredited', sa.Boolean(), nullable=False),
    sa.Column('sampled_on', sa.Date(), nullable=False),
    sa.Column('reported_on', sa.Date(), nullable=False),
    sa.Column('entered_at', sa.BigInteger(), nullable=False),
    sa.Column('entered_by', sa.Integer(), nullable=True),
    sa.Column('voided_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('sampled_on <= reported_on', name=op.f('ck_lab_sheets_reported_after_sampled')),
    sa.ForeignKeyConstraint(['entered_by'], ['people.id'], name=op.f('fk_lab_sheets_entered_by')),
    sa.ForeignKeyConstraint(['stream_id'], ['waste_streams.id'], name=op.f('fk_lab_sheets_stream_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lab_sheets')),
    sa.UniqueConstraint('stream_id', 'sheet_no', name=op.f('uq_lab_sheets_stream_id_sheet_no'))
    )
    with op.batch_alter_table('lab_sheets', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lab_sheets_stream_id'), ['stream_id'], unique=False)

    op.create_table('line_materials',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('material', sa.String(), nullable=False),
    sa.Column('price_fen_per_t', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['line_id'], ['intake_lines.id'], name=op.f('fk_line_materials_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_line_materials')),
    sa.UniqueConstraint('line_id', 'material', name=op.f('uq_line_materials_line_id_material'))
    )
    with op.batch_alter_table('line_materials', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_line_materials_line_id'), ['line_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_line_materials_material'), ['material'], unique=False)

    op.create_table('line_months',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('capacity_kg', sa.BigInteger(), nullable=False),
    sa.Column('reserved_kg', sa.BigInteger(), nullable=False),
    sa.Column('contracted_kg', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('reserved_kg + contracted_kg <= capacity_kg', name=op.f('ck_line_months_not_over_capacity')),
    sa.CheckConstraint('reserved_kg >= 0 and contracted_kg >= 0', name=op.f('ck_line_months_counts_not_negative')),
    sa.ForeignKeyConstraint(['line_id'], ['intake_lines.id'], name=op.f('fk_line_months_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_line_months')),
    sa.UniqueConstraint('line_id', 'month', name=op.f('uq_line_months_line_id_month'))
    )
    op.create_table('line_years',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('capacity_kg', sa.BigInteger(), nullable=False),
    sa.Column('reserved_kg', sa.BigInteger(), nullable=False),
    sa.Column('contracted_kg', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('reserved_kg + contracted_kg <= capacity_kg', name=op.f('ck_line_years_not_over_permit')),
    sa.CheckConstraint('reserved_kg >= 0 and contracted_kg >= 0', name=op.f('ck_line_years_counts_not_negative')),
    sa.ForeignKeyConstraint(['line_id'], ['intake_lines.id'], name=op.f('fk_line_years_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_line_years')),
    sa.UniqueConstraint('line_id', 'year', name=op.f('uq_line_years_line_id_year'))
    )
    op.create_table('listings',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=False),
    sa.Column('first_month', sa.String(length=7), nullable=False),
    sa.Column('last_month', sa.String(length=7), nullable=False),
    sa.Column('kg_per_month', sa.BigInteger(), nullable=False),
    sa.Column('asking_fen_per_t', sa.BigInteger(), nullable=False),
    sa.Column('reserve_fen_per_t', sa.BigInteger(), nullable=True),
    sa.Column('least_lot_kg', sa.BigInteger(), nullable=False),
    sa.Column('cap_per_buyer_kg', sa.BigInteger(), nullable=True),
    sa.Column('small_works_share_percent', sa.Integer(), nullable=False),
    sa.Column('disclosure', sa.String(), nullable=False),
    sa.Column('loading_hours', sa.String(), nullable=False),
    sa.Column('loading_mode', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('bids_close_at', sa.BigInteger(), nullable=True),
    sa.Column('drafted_at', sa.BigInteger(), nullable=False),
    sa.Column('published_at', sa.BigInteger(), nullable=True),
    sa.Column('published_by', sa.Integer(), nullable=True),
    sa.Column('expires_at', sa.BigInteger(), nullable=True),
    sa.Column('withdrawn_at', sa.BigInteger(), nullable=True),
    sa.Column('bids_decided_at', sa.BigInteger(), nullable=True),
    sa.Column('bids_decided_because', sa.String(), nullable=False),
    sa.CheckConstraint("disclosure in ('open', 'members', 'masked')", name=op.f('ck_listings_disclosure_known')),
    sa.CheckConstraint('cap_per_buyer_kg is null or cap_per_buyer_kg > 0', name=op.f('ck_listings_cap_positive')),
    sa.CheckConstraint('first_month <= last_month', name=op.f('ck_listings_window_in_order')),
    sa.CheckConstraint('kg_per_month > 0', name=op.f('ck_listings_offered_positive')),
    sa.CheckConstraint('least_lot_kg >= 0', name=op.f('ck_listings_least_lot_not_negative')),
    sa.CheckConstraint('published_at is null or expires_at is not null', name=op.f('ck_listings_published_with_an_expiry')),
    sa.CheckConstraint('small_works_share_percent between 0 and 100', name=op.f('ck_listings_share_is_a_percentage')),
    sa.ForeignKeyConstraint(['published_by'], ['people.id'], name=op.f('fk_listings_published_by')),
    sa.ForeignKeyConstraint(['stream_id'], ['waste_streams.id'], name=op.f('fk_listings_stream_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_listings'))
    )
    with op.batch_alter_table('listings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_listings_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_listings_published_at'), ['published_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_listings_stream_id'), ['stream_id'], unique=False)

    op.create_table('opening_stocks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('kg', sa.BigInteger(), nullable=False),
    sa.Column('entered_at', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('kg >= 0', name=op.f('ck_opening_stocks_kg_not_negative')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_opening_stocks_site_id')),
    sa.ForeignKeyConstraint(['stream_id'], ['waste_streams.id'], name=op.f('fk_opening_stocks_stream_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opening_stocks')),
    sa.UniqueConstraint('site_id', 'stream_id', name=op.f('uq_opening_stocks_site_id_stream_id'))
    )
    op.create_table('postings',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=False),
    sa.Column('site_id', sa.Integer(), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=True),
    sa.Column('material', sa.String(), nullable=False),
    sa.Column('waste_code', sa.String(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('debit', sa.String(), nullable=False),
    sa.Column('credit', sa.String(), nullable=False),
    sa.Column('kg', sa.BigInteger(), nullable=False),
    sa.Column('evidence', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('reverses_id', sa.Integer(), nullable=True),
    sa.Column('posted_at', sa.BigInteger(), nullable=False),
    sa.Column('posted_by', sa.Integer(), nullable=True),
    sa.CheckConstraint("credit in ('process', 'yard', 'store', 'utilized', 'disposed', 'discarded')", name=op.f('ck_postings_credit_known')),
    sa.CheckConstraint("debit in ('process', 'yard', 'store', 'utilized', 'disposed', 'discarded')", name=op.f('ck_postings_debit_known')),
    sa.CheckConstraint("evidence in ('declared', 'one_end', 'both_ends', 'lab')", name=op.f('ck_postings_evidence_known')),
    sa.CheckConstraint('debit <> credit', name=op.f('ck_postings_moves')),
    sa.CheckConstraint('kg > 0', name=op.f('ck_postings_kg_positive')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_postings_organization_id')),
    sa.ForeignKeyConstraint(['posted_by'], ['people.id'], name=op.f('fk_postings_posted_by')),
    sa.ForeignKeyConstraint(['reverses_id'], ['postings.id'], name=op.f('fk_postings_reverses_id')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_postings_site_id')),
    sa.ForeignKeyConstraint(['stream_id'], ['waste_streams.id'], name=op.f('fk_postings_stream_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_postings')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_postings_reverses_id'))
    )
    with op.batch_alter_table('postings', schema=None) as batch_op:
        batch_op.create_index('ix_postings_month', ['month'], unique=False)
        batch_op.create_index('ix_postings_site_month', ['site_id', 'month'], unique=False)
        batch_op.create_index('ix_postings_stream_month', ['stream_id', 'month'], unique=False)

    op.create_table('stated_months',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('stated_at', sa.BigInteger(), nullable=False),
    sa.Column('stated_by', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['stated_by'], ['people.id'], name=op.f('fk_stated_months_stated_by')),
    sa.ForeignKeyConstraint(['stream_id'], ['waste_streams.id'], name=op.f('fk_stated_months_stream_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stated_months')),
    sa.UniqueConstraint('stream_id', 'month', name=op.f('uq_stated_months_stream_id_month'))
    )
    op.create_table('bids',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('listing_id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('organization_id', sa.Integer(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('price_fen_per_t', sa.BigInteger(), nullable=False),
    sa.Column('kg_per_month', sa.BigInteger(), nullable=False),
    sa.Column('transport', sa.String(), nullable=False),
    sa.Column('freight_fen_per_t', sa.BigInteger(), nullable=False),
    sa.Column('road_m', sa.Integer(), nullable=False),
    sa.Column('deduction_fen_per_t', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('received_at', sa.BigInteger(), nullable=False),
    sa.Column('received_from', sa.Integer(), nullable=True),
    sa.Column('replaced_at', sa.BigInteger(), nullable=True),
    sa.Column('withdrawn_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("transport in ('recycler', 'producer')", name=op.f('ck_bids_transport_known')),
    sa.CheckConstraint('kg_per_month > 0', name=op.f('ck_bids_most_positive')),
    sa.CheckConstraint('revision > 0', name=op.f('ck_bids_revision_positive')),
    sa.ForeignKeyConstraint(['line_id'], ['intake_lines.id'], name=op.f('fk_bids_line_id')),
    sa.ForeignKeyConstraint(['listing_id'], ['listings.id'], name=op.f('fk_bids_listing_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name=op.f('fk_bids_organization_id')),
    sa.ForeignKeyConstraint(['received_from'], ['people.id'], name=op.f('fk_bids_received_from')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bids')),
    sa.UniqueConstraint('listing_id', 'line_id', 'revision', name=op.f('uq_bids_listing_id_line_id_revision'))
    )
    with op.batch_alter_table('bids', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bids_line_id'), ['line_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_bids_listing_id'), ['listing_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_bids_organization_id'), ['organization_id'], unique=False)
        batch_op.create_index('uq_bids_live', ['listing_id', 'line_id'], unique=True, sqlite_where=sa.text('replaced_at is null and withdrawn_at is null'), postgresql_where=sa.text('replaced_at is null and withdrawn_at is null'))

    op.create_table('lab_values',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sheet_id', sa.Integer(), nullable=False),
    sa.Column('property', sa.String(), nullable=False),
    sa.Column('value', sa.BigInteger(), nullable=False),
    sa.Column('basis', sa.String(), nullable=False),
    sa.Column('method', sa.String(), nullable=False),
    sa.CheckConstraint("basis in ('as_received', 'dry', '')", name=op.f('ck_lab_values_basis_known')),
    sa.ForeignKeyConstraint(['sheet_id'], ['lab_sheets.id'], name=op.f('fk_lab_values_sheet_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lab_values')),
    sa.UniqueConstraint('sheet_id', 'property', name=op.f('uq_lab_values_sheet_id_property'))
    )
    with op.batch_alter_table('lab_values', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lab_values_sheet_id'), ['sheet_id'], unique=False)

    op.create_table('leftovers',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('pass_no', sa.Integer(), nullable=False),
    sa.Column('listing_id', sa.Integer(), nullable=True),
    sa.Column('line_id', sa.Integer(), nullable=True),
    sa.Column('kg', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('sentence', sa.JSON(), nullable=False),
    sa.Column('flip', sa.JSON(), nullable=True),
    sa.CheckConstraint('(listing_id is null) <> (line_id is null)', name=op.f('ck_leftovers_of_one_thing')),
    sa.CheckConstraint('kg > 0', name=op.f('ck_leftovers_kg_positive')),
    sa.ForeignKeyConstraint(['line_id'], ['intake_lines.id'], name=op.f('fk_leftovers_line_id')),
    sa.ForeignKeyConstraint(['listing_id'], ['listings.id'], name=op.f('fk_leftovers_listing_id')),
    sa.ForeignKeyConstraint(['round_id'], ['rounds.id'], name=op.f('fk_leftovers_round_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_leftovers'))
    )
    with op.batch_alter_table('leftovers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_leftovers_line_id'), ['line_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_leftovers_listing_id'), ['listing_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_leftovers_round_id'), ['round_id'], unique=False)

    op.create_table('listing_months',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('listing_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('offered_kg', sa.BigInteger(), nullable=False),
    sa.Column('reserved_kg', sa.BigInteger(), nullable=False),
    sa.Column('contracted_kg', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('offered_kg > 0', name=op.f('ck_listing_months_offered_positive')),
    sa.CheckConstraint('reserved_kg + contracted_kg <= offered_kg', name=op.f('ck_listing_months_not_oversold')),
    sa.CheckConstraint('reserved_kg >= 0 and contracted_kg >= 0', name=op.f('ck_listing_months_counts_not_negative')),
    sa.ForeignKeyConstraint(['listing_id'], ['listings.id'], name=op.f('fk_listing_months_listing_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_listing_months')),
    sa.UniqueConstraint('listing_id', 'month', name=op.f('uq_listing_months_listing_id_month'))
    )
    with op.batch_alter_table('listing_months', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_listing_months_month'), ['month'], unique=False)

    op.create_table('awards',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=True),
    sa.Column('pass_no', sa.Integer(), nullable=False),
    sa.Column('bid_id', sa.Integer(), nullable=True),
    sa.Column('listing_id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('producer_id', sa.Integer(), nullable=False),
    sa.Column('recycler_id', sa.Integer(), nullable=False),
    sa.Column('kg', sa.BigInteger(), nullable=False),
    sa.Column('price_fen_per_t', sa.BigInteger(), nullable=True),
    sa.Column('transport', sa.String(), nullable=False),
    sa.Column('freight_fen_per_t', sa.BigInteger(), nullable=False),
    sa.Column('deduction_fen_per_t', sa.BigInteger(), nullable=False),
    sa.Column('great_circle_m', sa.Integer(), nullable=False),
    sa.Column('road_m', sa.Integer(), nullable=False),
    sa.Column('explanation', sa.JSON(), nullable=False),
    sa.Column('terms', sa.JSON(), nullable=True),
    sa.Column('awarded_at', sa.BigInteger(), nullable=False),
    sa.Column('answer_by', sa.BigInteger(), nullable=False),
    sa.Column('producer_accepted_at', sa.BigInteger(), nullable=True),
    sa.Column('recycler_accepted_at', sa.BigInteger(), nullable=True),
    sa.Column('declined_at', sa.BigInteger(), nullable=True),
    sa.Column('declined_by', sa.String(), nullable=True),
    sa.Column('decline_reason', sa.String(), nullable=False),
    sa.Column('lapsed_at', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('kg > 0', name=op.f('ck_awards_kg_positive')),
    sa.CheckConstraint('round_id is not null or bid_id is not null', name=op.f('ck_awards_from_round_or_bid')),
    sa.ForeignKeyConstraint(['bid_id'], ['bids.id'], name=op.f('fk_awards_bid_id')),
    sa.ForeignKeyConstraint(['line_id'], ['intake_lines.id'], name=op.f('fk_awards_line_id')),
    sa.ForeignKeyConstraint(['listing_id'], ['listings.id'], name=op.f('fk_awards_listing_id')),
    sa.ForeignKeyConstraint(['producer_id'], ['organizations.id'], name=op.f('fk_awards_producer_id')),
    sa.ForeignKeyConstraint(['recycler_id'], ['organizations.id'], name=op.f('fk_awards_recycler_id')),
    sa.ForeignKeyConstraint(['round_id'], ['rounds.id'], name=op.f('fk_awards_round_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_awards'))
    )
    with op.batch_alter_table('awards', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_awards_line_id'), ['line_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_awards_listing_id'), ['listing_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_awards_producer_id'), ['producer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_awards_recycler_id'), ['recycler_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_awards_round_id'), ['round_id'], unique=False)
        batch_op.create_index('uq_awards_bid', ['bid_id'], unique=True, sqlite_where=sa.text('bid_id is not null'), postgresql_where=sa.text('bid_id is not null'))
        batch_op.create_index('uq_awards_round_pair', ['round_id', 'pass_no', 'listing_id', 'line_id'], unique=True, sqlite_where=sa.text('round_id is not null'), postgresql_where=sa.text('round_id is not null'))

    op.create_table('award_months',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('award_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('kg', sa.BigInteger(), nullable=False),
    sa.Column('filing_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('kg > 0', name=op.f('ck_award_months_kg_positive')),
    sa.ForeignKeyConstraint(['award_id'], ['awards.id'], name=op.f('fk_award_months_award_id')),
    sa.ForeignKeyConstraint(['filing_id'], ['filings.id'], name=op.f('fk_award_months_filing_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_award_months')),
    sa.UniqueConstraint('award_id', 'month', name=op.f('uq_award_months_award_id_month'))
    )
    with op.batch_alter_table('award_months', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_award_months_filing_id'), ['filing_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_award_months_month'), ['month'], unique=False)

    op.create_table('contracts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('award_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(), nullable=False),
    sa.Column('producer_id', sa.Integer(), nullable=False),
    sa.Column('recycler_id', sa.Integer(), nullable=False),
    sa.Column('kg', sa.BigInteger(), nullable=False),
    sa.Column('price_fen_per_t', sa.BigInteger(), nullable=False),
    sa.Column('terms', sa.JSON(), nullable=False),
    sa.Column('terms_sha256', sa.String(), nullable=False),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('kg > 0', name=op.f('ck_contracts_kg_positive')),
    sa.ForeignKeyConstraint(['award_id'], ['awards.id'], name=op.f('fk_contracts_award_id')),
    sa.ForeignKeyConstraint(['producer_id'], ['organizations.id'], name=op.f('fk_contracts_producer_id')),
    sa.ForeignKeyConstraint(['recycler_id'], ['organizations.id'], name=op.f('fk_contracts_recycler_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contracts')),
    sa.UniqueConstraint('award_id', name=op.f('uq_contracts_award_id')),
    sa.UniqueConstraint('number', name=op.f('uq_contracts_number'))
    )
    with op.batch_alter_table('contracts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contracts_producer_id'), ['producer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_contracts_recycler_id'), ['recycler_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('contracts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_contracts_recycler_id'))
        batch_op.drop_index(batch_op.f('ix_contracts_producer_id'))

    op.drop_table('contracts')
    with op.batch_alter_table('award_months', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_award_months_month'))
        batch_op.drop_index(batch_op.f('ix_award_months_filing_id'))

    op.drop_table('award_months')
    with op.batch_alter_table('awards', schema=None) as batch_op:
        batch_op.drop_index('uq_awards_round_pair', sqlite_where=sa.text('round_id is not null'), postgresql_where=sa.text('round_id is not null'))
        batch_op.drop_index('uq_awards_bid', sqlite_where=sa.text('bid_id is not null'), postgresql_where=sa.text('bid_id is not null'))
        batch_op.drop_index(batch_op.f('ix_awards_round_id'))
        batch_op.drop_index(batch_op.f('ix_awards_recycler_id'))
        batch_op.drop_index(batch_op.f('ix_awards_producer_id'))
        batch_op.drop_index(batch_op.f('ix_awards_listing_id'))
        batch_op.drop_index(batch_op.f('ix_awards_line_id'))

    op.drop_table('awards')
    with op.batch_alter_table('listing_months', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_listing_months_month'))

    op.drop_table('listing_months')
    with op.batch_alter_table('leftovers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_leftovers_round_id'))
        batch_op.drop_index(batch_op.f('ix_leftovers_listing_id'))
        batch_op.drop_index(batch_op.f('ix_leftovers_line_id'))

    op.drop_table('leftovers')
    with op.batch_alter_table('lab_values', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lab_values_sheet_id'))

    op.drop_table('lab_values')
    with op.batch_alter_table('bids', schema=None) as batch_op:
        batch_op.drop_index('uq_bids_live', sqlite_where=sa.text('replaced_at is null and withdrawn_at is null'), postgresql_where=sa.text('replaced_at is null and withdrawn_at is null'))
        batch_op.drop_index(batch_op.f('ix_bids_organization_id'))
        batch_op.drop_index(batch_op.f('ix_bids_listing_id'))
        batch_op.drop_index(batch_op.f('ix_bids_line_id'))

    op.drop_table('bids')
    op.drop_table('stated_months')
    with op.batch_alter_table('postings', schema=None) as batch_op:
        batch_op.drop_index('ix_postings_stream_month')
        batch_op.drop_index('ix_postings_site_month')
        batch_op.drop_index('ix_postings_month')

    op.drop_table('postings')
    op.drop_table('opening_stocks')
    with op.batch_alter_table('listings', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_listings_stream_id'))
        batch_op.drop_index(batch_op.f('ix_listings_published_at'))
        batch_op.drop_index(batch_op.f('ix_listings_expires_at'))

    op.drop_table('listings')
    op.drop_table('line_years')
    op.drop_table('line_months')
    with op.batch_alter_table('line_materials', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_line_materials_material'))
        batch_op.drop_index(batch_op.f('ix_line_materials_line_id'))

    op.drop_table('line_materials')
    with op.batch_alter_table('lab_sheets', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lab_sheets_stream_id'))

    op.drop_table('lab_sheets')
    with op.batch_alter_table('filings', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_filings_stream_id'))
        batch_op.drop_index(batch_op.f('ix_filings_receiving_site_id'))

    op.drop_table('filings')
    with op.batch_alter_table('acceptance_limits', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_acceptance_limits_line_id'))

    op.drop_table('acceptance_limits')
    with op.batch_alter_table('waste_streams', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_waste_streams_site_id'))
        batch_op.drop_index(batch_op.f('ix_waste_streams_material'))
        batch_op.drop_index(batch_op.f('ix_waste_streams_grade'))

    op.drop_table('waste_streams')
    with op.batch_alter_table('letters', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_letters_organization_id'))

    op.drop_table('letters')
    with op.batch_alter_table('intake_lines', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_intake_lines_site_id'))

    op.drop_table('intake_lines')
    with op.batch_alter_table('appointments', schema=None) as batch_op:
        batch_op.drop_index('uq_appointments_live_platform', sqlite_where=sa.text('ended_at is null and organization_id is null and park_id is null'), postgresql_where=sa.text('ended_at is null and organization_id is null and park_id is null'))
        batch_op.drop_index('uq_appointments_live_park', sqlite_where=sa.text('ended_at is null'), postgresql_where=sa.text('ended_at is null'))
        batch_op.drop_index('uq_appointments_live_organization', sqlite_where=sa.text('ended_at is null'), postgresql_where=sa.text('ended_at is null'))
        batch_op.drop_index(batch_op.f('ix_appointments_person_id'))
        batch_op.drop_index(batch_op.f('ix_appointments_park_id'))
        batch_op.drop_index(batch_op.f('ix_appointments_organization_id'))

    op.drop_table('appointments')
    with op.batch_alter_table('sites', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sites_park_id'))
        batch_op.drop_index(batch_op.f('ix_sites_organization_id'))

    op.drop_table('sites')
    op.drop_table('round_files')
    with op.batch_alter_table('audit_log', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_log_park_id'))
        batch_op.drop_index(batch_op.f('ix_audit_log_organization_id'))
        batch_op.drop_index('ix_audit_log_object')
        batch_op.drop_index(batch_op.f('ix_audit_log_at'))

    op.drop_table('audit_log')
    with op.batch_alter_table('sign_ins', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sign_ins_person_id'))

    op.drop_table('sign_ins')
    with op.batch_alter_table('rounds', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_rounds_park_id'))

    op.drop_table('rounds')
    with op.batch_alter_table('organizations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_organizations_park_id'))

    op.drop_table('organizations')
    op.drop_table('worker_pulses')
    with op.batch_alter_table('sign_in_tries', schema=None) as batch_op:
        batch_op.drop_index('ix_sign_in_tries_address')
        batch_op.drop_index('ix_sign_in_tries_account')

    op.drop_table('sign_in_tries')
    op.drop_table('people')
    op.drop_table('parks')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index('ix_outbox_waiting', sqlite_where=sa.text('sent_at is null'), postgresql_where=sa.text('sent_at is null'))

    op.drop_table('outbox')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_index('ix_jobs_waiting', sqlite_where=sa.text('ended_at is null'), postgresql_where=sa.text('ended_at is null'))

    op.drop_table('jobs')
