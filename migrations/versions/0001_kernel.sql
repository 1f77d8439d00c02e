-- The role the service runs as, who may see which rows, and the tables of the transaction kit.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'loyalty_app') THEN
        CREATE ROLE loyalty_app NOLOGIN;
    END IF;
    EXECUTE format('GRANT loyalty_app TO %I', current_user);
END
$$;
GRANT USAGE ON SCHEMA public TO loyalty_app;
GRANT SELECT ON alembic_version TO loyalty_app;

-- The dealer this transaction is bound to; no binding, no rows.
CREATE FUNCTION app_dealer() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT NULLIF(current_setting('app.dealer_id', true), '')::uuid
$$;

-- Give the service these rights on a table, on the rows of its own dealer only.
CREATE FUNCTION app_protect(p_table text, p_rights text, p_column text DEFAULT 'dealer_id')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT %s ON %I TO loyalty_app', p_rights, p_table);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format(
        'CREATE POLICY own_dealer ON %I TO loyalty_app USING (%I = app_dealer())', p_table, p_column
    );
END
$$;

CREATE FUNCTION app_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

-- Rows of this table are never changed or deleted, one by one or all at once, whoever asks.
CREATE FUNCTION app_append_only(p_table text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
         FOR EACH ROW EXECUTE FUNCTION app_refuse_change()', p_table
    );
    EXECUTE format(
        'CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I
         FOR EACH STATEMENT EXECUTE FUNCTION app_refuse_change()', p_table
    );
END
$$;

CREATE TABLE idempotency_claim (
    dealer_id uuid NOT NULL,
    client text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL,
    claimed_at timestamptz NOT NULL,
    status bigint,
    headers jsonb,
    body bytea,
    CONSTRAINT pk_idempotency_claim PRIMARY KEY (dealer_id, client, key)
);
CREATE INDEX ix_idempotency_claim_claimed_at ON idempotency_claim (dealer_id, claimed_at);
SELECT app_protect('idempotency_claim', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE outbox_event (
    id bigint GENERATED ALWAYS AS IDENTITY,
    committed_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    dealer_id uuid NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    data jsonb NOT NULL,
    occurred_at timestamptz NOT NULL,
    request_id text NOT NULL,
    CONSTRAINT pk_outbox_event PRIMARY KEY (id)
);
CREATE INDEX ix_outbox_event_feed ON outbox_event (dealer_id, committed_in, id);
SELECT app_protect('outbox_event', 'SELECT, INSERT');

CREATE TABLE audit_event (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_id text NOT NULL,
    actor_role text NOT NULL,
    client text NOT NULL,
    action text NOT NULL,
    subject_id uuid NOT NULL,
    request_id text NOT NULL,
    details jsonb NOT NULL,
    CONSTRAINT pk_audit_event PRIMARY KEY (id)
);
CREATE INDEX ix_audit_event_subject ON audit_event (dealer_id, subject_id, at);
SELECT app_protect('audit_event', 'SELECT, INSERT');
SELECT app_append_only('audit_event');
