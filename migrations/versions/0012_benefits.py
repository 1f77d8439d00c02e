"""Benefits by tier: suppliers, versions, lots of units, entries, uses."""

from migrations.tools import drop_functions, drop_tables, install_functions, run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql(__file__)
    install_functions("loyalty.benefits")


def downgrade() -> None:
    drop_functions("benefit_")
    drop_tables("benefit_entry", "benefit_usage", "benefit_grant", "benefit", "supplier")
