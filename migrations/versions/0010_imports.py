"""Import jobs, their parts, and what became of every row."""

from alembic import op

from migrations.tools import drop_tables, run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    drop_tables("import_row_result", "import_part", "import_job")
    op.execute(
        "DELETE FROM import_error USING import_run"
        " WHERE run_id = import_run.id AND kind = 'balances';"
        " DELETE FROM import_run WHERE kind = 'balances';"
        " ALTER TABLE import_run DROP CONSTRAINT import_run_kind_check,"
        " ADD CONSTRAINT import_run_kind_check"
        " CHECK (kind IN ('members', 'vehicles', 'documents'))"
    )
