-- Opens lots, one or a hundred thousand: posting sets, lots, entries, balances, events, each by one
-- statement. A document told alone and an import go the same way. False: an account is missing.
CREATE OR REPLACE FUNCTION point_credit_all(p_act point_act, p_credits point_credit[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_members uuid[];
    v_member uuid;
BEGIN
    SELECT array_agg(DISTINCT member_id) INTO v_members FROM unnest(p_credits);
    IF point_lock(v_members) <> cardinality(v_members) THEN
        RETURN false;
    END IF;
    PERFORM point_catch_up(p_act, array_agg(member_id)) FROM point_account
    WHERE member_id = ANY (v_members) AND arrears > 0 HAVING count(*) > 0;
    WITH credit AS MATERIALIZED (
        SELECT *, COALESCE(available_at <= (p_act).now, false) AS begins,
               row_number() OVER (PARTITION BY set_id ORDER BY ordinal) AS nth
        FROM unnest(p_credits)
    ), posted AS MATERIALIZED (
        SELECT set_id, member_id, min(kind) AS kind, min(source) AS source,
               min(source_key) AS source_key,
               CASE WHEN min(kind) IN ('accrual', 'opening') THEN min(business_on)
                    ELSE (p_act).business_on END AS business_on,
               sum(points)::bigint AS points,
               row_number() OVER (PARTITION BY member_id ORDER BY min(ordinal)) AS nth,
               CASE WHEN count(DISTINCT (rule_id, rule_version)) = 1 THEN min(rule_id) END
                   AS rule_id,
               CASE WHEN count(DISTINCT (rule_id, rule_version)) = 1 THEN min(rule_version) END
                   AS rule_version
        FROM credit GROUP BY set_id, member_id
    ), total AS (
        SELECT member_id, count(DISTINCT set_id) AS sets,
               COALESCE(sum(points) FILTER (WHERE begins), 0) AS available,
               COALESCE(sum(points) FILTER (WHERE NOT begins), 0) AS pending
        FROM credit GROUP BY member_id
    ), opened AS (
        INSERT INTO point_lot (
            member_id, id, dealer_id, issuer_id, posting_set_id, points, remaining, open,
            activated, business_on, available_at, awaits, cancel_at, expires_at,
            inactivity_months, inactivity_round, rule_id, rule_version, unit_cost_fen,
            origin_lot_id
        )
        SELECT member_id, lot_id, (p_act).dealer_id, issuer_id, set_id, points, points, true,
               begins, business_on, available_at, awaits, cancel_at, expires_at,
               inactivity_months, inactivity_round, rule_id, rule_version, unit_cost_fen,
               origin_lot_id
        FROM credit
    ), written AS (
        INSERT INTO point_entry (
            member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points
        )
        SELECT member_id, set_id, 2 * nth - 1, (p_act).dealer_id, 'member',
               CASE WHEN begins THEN 'available' ELSE 'pending' END, issuer_id, lot_id, points
        FROM credit
        UNION ALL
        SELECT member_id, set_id, 2 * nth, (p_act).dealer_id, 'programme', against, issuer_id,
               NULL, -points
        FROM credit
    ), booked AS (
        INSERT INTO posting_set (
            member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
            source, source_key, rule_id, rule_version, reason, actor_id, actor_role, request_id
        )
        SELECT member_id, set_id, (p_act).dealer_id, account.version + nth, kind, posted.points,
               business_on, (p_act).now, source, source_key, rule_id, rule_version,
               (p_act).reason, (p_act).actor_id, (p_act).actor_role, (p_act).request_id
        FROM posted JOIN point_account account USING (member_id)
    ), told AS (
        INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
        SELECT (p_act).dealer_id, point_event_kind(kind), member_id,
               jsonb_build_object('posting_set_id', set_id, 'points', points),
               (p_act).now, (p_act).request_id
        FROM posted ORDER BY member_id, nth
    )
    UPDATE point_account account SET
        available = account.available + total.available,
        pending = account.pending + total.pending,
        version = account.version + total.sets
    FROM total WHERE account.member_id = total.member_id;
    PERFORM point_keep_alive(p_act, p_credits);
    FOR v_member IN
        SELECT member_id FROM point_account
        WHERE member_id = ANY (v_members) AND arrears > 0 ORDER BY member_id
    LOOP
        PERFORM point_settle_arrears(p_act, v_member);
    END LOOP;
    RETURN true;
END
$$;

-- A visit that earns keeps lots alive that end by inactivity, also what holds keep of them (F5);
-- their end never moves inward.
CREATE OR REPLACE FUNCTION point_keep_alive(p_act point_act, p_credits point_credit[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    WITH active AS (
        SELECT member_id, max(business_on) AS day FROM unnest(p_credits)
        WHERE kind = 'accrual' GROUP BY member_id
    )
    UPDATE point_lot lot SET expires_at = reckoned.expires_at
    FROM (
        SELECT l.member_id, l.id, point_lasts_until(
            active.day, l.inactivity_months, l.inactivity_round,
            (SELECT timezone FROM dealer WHERE id = (p_act).dealer_id)
        ) AS expires_at
        FROM active JOIN point_lot l USING (member_id)
        WHERE (l.open OR l.held > 0) AND l.inactivity_months IS NOT NULL
            AND l.expires_at > (p_act).now AND l.expired_by IS NULL
    ) reckoned
    WHERE lot.member_id = reckoned.member_id AND lot.id = reckoned.id
        AND lot.expires_at < reckoned.expires_at;
END
$$;
