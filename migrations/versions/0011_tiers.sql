-- Tiers by value score (F24-F30): facts, schemes as versions, where every member stands.

-- A table of versioned data, as earning_rule is one: drafted, published by another person, ended.
CREATE FUNCTION app_create_versioned(p_table text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($sql$
        CREATE TABLE %1$I (
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
            CONSTRAINT pk_%1$s PRIMARY KEY (dealer_id, code, version),
            CONSTRAINT uq_%1$s_id UNIQUE (id),
            CONSTRAINT fk_%1$s_dealer FOREIGN KEY (dealer_id) REFERENCES dealer (id),
            CONSTRAINT ck_%1$s_two_people CHECK (publisher_id <> author_id),
            CONSTRAINT ck_%1$s_published CHECK (
                (state = 'published') = (publisher_id IS NOT NULL)
                AND (publisher_id IS NULL) = (published_at IS NULL)
            ),
            CONSTRAINT ck_%1$s_half_open CHECK (effective_until > effective_from)
        );
        CREATE TRIGGER stands BEFORE UPDATE ON %1$I
        FOR EACH ROW WHEN (
            OLD.state <> 'draft' AND (
                NEW.state, NEW.body, NEW.effective_from, NEW.author_id, NEW.publisher_id,
                NEW.published_at
            ) IS DISTINCT FROM (
                OLD.state, OLD.body, OLD.effective_from, OLD.author_id, OLD.publisher_id,
                OLD.published_at
            )
            OR OLD.effective_until IS NOT NULL
                AND NEW.effective_until IS DISTINCT FROM OLD.effective_until
        ) EXECUTE FUNCTION earning_rule_stands();
        GRANT UPDATE (state, publisher_id, published_at, effective_until) ON %1$I TO loyalty_app;
    $sql$, p_table);
    PERFORM app_protect(p_table, 'SELECT, INSERT');
END
$$;

SELECT app_create_versioned('tier_scheme');

-- What is known of a member that his score may count. Its key is what reads it: a member's facts of
-- a window, and nothing but the key's own pages.
CREATE TABLE value_fact (
    member_id uuid NOT NULL,
    happened_on date NOT NULL,
    id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,29}$'),
    amount bigint NOT NULL,
    grade text CHECK (grade ~ '^[a-z][a-z0-9_]{0,29}$'),
    corrects boolean NOT NULL,
    source text,
    source_event_id text,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    CONSTRAINT pk_value_fact PRIMARY KEY (member_id, happened_on, id)
        INCLUDE (kind, amount, grade, corrects),
    CONSTRAINT uq_value_fact_event UNIQUE (dealer_id, source, source_event_id),
    CONSTRAINT fk_value_fact_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id),
    CONSTRAINT ck_value_fact_reference CHECK ((source IS NULL) = (source_event_id IS NULL)),
    CONSTRAINT ck_value_fact_amount CHECK (amount >= 0 OR corrects)
);
SELECT app_protect('value_fact', 'SELECT, INSERT');
-- Read by the million: who is asked for is looked up once a statement, not once a row.
ALTER POLICY own_dealer ON value_fact USING (dealer_id = (SELECT app_dealer()));
SELECT app_append_only('value_fact');
-- A told fact is withdrawn by its id; those of documents are not, and need no place here.
CREATE UNIQUE INDEX ix_value_fact_told ON value_fact (id) WHERE source IS NOT NULL;

-- A told fact that was wrong: it stays, and counts for nothing.
CREATE TABLE value_fact_withdrawal (
    member_id uuid NOT NULL,
    happened_on date NOT NULL,
    fact_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    withdrawn_at timestamptz NOT NULL,
    withdrawn_by text NOT NULL,
    CONSTRAINT pk_value_fact_withdrawal PRIMARY KEY (member_id, happened_on, fact_id),
    CONSTRAINT fk_value_fact_withdrawal_fact FOREIGN KEY (member_id, happened_on, fact_id)
        REFERENCES value_fact (member_id, happened_on, id),
    CONSTRAINT fk_value_fact_withdrawal_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id)
);
SELECT app_protect('value_fact_withdrawal', 'SELECT, INSERT');
ALTER POLICY own_dealer ON value_fact_withdrawal USING (dealer_id = (SELECT app_dealer()));
SELECT app_append_only('value_fact_withdrawal');

INSERT INTO value_fact
SELECT taken.member_id, COALESCE(original.occurred_on, taken.occurred_on), taken.id, taken.dealer_id,
       COALESCE(original.kind, taken.kind), COALESCE(paid.amount, 0), NULL,
       taken.returns_id IS NOT NULL, NULL, NULL, taken.received_at, 'system'
FROM source_document taken
LEFT JOIN source_document original ON original.id = taken.returns_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN original.id IS NULL THEN
        sum((line ->> 'amount_fen')::bigint) FILTER (WHERE line ->> 'payer' = 'customer')
    ELSE
        -sum((line ->> 'amount_fen')::bigint)
            FILTER (WHERE original.lines -> (line ->> 'line')::integer ->> 'payer' = 'customer')
    END AS amount
    FROM jsonb_array_elements(taken.lines) AS said (line)
) paid;

-- Where a member stands by his score; a tier given by hand is another matter.
CREATE TABLE tier_standing (
    member_id uuid NOT NULL,
    dealer_id uuid NOT NULL,
    tier text NOT NULL CHECK (tier ~ '^[a-z][a-z0-9_]{0,29}$'),
    score bigint NOT NULL CHECK (score BETWEEN 0 AND 10000),
    since_on date NOT NULL,
    below_since date CHECK (below_since >= since_on),
    scheme_version integer NOT NULL,
    CONSTRAINT pk_tier_standing PRIMARY KEY (member_id),
    CONSTRAINT fk_tier_standing_member FOREIGN KEY (dealer_id, member_id)
        REFERENCES member (dealer_id, id)
) WITH (fillfactor = 80);
SELECT app_protect('tier_standing', 'SELECT, INSERT');
GRANT UPDATE (tier, score, since_on, below_since, scheme_version) ON tier_standing TO loyalty_app;

-- A word about a tier: earned by the score, with what showed it, or by hand until a day.
ALTER TABLE member_tier
    ALTER COLUMN tier DROP NOT NULL,
    ADD COLUMN kind text NOT NULL DEFAULT 'manual' CHECK (kind IN ('manual', 'earned')),
    ADD COLUMN until_on date,
    ADD COLUMN cause text CHECK (cause IN ('first', 'promoted', 'demoted', 'replaced')),
    ADD COLUMN previous text,
    ADD COLUMN score bigint,
    ADD COLUMN scheme_version integer,
    ADD COLUMN evidence jsonb,
    ADD CONSTRAINT ck_member_tier_until CHECK (until_on > since_on),
    ADD CONSTRAINT ck_member_tier_earned CHECK (
        CASE kind WHEN 'earned' THEN tier IS NOT NULL AND cause IS NOT NULL AND score IS NOT NULL
                  AND scheme_version IS NOT NULL AND evidence IS NOT NULL AND until_on IS NULL
        ELSE cause IS NULL AND scheme_version IS NULL END
    );

ALTER TABLE import_run
    DROP CONSTRAINT import_run_kind_check,
    ADD CONSTRAINT import_run_kind_check CHECK (
        kind IN ('members', 'vehicles', 'documents', 'balances', 'facts')
    );
