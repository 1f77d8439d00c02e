"""Dealers, staff, members, vehicles, ownership."""

from migrations.tools import drop_tables, run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    drop_tables(
        "ownership",
        "vehicle",
        "member",
        "withdrawn_token",
        "staff",
        "dealer",
    )
