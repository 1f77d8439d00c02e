"""The ledger: accounts, posting sets, lots, entries, documents."""

from alembic import op

from migrations.tools import drop_tables, run_beside, run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql(__file__)
    run_beside(__file__, "0003_functions.sql")


def downgrade() -> None:
    op.execute("DROP VIEW lot_allocation")
    op.execute("DROP ROUTINE point_accrue")
    op.execute("DROP ROUTINE point_burn")
    op.execute("DROP ROUTINE point_spendable")
    op.execute("DROP ROUTINE point_lot_alive")
    drop_tables(
        "source_document",
        "point_entry",
        "point_lot",
        "posting_set",
        "point_account",
    )
    op.execute("DROP FUNCTION point_entry_balanced()")
