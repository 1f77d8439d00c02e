"""Photos of vehicle licences (行驶证), their pictures apart, and who looked at them."""

from alembic import op

from migrations.tools import drop_tables, run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    op.execute(
        "ALTER TABLE licence_check DROP CONSTRAINT fk_licence_check_photo,"
        " DROP COLUMN photo_id, DROP COLUMN typed, DROP COLUMN flags"
    )
    drop_tables("licence_photo_view", "licence_photo_image", "licence_photo")
