"""Month closes and settlements between dealers."""

from alembic import op

from migrations.tools import drop_tables, run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    op.execute("DROP INDEX ix_posting_set_posted_at")
    drop_tables("settlement", "month_balance", "month_close")
