"""What the CRM tells around a sale beyond order and delivery, and the dealer's own figures."""

import itertools
import uuid
from typing import Any

from tests.support import story
from tests.support.clock import TestClock
from tests.support.shop import Shop
from tests.support.story import ok

_numbers = itertools.count(1)


def policy(shop: Shop, **figures: Any) -> dict[str, Any]:
    """A policy with these figures, and no audit sample, published by another person for today."""
    drafted = policy_drafted(shop, **figures)
    path = f"/v1/referral-policies/{drafted['id']}/publications"
    return ok(shop.post("programme_admin", path))


def policy_drafted(shop: Shop, **figures: Any) -> dict[str, Any]:
    body = {
        "body": {"audit_sample_percent": 0} | figures,
        "effective_from": story.today(shop),
        "effective_until": None,
    }
    return ok(shop.post("showroom_manager", "/v1/referral-policies", body))


def sale_event(shop: Shop, kind: str, **facts: Any) -> Any:
    """An event of order DD-7 that names neither car nor phone."""
    body = {
        "external_ref": {"source": "crm", "id": f"S-{next(_numbers)}"},
        "kind": kind,
        "order_no": "DD-7",
        "occurred_at": story.now(shop),
    }
    return shop.post("crm", "/v1/sale-events", body | facts)


def cancelled(shop: Shop, **facts: Any) -> dict[str, Any]:
    return ok(sale_event(shop, "cancellation", **facts))


def returned(shop: Shop, **facts: Any) -> dict[str, Any]:
    return ok(sale_event(shop, "return", **facts))


def deposit(shop: Shop, **facts: Any) -> dict[str, Any]:
    """李四 pays a deposit."""
    return ok(sale_event(shop, "deposit", **({"buyer_phone": "13900139000"} | facts)))


def lead(shop: Shop, **facts: Any) -> Any:
    """The CRM had 李四 as a lead from its website."""
    body = {
        "external_ref": {"source": "crm", "id": f"L-{next(_numbers)}"},
        "phone": "13900139000",
        "channel": "website",
        "opened_at": story.now(shop),
    }
    return shop.post("crm", "/v1/leads", body | facts)


def payment(shop: Shop, referral: dict[str, Any], **facts: Any) -> Any:
    path = f"/v1/referrals/{referral['id']}/reward-payments"
    return shop.post("finance", path, version=referral["version"], **facts)


def rewarded(shop: Shop, clock: TestClock) -> dict[str, Any]:
    """张三's honest referral, paid after the hold."""
    referral = story.verified_referral(shop)
    clock.add(days=16)
    return ok(payment(shop, referral))


def buyer(shop: Shop, phone: str, **facts: Any) -> dict[str, Any]:
    """李四 as a consultant reports him, under this phone."""
    whole: dict[str, Any] = story.report(shop)["buyer"]
    return whole | {"phone": phone} | facts


def owner_of(referral: dict[str, Any]) -> uuid.UUID:
    return uuid.UUID(referral["owner_id"])


def called(shop: Shop, phone: str) -> dict[str, Any]:
    """The whole honest call of a buyer who has this phone, with its record."""
    call = story.answered(shop, honest=True)
    dialled = phone if call["party"] == "buyer" else story.ZHANG_SAN["phone"]
    story.call_record(shop, call, dialled=dialled)
    return story.read(shop, call["referral_id"])
