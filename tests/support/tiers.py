"""Steps of tiers over HTTP: a scheme of two components and three levels, facts, standings."""

import uuid
from typing import Any

from loyalty.points.nightly import Failure
from loyalty.tiers.nightly import assess_all
from tests.faults.rig import entered
from tests.support import story
from tests.support.earning import day
from tests.support.shop import Shop

ORDERS = {
    "code": "orders",
    "group": "life_cycle",
    "measure": "count",
    "kinds": ["service_order"],
    "window_days": 60,
    "weight": 70,
    "bands": [{"at_least": 1, "points": 50}, {"at_least": 2, "points": 100}],
}
MARKS = {
    "code": "marks",
    "group": "loyalty",
    "measure": "average",
    "kinds": ["satisfaction"],
    "window_days": 365,
    "weight": 30,
    "bands": [{"at_least": 60, "points": 50}, {"at_least": 90, "points": 100}],
    "otherwise": 20,
}
LEVELS = [
    {"code": "base", "name_zh": "普通会员", "name_en": "Member", "at_least": 0},
    {"code": "silver", "name_zh": "银卡", "name_en": "Silver", "at_least": 4000},
    {
        "code": "gold",
        "name_zh": "金卡",
        "name_en": "Gold",
        "at_least": 9000,
        "by_model": {"速腾": 8000},
    },
]


def scheme(levels: list[dict[str, Any]] = LEVELS, **ladder: Any) -> dict[str, Any]:
    """The body of a scheme: up to gold by two orders in sixty days and a good survey."""
    return {
        "components": [ORDERS, MARKS],
        "ladder": {"levels": levels, "grace_days": 30, "step": "one"} | ladder,
    }


def draft_scheme(shop: Shop, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """A version as the dealer's administrator writes it down."""
    told = {"body": body or scheme(), "effective_from": day(shop)}
    return story.ok(shop.post("dealer_admin", "/v1/tier-schemes", told))


def publish_scheme(shop: Shop, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """A version in force from today."""
    path = f"/v1/tier-schemes/{draft_scheme(shop, body)['id']}/publications"
    return story.ok(shop.post("programme_admin", path))


def tell(shop: Shop, member: uuid.UUID, kind: str, **more: Any) -> Any:
    """The answer to a fact of today."""
    body = {
        "external_ref": {"source": "crm", "id": uuid.uuid4().hex},
        "member_id": str(member),
        "kind": kind,
        "happened_on": day(shop),
    } | more
    return shop.post("crm", "/v1/value-facts", body)


def standing(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    """Where the owner sees himself stand."""
    return story.ok(shop.get("owner", f"/v1/members/{member}/tier", subject=member), 200)


def words(shop: Shop, member: uuid.UUID) -> list[dict[str, Any]]:
    """What was said about the member's tier, the latest word first."""
    found: list[dict[str, Any]] = story.ok(
        shop.get("owner", f"/v1/members/{member}/tiers", subject=member), 200
    )["items"]
    return found


def night(shop: Shop) -> int:
    """The night's work on tiers; how many moved."""
    failures: list[Failure] = []
    moved = assess_all(lambda: entered(shop), failures, as_of=shop.service.clock())
    assert failures == []
    return moved
