"""What must be true of referrals, asked of the data itself (referral.md, section 7)."""

from loyalty.points.proof import Check

CHECKS = (
    Check(
        "R1",
        "a paid reward has a posting set of its own, of its points; no other reward has one",
        "SELECT w.id FROM referral_reward w LEFT JOIN posting_set s"
        " ON s.member_id = w.member_id AND s.id = w.posting_set_id"
        " WHERE (w.state = 'paid') <> (s.id IS NOT NULL) OR s.points <> w.points"
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
        "rewarded means paid, checked and called",
        "SELECT r.id FROM referral r WHERE r.state = 'rewarded' AND NOT ("
        " EXISTS (SELECT FROM referral_reward w WHERE w.referral_id = r.id AND w.state = 'paid')"
        " AND EXISTS (SELECT FROM licence_check c WHERE c.referral_id = r.id AND c.passed)"
        " AND EXISTS (SELECT FROM callback b WHERE b.referral_id = r.id AND b.state = 'closed'))",
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
        "a failed call opened its consultant's case",
        "SELECT r.id FROM referral r LEFT JOIN consultant_case c ON c.referral_id = r.id"
        " WHERE (r.state = 'failed') <> (c.id IS NOT NULL)",
    ),
)
