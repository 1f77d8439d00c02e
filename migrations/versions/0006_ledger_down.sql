-- The ledger as revision 0005 knew it.

CREATE FUNCTION point_entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added GROUP BY member_id, posting_set_id HAVING sum(points) <> 0
    ) THEN
        RAISE EXCEPTION 'posting set is not balanced' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER balanced AFTER INSERT ON point_entry REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION point_entry_balanced();

CREATE OR REPLACE VIEW lot_allocation WITH (security_invoker = true) AS
SELECT member_id, posting_set_id, lot_id, -points AS points
FROM point_entry WHERE side = 'member' AND points < 0;

DROP INDEX ix_point_entry_payable;
DROP INDEX ix_point_entry_arrears;
ALTER TABLE point_entry
    DROP CONSTRAINT ck_point_entry_counterparty,
    DROP CONSTRAINT ck_point_entry_account,
    DROP COLUMN counterparty_id,
    ADD CONSTRAINT ck_point_entry_account CHECK (
        (side = 'member' AND account = 'available' AND lot_id IS NOT NULL)
        OR (side = 'programme' AND account IN ('issued', 'redeemed') AND lot_id IS NULL)
    );

DROP INDEX ix_point_lot_waiting;
REVOKE UPDATE (
    activated, held, expired, expired_by, reinstated, available_at, expires_at
) ON point_lot FROM loyalty_app;
ALTER TABLE point_lot
    DROP CONSTRAINT ck_point_lot_parts,
    DROP CONSTRAINT ck_point_lot_reinstated,
    DROP CONSTRAINT ck_point_lot_expires_once,
    DROP CONSTRAINT ck_point_lot_waits,
    DROP CONSTRAINT ck_point_lot_active,
    DROP COLUMN activated,
    DROP COLUMN held,
    DROP COLUMN expired,
    DROP COLUMN reinstated,
    DROP COLUMN expired_by,
    DROP COLUMN cancel_at,
    DROP COLUMN awaits,
    DROP COLUMN inactivity_months,
    DROP COLUMN inactivity_round,
    DROP COLUMN origin_lot_id,
    ALTER COLUMN available_at SET NOT NULL,
    ADD CONSTRAINT ck_point_lot_remaining CHECK (remaining BETWEEN 0 AND points);

ALTER TABLE posting_set
    DROP CONSTRAINT ck_posting_set_kind,
    DROP CONSTRAINT ck_posting_set_shortfall,
    DROP COLUMN honoured_by,
    DROP COLUMN reverses,
    DROP COLUMN reason,
    DROP COLUMN shortfall,
    ADD CONSTRAINT posting_set_kind_check CHECK (kind IN ('accrual', 'redemption')),
    ADD CONSTRAINT posting_set_points_check CHECK (abs(points) BETWEEN 1 AND 10000000);

ALTER TABLE point_account DROP COLUMN frozen;
