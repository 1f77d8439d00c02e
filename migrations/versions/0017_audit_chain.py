"""The audit trail as a chain per dealer, with its tip."""

from alembic import op

from migrations.tools import drop_functions, drop_tables, run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    op.execute("DROP TRIGGER waits ON audit_event; DROP TRIGGER opens_chain ON dealer")
    drop_functions("audit_")
    drop_tables("audit_pending", "audit_tip", "audit_link")
