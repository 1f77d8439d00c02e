"""Rewards, stock, redemptions, import runs."""

from migrations.tools import drop_tables, run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    drop_tables(
        "import_error",
        "import_run",
        "redemption",
        "reward_stock",
        "reward",
    )
