"""Judgements, the consultant's say, penalties, customers out, appeals."""

from alembic import op

from migrations.tools import drop_functions, drop_tables, run_sql

revision = "0022"
down_revision = "0021"

_BACK = """
ALTER TABLE staff_relative ALTER COLUMN declared_by TYPE uuid USING CASE
    WHEN declared_by ~ '^[0-9a-f-]{36}$' THEN declared_by::uuid ELSE staff_id END;
DROP TRIGGER stands ON consultant_case;
DROP TRIGGER was_judged ON referral;
DROP INDEX ix_consultant_case_consultant;
REVOKE UPDATE (state) ON consultant_case FROM loyalty_app;
UPDATE consultant_case SET state = 'open', decided_at = NULL;
ALTER TABLE consultant_case
    DROP CONSTRAINT uq_consultant_case_dealer_id,
    DROP CONSTRAINT ck_consultant_case_decided,
    DROP COLUMN decided_at,
    DROP CONSTRAINT consultant_case_state_check,
    ADD CONSTRAINT consultant_case_state_check CHECK (state IN ('open'))
"""


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    drop_tables("appeal", "party_exclusion", "penalty", "case_statement", "judgement")
    op.execute(_BACK)
    drop_functions("justice_stands")
    drop_functions("referral_was_judged")
