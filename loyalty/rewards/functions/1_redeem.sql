-- Redemption (F38): points by the ledger's own function, then the row, then stock, last. What is
-- refused is raised with SQLSTATE LR001, its outcome as the message and its numbers as the detail:
-- nothing of it stays.

-- Stock of holds that ended or ran out goes back, once.
CREATE OR REPLACE FUNCTION reward_return_overdue(p_reward uuid, p_now timestamptz)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_back bigint;
BEGIN
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
    IF reward_return_overdue(p_reward, p_now) = 0 THEN
        RETURN false;
    END IF;
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

-- Spends points on pieces of a reward; the answer as the API gives it.
CREATE OR REPLACE FUNCTION reward_redeem(
    p_act point_act, p_client text, p_redemption uuid, p_set uuid, p_member uuid, p_reward uuid,
    p_quantity bigint, p_honoured_by uuid
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    v_reward reward;
    v_points bigint;
    v_spent record;
BEGIN
    SELECT * INTO v_reward FROM reward WHERE id = p_reward;
    IF NOT FOUND THEN
        PERFORM reward_refuse('no_reward');
    END IF;
    IF p_honoured_by <> (p_act).dealer_id
        AND NOT EXISTS (SELECT FROM dealer_partner WHERE partner_id = p_honoured_by) THEN
        PERFORM reward_refuse('no_partner');
    END IF;
    v_points := v_reward.points * p_quantity;
    IF v_points > 10000000 THEN
        PERFORM reward_refuse('out_of_range');
    END IF;
    SELECT * INTO v_spent FROM point_spend(
        p_act, p_member, p_set, 'redemption', v_points,
        COALESCE(p_honoured_by, (p_act).dealer_id)
    );
    IF v_spent.outcome <> 'done' THEN
        PERFORM reward_refuse(v_spent.outcome, jsonb_build_object(
            'spendable', v_spent.spendable, 'needed', v_points
        ));
    END IF;
    INSERT INTO redemption (
        id, dealer_id, member_id, reward_id, quantity, points, posting_set_id, redeemed_at,
        redeemed_by, honoured_by
    ) VALUES (
        p_redemption, (p_act).dealer_id, p_member, p_reward, p_quantity, v_points, p_set,
        (p_act).now, (p_act).actor_id, COALESCE(p_honoured_by, (p_act).dealer_id)
    );
    INSERT INTO audit_event (
        id, dealer_id, at, actor_id, actor_role, client, action, subject_id, request_id, details
    ) VALUES (
        point_new_id((p_act).now), (p_act).dealer_id, (p_act).now, (p_act).actor_id,
        (p_act).actor_role, p_client, 'reward.redeemed', p_redemption, (p_act).request_id,
        jsonb_build_object('points', v_points, 'quantity', p_quantity)
    );
    IF NOT reward_take_stock(p_reward, p_quantity, (p_act).now) THEN
        PERFORM reward_refuse('out_of_stock');
    END IF;
    RETURN json_build_object(
        'id', p_redemption,
        'member_id', p_member,
        'reward_id', p_reward,
        'reward_name_zh', v_reward.name_zh,
        'reward_name_en', v_reward.name_en,
        'quantity', p_quantity,
        'points', v_points,
        'cash', json_build_object('amount_fen', 0, 'currency', 'CNY'),
        'hold_id', NULL,
        'honoured_by', COALESCE(p_honoured_by, (p_act).dealer_id),
        'posting_set_id', p_set,
        'redeemed_at', to_char(
            date_trunc('milliseconds', (p_act).now) AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        ),
        'cancelled_at', NULL
    );
END
$$;
