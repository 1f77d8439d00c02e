"""One of everything that people do to a balance by hand, to be named in paths."""

import uuid

from tests.support.shop import Shop
from tests.support.story import ok


def by_hand(shop: Shop, member: uuid.UUID) -> dict[str, str]:
    """A hold, an adjustment that waits, and a freeze that was lifted again."""
    named = {"member_id": str(member)}
    hold = ok(shop.post("crm", "/v1/point-holds", named | {"points": 10, "minutes": 60}))
    wish = named | {"points": 10, "reason": "工单漏记积分"}
    adjustment = ok(shop.post("consultant", "/v1/point-adjustments", wish))
    freeze = ok(shop.post("showroom_manager", "/v1/account-freezes", named | {"reason": "核实中"}))
    ok(shop.post("dealer_admin", f"/v1/account-freezes/{freeze['id']}/lifts"))
    return {
        "hold_id": hold["id"],
        "adjustment_id": adjustment["id"],
        "freeze_id": freeze["id"],
    }
