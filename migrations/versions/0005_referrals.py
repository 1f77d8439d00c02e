"""Referrals, sales, licence checks, draws, callbacks, rewards."""

from migrations.tools import drop_tables, run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    drop_tables(
        "consultant_case",
        "referral_reward",
        "callback_answer",
        "callback_question",
        "callback",
        "draw",
        "licence_check",
        "sale_event",
        "referral_transition",
        "referral",
    )
