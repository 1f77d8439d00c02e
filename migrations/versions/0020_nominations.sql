-- Messages for the gateway, the phone of record with its cooling period, the owner's nomination (F49).

-- A short message (短信) is given out once: number and texts are erased in the same statement.
CREATE TABLE notice (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{1,39}$'),
    member_id uuid,
    phone bytea,
    text_zh bytea,
    text_en bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    taken_at timestamptz,
    taken_by text,
    CONSTRAINT pk_notice PRIMARY KEY (id),
    CONSTRAINT fk_notice_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id),
    CONSTRAINT fk_notice_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_notice_alive CHECK (created_at < expires_at),
    CONSTRAINT ck_notice_whole CHECK (
        (phone IS NULL) = (text_zh IS NULL) AND (phone IS NULL) = (text_en IS NULL)
    ),
    CONSTRAINT ck_notice_taken CHECK (
        (taken_at IS NULL) = (taken_by IS NULL)
        AND (taken_at IS NULL OR (phone IS NULL AND taken_at < expires_at))
    )
);
CREATE INDEX ix_notice_waiting ON notice (dealer_id, id) WHERE phone IS NOT NULL;
SELECT app_protect('notice', 'SELECT, INSERT');
GRANT UPDATE (phone, text_zh, text_en, taken_at, taken_by) ON notice TO loyalty_app;

CREATE FUNCTION notice_is_taken_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a notice is given out once and never written again'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER taken_once BEFORE UPDATE ON notice
FOR EACH ROW WHEN (OLD.phone IS NULL OR NEW.phone IS NOT NULL)
EXECUTE FUNCTION notice_is_taken_once();

-- The number of record of a member whose phone was changed, until the new one has cooled off.
CREATE TABLE member_former_phone (
    member_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    phone bytea NOT NULL,
    phone_index bytea NOT NULL CHECK (length(phone_index) = 32),
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    until timestamptz NOT NULL,
    CONSTRAINT pk_member_former_phone PRIMARY KEY (member_id),
    CONSTRAINT fk_member_former_phone_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_member_former_phone_cools CHECK (changed_at < until)
);
CREATE INDEX ix_member_former_phone_until ON member_former_phone (dealer_id, until);
CREATE INDEX ix_member_former_phone_index ON member_former_phone (dealer_id, phone_index);
SELECT app_protect('member_former_phone', 'SELECT, INSERT, DELETE');
GRANT UPDATE (phone, phone_index, changed_at, changed_by, until)
    ON member_former_phone TO loyalty_app;

-- One-time codes to the phone of record: the digits are kept nowhere, five a day are all.
CREATE TABLE nomination_code (
    referral_id uuid NOT NULL,
    issued_on date NOT NULL,
    nth smallint NOT NULL CHECK (nth BETWEEN 1 AND 5),
    dealer_id uuid NOT NULL,
    code_index bytea NOT NULL CHECK (length(code_index) = 32),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_nomination_code PRIMARY KEY (referral_id, issued_on, nth),
    CONSTRAINT fk_nomination_code_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id),
    CONSTRAINT ck_nomination_code_alive CHECK (issued_at < expires_at)
);
SELECT app_protect('nomination_code', 'SELECT, INSERT');
SELECT app_append_only('nomination_code');

CREATE TABLE nomination_attempt (
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    referral_id uuid NOT NULL,
    at timestamptz NOT NULL,
    right_code boolean NOT NULL,
    CONSTRAINT pk_nomination_attempt PRIMARY KEY (id),
    CONSTRAINT fk_nomination_attempt_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id)
);
CREATE INDEX ix_nomination_attempt_wrong ON nomination_attempt (referral_id, at)
    WHERE NOT right_code;
SELECT app_protect('nomination_attempt', 'SELECT, INSERT');
SELECT app_append_only('nomination_attempt');

-- Whom the owner says he recommended, in his own words, told once (车主提名).
CREATE TABLE nomination (
    referral_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    member_id uuid NOT NULL,
    friend_name bytea NOT NULL,
    relation text NOT NULL CHECK (relation ~ '^[a-z][a-z_]{1,39}$'),
    known_for text NOT NULL CHECK (known_for IN ('under_1', '1_to_3', '3_to_10', 'over_10')),
    told bytea NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('match', 'unclear', 'mismatch')),
    nominated_at timestamptz NOT NULL,
    CONSTRAINT pk_nomination PRIMARY KEY (referral_id),
    CONSTRAINT fk_nomination_referral FOREIGN KEY (dealer_id, referral_id)
        REFERENCES referral (dealer_id, id),
    CONSTRAINT fk_nomination_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id)
);
SELECT app_protect('nomination', 'SELECT, INSERT');
SELECT app_append_only('nomination');

-- By the owner of this referral, and before anybody has looked at its evidence.
CREATE FUNCTION nomination_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM referral
        WHERE id = NEW.referral_id AND owner_id = NEW.member_id
            AND state IN ('registered', 'ordered', 'delivered', 'check_failed')
    ) THEN
        RAISE EXCEPTION 'not by the owner, or not before the licence was checked'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_nomination_in_time';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER in_time AFTER INSERT ON nomination
FOR EACH ROW EXECUTE FUNCTION nomination_in_time();

-- No licence is found to agree before the owner has named his friend himself.
CREATE FUNCTION referral_was_nominated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM nomination WHERE referral_id = NEW.id AND member_id = NEW.owner_id
    ) THEN
        RAISE EXCEPTION 'the owner has not named his friend'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_referral_nominated';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER was_nominated BEFORE UPDATE OF state ON referral
FOR EACH ROW WHEN (NEW.state = 'checked' AND OLD.state <> 'checked')
EXECUTE FUNCTION referral_was_nominated();

-- A person of the staff who is a party by a number he has just given up decides nothing either.
CREATE FUNCTION referral_duty_former_phone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM member_former_phone former
        JOIN referral ON referral.owner_id = former.member_id
        WHERE referral.id = NEW.referral_id AND former.phone_index IN (
            SELECT phone_index FROM staff WHERE id = NEW.person_id
            UNION ALL
            SELECT phone_index FROM staff_relative WHERE staff_id = NEW.person_id
        )
    ) THEN
        RAISE EXCEPTION 'a party of the referral, or a relative of one'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_referral_duty_impartial';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER impartial_former BEFORE INSERT ON referral_duty
FOR EACH ROW EXECUTE FUNCTION referral_duty_former_phone();
