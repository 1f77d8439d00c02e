-- Takes points from a member's lots, soonest expiry first, for a redemption, a hold, a transfer or
-- a correction. `outcome` is 'done', or why nothing has changed: 'no_account', 'frozen',
-- 'insufficient'. `spendable` is what is left, or what there is.
CREATE OR REPLACE FUNCTION point_spend(
    p_act point_act, p_member uuid, p_set uuid, p_kind text, p_points bigint, p_honoured_by uuid,
    OUT outcome text, OUT spendable bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_frozen boolean;
    v_more boolean;
    v_due boolean;
BEGIN
    SELECT frozen, pending > 0 OR held > 0 OR arrears > 0 INTO v_frozen, v_more
    FROM point_account WHERE member_id = p_member FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'no_account';
        RETURN;
    END IF;
    SELECT COALESCE(sum(remaining) FILTER (
               WHERE point_lot_alive(available_at, expires_at, (p_act).now)
           ), 0), COALESCE(bool_or(expires_at <= (p_act).now), false)
    INTO spendable, v_due FROM point_lot WHERE member_id = p_member AND open;
    IF v_due OR v_more AND point_is_due(p_member, (p_act).now) THEN
        PERFORM point_catch_up(p_act, ARRAY[p_member]);
    END IF;
    IF v_more THEN
        spendable := point_spendable(p_member, (p_act).now);
    END IF;
    IF v_frozen OR p_points <= 0 OR spendable < p_points THEN
        outcome := CASE WHEN v_frozen THEN 'frozen' ELSE 'insufficient' END;
        RETURN;
    END IF;
    WITH share AS (
        SELECT *, CASE WHEN p_kind IN ('redemption', 'capture') AND issuer_id <> p_honoured_by
                       THEN p_honoured_by END AS owed_to
        FROM point_share(p_member, p_points, (p_act).now)
    ), taken AS (
        UPDATE point_lot AS lot SET
            remaining = lot.remaining - share.points,
            open = lot.remaining > share.points,
            held = lot.held + CASE WHEN p_kind = 'hold' THEN share.points ELSE 0 END
        FROM share WHERE lot.member_id = p_member AND lot.id = share.lot_id
    ), line AS (
        SELECT 1 AS part, 'member' AS side, 'available' AS account, issuer_id, lot_id,
               -points AS points, NULL::uuid AS counterparty_id, place
        FROM share
        UNION ALL
        SELECT 2, 'member', 'held', issuer_id, lot_id, points, NULL, place
        FROM share WHERE p_kind = 'hold'
        UNION ALL
        SELECT 3, 'programme', 'payable', issuer_id, lot_id, points, owed_to, place
        FROM share WHERE owed_to IS NOT NULL
        UNION ALL
        SELECT 4, 'programme', CASE p_kind WHEN 'transfer_out' THEN 'transferred'
                                           WHEN 'adjustment' THEN 'adjusted'
                                           ELSE 'redeemed' END,
               issuer_id, NULL, sum(points), NULL, 0
        FROM share WHERE p_kind <> 'hold' AND owed_to IS NULL GROUP BY issuer_id
    ), written AS (
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points,
            counterparty_id
        )
        SELECT p_member, p_set, row_number() OVER (ORDER BY part, place, issuer_id),
               (p_act).dealer_id, side, account, issuer_id, lot_id, points, counterparty_id
        FROM line
    ), moved AS (
        UPDATE point_account SET
            available = available - p_points,
            held = held + CASE WHEN p_kind = 'hold' THEN p_points ELSE 0 END,
            version = version + 1
        WHERE member_id = p_member
        RETURNING version, CASE WHEN p_kind = 'hold' THEN 0 ELSE -p_points END AS points
    ), booked AS (
        INSERT INTO posting_set (
            member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
            source, source_key, honoured_by, reason, actor_id, actor_role, request_id
        )
        SELECT p_member, p_set, (p_act).dealer_id, version, p_kind, points, (p_act).business_on,
               (p_act).now, (p_act).source, (p_act).source_key, p_honoured_by, (p_act).reason,
               (p_act).actor_id, (p_act).actor_role, (p_act).request_id
        FROM moved
    )
    INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
    VALUES ((p_act).dealer_id, point_event_kind(p_kind), p_member,
            jsonb_build_object('posting_set_id', p_set, 'points', -p_points),
            (p_act).now, (p_act).request_id);
    outcome := 'done';
    spendable := spendable - p_points;
END
$$;

-- Points to another member: they keep issuer, rule, cost and dates (F11, no laundering of expiry).
CREATE OR REPLACE FUNCTION point_transfer(
    p_act point_act, p_from uuid, p_to uuid, p_set_out uuid, p_set_in uuid, p_points bigint,
    OUT outcome text, OUT spendable bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_frozen boolean;
BEGIN
    IF point_lock(ARRAY[p_from, p_to]) <> 2 THEN
        outcome := 'no_account';
        RETURN;
    END IF;
    SELECT frozen INTO v_frozen FROM point_account WHERE member_id = p_to;
    IF v_frozen THEN
        outcome := 'frozen';
        RETURN;
    END IF;
    SELECT * INTO outcome, spendable
    FROM point_spend(p_act, p_from, p_set_out, 'transfer_out', p_points, NULL);
    IF outcome <> 'done' THEN
        RETURN;
    END IF;
    PERFORM point_credit_all(p_act, array_agg(ROW(
        entry.line, p_to, p_set_in, 'transfer_in', (p_act).source, (p_act).source_key,
        lot.business_on, 'transferred', point_new_id((p_act).now), lot.issuer_id,
        -entry.points, lot.rule_id, lot.rule_version, lot.unit_cost_fen, lot.available_at,
        lot.awaits, lot.cancel_at, lot.expires_at, lot.inactivity_months, lot.inactivity_round,
        lot.id
    )::point_credit ORDER BY entry.line))
    FROM point_entry entry
    JOIN point_lot lot ON lot.member_id = entry.member_id AND lot.id = entry.lot_id
    WHERE entry.member_id = p_from AND entry.posting_set_id = p_set_out
        AND entry.side = 'member';
END
$$;
