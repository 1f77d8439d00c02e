-- A whole request in one trip and one transaction: the caller as the directory knows him, the
-- claim on the key, the redemption, the kept answer. Told again, the stored answer comes back.
CREATE OR REPLACE FUNCTION reward_request(
    p_dealer uuid, p_kind text, p_subject text, p_token_id text, p_roles text[],
    p_client text, p_key text, p_fingerprint bytea, p_request_id text, p_now timestamptz,
    p_redemption uuid, p_set uuid, p_member uuid, p_reward uuid, p_quantity bigint,
    p_honoured_by uuid,
    OUT role text, OUT replayed boolean, OUT sealed boolean, OUT status bigint,
    OUT headers jsonb, OUT body bytea
) LANGUAGE plpgsql AS $$
DECLARE
    v_zone text;
    v_held text[];
    v_known record;
    v_act point_act;
BEGIN
    PERFORM set_config('app.dealer_id', p_dealer::text, true);
    SELECT timezone INTO v_zone FROM dealer WHERE id = p_dealer;
    IF NOT FOUND THEN
        PERFORM reward_refuse('nobody');
    END IF;
    IF EXISTS (SELECT FROM withdrawn_token WHERE dealer_id = p_dealer AND token_id = p_token_id) THEN
        PERFORM reward_refuse('withdrawn');
    END IF;
    IF p_kind = 'owner' THEN
        v_held := ARRAY(SELECT 'owner' FROM member WHERE id = p_subject::uuid);
    ELSIF p_kind = 'staff' THEN
        v_held := (SELECT roles FROM staff WHERE id = p_subject::uuid AND active);
    ELSIF p_subject = 'crm' THEN
        v_held := ARRAY['crm'];
    END IF;
    IF COALESCE(cardinality(v_held), 0) = 0 THEN
        PERFORM reward_refuse('nobody');
    END IF;
    SELECT wanted INTO role FROM unnest(p_roles) WITH ORDINALITY AS asked (wanted, place)
    WHERE wanted = ANY (v_held) ORDER BY place LIMIT 1;
    IF role IS NULL THEN
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
    IF role = 'owner' AND p_member <> p_subject::uuid THEN
        PERFORM reward_refuse('no_account');
    END IF;
    v_act := ROW(
        p_dealer, (p_now AT TIME ZONE v_zone)::date, 'redemption', p_redemption::text, NULL,
        p_subject, role, p_request_id, p_now
    )::point_act;
    replayed := false;
    sealed := false;
    status := 201;
    headers := '{"Content-Type": "application/json"}';
    body := convert_to(reward_redeem(
        v_act, p_client, p_redemption, p_set, p_member, p_reward, p_quantity, p_honoured_by
    )::text, 'UTF8');
    UPDATE idempotency_claim claim
    SET status = reward_request.status, headers = reward_request.headers,
        body = reward_request.body
    WHERE claim.dealer_id = p_dealer AND claim.client = p_client AND claim.key = p_key;
END
$$;
