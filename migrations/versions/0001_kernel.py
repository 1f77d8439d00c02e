"""The role, row-level security, idempotency claims, outbox, audit."""

from alembic import op

from migrations.tools import drop_tables, run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    drop_tables(
        "audit_event",
        "outbox_event",
        "idempotency_claim",
    )
    op.execute("DROP FUNCTION app_append_only(text)")
    op.execute("DROP FUNCTION app_refuse_change()")
    op.execute("DROP FUNCTION app_protect(text, text, text)")
    op.execute("DROP FUNCTION app_dealer()")
