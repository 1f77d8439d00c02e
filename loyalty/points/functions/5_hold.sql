-- Holds (F7): exactly one capture or release; a hold past its time is released by whoever comes
-- first, the member's next act or the nightly job.

-- `outcome` as of point_spend.
CREATE OR REPLACE FUNCTION point_hold_points(
    p_act point_act, p_member uuid, p_hold uuid, p_set uuid, p_points bigint,
    p_expires_at timestamptz, OUT outcome text, OUT spendable bigint
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT * INTO outcome, spendable
    FROM point_spend(p_act, p_member, p_set, 'hold', p_points, NULL);
    IF outcome = 'done' THEN
        INSERT INTO point_hold (
            member_id, id, dealer_id, points, state, posting_set_id, held_at, expires_at
        ) VALUES (
            p_member, p_hold, (p_act).dealer_id, p_points, 'open', p_set, (p_act).now, p_expires_at
        );
    END IF;
END
$$;

-- Spends what a hold keeps, in the order of its lots; what is not spent goes back. `outcome`:
-- 'done', 'no_hold', 'ended' (captured, released or run out before), 'too_many', 'frozen'.
CREATE OR REPLACE FUNCTION point_capture(
    p_act point_act, p_member uuid, p_hold uuid, p_set uuid, p_points bigint, p_honoured_by uuid,
    OUT outcome text, OUT spendable bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_hold point_hold;
BEGIN
    PERFORM point_lock(ARRAY[p_member]);
    SELECT * INTO v_hold FROM point_hold WHERE member_id = p_member AND id = p_hold;
    IF NOT FOUND THEN
        outcome := 'no_hold';
    ELSIF v_hold.state <> 'open' OR v_hold.expires_at <= (p_act).now THEN
        outcome := 'ended';
    ELSIF p_points NOT BETWEEN 1 AND v_hold.points THEN
        outcome := 'too_many';
    ELSIF (SELECT frozen FROM point_account WHERE member_id = p_member) THEN
        outcome := 'frozen';
    END IF;
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;
    WITH kept AS (
        SELECT * FROM point_held_by(p_member, v_hold.posting_set_id)
    ), share AS (
        SELECT lot_id, issuer_id, LEAST(points, p_points - before)::bigint AS points, before,
               CASE WHEN issuer_id <> p_honoured_by THEN p_honoured_by END AS owed_to
        FROM kept WHERE before < p_points
    ), taken AS (
        UPDATE point_lot AS lot SET held = lot.held - share.points
        FROM share WHERE lot.member_id = p_member AND lot.id = share.lot_id
    ), line AS (
        SELECT 1 AS part, 'member' AS side, 'held' AS account, issuer_id, lot_id,
               -points AS points, NULL::uuid AS counterparty_id, before
        FROM share
        UNION ALL
        SELECT 2, 'programme', 'payable', issuer_id, lot_id, points, owed_to, before
        FROM share WHERE owed_to IS NOT NULL
        UNION ALL
        SELECT 3, 'programme', 'redeemed', issuer_id, NULL, sum(points), NULL, 0
        FROM share WHERE owed_to IS NULL GROUP BY issuer_id
    ), written AS (
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points,
            counterparty_id
        )
        SELECT p_member, p_set, row_number() OVER (ORDER BY part, before, issuer_id),
               (p_act).dealer_id, side, account, issuer_id, lot_id, points, counterparty_id
        FROM line
    ), moved AS (
        UPDATE point_account SET held = held - p_points, version = version + 1
        WHERE member_id = p_member RETURNING version
    ), booked AS (
        INSERT INTO posting_set (
            member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
            source, source_key, honoured_by, reason, actor_id, actor_role, request_id
        )
        SELECT p_member, p_set, (p_act).dealer_id, version, 'capture', -p_points,
               (p_act).business_on, (p_act).now, 'capture', p_hold::text, p_honoured_by,
               (p_act).reason, (p_act).actor_id, (p_act).actor_role, (p_act).request_id
        FROM moved
    )
    INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
    VALUES ((p_act).dealer_id, point_event_kind('capture'), p_member,
            jsonb_build_object('posting_set_id', p_set, 'points', -p_points),
            (p_act).now, (p_act).request_id);
    IF p_points < v_hold.points THEN
        PERFORM point_give_back(p_act, p_member, ARRAY[p_hold]);
        PERFORM point_settle_arrears(p_act, p_member);
    END IF;
    UPDATE point_hold SET state = 'captured', captured = p_points, ended_at = (p_act).now
    WHERE member_id = p_member AND id = p_hold;
    outcome := 'done';
    spendable := point_spendable(p_member, (p_act).now);
END
$$;

-- Gives back what a hold keeps. `outcome`: 'done', 'no_hold', 'ended'.
CREATE OR REPLACE FUNCTION point_release(
    p_act point_act, p_member uuid, p_hold uuid, OUT outcome text, OUT spendable bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_hold point_hold;
BEGIN
    PERFORM point_lock(ARRAY[p_member]);
    SELECT * INTO v_hold FROM point_hold WHERE member_id = p_member AND id = p_hold;
    IF NOT FOUND THEN
        outcome := 'no_hold';
    ELSIF v_hold.state <> 'open' OR v_hold.expires_at <= (p_act).now THEN
        outcome := 'ended';
    END IF;
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM point_give_back(p_act, p_member, ARRAY[p_hold]);
    UPDATE point_hold SET state = 'released', ended_at = (p_act).now
    WHERE member_id = p_member AND id = p_hold;
    PERFORM point_settle_arrears(p_act, p_member);
    outcome := 'done';
    spendable := point_spendable(p_member, (p_act).now);
END
$$;

-- Holds of these members whose time is up; counts holds.
CREATE OR REPLACE FUNCTION point_release_overdue(
    p_act point_act, p_members uuid[], p_as_of timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_overdue record;
    v_count bigint := 0;
BEGIN
    FOR v_overdue IN
        SELECT member_id, array_agg(id ORDER BY expires_at, id) AS holds FROM point_hold
        WHERE member_id = ANY (p_members) AND state = 'open' AND expires_at <= p_as_of
        GROUP BY member_id ORDER BY member_id
    LOOP
        PERFORM point_give_back(p_act, v_overdue.member_id, v_overdue.holds);
        UPDATE point_hold SET state = 'expired', ended_at = (p_act).now
        WHERE member_id = v_overdue.member_id AND id = ANY (v_overdue.holds);
        v_count := v_count + cardinality(v_overdue.holds);
    END LOOP;
    RETURN v_count;
END
$$;

-- What a hold's posting set put aside, lot by lot, in its order.
CREATE OR REPLACE FUNCTION point_held_by(p_member uuid, p_set uuid)
RETURNS TABLE (lot_id uuid, issuer_id uuid, points bigint, before bigint)
LANGUAGE sql STABLE AS $$
    SELECT lot_id, issuer_id, points,
           (sum(points) OVER (ORDER BY line) - points)::bigint
    FROM point_entry
    WHERE member_id = p_member AND posting_set_id = p_set AND account = 'held'
$$;

-- Puts what is left of holds back into their lots; of a lot past its date it expires at once.
CREATE OR REPLACE FUNCTION point_give_back(p_act point_act, p_member uuid, p_holds uuid[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_hold uuid;
    v_set uuid;
    v_version bigint;
    v_held bigint;
    v_alive bigint;
BEGIN
    FOREACH v_hold IN ARRAY p_holds LOOP
        v_set := point_new_id((p_act).now);
        WITH used AS (
            SELECT COALESCE(-sum(e.points), 0) AS points
            FROM posting_set s JOIN point_entry e
                ON e.member_id = s.member_id AND e.posting_set_id = s.id AND e.account = 'held'
            WHERE s.member_id = p_member AND s.source = 'capture' AND s.source_key = v_hold::text
        ), kept AS MATERIALIZED (
            SELECT held.lot_id, held.issuer_id, held.before,
                   held.points - GREATEST(0, LEAST(held.points, used.points - held.before))
                       AS points,
                   lot.expired_by IS NULL
                       AND (lot.expires_at IS NULL OR lot.expires_at > (p_act).now) AS alive
            FROM point_hold hold
            CROSS JOIN LATERAL point_held_by(p_member, hold.posting_set_id) held
            JOIN point_lot lot ON lot.member_id = p_member AND lot.id = held.lot_id
            CROSS JOIN used
            WHERE hold.member_id = p_member AND hold.id = v_hold
        ), back AS (
            UPDATE point_lot AS lot SET
                held = lot.held - kept.points,
                remaining = lot.remaining + CASE WHEN alive THEN kept.points ELSE 0 END,
                open = lot.remaining > 0 OR alive,
                expired = lot.expired + CASE WHEN alive THEN 0 ELSE kept.points END
            FROM kept
            WHERE lot.member_id = p_member AND lot.id = kept.lot_id AND kept.points > 0
        ), line AS (
            SELECT 1 AS part, 'member' AS side, 'held' AS account, issuer_id, lot_id,
                   -points AS points, before
            FROM kept WHERE points > 0
            UNION ALL
            SELECT 2, 'member', 'available', issuer_id, lot_id, points, before
            FROM kept WHERE points > 0 AND alive
            UNION ALL
            SELECT 3, 'programme', 'expired', issuer_id, NULL, sum(points), 0
            FROM kept WHERE points > 0 AND NOT alive GROUP BY issuer_id
        ), written AS (
            INSERT INTO point_entry (
                member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id,
                points
            )
            SELECT p_member, v_set, row_number() OVER (ORDER BY part, before, issuer_id),
                   (p_act).dealer_id, side, account, issuer_id, lot_id, points
            FROM line
        )
        SELECT sum(points), COALESCE(sum(points) FILTER (WHERE alive), 0)
        INTO v_held, v_alive FROM kept;
        UPDATE point_account
        SET held = held - v_held, available = available + v_alive, version = version + 1
        WHERE member_id = p_member RETURNING version INTO v_version;
        INSERT INTO posting_set (
            member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
            source, source_key, actor_id, actor_role, request_id
        ) VALUES (
            p_member, v_set, (p_act).dealer_id, v_version, 'release', v_alive - v_held,
            (p_act).business_on, (p_act).now, 'release', v_hold::text, (p_act).actor_id,
            (p_act).actor_role, (p_act).request_id
        );
        INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
        VALUES ((p_act).dealer_id, point_event_kind('release'), p_member,
                jsonb_build_object('posting_set_id', v_set, 'points', v_alive),
                (p_act).now, (p_act).request_id);
        PERFORM point_forgive(p_act, p_member, v_set, v_set);
    END LOOP;
END
$$;
