"""I7: pools of voucher codes. Every piece of a pool is a code, and every code has one way to go."""

from typing import Final

from loyalty.points.proof.check import Check

_POOLED: Final = "SELECT reward_id FROM reward_stock WHERE codes IS NOT NULL"

CODES: Final = (
    Check(
        "I7",
        "the codes a pool has left are its pieces in stock",
        "SELECT k.reward_id FROM reward_stock k FULL JOIN (SELECT reward_id,"
        " count(*) FILTER (WHERE state = 'available') AS codes FROM reward_code"
        " GROUP BY reward_id) c USING (reward_id)"
        " WHERE (k.codes IS NOT NULL OR c.codes IS NOT NULL)"
        " AND (k.available, k.codes) IS DISTINCT FROM (COALESCE(c.codes, 0), COALESCE(c.codes, 0))",
    ),
    Check(
        "I7",
        "a redemption of a pool has a code for each piece, until it is cancelled",
        "SELECT COALESCE(r.id, c.redemption_id) FROM (SELECT n.* FROM redemption n"  # noqa: S608 (constants)
        " LEFT JOIN redemption_cancellation x ON x.redemption_id = n.id"
        f" WHERE x.redemption_id IS NULL AND n.reward_id IN ({_POOLED})) r"
        " FULL JOIN (SELECT redemption_id, reward_id, member_id, count(*) AS codes"
        " FROM reward_code WHERE state = 'issued' GROUP BY redemption_id, reward_id, member_id) c"
        " ON c.redemption_id = r.id AND c.reward_id = r.reward_id AND c.member_id = r.member_id"
        " WHERE r.quantity IS DISTINCT FROM c.codes",
    ),
    Check(
        "I7",
        "a hold over a pool keeps a code for each piece",
        "SELECT COALESCE(p.hold_id, c.hold_id) FROM (SELECT member_id, hold_id, reward_id, quantity"  # noqa: S608 (constants)
        f" FROM hold_purpose WHERE stock = 'kept' AND reward_id IN ({_POOLED})) p"
        " FULL JOIN (SELECT member_id, hold_id, reward_id, count(*) AS codes FROM reward_code"
        " WHERE state = 'held' GROUP BY member_id, hold_id, reward_id) c"
        " ON c.member_id = p.member_id AND c.hold_id = p.hold_id AND c.reward_id = p.reward_id"
        " WHERE p.quantity IS DISTINCT FROM c.codes",
    ),
    Check(
        "I7",
        "no code is handed out twice",
        "SELECT dealer_id, code_index FROM reward_code GROUP BY dealer_id, code_index"
        " HAVING count(*) > 1",
    ),
    Check(
        "I7",
        "what was handed over was not cancelled",
        "SELECT s.redemption_id FROM redemption_step s JOIN redemption_cancellation c"
        " ON c.redemption_id = s.redemption_id WHERE s.step = 'handed_over'",
    ),
    Check(
        "I7",
        "a cancelled redemption has the step that says so, and no other has it",
        "SELECT COALESCE(c.redemption_id, s.redemption_id) FROM redemption_cancellation c FULL JOIN"
        " (SELECT redemption_id, member_id FROM redemption_step WHERE step = 'cancelled') s"
        " ON s.redemption_id = c.redemption_id AND s.member_id = c.member_id"
        " WHERE c.redemption_id IS NULL OR s.redemption_id IS NULL",
    ),
)
