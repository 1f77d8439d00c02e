"""Terms of rewards: windows, tiers, prices, limits, points and cash."""

from alembic import op

from migrations.tools import drop_tables, install_functions, run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    install_functions("loyalty.rewards")
    run_sql(__file__)


def downgrade() -> None:
    drop_tables("reward_terms")
    op.execute("DROP TRIGGER termed_stands ON reward")
    for table in ("hold_purpose", "redemption"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN terms_version, DROP COLUMN tier")
    op.execute("ALTER TABLE reward DROP COLUMN kind, DROP COLUMN termed")
