-- The ledger. Keys begin with the member; entries and posting sets are never changed.

CREATE TABLE point_account (
    member_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    available bigint NOT NULL CHECK (available >= 0),
    pending bigint NOT NULL CHECK (pending >= 0),
    held bigint NOT NULL CHECK (held >= 0),
    arrears bigint NOT NULL CHECK (arrears >= 0),
    version bigint NOT NULL,
    CONSTRAINT pk_point_account PRIMARY KEY (member_id),
    CONSTRAINT fk_point_account_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id)
) WITH (fillfactor = 80);
SELECT app_protect('point_account', 'SELECT, INSERT, UPDATE');

CREATE TABLE posting_set (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    account_version bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('accrual', 'redemption')),
    points bigint NOT NULL CHECK (abs(points) BETWEEN 1 AND 10000000),
    business_on date NOT NULL,
    posted_at timestamptz NOT NULL,
    source text NOT NULL,
    source_key text NOT NULL,
    rule_id text,
    rule_version integer,
    actor_id text NOT NULL,
    actor_role text NOT NULL,
    request_id text NOT NULL,
    CONSTRAINT pk_posting_set PRIMARY KEY (member_id, id),
    CONSTRAINT uq_posting_set_source UNIQUE (member_id, source, source_key),
    CONSTRAINT uq_posting_set_account_version UNIQUE (member_id, account_version)
);
SELECT app_protect('posting_set', 'SELECT, INSERT');
SELECT app_append_only('posting_set');

CREATE TABLE point_lot (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    issuer_id uuid NOT NULL,
    posting_set_id uuid NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    remaining bigint NOT NULL,
    open boolean NOT NULL,
    business_on date NOT NULL,
    available_at timestamptz NOT NULL,
    expires_at timestamptz,
    rule_id text NOT NULL,
    rule_version integer NOT NULL,
    unit_cost_fen numeric(12, 4) NOT NULL,
    CONSTRAINT pk_point_lot PRIMARY KEY (member_id, id),
    CONSTRAINT ck_point_lot_remaining CHECK (remaining BETWEEN 0 AND points),
    CONSTRAINT ck_point_lot_open CHECK (open = (remaining > 0))
) WITH (fillfactor = 80);
CREATE INDEX ix_point_lot_open ON point_lot (member_id, expires_at, id) WHERE open;
SELECT app_protect('point_lot', 'SELECT, INSERT');
GRANT UPDATE (remaining, open) ON point_lot TO loyalty_app;

CREATE TABLE point_entry (
    member_id uuid NOT NULL,
    posting_set_id uuid NOT NULL,
    line integer NOT NULL,
    dealer_id uuid NOT NULL,
    side text NOT NULL CHECK (side IN ('member', 'programme')),
    account text NOT NULL,
    issuer_id uuid NOT NULL,
    lot_id uuid,
    points bigint NOT NULL CHECK (points <> 0),
    CONSTRAINT pk_point_entry PRIMARY KEY (member_id, posting_set_id, line),
    CONSTRAINT ck_point_entry_account CHECK (
        (side = 'member' AND account = 'available' AND lot_id IS NOT NULL)
        OR (side = 'programme' AND account IN ('issued', 'redeemed') AND lot_id IS NULL)
    )
);
SELECT app_protect('point_entry', 'SELECT, INSERT');
SELECT app_append_only('point_entry');

-- The allocation of burns to lots is the entries themselves, read as such (F3).
CREATE VIEW lot_allocation WITH (security_invoker = true) AS
SELECT member_id, posting_set_id, lot_id, -points AS points
FROM point_entry WHERE side = 'member' AND points < 0;
GRANT SELECT ON lot_allocation TO loyalty_app;

-- Double entry: what one statement adds to a posting set sums to zero.
CREATE FUNCTION point_entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added GROUP BY member_id, posting_set_id HAVING sum(points) <> 0
    ) THEN
        RAISE EXCEPTION 'posting set is not balanced' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER balanced AFTER INSERT ON point_entry REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION point_entry_balanced();

CREATE TABLE source_document (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    member_id uuid NOT NULL,
    source text NOT NULL,
    source_event_id text NOT NULL,
    kind text NOT NULL,
    occurred_on date NOT NULL,
    lines jsonb NOT NULL,
    fingerprint bytea NOT NULL,
    points bigint NOT NULL CHECK (points >= 0),
    rule_id text NOT NULL,
    rule_version integer NOT NULL,
    posting_set_id uuid,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_source_document PRIMARY KEY (id),
    CONSTRAINT uq_source_document_event UNIQUE (dealer_id, source, source_event_id),
    CONSTRAINT fk_source_document_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id)
);
SELECT app_protect('source_document', 'SELECT, INSERT');
GRANT UPDATE (posting_set_id) ON source_document TO loyalty_app;
