"""The whole ledger: pending, holds, expiry, arrears, transfers, corrections, partners."""

from alembic import op

from migrations.tools import drop_functions, drop_tables, install_functions, run_beside, run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql(__file__)
    install_functions("loyalty.points")


def downgrade() -> None:
    drop_functions("point_")
    drop_tables(
        "account_freeze", "point_transfer", "point_adjustment", "dealer_partner", "point_hold"
    )
    run_beside(__file__, "0006_ledger_down.sql")
    run_beside(__file__, "0003_functions.sql")
    op.execute("DROP TYPE point_part")
    op.execute("DROP TYPE point_credit")
    op.execute("DROP TYPE point_act")
