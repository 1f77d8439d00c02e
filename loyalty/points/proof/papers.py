"""I4, I10: documents, the rules they earned by, and the people who decided."""

from typing import Final

from loyalty.points.proof.check import Check

PAPERS: Final = (
    Check(
        "I4",
        "a document has one posting set, of its points",
        "SELECT d.id FROM source_document d LEFT JOIN posting_set s"
        " ON s.member_id = d.member_id AND s.id = d.posting_set_id"
        " WHERE d.returns_id IS NULL AND d.points <> COALESCE(s.points, 0)"
        " OR (s.id IS NULL) <> (d.points = 0)"
        " OR (s.source, s.source_key) <> (d.source, d.source_event_id)",
    ),
    Check(
        "I4",
        "a return took back what it says",
        "SELECT d.id FROM source_document d LEFT JOIN ("
        " SELECT s.member_id, CASE WHEN s.source = 'clawback'"
        " THEN split_part(s.source_key, '/', 1)::uuid ELSE r.id END AS document_id, e.points"
        " FROM posting_set s JOIN point_entry e"
        " ON e.member_id = s.member_id AND e.posting_set_id = s.id AND e.account = 'reversed'"
        " LEFT JOIN source_document r ON r.member_id = s.member_id AND r.posting_set_id = s.id"
        " WHERE s.kind = 'clawback') back ON back.document_id = d.id"
        " WHERE d.returns_id IS NOT NULL"
        " GROUP BY d.id HAVING COALESCE(sum(back.points), 0) <> -d.points",
    ),
    Check(
        "I4",
        "no issuer takes back more of a document than he gave for it",
        "SELECT back.member_id, back.reverses, back.issuer_id FROM ("
        " SELECT s.member_id, s.reverses, e.issuer_id, sum(e.points) AS points"
        " FROM posting_set s JOIN point_entry e"
        " ON e.member_id = s.member_id AND e.posting_set_id = s.id AND e.account = 'reversed'"
        " JOIN source_document d ON d.member_id = s.member_id AND d.posting_set_id = s.reverses"
        " WHERE s.kind = 'clawback' AND d.returns_id IS NULL"
        " GROUP BY s.member_id, s.reverses, e.issuer_id) back LEFT JOIN ("
        " SELECT member_id, posting_set_id, issuer_id, sum(points) AS points FROM point_lot"
        " GROUP BY member_id, posting_set_id, issuer_id) gave"
        " ON gave.member_id = back.member_id AND gave.posting_set_id = back.reverses"
        " AND gave.issuer_id = back.issuer_id WHERE back.points > COALESCE(gave.points, 0)",
    ),
    Check(
        "I4",
        "all returns of a document together are no more than it earned",
        "SELECT o.id FROM source_document o JOIN (SELECT returns_id, sum(points) AS points"
        " FROM source_document WHERE returns_id IS NOT NULL GROUP BY returns_id) r"
        " ON r.returns_id = o.id WHERE o.points + r.points < 0",
    ),
    Check(
        "I4",
        "a document is credited once, to one member",
        "SELECT dealer_id, source, source_key FROM posting_set WHERE kind = 'accrual'"
        " GROUP BY dealer_id, source, source_key HAVING count(*) > 1",
    ),
    Check(
        "I4",
        "a document's points are what the rules granted",
        "SELECT d.id FROM source_document d LEFT JOIN (SELECT member_id, document_id,"
        " sum(points) AS points FROM rule_grant GROUP BY member_id, document_id) g"
        " ON g.member_id = d.member_id AND g.document_id = d.id"
        " WHERE (g.points IS NOT NULL OR (d.evaluation IS NOT NULL AND d.returns_id IS NULL))"
        " AND d.points <> COALESCE(g.points, 0)",
    ),
    Check(
        "I4",
        "each grant is a lot of its rule",
        "SELECT g.member_id, g.document_id, g.rule_code FROM rule_grant g LEFT JOIN point_lot l"
        " ON l.member_id = g.member_id AND l.id = g.lot_id"
        " WHERE (l.points, l.rule_id, l.rule_version)"
        " IS DISTINCT FROM (g.points, g.rule_code, g.rule_version)",
    ),
    Check(
        "I4",
        "what a budget has given is what was granted from it",
        "SELECT b.dealer_id, b.rule_code, b.rule_version FROM rule_budget b LEFT JOIN ("
        " SELECT dealer_id, rule_code, rule_version, sum(points) AS points FROM rule_grant"
        " GROUP BY dealer_id, rule_code, rule_version) g"
        " USING (dealer_id, rule_code, rule_version)"
        " WHERE b.granted <> COALESCE(g.points, 0) OR b.granted > b.budget",
    ),
    Check(
        "I4",
        "a transfer took from one what it gave the other",
        "SELECT t.id FROM point_transfer t"
        " LEFT JOIN posting_set o ON o.member_id = t.from_member_id AND o.id = t.out_set_id"
        " LEFT JOIN posting_set i ON i.member_id = t.to_member_id AND i.id = t.in_set_id"
        " WHERE (o.kind, o.points, i.kind, i.points)"
        " IS DISTINCT FROM ('transfer_out', -t.points, 'transfer_in', t.points)",
    ),
    Check(
        "I10",
        "a rule was published by another than its author",
        "SELECT dealer_id, code, version FROM earning_rule WHERE state = 'published'"
        " AND (publisher_id IS NULL OR publisher_id = author_id)",
    ),
    Check(
        "I10",
        "an adjustment had two people, or one and was small; it posted its points",
        "SELECT a.id FROM point_adjustment a LEFT JOIN posting_set s"
        " ON s.member_id = a.member_id AND s.id = a.posting_set_id"
        " WHERE a.state = 'posted' AND ((s.kind, s.points)"
        " IS DISTINCT FROM ('adjustment', a.points) OR a.decided_by IS NULL"
        " OR (a.decided_by = a.requested_by"
        " AND NOT (a.single_handed AND abs(a.points) <= 2000)))",
    ),
    Check(
        "I10",
        "a freeze was lifted by another than who froze",
        "SELECT id FROM account_freeze WHERE lifted_by = frozen_by",
    ),
)
