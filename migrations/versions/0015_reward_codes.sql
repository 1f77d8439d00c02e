-- Uploaded code pools (F36), the steps of a redemption, and what ends it (F38, F39).

-- Whose a redemption is, for all that belongs to it; the index of a member's redemptions besides.
ALTER TABLE redemption ADD CONSTRAINT uq_redemption_member UNIQUE (member_id, id, dealer_id);
DROP INDEX ix_redemption_member;

-- A voucher code (券码). Sealed and indexed once, handed to one redemption; the columns that say so
-- are all that the service may change.
CREATE TABLE reward_code (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    reward_id uuid NOT NULL,
    sealed bytea NOT NULL,
    code_index bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('available', 'held', 'issued', 'void')),
    member_id uuid,
    hold_id uuid,
    redemption_id uuid,
    ends_on date,
    revealed_at timestamptz,
    revealed_by text,
    voided_at timestamptz,
    batch uuid NOT NULL,
    uploaded_at timestamptz NOT NULL,
    uploaded_by text NOT NULL,
    CONSTRAINT pk_reward_code PRIMARY KEY (id),
    CONSTRAINT uq_reward_code_index UNIQUE (dealer_id, code_index),
    CONSTRAINT fk_reward_code_reward FOREIGN KEY (dealer_id, reward_id)
        REFERENCES reward (dealer_id, id),
    CONSTRAINT fk_reward_code_redemption FOREIGN KEY (member_id, redemption_id, dealer_id)
        REFERENCES redemption (member_id, id, dealer_id),
    CONSTRAINT ck_reward_code_state CHECK (
        CASE state
            WHEN 'available' THEN
                member_id IS NULL AND hold_id IS NULL AND redemption_id IS NULL
            WHEN 'held' THEN
                member_id IS NOT NULL AND hold_id IS NOT NULL AND redemption_id IS NULL
            WHEN 'issued' THEN member_id IS NOT NULL AND redemption_id IS NOT NULL
            ELSE (member_id IS NULL) = (redemption_id IS NULL)
        END
    ),
    CONSTRAINT ck_reward_code_revealed CHECK (
        (revealed_at IS NULL) = (revealed_by IS NULL)
        AND (revealed_at IS NULL OR redemption_id IS NOT NULL)
        AND (revealed_by IS NULL OR revealed_by = member_id::text)
    ),
    CONSTRAINT ck_reward_code_voided CHECK ((state = 'void') = (voided_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX ix_reward_code_available ON reward_code (reward_id, ends_on, id)
    WHERE state = 'available';
CREATE INDEX ix_reward_code_pool ON reward_code (reward_id, state);
CREATE INDEX ix_reward_code_hold ON reward_code (hold_id) WHERE state = 'held';
CREATE INDEX ix_reward_code_redemption ON reward_code (redemption_id)
    WHERE redemption_id IS NOT NULL;
SELECT app_protect('reward_code', 'SELECT, INSERT');
GRANT UPDATE (state, member_id, hold_id, redemption_id, revealed_at, revealed_by, voided_at)
    ON reward_code TO loyalty_app;

CREATE TRIGGER stands BEFORE UPDATE ON reward_code
    FOR EACH ROW EXECUTE FUNCTION reward_code_stands();
CREATE TRIGGER fits AFTER INSERT OR UPDATE OF redemption_id ON reward_code
    FOR EACH ROW WHEN (NEW.redemption_id IS NOT NULL) EXECUTE FUNCTION reward_code_fits();

-- How many codes of a pool are left; null for a reward without one. At the end of a transaction
-- they are the pieces in stock, or nothing of it stays.
ALTER TABLE reward_stock ADD COLUMN codes bigint CHECK (codes >= 0);
CREATE TRIGGER added AFTER INSERT ON reward_code REFERENCING NEW TABLE AS now_so
    FOR EACH STATEMENT EXECUTE FUNCTION reward_codes_added();
CREATE TRIGGER moved AFTER UPDATE ON reward_code
    REFERENCING OLD TABLE AS before_so NEW TABLE AS now_so
    FOR EACH STATEMENT EXECUTE FUNCTION reward_codes_moved();
CREATE CONSTRAINT TRIGGER pool_is_stock AFTER INSERT OR UPDATE ON reward_stock
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.codes IS NOT NULL) EXECUTE FUNCTION reward_pool_is_stock();

-- The codes a hold kept go back with its stock, whoever gives that back.
CREATE TRIGGER codes_return AFTER UPDATE OF stock ON hold_purpose
    FOR EACH ROW WHEN (OLD.stock = 'kept' AND NEW.stock = 'returned')
    EXECUTE FUNCTION reward_hold_returned();

-- What happened to a redemption. It ends once: handed over, or cancelled.
CREATE TABLE redemption_step (
    member_id uuid NOT NULL,
    redemption_id uuid NOT NULL,
    step text NOT NULL CHECK (step IN ('issued', 'ready', 'handed_over', 'cancelled')),
    dealer_id uuid NOT NULL,
    at timestamptz NOT NULL,
    by text NOT NULL,
    CONSTRAINT pk_redemption_step PRIMARY KEY (member_id, redemption_id, step),
    CONSTRAINT fk_redemption_step_redemption FOREIGN KEY (member_id, redemption_id, dealer_id)
        REFERENCES redemption (member_id, id, dealer_id)
);
CREATE UNIQUE INDEX uq_redemption_step_end ON redemption_step (redemption_id)
    WHERE step IN ('handed_over', 'cancelled');
SELECT app_protect('redemption_step', 'SELECT, INSERT');
INSERT INTO redemption_step
SELECT member_id, redemption_id, 'cancelled', dealer_id, cancelled_at, cancelled_by
FROM redemption_cancellation;
SELECT app_append_only('redemption_step');

ALTER TABLE redemption_cancellation
    ADD CONSTRAINT fk_redemption_cancellation_member FOREIGN KEY (
        member_id, redemption_id, dealer_id
    ) REFERENCES redemption (member_id, id, dealer_id);
CREATE TRIGGER ends AFTER INSERT ON redemption_cancellation
    FOR EACH ROW EXECUTE FUNCTION reward_cancellation_ends();
CREATE TRIGGER told AFTER INSERT ON redemption_step
    FOR EACH ROW WHEN (NEW.step = 'cancelled') EXECUTE FUNCTION reward_step_is_told();

-- Pieces that came later, of a reward without codes.
CREATE TABLE reward_stock_addition (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    reward_id uuid NOT NULL,
    pieces bigint NOT NULL CHECK (pieces BETWEEN 1 AND 100000),
    reason text NOT NULL,
    added_at timestamptz NOT NULL,
    added_by text NOT NULL,
    CONSTRAINT pk_reward_stock_addition PRIMARY KEY (id),
    CONSTRAINT fk_reward_stock_addition_reward FOREIGN KEY (dealer_id, reward_id)
        REFERENCES reward (dealer_id, id)
);
CREATE INDEX ix_reward_stock_addition_reward ON reward_stock_addition (reward_id, id);
SELECT app_protect('reward_stock_addition', 'SELECT, INSERT');
SELECT app_append_only('reward_stock_addition');
