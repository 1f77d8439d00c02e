-- The decisions of the ledger, taken in the database under the account's row lock (ledger.md).
-- Lock in one statement, read the lots in the next: each statement of a PL/pgSQL function takes
-- a fresh snapshot under READ COMMITTED, so lots that a waiting call reads are never stale.
-- The account's version, counted up under that lock, is the order of its posting sets.
-- The rules are those of rules/lots.py; a property test holds the two together.

CREATE OR REPLACE FUNCTION point_lot_alive(
    p_available_at timestamptz, p_expires_at timestamptz, p_now timestamptz
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_available_at <= p_now AND (p_expires_at IS NULL OR p_now < p_expires_at)
$$;

CREATE OR REPLACE FUNCTION point_spendable(p_member uuid, p_now timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(sum(remaining), 0)::bigint
    FROM point_lot
    WHERE member_id = p_member AND open AND point_lot_alive(available_at, expires_at, p_now)
$$;

-- Credits a member: posting set, lot, two entries, balance, one event.
-- Returns the spendable points, null when there is no such account.
CREATE OR REPLACE FUNCTION point_accrue(
    p_dealer uuid, p_member uuid, p_set uuid, p_lot uuid, p_points bigint, p_issuer uuid,
    p_business_on date, p_available_at timestamptz, p_expires_at timestamptz,
    p_rule_id text, p_rule_version integer, p_unit_cost_fen numeric,
    p_source text, p_source_key text,
    p_actor_id text, p_actor_role text, p_request_id text, p_now timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
BEGIN
    SELECT version + 1 INTO v_version FROM point_account
    WHERE member_id = p_member FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO posting_set (
        member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
        source, source_key, rule_id, rule_version, actor_id, actor_role, request_id
    ) VALUES (
        p_member, p_set, p_dealer, v_version, 'accrual', p_points, p_business_on, p_now,
        p_source, p_source_key, p_rule_id, p_rule_version, p_actor_id, p_actor_role, p_request_id
    );
    INSERT INTO point_lot (
        member_id, id, dealer_id, issuer_id, posting_set_id, points, remaining, open,
        business_on, available_at, expires_at, rule_id, rule_version, unit_cost_fen
    ) VALUES (
        p_member, p_lot, p_dealer, p_issuer, p_set, p_points, p_points, true,
        p_business_on, p_available_at, p_expires_at, p_rule_id, p_rule_version, p_unit_cost_fen
    );
    INSERT INTO point_entry (
        member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points
    ) VALUES
        (p_member, p_set, 1, p_dealer, 'member', 'available', p_issuer, p_lot, p_points),
        (p_member, p_set, 2, p_dealer, 'programme', 'issued', p_issuer, NULL, -p_points);
    UPDATE point_account SET available = available + p_points, version = v_version
    WHERE member_id = p_member;
    INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
    VALUES (p_dealer, 'points.accrued', p_member,
            jsonb_build_object('posting_set_id', p_set, 'points', p_points), p_now, p_request_id);
    RETURN point_spendable(p_member, p_now);
END
$$;

-- Debits a member from his lots, soonest expiry first, then oldest, never-expiring last.
-- `done` false changes nothing, null says there is no such account; `spendable` is what is left.
CREATE OR REPLACE FUNCTION point_burn(
    p_dealer uuid, p_member uuid, p_set uuid, p_points bigint, p_business_on date,
    p_source text, p_source_key text,
    p_actor_id text, p_actor_role text, p_request_id text, p_now timestamptz,
    OUT done boolean, OUT spendable bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
BEGIN
    SELECT version + 1 INTO v_version FROM point_account
    WHERE member_id = p_member FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    spendable := point_spendable(p_member, p_now);
    done := p_points > 0 AND spendable >= p_points;
    IF NOT done THEN
        RETURN;
    END IF;
    INSERT INTO posting_set (
        member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
        source, source_key, rule_id, rule_version, actor_id, actor_role, request_id
    ) VALUES (
        p_member, p_set, p_dealer, v_version, 'redemption', -p_points, p_business_on, p_now,
        p_source, p_source_key, NULL, NULL, p_actor_id, p_actor_role, p_request_id
    );
    WITH walk AS (
        SELECT id, issuer_id, remaining,
               sum(remaining) OVER (ORDER BY expires_at NULLS LAST, id) - remaining AS before
        FROM point_lot
        WHERE member_id = p_member AND open AND point_lot_alive(available_at, expires_at, p_now)
    ), share AS (
        SELECT id, issuer_id, before, LEAST(remaining, p_points - before)::bigint AS points
        FROM walk WHERE before < p_points
    ), taken AS (
        UPDATE point_lot AS lot
        SET remaining = lot.remaining - share.points, open = lot.remaining > share.points
        FROM share WHERE lot.member_id = p_member AND lot.id = share.id
    ), line AS (
        SELECT 'member' AS side, 'available' AS account, issuer_id, id AS lot_id,
               -points AS points, before
        FROM share
        UNION ALL
        SELECT 'programme', 'redeemed', issuer_id, NULL, sum(points), 0
        FROM share GROUP BY issuer_id
    )
    INSERT INTO point_entry (
        member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points
    )
    SELECT p_member, p_set, row_number() OVER (ORDER BY side, before, issuer_id),
           p_dealer, side, account, issuer_id, lot_id, points
    FROM line;
    UPDATE point_account SET available = available - p_points, version = v_version
    WHERE member_id = p_member;
    INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
    VALUES (p_dealer, 'points.redeemed', p_member,
            jsonb_build_object('posting_set_id', p_set, 'points', p_points), p_now, p_request_id);
    spendable := spendable - p_points;
END
$$;
