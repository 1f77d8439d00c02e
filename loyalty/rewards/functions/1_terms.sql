-- What the terms of a reward allow a member today: rules/offer.py, said in SQL for the functions
-- that decide by it. Whoever is bound by the answer has locked the account before.

-- Pieces of a reward a member has had since an instant: redeemed and not cancelled, or held.
CREATE OR REPLACE FUNCTION reward_taken(
    p_member uuid, p_reward uuid, p_since timestamptz, p_now timestamptz
) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT COALESCE(sum(piece.quantity), 0) FROM (
            SELECT redeemed.quantity FROM redemption redeemed
            WHERE redeemed.member_id = p_member AND redeemed.reward_id = p_reward
                AND redeemed.redeemed_at >= p_since
                AND NOT EXISTS (
                    SELECT FROM redemption_cancellation cancelled
                    WHERE cancelled.redemption_id = redeemed.id
                )
            UNION ALL
            SELECT purpose.quantity
            FROM hold_purpose purpose JOIN point_hold hold
                ON hold.member_id = purpose.member_id AND hold.id = purpose.hold_id
            WHERE purpose.member_id = p_member AND purpose.reward_id = p_reward
                AND purpose.stock = 'kept' AND hold.state = 'open' AND hold.expires_at > p_now
        ) piece
    );
END
$$;

-- Whether a day lies within the window of this name.
CREATE OR REPLACE FUNCTION reward_open(p_body jsonb, p_window text, p_day date) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN COALESCE((p_body ->> (p_window || '_from'))::date <= p_day, true)
        AND COALESCE(p_day < (p_body ->> (p_window || '_until'))::date, true);
END
$$;

-- `version` is null when no terms are in force; `refused` is null when the terms agree.
CREATE OR REPLACE FUNCTION reward_offer(
    p_dealer uuid, p_reward uuid, p_code text, p_member uuid, p_quantity bigint,
    p_now timestamptz, p_zone text,
    OUT version integer, OUT tier text, OUT visible boolean, OUT price bigint,
    OUT least_points bigint, OUT fen_a_point bigint, OUT left_of_limit bigint,
    OUT fulfilment text, OUT refused text, OUT facts jsonb
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_day CONSTANT date := (p_now AT TIME ZONE p_zone)::date;
    v_period text;
    v_found record;
    v_said jsonb;
BEGIN
    SELECT terms.version, terms.body, terms.effective_until INTO v_found FROM reward_terms terms
    WHERE terms.dealer_id = p_dealer AND terms.code = p_code AND terms.state = 'published'
        AND terms.effective_from <= v_day
    ORDER BY terms.effective_from DESC, terms.version DESC LIMIT 1;
    IF NOT FOUND OR v_found.effective_until <= v_day THEN
        RETURN;
    END IF;
    version := v_found.version;
    v_said := v_found.body;
    tier := tier_on(p_member, v_day);
    visible := reward_open(v_said, 'visible', v_day);
    price := COALESCE((v_said -> 'prices' ->> tier)::bigint, (v_said ->> 'points')::bigint);
    least_points := COALESCE((v_said -> 'cash' ->> 'least_points')::bigint, price);
    fen_a_point := (v_said -> 'cash' ->> 'fen_a_point')::bigint;
    fulfilment := v_said ->> 'fulfilment';
    v_period := v_said -> 'limit' ->> 'period';
    IF v_period IS NOT NULL THEN
        left_of_limit := GREATEST(0, (v_said -> 'limit' ->> 'most')::bigint - reward_taken(
            p_member, p_reward,
            CASE v_period WHEN 'ever' THEN '-infinity'
                          ELSE date_trunc(v_period, v_day::timestamp) AT TIME ZONE p_zone END,
            p_now
        ));
    END IF;
    IF NOT reward_open(v_said, 'available', v_day) THEN
        refused := 'reward_not_available';
        facts := jsonb_build_object(
            'from', v_said -> 'available_from', 'until', v_said -> 'available_until'
        );
    ELSIF v_said ->> 'tiers' IS NOT NULL AND NOT COALESCE(v_said -> 'tiers' ? tier, false) THEN
        refused := 'reward_not_for_tier';
        facts := '{}';
    ELSIF p_quantity > left_of_limit THEN
        refused := 'reward_limit_reached';
        facts := v_said -> 'limit';
    END IF;
END
$$;

-- A reward that has had terms never decides without asking for them again.
CREATE OR REPLACE FUNCTION reward_termed_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a reward stays termed' USING ERRCODE = 'restrict_violation';
END
$$;
