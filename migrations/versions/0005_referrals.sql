-- Referrals and their proof. Who may follow whom, and how often, is decided here.

CREATE TABLE referral (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    state text NOT NULL,
    reason text,
    version bigint NOT NULL,
    due_at timestamptz,
    consultant_id uuid NOT NULL,
    team text NOT NULL,
    consent_version text,
    buyer_name bytea NOT NULL,
    buyer_phone bytea NOT NULL,
    buyer_phone_index bytea NOT NULL,
    buyer_first_visit_on date NOT NULL,
    slip bytea NOT NULL,
    slip_hash bytea NOT NULL,
    submitted_at timestamptz NOT NULL,
    owner_id uuid,
    confirmed_by uuid,
    registered_at timestamptz,
    order_no text,
    ordered_at timestamptz,
    bought_vin bytea,
    bought_vin_index bytea,
    bought_model text,
    bought_colour text,
    bought_transmission text,
    invoice_no text,
    invoiced_on date,
    delivered_at timestamptz,
    checked_by uuid,
    rechecked_by uuid,
    callback_agent_id uuid,
    verified_at timestamptz,
    paid_by uuid,
    CONSTRAINT pk_referral PRIMARY KEY (id),
    CONSTRAINT uq_referral_dealer_id UNIQUE (dealer_id, id),
    CONSTRAINT uq_referral_order UNIQUE (dealer_id, order_no),
    CONSTRAINT uq_referral_vin UNIQUE (dealer_id, bought_vin_index),
    CONSTRAINT uq_referral_invoice UNIQUE (dealer_id, invoice_no),
    CONSTRAINT fk_referral_consultant FOREIGN KEY (dealer_id, consultant_id)
        REFERENCES staff (dealer_id, id),
    CONSTRAINT fk_referral_owner FOREIGN KEY (dealer_id, owner_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_referral_state CHECK (state IN (
        'submitted', 'registered', 'refused', 'expired', 'ordered', 'delivered', 'checked',
        'check_failed', 'calling', 'verified', 'failed', 'reward_held', 'rewarded', 'cancelled'
    )),
    -- Separation of duties (api.md): every step another person.
    CONSTRAINT ck_referral_duties CHECK (
        confirmed_by <> consultant_id
        AND checked_by <> ALL (ARRAY[consultant_id, confirmed_by])
        AND rechecked_by <> ALL (ARRAY[consultant_id, confirmed_by, checked_by])
        AND callback_agent_id <> ALL (
            ARRAY[consultant_id, confirmed_by, checked_by, rechecked_by])
        AND paid_by <> ALL (
            ARRAY[consultant_id, confirmed_by, checked_by, rechecked_by, callback_agent_id])
    ),
    -- rewarded implies submitted < order < delivery <= verified (referral.md section 7).
    CONSTRAINT ck_referral_order_of_times CHECK (
        registered_at >= submitted_at AND ordered_at > registered_at
        AND delivered_at > ordered_at AND verified_at >= delivered_at
    ),
    CONSTRAINT ck_referral_proved CHECK (
        state NOT IN ('verified', 'reward_held', 'rewarded')
        OR (owner_id IS NOT NULL AND confirmed_by IS NOT NULL AND ordered_at IS NOT NULL
            AND delivered_at IS NOT NULL AND checked_by IS NOT NULL
            AND callback_agent_id IS NOT NULL AND verified_at IS NOT NULL)
    ),
    CONSTRAINT ck_referral_paid CHECK (state <> 'rewarded' OR paid_by IS NOT NULL)
);
-- One active referral per buyer.
CREATE UNIQUE INDEX uq_referral_buyer ON referral (dealer_id, buyer_phone_index)
WHERE state NOT IN ('refused', 'expired', 'failed', 'cancelled');
CREATE INDEX ix_referral_due ON referral (dealer_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ix_referral_owner ON referral (dealer_id, owner_id, id);
CREATE INDEX ix_referral_consultant ON referral (dealer_id, consultant_id, id);
SELECT app_protect('referral', 'SELECT, INSERT');
-- What was reported is frozen: the service holds no right to change it.
GRANT UPDATE (
    state, reason, version, due_at, owner_id, confirmed_by, registered_at, order_no, ordered_at,
    bought_vin, bought_vin_index, bought_model, bought_colour, bought_transmission, invoice_no,
    invoiced_on, delivered_at, checked_by, rechecked_by, callback_agent_id, verified_at, paid_by
) ON referral TO loyalty_app;

CREATE TABLE referral_transition (
    referral_id uuid NOT NULL,
    seq integer NOT NULL CHECK (seq > 0),
    dealer_id uuid NOT NULL,
    event text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    actor_id text NOT NULL,
    actor_role text NOT NULL,
    reason text,
    at timestamptz NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT pk_referral_transition PRIMARY KEY (referral_id, seq),
    CONSTRAINT fk_referral_transition_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id)
);
SELECT app_protect('referral_transition', 'SELECT, INSERT');
SELECT app_append_only('referral_transition');

CREATE TABLE sale_event (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    source text NOT NULL,
    source_event_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('order', 'delivery', 'cancellation')),
    order_no text NOT NULL CHECK (order_no = btrim(order_no) AND order_no <> ''),
    occurred_at timestamptz NOT NULL,
    buyer_phone_index bytea,
    vin bytea,
    vin_index bytea,
    model text,
    colour text,
    transmission text,
    invoice_no text,
    invoiced_on date,
    fingerprint bytea NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_sale_event PRIMARY KEY (id),
    CONSTRAINT uq_sale_event_source UNIQUE (dealer_id, source, source_event_id),
    CONSTRAINT uq_sale_event_kind UNIQUE (dealer_id, order_no, kind),
    CONSTRAINT ck_sale_event_whole CHECK (
        (kind <> 'order' OR buyer_phone_index IS NOT NULL)
        AND (kind <> 'delivery' OR (vin IS NOT NULL AND vin_index IS NOT NULL
             AND model IS NOT NULL AND colour IS NOT NULL AND transmission IS NOT NULL
             AND invoice_no IS NOT NULL AND invoiced_on IS NOT NULL))
    )
);
CREATE INDEX ix_sale_event_buyer ON sale_event (dealer_id, buyer_phone_index);
SELECT app_protect('sale_event', 'SELECT, INSERT');
SELECT app_append_only('sale_event');

CREATE TABLE licence_check (
    referral_id uuid NOT NULL,
    attempt smallint NOT NULL CHECK (attempt BETWEEN 1 AND 2),
    dealer_id uuid NOT NULL,
    checked_by uuid NOT NULL,
    checked_at timestamptz NOT NULL,
    verdicts jsonb NOT NULL,
    passed boolean NOT NULL,
    reason text,
    vehicle_id uuid,
    CONSTRAINT pk_licence_check PRIMARY KEY (referral_id, attempt),
    CONSTRAINT uq_licence_check_person UNIQUE (referral_id, checked_by),
    CONSTRAINT fk_licence_check_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id),
    CONSTRAINT ck_licence_check_reason CHECK (passed = (reason IS NULL))
);
SELECT app_protect('licence_check', 'SELECT, INSERT');
SELECT app_append_only('licence_check');

-- One draw per referral and purpose, for ever: no second insert, no update, no delete.
CREATE TABLE draw (
    referral_id uuid NOT NULL,
    purpose text NOT NULL,
    dealer_id uuid NOT NULL,
    party text NOT NULL CHECK (party IN ('buyer', 'owner')),
    commitment bytea NOT NULL,
    catalogue_hash text NOT NULL,
    selector_version text NOT NULL,
    entropy_on date NOT NULL,
    seed bytea NOT NULL,
    drawn_at timestamptz NOT NULL,
    CONSTRAINT pk_draw PRIMARY KEY (referral_id, purpose),
    CONSTRAINT fk_draw_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id)
);
SELECT app_protect('draw', 'SELECT, INSERT');
SELECT app_append_only('draw');

CREATE TABLE callback (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    purpose text NOT NULL,
    party text NOT NULL,
    agent_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT pk_callback PRIMARY KEY (id),
    CONSTRAINT uq_callback_draw UNIQUE (referral_id, purpose),
    CONSTRAINT fk_callback_draw FOREIGN KEY (referral_id, purpose)
        REFERENCES draw (referral_id, purpose),
    CONSTRAINT fk_callback_agent FOREIGN KEY (dealer_id, agent_id) REFERENCES staff (dealer_id, id),
    CONSTRAINT ck_callback_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE INDEX ix_callback_agent ON callback (dealer_id, agent_id, id);
SELECT app_protect('callback', 'SELECT, INSERT');
GRANT UPDATE (state, closed_at) ON callback TO loyalty_app;

CREATE TABLE callback_question (
    callback_id uuid NOT NULL,
    position smallint NOT NULL CHECK (position BETWEEN 1 AND 4),
    dealer_id uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    text_zh bytea NOT NULL,
    text_en bytea NOT NULL,
    expected bytea NOT NULL,
    CONSTRAINT pk_callback_question PRIMARY KEY (callback_id, position),
    CONSTRAINT fk_callback_question_callback FOREIGN KEY (callback_id) REFERENCES callback (id)
);
SELECT app_protect('callback_question', 'SELECT, INSERT');
SELECT app_append_only('callback_question');

CREATE TABLE callback_answer (
    callback_id uuid NOT NULL,
    position smallint NOT NULL,
    dealer_id uuid NOT NULL,
    said text NOT NULL CHECK (said IN ('confirmed', 'denied', 'dont_know', 'answered')),
    words bytea,
    mark text NOT NULL CHECK (mark IN ('right', 'wrong')),
    answered_by uuid NOT NULL,
    answered_at timestamptz NOT NULL,
    CONSTRAINT pk_callback_answer PRIMARY KEY (callback_id, position),
    CONSTRAINT fk_callback_answer_question FOREIGN KEY (callback_id, position)
        REFERENCES callback_question (callback_id, position)
);
SELECT app_protect('callback_answer', 'SELECT, INSERT');
SELECT app_append_only('callback_answer');

CREATE TABLE referral_reward (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    member_id uuid NOT NULL,
    rule_id text NOT NULL,
    rule_version integer NOT NULL,
    nth integer NOT NULL CHECK (nth > 0),
    points bigint NOT NULL CHECK (points > 0),
    state text NOT NULL CHECK (state IN ('held', 'paid', 'cancelled')),
    held_at timestamptz NOT NULL,
    release_at timestamptz NOT NULL,
    paid_at timestamptz,
    posting_set_id uuid,
    CONSTRAINT pk_referral_reward PRIMARY KEY (id),
    CONSTRAINT uq_referral_reward_once UNIQUE (referral_id, member_id, rule_version),
    CONSTRAINT fk_referral_reward_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id),
    CONSTRAINT fk_referral_reward_posting FOREIGN KEY (member_id, posting_set_id)
        REFERENCES posting_set (member_id, id),
    CONSTRAINT ck_referral_reward_paid CHECK (
        (state = 'paid') = (paid_at IS NOT NULL) AND (state = 'paid') = (posting_set_id IS NOT NULL)
        AND paid_at >= release_at
    )
);
-- A place on the ladder is held by one live reward.
CREATE UNIQUE INDEX uq_referral_reward_nth ON referral_reward (member_id, rule_id, nth)
WHERE state <> 'cancelled';
SELECT app_protect('referral_reward', 'SELECT, INSERT');
GRANT UPDATE (state, paid_at, posting_set_id) ON referral_reward TO loyalty_app;

CREATE TABLE consultant_case (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    consultant_id uuid NOT NULL,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('open')),
    opened_at timestamptz NOT NULL,
    CONSTRAINT pk_consultant_case PRIMARY KEY (id),
    CONSTRAINT uq_consultant_case_referral UNIQUE (referral_id),
    CONSTRAINT fk_consultant_case_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id)
);
SELECT app_protect('consultant_case', 'SELECT, INSERT');
