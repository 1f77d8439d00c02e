"""Counter codes and every attempt a desk made with one."""

from migrations.tools import drop_functions, drop_tables, run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    drop_tables("counter_verification", "counter_code")
    drop_functions("counter_code_stands")
