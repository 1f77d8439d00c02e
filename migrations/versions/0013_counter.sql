-- Counter codes (F32, F39): the digits are kept nowhere, only their keyed index.

CREATE TABLE counter_code (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('benefit', 'reward')),
    subject_id uuid NOT NULL,
    code_index bytea NOT NULL CHECK (length(code_index) = 32),
    state text NOT NULL CHECK (state IN ('open', 'used', 'void')),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    used_at timestamptz,
    used_by text,
    honoured_by uuid,
    CONSTRAINT pk_counter_code PRIMARY KEY (member_id, id),
    CONSTRAINT uq_counter_code_dealer UNIQUE (dealer_id, id),
    CONSTRAINT fk_counter_code_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_counter_code_alive CHECK (created_at < expires_at),
    CONSTRAINT ck_counter_code_used CHECK (
        (state = 'used') = (used_at IS NOT NULL)
        AND (used_at IS NULL) = (used_by IS NULL)
        AND (used_at IS NULL) = (honoured_by IS NULL)
        AND used_at < expires_at
    )
);
CREATE UNIQUE INDEX uq_counter_code_open ON counter_code (dealer_id, code_index)
    WHERE state = 'open';
CREATE UNIQUE INDEX uq_counter_code_subject ON counter_code (dealer_id, purpose, subject_id)
    WHERE state = 'open';
CREATE INDEX ix_counter_code_digits ON counter_code (dealer_id, code_index, id);
SELECT app_protect('counter_code', 'SELECT, INSERT');
GRANT UPDATE (state, used_at, used_by, honoured_by) ON counter_code TO loyalty_app;

-- What was used or void stays so, whoever asks: a code is good for one act.
CREATE FUNCTION counter_code_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a counter code ends once' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER stands BEFORE UPDATE ON counter_code
FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION counter_code_stands();

-- Every attempt, at the dealer whose desk made it; the code may be a partner's.
CREATE TABLE counter_verification (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    at timestamptz NOT NULL,
    outcome text NOT NULL
        CHECK (outcome IN (
            'accepted', 'wrong_code', 'expired', 'used', 'not_honoured', 'refused'
        )),
    issued_by uuid NOT NULL,
    code_id uuid,
    CONSTRAINT pk_counter_verification PRIMARY KEY (id),
    CONSTRAINT fk_counter_verification_staff FOREIGN KEY (dealer_id, staff_id)
        REFERENCES staff (dealer_id, id),
    CONSTRAINT fk_counter_verification_code FOREIGN KEY (issued_by, code_id)
        REFERENCES counter_code (dealer_id, id),
    CONSTRAINT ck_counter_verification_code CHECK (
        (code_id IS NOT NULL) = (outcome IN ('accepted', 'expired', 'used', 'refused'))
    )
);
CREATE UNIQUE INDEX uq_counter_verification_accepted ON counter_verification (code_id)
    WHERE outcome = 'accepted';
CREATE INDEX ix_counter_verification_failed ON counter_verification (dealer_id, staff_id, at DESC)
    WHERE outcome <> 'accepted';
SELECT app_protect('counter_verification', 'SELECT, INSERT');
SELECT app_append_only('counter_verification');
