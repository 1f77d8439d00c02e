"""Pools of voucher codes, the steps of a redemption, and the one end it has."""

from alembic import op

from migrations.tools import drop_tables, install_functions, run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    install_functions("loyalty.rewards")
    run_sql(__file__)


def downgrade() -> None:
    op.execute(
        "DROP TRIGGER codes_return ON hold_purpose; DROP TRIGGER pool_is_stock ON reward_stock;"
        " DROP TRIGGER ends ON redemption_cancellation"
    )
    drop_tables("reward_stock_addition", "redemption_step", "reward_code")
    op.execute(
        "ALTER TABLE reward_stock DROP COLUMN codes;"
        " ALTER TABLE redemption_cancellation DROP CONSTRAINT fk_redemption_cancellation_member;"
        " CREATE INDEX ix_redemption_member ON redemption (member_id, id);"
        " ALTER TABLE redemption DROP CONSTRAINT uq_redemption_member"
    )
