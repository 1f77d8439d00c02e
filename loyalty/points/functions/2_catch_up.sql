-- What time alone brings about: holds run out, pending lots begin or are cancelled, lots expire,
-- arrears are settled. Spending verbs call it for their member, the nightly job for pages of them;
-- it is the same code, and a second call finds nothing to do. The accounts are locked already.
-- What is due is decided for `p_as_of`, never later than now; what is written is posted now, so
-- that a statement as of a past moment stays what it was. Debts are paid before lots expire: a lot
-- that began and ended since the last look would have paid the day it began.
-- No step joins one CTE to another: the planner knows nothing of them and would go through a page
-- of members once for each of them.

CREATE OR REPLACE FUNCTION point_catch_up(
    p_act point_act, p_members uuid[], p_as_of timestamptz DEFAULT NULL
) RETURNS TABLE (released bigint, activated bigint, cancelled bigint, expired bigint, settled bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v_as_of CONSTANT timestamptz := LEAST((p_act).now, p_as_of);
    v_member uuid;
BEGIN
    released := point_release_overdue(p_act, p_members, v_as_of);
    activated := point_activate(p_act, p_members, v_as_of);
    settled := 0;
    FOR v_member IN
        SELECT member_id FROM point_account
        WHERE member_id = ANY (p_members) AND arrears > 0 ORDER BY member_id
    LOOP
        settled := settled + point_settle_arrears(p_act, v_member, true);
    END LOOP;
    cancelled := point_end_lots(p_act, 'cancellation', p_members, v_as_of);
    expired := point_end_lots(p_act, 'expiry', p_members, v_as_of);
    RETURN NEXT;
END
$$;

-- Points pending until a day that has come; counts members.
CREATE OR REPLACE FUNCTION point_activate(
    p_act point_act, p_members uuid[], p_as_of timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    WITH due AS MATERIALIZED (
        SELECT member_id, id, dealer_id, issuer_id, remaining,
               first_value(new_id) OVER (PARTITION BY member_id) AS set_id
        FROM (
            SELECT *, point_new_id((p_act).now) AS new_id FROM point_lot
            WHERE member_id = ANY (p_members) AND open AND NOT activated
                AND available_at <= p_as_of
        ) lot
    ), begun AS (
        UPDATE point_lot l SET activated = true
        FROM due WHERE l.member_id = due.member_id AND l.id = due.id
    ), moved AS (
        UPDATE point_account a SET
            pending = a.pending - act.points,
            available = a.available + act.points,
            version = a.version + 1
        FROM (
            SELECT member_id, set_id, sum(remaining) AS points FROM due GROUP BY member_id, set_id
        ) act WHERE a.member_id = act.member_id
        RETURNING a.member_id, act.set_id, a.version
    ), written AS (
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points
        )
        SELECT member_id, set_id,
               row_number() OVER (PARTITION BY member_id ORDER BY id, sign),
               dealer_id, 'member', CASE WHEN sign < 0 THEN 'pending' ELSE 'available' END,
               issuer_id, id, sign * remaining
        FROM due CROSS JOIN (VALUES (-1), (1)) AS both_sides (sign)
    )
    SELECT point_write_sets(
        p_act, 'activation', array_agg(member_id), array_agg(set_id), array_agg(version),
        array_agg(0::bigint)
    ) INTO v_count FROM moved;
    RETURN COALESCE(v_count, 0);
END
$$;

-- Lots that end unspent: 'cancellation' of points pending for an event that never came, unless they
-- had ended before, or 'expiry' of lots past their date: unspendable since that instant, now written
-- as such. Counts members.
CREATE OR REPLACE FUNCTION point_end_lots(
    p_act point_act, p_kind text, p_members uuid[], p_as_of timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_expires CONSTANT boolean := p_kind = 'expiry';
    v_count bigint;
BEGIN
    WITH due AS MATERIALIZED (
        SELECT member_id, id, dealer_id, issuer_id, remaining, activated,
               first_value(new_id) OVER (PARTITION BY member_id) AS set_id
        FROM (
            SELECT *, point_new_id((p_act).now) AS new_id FROM point_lot
            WHERE member_id = ANY (p_members) AND open AND CASE
                WHEN v_expires THEN expires_at <= p_as_of
                ELSE NOT activated AND available_at IS NULL AND cancel_at <= p_as_of
                    AND (expires_at IS NULL OR cancel_at <= expires_at)
            END
        ) lot
    ), gone AS (
        UPDATE point_lot l SET
            remaining = 0, open = false,
            expired = l.expired + CASE WHEN v_expires THEN due.remaining ELSE 0 END,
            expired_by = CASE WHEN v_expires THEN due.set_id ELSE l.expired_by END
        FROM due WHERE l.member_id = due.member_id AND l.id = due.id
    ), moved AS (
        UPDATE point_account a SET
            available = a.available - act.available,
            pending = a.pending - (act.points - act.available),
            version = a.version + 1
        FROM (
            SELECT member_id, set_id, sum(remaining) AS points,
                   COALESCE(sum(remaining) FILTER (WHERE activated), 0) AS available
            FROM due GROUP BY member_id, set_id
        ) act WHERE a.member_id = act.member_id
        RETURNING a.member_id, act.set_id, a.version, -act.points::bigint AS points
    ), written AS (
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points
        )
        SELECT member_id, set_id,
               row_number() OVER (PARTITION BY member_id ORDER BY side, id, issuer_id),
               dealer_id, side, account, issuer_id, id, points
        FROM (
            SELECT member_id, set_id, dealer_id, 'member' AS side,
                   CASE WHEN activated THEN 'available' ELSE 'pending' END AS account,
                   issuer_id, id, -remaining AS points
            FROM due
            UNION ALL
            SELECT member_id, set_id, dealer_id, 'programme',
                   CASE WHEN v_expires THEN 'expired' ELSE 'reversed' END, issuer_id, NULL,
                   sum(remaining)
            FROM due GROUP BY member_id, set_id, dealer_id, issuer_id
        ) line
    )
    SELECT point_write_sets(
        p_act, p_kind, array_agg(member_id), array_agg(set_id), array_agg(version),
        array_agg(points)
    ) INTO v_count FROM moved;
    RETURN COALESCE(v_count, 0);
END
$$;

-- Posting sets without a document of their own, with one event each; how many.
CREATE OR REPLACE FUNCTION point_write_sets(
    p_act point_act, p_kind text, p_members uuid[], p_sets uuid[], p_versions bigint[],
    p_points bigint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO posting_set (
        member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
        source, source_key, actor_id, actor_role, request_id
    )
    SELECT member_id, set_id, (p_act).dealer_id, version, p_kind, points, (p_act).business_on,
           (p_act).now, p_kind, set_id::text, (p_act).actor_id, (p_act).actor_role,
           (p_act).request_id
    FROM unnest(p_members, p_sets, p_versions, p_points) AS made (member_id, set_id, version, points);
    INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
    SELECT (p_act).dealer_id, point_event_kind(p_kind), member_id,
           jsonb_build_object('posting_set_id', set_id, 'points', points),
           (p_act).now, (p_act).request_id
    FROM unnest(p_members, p_sets, p_points) AS made (member_id, set_id, points);
    RETURN COALESCE(cardinality(p_sets), 0);
END
$$;

-- Later credits pay what the member owes, debt by debt, from the lots that expire soonest. When
-- points of one issuer pay a debt to another, the first owes it to the second (F9, F18).
-- With `p_begun`, lots count that began and have ended since, but whose end is not written yet.
CREATE OR REPLACE FUNCTION point_settle_arrears(
    p_act point_act, p_member uuid, p_begun boolean DEFAULT false
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_debt record;
    v_set uuid;
    v_paid bigint;
    v_version bigint;
    v_count bigint := 0;
BEGIN
    FOR v_debt IN
        SELECT issuer_id, -sum(points)::bigint AS points FROM point_entry
        WHERE member_id = p_member AND account = 'arrears'
        GROUP BY issuer_id HAVING sum(points) < 0 ORDER BY issuer_id
    LOOP
        v_set := point_new_id((p_act).now);
        SELECT LEAST(v_debt.points, COALESCE(sum(remaining), 0)) INTO v_paid FROM point_lot
        WHERE member_id = p_member AND open AND activated AND (
            point_lot_alive(available_at, expires_at, (p_act).now)
            OR p_begun AND available_at < expires_at
        );
        EXIT WHEN v_paid = 0;
        WITH share AS (
            SELECT * FROM point_share(p_member, v_paid, (p_act).now, p_begun)
        ), taken AS (
            UPDATE point_lot AS lot
            SET remaining = lot.remaining - share.points, open = lot.remaining > share.points
            FROM share WHERE lot.member_id = p_member AND lot.id = share.lot_id
        ), line AS (
            SELECT 1 AS part, 'member' AS side, 'available' AS account, issuer_id, lot_id,
                   -points AS points, NULL::uuid AS counterparty_id, place
            FROM share
            UNION ALL
            SELECT 2, 'member', 'arrears', v_debt.issuer_id, NULL, v_paid, NULL, 0
            UNION ALL
            SELECT 3, 'programme', 'payable', issuer_id, lot_id, points, v_debt.issuer_id, place
            FROM share WHERE issuer_id <> v_debt.issuer_id
            UNION ALL
            SELECT 4, 'programme', 'recovered', v_debt.issuer_id, NULL, -sum(points), NULL, 0
            FROM share WHERE issuer_id <> v_debt.issuer_id HAVING sum(points) > 0
        )
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points,
            counterparty_id
        )
        SELECT p_member, v_set, row_number() OVER (ORDER BY part, place), (p_act).dealer_id,
               side, account, issuer_id, lot_id, points, counterparty_id
        FROM line;
        UPDATE point_account
        SET available = available - v_paid, arrears = arrears - v_paid, version = version + 1
        WHERE member_id = p_member RETURNING version INTO v_version;
        v_count := v_count + point_write_sets(
            p_act, 'arrears', ARRAY[p_member], ARRAY[v_set], ARRAY[v_version], ARRAY[0::bigint]
        );
    END LOOP;
    RETURN v_count;
END
$$;

-- Which lots give these points: soonest expiry, then oldest, never-expiring last (rules/lots.py).
CREATE OR REPLACE FUNCTION point_share(
    p_member uuid, p_points bigint, p_now timestamptz, p_begun boolean DEFAULT false
) RETURNS TABLE (lot_id uuid, issuer_id uuid, points bigint, place bigint)
LANGUAGE sql STABLE AS $$
    SELECT id, issuer_id, LEAST(remaining, p_points - before)::bigint, before::bigint
    FROM (
        SELECT id, issuer_id, remaining,
               sum(remaining) OVER (ORDER BY expires_at NULLS LAST, id) - remaining AS before
        FROM point_lot
        WHERE member_id = p_member AND open AND activated AND (
            point_lot_alive(available_at, expires_at, p_now)
            OR p_begun AND available_at < expires_at
        )
    ) walk
    WHERE before < p_points
$$;
