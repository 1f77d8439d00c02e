"""Messages to be sent, phones of record, and whom owners name."""

from alembic import op

from migrations.tools import drop_functions, drop_tables, run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    drop_functions("referral_duty_former_phone")
    op.execute("DROP TRIGGER was_nominated ON referral")
    drop_tables("nomination", "nomination_attempt", "nomination_code")
    drop_tables("member_former_phone", "notice")
    op.execute(
        "DROP FUNCTION referral_was_nominated(); DROP FUNCTION nomination_in_time();"
        " DROP FUNCTION notice_is_taken_once()"
    )
