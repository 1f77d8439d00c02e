"""Terms of rewards: windows, tiers, prices, limits, points and cash."""

from alembic import op

from migrations.tools import drop_tables, install_functions, run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql(__file__)
    install_functions("loyalty.rewards")


def downgrade() -> None:
    drop_tables("reward_terms")
    for table in ("hold_purpose", "redemption"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN terms_version, DROP COLUMN tier")
    op.execute("ALTER TABLE reward DROP COLUMN kind, DROP COLUMN termed")
