-- Redemption in one call, its cancellation, and holds over points and stock together (F7, F8).

-- No foreign keys where many write at once: a check of the reward's row by each redemption makes
-- them meet on it. The rows are written by one function, and the proof asks for them (I7).
ALTER TABLE redemption
    DROP CONSTRAINT fk_redemption_reward,
    DROP CONSTRAINT fk_redemption_posting,
    ADD COLUMN honoured_by uuid,
    ADD COLUMN hold_id uuid,
    ADD COLUMN cash_fen bigint NOT NULL DEFAULT 0 CHECK (cash_fen >= 0);

CREATE INDEX ix_redemption_hold ON redemption (hold_id) WHERE hold_id IS NOT NULL;

CREATE TABLE redemption_cancellation (
    redemption_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    member_id uuid NOT NULL,
    posting_set_id uuid NOT NULL,
    restored bigint NOT NULL CHECK (restored >= 0),
    reason text NOT NULL,
    cancelled_at timestamptz NOT NULL,
    cancelled_by text NOT NULL,
    CONSTRAINT pk_redemption_cancellation PRIMARY KEY (redemption_id),
    CONSTRAINT fk_redemption_cancellation_redemption FOREIGN KEY (redemption_id)
        REFERENCES redemption (id)
);
SELECT app_protect('redemption_cancellation', 'SELECT, INSERT');
SELECT app_append_only('redemption_cancellation');

-- What a hold is for: pieces of a reward, whose stock it keeps, or an order of another system.
-- `cash_fen` is what the member pays besides; `live` until the hold was released or ran out and
-- its order holds anew.
CREATE TABLE hold_purpose (
    member_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    reward_id uuid,
    quantity bigint CHECK (quantity > 0),
    order_source text,
    order_key text,
    cash_fen bigint NOT NULL CHECK (cash_fen >= 0),
    stock text NOT NULL CHECK (stock IN ('none', 'kept', 'used', 'returned')),
    live boolean NOT NULL DEFAULT true,
    CONSTRAINT pk_hold_purpose PRIMARY KEY (member_id, hold_id),
    CONSTRAINT fk_hold_purpose_hold FOREIGN KEY (member_id, hold_id)
        REFERENCES point_hold (member_id, id),
    CONSTRAINT fk_hold_purpose_reward FOREIGN KEY (dealer_id, reward_id)
        REFERENCES reward (dealer_id, id),
    CONSTRAINT ck_hold_purpose_reward CHECK (
        (reward_id IS NULL) = (quantity IS NULL) AND (reward_id IS NULL) = (stock = 'none')
    ),
    CONSTRAINT ck_hold_purpose_order CHECK ((order_source IS NULL) = (order_key IS NULL))
);
CREATE UNIQUE INDEX uq_hold_purpose_order
    ON hold_purpose (dealer_id, order_source, order_key) WHERE live;
CREATE INDEX ix_hold_purpose_kept ON hold_purpose (reward_id) WHERE stock = 'kept';
SELECT app_protect('hold_purpose', 'SELECT, INSERT');
GRANT UPDATE (stock, live) ON hold_purpose TO loyalty_app;

-- An answer without personal data may be kept as it is, by the call that made it.
ALTER TABLE idempotency_claim ADD COLUMN sealed boolean NOT NULL DEFAULT true;
