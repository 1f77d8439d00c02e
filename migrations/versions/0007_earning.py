"""Earning rules as data, grants, budgets, tiers, returns."""

from alembic import op

from migrations.tools import drop_tables, run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    op.execute(
        "DROP INDEX ix_source_document_returns;"
        " DROP INDEX ix_source_document_member;"
        " ALTER TABLE source_document"
        " DROP CONSTRAINT fk_source_document_returns,"
        " DROP CONSTRAINT ck_source_document_return,"
        " DROP CONSTRAINT ck_source_document_points,"
        " ADD CONSTRAINT source_document_points_check CHECK (points >= 0),"
        " DROP COLUMN vehicle_id, DROP COLUMN campaign, DROP COLUMN evaluation,"
        " DROP COLUMN returns_id,"
        " ALTER COLUMN rule_id SET NOT NULL,"
        " ALTER COLUMN rule_version SET NOT NULL"
    )
    drop_tables("member_tier", "rule_grant", "rule_budget", "earning_rule")
    op.execute("DROP FUNCTION earning_rule_stands()")
