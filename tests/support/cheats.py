"""What cheats have in common: a second owner, calls only some can answer, nothing to collect."""

import uuid
from collections.abc import Collection
from typing import Any

from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire
from tests.support.story import ok

TIGUAN = {"vin": "LSVAA4183E2000001", "plate": "京A12346", "model": "途观", "colour": "黑色"}
WANG_WU = {"name": "王五", "phone": "13800138005"}


def wang_wu(shop: Shop) -> uuid.UUID:
    """Another owner, 王五, with a black Tiguan."""
    wang = story.member(shop, **WANG_WU)
    car = {**story.SAGITAR, **TIGUAN, "member_id": str(wang)}
    ok(shop.post("crm", "/v1/vehicle-ownerships", car))
    return wang


def naming_wang_wu(shop: Shop, phone: str, **buyer: Any) -> dict[str, Any]:
    """A report of another consultant that names 王五, of a buyer with this phone."""
    slip = story.report(shop)["slip"] | {
        "owner_name": WANG_WU["name"],
        "owner_phone": WANG_WU["phone"],
        "owner_model": TIGUAN["model"],
        "owner_colour": TIGUAN["colour"],
    }
    report = story.report(shop, buyer=sales.buyer(shop, phone, **buyer), slip=slip)
    return ok(shop.post("consultant", "/v1/referrals", report, subject=hire(shop, "consultant")))


def stands(shop: Shop, referral: dict[str, Any]) -> tuple[str, str | None]:
    """State and reason."""
    now = story.read(shop, referral["id"])
    return now["state"], now["reason"]


def told(answer: Any) -> tuple[int, str | None]:
    """Status and code of an answer."""
    return answer.status_code, (answer.json or {}).get("code")


def collects_nothing(
    shop: Shop, clock: TestClock, referral: dict[str, Any], owner: uuid.UUID
) -> None:
    """When every hold is long over finance cannot pay, and the owner has no points."""
    clock.add(days=16)
    payment = sales.payment(shop, story.read(shop, referral["id"]))
    assert told(payment) == (409, "transition_not_allowed")
    assert story.balance(shop, owner) == 0


def both_are_called(shop: Shop) -> None:
    """The dealer has both called, by two agents, at any hour: even 200 points are large to him."""
    hire(shop, "callback_agent")
    sales.policy(shop, large_reward_points=200, calling_from_hour=0, calling_until_hour=24)


def phoned(shop: Shop, *, knowing: Collection[str]) -> str:
    """One whole call with its record; only the parties named know the other. Who was called."""
    party: str = story.desk(shop)["party"]
    story.called(shop, honest=party in knowing)
    return party


def handed_over(shop: Shop, **changes: Any) -> dict[str, Any]:
    """A referral whose car was handed over; its owner was not heard yet."""
    referral = story.confirmed(shop, story.submitted(shop, **changes))
    story.order(shop)
    story.delivery(shop)
    return story.read(shop, referral["id"])


def licence_check(shop: Shop, referral: dict[str, Any], **facts: Any) -> tuple[int, str | None]:
    """What the showroom manager is told who compares the right licence."""
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    sent = {"version": referral["version"]} | facts
    return told(shop.post("showroom_manager", path, story.LICENCE, **sent))


def owns(shop: Shop, member: uuid.UUID, **car: Any) -> None:
    """The CRM knows one more car of his."""
    body = {"member_id": str(member), **story.SAGITAR, "plate": None, **car}
    ok(shop.post("crm", "/v1/vehicle-ownerships", body))
