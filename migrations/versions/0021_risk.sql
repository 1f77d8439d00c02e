-- What comes before and after the verification: leads, households, every kind of sale event, and
-- rewards that are taken back; then the signals of risk.

-- Leads (线索) the CRM had of a buyer: an older one of another channel is looked at by two people.
CREATE TABLE lead (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    source text NOT NULL,
    source_event_id text NOT NULL,
    phone_index bytea NOT NULL,
    channel text NOT NULL CHECK (
        channel IN ('walk_in', 'telephone', 'website', 'platform', 'event', 'referral', 'other')
    ),
    opened_at timestamptz NOT NULL,
    fingerprint bytea NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_lead PRIMARY KEY (id),
    CONSTRAINT uq_lead_source UNIQUE (dealer_id, source, source_event_id),
    CONSTRAINT fk_lead_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id)
);
CREATE INDEX ix_lead_phone ON lead (dealer_id, phone_index, opened_at);
SELECT app_protect('lead', 'SELECT, INSERT');
SELECT app_append_only('lead');

-- Who lives under one roof: the CRM's household number, as a keyed index and never in clear.
ALTER TABLE member ADD COLUMN household_index bytea;

-- What a report must come before is frozen with it: another policy later changes nothing.
ALTER TABLE referral
    ADD COLUMN buyer_household_index bytea,
    ADD COLUMN cut_off text NOT NULL DEFAULT 'order'
        CHECK (cut_off IN ('deposit', 'order', 'delivery')),
    DROP CONSTRAINT ck_referral_order_of_times,
    ADD CONSTRAINT ck_referral_order_of_times CHECK (
        registered_at >= submitted_at
        AND (ordered_at > registered_at OR cut_off = 'delivery')
        AND delivered_at > registered_at
        AND delivered_at > ordered_at AND verified_at >= delivered_at
    );

-- Orders name every phone of the contract, and what kind of sale it is (null: retail, as before).
ALTER TABLE sale_event
    ADD COLUMN sale_type text CHECK (sale_type IN ('retail', 'demo', 'fleet')),
    ADD COLUMN phone_indexes bytea[] NOT NULL DEFAULT '{}' CHECK (cardinality(phone_indexes) <= 5),
    DROP CONSTRAINT sale_event_kind_check,
    ADD CONSTRAINT sale_event_kind_check CHECK (
        kind IN ('order', 'deposit', 'delivery', 'cancellation', 'return')
    ),
    ADD CONSTRAINT ck_sale_event_contract CHECK (
        (kind = 'deposit') <= (buyer_phone_index IS NOT NULL)
        AND (kind = 'order' OR sale_type IS NULL)
        AND (kind IN ('order', 'deposit') OR phone_indexes = '{}')
    );
CREATE INDEX ix_sale_event_phones ON sale_event USING gin (phone_indexes);

-- Per beneficiary a referral has one reward that counts, whatever the rule and however often it is
-- verified; what was cancelled was never paid. Points of a reversed one have gone back.
ALTER TABLE referral_reward
    DROP CONSTRAINT uq_referral_reward_once,
    DROP CONSTRAINT uq_referral_reward_beneficiary,
    ADD CONSTRAINT ck_referral_reward_reversed CHECK (
        (state = 'reversed') = (reversal_set_id IS NOT NULL)
    ),
    ADD CONSTRAINT fk_referral_reward_reversal FOREIGN KEY (member_id, reversal_set_id)
        REFERENCES posting_set (member_id, id);
CREATE UNIQUE INDEX uq_referral_reward_once ON referral_reward (referral_id, beneficiary)
WHERE state <> 'cancelled';
CREATE INDEX ix_referral_reward_referral ON referral_reward (referral_id, id);

-- What was noticed about a referral each time it was looked at: counts only, never changed (F52).
CREATE TABLE referral_risk (
    referral_id uuid NOT NULL,
    seq integer NOT NULL CHECK (seq > 0),
    dealer_id uuid NOT NULL,
    at timestamptz NOT NULL,
    points integer NOT NULL CHECK (points >= 0),
    choice text NOT NULL CHECK (choice IN ('none', 'dual', 'adjudicate')),
    signals jsonb NOT NULL CHECK (jsonb_typeof(signals) = 'array'),
    CONSTRAINT pk_referral_risk PRIMARY KEY (referral_id, seq),
    CONSTRAINT fk_referral_risk_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id)
);
SELECT app_protect('referral_risk', 'SELECT, INSERT');
SELECT app_append_only('referral_risk');
-- What the signals count by.
CREATE INDEX ix_referral_submitted ON referral (dealer_id, submitted_at)
INCLUDE (consultant_id, team, state, reason);
CREATE INDEX ix_referral_buyer ON referral (dealer_id, buyer_phone_index);
CREATE INDEX ix_licence_check_vehicle ON licence_check (dealer_id, vehicle_id)
WHERE vehicle_id IS NOT NULL;
CREATE INDEX ix_callback_created ON callback (dealer_id, created_at) INCLUDE (agent_id, result);
