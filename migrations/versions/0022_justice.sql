-- Due process: who judged what, the consultant's say, penalties, customers out, appeals.

-- A case is open while it is a suspicion; two people, or time, or an appeal settle it.
ALTER TABLE consultant_case
    ADD COLUMN decided_at timestamptz,
    DROP CONSTRAINT consultant_case_state_check,
    ADD CONSTRAINT consultant_case_state_check CHECK (state IN ('open', 'confirmed', 'cleared')),
    ADD CONSTRAINT ck_consultant_case_decided CHECK ((state = 'open') = (decided_at IS NULL)),
    ADD CONSTRAINT uq_consultant_case_dealer_id UNIQUE (dealer_id, id);
CREATE INDEX ix_consultant_case_consultant ON consultant_case (dealer_id, consultant_id, id);
GRANT UPDATE (state, decided_at) ON consultant_case TO loyalty_app;

-- The CRM declares relatives too, and is no person.
ALTER TABLE staff_relative ALTER COLUMN declared_by TYPE text USING declared_by::text;

-- One voice per person in one stay of a referral in its state; a round is the step it came in by.
CREATE TABLE judgement (
    referral_id uuid NOT NULL,
    round integer NOT NULL,
    person_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    verdict text NOT NULL CHECK (verdict IN (
        'accept', 'reject', 'call_once_more', 'suspect_fraud', 'confirm_fraud', 'clear'
    )),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    at timestamptz NOT NULL,
    CONSTRAINT pk_judgement PRIMARY KEY (referral_id, round, person_id),
    CONSTRAINT fk_judgement_round FOREIGN KEY (referral_id, round)
        REFERENCES referral_transition (referral_id, seq),
    CONSTRAINT fk_judgement_person FOREIGN KEY (dealer_id, person_id)
        REFERENCES staff (dealer_id, id)
);
SELECT app_protect('judgement', 'SELECT, INSERT');
SELECT app_append_only('judgement');

-- What only two people may do is done with two judgements of this round, or not at all.
CREATE FUNCTION referral_was_judged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_verdict text := CASE
        WHEN OLD.state = 'adjudication' AND NEW.state = 'verified' THEN 'accept'
        WHEN OLD.state = 'adjudication' AND NEW.state = 'calling' THEN 'call_once_more'
        WHEN OLD.state = 'adjudication' AND NEW.state = 'fraud_suspected' THEN 'suspect_fraud'
        WHEN NEW.reason = 'judged_not_proven' THEN 'reject'
        WHEN NEW.state = 'fraud_confirmed' THEN 'confirm_fraud'
        WHEN NEW.state = 'reversed' AND NEW.reason = 'judged_fake' THEN 'confirm_fraud'
        WHEN NEW.reason = 'judged_honest' THEN 'clear'
    END;
BEGIN
    IF v_verdict IS NOT NULL AND 2 > (
        SELECT count(*) FROM judgement
        WHERE referral_id = NEW.id AND verdict = v_verdict AND round = (
            SELECT max(seq) FROM referral_transition WHERE referral_id = NEW.id
        )
    ) THEN
        RAISE EXCEPTION 'two people must agree first'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_referral_judged';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER was_judged BEFORE UPDATE OF state ON referral
FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION referral_was_judged();

-- The consultant's own words to a case, sealed.
CREATE TABLE case_statement (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    case_id uuid NOT NULL,
    words bytea NOT NULL,
    made_by uuid NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_case_statement PRIMARY KEY (id),
    CONSTRAINT fk_case_statement_case FOREIGN KEY (dealer_id, case_id)
        REFERENCES consultant_case (dealer_id, id)
);
CREATE INDEX ix_case_statement_case ON case_statement (case_id, id);
SELECT app_protect('case_statement', 'SELECT, INSERT');
SELECT app_append_only('case_statement');

-- Proposed with the confirmation; effective only when no appeal can, or did, stand against it.
CREATE TABLE penalty (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    case_id uuid NOT NULL,
    consultant_id uuid NOT NULL,
    nth smallint NOT NULL CHECK (nth > 0),
    fine_fen bigint NOT NULL CHECK (fine_fen >= 0),
    pay_withheld_on date CHECK (pay_withheld_on = date_trunc('month', pay_withheld_on)),
    excluded_months smallint NOT NULL CHECK (excluded_months >= 0),
    referred_to_hr boolean NOT NULL,
    policy_version integer NOT NULL,
    proposed_at timestamptz NOT NULL,
    appeal_until timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'effective', 'void')),
    effective_at timestamptz,
    excluded_until date,
    voided_at timestamptz,
    CONSTRAINT pk_penalty PRIMARY KEY (id),
    CONSTRAINT uq_penalty_case UNIQUE (case_id),
    CONSTRAINT fk_penalty_case FOREIGN KEY (dealer_id, case_id)
        REFERENCES consultant_case (dealer_id, id),
    CONSTRAINT fk_penalty_consultant FOREIGN KEY (dealer_id, consultant_id)
        REFERENCES staff (dealer_id, id),
    CONSTRAINT ck_penalty_window CHECK (
        appeal_until > proposed_at AND effective_at >= appeal_until
    ),
    CONSTRAINT ck_penalty_state CHECK (
        (state <> 'proposed' OR effective_at IS NULL)
        AND (state <> 'effective' OR effective_at IS NOT NULL)
        AND (state = 'void') = (voided_at IS NOT NULL)
        AND (excluded_until IS NULL OR effective_at IS NOT NULL)
    )
);
CREATE INDEX ix_penalty_consultant ON penalty (dealer_id, consultant_id, proposed_at);
CREATE INDEX ix_penalty_proposed ON penalty (dealer_id, appeal_until) WHERE state = 'proposed';
SELECT app_protect('penalty', 'SELECT, INSERT');
GRANT UPDATE (state, effective_at, excluded_until, voided_at) ON penalty TO loyalty_app;

-- Customers who took part in a fake, by the blind index of the phone, out until a day.
CREATE TABLE party_exclusion (
    referral_id uuid NOT NULL,
    phone_index bytea NOT NULL,
    dealer_id uuid NOT NULL,
    excluded_at timestamptz NOT NULL,
    until_on date NOT NULL,
    lifted_at timestamptz,
    CONSTRAINT pk_party_exclusion PRIMARY KEY (referral_id, phone_index),
    CONSTRAINT fk_party_exclusion_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id)
);
CREATE INDEX ix_party_exclusion_phone ON party_exclusion (dealer_id, phone_index);
SELECT app_protect('party_exclusion', 'SELECT, INSERT');
GRANT UPDATE (lifted_at) ON party_exclusion TO loyalty_app;

-- Once per decision, whoever appeals; a decision is a step of the referral.
CREATE TABLE appeal (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    decision_seq integer NOT NULL,
    appellant text NOT NULL CHECK (appellant IN ('owner', 'buyer', 'consultant')),
    words bytea NOT NULL,
    raised_by text NOT NULL,
    raised_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'upheld', 'rejected')),
    decided_by uuid,
    decided_at timestamptz,
    reason text CHECK (length(reason) BETWEEN 1 AND 500),
    CONSTRAINT pk_appeal PRIMARY KEY (id),
    CONSTRAINT uq_appeal_decision UNIQUE (referral_id, decision_seq),
    CONSTRAINT fk_appeal_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id),
    CONSTRAINT fk_appeal_decision FOREIGN KEY (referral_id, decision_seq)
        REFERENCES referral_transition (referral_id, seq),
    CONSTRAINT fk_appeal_judge FOREIGN KEY (dealer_id, decided_by)
        REFERENCES staff (dealer_id, id),
    -- Nobody decided in time: rejected, without a judge. An upheld one always has its judge.
    CONSTRAINT ck_appeal_decided CHECK (
        (state = 'open') = (decided_at IS NULL)
        AND (state <> 'upheld' OR decided_by IS NOT NULL)
        AND (decided_by IS NULL) = (reason IS NULL)
        AND (decided_by IS NULL OR decided_at < due_at)
    )
);
CREATE INDEX ix_appeal_due ON appeal (dealer_id, due_at) WHERE state = 'open';
SELECT app_protect('appeal', 'SELECT, INSERT');
GRANT UPDATE (state, decided_by, decided_at, reason) ON appeal TO loyalty_app;

-- What is settled stays settled; only an appeal lifts a confirmed case or an effective penalty.
CREATE FUNCTION justice_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% was settled', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_stands';
END
$$;
CREATE TRIGGER stands BEFORE UPDATE ON appeal
FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION justice_stands();
CREATE TRIGGER stands BEFORE UPDATE ON consultant_case
FOR EACH ROW WHEN (
    OLD.state = 'cleared' OR (OLD.state = 'confirmed' AND NEW.state <> 'cleared')
) EXECUTE FUNCTION justice_stands();
CREATE TRIGGER stands BEFORE UPDATE ON penalty
FOR EACH ROW WHEN (
    OLD.state = 'void' OR (OLD.state = 'effective' AND NEW.state <> 'void')
) EXECUTE FUNCTION justice_stands();
CREATE TRIGGER stands BEFORE UPDATE ON party_exclusion
FOR EACH ROW WHEN (OLD.lifted_at IS NOT NULL) EXECUTE FUNCTION justice_stands();
