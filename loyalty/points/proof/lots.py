"""I6, I13 and the night's own check: holds and the dates of lots."""

from datetime import datetime
from typing import Final

from loyalty.points.proof.benefits import settled_benefits
from loyalty.points.proof.check import Check

LOTS: Final = (
    Check(
        "I6",
        "what an account has held is in its open holds",
        "SELECT COALESCE(a.member_id, h.member_id) FROM point_account a FULL JOIN ("
        " SELECT member_id, sum(points) AS points FROM point_hold WHERE state = 'open'"
        " GROUP BY member_id) h USING (member_id)"
        " WHERE a.held IS DISTINCT FROM COALESCE(h.points, 0)",
    ),
    Check(
        "I6",
        "a hold put its points aside",
        "SELECT h.member_id, h.id FROM point_hold h LEFT JOIN point_entry e"
        " ON e.member_id = h.member_id AND e.posting_set_id = h.posting_set_id"
        " AND e.account = 'held' GROUP BY h.member_id, h.id"
        " HAVING COALESCE(sum(e.points), 0) <> h.points",
    ),
    Check(
        "I6",
        "a hold has exactly one end",
        "SELECT COALESCE(h.member_id, s.member_id), COALESCE(h.id::text, s.hold)"
        " FROM point_hold h FULL JOIN (SELECT member_id, source_key AS hold,"
        " count(*) FILTER (WHERE kind = 'capture') AS captures,"
        " count(*) FILTER (WHERE kind = 'release') AS releases,"
        " -sum(points) FILTER (WHERE kind = 'capture') AS captured"
        " FROM posting_set WHERE kind IN ('capture', 'release') GROUP BY member_id, source_key) s"
        " ON s.member_id = h.member_id AND s.hold = h.id::text"
        " WHERE (COALESCE(s.captures, 0), COALESCE(s.releases, 0), s.captured)"
        " IS DISTINCT FROM (CASE h.state WHEN 'captured' THEN 1 ELSE 0 END,"
        " CASE WHEN h.state = 'open' OR h.captured = h.points THEN 0 ELSE 1 END, h.captured)"
        " OR h.id IS NULL",
    ),
    Check(
        "I13",
        "each lot expires once",
        "SELECT e.member_id, e.lot_id FROM posting_set s JOIN point_entry e"
        " ON e.member_id = s.member_id AND e.posting_set_id = s.id"
        " WHERE s.kind = 'expiry' AND e.side = 'member'"
        " GROUP BY e.member_id, e.lot_id HAVING count(*) > 1",
    ),
    Check(
        "I13",
        "a lot expired by the posting it names, at its end and not before",
        "SELECT COALESCE(l.member_id, e.member_id), COALESCE(l.id, e.lot_id) FROM ("
        " SELECT member_id, id, expired_by, expires_at FROM point_lot"
        " WHERE expired_by IS NOT NULL) l FULL JOIN ("
        " SELECT e.member_id, e.lot_id, s.id AS posting_set_id, s.posted_at FROM posting_set s"
        " JOIN point_entry e ON e.member_id = s.member_id AND e.posting_set_id = s.id"
        " WHERE s.kind = 'expiry' AND e.side = 'member') e"
        " ON e.member_id = l.member_id AND e.lot_id = l.id AND e.posting_set_id = l.expired_by"
        " WHERE l.id IS NULL OR e.lot_id IS NULL OR l.expires_at IS NULL"
        " OR e.posted_at < l.expires_at",
    ),
    Check(
        "I13",
        "what expired of the lots is what was posted as expired",
        "SELECT COALESCE(l.member_id, e.member_id), COALESCE(l.issuer_id, e.issuer_id) FROM ("
        " SELECT member_id, issuer_id, sum(expired - reinstated) AS points FROM point_lot"
        " WHERE expired > 0 GROUP BY member_id, issuer_id) l FULL JOIN ("
        " SELECT member_id, issuer_id, sum(points) AS points FROM point_entry"
        " WHERE account = 'expired' GROUP BY member_id, issuer_id) e"
        " ON e.member_id = l.member_id AND e.issuer_id = l.issuer_id"
        " WHERE COALESCE(l.points, 0) <> COALESCE(e.points, 0)",
    ),
    Check(
        "I13",
        "what was reinstated of a lot is in lots of its own, and no more than expired",
        "SELECT COALESCE(l.member_id, n.member_id), COALESCE(l.id, n.origin_lot_id) FROM ("
        " SELECT member_id, id, reinstated, expired FROM point_lot WHERE expired > 0"
        " OR reinstated > 0) l FULL JOIN (SELECT n.member_id, n.origin_lot_id,"
        " sum(n.points) AS points FROM point_lot n JOIN posting_set s"
        " ON s.member_id = n.member_id AND s.id = n.posting_set_id"
        " WHERE n.origin_lot_id IS NOT NULL AND s.kind = 'reinstatement'"
        " GROUP BY n.member_id, n.origin_lot_id) n"
        " ON n.member_id = l.member_id AND n.origin_lot_id = l.id"
        " WHERE COALESCE(l.reinstated, 0) <> COALESCE(n.points, 0) OR l.reinstated > l.expired",
    ),
)
_OPEN_LOTS: Final = (
    "SELECT l.member_id, l.id FROM point_lot l JOIN posting_set s"
    " ON s.member_id = l.member_id AND s.id = l.posting_set_id"
    " WHERE l.open AND s.posted_at <= {0}"
)
_OPEN_HOLDS: Final = (
    "SELECT member_id, id FROM point_hold"
    " WHERE state = 'open' AND expires_at <= {0} AND held_at <= {0}"
)


def settled_checks(as_of: datetime) -> tuple[Check, ...]:
    """What a night worked for `as_of` leaves nothing of: rows that were due and stand open.

    Only what was posted by then counts: a document taken after the night may bring a lot whose
    date is past already.
    """
    then = f"TIMESTAMPTZ '{as_of.isoformat()}'"
    lots = _OPEN_LOTS.format(then)
    return (
        Check("I13", "no lot past its date is open", f"{lots} AND l.expires_at <= {then}"),
        Check(
            "F4",
            "no points are pending whose day has come",
            f"{lots} AND NOT l.activated AND (l.available_at <= {then}"
            f" OR (l.available_at IS NULL AND l.cancel_at <= {then}))",
        ),
        Check(
            "I6",
            "no hold past its time is open",
            _OPEN_HOLDS.format(then),
        ),
        *settled_benefits(as_of),
    )
