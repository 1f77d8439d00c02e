-- The decisions of the ledger, taken in the database under the account's row lock (ledger.md).
-- Lock in one statement, read the lots in the next: each statement of a PL/pgSQL function takes
-- a fresh snapshot under READ COMMITTED, so lots that a waiting call reads are never stale.
-- The account's version, counted up under that lock, is the order of its posting sets.
-- Functions with queries of their own are PL/pgSQL: its plans are kept for the connection, where an
-- SQL function that cannot be inlined is planned anew at every call.

CREATE OR REPLACE FUNCTION point_lot_alive(
    p_available_at timestamptz, p_expires_at timestamptz, p_now timestamptz
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(p_available_at <= p_now, false) AND (p_expires_at IS NULL OR p_now < p_expires_at)
$$;

-- A time-ordered identifier (UUIDv7) for what the database itself makes.
CREATE OR REPLACE FUNCTION point_new_id(p_now timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM p_now) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid
$$;

-- When a lot ends that lasts so many months after a day: rules/expiry.py, said in SQL.
CREATE OR REPLACE FUNCTION point_lasts_until(
    p_day date, p_months integer, p_round text, p_zone text
) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT (CASE p_round
        WHEN 'day' THEN last + interval '1 day'
        WHEN 'month' THEN date_trunc('month', last) + interval '1 month'
        WHEN 'quarter' THEN date_trunc('quarter', last) + interval '3 months'
        WHEN 'year' THEN date_trunc('year', last) + interval '1 year'
    END) AT TIME ZONE p_zone
    FROM (SELECT p_day::timestamp + make_interval(months => p_months) AS last) reckoned
$$;

-- What integrators hear of a posting set.
CREATE OR REPLACE FUNCTION point_event_kind(p_kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'points.' || CASE p_kind
        WHEN 'accrual' THEN 'accrued'
        WHEN 'opening' THEN 'opened'
        WHEN 'adjustment' THEN 'adjusted'
        WHEN 'reinstatement' THEN 'reinstated'
        WHEN 'transfer_in' THEN 'transferred_in'
        WHEN 'transfer_out' THEN 'transferred_out'
        WHEN 'redemption' THEN 'redeemed'
        WHEN 'reversal' THEN 'restored'
        WHEN 'clawback' THEN 'clawed_back'
        WHEN 'hold' THEN 'held'
        WHEN 'capture' THEN 'captured'
        WHEN 'release' THEN 'released'
        WHEN 'activation' THEN 'activated'
        WHEN 'cancellation' THEN 'cancelled'
        WHEN 'expiry' THEN 'expired'
        WHEN 'arrears' THEN 'arrears_settled'
    END
$$;

-- What the member may spend at this instant, whether or not any job has run (F6): lots alive, and
-- what a hold past its time still keeps of them, less arrears that no lot has paid which began and
-- ended since the last look.
CREATE OR REPLACE FUNCTION point_spendable(p_member uuid, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT GREATEST(0, COALESCE((
            SELECT sum(remaining) FROM point_lot
            WHERE member_id = p_member AND open AND point_lot_alive(available_at, expires_at, p_now)
        ), 0) + COALESCE((
            SELECT sum(e.points)
            FROM point_hold h
            JOIN point_entry e ON e.member_id = h.member_id AND e.posting_set_id = h.posting_set_id
                AND e.account = 'held'
            JOIN point_lot l ON l.member_id = e.member_id AND l.id = e.lot_id
            WHERE h.member_id = p_member AND h.state = 'open' AND h.expires_at <= p_now
                AND point_lot_alive(l.available_at, l.expires_at, p_now)
        ), 0) - GREATEST(0, COALESCE((
            SELECT arrears FROM point_account WHERE member_id = p_member
        ), 0) - COALESCE((
            SELECT sum(remaining) FROM point_lot
            WHERE member_id = p_member AND open AND NOT activated
                AND available_at < expires_at AND expires_at <= p_now
        ), 0)))::bigint
    );
END
$$;

-- Whether time has left something to write for a member: a lot begun or ended, a hold run out.
CREATE OR REPLACE FUNCTION point_is_due(p_member uuid, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT EXISTS (
            SELECT FROM point_lot WHERE member_id = p_member AND open AND expires_at <= p_now
        ) OR EXISTS (
            SELECT FROM point_lot WHERE member_id = p_member AND open AND NOT activated
                AND (available_at <= p_now OR cancel_at <= p_now)
        ) OR EXISTS (
            SELECT FROM point_hold
            WHERE member_id = p_member AND state = 'open' AND expires_at <= p_now
        )
    );
END
$$;

-- Locks accounts in the order of their ids (ledger.md, lock order); how many there are.
CREATE OR REPLACE FUNCTION point_lock(p_members uuid[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM (
            SELECT FROM point_account WHERE member_id = ANY (p_members)
            ORDER BY member_id FOR NO KEY UPDATE
        ) locked
    );
END
$$;

CREATE OR REPLACE FUNCTION point_sum(p_parts point_part[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(sum(points), 0)::bigint FROM unnest(p_parts)
$$;
