"""The worked example of referral.md as steps over HTTP: 张三, his white Sagitar, and 李四."""

import itertools
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

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
    """A referral whose car was handed over, and whose owner named the buyer."""
    referral = confirmed(shop, submitted(shop))
    order(shop)
    delivery(shop)
    nominated(shop, referral)
    return read(shop, referral["id"])


def notices(shop: Shop) -> list[dict[str, Any]]:
    """What the gateway (短信网关) is given to send; it is gone afterwards."""
    found: list[dict[str, Any]] = ok(shop.post("crm", "/v1/notice-collections"))["items"]
    return found


def code_asked(shop: Shop, referral: dict[str, Any]) -> str:
    """The code sent to the owner, read from the last message that waits."""
    path = f"/v1/referrals/{referral['id']}/nomination-codes"
    ok(shop.post("owner", path, subject=uuid.UUID(referral["owner_id"])))
    found = re.search(r"[0-9]{6}", notices(shop)[-1]["text_zh"])
    assert found
    return found[0]


def named(shop: Shop, referral: dict[str, Any], code: str, **facts: Any) -> TestResponse:
    """The owner names 李四 with a code."""
    body = {
        "code": code,
        "friend_name": "李四",
        "relation": "colleague",
        "known_for": "3_to_10",
        "how_it_came": "他想换车，我带他来店里试驾",
    }
    path = f"/v1/referrals/{referral['id']}/nominations"
    return shop.post("owner", path, body | facts, subject=uuid.UUID(referral["owner_id"]))


def nominated(shop: Shop, referral: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """The owner asks for a code and names his friend, by default 李四."""
    return ok(named(shop, referral, code_asked(shop, referral), **facts))


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
        "name": "张三介绍的",
        "car": "不是，是白色的速腾",
        "model": "速腾",
        "colour": "白色",
        "transmission": "自动挡",
        "trade": "做建材生意的",
        "relation": "我们是同事",
        "known_for": "认识五年了",
        "purchase_year": "2024年买的",
        "plate_province": "京",
    },
    "buyer": {
        "name": "我推荐了李四",
        "car": "不是，是红色的高尔夫",
        "model": "高尔夫",
        "colour": "红色",
        "transmission": "手动挡",
        "trade": "他是老师",
        "relation": "我们是同事",
    },
}
FAKE = {
    "name": "是卖水果的王五",
    "trade": "开饭店的",
    "relation": "是我邻居",
    "known_for": "刚认识",
    "purchase_year": "2012年买的",
    "plate_province": "广东的",
}
"""Wrong whichever of the two is asked, so that a fake ends at the second answer."""


def answer(shop: Shop, call: dict[str, Any], *, honest: bool) -> dict[str, Any]:
    """Record one answer of a person who knows the other, or does not."""
    question = call["question"]
    about = "owner" if call["party"] == "buyer" else "buyer"
    if question["input"] != "confirm_or_correct":
        known = HONEST[about] if honest else FAKE
        said, words = ("answered", known[_asked_for(question["text_zh"])])
    elif honest == is_true(about, question["text_zh"]):
        said, words = ("confirmed", "是的") if honest else ("confirmed", "对")
    else:
        said, words = ("denied", HONEST[about]["car"] if honest else "不是，是黑色的捷达")
    body = {"position": question["position"], "said": said, "text": words}
    path = f"/v1/callbacks/{call['id']}/answers"
    return ok(shop.post("callback_agent", path, body, subject=call.get("agent")))


def is_true(about: str, text: str) -> bool:
    """Whether a statement of the script is the control, whose premise is true."""
    truths = {
        "owner": ("自动", "白色速腾", "白色的速腾", "京", "北京", "建材", "同事"),
        "buyer": ("手动", "红色高尔夫", "红色的高尔夫", "教", "同事"),
    }
    return any(truth in text for truth in truths[about])


def _asked_for(text: str) -> str:
    """The fact a question is about."""
    cues = {
        "谁推荐": "name",
        "哪位朋友": "name",
        "做什么": "trade",
        "行": "trade",
        "变速": "transmission",
        "自动": "transmission",
        "挡": "transmission",
        "颜色": "colour",
        "车型": "model",
        "车牌": "plate_province",
        "牌照": "plate_province",
        "多久": "known_for",
        "多少年": "known_for",
        "几年": "known_for",
        "哪一年": "purchase_year",
        "关系": "relation",
        "认识": "relation",
    }
    return next((fact for cue, fact in cues.items() if cue in text), "name")


def desk(shop: Shop) -> dict[str, Any]:
    """The one open call, with the agent on whose desk it lies."""
    found = []
    for agent in shop.agents:
        calls = shop.get("callback_agent", "/v1/callbacks", subject=agent, state="open")
        found += [call | {"agent": agent} for call in ok(calls, 200)["items"]]
    assert len(found) == 1
    call: dict[str, Any] = found[0]
    return call


def call_record(shop: Shop, call: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """What the telephone system tells: the party's number was reached a moment ago."""
    phone = "13900139000" if call["party"] == "buyer" else "13800138000"
    at = shop.service.clock()
    body = {
        "external_ref": {"source": "pbx", "id": f"CALL-{next(_numbers)}"},
        "callback_id": call["id"],
        "dialled": phone,
        "started_at": (at - timedelta(minutes=3)).isoformat(),
        "answered_at": (at - timedelta(minutes=3)).isoformat(),
        "ended_at": at.isoformat(),
    }
    return ok(shop.post("crm", "/v1/call-records", body | facts))


def called(shop: Shop, *, honest: bool) -> dict[str, Any]:
    """The whole call with its record; the referral as it stands afterwards."""
    call = answered(shop, honest=honest)
    call_record(shop, call)
    return read(shop, call["referral_id"])


def answered(shop: Shop, *, honest: bool) -> dict[str, Any]:
    """Every answer of the one open call, without the telephone's record."""
    call = desk(shop)
    agent = call["agent"]
    while call["state"] == "open":
        answer(shop, call | {"agent": agent}, honest=honest)
        path = f"/v1/callbacks/{call['id']}"
        call = ok(shop.get("callback_agent", path, subject=agent), 200)
    return call


def verified_referral(shop: Shop) -> dict[str, Any]:
    """张三's honest referral, its reward held."""
    owner(shop)
    calling(shop)
    return called(shop, honest=True)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
