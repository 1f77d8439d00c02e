-- The two functions of the release before, which keeps running while this one is rolled out: their
-- names and answers, decided by what decides now. To be dropped by the release after.

CREATE OR REPLACE FUNCTION point_accrue(
    p_dealer uuid, p_member uuid, p_set uuid, p_lot uuid, p_points bigint, p_issuer uuid,
    p_business_on date, p_available_at timestamptz, p_expires_at timestamptz,
    p_rule_id text, p_rule_version integer, p_unit_cost_fen numeric,
    p_source text, p_source_key text,
    p_actor_id text, p_actor_role text, p_request_id text, p_now timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    IF NOT point_credit_all(
        ROW(p_dealer, p_business_on, p_source, p_source_key, NULL, p_actor_id, p_actor_role,
            p_request_id, p_now)::point_act,
        ARRAY[ROW(
            1, p_member, p_set, 'accrual', p_source, p_source_key, p_business_on, 'issued', p_lot,
            p_issuer, p_points, p_rule_id, p_rule_version, p_unit_cost_fen, p_available_at, NULL,
            NULL, p_expires_at, NULL, NULL, NULL
        )::point_credit]
    ) THEN
        RETURN NULL;
    END IF;
    RETURN point_spendable(p_member, p_now);
END
$$;

CREATE OR REPLACE FUNCTION point_burn(
    p_dealer uuid, p_member uuid, p_set uuid, p_points bigint, p_business_on date,
    p_source text, p_source_key text,
    p_actor_id text, p_actor_role text, p_request_id text, p_now timestamptz,
    OUT done boolean, OUT spendable bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_spent record;
BEGIN
    SELECT * INTO v_spent FROM point_spend(
        ROW(p_dealer, p_business_on, p_source, p_source_key, NULL, p_actor_id, p_actor_role,
            p_request_id, p_now)::point_act,
        p_member, p_set, 'redemption', p_points, p_dealer
    );
    IF v_spent.outcome <> 'no_account' THEN
        done := v_spent.outcome = 'done';
        spendable := v_spent.spendable;
    END IF;
END
$$;
