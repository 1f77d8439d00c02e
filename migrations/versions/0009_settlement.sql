-- Month closes and settlements between dealers (F17, F18): written once, never changed.

CREATE TABLE month_close (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    month date NOT NULL CHECK (month = date_trunc('month', month)),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    liability jsonb NOT NULL,
    closed_at timestamptz NOT NULL,
    closed_by text NOT NULL,
    CONSTRAINT pk_month_close PRIMARY KEY (id),
    CONSTRAINT uq_month_close_dealer UNIQUE (dealer_id, id),
    CONSTRAINT uq_month_close_number UNIQUE (dealer_id, number),
    CONSTRAINT uq_month_close_month UNIQUE (dealer_id, month),
    CONSTRAINT fk_month_close_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id),
    CONSTRAINT ck_month_close_over CHECK (starts_at < ends_at AND ends_at < closed_at)
);
SELECT app_protect('month_close', 'SELECT, INSERT');
SELECT app_append_only('month_close');

-- The trial balance at the end of a closed month; a later one starts from it.
CREATE TABLE month_balance (
    month_close_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    issuer_id uuid NOT NULL,
    side text NOT NULL CHECK (side IN ('member', 'programme')),
    account text NOT NULL,
    points bigint NOT NULL,
    CONSTRAINT pk_month_balance PRIMARY KEY (month_close_id, issuer_id, side, account),
    CONSTRAINT fk_month_balance_close FOREIGN KEY (dealer_id, month_close_id)
        REFERENCES month_close (dealer_id, id)
);
SELECT app_protect('month_balance', 'SELECT, INSERT');
SELECT app_append_only('month_balance');

-- What one dealer owes another for one month; negative when more was cancelled than honoured.
CREATE TABLE settlement (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    month_close_id uuid NOT NULL,
    place integer NOT NULL CHECK (place > 0),
    month date NOT NULL,
    debtor_id uuid NOT NULL,
    creditor_id uuid NOT NULL,
    points bigint NOT NULL,
    exact_fen numeric(24, 4) NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen = round(exact_fen)),
    lots bigint NOT NULL CHECK (lots > 0),
    number text NOT NULL,
    CONSTRAINT pk_settlement PRIMARY KEY (id),
    CONSTRAINT uq_settlement_number UNIQUE (dealer_id, number),
    CONSTRAINT uq_settlement_place UNIQUE (month_close_id, place),
    CONSTRAINT uq_settlement_pair UNIQUE (month_close_id, debtor_id, creditor_id),
    CONSTRAINT fk_settlement_close FOREIGN KEY (dealer_id, month_close_id)
        REFERENCES month_close (dealer_id, id),
    CONSTRAINT ck_settlement_two CHECK (debtor_id <> creditor_id)
);
CREATE INDEX ix_settlement_month ON settlement (dealer_id, month);
CREATE INDEX ix_settlement_debtor ON settlement (debtor_id, month);
CREATE INDEX ix_settlement_creditor ON settlement (creditor_id, month);
SELECT app_protect('settlement', 'SELECT, INSERT');
SELECT app_append_only('settlement');
-- Who owes and who is owed read it too, whoever's members spent the points.
CREATE POLICY party ON settlement FOR SELECT TO loyalty_app
USING (debtor_id = app_dealer() OR creditor_id = app_dealer());

-- What was posted since an instant: postings lie in the table nearly in the order of their time.
CREATE INDEX ix_posting_set_posted_at ON posting_set
    USING brin (posted_at) WITH (pages_per_range = 32, autosummarize = on);
