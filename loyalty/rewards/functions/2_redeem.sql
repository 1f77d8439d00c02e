-- A redemption (F38), the whole request in one trip and one transaction: the caller as the directory
-- knows him, the claim on the key, points by the ledger's own function, the rows and the kept
-- answer, and stock last, with the codes a voucher is. Told again, the stored answer comes back.
-- Terms are asked for only where the reward has had some: under the account's lock, so that two
-- requests are not both the last of a limit. `p_terms_version` is the one the caller saw, 0 if the
-- reward had none, null if he does not say: nobody pays a price that he did not see.
CREATE OR REPLACE FUNCTION reward_redeem(
    p_dealer uuid, p_kind text, p_subject text, p_token_id text, p_roles text[],
    p_client text, p_key text, p_fingerprint bytea, p_request_id text, p_now timestamptz,
    p_redemption uuid, p_set uuid, p_member uuid, p_reward uuid, p_quantity bigint,
    p_honoured_by uuid, p_terms_version integer,
    OUT role text, OUT replayed boolean, OUT sealed boolean, OUT status bigint,
    OUT headers jsonb, OUT body bytea
) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_asked record;
    v_known record;
    v_spent record;
    v_points bigint;
    v_price bigint;
    v_version integer;
    v_tier text;
    v_visible boolean;
    v_fulfilment text;
    v_refused text;
    v_facts jsonb;
    v_honoured_by CONSTANT uuid := COALESCE(p_honoured_by, p_dealer);
BEGIN
    PERFORM set_config('app.dealer_id', p_dealer::text, true);
    SELECT dealer.timezone, reward.points, reward.name_zh, reward.name_en, reward.code,
           reward.termed,
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
           END AS held,
           v_honoured_by = p_dealer OR EXISTS (
               SELECT FROM dealer_partner
               WHERE dealer_id = p_dealer AND partner_id = v_honoured_by
           ) AS honourable
    INTO v_asked
    FROM dealer LEFT JOIN reward ON reward.id = p_reward
    WHERE dealer.id = p_dealer;
    FOREACH role IN ARRAY p_roles LOOP
        EXIT WHEN role = ANY (v_asked.held);
        role := NULL;
    END LOOP;
    IF v_asked.withdrawn THEN
        PERFORM reward_refuse('withdrawn');
    ELSIF COALESCE(cardinality(v_asked.held), 0) = 0 THEN
        PERFORM reward_refuse('nobody');
    ELSIF role IS NULL THEN
        PERFORM reward_refuse('role_lacks');
    END IF;
    INSERT INTO idempotency_claim (dealer_id, client, key, fingerprint, claimed_at, sealed)
    VALUES (p_dealer, p_client, p_key, p_fingerprint, p_now, false)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO v_known FROM idempotency_claim claim
        WHERE claim.dealer_id = p_dealer AND claim.client = p_client AND claim.key = p_key;
        IF v_known.fingerprint <> p_fingerprint THEN
            PERFORM reward_refuse('key_reused');
        END IF;
        replayed := true;
        sealed := v_known.sealed;
        status := v_known.status;
        headers := v_known.headers;
        body := v_known.body;
        RETURN;
    END IF;
    v_points := v_asked.points * p_quantity;
    IF role = 'owner' AND p_member <> p_subject::uuid THEN
        PERFORM reward_refuse('no_account');
    ELSIF v_points IS NULL THEN
        PERFORM reward_refuse('no_reward');
    ELSIF NOT v_asked.honourable THEN
        PERFORM reward_refuse('no_partner');
    ELSIF role = 'owner' AND v_honoured_by <> p_dealer THEN
        PERFORM reward_refuse('not_by_owner');
    ELSIF p_kind = 'staff' AND EXISTS (
        SELECT FROM staff JOIN member ON member.phone_index = staff.phone_index
        WHERE staff.id = p_subject::uuid AND member.id = p_member
    ) THEN
        PERFORM reward_refuse('own_account');
    END IF;
    IF v_asked.termed THEN
        IF point_lock(ARRAY[p_member]) = 0 THEN
            PERFORM reward_refuse('no_account');
        END IF;
        SELECT offer.version, offer.tier, offer.visible, offer.price, offer.fulfilment,
               offer.refused, offer.facts
        INTO v_version, v_tier, v_visible, v_price, v_fulfilment, v_refused, v_facts
        FROM reward_offer(
            p_dealer, p_reward, v_asked.code, p_member, p_quantity, p_now, v_asked.timezone
        ) offer;
        IF role = 'owner' AND NOT v_visible THEN
            PERFORM reward_refuse('no_reward');
        ELSIF NULLIF(p_terms_version, 0) IS DISTINCT FROM v_version
            AND p_terms_version IS NOT NULL THEN
            PERFORM reward_refuse('terms_changed');
        ELSIF v_refused IS NOT NULL THEN
            PERFORM reward_refuse(v_refused, v_facts);
        END IF;
        v_points := COALESCE(v_price * p_quantity, v_points);
    ELSIF p_terms_version > 0 THEN
        PERFORM reward_refuse('terms_changed');
    END IF;
    IF v_points > 10000000 THEN
        PERFORM reward_refuse('out_of_range');
    END IF;
    v_spent := point_spend(
        ROW(
            p_dealer, (p_now AT TIME ZONE v_asked.timezone)::date, 'redemption',
            p_redemption::text, NULL, p_subject, role, p_request_id, p_now
        )::point_act,
        p_member, p_set, 'redemption', v_points, v_honoured_by
    );
    IF v_spent.outcome <> 'done' THEN
        PERFORM reward_refuse(v_spent.outcome, jsonb_build_object(
            'spendable', v_spent.spendable, 'needed', v_points
        ));
    END IF;
    replayed := false;
    sealed := false;
    status := 201;
    headers := '{"Content-Type": "application/json"}';
    body := convert_to(json_build_object(
        'id', p_redemption,
        'member_id', p_member,
        'reward_id', p_reward,
        'reward_name_zh', v_asked.name_zh,
        'reward_name_en', v_asked.name_en,
        'quantity', p_quantity,
        'points', v_points,
        'cash', json_build_object('amount_fen', 0, 'currency', 'CNY'),
        'hold_id', NULL,
        'honoured_by', v_honoured_by,
        'posting_set_id', p_set,
        'redeemed_at', to_char(
            date_trunc('milliseconds', p_now) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        ),
        'cancelled_at', NULL,
        'terms_version', v_version,
        'tier', v_tier
    )::text, 'UTF8');
    INSERT INTO redemption (
        id, dealer_id, member_id, reward_id, quantity, points, posting_set_id, redeemed_at,
        redeemed_by, honoured_by, terms_version, tier
    ) VALUES (
        p_redemption, p_dealer, p_member, p_reward, p_quantity, v_points, p_set, p_now,
        p_subject, v_honoured_by, v_version, v_tier
    );
    INSERT INTO audit_event (
        id, dealer_id, at, actor_id, actor_role, client, action, subject_id, request_id, details
    ) VALUES (
        point_new_id(p_now), p_dealer, p_now, p_subject, role, p_client, 'reward.redeemed',
        p_redemption, p_request_id, jsonb_build_object('points', v_points, 'quantity', p_quantity)
    );
    UPDATE idempotency_claim claim
    SET status = reward_redeem.status, headers = reward_redeem.headers,
        body = reward_redeem.body
    WHERE claim.dealer_id = p_dealer AND claim.client = p_client AND claim.key = p_key;
    UPDATE reward_stock SET available = available - p_quantity
    WHERE reward_id = p_reward AND available >= p_quantity;
    IF NOT FOUND AND NOT reward_take_stock(p_reward, p_quantity, p_now) THEN
        PERFORM reward_refuse('out_of_stock');
    END IF;
    IF v_fulfilment = 'code' THEN
        IF NOT reward_take_codes(p_reward, p_redemption, p_quantity, p_now) THEN
            PERFORM reward_refuse('out_of_stock');
        END IF;
    END IF;
END
$$;

-- The same for a caller that knows of no terms: the release before this one while it still runs.
CREATE OR REPLACE FUNCTION reward_request(
    p_dealer uuid, p_kind text, p_subject text, p_token_id text, p_roles text[],
    p_client text, p_key text, p_fingerprint bytea, p_request_id text, p_now timestamptz,
    p_redemption uuid, p_set uuid, p_member uuid, p_reward uuid, p_quantity bigint,
    p_honoured_by uuid,
    OUT role text, OUT replayed boolean, OUT sealed boolean, OUT status bigint,
    OUT headers jsonb, OUT body bytea
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT done.* INTO role, replayed, sealed, status, headers, body FROM reward_redeem(
        p_dealer, p_kind, p_subject, p_token_id, p_roles, p_client, p_key, p_fingerprint,
        p_request_id, p_now, p_redemption, p_set, p_member, p_reward, p_quantity, p_honoured_by,
        NULL
    ) done;
END
$$;
