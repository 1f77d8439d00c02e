-- The whole verification: who did what on a referral, the dealer's rules for it, draws with published
-- entropy, calls with records and odds, answers marked, re-asked and read by a second person.

SELECT app_create_versioned('referral_policy');
SELECT app_create_versioned('question_bank');

ALTER TABLE referral
    DROP CONSTRAINT ck_referral_state,
    ADD CONSTRAINT ck_referral_state CHECK (state IN (
        'submitted', 'registered', 'refused', 'expired', 'ordered', 'delivered', 'checked',
        'check_failed', 'calling', 'inconclusive', 'unreachable', 'failed', 'adjudication',
        'verified', 'fraud_suspected', 'fraud_confirmed', 'cleared', 'reward_held', 'rewarded',
        'reversed', 'cancelled', 'withdrawn'
    )),
    -- Why two people must decide in the end, whatever the calls say: codes, in order of finding.
    ADD COLUMN review text[] NOT NULL DEFAULT '{}';
GRANT UPDATE (review) ON referral TO loyalty_app;

-- One active referral per buyer: a call that failed and waits for the other party is still active.
DROP INDEX uq_referral_buyer;
CREATE UNIQUE INDEX uq_referral_buyer ON referral (dealer_id, buyer_phone_index)
WHERE state NOT IN (
    'refused', 'expired', 'cancelled', 'withdrawn', 'cleared', 'fraud_confirmed', 'reversed'
) AND NOT (state = 'failed' AND due_at IS NULL);

-- Relatives a person of the staff has declared: he decides nothing about them.
CREATE TABLE staff_relative (
    staff_id uuid NOT NULL,
    phone_index bytea NOT NULL,
    dealer_id uuid NOT NULL,
    declared_at timestamptz NOT NULL,
    declared_by uuid NOT NULL,
    CONSTRAINT pk_staff_relative PRIMARY KEY (staff_id, phone_index),
    CONSTRAINT fk_staff_relative_staff FOREIGN KEY (dealer_id, staff_id)
        REFERENCES staff (dealer_id, id)
);
SELECT app_protect('staff_relative', 'SELECT, INSERT');
SELECT app_append_only('staff_relative');

-- One person, one duty on a referral (api.md, separation of duties): the primary key says so.
CREATE TABLE referral_duty (
    referral_id uuid NOT NULL,
    person_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    duty text NOT NULL CHECK (duty IN (
        'consultant', 'duty_manager', 'licence_checker', 'callback_agent', 'reader', 'judge',
        'appeal_judge', 'payer'
    )),
    taken_at timestamptz NOT NULL,
    CONSTRAINT pk_referral_duty PRIMARY KEY (referral_id, person_id),
    CONSTRAINT fk_referral_duty_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id),
    CONSTRAINT fk_referral_duty_person FOREIGN KEY (dealer_id, person_id)
        REFERENCES staff (dealer_id, id)
);
SELECT app_protect('referral_duty', 'SELECT, INSERT');
SELECT app_append_only('referral_duty');

-- Nobody decides about himself or a declared relative, and no agent calls for his own team.
CREATE FUNCTION referral_duty_impartial() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_referral referral;
    v_staff staff;
BEGIN
    SELECT * INTO v_referral FROM referral WHERE id = NEW.referral_id;
    SELECT * INTO v_staff FROM staff WHERE id = NEW.person_id;
    IF EXISTS (
        SELECT FROM (
            SELECT v_staff.phone_index AS known
            UNION ALL
            SELECT phone_index FROM staff_relative WHERE staff_id = NEW.person_id
        ) own
        WHERE own.known = v_referral.buyer_phone_index
            OR own.known IN (SELECT phone_index FROM member WHERE id = v_referral.owner_id)
    ) THEN
        RAISE EXCEPTION 'a party of the referral, or a relative of one'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_referral_duty_impartial';
    END IF;
    IF NEW.duty = 'callback_agent' AND v_staff.team = v_referral.team THEN
        RAISE EXCEPTION 'an agent of the consultant''s own team'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_referral_duty_team';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER impartial BEFORE INSERT ON referral_duty
FOR EACH ROW EXECUTE FUNCTION referral_duty_impartial();

-- Duties taken before this revision.
INSERT INTO referral_duty (referral_id, person_id, dealer_id, duty, taken_at)
SELECT id, person, dealer_id, duty, submitted_at FROM referral,
    LATERAL (VALUES
        (consultant_id, 'consultant'), (confirmed_by, 'duty_manager'),
        (checked_by, 'licence_checker'), (rechecked_by, 'licence_checker'),
        (callback_agent_id, 'callback_agent'), (paid_by, 'payer')
    ) AS duties (person, duty)
WHERE person IS NOT NULL
ON CONFLICT DO NOTHING;

ALTER TABLE licence_check
    DROP CONSTRAINT licence_check_attempt_check,
    ADD CONSTRAINT licence_check_attempt_check CHECK (attempt BETWEEN 1 AND 4);

-- The secret of each day is promised by its hash, chained the day before, and told afterwards.
CREATE TABLE draw_entropy (
    dealer_id uuid NOT NULL,
    day date NOT NULL,
    hash bytea NOT NULL,
    committed_at timestamptz NOT NULL,
    CONSTRAINT pk_draw_entropy PRIMARY KEY (dealer_id, day),
    CONSTRAINT fk_draw_entropy_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id)
);
SELECT app_protect('draw_entropy', 'SELECT, INSERT');
SELECT app_append_only('draw_entropy');

ALTER TABLE draw
    ADD COLUMN plan text CHECK (plan IN ('single', 'dual', 'narrative')),
    ADD COLUMN wanted_plan text CHECK (wanted_plan IN ('single', 'dual')),
    ADD COLUMN sampled boolean,
    ADD COLUMN sample_percent smallint,
    ADD COLUMN agents uuid[],
    ADD COLUMN entropy_hash bytea,
    ADD CONSTRAINT ck_draw_purpose CHECK (purpose IN ('callback', 'other_party', 'judges')),
    ADD CONSTRAINT ck_draw_whole CHECK (
        selector_version = '1' OR (
            plan IS NOT NULL AND wanted_plan IS NOT NULL AND sampled IS NOT NULL
            AND sample_percent IS NOT NULL AND agents IS NOT NULL AND entropy_hash IS NOT NULL
        )
    );

-- The other party is the other party: a second call is no second draw.
CREATE FUNCTION draw_of_other_party() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.party IS NOT DISTINCT FROM (
        SELECT party FROM draw WHERE referral_id = NEW.referral_id AND purpose = 'callback'
    ) THEN
        RAISE EXCEPTION 'the second call is to the other party'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_draw_other_party';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER other_party BEFORE INSERT ON draw
FOR EACH ROW WHEN (NEW.purpose = 'other_party') EXECUTE FUNCTION draw_of_other_party();

ALTER TABLE callback
    DROP CONSTRAINT callback_state_check,
    ADD CONSTRAINT callback_state_check CHECK (state IN ('open', 'answered', 'closed')),
    ADD COLUMN due_at timestamptz,
    ADD COLUMN narrative boolean NOT NULL DEFAULT false,
    ADD COLUMN answered_at timestamptz,
    ADD COLUMN result text CHECK (
        result IN ('passed', 'failed', 'inconclusive', 'unreachable', 'accepted_by_people')
    ),
    ADD COLUMN reason text,
    ADD COLUMN score_bits double precision,
    ADD COLUMN fake_t0 double precision,
    ADD COLUMN fake_t1 double precision,
    ADD COLUMN fake_t2 double precision,
    ADD COLUMN honest_rejected double precision;
GRANT UPDATE (agent_id, answered_at, result, reason, score_bits) ON callback TO loyalty_app;
UPDATE callback SET result = CASE r.state WHEN 'failed' THEN 'failed' ELSE 'passed' END
FROM referral r
WHERE r.id = callback.referral_id AND r.state IN ('failed', 'verified', 'reward_held', 'rewarded');
-- Calls under way have no odds and cannot be finished so: the night calls the other party.
UPDATE callback SET state = 'closed', closed_at = now(), result = 'inconclusive',
    reason = 'call_record_missing'
WHERE state = 'open';

-- A referral is verified by a call that passed, or that two people accepted; and by nothing else.
CREATE FUNCTION referral_was_called() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM callback
        WHERE referral_id = NEW.id AND result IN ('passed', 'accepted_by_people')
    ) OR NOT EXISTS (SELECT FROM licence_check WHERE referral_id = NEW.id AND passed) THEN
        RAISE EXCEPTION 'no call that passed, or no licence that was checked'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_referral_called';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER was_called BEFORE UPDATE OF state ON referral
FOR EACH ROW WHEN (NEW.state IN ('verified', 'reward_held', 'rewarded'))
EXECUTE FUNCTION referral_was_called();

ALTER TABLE callback_question
    DROP CONSTRAINT callback_question_position_check,
    ADD CONSTRAINT callback_question_position_check CHECK (position BETWEEN 1 AND 8),
    ADD COLUMN part text NOT NULL DEFAULT 'asked'
        CHECK (part IN ('asked', 'control', 'reserve', 'narrative')),
    ADD COLUMN knock_out boolean NOT NULL DEFAULT false,
    ADD COLUMN g_t0 double precision,
    ADD COLUMN g_t1 double precision,
    ADD COLUMN g_t2 double precision,
    ADD COLUMN e double precision;

-- A question may be asked once more: each attempt is a row.
ALTER TABLE callback_answer
    ADD COLUMN attempt smallint NOT NULL DEFAULT 1 CHECK (attempt BETWEEN 1 AND 2),
    ADD COLUMN took_ms bigint CHECK (took_ms >= 0),
    ADD COLUMN flag text CHECK (flag IN ('too_fast', 'too_slow')),
    DROP CONSTRAINT pk_callback_answer,
    ADD CONSTRAINT pk_callback_answer PRIMARY KEY (callback_id, position, attempt),
    DROP CONSTRAINT callback_answer_mark_check,
    ADD CONSTRAINT callback_answer_mark_check CHECK (
        mark IN ('right', 'wrong', 'review', 'again', 'replaced', 'noted')
    );

-- What a second person read in an answer the machine could not decide.
CREATE TABLE answer_reading (
    callback_id uuid NOT NULL,
    position smallint NOT NULL,
    dealer_id uuid NOT NULL,
    reading bytea NOT NULL,
    mark text NOT NULL CHECK (mark IN ('right', 'wrong')),
    read_by uuid NOT NULL,
    read_at timestamptz NOT NULL,
    CONSTRAINT pk_answer_reading PRIMARY KEY (callback_id, position),
    CONSTRAINT fk_answer_reading_question FOREIGN KEY (callback_id, position)
        REFERENCES callback_question (callback_id, position),
    CONSTRAINT fk_answer_reading_person FOREIGN KEY (dealer_id, read_by)
        REFERENCES staff (dealer_id, id)
);
SELECT app_protect('answer_reading', 'SELECT, INSERT');
SELECT app_append_only('answer_reading');

-- What the telephone system says of a call: the agent himself cannot tell us that he called.
CREATE TABLE call_record (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    callback_id uuid NOT NULL,
    source text NOT NULL,
    source_event_id text NOT NULL,
    number_matches boolean NOT NULL,
    in_hours boolean NOT NULL,
    started_at timestamptz NOT NULL,
    answered_at timestamptz,
    ended_at timestamptz NOT NULL,
    fingerprint bytea NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_call_record PRIMARY KEY (id),
    CONSTRAINT uq_call_record_source UNIQUE (dealer_id, source, source_event_id),
    CONSTRAINT fk_call_record_callback FOREIGN KEY (callback_id) REFERENCES callback (id),
    CONSTRAINT ck_call_record_times CHECK (
        ended_at >= started_at AND answered_at BETWEEN started_at AND ended_at
    )
);
CREATE INDEX ix_call_record_callback ON call_record (callback_id, started_at);
SELECT app_protect('call_record', 'SELECT, INSERT');
SELECT app_append_only('call_record');

-- How often each value of a fact occurs at this dealer, counted by the night: the store's own shares.
CREATE TABLE fact_share (
    dealer_id uuid NOT NULL,
    fact text NOT NULL,
    value text NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    CONSTRAINT pk_fact_share PRIMARY KEY (dealer_id, fact, value),
    CONSTRAINT fk_fact_share_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id)
);
SELECT app_protect('fact_share', 'SELECT, INSERT, UPDATE, DELETE');

-- A reward taken back stays on record, and has a beneficiary: the owner, or the buyer too.
ALTER TABLE referral_reward
    DROP CONSTRAINT referral_reward_state_check,
    ADD CONSTRAINT referral_reward_state_check CHECK (
        state IN ('held', 'paid', 'cancelled', 'reversed')
    ),
    ADD COLUMN beneficiary text NOT NULL DEFAULT 'owner' CHECK (beneficiary IN ('owner', 'buyer')),
    ADD COLUMN reversed_at timestamptz,
    ADD COLUMN reversal_set_id uuid,
    DROP CONSTRAINT ck_referral_reward_paid,
    ADD CONSTRAINT ck_referral_reward_paid CHECK (
        (state IN ('paid', 'reversed')) = (paid_at IS NOT NULL)
        AND (state IN ('paid', 'reversed')) = (posting_set_id IS NOT NULL)
        AND (state = 'reversed') = (reversed_at IS NOT NULL)
        AND paid_at >= release_at
    ),
    ADD CONSTRAINT uq_referral_reward_beneficiary UNIQUE (referral_id, beneficiary, rule_version);
GRANT UPDATE (reversed_at, reversal_set_id) ON referral_reward TO loyalty_app;
DROP INDEX uq_referral_reward_nth;
CREATE UNIQUE INDEX uq_referral_reward_nth ON referral_reward (member_id, rule_id, nth)
WHERE state NOT IN ('cancelled', 'reversed');
