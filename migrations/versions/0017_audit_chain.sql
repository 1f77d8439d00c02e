-- The audit trail as a chain per dealer (P27): each link holds the hash of the link before and of
-- the whole audit row, so that nobody changes, drops, moves or slips in a row unseen.
--
-- Every new audit row waits until it has a link. Acts of people at desks and everything of referrals
-- is chained by the transaction that wrote it; the rest, of which there may be thousands a minute,
-- is sealed later, because whoever chains holds the dealer's tip until he has committed.

SET LOCAL statement_timeout = 0;

CREATE TABLE audit_link (
    dealer_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    event_id uuid NOT NULL,
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    CONSTRAINT pk_audit_link PRIMARY KEY (dealer_id, seq),
    CONSTRAINT uq_audit_link_event_id UNIQUE (event_id)
);
SELECT app_protect('audit_link', 'SELECT');
SELECT app_append_only('audit_link');

-- Where the chain of a dealer ends; seq 0 and a hash of zeros while it is empty.
CREATE TABLE audit_tip (
    dealer_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    CONSTRAINT pk_audit_tip PRIMARY KEY (dealer_id)
) WITH (fillfactor = 50);
SELECT app_protect('audit_tip', 'SELECT');

-- Audit rows without a link; `at_commit` those of a transaction that chains them itself, which
-- nobody else ever sees here.
CREATE TABLE audit_pending (
    dealer_id uuid NOT NULL,
    event_id uuid NOT NULL,
    at_commit boolean NOT NULL,
    CONSTRAINT pk_audit_pending PRIMARY KEY (dealer_id, event_id)
);
CREATE INDEX ix_audit_pending_at_commit ON audit_pending (dealer_id, event_id) WHERE at_commit;
SELECT app_protect('audit_pending', 'SELECT');

-- What the hash is of: every column, in this order, instants as microseconds since 1970. Whoever
-- adds a column to the audit row adds it here for new links only, or every chain is broken.
CREATE FUNCTION audit_hash(p_previous bytea, p_seq bigint, p_event audit_event)
RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(p_previous || convert_to(jsonb_build_array(
        p_event.dealer_id, p_seq, p_event.id,
        trunc(extract(epoch FROM p_event.at) * 1000000)::text,
        p_event.actor_id, p_event.actor_role, p_event.client, p_event.action,
        p_event.subject_id, p_event.request_id, p_event.details
    )::text, 'UTF8'))
$$;

CREATE FUNCTION audit_start() RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT decode(repeat('00', 32), 'hex')
$$;

-- Whether a row is chained when it is committed. Redemptions at a desk are not: they are as many
-- as those of owners.
CREATE FUNCTION audit_at_commit(p_role text, p_action text)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_role NOT IN ('owner', 'crm', 'system') AND p_action <> 'reward.redeemed')
        OR p_action = 'reward.paid'
        OR p_action ~ ('^(referral|draw|call|licence|nominat|consultant|consent'
            || '|risk|fraud|judge|appeal|penalt|suspen|parties|answer|narrative|evidence|relative)')
$$;

-- Chain the dealer's oldest waiting rows, at most so many, and those of this very transaction; how
-- many they were. Whoever else chains for this dealer waits until this transaction has ended.
CREATE FUNCTION audit_seal(p_dealer uuid, p_most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_tip audit_tip;
    v_event audit_event;
    v_seq bigint;
    v_hash bytea;
    v_events uuid[] := '{}';
    v_before bytea[] := '{}';
    v_hashes bytea[] := '{}';
BEGIN
    SELECT * INTO v_tip FROM audit_tip WHERE dealer_id = p_dealer FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the audit chain of dealer % has lost its tip', p_dealer
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    v_seq := v_tip.seq;
    v_hash := v_tip.hash;
    FOR v_event IN
        SELECT event.* FROM (
            (SELECT event_id FROM audit_pending WHERE dealer_id = p_dealer
             ORDER BY event_id LIMIT p_most)
            UNION
            SELECT event_id FROM audit_pending WHERE dealer_id = p_dealer AND at_commit
        ) AS due JOIN audit_event AS event ON event.id = due.event_id
        ORDER BY event.id
    LOOP
        v_seq := v_seq + 1;
        v_before := v_before || v_hash;
        v_hash := audit_hash(v_hash, v_seq, v_event);
        v_events := v_events || v_event.id;
        v_hashes := v_hashes || v_hash;
    END LOOP;
    IF v_seq > v_tip.seq THEN
        INSERT INTO audit_link (dealer_id, seq, event_id, previous_hash, hash)
        SELECT p_dealer, v_tip.seq + sealed.nth, sealed.event_id, sealed.previous_hash, sealed.hash
        FROM unnest(v_events, v_before, v_hashes) WITH ORDINALITY
            AS sealed (event_id, previous_hash, hash, nth);
        DELETE FROM audit_pending WHERE dealer_id = p_dealer AND event_id = ANY (v_events);
        UPDATE audit_tip SET seq = v_seq, hash = v_hash WHERE dealer_id = p_dealer;
    END IF;
    RETURN v_seq - v_tip.seq;
END
$$;
REVOKE EXECUTE ON FUNCTION audit_seal(uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_seal(uuid, bigint) TO loyalty_app;

-- Every new audit row waits for its link.
CREATE FUNCTION audit_wait() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO audit_pending (dealer_id, event_id, at_commit)
    VALUES (NEW.dealer_id, NEW.id, audit_at_commit(NEW.actor_role, NEW.action));
    RETURN NULL;
END
$$;

-- Chain what this transaction wrote, all of it the first time this runs and dealer by dealer in one
-- order, so that two transactions for the same two dealers never wait for each other.
--
-- It must run at the commit alone: SET CONSTRAINTS ALL IMMEDIATE would have it take a tip before the
-- rest of the transaction is done. That happens within a savepoint, which a commit never is: what
-- is written there bears another number than the transaction, and the row is put off again.
CREATE FUNCTION audit_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_at_top boolean;
    v_dealer uuid;
BEGIN
    UPDATE audit_pending SET dealer_id = dealer_id
    WHERE dealer_id = NEW.dealer_id AND event_id = NEW.event_id AND at_commit
    RETURNING xmin = pg_current_xact_id()::xid INTO v_at_top;
    IF v_at_top THEN
        FOR v_dealer IN
            SELECT DISTINCT dealer_id FROM audit_pending WHERE at_commit ORDER BY dealer_id
        LOOP
            PERFORM audit_seal(v_dealer, 200);
        END LOOP;
    ELSIF NOT v_at_top THEN
        SET CONSTRAINTS public.chained DEFERRED;
        UPDATE audit_pending SET at_commit = true
        WHERE dealer_id = NEW.dealer_id AND event_id = NEW.event_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER chained AFTER INSERT OR UPDATE OF at_commit ON audit_pending
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.at_commit) EXECUTE FUNCTION audit_chain();

-- A dealer has a tip from the first moment: one without is damage.
CREATE FUNCTION audit_open() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO audit_tip (dealer_id, seq, hash) VALUES (NEW.id, 0, audit_start());
    RETURN NULL;
END
$$;

-- The audit row that had its link here, after `p_before` and before `p_after`, if it is still there.
CREATE FUNCTION audit_lost(p_dealer uuid, p_before bytea, p_seq bigint, p_after bytea)
RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT event.id FROM audit_event AS event
    WHERE event.dealer_id = p_dealer AND audit_hash(p_before, p_seq, event) = p_after
    LIMIT 1
$$;

-- The first row of a dealer's chain that is not what it was, and what was done to it; nulls when
-- all is well. `missing`: a link, or the row it is of, is gone · `changed`: the row or its link says
-- something else · `reordered` · `inserted`: a link between two that follow each other · `tip`: it
-- is gone or is not that of the last link · `unlinked`: a row that neither has a link nor waits.
CREATE FUNCTION audit_fault(
    p_dealer uuid, OUT fault text, OUT seq bigint, OUT event_id uuid
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_tip audit_tip;
    v_last audit_link;
    v_bad record;
BEGIN
    SELECT * INTO v_tip FROM audit_tip WHERE dealer_id = p_dealer;
    SELECT * INTO v_last FROM audit_link AS link
    WHERE link.dealer_id = p_dealer ORDER BY link.seq DESC LIMIT 1;
    SELECT near.*, event INTO v_bad FROM (
        SELECT link, lag(link.seq, 1, 0::bigint) OVER by_seq AS before_seq,
               lag(link.event_id) OVER by_seq AS before_event,
               lag(link.hash, 1, audit_start()) OVER by_seq AS before_hash,
               lag(link.hash, 2, audit_start()) OVER by_seq AS earlier_hash,
               lead(link.previous_hash, 1, v_tip.hash) OVER by_seq AS after_previous
        FROM audit_link AS link WHERE link.dealer_id = p_dealer
        WINDOW by_seq AS (ORDER BY link.seq)
    ) AS near LEFT JOIN audit_event AS event ON event.id = (near.link).event_id
    WHERE (near.link).seq <> near.before_seq + 1
       OR (near.link).previous_hash <> near.before_hash
       OR event.id IS NULL
       OR (near.link).hash <> audit_hash((near.link).previous_hash, (near.link).seq, event)
    ORDER BY (near.link).seq LIMIT 1;
    IF FOUND THEN
        SELECT blamed.* INTO fault, seq, event_id
        FROM audit_blame(p_dealer, v_bad.link, v_bad.event, v_bad.before_seq, v_bad.before_event,
                         v_bad.before_hash, v_bad.earlier_hash, v_bad.after_previous,
                         greatest(v_last.seq, v_tip.seq)) AS blamed;
        RETURN;
    END IF;
    IF v_tip.seq > coalesce(v_last.seq, 0) THEN
        fault := 'missing';
        seq := coalesce(v_last.seq, 0) + 1;
        event_id := audit_lost(
            p_dealer, coalesce(v_last.hash, audit_start()), seq, v_tip.hash
        );
        RETURN;
    END IF;
    IF (v_tip.seq, v_tip.hash) IS DISTINCT FROM
       (coalesce(v_last.seq, 0), coalesce(v_last.hash, audit_start())) THEN
        fault := 'tip';
        seq := v_tip.seq;
        RETURN;
    END IF;
    SELECT 'missing', pending.event_id INTO fault, event_id FROM audit_pending AS pending
    WHERE pending.dealer_id = p_dealer
      AND NOT EXISTS (SELECT FROM audit_event AS event WHERE event.id = pending.event_id)
    ORDER BY pending.event_id LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT 'unlinked', event.id INTO fault, event_id FROM audit_event AS event
    WHERE event.dealer_id = p_dealer
      AND NOT EXISTS (SELECT FROM audit_link AS link WHERE link.event_id = event.id)
      AND NOT EXISTS (
          SELECT FROM audit_pending AS pending
          WHERE pending.dealer_id = p_dealer AND pending.event_id = event.id
      )
    ORDER BY event.id LIMIT 1;
END
$$;

-- What was done where a link does not hold. A link that fits its own row under one number, if not
-- under the one it bears, was moved; what follows it says whether it is the one to blame.
CREATE FUNCTION audit_blame(
    p_dealer uuid, p_link audit_link, p_event audit_event, p_before_seq bigint,
    p_before_event uuid, p_before_hash bytea, p_earlier_hash bytea, p_after_previous bytea,
    p_last bigint, OUT fault text, OUT seq bigint, OUT event_id uuid
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_origin bigint;
BEGIN
    seq := p_link.seq;
    event_id := p_link.event_id;
    IF p_link.seq <> p_before_seq + 1 THEN
        seq := p_before_seq + 1;
        event_id := audit_lost(p_dealer, p_before_hash, seq, p_link.previous_hash);
        fault := CASE WHEN EXISTS (
            SELECT FROM audit_link AS link WHERE link.event_id = audit_blame.event_id
        ) THEN 'reordered' ELSE 'missing' END;
        RETURN;
    END IF;
    IF p_event.id IS NULL THEN
        fault := 'missing';
        RETURN;
    END IF;
    SELECT nth INTO v_origin FROM generate_series(1, p_last + 1) AS nth
    WHERE audit_hash(p_link.previous_hash, nth, p_event) = p_link.hash LIMIT 1;
    IF v_origin IS NULL THEN
        fault := CASE
            WHEN p_after_previous = p_before_hash THEN 'inserted'
            WHEN EXISTS (
                SELECT FROM audit_link AS link WHERE link.dealer_id = p_dealer
                AND audit_hash(link.previous_hash, link.seq, p_event) = link.hash
            ) THEN 'reordered'
            ELSE 'changed'
        END;
    ELSIF v_origin = p_link.seq THEN
        fault := 'changed';
        IF p_after_previous = p_link.hash AND p_link.seq > 1 THEN
            seq := p_before_seq;
            event_id := p_before_event;
        END IF;
    ELSIF p_link.previous_hash = p_earlier_hash AND p_link.seq > 1 THEN
        fault := 'inserted';
        seq := p_before_seq;
        event_id := p_before_event;
    ELSIF EXISTS (
        SELECT FROM audit_link AS link
        WHERE link.dealer_id = p_dealer AND link.hash = p_link.previous_hash
    ) THEN
        fault := 'reordered';
    ELSE
        fault := 'missing';
        event_id := audit_lost(p_dealer, p_before_hash, seq, p_link.previous_hash);
    END IF;
END
$$;

-- What was written until now is chained here, in order; what is written while that lasts waits
-- after the triggers stand, which is when new rows are held up.
INSERT INTO audit_tip (dealer_id, seq, hash)
SELECT id, 0, audit_start() FROM dealer UNION SELECT dealer_id, 0, audit_start() FROM audit_event;
INSERT INTO audit_pending (dealer_id, event_id, at_commit)
SELECT dealer_id, id, false FROM audit_event;
DO $$
DECLARE
    v_dealer uuid;
BEGIN
    FOR v_dealer IN SELECT dealer_id FROM audit_tip ORDER BY dealer_id LOOP
        WHILE audit_seal(v_dealer, 10000) > 0 LOOP
        END LOOP;
    END LOOP;
END
$$;
CREATE TRIGGER opens_chain AFTER INSERT ON dealer
    FOR EACH ROW EXECUTE FUNCTION audit_open();
CREATE TRIGGER waits AFTER INSERT ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_wait();
INSERT INTO audit_tip (dealer_id, seq, hash)
SELECT id, 0, audit_start() FROM dealer ON CONFLICT DO NOTHING;
INSERT INTO audit_pending (dealer_id, event_id, at_commit)
SELECT event.dealer_id, event.id, false FROM audit_event AS event
LEFT JOIN audit_link AS link ON link.event_id = event.id WHERE link.event_id IS NULL;
