-- The catalogue, its stock, redemptions, and the runs of the CRM feed.

CREATE TABLE reward (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    code text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    points bigint NOT NULL CHECK (points BETWEEN 1 AND 10000000),
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_reward PRIMARY KEY (id),
    CONSTRAINT uq_reward_dealer_id UNIQUE (dealer_id, id),
    CONSTRAINT uq_reward_code UNIQUE (dealer_id, code),
    CONSTRAINT ck_reward_code CHECK (code = btrim(code) AND code <> ''),
    CONSTRAINT fk_reward_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id)
);
SELECT app_protect('reward', 'SELECT, INSERT');

CREATE TABLE reward_stock (
    reward_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    received bigint NOT NULL CHECK (received >= 0),
    available bigint NOT NULL,
    CONSTRAINT pk_reward_stock PRIMARY KEY (reward_id),
    CONSTRAINT fk_reward_stock_reward FOREIGN KEY (dealer_id, reward_id)
        REFERENCES reward (dealer_id, id),
    CONSTRAINT ck_reward_stock_available CHECK (available BETWEEN 0 AND received)
) WITH (fillfactor = 80);
SELECT app_protect('reward_stock', 'SELECT, INSERT, UPDATE');

CREATE TABLE redemption (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    member_id uuid NOT NULL,
    reward_id uuid NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    points bigint NOT NULL CHECK (points > 0),
    posting_set_id uuid NOT NULL,
    redeemed_at timestamptz NOT NULL,
    redeemed_by text NOT NULL,
    CONSTRAINT pk_redemption PRIMARY KEY (id),
    CONSTRAINT fk_redemption_reward FOREIGN KEY (dealer_id, reward_id)
        REFERENCES reward (dealer_id, id),
    CONSTRAINT fk_redemption_posting FOREIGN KEY (member_id, posting_set_id)
        REFERENCES posting_set (member_id, id)
);
CREATE INDEX ix_redemption_member ON redemption (member_id, id);
SELECT app_protect('redemption', 'SELECT, INSERT');
SELECT app_append_only('redemption');

CREATE TABLE import_run (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('members', 'vehicles', 'documents')),
    file_hash bytea NOT NULL,
    rows_done bigint NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_import_run PRIMARY KEY (id),
    CONSTRAINT uq_import_run_file UNIQUE (dealer_id, kind, file_hash)
);
SELECT app_protect('import_run', 'SELECT, INSERT, UPDATE');

CREATE TABLE import_error (
    run_id uuid NOT NULL,
    row_no bigint NOT NULL,
    dealer_id uuid NOT NULL,
    code text NOT NULL,
    pointer text,
    params jsonb NOT NULL,
    CONSTRAINT pk_import_error PRIMARY KEY (run_id, row_no),
    CONSTRAINT fk_import_error_run FOREIGN KEY (run_id) REFERENCES import_run (id)
);
SELECT app_protect('import_error', 'SELECT, INSERT, DELETE');
