-- Earning rules as versioned data (F19-F23), what they gave, the tiers they ask for, returns.

CREATE TABLE earning_rule (
    dealer_id uuid NOT NULL,
    code text NOT NULL CHECK (code = btrim(code) AND length(code) BETWEEN 1 AND 60),
    version integer NOT NULL CHECK (version > 0),
    id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'published', 'withdrawn')),
    body jsonb NOT NULL,
    effective_from date NOT NULL,
    effective_until date,
    author_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    publisher_id uuid,
    published_at timestamptz,
    CONSTRAINT pk_earning_rule PRIMARY KEY (dealer_id, code, version),
    CONSTRAINT uq_earning_rule_id UNIQUE (id),
    CONSTRAINT fk_earning_rule_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id),
    CONSTRAINT ck_earning_rule_two_people CHECK (publisher_id <> author_id),
    CONSTRAINT ck_earning_rule_published CHECK (
        (state = 'published') = (publisher_id IS NOT NULL)
        AND (publisher_id IS NULL) = (published_at IS NULL)
    ),
    CONSTRAINT ck_earning_rule_half_open CHECK (effective_until > effective_from)
);
SELECT app_protect('earning_rule', 'SELECT, INSERT');
GRANT UPDATE (state, publisher_id, published_at, effective_until) ON earning_rule TO loyalty_app;

-- What was published stands: only its end may still be set, and only once.
CREATE FUNCTION earning_rule_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published rule stands' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER stands BEFORE UPDATE ON earning_rule
FOR EACH ROW WHEN (
    OLD.state <> 'draft' AND (
        NEW.state, NEW.body, NEW.effective_from, NEW.author_id, NEW.publisher_id, NEW.published_at
    ) IS DISTINCT FROM (
        OLD.state, OLD.body, OLD.effective_from, OLD.author_id, OLD.publisher_id, OLD.published_at
    )
    OR OLD.effective_until IS NOT NULL AND NEW.effective_until IS DISTINCT FROM OLD.effective_until
) EXECUTE FUNCTION earning_rule_stands();

CREATE TABLE rule_budget (
    dealer_id uuid NOT NULL,
    rule_code text NOT NULL,
    rule_version integer NOT NULL,
    budget bigint NOT NULL CHECK (budget > 0),
    granted bigint NOT NULL,
    CONSTRAINT pk_rule_budget PRIMARY KEY (dealer_id, rule_code, rule_version),
    CONSTRAINT fk_rule_budget_rule FOREIGN KEY (dealer_id, rule_code, rule_version)
        REFERENCES earning_rule (dealer_id, code, version),
    CONSTRAINT ck_rule_budget_granted CHECK (granted BETWEEN 0 AND budget)
) WITH (fillfactor = 80);
SELECT app_protect('rule_budget', 'SELECT, INSERT');
GRANT UPDATE (granted) ON rule_budget TO loyalty_app;

-- What each rule gave for each document: caps, cooldowns and explanations count these.
CREATE TABLE rule_grant (
    member_id uuid NOT NULL,
    document_id uuid NOT NULL,
    rule_code text NOT NULL,
    rule_version integer NOT NULL,
    dealer_id uuid NOT NULL,
    business_on date NOT NULL,
    raw bigint NOT NULL CHECK (raw > 0),
    points bigint NOT NULL CHECK (points BETWEEN 1 AND raw),
    lot_id uuid NOT NULL,
    CONSTRAINT pk_rule_grant PRIMARY KEY (member_id, document_id, rule_code)
);
CREATE INDEX ix_rule_grant_usage ON rule_grant (member_id, rule_code, business_on);
SELECT app_protect('rule_grant', 'SELECT, INSERT');
SELECT app_append_only('rule_grant');

-- The level a member has from a day on: a later day or a later word replaces the earlier.
CREATE TABLE member_tier (
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    tier text NOT NULL CHECK (tier ~ '^[a-z][a-z0-9_]{0,29}$'),
    since_on date NOT NULL,
    reason text NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    CONSTRAINT pk_member_tier PRIMARY KEY (member_id, id),
    CONSTRAINT fk_member_tier_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id)
);
CREATE INDEX ix_member_tier_since ON member_tier (member_id, since_on DESC, id DESC);
SELECT app_protect('member_tier', 'SELECT, INSERT');
SELECT app_append_only('member_tier');

ALTER TABLE source_document
    ALTER COLUMN rule_id DROP NOT NULL,
    ALTER COLUMN rule_version DROP NOT NULL,
    ADD COLUMN vehicle_id uuid,
    ADD COLUMN campaign text,
    ADD COLUMN evaluation jsonb,
    ADD COLUMN returns_id uuid,
    DROP CONSTRAINT source_document_points_check,
    ADD CONSTRAINT ck_source_document_points CHECK (
        CASE WHEN returns_id IS NULL THEN points >= 0 ELSE points <= 0 END
    ),
    ADD CONSTRAINT ck_source_document_return CHECK ((kind = 'return') = (returns_id IS NOT NULL)),
    ADD CONSTRAINT fk_source_document_returns FOREIGN KEY (returns_id)
        REFERENCES source_document (id);
CREATE INDEX ix_source_document_returns ON source_document (returns_id)
    WHERE returns_id IS NOT NULL;
CREATE INDEX ix_source_document_member ON source_document (member_id, id);
