-- Undoing (F8-F10): nothing is changed or deleted, the opposite is written beside it.

-- Cancels a redemption or capture: its points go back to the lots they came from, with the dates
-- those lots have; what belongs to a lot past its date is expired at once. `outcome`: 'done',
-- 'no_account', 'no_set', 'again'.
CREATE OR REPLACE FUNCTION point_restore(
    p_act point_act, p_member uuid, p_set uuid, p_undone uuid,
    OUT outcome text, OUT restored bigint, OUT spendable bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_points bigint;
    v_short record;
BEGIN
    IF point_lock(ARRAY[p_member]) <> 1 THEN
        outcome := 'no_account';
    ELSIF NOT EXISTS (
        SELECT FROM posting_set
        WHERE member_id = p_member AND id = p_undone AND kind IN ('redemption', 'capture')
    ) THEN
        outcome := 'no_set';
    ELSIF EXISTS (
        SELECT FROM posting_set
        WHERE member_id = p_member AND source = 'reversal' AND source_key = p_undone::text
    ) THEN
        outcome := 'again';
    END IF;
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;
    WITH gone AS MATERIALIZED (
        SELECT entry.line AS place, entry.lot_id, entry.issuer_id, -entry.points AS points,
               lot.expired_by IS NULL
                   AND (lot.expires_at IS NULL OR lot.expires_at > (p_act).now) AS alive
        FROM point_entry entry
        JOIN point_lot lot ON lot.member_id = entry.member_id AND lot.id = entry.lot_id
        WHERE entry.member_id = p_member AND entry.posting_set_id = p_undone
            AND entry.side = 'member'
    ), back AS (
        UPDATE point_lot AS lot SET
            remaining = lot.remaining + CASE WHEN alive THEN gone.points ELSE 0 END,
            open = lot.remaining > 0 OR alive,
            expired = lot.expired + CASE WHEN alive THEN 0 ELSE gone.points END
        FROM gone WHERE lot.member_id = p_member AND lot.id = gone.lot_id
    ), line AS (
        SELECT 1 AS part, 'member' AS side, 'available' AS account, issuer_id, lot_id, points,
               NULL::uuid AS counterparty_id, place
        FROM gone WHERE alive
        UNION ALL
        SELECT 2, 'programme', 'expired', issuer_id, NULL, sum(points), NULL, 0
        FROM gone WHERE NOT alive GROUP BY issuer_id
        UNION ALL
        SELECT 3, side, account, issuer_id, lot_id, -points, counterparty_id, line
        FROM point_entry
        WHERE member_id = p_member AND posting_set_id = p_undone AND side = 'programme'
    ), written AS (
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points,
            counterparty_id
        )
        SELECT p_member, p_set, row_number() OVER (ORDER BY part, place, issuer_id),
               (p_act).dealer_id, side, account, issuer_id, lot_id, points, counterparty_id
        FROM line
    )
    SELECT sum(points), COALESCE(sum(points) FILTER (WHERE alive), 0)
    INTO v_points, restored FROM gone;
    PERFORM point_book(
        p_act, p_member, p_set, 'reversal', restored, p_undone, 0, restored, 0::bigint, 0::bigint
    );
    PERFORM point_forgive(p_act, p_member, p_set, p_undone);
    PERFORM point_settle_arrears(p_act, p_member);
    FOR v_short IN SELECT * FROM point_written_off(p_member, p_set) LOOP
        PERFORM point_recover(
            p_act, p_member, p_set, v_short.set_id, v_short.issuer_id, LEAST(
                v_short.points, point_spendable(p_member, (p_act).now)
            )
        );
        PERFORM point_settle_arrears(p_act, p_member);
    END LOOP;
    outcome := 'done';
    spendable := point_spendable(p_member, (p_act).now);
END
$$;

-- What earlier clawbacks wrote off because it was spent, and what a reversal has now brought back.
CREATE OR REPLACE FUNCTION point_written_off(p_member uuid, p_set uuid)
RETURNS TABLE (set_id uuid, issuer_id uuid, points bigint) LANGUAGE sql STABLE AS $$
    SELECT lost.reverses, lost.issuer_id, LEAST(lost.points, back.points)::bigint
    FROM (
        SELECT undone.reverses, entry.issuer_id, -sum(entry.points) AS points
        FROM posting_set undone JOIN point_entry entry
            ON entry.member_id = undone.member_id AND entry.posting_set_id = undone.id
        WHERE undone.member_id = p_member AND undone.kind = 'clawback'
            AND entry.account = 'written_off'
        GROUP BY undone.reverses, entry.issuer_id
    ) lost JOIN (
        SELECT lot.posting_set_id, sum(entry.points) AS points
        FROM point_entry entry
        JOIN point_lot lot ON lot.member_id = entry.member_id AND lot.id = entry.lot_id
        WHERE entry.member_id = p_member AND entry.posting_set_id = p_set
            AND entry.side = 'member'
        GROUP BY lot.posting_set_id
    ) back ON back.posting_set_id = lost.reverses
    WHERE lost.points > 0 AND back.points > 0
    ORDER BY lost.reverses, lost.issuer_id
$$;

-- What the clawbacks of a posting set have made the member owe an issuer, less what was forgiven.
CREATE OR REPLACE FUNCTION point_charged(p_member uuid, p_undone uuid, p_issuer uuid)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT COALESCE(-sum(entry.points), 0)::bigint
        FROM posting_set undone JOIN point_entry entry
            ON entry.member_id = undone.member_id AND entry.posting_set_id = undone.id
        WHERE undone.member_id = p_member AND undone.kind = 'clawback'
            AND undone.reverses = p_undone
            AND entry.account = 'arrears' AND entry.issuer_id = p_issuer
    );
END
$$;

-- Points that came back after their lot's end are lost: as far as a return of their document made
-- the member owe for them, the debt is lifted, as it would be had they come back before the return.
CREATE OR REPLACE FUNCTION point_forgive(
    p_act point_act, p_member uuid, p_set uuid, p_spent uuid
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_act point_act := p_act;
    v_dead record;
    v_set uuid;
    v_points bigint;
BEGIN
    FOR v_dead IN
        SELECT lot.id AS lot_id, lot.posting_set_id, lot.issuer_id, LEAST(
                   -sum(entry.points), lot.expired - lot.reinstated
               )::bigint AS points
        FROM point_entry entry
        JOIN point_lot lot ON lot.member_id = entry.member_id AND lot.id = entry.lot_id
        WHERE entry.member_id = p_member AND entry.posting_set_id = p_spent
            AND entry.side = 'member' AND entry.account IN ('available', 'held')
            AND entry.points < 0
            AND (lot.expired_by IS NOT NULL OR lot.expires_at <= (p_act).now)
        GROUP BY lot.id, lot.posting_set_id, lot.issuer_id, lot.expired, lot.reinstated
        ORDER BY lot.id
    LOOP
        v_points := LEAST(
            v_dead.points,
            point_charged(p_member, v_dead.posting_set_id, v_dead.issuer_id),
            (SELECT COALESCE(-sum(points), 0) FROM point_entry
             WHERE member_id = p_member AND account = 'arrears' AND issuer_id = v_dead.issuer_id)
        );
        CONTINUE WHEN v_points <= 0;
        v_set := point_new_id((p_act).now);
        v_act.source := 'recovery';
        v_act.source_key := p_set::text || '/' || v_dead.lot_id::text;
        UPDATE point_lot SET expired = expired - v_points
        WHERE member_id = p_member AND id = v_dead.lot_id;
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, points
        ) VALUES
            (p_member, v_set, 1, (p_act).dealer_id, 'member', 'arrears', v_dead.issuer_id,
             v_points),
            (p_member, v_set, 2, (p_act).dealer_id, 'programme', 'expired', v_dead.issuer_id,
             -v_points);
        PERFORM point_book(
            v_act, p_member, v_set, 'clawback', v_points, v_dead.posting_set_id, 0::bigint,
            0::bigint, 0::bigint, -v_points
        );
    END LOOP;
END
$$;

-- A write-off undone: the member owes it, and what came back will pay.
CREATE OR REPLACE FUNCTION point_recover(
    p_act point_act, p_member uuid, p_set uuid, p_undone uuid, p_issuer uuid, p_points bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_act point_act := p_act;
    v_set CONSTANT uuid := point_new_id((p_act).now);
BEGIN
    IF p_points <= 0 THEN
        RETURN;
    END IF;
    v_act.source := 'recovery';
    v_act.source_key := p_set::text || '/' || p_undone::text;
    INSERT INTO point_entry (
        member_id, posting_set_id, line, dealer_id, side, account, issuer_id, points
    ) VALUES
        (p_member, v_set, 1, (p_act).dealer_id, 'member', 'arrears', p_issuer, -p_points),
        (p_member, v_set, 2, (p_act).dealer_id, 'programme', 'written_off', p_issuer, p_points);
    PERFORM point_book(
        v_act, p_member, v_set, 'clawback', -p_points, p_undone, 0::bigint, 0::bigint, 0::bigint,
        p_points
    );
END
$$;

-- Takes back points that should not have been earned. In this order: what is left of the lots they
-- are in; what expired of those lots (no debt arises from points he lost); other lots alive, soonest
-- expiry first; and then arrears, or, by the policy 'clamp', a shortfall written off (F9). Points
-- in a hold are left to the hold; what his own lots keep there is owed under either policy, or a
-- release would bring back what was written off. `outcome`: 'done', 'no_account'.
CREATE OR REPLACE FUNCTION point_claw_back(
    p_act point_act, p_member uuid, p_set uuid, p_undone uuid, p_points bigint, p_lots uuid[],
    p_issuer uuid, p_policy text,
    OUT outcome text, OUT taken bigint, OUT owed bigint, OUT written_off bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_own point_part[];
    v_lost point_part[];
    v_other point_part[];
    v_rest bigint;
    v_pending bigint;
BEGIN
    IF point_lock(ARRAY[p_member]) <> 1 THEN
        outcome := 'no_account';
        RETURN;
    END IF;
    PERFORM point_catch_up(p_act, ARRAY[p_member]);
    SELECT array_agg(ROW(
        id, issuer_id, CASE WHEN activated THEN 'available' ELSE 'pending' END,
        LEAST(remaining, p_points - before), before
    )::point_part) INTO v_own
    FROM (
        SELECT id, issuer_id, activated, remaining,
               sum(remaining) OVER (ORDER BY activated, id DESC) - remaining AS before
        FROM point_lot WHERE member_id = p_member AND id = ANY (p_lots) AND open
    ) walk WHERE before < p_points;
    v_rest := p_points - point_sum(v_own);
    SELECT array_agg(ROW(id, issuer_id, 'expired', LEAST(lost, v_rest - before), before)::point_part)
    INTO v_lost
    FROM (
        SELECT id, issuer_id, expired - reinstated AS lost,
               sum(expired - reinstated) OVER (ORDER BY id) - (expired - reinstated) AS before
        FROM point_lot
        WHERE member_id = p_member AND id = ANY (p_lots) AND expired > reinstated
    ) walk WHERE before < v_rest;
    v_rest := v_rest - point_sum(v_lost);
    UPDATE point_lot lot
    SET remaining = lot.remaining - part.points, open = lot.remaining > part.points
    FROM unnest(v_own) part WHERE lot.member_id = p_member AND lot.id = part.lot_id;
    UPDATE point_lot lot SET expired = lot.expired - part.points
    FROM unnest(v_lost) part WHERE lot.member_id = p_member AND lot.id = part.lot_id;
    SELECT array_agg(ROW(lot_id, issuer_id, 'available', points, place)::point_part) INTO v_other
    FROM point_share(p_member, v_rest, (p_act).now) WHERE v_rest > 0;
    UPDATE point_lot lot
    SET remaining = lot.remaining - part.points, open = lot.remaining > part.points
    FROM unnest(v_other) part WHERE lot.member_id = p_member AND lot.id = part.lot_id;
    v_rest := v_rest - point_sum(v_other);
    v_pending := (SELECT COALESCE(sum(points), 0) FROM unnest(v_own) WHERE account = 'pending');
    taken := point_sum(v_own) + point_sum(v_other);
    owed := CASE WHEN p_policy = 'arrears' THEN v_rest ELSE LEAST(v_rest, GREATEST(0, (
        SELECT COALESCE(sum(held), 0) FROM point_lot
        WHERE member_id = p_member AND id = ANY (p_lots)
    ) - point_charged(p_member, p_undone, p_issuer))) END;
    written_off := v_rest - owed;
    INSERT INTO point_entry (
        member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points,
        counterparty_id
    )
    SELECT p_member, p_set, row_number() OVER (ORDER BY step, place, account, issuer_id),
           (p_act).dealer_id, side, account, issuer_id, lot_id, points, counterparty_id
    FROM (
        SELECT 1 AS step, 'member' AS side, account, issuer_id, lot_id, -points AS points,
               NULL::uuid AS counterparty_id, place
        FROM unnest(v_own)
        UNION ALL
        SELECT 2, 'member', account, issuer_id, lot_id, -points, NULL, place FROM unnest(v_other)
        UNION ALL
        SELECT 3, 'member', 'arrears', p_issuer, NULL, -owed, NULL, 0 WHERE owed > 0
        UNION ALL
        SELECT 4, 'programme', 'reversed', issuer_id, NULL, sum(points), NULL, 0
        FROM (
            SELECT issuer_id, points FROM unnest(v_own)
            UNION ALL
            SELECT issuer_id, points FROM unnest(v_lost)
            UNION ALL
            SELECT p_issuer, p_points - point_sum(v_own) - point_sum(v_lost)
        ) undone GROUP BY issuer_id HAVING sum(points) > 0
        UNION ALL
        SELECT 5, 'programme', 'expired', issuer_id, NULL, -sum(points), NULL, 0
        FROM unnest(v_lost) GROUP BY issuer_id
        UNION ALL
        SELECT 6, 'programme', 'written_off', p_issuer, NULL, -written_off, NULL, 0
        WHERE written_off > 0
        UNION ALL
        SELECT 7, 'programme', 'payable', issuer_id, lot_id, points, p_issuer, place
        FROM unnest(v_other) WHERE issuer_id <> p_issuer
        UNION ALL
        SELECT 8, 'programme', 'recovered', p_issuer, NULL, -sum(points), NULL, 0
        FROM unnest(v_other) WHERE issuer_id <> p_issuer HAVING sum(points) > 0
    ) line;
    PERFORM point_book(
        p_act, p_member, p_set, 'clawback', -(taken + owed), p_undone, written_off,
        -(taken - v_pending), -v_pending, owed
    );
    outcome := 'done';
END
$$;

-- Gives back points that expired: a new lot with its own end, never more than expired (F10).
-- `outcome`: 'done', 'no_account', 'no_lot', 'too_many'.
CREATE OR REPLACE FUNCTION point_reinstate(
    p_act point_act, p_member uuid, p_set uuid, p_lot uuid, p_new_lot uuid, p_points bigint,
    p_expires_at timestamptz, OUT outcome text, OUT spendable bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_lot point_lot;
BEGIN
    IF point_lock(ARRAY[p_member]) <> 1 THEN
        outcome := 'no_account';
        RETURN;
    END IF;
    PERFORM point_catch_up(p_act, ARRAY[p_member]);
    SELECT * INTO v_lot FROM point_lot WHERE member_id = p_member AND id = p_lot;
    IF NOT FOUND THEN
        outcome := 'no_lot';
        RETURN;
    END IF;
    UPDATE point_lot SET reinstated = reinstated + p_points
    WHERE member_id = p_member AND id = p_lot AND p_points BETWEEN 1 AND expired - reinstated;
    IF NOT FOUND THEN
        outcome := 'too_many';
        spendable := v_lot.expired - v_lot.reinstated;
        RETURN;
    END IF;
    PERFORM point_credit_all(p_act, ARRAY[ROW(
        1, p_member, p_set, 'reinstatement', (p_act).source, (p_act).source_key,
        (p_act).business_on, 'expired', p_new_lot, v_lot.issuer_id, p_points, v_lot.rule_id,
        v_lot.rule_version, v_lot.unit_cost_fen, (p_act).now, NULL, NULL, p_expires_at, NULL,
        NULL, p_lot
    )::point_credit]);
    outcome := 'done';
    spendable := point_spendable(p_member, (p_act).now);
END
$$;

-- The event that pending points of a posting set wait for has come (F4). `outcome`: 'done',
-- 'no_account', 'nothing_waits'.
CREATE OR REPLACE FUNCTION point_begin(
    p_act point_act, p_member uuid, p_set uuid, p_event text,
    OUT outcome text, OUT spendable bigint
) LANGUAGE plpgsql AS $$
BEGIN
    IF point_lock(ARRAY[p_member]) <> 1 THEN
        outcome := 'no_account';
        RETURN;
    END IF;
    UPDATE point_lot SET available_at = (p_act).now
    WHERE member_id = p_member AND posting_set_id = p_set AND open AND NOT activated
        AND awaits = p_event AND available_at IS NULL
        AND (cancel_at IS NULL OR cancel_at > (p_act).now)
        AND (expires_at IS NULL OR expires_at > (p_act).now);
    IF NOT FOUND THEN
        outcome := 'nothing_waits';
        RETURN;
    END IF;
    PERFORM point_catch_up(p_act, ARRAY[p_member]);
    outcome := 'done';
    spendable := point_spendable(p_member, (p_act).now);
END
$$;

-- One posting set with its event, and what it did to the account.
CREATE OR REPLACE FUNCTION point_book(
    p_act point_act, p_member uuid, p_set uuid, p_kind text, p_points bigint, p_reverses uuid,
    p_shortfall bigint, p_available bigint, p_pending bigint, p_arrears bigint
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    WITH moved AS (
        UPDATE point_account SET
            available = available + p_available,
            pending = pending + p_pending,
            arrears = arrears + p_arrears,
            version = version + 1
        WHERE member_id = p_member RETURNING version
    ), booked AS (
        INSERT INTO posting_set (
            member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
            source, source_key, reverses, reason, shortfall, actor_id, actor_role, request_id
        )
        SELECT p_member, p_set, (p_act).dealer_id, version, p_kind, p_points,
               (p_act).business_on, (p_act).now, (p_act).source, (p_act).source_key, p_reverses,
               (p_act).reason, p_shortfall, (p_act).actor_id, (p_act).actor_role,
               (p_act).request_id
        FROM moved
    )
    INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
    VALUES ((p_act).dealer_id, point_event_kind(p_kind), p_member,
            jsonb_build_object('posting_set_id', p_set, 'points', p_points),
            (p_act).now, (p_act).request_id);
END
$$;
