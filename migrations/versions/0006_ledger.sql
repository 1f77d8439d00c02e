-- The whole ledger (F4-F13, F18): pending, holds, expiry, arrears, transfers, corrections.
-- Expand only: the release before this one keeps running beside it on its own two functions.

ALTER TABLE point_account ADD COLUMN frozen boolean NOT NULL DEFAULT false;

ALTER TABLE posting_set
    DROP CONSTRAINT posting_set_kind_check,
    DROP CONSTRAINT posting_set_points_check,
    ADD COLUMN honoured_by uuid,
    ADD COLUMN reverses uuid,
    ADD COLUMN reason text,
    ADD COLUMN shortfall bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT ck_posting_set_kind CHECK (kind IN (
        'accrual', 'opening', 'adjustment', 'reinstatement', 'transfer_in', 'transfer_out',
        'redemption', 'reversal', 'clawback', 'hold', 'capture', 'release',
        'activation', 'cancellation', 'expiry', 'arrears'
    )),
    ADD CONSTRAINT ck_posting_set_shortfall CHECK (shortfall >= 0);

ALTER TABLE point_lot
    ALTER COLUMN available_at DROP NOT NULL,
    ADD COLUMN activated boolean NOT NULL DEFAULT true,
    ADD COLUMN held bigint NOT NULL DEFAULT 0,
    ADD COLUMN expired bigint NOT NULL DEFAULT 0,
    ADD COLUMN reinstated bigint NOT NULL DEFAULT 0,
    ADD COLUMN expired_by uuid,
    ADD COLUMN cancel_at timestamptz,
    ADD COLUMN awaits text,
    ADD COLUMN inactivity_months integer,
    ADD COLUMN inactivity_round text,
    ADD COLUMN origin_lot_id uuid,
    DROP CONSTRAINT ck_point_lot_remaining,
    ADD CONSTRAINT ck_point_lot_parts CHECK (
        remaining >= 0 AND held >= 0 AND expired >= 0 AND remaining + held + expired <= points
    ),
    ADD CONSTRAINT ck_point_lot_reinstated CHECK (reinstated BETWEEN 0 AND expired),
    ADD CONSTRAINT ck_point_lot_expires_once CHECK (expired_by IS NULL OR remaining = 0),
    ADD CONSTRAINT ck_point_lot_waits CHECK (available_at IS NOT NULL OR awaits IS NOT NULL),
    ADD CONSTRAINT ck_point_lot_active CHECK (NOT activated OR available_at IS NOT NULL);
CREATE INDEX ix_point_lot_waiting ON point_lot (member_id, available_at)
    WHERE open AND NOT activated;
GRANT UPDATE (
    activated, held, expired, expired_by, reinstated, available_at, expires_at
) ON point_lot TO loyalty_app;

-- What was promised with a lot stands: its end moves only outward, and only where activity keeps
-- it alive; its start is set once, by the event it waits for; it expires once (I13).
CREATE FUNCTION point_lot_keeps_its_dates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the dates of a lot stand' USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER keeps_its_dates
BEFORE UPDATE OF expires_at, available_at, activated, expired_by ON point_lot
FOR EACH ROW WHEN (
    (NEW.expires_at IS DISTINCT FROM OLD.expires_at
        AND (OLD.inactivity_months IS NULL OR NEW.expires_at IS NULL
             OR NEW.expires_at < OLD.expires_at))
    OR (NEW.available_at IS DISTINCT FROM OLD.available_at AND OLD.available_at IS NOT NULL)
    OR (OLD.activated AND NOT NEW.activated)
    OR (NEW.expired_by IS DISTINCT FROM OLD.expired_by AND OLD.expired_by IS NOT NULL)
) EXECUTE FUNCTION point_lot_keeps_its_dates();

ALTER TABLE point_entry
    ADD COLUMN counterparty_id uuid,
    DROP CONSTRAINT ck_point_entry_account,
    ADD CONSTRAINT ck_point_entry_account CHECK (
        (side = 'member' AND (
            (account IN ('available', 'pending', 'held') AND lot_id IS NOT NULL)
            OR (account = 'arrears' AND lot_id IS NULL)
        ))
        OR (side = 'programme' AND (
            account IN ('issued', 'redeemed', 'expired', 'reversed', 'written_off', 'adjusted',
                        'transferred', 'recovered')
            OR (account = 'payable' AND lot_id IS NOT NULL)
        ))
    ),
    ADD CONSTRAINT ck_point_entry_counterparty CHECK (
        (account = 'payable') = (counterparty_id IS NOT NULL)
        AND counterparty_id IS DISTINCT FROM issuer_id
    );
CREATE INDEX ix_point_entry_payable ON point_entry (dealer_id, posting_set_id)
    WHERE account = 'payable';
CREATE INDEX ix_point_entry_arrears ON point_entry (member_id) WHERE account = 'arrears';

CREATE OR REPLACE VIEW lot_allocation WITH (security_invoker = true) AS
SELECT member_id, posting_set_id, lot_id, -points AS points
FROM point_entry WHERE side = 'member' AND lot_id IS NOT NULL AND points < 0;

-- Double entry per issuer: what one statement adds to a posting set sums to zero for each.
CREATE OR REPLACE FUNCTION point_entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added GROUP BY member_id, posting_set_id, issuer_id HAVING sum(points) <> 0
    ) THEN
        RAISE EXCEPTION 'posting set is not balanced' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TABLE point_hold (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    captured bigint CHECK (captured BETWEEN 1 AND points),
    state text NOT NULL CHECK (state IN ('open', 'captured', 'released', 'expired')),
    posting_set_id uuid NOT NULL,
    held_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_point_hold PRIMARY KEY (member_id, id),
    CONSTRAINT ck_point_hold_ended CHECK ((state = 'open') = (ended_at IS NULL)),
    CONSTRAINT ck_point_hold_captured CHECK ((state = 'captured') = (captured IS NOT NULL))
);
CREATE INDEX ix_point_hold_id ON point_hold (id);
CREATE INDEX ix_point_hold_open ON point_hold (member_id, expires_at) WHERE state = 'open';
SELECT app_protect('point_hold', 'SELECT, INSERT');
GRANT UPDATE (state, captured, ended_at) ON point_hold TO loyalty_app;

-- Dealers whose points are honoured here and who honour ours; an OEM is a partner too (F18).
CREATE TABLE dealer_partner (
    dealer_id uuid NOT NULL,
    partner_id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    CONSTRAINT pk_dealer_partner PRIMARY KEY (dealer_id, partner_id),
    CONSTRAINT uq_dealer_partner_code UNIQUE (dealer_id, code),
    CONSTRAINT fk_dealer_partner_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id),
    CONSTRAINT fk_dealer_partner_partner FOREIGN KEY (partner_id) REFERENCES dealer (id),
    CONSTRAINT ck_dealer_partner_other CHECK (partner_id <> dealer_id)
);
SELECT app_protect('dealer_partner', 'SELECT');

CREATE TABLE point_adjustment (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    member_id uuid NOT NULL,
    points bigint NOT NULL CHECK (points <> 0 AND abs(points) <= 10000000),
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'posted', 'rejected')),
    single_handed boolean NOT NULL,
    requested_by uuid NOT NULL,
    requested_at timestamptz NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    posting_set_id uuid,
    version bigint NOT NULL,
    CONSTRAINT pk_point_adjustment PRIMARY KEY (id),
    CONSTRAINT fk_point_adjustment_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_point_adjustment_two_people CHECK (
        decided_by <> requested_by OR (single_handed AND abs(points) <= 2000)
    ),
    CONSTRAINT ck_point_adjustment_decided CHECK (
        (state = 'requested') = (decided_by IS NULL)
        AND (decided_by IS NULL) = (decided_at IS NULL)
        AND (state = 'posted') = (posting_set_id IS NOT NULL)
    )
);
CREATE INDEX ix_point_adjustment_member ON point_adjustment (member_id, id);
CREATE INDEX ix_point_adjustment_open ON point_adjustment (dealer_id, id)
    WHERE state = 'requested';
SELECT app_protect('point_adjustment', 'SELECT, INSERT');
GRANT UPDATE (state, decided_by, decided_at, posting_set_id, version)
    ON point_adjustment TO loyalty_app;

CREATE TABLE point_transfer (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    from_member_id uuid NOT NULL,
    to_member_id uuid NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    transferred_at timestamptz NOT NULL,
    transferred_on date NOT NULL,
    transferred_by text NOT NULL,
    out_set_id uuid NOT NULL,
    in_set_id uuid NOT NULL,
    CONSTRAINT pk_point_transfer PRIMARY KEY (id),
    CONSTRAINT ck_point_transfer_other CHECK (from_member_id <> to_member_id),
    CONSTRAINT fk_point_transfer_from FOREIGN KEY (dealer_id, from_member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT fk_point_transfer_to FOREIGN KEY (dealer_id, to_member_id)
        REFERENCES member (dealer_id, id)
);
CREATE INDEX ix_point_transfer_from ON point_transfer (from_member_id, transferred_on);
CREATE INDEX ix_point_transfer_to ON point_transfer (to_member_id, id);
SELECT app_protect('point_transfer', 'SELECT, INSERT');
SELECT app_append_only('point_transfer');

CREATE TABLE account_freeze (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    member_id uuid NOT NULL,
    reason text NOT NULL,
    frozen_by uuid NOT NULL,
    frozen_at timestamptz NOT NULL,
    lifted_by uuid,
    lifted_at timestamptz,
    CONSTRAINT pk_account_freeze PRIMARY KEY (id),
    CONSTRAINT fk_account_freeze_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_account_freeze_lifted CHECK ((lifted_by IS NULL) = (lifted_at IS NULL)),
    CONSTRAINT ck_account_freeze_two_people CHECK (lifted_by <> frozen_by)
);
CREATE UNIQUE INDEX uq_account_freeze_open ON account_freeze (member_id) WHERE lifted_at IS NULL;
CREATE INDEX ix_account_freeze_member ON account_freeze (member_id, id);
SELECT app_protect('account_freeze', 'SELECT, INSERT');
GRANT UPDATE (lifted_by, lifted_at) ON account_freeze TO loyalty_app;

-- Who acts, when, for which document: what every function of the ledger is told.
CREATE TYPE point_act AS (
    dealer_id uuid,
    business_on date,
    source text,
    source_key text,
    reason text,
    actor_id text,
    actor_role text,
    request_id text,
    now timestamptz
);

-- One lot to be opened; credits with the same set are one posting set.
CREATE TYPE point_credit AS (
    ordinal bigint,
    member_id uuid,
    set_id uuid,
    kind text,
    source text,
    source_key text,
    business_on date,
    against text,
    lot_id uuid,
    issuer_id uuid,
    points bigint,
    rule_id text,
    rule_version integer,
    unit_cost_fen numeric,
    available_at timestamptz,
    awaits text,
    cancel_at timestamptz,
    expires_at timestamptz,
    inactivity_months integer,
    inactivity_round text,
    origin_lot_id uuid
);

-- What a clawback takes from one lot.
CREATE TYPE point_part AS (
    lot_id uuid,
    issuer_id uuid,
    account text,
    points bigint,
    place bigint
);
