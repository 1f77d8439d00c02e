"""F32, F33: benefits. A lot is the sum of its entries; what it keeps is reserved or used."""

from datetime import datetime
from typing import Final

from loyalty.points.proof.check import Check

BENEFITS: Final = (
    Check(
        "F32",
        "a lot of a benefit is the sum of its entries",
        "SELECT COALESCE(g.member_id, e.member_id), COALESCE(g.id, e.grant_id)"
        " FROM benefit_grant g FULL JOIN (SELECT member_id, grant_id, sum(granted) AS granted,"
        " sum(reserved) AS reserved, sum(used) AS used, sum(lapsed) AS lapsed"
        " FROM benefit_entry GROUP BY member_id, grant_id) e"
        " ON e.member_id = g.member_id AND e.grant_id = g.id"
        " WHERE (COALESCE(g.granted, 0), g.reserved, g.used, g.lapsed)"
        " IS DISTINCT FROM (e.granted, e.reserved, e.used, e.lapsed)",
    ),
    Check(
        "F32",
        "no more of a benefit is taken than was granted, and a closed lot has nothing left",
        "SELECT member_id, id FROM benefit_grant WHERE least(reserved, used, lapsed) < 0"
        " OR reserved + used + lapsed > granted"
        " OR (NOT open AND (reserved <> 0 OR used + lapsed <> granted))",
    ),
    Check(
        "F32",
        "what a lot of a benefit keeps and used is in its reservations",
        "SELECT g.member_id, g.id FROM benefit_grant g LEFT JOIN (SELECT member_id, grant_id,"
        " count(*) FILTER (WHERE state = 'reserved') AS reserved,"
        " count(*) FILTER (WHERE state = 'used') AS used"
        " FROM benefit_usage GROUP BY member_id, grant_id) u"
        " ON u.member_id = g.member_id AND u.grant_id = g.id"
        " WHERE (g.reserved, g.used) <> (COALESCE(u.reserved, 0), COALESCE(u.used, 0))",
    ),
    Check(
        "F32",
        "a reservation went from step to step, each once",
        "SELECT u.member_id, u.id FROM benefit_usage u LEFT JOIN (SELECT member_id, usage_id,"
        " string_agg(kind, ' ' ORDER BY kind) AS steps FROM benefit_entry"
        " WHERE usage_id IS NOT NULL GROUP BY member_id, usage_id) e"
        " ON e.member_id = u.member_id AND e.usage_id = u.id"
        " WHERE e.steps IS DISTINCT FROM CASE u.state WHEN 'reserved' THEN 'reserve'"
        " WHEN 'used' THEN 'reserve use' WHEN 'released' THEN 'release reserve'"
        " WHEN 'no_show' THEN 'no_show reserve' WHEN 'reversed' THEN 'reserve reverse use' END",
    ),
    Check(
        "F32",
        "what was carried over left the lot it came from",
        "SELECT COALESCE(g.member_id, e.member_id), COALESCE(g.carried_from, e.grant_id) FROM ("
        " SELECT member_id, carried_from, granted FROM benefit_grant WHERE origin = 'carried') g"
        " FULL JOIN (SELECT member_id, grant_id, sum(lapsed) AS units FROM benefit_entry"
        " WHERE kind = 'carry' GROUP BY member_id, grant_id) e"
        " ON e.member_id = g.member_id AND e.grant_id = g.carried_from"
        " WHERE g.granted IS DISTINCT FROM e.units",
    ),
    Check(
        "F33",
        "a use is owed to whoever honoured it",
        "SELECT member_id, id FROM benefit_usage WHERE (used_at IS NULL) <> (honoured_by IS NULL)"
        " OR (partner_fen <> 0 AND honoured_by IS NOT DISTINCT FROM dealer_id)",
    ),
)


_OPEN_LOTS: Final = (
    "SELECT g.member_id, g.id FROM benefit_grant g JOIN dealer d ON d.id = g.dealer_id"
    " WHERE g.open AND g.valid_until <= ({0} AT TIME ZONE d.timezone)::date"
)
_OPEN_RESERVATIONS: Final = (
    "SELECT member_id, id FROM benefit_usage WHERE state = 'reserved' AND ends_at <= {0}"
)


def settled_benefits(as_of: datetime) -> tuple[Check, ...]:
    """What a night worked for `as_of` leaves nothing of."""
    then = f"TIMESTAMPTZ '{as_of.isoformat()}'"
    return (
        Check("F32", "no lot of a benefit past its end is open", _OPEN_LOTS.format(then)),
        Check(
            "F32",
            "no reservation of a benefit past its end stands",
            _OPEN_RESERVATIONS.format(then),
        ),
    )
