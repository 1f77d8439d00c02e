-- Takes points from a member's lots, soonest expiry first, for a redemption, a hold, a transfer or
-- a correction. `outcome` is 'done', or why nothing has changed: 'no_account', 'frozen',
-- 'insufficient'. `spendable` is what is left, or what there is.
CREATE OR REPLACE FUNCTION point_spend(
    p_act point_act, p_member uuid, p_set uuid, p_kind text, p_points bigint, p_honoured_by uuid,
    OUT outcome text, OUT spendable bigint
) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_account point_account;
    v_lot record;
    v_due boolean;
    v_share bigint;
    v_left bigint := p_points;
    v_line integer := 0;
    v_owed_to uuid;
    v_is_hold CONSTANT boolean := p_kind = 'hold';
    v_goes_to CONSTANT text := CASE p_kind WHEN 'hold' THEN 'held'
                                           WHEN 'transfer_out' THEN 'transferred'
                                           WHEN 'adjustment' THEN 'adjusted'
                                           ELSE 'redeemed' END;
BEGIN
    SELECT * INTO v_account FROM point_account WHERE member_id = p_member FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'no_account';
        RETURN;
    END IF;
    SELECT COALESCE(sum(remaining) FILTER (
               WHERE point_lot_alive(available_at, expires_at, (p_act).now)
           ), 0), COALESCE(bool_or(expires_at <= (p_act).now), false)
    INTO spendable, v_due FROM point_lot WHERE member_id = p_member AND open;
    IF v_account.pending > 0 OR v_account.held > 0 OR v_account.arrears > 0 THEN
        v_due := v_due OR point_is_due(p_member, (p_act).now);
        spendable := point_spendable(p_member, (p_act).now);
    END IF;
    IF v_due THEN
        PERFORM point_catch_up(p_act, ARRAY[p_member]);
        SELECT * INTO v_account FROM point_account WHERE member_id = p_member;
    END IF;
    IF v_account.frozen OR p_points <= 0 OR spendable < p_points THEN
        outcome := CASE WHEN v_account.frozen THEN 'frozen' ELSE 'insufficient' END;
        RETURN;
    END IF;
    FOR v_lot IN
        SELECT id, issuer_id, remaining FROM point_lot
        WHERE member_id = p_member AND open AND activated
            AND point_lot_alive(available_at, expires_at, (p_act).now)
        ORDER BY expires_at NULLS LAST, id
    LOOP
        v_share := LEAST(v_lot.remaining, v_left);
        UPDATE point_lot SET
            remaining = remaining - v_share,
            open = remaining > v_share,
            held = held + CASE WHEN v_is_hold THEN v_share ELSE 0 END
        WHERE member_id = p_member AND id = v_lot.id;
        IF p_honoured_by <> v_lot.issuer_id AND p_kind = 'redemption' THEN
            v_owed_to := p_honoured_by;
        ELSE
            v_owed_to := NULL;
        END IF;
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points,
            counterparty_id
        ) VALUES (
            p_member, p_set, v_line + 1, (p_act).dealer_id, 'member', 'available',
            v_lot.issuer_id, v_lot.id, -v_share, NULL
        ), (
            p_member, p_set, v_line + 2, (p_act).dealer_id,
            CASE WHEN v_is_hold THEN 'member' ELSE 'programme' END,
            CASE WHEN v_owed_to IS NULL THEN v_goes_to ELSE 'payable' END, v_lot.issuer_id,
            CASE WHEN v_is_hold OR v_owed_to IS NOT NULL THEN v_lot.id END, v_share, v_owed_to
        );
        v_line := v_line + 2;
        v_left := v_left - v_share;
        EXIT WHEN v_left = 0;
    END LOOP;
    UPDATE point_account SET
        available = available - p_points,
        held = held + CASE WHEN v_is_hold THEN p_points ELSE 0 END,
        version = version + 1
    WHERE member_id = p_member;
    INSERT INTO posting_set (
        member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
        source, source_key, honoured_by, reason, actor_id, actor_role, request_id
    ) VALUES (
        p_member, p_set, (p_act).dealer_id, v_account.version + 1, p_kind,
        CASE WHEN v_is_hold THEN 0 ELSE -p_points END, (p_act).business_on, (p_act).now,
        (p_act).source, (p_act).source_key, p_honoured_by, (p_act).reason, (p_act).actor_id,
        (p_act).actor_role, (p_act).request_id
    );
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
