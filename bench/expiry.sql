-- The night's expiry as pure set-based statements over the whole table: the same writes, no pages,
-- no locks of their own, no dealer, no roles. The yardstick of expiry_1m_vs_sql.
BEGIN;
CREATE TEMPORARY TABLE due ON COMMIT DROP AS
SELECT lot.member_id, lot.id, lot.dealer_id, lot.issuer_id, lot.remaining, lot.activated,
       point_new_id(now()) AS set_id
FROM point_lot lot WHERE open AND expires_at <= now();
UPDATE point_lot lot SET
    remaining = 0, open = false, expired = lot.expired + due.remaining, expired_by = due.set_id
FROM due WHERE lot.member_id = due.member_id AND lot.id = due.id;
UPDATE point_account account SET
    available = account.available - due.remaining, version = account.version + 1
FROM due WHERE account.member_id = due.member_id;
INSERT INTO posting_set (
    member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
    source, source_key, actor_id, actor_role, request_id
)
SELECT due.member_id, set_id, due.dealer_id, account.version, 'expiry', -remaining, current_date,
       now(), 'expiry', set_id::text, 'bench', 'system', 'bench'
FROM due JOIN point_account account USING (member_id);
INSERT INTO point_entry (
    member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points
)
SELECT member_id, set_id, 1, dealer_id, 'member', 'available', issuer_id, id, -remaining FROM due
UNION ALL
SELECT member_id, set_id, 2, dealer_id, 'programme', 'expired', issuer_id, NULL, remaining FROM due;
INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
SELECT dealer_id, 'points.expired', member_id,
       jsonb_build_object('posting_set_id', set_id, 'points', -remaining), now(), 'bench'
FROM due;
COMMIT;
