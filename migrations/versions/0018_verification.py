"""The whole verification: duties, policy, draws with entropy, call records, readings, odds."""

from alembic import op

from migrations.tools import drop_functions, drop_tables, run_sql

revision = "0018"
down_revision = "0017"

_BACK = """
DROP TRIGGER was_called ON referral;
DROP TRIGGER other_party ON draw;
DROP INDEX uq_referral_reward_nth;
UPDATE referral_reward SET state = 'paid', reversed_at = NULL WHERE state = 'reversed';
ALTER TABLE referral_reward
    DROP CONSTRAINT uq_referral_reward_beneficiary,
    DROP CONSTRAINT ck_referral_reward_paid,
    DROP COLUMN beneficiary, DROP COLUMN reversed_at, DROP COLUMN reversal_set_id,
    DROP CONSTRAINT referral_reward_state_check,
    ADD CONSTRAINT referral_reward_state_check CHECK (state IN ('held', 'paid', 'cancelled')),
    ADD CONSTRAINT ck_referral_reward_paid CHECK (
        (state = 'paid') = (paid_at IS NOT NULL) AND (state = 'paid') = (posting_set_id IS NOT NULL)
        AND paid_at >= release_at
    );
CREATE UNIQUE INDEX uq_referral_reward_nth ON referral_reward (member_id, rule_id, nth)
WHERE state <> 'cancelled';
ALTER TABLE callback_answer DISABLE TRIGGER append_only;
DELETE FROM callback_answer WHERE attempt > 1 OR mark NOT IN ('right', 'wrong') OR position > 4;
ALTER TABLE callback_answer ENABLE TRIGGER append_only;
ALTER TABLE callback_answer
    DROP CONSTRAINT pk_callback_answer, DROP CONSTRAINT callback_answer_mark_check,
    DROP COLUMN attempt, DROP COLUMN took_ms, DROP COLUMN flag,
    ADD CONSTRAINT pk_callback_answer PRIMARY KEY (callback_id, position),
    ADD CONSTRAINT callback_answer_mark_check CHECK (mark IN ('right', 'wrong'));
ALTER TABLE callback_question DISABLE TRIGGER append_only;
DELETE FROM callback_question WHERE position > 4;
ALTER TABLE callback_question ENABLE TRIGGER append_only;
ALTER TABLE callback_question
    DROP CONSTRAINT callback_question_position_check,
    DROP COLUMN part, DROP COLUMN knock_out, DROP COLUMN g_t0, DROP COLUMN g_t1, DROP COLUMN g_t2,
    DROP COLUMN e,
    ADD CONSTRAINT callback_question_position_check CHECK (position BETWEEN 1 AND 4);
UPDATE callback SET state = 'open' WHERE state = 'answered';
ALTER TABLE callback
    DROP CONSTRAINT callback_state_check,
    DROP COLUMN due_at, DROP COLUMN narrative, DROP COLUMN answered_at, DROP COLUMN result,
    DROP COLUMN reason, DROP COLUMN score_bits, DROP COLUMN fake_t0, DROP COLUMN fake_t1,
    DROP COLUMN fake_t2, DROP COLUMN honest_rejected,
    ADD CONSTRAINT callback_state_check CHECK (state IN ('open', 'closed'));
REVOKE UPDATE (agent_id) ON callback FROM loyalty_app;
ALTER TABLE draw
    DROP CONSTRAINT ck_draw_whole, DROP CONSTRAINT ck_draw_purpose, DROP COLUMN plan,
    DROP COLUMN wanted_plan, DROP COLUMN sampled, DROP COLUMN sample_percent, DROP COLUMN agents,
    DROP COLUMN entropy_hash;
ALTER TABLE licence_check DISABLE TRIGGER append_only;
DELETE FROM licence_check WHERE attempt > 2;
ALTER TABLE licence_check ENABLE TRIGGER append_only;
ALTER TABLE licence_check
    DROP CONSTRAINT licence_check_attempt_check,
    ADD CONSTRAINT licence_check_attempt_check CHECK (attempt BETWEEN 1 AND 2);
DROP INDEX uq_referral_buyer;
UPDATE referral SET state = CASE
    WHEN state IN ('inconclusive', 'unreachable', 'adjudication') THEN 'expired'
    WHEN state IN ('fraud_suspected', 'fraud_confirmed', 'cleared') THEN 'failed'
    WHEN state = 'reversed' THEN 'rewarded' WHEN state = 'withdrawn' THEN 'cancelled'
    ELSE state END;
ALTER TABLE referral
    DROP CONSTRAINT ck_referral_state, DROP COLUMN review,
    ADD CONSTRAINT ck_referral_state CHECK (state IN (
        'submitted', 'registered', 'refused', 'expired', 'ordered', 'delivered', 'checked',
        'check_failed', 'calling', 'verified', 'failed', 'reward_held', 'rewarded', 'cancelled'
    ));
CREATE UNIQUE INDEX uq_referral_buyer ON referral (dealer_id, buyer_phone_index)
WHERE state NOT IN ('refused', 'expired', 'failed', 'cancelled')
"""


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    op.execute(_BACK)
    drop_tables(
        "fact_share",
        "call_record",
        "answer_reading",
        "draw_entropy",
        "referral_duty",
        "staff_relative",
        "question_bank",
        "referral_policy",
    )
    drop_functions("referral_was_called")
    drop_functions("draw_of_other_party")
    drop_functions("referral_duty_impartial")
