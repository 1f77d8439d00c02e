"""I7: rewards. Every piece received is in stock, redeemed, or kept by a hold."""

from typing import Final

from loyalty.points.proof.check import Check

STOCK: Final = (
    Check(
        "I7",
        "stock left, redeemed and kept is the stock received",
        "SELECT k.reward_id FROM reward_stock k LEFT JOIN (SELECT reward_id,"
        " sum(quantity) AS quantity FROM ("
        " SELECT r.reward_id, r.quantity FROM redemption r LEFT JOIN redemption_cancellation c"
        " ON c.redemption_id = r.id WHERE c.redemption_id IS NULL"
        " UNION ALL SELECT reward_id, quantity FROM hold_purpose WHERE stock = 'kept') piece"
        " GROUP BY reward_id) gone USING (reward_id)"
        " WHERE k.available < 0 OR k.received - k.available <> COALESCE(gone.quantity, 0)",
    ),
    Check(
        "I7",
        "a redemption took the points it cost",
        "SELECT r.id FROM redemption r LEFT JOIN posting_set s"
        " ON s.member_id = r.member_id AND s.id = r.posting_set_id"
        " WHERE (s.points, s.kind) IS DISTINCT FROM"
        " (-r.points, CASE WHEN r.hold_id IS NULL THEN 'redemption' ELSE 'capture' END)",
    ),
    Check(
        "I7",
        "a cancellation gave back what it says, of its own redemption",
        "SELECT c.redemption_id FROM redemption_cancellation c"
        " JOIN redemption r ON r.id = c.redemption_id LEFT JOIN posting_set s"
        " ON s.member_id = c.member_id AND s.id = c.posting_set_id"
        " WHERE (s.points, s.kind, s.reverses)"
        " IS DISTINCT FROM (c.restored, 'reversal', r.posting_set_id)"
        " OR c.restored > r.points",
    ),
    Check(
        "I7",
        "the stock a hold kept went the way of its points",
        "SELECT p.member_id, p.hold_id FROM hold_purpose p JOIN point_hold h"
        " ON h.member_id = p.member_id AND h.id = p.hold_id"
        " LEFT JOIN redemption r ON r.member_id = p.member_id AND r.hold_id = p.hold_id"
        " WHERE p.stock <> 'none' AND ((p.stock = 'used') <> (h.state = 'captured')"
        " OR (p.stock = 'used') <> (r.id IS NOT NULL)"
        " OR (p.stock = 'kept' AND h.state = 'released'))",
    ),
    Check(
        "I7",
        "a hold whose order was let go was not captured",
        "SELECT p.hold_id FROM hold_purpose p JOIN point_hold h"
        " ON h.member_id = p.member_id AND h.id = p.hold_id"
        " WHERE NOT p.live AND h.state = 'captured'",
    ),
)
