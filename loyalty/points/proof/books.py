"""I1-I3, I8, I9: the books by themselves. Whatever a posting set, an account or a lot says of
itself is added up again from the entries."""

from typing import Final

from loyalty.points.proof.check import Check

_MEMBERS_ROWS: Final = (
    ("posting_set", "t.member_id"),
    ("point_entry", "t.member_id"),
    ("point_lot", "t.member_id"),
    ("point_hold", "t.member_id"),
    ("source_document", "t.member_id"),
    ("redemption", "t.member_id"),
    ("point_transfer", "t.from_member_id"),
    ("point_transfer", "t.to_member_id"),
    ("benefit_grant", "t.member_id"),
    ("benefit_entry", "t.member_id"),
    ("benefit_usage", "t.member_id"),
)
_OF_ANOTHER_DEALER: Final = " UNION ALL ".join(
    f"SELECT '{table}', {member} FROM {table} t LEFT JOIN point_account a"  # noqa: S608
    f" ON a.member_id = {member} WHERE a.dealer_id IS DISTINCT FROM t.dealer_id"
    for table, member in _MEMBERS_ROWS
)

BOOKS: Final = (
    Check(
        "I1",
        "the entries of a posting set sum to zero for each issuer",
        "SELECT member_id, posting_set_id, issuer_id FROM point_entry"
        " GROUP BY member_id, posting_set_id, issuer_id HAVING sum(points) <> 0",
    ),
    Check(
        "I1",
        "all entries together sum to zero",
        "SELECT sum(points) FROM point_entry HAVING sum(points) <> 0",
    ),
    Check(
        "I1",
        "points given to other members all arrived",
        "SELECT dealer_id, issuer_id, sum(points) FROM point_entry WHERE account = 'transferred'"
        " GROUP BY dealer_id, issuer_id HAVING sum(points) <> 0",
    ),
    Check(
        "I1",
        "a posting set has the entries of its points",
        "SELECT COALESCE(s.member_id, e.member_id), COALESCE(s.id, e.posting_set_id)"
        " FROM posting_set s FULL JOIN (SELECT member_id, posting_set_id,"
        " COALESCE(sum(points) FILTER (WHERE side = 'member'), 0) AS points FROM point_entry"
        " GROUP BY member_id, posting_set_id) e"
        " ON e.member_id = s.member_id AND e.posting_set_id = s.id"
        " WHERE e.points IS DISTINCT FROM s.points",
    ),
    Check(
        "I2",
        "the stored balance is the sum of the entries",
        "SELECT COALESCE(a.member_id, e.member_id) FROM point_account a FULL JOIN ("
        " SELECT member_id,"
        " COALESCE(sum(points) FILTER (WHERE account = 'available'), 0) AS available,"
        " COALESCE(sum(points) FILTER (WHERE account = 'pending'), 0) AS pending,"
        " COALESCE(sum(points) FILTER (WHERE account = 'held'), 0) AS held,"
        " COALESCE(-sum(points) FILTER (WHERE account = 'arrears'), 0) AS arrears"
        " FROM point_entry WHERE side = 'member' GROUP BY member_id) e USING (member_id)"
        " WHERE (a.available, a.pending, a.held, a.arrears) IS DISTINCT FROM ("
        " COALESCE(e.available, 0), COALESCE(e.pending, 0), COALESCE(e.held, 0),"
        " COALESCE(e.arrears, 0))",
    ),
    Check(
        "I2",
        "the stored balance is the sum of the lots",
        "SELECT COALESCE(a.member_id, l.member_id) FROM point_account a FULL JOIN ("
        " SELECT member_id,"
        " COALESCE(sum(remaining) FILTER (WHERE activated), 0) AS available,"
        " COALESCE(sum(remaining) FILTER (WHERE NOT activated), 0) AS pending,"
        " sum(held) AS held FROM point_lot GROUP BY member_id) l USING (member_id)"
        " WHERE (a.available, a.pending, a.held) IS DISTINCT FROM ("
        " COALESCE(l.available, 0), COALESCE(l.pending, 0), COALESCE(l.held, 0))",
    ),
    Check(
        "I2",
        "what is left of a lot is what its entries left",
        "SELECT COALESCE(l.member_id, e.member_id), COALESCE(l.id, e.lot_id)"
        " FROM point_lot l FULL JOIN (SELECT member_id, lot_id,"
        " COALESCE(sum(points) FILTER (WHERE account = 'available'), 0) AS available,"
        " COALESCE(sum(points) FILTER (WHERE account = 'pending'), 0) AS pending,"
        " COALESCE(sum(points) FILTER (WHERE account = 'held'), 0) AS held"
        " FROM point_entry WHERE side = 'member' AND lot_id IS NOT NULL"
        " GROUP BY member_id, lot_id) e ON e.member_id = l.member_id AND e.lot_id = l.id"
        " WHERE (e.available, e.pending, e.held) IS DISTINCT FROM ("
        " CASE WHEN l.activated THEN l.remaining ELSE 0 END,"
        " CASE WHEN l.activated THEN 0 ELSE l.remaining END, l.held)",
    ),
    Check(
        "I3",
        "no running balance was ever below zero, and no debt above",
        "SELECT DISTINCT member_id FROM (SELECT e.member_id,"
        " sum(sum(e.points) FILTER (WHERE e.account = 'available')) OVER acts AS available,"
        " sum(sum(e.points) FILTER (WHERE e.account = 'pending')) OVER acts AS pending,"
        " sum(sum(e.points) FILTER (WHERE e.account = 'held')) OVER acts AS held,"
        " sum(sum(e.points) FILTER (WHERE e.account = 'arrears')) OVER acts AS arrears"
        " FROM point_entry e JOIN posting_set s"
        " ON s.member_id = e.member_id AND s.id = e.posting_set_id"
        " WHERE e.side = 'member' GROUP BY e.member_id, s.account_version"
        " WINDOW acts AS (PARTITION BY e.member_id ORDER BY s.account_version)) walk"
        " WHERE available < 0 OR pending < 0 OR held < 0 OR arrears > 0",
    ),
    Check(
        "I3",
        "the acts on an account are numbered without a gap",
        "SELECT COALESCE(a.member_id, s.member_id) FROM point_account a FULL JOIN ("
        " SELECT member_id, count(*) AS acts, min(account_version) AS first,"
        " max(account_version) AS last FROM posting_set GROUP BY member_id) s USING (member_id)"
        " WHERE a.version IS DISTINCT FROM COALESCE(s.last, 1)"
        " OR s.first <> 2 OR s.acts <> s.last - 1",
    ),
    Check(
        "I8",
        "a posting set has exactly one event",
        "SELECT COALESCE(s.id, o.posting_set_id) FROM posting_set s FULL JOIN ("
        " SELECT subject_id, (data ->> 'posting_set_id')::uuid AS posting_set_id,"
        " count(*) AS told, min(kind) AS kind FROM outbox_event"
        " WHERE kind LIKE 'points.%' AND data ->> 'posting_set_id' IS NOT NULL"
        " GROUP BY subject_id, (data ->> 'posting_set_id')::uuid) o"
        " ON o.subject_id = s.member_id AND o.posting_set_id = s.id"
        " WHERE s.id IS NULL OR o.told IS DISTINCT FROM 1"
        " OR o.kind <> point_event_kind(s.kind)",
    ),
    Check("I9", "the dealer is the same along every relation", _OF_ANOTHER_DEALER),
)
