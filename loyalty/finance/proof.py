"""What must be true of closed months, in the style of loyalty/points/proof/ (F17, F18).

A posting that appears in a month after its close, by whatever way, breaks S1 or S3.
"""

from typing import Final

from loyalty.points.proof import Check

CHECKS: Final = (
    Check(
        "S1",
        "a closed statement is the sum of what became payable in its month",
        "WITH owed AS (SELECT c.id AS month_close_id, e.issuer_id AS debtor_id,"
        " e.counterparty_id AS creditor_id, sum(e.points) AS points,"
        " sum(e.points * l.unit_cost_fen) AS exact_fen, count(DISTINCT e.lot_id) AS lots"
        " FROM month_close c JOIN posting_set s ON s.dealer_id = c.dealer_id"
        " AND s.posted_at >= c.starts_at AND s.posted_at < c.ends_at"
        " JOIN point_entry e ON e.member_id = s.member_id AND e.posting_set_id = s.id"
        " AND e.account = 'payable'"
        " JOIN point_lot l ON l.member_id = e.member_id AND l.id = e.lot_id GROUP BY 1, 2, 3)"
        " SELECT month_close_id, debtor_id, creditor_id FROM owed FULL JOIN settlement t"
        " USING (month_close_id, debtor_id, creditor_id)"
        " WHERE (owed.points, owed.exact_fen, owed.lots)"
        " IS DISTINCT FROM (t.points, t.exact_fen, t.lots)",
    ),
    Check(
        "S2",
        "closes are numbered without a gap and follow month upon month",
        "SELECT dealer_id, number FROM (SELECT dealer_id, number, starts_at,"
        " row_number() OVER counted AS nth, lag(ends_at) OVER counted AS before"
        " FROM month_close WINDOW counted AS (PARTITION BY dealer_id ORDER BY month)) walk"
        " WHERE number <> nth OR before <> starts_at",
    ),
    Check(
        "S2",
        "statements of a close are numbered without a gap",
        "SELECT month_close_id, place FROM (SELECT month_close_id, place,"
        " row_number() OVER (PARTITION BY month_close_id ORDER BY place) AS nth"
        " FROM settlement) walk WHERE place <> nth",
    ),
    Check(
        "S3",
        "the balance kept with a close is the sum of all entries before its end",
        "WITH moved AS (SELECT c.dealer_id, c.number, e.issuer_id, e.side, e.account,"
        " sum(e.points) AS points FROM month_close c"
        " JOIN posting_set s ON s.dealer_id = c.dealer_id AND s.posted_at < c.ends_at"
        " AND (s.posted_at >= c.starts_at OR c.number = 1)"
        " JOIN point_entry e ON e.member_id = s.member_id AND e.posting_set_id = s.id"
        " GROUP BY 1, 2, 3, 4, 5), kept AS (SELECT c.dealer_id, c.number, b.issuer_id, b.side,"
        " b.account, b.points - COALESCE(p.points, 0) AS points"
        " FROM month_balance b JOIN month_close c ON c.id = b.month_close_id"
        " LEFT JOIN month_close o ON o.dealer_id = c.dealer_id AND o.number = c.number - 1"
        " LEFT JOIN month_balance p ON p.month_close_id = o.id AND p.issuer_id = b.issuer_id"
        " AND p.side = b.side AND p.account = b.account)"
        " SELECT dealer_id, number FROM moved FULL JOIN kept"
        " USING (dealer_id, number, issuer_id, side, account)"
        " WHERE COALESCE(moved.points, 0) <> COALESCE(kept.points, 0)",
    ),
    Check(
        "S3",
        "nothing is missing from the balance kept with a later close",
        "SELECT b.month_close_id, b.account FROM month_balance b"
        " JOIN month_close c ON c.id = b.month_close_id"
        " JOIN month_close n ON n.dealer_id = c.dealer_id AND n.number = c.number + 1"
        " LEFT JOIN month_balance a ON a.month_close_id = n.id AND a.issuer_id = b.issuer_id"
        " AND a.side = b.side AND a.account = b.account WHERE a.points IS NULL",
    ),
    Check(
        "S4",
        "the balance kept with a close sums to zero for every issuer",
        "SELECT month_close_id, issuer_id FROM month_balance"
        " GROUP BY month_close_id, issuer_id HAVING sum(points) <> 0",
    ),
)
