-- Stock of rewards, and how a function of this folder refuses: SQLSTATE LR001, the outcome as the
-- message, its numbers as the detail. Nothing of the call stays.

-- Stock of holds that ended or ran out goes back, once. The stock is locked first: who comes second
-- finds what the first one gave back.
CREATE OR REPLACE FUNCTION reward_return_overdue(p_reward uuid, p_now timestamptz)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_back bigint;
BEGIN
    PERFORM FROM reward_stock WHERE reward_id = p_reward FOR NO KEY UPDATE;
    WITH overdue AS (
        SELECT purpose.member_id, purpose.hold_id
        FROM hold_purpose purpose JOIN point_hold hold
            ON hold.member_id = purpose.member_id AND hold.id = purpose.hold_id
        WHERE purpose.reward_id = p_reward AND purpose.stock = 'kept'
            AND (hold.state IN ('released', 'expired') OR hold.expires_at <= p_now)
        ORDER BY purpose.hold_id FOR UPDATE OF purpose SKIP LOCKED
    ), back AS (
        UPDATE hold_purpose purpose SET stock = 'returned'
        FROM overdue
        WHERE purpose.member_id = overdue.member_id AND purpose.hold_id = overdue.hold_id
        RETURNING purpose.quantity
    )
    SELECT COALESCE(sum(quantity), 0) INTO v_back FROM back;
    IF v_back > 0 THEN
        UPDATE reward_stock SET available = available + v_back WHERE reward_id = p_reward;
    END IF;
    RETURN v_back;
END
$$;

-- Takes pieces from stock; false when there are not enough.
CREATE OR REPLACE FUNCTION reward_take_stock(p_reward uuid, p_quantity bigint, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reward_stock SET available = available - p_quantity
    WHERE reward_id = p_reward AND available >= p_quantity;
    IF FOUND THEN
        RETURN true;
    END IF;
    RETURN reward_take_anew(p_reward, p_quantity, p_now);
END
$$;

-- The same after all that is over went where it belongs: holds that ended, codes past their day.
CREATE OR REPLACE FUNCTION reward_take_anew(p_reward uuid, p_quantity bigint, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM reward_return_overdue(p_reward, p_now);
    PERFORM reward_lapse_codes(p_reward, p_now);
    UPDATE reward_stock SET available = available - p_quantity
    WHERE reward_id = p_reward AND available >= p_quantity;
    RETURN FOUND;
END
$$;

CREATE OR REPLACE FUNCTION reward_refuse(p_outcome text, p_facts jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', p_outcome USING ERRCODE = 'LR001', DETAIL = p_facts::text;
END
$$;
