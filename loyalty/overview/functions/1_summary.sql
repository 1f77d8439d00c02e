-- What an owner sees first, read in one trip. The functions are STABLE: one snapshot, so that a
-- stamp and the figures it stands for never come from two moments.

-- What a member has at this instant, arrears settled from the soonest lots, and what ends next:
-- queries/standing.py, said for one row. `until` is the instant at which time alone changes it.
CREATE OR REPLACE FUNCTION summary_points(
    p_member uuid, p_arrears bigint, p_held bigint, p_now timestamptz,
    OUT available bigint, OUT pending bigint, OUT held bigint, OUT arrears bigint,
    OUT ends_at timestamptz, OUT ending bigint, OUT until timestamptz
) LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_part record;
    v_has bigint;
    v_waits bigint;
    v_paid bigint;
BEGIN
    available := 0;
    pending := 0;
    held := 0;
    arrears := p_arrears;
    ending := 0;
    FOR v_part IN
        SELECT expires_at, available_at, cancel_at, NULL::timestamptz AS held_until, activated,
               remaining AS points
        FROM point_lot WHERE member_id = p_member AND open
        UNION ALL
        SELECT l.expires_at, l.available_at, l.cancel_at, h.expires_at, NULL, e.points
        FROM point_hold h
        JOIN point_entry e ON e.member_id = h.member_id AND e.posting_set_id = h.posting_set_id
            AND e.account = 'held'
        JOIN point_lot l ON l.member_id = e.member_id AND l.id = e.lot_id
        WHERE p_held > 0 AND h.member_id = p_member AND h.state = 'open'
        ORDER BY expires_at
    LOOP
        v_has := 0;
        v_waits := 0;
        IF v_part.held_until > p_now THEN
            held := held + v_part.points;
        ELSIF COALESCE(v_part.expires_at > p_now, true) THEN
            IF v_part.held_until IS NOT NULL OR v_part.activated
                OR COALESCE(v_part.available_at <= p_now, false)
            THEN
                v_has := v_part.points;
            ELSIF v_part.available_at IS NOT NULL OR COALESCE(v_part.cancel_at > p_now, true) THEN
                v_waits := v_part.points;
            END IF;
        END IF;
        v_paid := LEAST(arrears, v_has);
        arrears := arrears - v_paid;
        available := available + v_has - v_paid;
        pending := pending + v_waits;
        IF v_part.expires_at > p_now AND COALESCE(v_part.expires_at = ends_at, true) THEN
            IF v_part.held_until > p_now THEN
                v_waits := v_part.points;
            END IF;
            ending := ending + v_has - v_paid + v_waits;
            IF ending > 0 THEN
                ends_at := v_part.expires_at;
            END IF;
        END IF;
        until := LEAST(
            until,
            CASE WHEN v_part.expires_at > p_now THEN v_part.expires_at END,
            CASE WHEN v_part.available_at > p_now THEN v_part.available_at END,
            CASE WHEN v_part.cancel_at > p_now THEN v_part.cancel_at END,
            CASE WHEN v_part.held_until > p_now THEN v_part.held_until END
        );
    END LOOP;
END
$$;

-- When the next of a member's reservations ends by itself.
CREATE OR REPLACE FUNCTION summary_reserved_until(p_member uuid, p_now timestamptz)
RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT min(ends_at) FROM benefit_usage
        WHERE member_id = p_member AND state = 'reserved' AND ends_at > p_now
    );
END
$$;

-- The summary for whoever asks: who he is to the directory, the points, and what his tier and his
-- benefits are reckoned from. The stamp tells all that the figures are made of: the day, the
-- account's version, which every posting counts up, the rows of the tier and all the benefits' ones.
-- Who names a stamp that is still true is told so and no more. `outcome`: done, withdrawn, nobody, role_lacks, no_account.
CREATE OR REPLACE FUNCTION member_summary(
    p_dealer uuid, p_kind text, p_subject text, p_token_id text, p_roles text[],
    p_member uuid, p_now timestamptz, p_days_back integer, p_stamp text,
    OUT outcome text, OUT role text, OUT stamp text, OUT until timestamptz, OUT today date,
    OUT available bigint, OUT pending bigint, OUT held bigint, OUT arrears bigint,
    OUT frozen boolean, OUT ending bigint, OUT ends_at timestamptz, OUT ends_on date,
    OUT last_usable_on date, OUT tier text, OUT earned_tier text, OUT since_on date,
    OUT below_since date, OUT score bigint, OUT scheme bigint, OUT models text[],
    OUT zone text, OUT books text
) LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_asked record;
    v_points record;
BEGIN
    PERFORM set_config('app.dealer_id', p_dealer::text, true);
    SELECT dealer.timezone, business.day,
           EXISTS (
               SELECT FROM withdrawn_token
               WHERE dealer_id = p_dealer AND token_id = p_token_id
           ) AS withdrawn,
           CASE
               WHEN p_kind = 'owner'
                   THEN ARRAY(SELECT 'owner' FROM member WHERE id = p_subject::uuid)
               WHEN p_kind = 'staff'
                   THEN (SELECT roles FROM staff WHERE id = p_subject::uuid AND active)
               WHEN p_subject = 'crm' THEN ARRAY['crm']
           END AS roles,
           account.version, account.frozen, account.held, account.arrears,
           standing.tier, standing.since_on, standing.below_since, standing.score,
           tier_on(p_member, business.day) AS counted, (
               SELECT CASE WHEN COALESCE(business.day < latest.effective_until, true)
                   THEN version END
               FROM (
                   SELECT version, effective_until FROM tier_scheme
                   WHERE dealer_id = p_dealer AND code = 'tiers' AND state = 'published'
                       AND effective_from <= business.day
                   ORDER BY effective_from DESC, version DESC LIMIT 1
               ) latest
           ) AS scheme, ARRAY(
               SELECT vehicle.model FROM ownership JOIN vehicle ON vehicle.id = vehicle_id
               WHERE member_id = p_member AND owned_from <= business.day
                   AND (owned_until IS NULL OR owned_until > business.day)
               ORDER BY vehicle.model
           ) AS models
    INTO v_asked
    FROM dealer
    CROSS JOIN LATERAL (SELECT (p_now AT TIME ZONE dealer.timezone)::date AS day) business
    LEFT JOIN point_account account ON account.member_id = p_member
    LEFT JOIN tier_standing standing ON standing.member_id = p_member
    WHERE dealer.id = p_dealer;
    FOREACH role IN ARRAY p_roles LOOP
        EXIT WHEN role = ANY (v_asked.roles);
        role := NULL;
    END LOOP;
    outcome := CASE
        WHEN v_asked.withdrawn THEN 'withdrawn'
        WHEN COALESCE(cardinality(v_asked.roles), 0) = 0 THEN 'nobody'
        WHEN role IS NULL THEN 'role_lacks'
        WHEN role = 'owner' AND p_member <> p_subject::uuid OR v_asked.version IS NULL
            THEN 'no_account'
        ELSE 'done'
    END;
    IF outcome <> 'done' THEN
        RETURN;
    END IF;
    today := v_asked.day;
    tier := v_asked.counted;
    scheme := v_asked.scheme;
    models := v_asked.models;
    zone := v_asked.timezone;
    books := benefit_books(p_dealer, ARRAY[p_member], today, p_days_back, NULL);
    stamp := md5(concat_ws(
        '|', 'shape 2', zone, today, v_asked.version, v_asked.frozen,
        COALESCE(v_asked.tier, '-'), COALESCE(v_asked.since_on::text, '-'),
        COALESCE(v_asked.below_since::text, '-'), COALESCE(v_asked.score, -1),
        COALESCE(tier, '-'), COALESCE(scheme, -1), models, books
    ));
    IF stamp = p_stamp THEN
        books := NULL;
        RETURN;
    END IF;
    v_points := summary_points(p_member, v_asked.arrears, v_asked.held, p_now);
    available := v_points.available;
    pending := v_points.pending;
    held := v_points.held;
    arrears := v_points.arrears;
    frozen := v_asked.frozen;
    ends_at := v_points.ends_at;
    ending := v_points.ending;
    ends_on := (ends_at AT TIME ZONE zone)::date;
    last_usable_on := ((ends_at - interval '1 microsecond') AT TIME ZONE zone)::date;
    until := LEAST(v_points.until, (today + 1)::timestamp AT TIME ZONE zone);
    IF books IS NOT NULL THEN
        until := LEAST(until, summary_reserved_until(p_member, p_now));
    END IF;
    earned_tier := v_asked.tier;
    since_on := v_asked.since_on;
    below_since := v_asked.below_since;
    score := v_asked.score;
END
$$;

-- What a version of the tier scheme says; it never changes, so that a process asks once.
CREATE OR REPLACE FUNCTION summary_scheme(p_dealer uuid, p_version bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM set_config('app.dealer_id', p_dealer::text, true);
    RETURN (
        SELECT body FROM tier_scheme
        WHERE dealer_id = p_dealer AND code = 'tiers' AND version = p_version
    );
END
$$;
