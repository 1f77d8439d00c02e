"""The worked example of referral.md as steps over HTTP: 张三, his white Sagitar, and 李四."""

import itertools
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from loyalty.formats import vin
from tests.support.shop import Shop

ZHANG_SAN = {
    "name": "张三",
    "phone": "13800138000",
    "occupation": "建材",
    "joined_on": "2024-05-01",
}
SAGITAR = {
    "vin": "LFV2A21K8A3000001",
    "plate": "京A12345",
    "model": "速腾",
    "colour": "白色",
    "transmission": "automatic",
    "owned_from": "2024-05-01",
}
GOLF = {
    "vin": "LSVWY4180KN246094",
    "model": "高尔夫",
    "colour": "红色",
    "transmission": "manual",
}
LICENCE = {"plate_no": "京A12345", "owner_name": "张三", "vin": SAGITAR["vin"]}
_numbers = itertools.count(1)


def ok(answer: Any, status: int = 201) -> dict[str, Any]:
    """The answer's JSON, if the status is the expected one."""
    assert answer.status_code == status, (answer.status_code, answer.json)
    found: dict[str, Any] = answer.json
    return found


def member(shop: Shop, **facts: str) -> uuid.UUID:
    """A member without a car."""
    reference = {"source": "crm", "id": f"M-{next(_numbers)}"}
    body = {"external_ref": reference, **ZHANG_SAN, **facts}
    return uuid.UUID(ok(shop.post("crm", "/v1/members", body))["id"])


def owner(shop: Shop, **car: str) -> uuid.UUID:
    """张三 with his white automatic Sagitar."""
    zhang_san = member(shop)
    ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(zhang_san), **SAGITAR, **car}))
    return zhang_san


def earn(shop: Shop, member_id: uuid.UUID, yuan: int, **facts: Any) -> dict[str, Any]:
    """A service order of this many yuan, paid by the customer."""
    body = {
        "external_ref": {"source": "crm", "id": f"SO-{next(_numbers)}"},
        "kind": "service_order",
        "member_id": str(member_id),
        "occurred_on": today(shop),
        "lines": [{"payer": "customer", "amount": {"amount_fen": yuan * 100, "currency": "CNY"}}],
    }
    return ok(shop.post("crm", "/v1/documents", body | facts))


def reward(shop: Shop, *, points: int = 100, stock: int = 10) -> str:
    """A gift in the catalogue."""
    body = {
        "code": f"G-{next(_numbers)}",
        "name_zh": "洗车",
        "name_en": "A wash",
        "points": points,
        "stock": stock,
    }
    found: str = ok(shop.post("programme_admin", "/v1/rewards", body))["id"]
    return found


def balance(shop: Shop, member_id: uuid.UUID) -> int:
    """What the member can spend now."""
    found: int = ok(shop.get("owner", f"/v1/members/{member_id}/balance", subject=member_id), 200)[
        "available"
    ]
    return found


def today(shop: Shop) -> str:
    """The dealer's business day."""
    return (shop.service.clock() + timedelta(hours=8)).date().isoformat()


def now(shop: Shop) -> str:
    """An instant later than everything the service has done so far."""
    time.sleep(0.002)
    return shop.service.clock().astimezone(UTC).isoformat()


def report(shop: Shop, **changes: Any) -> dict[str, Any]:
    """What the consultant enters when 李四 mentions 张三."""
    return {
        "buyer": {
            "name": "李四",
            "phone": "13900139000",
            "occupation": "教师",
            "first_visit_on": today(shop),
        },
        "slip": {
            "owner_name": "张三",
            "owner_phone": "13800138000",
            "owner_model": "速腾",
            "owner_colour": "白色",
            "mentioned_at": now(shop),
            "how_helped": "推荐到店试驾",
            "relation": "同事",
        },
        "consent_version": "2026-01",
    } | changes


def submitted(shop: Shop, **changes: Any) -> dict[str, Any]:
    return ok(shop.post("consultant", "/v1/referrals", report(shop, **changes)))


def confirmed(shop: Shop, referral: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/referrals/{referral['id']}/confirmations"
    return ok(shop.post("duty_manager", path, version=referral["version"]))


def order(shop: Shop, **facts: Any) -> dict[str, Any]:
    body = {
        "external_ref": {"source": "crm", "id": f"E-{next(_numbers)}"},
        "kind": "order",
        "order_no": "DD-7",
        "occurred_at": now(shop),
        "buyer_phone": "13900139000",
    }
    return ok(shop.post("crm", "/v1/sale-events", body | facts))


def delivery(shop: Shop, **facts: Any) -> dict[str, Any]:
    body = {
        "external_ref": {"source": "crm", "id": f"E-{next(_numbers)}"},
        "kind": "delivery",
        "order_no": "DD-7",
        "occurred_at": now(shop),
        "car": GOLF | {"invoice_no": "FP-7", "invoiced_on": today(shop)},
    }
    return ok(shop.post("crm", "/v1/sale-events", body | facts))


def golf(shop: Shop, number: int) -> dict[str, str]:
    """One more red manual Golf with its own VIN and invoice."""
    plain = f"LSVWY418.KN{number:06}"
    digit = vin.check_digit(plain.replace(".", "0"))
    return GOLF | {
        "vin": plain.replace(".", digit),
        "invoice_no": f"FP-{number}",
        "invoiced_on": today(shop),
    }


def delivered(shop: Shop) -> dict[str, Any]:
    """A referral whose car was handed over."""
    referral = confirmed(shop, submitted(shop))
    order(shop)
    delivery(shop)
    return read(shop, referral["id"])


def read(shop: Shop, referral_id: str) -> dict[str, Any]:
    return ok(shop.get("duty_manager", f"/v1/referrals/{referral_id}"), 200)


def checked(shop: Shop, referral: dict[str, Any], **licence: Any) -> dict[str, Any]:
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    body = LICENCE | licence
    return ok(shop.post("showroom_manager", path, body, version=referral["version"]))


def calling(shop: Shop) -> dict[str, Any]:
    """A referral whose call waits at the agent's desk."""
    referral = delivered(shop)
    checked(shop, referral)
    return read(shop, referral["id"])


HONEST = {
    "owner": {
        "car": "不是，是白色的速腾",
        "model": "速腾",
        "colour": "白色",
        "transmission": "自动挡",
        "trade": "做建材生意的",
        "relation": "我们是同事",
        "plate_province": "京",
    },
    "buyer": {
        "car": "不是，是红色的高尔夫",
        "model": "高尔夫",
        "colour": "红色",
        "transmission": "手动挡",
        "trade": "他是老师",
        "relation": "我们是同事",
    },
}


def answer(shop: Shop, call: dict[str, Any], *, honest: bool) -> dict[str, Any]:
    """Record one answer of a person who knows the other, or does not."""
    question = call["question"]
    about = "owner" if call["party"] == "buyer" else "buyer"
    if question["input"] == "confirm_or_correct":
        said, words = ("denied", HONEST[about]["car"]) if honest else ("confirmed", "是的")
    else:
        said, words = ("answered", _knows(about, question["text_zh"]) if honest else "不太清楚")
    body = {"position": question["position"], "said": said, "text": words}
    return ok(shop.post("callback_agent", f"/v1/callbacks/{call['id']}/answers", body))


def _knows(about: str, text: str) -> str:
    cues = {
        "做什么": "trade",
        "行": "trade",
        "变速": "transmission",
        "自动": "transmission",
        "挡": "transmission",
        "颜色": "colour",
        "车型": "model",
        "车牌": "plate_province",
        "牌照": "plate_province",
        "关系": "relation",
        "认识": "relation",
    }
    fact = next(fact for cue, fact in cues.items() if cue in text)
    return HONEST[about][fact]


def desk(shop: Shop) -> dict[str, Any]:
    """The agent's one open call."""
    found = ok(shop.get("callback_agent", "/v1/callbacks", state="open"), 200)["items"]
    assert len(found) == 1
    call: dict[str, Any] = found[0]
    return call


def called(shop: Shop, *, honest: bool) -> dict[str, Any]:
    """The whole call; the referral as it stands afterwards."""
    call = desk(shop)
    while call["state"] == "open":
        answer(shop, call, honest=honest)
        call = ok(shop.get("callback_agent", f"/v1/callbacks/{call['id']}"), 200)
    return read(shop, call["referral_id"])


def verified_referral(shop: Shop) -> dict[str, Any]:
    """张三's honest referral, its reward held."""
    owner(shop)
    calling(shop)
    return called(shop, honest=True)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
