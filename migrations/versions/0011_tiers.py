"""Tiers by value score: facts, schemes, standings, and words about tiers with their evidence."""

from alembic import op

from migrations.tools import drop_functions, drop_tables, install_functions, run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql(__file__)
    install_functions("loyalty.tiers")


def downgrade() -> None:
    drop_functions("tier_")
    op.execute(
        "ALTER TABLE member_tier DISABLE TRIGGER append_only;"
        " DELETE FROM member_tier WHERE kind = 'earned' OR tier IS NULL;"
        " ALTER TABLE member_tier ENABLE TRIGGER append_only;"
        " ALTER TABLE member_tier ALTER COLUMN tier SET NOT NULL,"
        " DROP COLUMN kind, DROP COLUMN until_on, DROP COLUMN cause, DROP COLUMN previous,"
        " DROP COLUMN score, DROP COLUMN scheme_version, DROP COLUMN evidence;"
        " DELETE FROM import_error USING import_run"
        " WHERE run_id = import_run.id AND kind = 'facts';"
        " DELETE FROM import_run WHERE kind = 'facts';"
        " ALTER TABLE import_run DROP CONSTRAINT import_run_kind_check,"
        " ADD CONSTRAINT import_run_kind_check"
        " CHECK (kind IN ('members', 'vehicles', 'documents', 'balances'))"
    )
    drop_tables("tier_standing", "value_fact_withdrawal", "value_fact", "tier_scheme")
    drop_functions("app_create_versioned")
