"""Redemption in one call, cancellations, holds over points and stock."""

from alembic import op

from migrations.tools import drop_functions, drop_tables, install_functions, run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql(__file__)
    install_functions("loyalty.rewards")


def downgrade() -> None:
    drop_functions("reward_")
    drop_tables("hold_purpose", "redemption_cancellation")
    op.execute("ALTER TABLE idempotency_claim DROP COLUMN sealed")
    op.execute(
        "ALTER TABLE redemption"
        " DROP COLUMN honoured_by, DROP COLUMN hold_id, DROP COLUMN cash_fen,"
        " ADD CONSTRAINT fk_redemption_reward FOREIGN KEY (dealer_id, reward_id)"
        " REFERENCES reward (dealer_id, id),"
        " ADD CONSTRAINT fk_redemption_posting FOREIGN KEY (member_id, posting_set_id)"
        " REFERENCES posting_set (member_id, id)"
    )
