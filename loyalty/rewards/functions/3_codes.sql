-- Voucher codes (券码) of a pool: each is handed out once, soonest end first, never after its day.
-- Whoever takes or gives back locks the reward's stock before its codes.

CREATE OR REPLACE FUNCTION reward_today(p_now timestamptz)
RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (p_now AT TIME ZONE (SELECT timezone FROM dealer WHERE id = app_dealer()))::date;
END
$$;

-- The next code to hand out that is good on a day, locked; null when there is none.
CREATE OR REPLACE FUNCTION reward_next_code(p_reward uuid, p_on date)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_code uuid;
BEGIN
    SELECT id INTO v_code FROM reward_code
    WHERE reward_id = p_reward AND state = 'available' AND (ends_on IS NULL OR ends_on >= p_on)
    ORDER BY ends_on, id LIMIT 1 FOR UPDATE SKIP LOCKED;
    RETURN v_code;
END
$$;

-- The next code for one of the pieces taken that still want one. Before there is none, they go back
-- and are taken anew: codes past their day count as pieces until then.
CREATE OR REPLACE FUNCTION reward_find_code(
    p_reward uuid, p_on date, p_pieces bigint, p_now timestamptz
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_code uuid := reward_next_code(p_reward, p_on);
BEGIN
    IF v_code IS NULL THEN
        UPDATE reward_stock SET available = available + p_pieces WHERE reward_id = p_reward;
        IF reward_take_anew(p_reward, p_pieces, p_now) THEN
            v_code := reward_next_code(p_reward, p_on);
        END IF;
    END IF;
    RETURN v_code;
END
$$;

-- Hands a code for each of its pieces to a redemption; false when there are not enough.
CREATE OR REPLACE FUNCTION reward_take_codes(
    p_reward uuid, p_redemption uuid, p_quantity bigint, p_now timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_today CONSTANT date := reward_today(p_now);
    v_code uuid;
BEGIN
    FOR v_left IN REVERSE p_quantity..1 LOOP
        v_code := reward_find_code(p_reward, v_today, v_left, p_now);
        UPDATE reward_code
        SET state = 'issued', member_id = redemption.member_id, redemption_id = redemption.id
        FROM redemption
        WHERE reward_code.id = v_code AND redemption.id = p_redemption;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END LOOP;
    PERFORM reward_told_issued(p_redemption);
    RETURN true;
END
$$;

-- Keeps a code for each of its pieces for a hold, good to its last day; false when there are not
-- enough.
CREATE OR REPLACE FUNCTION reward_keep_codes(
    p_reward uuid, p_member uuid, p_hold uuid, p_quantity bigint, p_now timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_until CONSTANT timestamptz := (
        SELECT expires_at FROM point_hold WHERE member_id = p_member AND id = p_hold
    );
    v_last CONSTANT date := reward_today(GREATEST(p_now, v_until));
    v_code uuid;
BEGIN
    FOR v_left IN REVERSE p_quantity..1 LOOP
        v_code := reward_find_code(p_reward, v_last, v_left, p_now);
        UPDATE reward_code SET state = 'held', member_id = p_member, hold_id = p_hold
        WHERE id = v_code;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$$;

-- Hands the codes a hold kept to the redemption it became; how many.
CREATE OR REPLACE FUNCTION reward_issue_kept(p_member uuid, p_hold uuid, p_redemption uuid)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_issued bigint;
BEGIN
    UPDATE reward_code SET state = 'issued', redemption_id = p_redemption
    WHERE hold_id = p_hold AND member_id = p_member AND state = 'held';
    GET DIAGNOSTICS v_issued = ROW_COUNT;
    IF v_issued > 0 THEN
        PERFORM reward_told_issued(p_redemption);
    END IF;
    RETURN v_issued;
END
$$;

-- Gives the codes a hold kept back to the pool; how many. Their stock is given back beside it.
CREATE OR REPLACE FUNCTION reward_return_codes(p_member uuid, p_hold uuid)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_back bigint;
BEGIN
    UPDATE reward_code SET state = 'available', member_id = NULL, hold_id = NULL
    WHERE hold_id = p_hold AND member_id = p_member AND state = 'held';
    GET DIAGNOSTICS v_back = ROW_COUNT;
    RETURN v_back;
END
$$;

-- Takes the codes whose day has passed from the pool and from stock; how many.
CREATE OR REPLACE FUNCTION reward_lapse_codes(p_reward uuid, p_now timestamptz)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_lapsed bigint;
BEGIN
    PERFORM FROM reward_stock WHERE reward_id = p_reward FOR NO KEY UPDATE;
    UPDATE reward_code SET state = 'void', voided_at = p_now
    WHERE reward_id = p_reward AND state = 'available' AND ends_on < reward_today(p_now);
    GET DIAGNOSTICS v_lapsed = ROW_COUNT;
    UPDATE reward_stock SET received = received - v_lapsed, available = available - v_lapsed
    WHERE reward_id = p_reward AND v_lapsed > 0;
    RETURN v_lapsed;
END
$$;

-- Codes are issued with the redemption itself: its first step.
CREATE OR REPLACE FUNCTION reward_told_issued(p_redemption uuid)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO redemption_step (member_id, redemption_id, step, dealer_id, at, by)
    SELECT member_id, id, 'issued', dealer_id, redeemed_at, redeemed_by
    FROM redemption WHERE id = p_redemption
    ON CONFLICT DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION reward_hold_returned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM reward_return_codes(NEW.member_id, NEW.hold_id);
    RETURN NULL;
END
$$;

-- A code handed out stays with its redemption until that is cancelled; one revealed never comes
-- back, and what is void stays so. One of the pool becomes void by its last day alone.
CREATE OR REPLACE FUNCTION reward_code_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'void'
        OR OLD.state = 'held' AND NEW.state = 'void'
        OR OLD.state = 'available' AND NEW.state = 'void'
            AND (OLD.ends_on < reward_today(NEW.voided_at)) IS NOT TRUE
        OR OLD.hold_id IS NOT NULL AND NEW.state <> 'available'
            AND (NEW.member_id, NEW.hold_id) IS DISTINCT FROM (OLD.member_id, OLD.hold_id)
        OR OLD.redemption_id IS NOT NULL AND NEW.state <> 'available'
            AND (NEW.member_id, NEW.redemption_id)
                IS DISTINCT FROM (OLD.member_id, OLD.redemption_id)
        OR OLD.state = 'issued' AND NEW.state <> 'issued' AND (
            NEW.state = 'held' OR NOT EXISTS (
                SELECT FROM redemption_cancellation WHERE redemption_id = OLD.redemption_id
            )
        )
        OR OLD.revealed_at IS NOT NULL AND (NEW.revealed_at, NEW.revealed_by)
            IS DISTINCT FROM (OLD.revealed_at, OLD.revealed_by)
    THEN
        RAISE EXCEPTION 'reward_code stands: % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

-- What is handed out for a redemption is a code of its reward.
CREATE OR REPLACE FUNCTION reward_code_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM redemption WHERE id = NEW.redemption_id AND reward_id = NEW.reward_id
    ) THEN
        RAISE EXCEPTION 'reward_code is of another reward'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$;

-- A cancellation is the end of its redemption, whoever writes it down: never beside a handover.
CREATE OR REPLACE FUNCTION reward_cancellation_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO redemption_step (member_id, redemption_id, step, dealer_id, at, by)
    VALUES (
        NEW.member_id, NEW.redemption_id, 'cancelled', NEW.dealer_id, NEW.cancelled_at,
        NEW.cancelled_by
    );
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION reward_step_is_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM redemption_cancellation WHERE redemption_id = NEW.redemption_id
    ) THEN
        RAISE EXCEPTION 'redemption_step cancelled without a cancellation'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION reward_codes_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reward_stock stock SET codes = COALESCE(stock.codes, 0) + added.codes
    FROM (
        SELECT reward_id, count(*) FILTER (WHERE state = 'available') AS codes
        FROM now_so GROUP BY reward_id
    ) added
    WHERE stock.reward_id = added.reward_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION reward_codes_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reward_stock stock SET codes = stock.codes + moved.codes
    FROM (
        SELECT reward_id, sum(step) AS codes FROM (
            SELECT reward_id, 1 AS step FROM now_so WHERE state = 'available'
            UNION ALL SELECT reward_id, -1 FROM before_so WHERE state = 'available'
        ) each GROUP BY reward_id
    ) moved
    WHERE stock.reward_id = moved.reward_id AND moved.codes <> 0;
    RETURN NULL;
END
$$;

-- A pool from which a piece went without a code, or a code without a piece, has run out of sense:
-- the act is refused as if nothing were left.
CREATE OR REPLACE FUNCTION reward_pool_is_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM reward_stock WHERE reward_id = NEW.reward_id AND available <> codes
    ) THEN
        PERFORM reward_refuse('out_of_stock');
    END IF;
    RETURN NULL;
END
$$;
