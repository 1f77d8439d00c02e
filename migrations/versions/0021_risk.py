"""Leads, households, every kind of sale event, rewards taken back, signals of risk."""

from alembic import op

from migrations.tools import drop_tables, run_sql

revision = "0021"
down_revision = "0020"

_BACK = """
DROP INDEX uq_referral_reward_once, ix_referral_reward_referral;
DELETE FROM referral_reward lost WHERE lost.state = 'cancelled' AND EXISTS (
    SELECT FROM referral_reward kept
    WHERE kept.referral_id = lost.referral_id AND kept.beneficiary = lost.beneficiary
        AND (kept.state <> 'cancelled' OR kept.id > lost.id)
);
ALTER TABLE referral_reward
    DROP CONSTRAINT fk_referral_reward_reversal,
    DROP CONSTRAINT ck_referral_reward_reversed,
    ADD CONSTRAINT uq_referral_reward_once UNIQUE (referral_id, member_id, rule_version),
    ADD CONSTRAINT uq_referral_reward_beneficiary
        UNIQUE (referral_id, beneficiary, rule_version);
DROP INDEX ix_sale_event_phones;
ALTER TABLE sale_event DISABLE TRIGGER append_only;
DELETE FROM sale_event WHERE kind IN ('deposit', 'return');
ALTER TABLE sale_event ENABLE TRIGGER append_only;
ALTER TABLE sale_event
    DROP CONSTRAINT ck_sale_event_contract,
    DROP CONSTRAINT sale_event_kind_check,
    DROP COLUMN sale_type,
    DROP COLUMN phone_indexes,
    ADD CONSTRAINT sale_event_kind_check CHECK (kind IN ('order', 'delivery', 'cancellation'));
UPDATE referral SET ordered_at = registered_at + interval '1 microsecond'
WHERE ordered_at <= registered_at;
ALTER TABLE referral
    DROP CONSTRAINT ck_referral_order_of_times,
    DROP COLUMN buyer_household_index,
    DROP COLUMN cut_off,
    ADD CONSTRAINT ck_referral_order_of_times CHECK (
        registered_at >= submitted_at AND ordered_at > registered_at
        AND delivered_at > ordered_at AND verified_at >= delivered_at
    );
ALTER TABLE member DROP COLUMN household_index
"""
_COUNTED_BY = (
    "ix_referral_submitted, ix_referral_buyer, ix_licence_check_vehicle, ix_callback_created"
)


def upgrade() -> None:
    run_sql(__file__)


def downgrade() -> None:
    op.execute(f"DROP INDEX {_COUNTED_BY}")
    drop_tables("referral_risk")
    op.execute(_BACK)
    drop_tables("lead")
