"""What must be true of referrals, asked of the data itself (referral.md, section 7)."""

from loyalty.points.proof import Check

CHECKS = (
    Check(
        "R1",
        "a reward that was paid has a posting set of its own, of its points; no other has one",
        "SELECT w.id FROM referral_reward w LEFT JOIN posting_set s"
        " ON s.member_id = w.member_id AND s.id = w.posting_set_id"
        " WHERE (w.state IN ('paid', 'reversed')) <> (s.id IS NOT NULL) OR s.points <> w.points"
        " OR EXISTS (SELECT FROM referral_reward o WHERE o.member_id = w.member_id"
        " AND o.posting_set_id = w.posting_set_id AND o.id <> w.id)",
    ),
    Check(
        "R1",
        "points under a referral rule were paid by a reward",
        "SELECT s.member_id, s.id FROM posting_set s"
        " WHERE s.rule_id IN (SELECT rule_id FROM referral_reward) AND NOT EXISTS ("
        " SELECT FROM referral_reward w WHERE w.member_id = s.member_id"
        " AND w.posting_set_id = s.id)",
    ),
    Check(
        "R2",
        "rewarded means paid, checked and heard in a call that passed or that people accepted",
        "SELECT r.id FROM referral r WHERE r.state = 'rewarded' AND NOT ("
        " EXISTS (SELECT FROM referral_reward w WHERE w.referral_id = r.id"
        " AND w.beneficiary = 'owner' AND w.state = 'paid')"
        " AND NOT EXISTS (SELECT FROM referral_reward w WHERE w.referral_id = r.id"
        " AND w.state IN ('held', 'reversed'))"
        " AND EXISTS (SELECT FROM licence_check c WHERE c.referral_id = r.id AND c.passed)"
        " AND EXISTS (SELECT FROM callback b WHERE b.referral_id = r.id"
        " AND b.result IN ('passed', 'accepted_by_people')))",
    ),
    Check(
        "R3",
        "the last step of a referral is its state",
        "SELECT r.id FROM referral r LEFT JOIN LATERAL (SELECT t.to_state FROM"
        " referral_transition t WHERE t.referral_id = r.id ORDER BY t.seq DESC LIMIT 1) last"
        " ON true WHERE last.to_state IS DISTINCT FROM r.state",
    ),
    Check(
        "R4",
        "each step carries the hash of the one before",
        "SELECT t.referral_id, t.seq FROM referral_transition t LEFT JOIN referral_transition p"
        " ON p.referral_id = t.referral_id AND p.seq = t.seq - 1"
        " WHERE t.previous_hash <> COALESCE(p.hash, decode(repeat('00', 32), 'hex'))"
        " OR (t.seq > 1 AND (p.seq IS NULL OR p.to_state <> t.from_state))",
    ),
    Check(
        "R5",
        "a referral suspected, proven fake or failed for good opened its consultant's case",
        "SELECT r.id FROM referral r LEFT JOIN consultant_case c ON c.referral_id = r.id"
        " WHERE c.id IS NULL AND (r.state IN ('fraud_suspected', 'fraud_confirmed')"
        " OR (r.state = 'failed' AND r.due_at IS NULL))",
    ),
    Check(
        "R6",
        "a referral pays at most once per beneficiary",
        "SELECT referral_id, beneficiary FROM referral_reward WHERE state IN ('paid', 'reversed')"
        " GROUP BY referral_id, beneficiary HAVING count(*) > 1",
    ),
    Check(
        "R7",
        "one sale backs at most one referral: one order, one car, one invoice",
        "SELECT min(id::text) FROM referral WHERE order_no IS NOT NULL"
        " GROUP BY dealer_id, order_no HAVING count(*) > 1"
        " UNION ALL SELECT min(id::text) FROM referral WHERE bought_vin_index IS NOT NULL"
        " GROUP BY dealer_id, bought_vin_index HAVING count(*) > 1"
        " UNION ALL SELECT min(id::text) FROM referral WHERE invoice_no IS NOT NULL"
        " GROUP BY dealer_id, invoice_no HAVING count(*) > 1",
    ),
    Check(
        "R8",
        "what was paid was reported before the order, or before the delivery where that counts,"
        " and verified after it",
        "SELECT r.id FROM referral r WHERE r.state IN ('rewarded', 'reversed') AND ("
        " (r.submitted_at <= r.registered_at) IS NOT TRUE"
        " OR (r.registered_at < r.ordered_at OR r.cut_off = 'delivery') IS NOT TRUE"
        " OR (r.registered_at < r.delivered_at AND r.ordered_at < r.delivered_at) IS NOT TRUE"
        " OR (r.delivered_at <= r.verified_at) IS NOT TRUE)",
    ),
    Check(
        "R9",
        "points of a reward taken back were taken back, and of a reversed referral all",
        "SELECT w.id FROM referral_reward w JOIN referral r ON r.id = w.referral_id"
        " LEFT JOIN posting_set b ON b.member_id = w.member_id AND b.id = w.reversal_set_id"
        " WHERE (w.state = 'reversed') <> (b.id IS NOT NULL)"
        " OR (w.state = 'reversed' AND (b.kind <> 'clawback' OR b.reverses <> w.posting_set_id))"
        " OR (r.state = 'reversed' AND w.state IN ('held', 'paid'))"
        " OR (w.state = 'reversed' AND r.state <> 'reversed')",
    ),
)
